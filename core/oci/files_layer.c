/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's bytes through its digest and libarchive, which unpacks and finds the entries: gzip or zstd as the media type
 * says, and tar, nothing else. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "crypto/digest.h"
#include "oci/files_own.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE       ((size_t)64 * 1024)
/* a layer of an operating system has some 10000, one of a language's modules ten times that */
#define ENTRIES_MAX ((size_t)4 << 20)

struct layer {
	struct oci_reader *blob;
	struct digest digest;
	struct archive *tar;
	int filter; /* libarchive's number of what it is packed with */
	uint64_t bytes;
	struct err failure; /* of reading the blob */
	char piece[PIECE];
};

/* ---- what it is packed with ---- */

static int filter_of(const char *type, int *out, struct err *err)
{
	static const char *const prefixes[] = { "application/vnd.oci.image.layer.",
		"application/vnd.docker.image.rootfs." };
	static const struct {
		const char *end;
		int filter;
	} ends[] = { { ".tar", ARCHIVE_FILTER_NONE }, { ".tar+gzip", ARCHIVE_FILTER_GZIP },
		{ ".tar.gzip", ARCHIVE_FILTER_GZIP }, { ".tar+zstd", ARCHIVE_FILTER_ZSTD },
		{ ".tar.zstd", ARCHIVE_FILTER_ZSTD } };
	struct span text = span_of(type);

	if (span_ends(text, "+encrypted"))
		return err_set(err, ERR_DENIED, "it is encrypted, and only a guest can read it");
	for (size_t i = 0; i < 5; i++)
		if ((span_starts(text, prefixes[0]) || span_starts(text, prefixes[1])) &&
				span_ends(text, ends[i].end)) {
			*out = ends[i].filter;
			return 0;
		}
	return err_set(err, ERR_FORMAT, "its type '%.200s' is no layer's that could be read", type);
}

/* Its external programs are never wanted: then the answer is ARCHIVE_WARN. */
static int support(struct layer *layer, struct err *err)
{
	bool able = archive_read_support_format_tar(layer->tar) == ARCHIVE_OK &&
			archive_read_support_format_empty(layer->tar) == ARCHIVE_OK;

	if (able && layer->filter == ARCHIVE_FILTER_GZIP)
		able = archive_read_support_filter_gzip(layer->tar) == ARCHIVE_OK;
	if (able && layer->filter == ARCHIVE_FILTER_ZSTD)
		able = archive_read_support_filter_zstd(layer->tar) == ARCHIVE_OK;
	return able ? 0
		    : err_set(err, ERR_BUG, "libarchive cannot read it: %s",
				      archive_error_string(layer->tar));
}

/* What the bytes are decides libarchive; what they were to be, the type. */
static int check_filter(const struct layer *layer, struct err *err)
{
	int count = layer->filter == ARCHIVE_FILTER_NONE ? 1 : 2;

	if (archive_filter_count(layer->tar) != count || archive_filter_code(layer->tar, 0) != layer->filter)
		return err_set(err, ERR_FORMAT, "its bytes are not packed as its type says");
	return 0;
}

/* ---- bytes ---- */

static int begin_digest(struct layer *layer, const char *text, struct err *err)
{
	enum digest_alg alg;

	if (!oci_digest_is(text))
		return err_set(err, ERR_FORMAT, "'%.160s' is no digest", text);
	if (digest_alg_parse(span_new(text, strcspn(text, ":")), &alg, err) < 0)
		return -1;
	digest_init(&layer->digest, alg);
	return 0;
}

static int end_digest(struct layer *layer, const char *text, struct err *err)
{
	unsigned char raw[DIGEST_MAX];
	char hex[DIGEST_HEX_MAX];

	digest_done(&layer->digest, raw);
	hex_encode_raw(hex, span_new(raw, digest_size(layer->digest.alg)));
	hex[2 * digest_size(layer->digest.alg)] = '\0';
	if (strcmp(hex, text + strcspn(text, ":") + 1) != 0)
		return err_set(err, ERR_FORMAT, "its bytes are not what the digest says");
	return 0;
}

static int read_piece(struct layer *layer, size_t *got, struct err *err)
{
	if (pull_read(oci_reader_pull(layer->blob), layer->piece, PIECE, got, err) < 0)
		return -1;
	layer->bytes += *got;
	digest_feed(&layer->digest, span_new(layer->piece, *got));
	return 0;
}

static la_ssize_t give_bytes(struct archive *tar, void *ctx, const void **out)
{
	struct layer *layer = ctx;
	size_t got = 0;

	*out = layer->piece;
	if (read_piece(layer, &got, &layer->failure) == 0)
		return (la_ssize_t)got;
	archive_set_error(tar, EIO, "no further bytes");
	return -1;
}

/* Behind the archive's end there may be more, that counts for the digest. */
static int read_rest(struct layer *layer, struct err *err)
{
	size_t got = 1;

	while (got)
		if (read_piece(layer, &got, err) < 0)
			return -1;
	return 0;
}

static int tar_error(const struct layer *layer, struct err *err)
{
	if (layer->failure.kind == ERR_OK)
		return err_set(err, ERR_FORMAT, "it is no sound archive: %s",
				archive_error_string(layer->tar));
	if (err)
		*err = layer->failure;
	return -1;
}

/* ---- entries ---- */

/* From the root, without the parts that say nothing. */
static int clean_path(const char *path, char out[static FILES_PATH_MAX], struct err *err)
{
	struct span rest = span_of(path), part;
	size_t len = 0;

	out[0] = '\0';
	while (span_next(&rest, '/', &part)) {
		if (!part.len || span_is(part, "."))
			continue;
		if (span_is(part, ".."))
			return err_set(err, ERR_FORMAT,
					"'%.200s': a path with '..', which readers take differently", path);
		if (part.len + 2 > FILES_PATH_MAX - len)
			return err_set(err, ERR_LIMIT, "'%.200s…': a path of more than %d bytes", path,
					FILES_PATH_MAX);
		len += (size_t)snprintf(
				out + len, FILES_PATH_MAX - len, "%s%.*s", len ? "/" : "", SPAN_ARG(part));
	}
	return 0;
}

static enum files_kind kind_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return FILES_LINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return FILES_FOLDER;
	case AE_IFREG:
		return FILES_REGULAR;
	case AE_IFLNK:
		return FILES_SYMLINK;
	default:
		return FILES_OTHER;
	}
}

/* The next one may be as long as it likes to be skipped. */
static int check_room(const struct layer *layer, struct archive_entry *entry, struct err *err)
{
	uint64_t before = (uint64_t)archive_filter_bytes(layer->tar, 0);
	int64_t size = archive_entry_size(entry);

	if (size < 0 || before > OCI_LAYER_UNPACKED_MAX || (uint64_t)size > OCI_LAYER_UNPACKED_MAX - before)
		return err_set(err, ERR_LIMIT, "it unpacks to more than %llu bytes",
				(unsigned long long)OCI_LAYER_UNPACKED_MAX);
	return 0;
}

static int hand_on(const struct layer *layer, struct archive_entry *entry, size_t number,
		int (*each)(void *ctx, const struct files_entry *entry, struct err *err), void *ctx,
		struct err *err)
{
	const char *name = archive_entry_pathname(entry), *target = archive_entry_hardlink(entry);
	char path[FILES_PATH_MAX], to[FILES_PATH_MAX];

	if (!name)
		return err_set(err, ERR_FORMAT, "entry %zu has no name", number);
	if (check_room(layer, entry, err) < 0 || clean_path(name, path, err) < 0 ||
			clean_path(target ? target : "", to, err) < 0)
		return -1;
	const struct files_entry one = {
		.path = path, .kind = kind_of(entry), .target = to, .number = number, .reader = layer->tar
	};
	return each(ctx, &one, err);
}

static int walk(struct layer *layer, int (*each)(void *ctx, const struct files_entry *entry, struct err *err),
		void *ctx, struct err *err)
{
	struct archive_entry *entry = NULL;

	if (support(layer, err) < 0)
		return -1;
	if (archive_read_open(layer->tar, layer, NULL, give_bytes, NULL) != ARCHIVE_OK)
		return tar_error(layer, err);
	if (check_filter(layer, err) < 0)
		return -1;
	for (size_t number = 0;; number++) {
		int status = archive_read_next_header(layer->tar, &entry);
		if (status == ARCHIVE_EOF)
			return read_rest(layer, err);
		/* a warning is about names that the locale does not have, as which they are given all the same */
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return tar_error(layer, err);
		if (number == ENTRIES_MAX)
			return err_set(err, ERR_LIMIT, "it has more than %zu entries", ENTRIES_MAX);
		if (hand_on(layer, entry, number, each, ctx, err) < 0)
			return layer->failure.kind == ERR_OK ? -1 : tar_error(layer, err);
	}
}

int files_walk(struct oci_source *source, const struct oci_descriptor *from,
		int (*each)(void *ctx, const struct files_entry *entry, struct err *err), void *ctx,
		uint64_t *bytes, struct err *err)
{
	auto_free struct layer *layer = xcalloc(1, sizeof(*layer));
	auto_oci_reader struct oci_reader *blob = NULL;

	if (filter_of(from->media_type, &layer->filter, err) < 0 ||
			begin_digest(layer, from->digest, err) < 0)
		return err_wrap(err, "the layer %.136s", from->digest);
	int status = oci_source_blob(source, from, &blob, err);
	if (!status) {
		layer->blob = blob;
		layer->tar = archive_read_new();
		if (!layer->tar)
			abort();
		status = walk(layer, each, ctx, err);
		archive_read_free(layer->tar);
	}
	if (!status)
		status = end_digest(layer, from->digest, err);
	digest_clear(&layer->digest);
	*bytes += layer->bytes;
	return status < 0 ? err_wrap(err, "the layer %.136s", from->digest) : 0;
}

int files_text(const struct files_entry *entry, struct buf *out, struct err *err)
{
	char piece[8192];
	la_ssize_t got;

	buf_reset(out);
	while ((got = archive_read_data(entry->reader, piece, sizeof(piece))) > 0) {
		if ((size_t)got > OCI_FILE_MAX - out->len)
			return err_set(err, ERR_LIMIT, "'%.200s' has more than %zu bytes", entry->path,
					OCI_FILE_MAX);
		buf_add(out, piece, (size_t)got);
		if (buf_check(out, entry->path, err) < 0)
			return -1;
	}
	if (got < 0)
		return err_set(err, ERR_FORMAT, "'%.200s' cannot be read: %s", entry->path,
				archive_error_string(entry->reader));
	return 0;
}
