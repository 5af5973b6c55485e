/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci-archive: an OCI layout in a tar file, read. libarchive finds the entries and where their bytes are; the bytes are
 * read from the file itself, so that a blob can be read by whoever comes, in any order.
 *
 * Entries other than blobs/ALG/HEX, index.json and oci-layout are passed over, whatever their names: `ctr images
 * export` puts docker's manifest.json there.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "oci/folder.h"
#include "oci/refs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* An image of OCI_ENTRIES_MAX platforms has some 10000 blobs; what has more entries is no image, or one of hostility. */
#define ENTRIES_MAX 65536
#define READ_BLOCK  (64 * 1024)
#define INDEX       "index.json"
#define MARK        "oci-layout"

struct entry {
	char name[OCI_DIGEST_MAX]; /* a digest, or INDEX, or MARK */
	uint64_t offset, size;
};

struct archive_source {
	struct oci_source source;
	int fd;
	char *text, *tag;
	struct entry *entries; /* by name */
	size_t count, room;
};

/* ---- the list of entries ------------------------------------------------------------------------------- */

/* What we know a path by: "" for what is not ours. A leading "./" is how tar names what it finds in ".". */
static void name_entry(const char *path, char out[static OCI_DIGEST_MAX])
{
	size_t len;

	out[0] = '\0';
	while (!strncmp(path, "./", 2))
		path += 2;
	if (!strcmp(path, INDEX) || !strcmp(path, MARK)) {
		snprintf(out, OCI_DIGEST_MAX, "%s", path);
		return;
	}
	len = strlen(path);
	if (strncmp(path, "blobs/", 6) != 0 || len < 6 + 7 || len - 6 >= OCI_DIGEST_MAX || path[12] != '/')
		return;
	snprintf(out, OCI_DIGEST_MAX, "%.6s:%s", path + 6, path + 13);
	if (!oci_digest_is(out))
		out[0] = '\0';
}

static int add_entry(struct archive_source *tar, struct archive *reader, struct archive_entry *entry,
		uint64_t file_size, struct err *err)
{
	const char *path = archive_entry_pathname(entry);
	struct entry found = { .name = "" };

	if (path)
		name_entry(path, found.name);
	if (!*found.name)
		return 0;
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
			archive_entry_sparse_count(entry) > 0)
		return err_set(err, ERR_FORMAT, "the entry '%.200s' is no plain file", path);
	found.offset = (uint64_t)archive_filter_bytes(reader, -1);
	found.size = (uint64_t)archive_entry_size(entry);
	if (found.size > file_size || found.offset > file_size - found.size)
		return err_set(err, ERR_FORMAT, "the file ends inside of the entry '%.200s'", path);
	if (tar->count == tar->room) {
		tar->room = tar->room ? 2 * tar->room : 64;
		tar->entries = xreallocarray(tar->entries, tar->room, sizeof(found));
	}
	tar->entries[tar->count++] = found;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int sort_entries(struct archive_source *tar, struct err *err)
{
	if (tar->count)
		qsort(tar->entries, tar->count, sizeof(*tar->entries), by_name);
	for (size_t i = 1; i < tar->count; i++)
		if (!strcmp(tar->entries[i].name, tar->entries[i - 1].name))
			return err_set(err, ERR_FORMAT,
					"holds '%s' twice, and readers disagree which of the two counts",
					tar->entries[i].name);
	return 0;
}

static int read_entries(struct archive_source *tar, struct archive *reader, uint64_t size, struct err *err)
{
	struct archive_entry *entry = NULL;

	archive_read_support_format_tar(reader);
	if (archive_read_open_fd(reader, tar->fd, READ_BLOCK) != ARCHIVE_OK)
		return err_set(err, ERR_FORMAT, "is no sound tar file: %s", archive_error_string(reader));
	for (size_t n = 0;; n++) {
		int status = archive_read_next_header(reader, &entry);
		if (status == ARCHIVE_EOF)
			return sort_entries(tar, err);
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return err_set(err, ERR_FORMAT, "is no sound tar file: %s",
					archive_error_string(reader));
		if (n == ENTRIES_MAX)
			return err_set(err, ERR_LIMIT, "has more than %d entries", ENTRIES_MAX);
		if (add_entry(tar, reader, entry, size, err) < 0)
			return -1;
	}
}

static const struct entry *find(const struct archive_source *tar, const char *name)
{
	struct entry wanted;

	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	return tar->count ? bsearch(&wanted, tar->entries, tar->count, sizeof(wanted), by_name) : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int get_entry(
		const struct archive_source *tar, const char *name, const struct entry **out, struct err *err)
{
	*out = find(tar, name);
	if (!*out)
		return err_set(err, ERR_NOT_FOUND, "%s: holds no '%s'", tar->text, name);
	return 0;
}

static int open_entry(const struct archive_source *tar, const struct entry *entry, struct oci_reader **out,
		struct err *err)
{
	int fd = fcntl(tar->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0) {
		err_errno(err, ERR_IO, "%s: opening the file again", tar->text);
		return -1;
	}
	*out = region_reader(fd, entry->offset, entry->size, tar->text);
	return 0;
}

static int read_small(
		const struct archive_source *tar, const struct entry *entry, struct buf *out, struct err *err)
{
	auto_oci_reader struct oci_reader *reader = NULL;
	size_t got = 0;

	if (entry->size > OCI_MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, "%s: '%s' exceeds %zu bytes", tar->text, entry->name,
				OCI_MANIFEST_MAX);
	if (open_entry(tar, entry, &reader, err) < 0)
		return -1;
	do {
		char *room = buf_room(out, READ_BLOCK);
		if (!room || pull_read(&reader->pull, room, READ_BLOCK, &got, err) < 0)
			return room ? -1 : buf_check(out, entry->name, err);
		buf_grew(out, got);
	} while (got);
	return 0;
}

static int find_root(const struct archive_source *tar, struct oci_manifest_bytes *out, uint64_t *size,
		struct err *err)
{
	auto_buf struct buf text = BUF_MAX(OCI_MANIFEST_MAX + READ_BLOCK);
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
	const struct entry *entry = NULL;
	struct oci_descriptor root;

	if (get_entry(tar, INDEX, &entry, err) < 0 || read_small(tar, entry, &text, err) < 0)
		return -1;
	if (oci_index_parse(buf_span(&text), OCI_TYPE_INDEX, &index, err) < 0)
		return err_wrap(err, "%s: '" INDEX "'", tar->text);
	if (refs_find(&index, tar->tag, &root, err) < 0)
		return err_wrap(err, "%s", tar->text);
	snprintf(out->digest, sizeof(out->digest), "%s", root.digest);
	snprintf(out->media_type, sizeof(out->media_type), "%s", root.media_type);
	*size = root.size;
	return 0;
}

static int archive_manifest(
		struct oci_source *self, const char *digest, struct oci_manifest_bytes *out, struct err *err)
{
	struct archive_source *tar = (struct archive_source *)self;
	auto_buf struct buf text = BUF_MAX(OCI_MANIFEST_MAX + READ_BLOCK);
	const struct entry *entry = NULL;
	uint64_t wanted = 0;

	if (digest)
		snprintf(out->digest, sizeof(out->digest), "%s", digest);
	else if (find_root(tar, out, &wanted, err) < 0)
		return -1;
	if (get_entry(tar, out->digest, &entry, err) < 0)
		return -1;
	if (!digest && entry->size != wanted)
		return err_set(err, ERR_FORMAT,
				"%s: the manifest '%s' has %llu bytes, and '" INDEX "' says %llu", tar->text,
				out->digest, (unsigned long long)entry->size, (unsigned long long)wanted);
	if (read_small(tar, entry, &text, err) < 0)
		return -1;
	buf_add_span(&out->bytes, buf_span(&text));
	return buf_check(&out->bytes, out->digest, err);
}

static int archive_blob(struct oci_source *self, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err)
{
	const struct archive_source *tar = (const struct archive_source *)self;
	const struct entry *entry = NULL;

	if (get_entry(tar, blob->digest, &entry, err) < 0)
		return -1;
	if (entry->size != blob->size)
		return err_set(err, ERR_FORMAT,
				"%s: the blob '%s' has %llu bytes, and the manifest says %llu", tar->text,
				blob->digest, (unsigned long long)entry->size,
				(unsigned long long)blob->size);
	return open_entry(tar, entry, out, err);
}

static void archive_source_free(struct oci_source *self)
{
	struct archive_source *tar = (struct archive_source *)self;

	own_close(&tar->fd);
	free(tar->text);
	free(tar->tag);
	free(tar->entries);
	free(tar);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static const char *packed_as(int fd)
{
	unsigned char head[6] = { 0 };

	if (pread(fd, head, sizeof(head), 0) < 2)
		return NULL;
	if (head[0] == 0x1f && head[1] == 0x8b)
		return "gzip";
	if (!memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return "zstd";
	if (!memcmp(head,
			    "\xfd"
			    "7zXZ",
			    5))
		return "xz";
	return !memcmp(head, "BZh", 3) ? "bzip2" : NULL;
}

static int open_file(struct archive_source *tar, const char *path, struct err *err)
{
	struct stat what;

	tar->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (tar->fd < 0 || fstat(tar->fd, &what) < 0)
		return err_errno(
				err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "opening");
	if (!S_ISREG(what.st_mode))
		return err_set(err, ERR_USAGE, "is no regular file%s",
				S_ISDIR(what.st_mode) ? ": a folder is named by oci:" : "");
	const char *packed = packed_as(tar->fd);
	if (packed)
		return err_set(err, ERR_FORMAT,
				"is compressed by %s; unpack it first, its layers are compressed in "
				"themselves",
				packed);
	struct archive *reader = archive_read_new();
	if (!reader)
		abort();
	int status = read_entries(tar, reader, (uint64_t)what.st_size, err);
	archive_read_free(reader);
	if (!status && !find(tar, INDEX))
		status = err_set(err, ERR_FORMAT, "holds no '" INDEX "' and so no OCI image%s",
				find(tar, MARK) ? ""
						: "; an archive of `docker save` before version 25 has none");
	return status;
}

int oci_archive_source(const struct oci_place *place, struct oci_source **out, struct err *err)
{
	static const struct oci_source_ops ops = {
		.manifest = archive_manifest,
		.blob = archive_blob,
		.free = archive_source_free,
	};
	struct archive_source *tar = xcalloc(1, sizeof(*tar));

	tar->source.ops = &ops;
	tar->fd = -1;
	tar->text = xstrdup(place->text);
	tar->tag = xstrdup(place->tag);
	if (open_file(tar, place->path, err) < 0) {
		archive_source_free(&tar->source);
		return err_wrap(err, "%s", place->text);
	}
	*out = &tar->source;
	return 0;
}
