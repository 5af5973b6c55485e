/* SPDX-License-Identifier: Apache-2.0 */
/* Small images in places on disk, for the tests of the transports. Each test works in an empty folder of its own. */
#ifndef COCOON_TESTS_OCI_IMAGES_H
#define COCOON_TESTS_OCI_IMAGES_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "oci/manifest.h"
#include "oci/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

static const struct oci_access test_access = { .user_agent = "test" };

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *at)
{
	(void)what;
	(void)type;
	(void)at;
	return remove(path);
}

static inline int enter_folder(void **state)
{
	char *folder = xstrdup("/tmp/cocoon-test-oci-XXXXXX");

	*state = folder;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static inline int leave_folder(void **state)
{
	auto_free char *folder = *state;

	return chdir("/") == 0 && nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
}

static inline void put_bytes(const char *path, struct span bytes)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct err err = ERR_NONE;

	if (fd < 0 || fs_write_fd(fd, path, bytes, &err) < 0)
		fail_msg("%s: %s", path, err.text);
}

static inline void put(const char *path, const char *text)
{
	put_bytes(path, span_of(text));
}

static inline char *slurp(const char *path)
{
	auto_buf struct buf text = BUF_MAX(16 << 20);
	struct err err = ERR_NONE;

	if (fs_read(path, &text, &err) < 0)
		fail_msg("%s", err.text);
	return buf_take(&text);
}

static inline bool is_there(const char *path)
{
	struct stat what;

	return lstat(path, &what) == 0;
}

/* How many names of a folder begin so. */
static inline size_t count_names(const char *folder, const char *prefix)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
				!strncmp(entry->d_name, prefix, strlen(prefix)))
			count++;
	closedir(dir);
	return count;
}

/* On the heap: three paths are much for a stack. */
static inline struct oci_place *place_new(const char *text)
{
	struct oci_place *place = xcalloc(1, sizeof(*place));
	struct err err = ERR_NONE;

	if (oci_place_parse(text, place, &err) < 0)
		fail_msg("%s", err.text);
	return place;
}

static inline struct oci_source *open_source(const char *text)
{
	auto_free struct oci_place *place = place_new(text);
	struct oci_source *source = NULL;
	struct err err = ERR_NONE;

	if (oci_source_open(place, &test_access, &source, &err) < 0)
		fail_msg("%s", err.text);
	return source;
}

static inline struct oci_dest *open_dest(const char *text)
{
	auto_free struct oci_place *place = place_new(text);
	struct oci_dest *dest = NULL;
	struct err err = ERR_NONE;

	if (oci_dest_open(place, &test_access, NULL, &dest, &err) < 0)
		fail_msg("%s", err.text);
	return dest;
}

/* A blob of these bytes; writes its digest. */
static inline void add_blob(struct oci_dest *dest, struct span bytes, char digest[static OCI_DIGEST_MAX])
{
	auto_oci_writer struct oci_writer *writer = NULL;
	struct err err = ERR_NONE;

	oci_digest_of(bytes, digest);
	if (oci_dest_blob(dest, bytes.len, &writer, &err) < 0 ||
			stream_feed(oci_writer_stream(writer), bytes, &err) < 0 ||
			oci_writer_commit(writer, digest, &err) < 0)
		fail_msg("%s", err.text);
}

/* An image of one layer that holds `content`, as the root of a place or not; the place is not yet committed. */
static inline void add_image(
		struct oci_dest *dest, const char *content, bool root, char digest[static OCI_DIGEST_MAX])
{
	char config[OCI_DIGEST_MAX], layer[OCI_DIGEST_MAX];
	struct err err = ERR_NONE;

	add_blob(dest, SPAN_LIT("{}"), config);
	add_blob(dest, span_of(content), layer);
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\","
				  "\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
				  "\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":\"" LAYER_TYPE
				  "\",\"digest\":\"%s\",\"size\":%zu}]}",
					config, layer, strlen(content));
	if (oci_dest_manifest(dest, span_of(text), OCI_TYPE_MANIFEST, root, digest, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void commit(struct oci_dest *dest)
{
	struct err err = ERR_NONE;

	if (oci_dest_commit(dest, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void make_image(const char *text, const char *content)
{
	auto_oci_dest struct oci_dest *dest = open_dest(text);
	char digest[OCI_DIGEST_MAX];

	add_image(dest, content, true, digest);
	commit(dest);
}

/* What the only layer of the image that `text` names holds; fails with the reason in *err. */
static inline int read_image(const char *text, struct buf *content, struct err *err)
{
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	auto_oci_source struct oci_source *source = NULL;
	auto_oci_reader struct oci_reader *reader = NULL;
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	char chunk[7];
	size_t got = 1;

	int status = oci_place_parse(text, place, err);
	if (!status)
		status = oci_source_open(place, &test_access, &source, err);
	if (!status)
		status = oci_source_manifest(source, NULL, &bytes, err);
	if (!status)
		status = oci_manifest_parse(buf_span(&bytes.bytes), bytes.media_type, &manifest, err);
	if (!status)
		status = oci_source_blob(source, &manifest.layers[0], &reader, err);
	while (!status && got) {
		status = pull_read(oci_reader_pull(reader), chunk, sizeof(chunk), &got, err);
		if (!status)
			buf_add(content, chunk, got);
	}
	buf_clear(&bytes.bytes);
	return status;
}

static inline void holds_image(const char *text, const char *content)
{
	auto_buf struct buf got = BUF_MAX(16 << 20);
	struct err err = ERR_NONE;

	if (read_image(text, &got, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&got), content);
}

/* Opening or reading the image fails with this kind, and says these words. */
static inline void refuses_image(const char *text, enum err_kind kind, const char *words)
{
	auto_buf struct buf got = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	if (read_image(text, &got, &err) == 0)
		fail_msg("'%s' was read", text);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: %s (expected %s: %s)", err_kind_name(err.kind), err.text, err_kind_name(kind),
				words);
}

/* As for a dest. */
static inline void refuses_dest(const char *text, enum err_kind kind, const char *words)
{
	auto_free struct oci_place *place = place_new(text);
	auto_oci_dest struct oci_dest *dest = NULL;
	struct err err = ERR_NONE;

	if (oci_dest_open(place, &test_access, NULL, &dest, &err) == 0)
		fail_msg("'%s' was opened", text);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: %s (expected %s: %s)", err_kind_name(err.kind), err.text, err_kind_name(kind),
				words);
}

#endif
