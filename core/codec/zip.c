/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/zip.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* gives next_in its const */
#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_GZIP  (15 + 16) /* the largest window, in gzip framing */
#define WINDOW_RAW   (-15)     /* the largest window, in no framing */
#define MEMORY_LEVEL 8         /* zlib's default, fixed here since the output depends on it */
#define OS_UNKNOWN   255
#define PIECE        ((size_t)64 * 1024)

struct gunzip {
	struct stream stream;
	struct stream *next;
	z_stream z;
	uint64_t max_plain;
	uint64_t plain;
	bool ended; /* the member is complete */
	unsigned char piece[PIECE];
};

/* ---- packing ---- */

static int deflate_all(z_stream *z, struct span plain, struct buf *out, struct err *err)
{
	gz_header header = { .os = OS_UNKNOWN };
	uLong bound = deflateBound(z, plain.len);

	if (deflateSetHeader(z, &header) != Z_OK)
		return err_set(err, ERR_BUG, "zlib refuses the gzip header");
	/* the exact size is not known before; the ceiling is asked for it afterwards */
	char *packed = xmalloc(bound);
	z->next_in = (const Bytef *)plain.ptr;
	z->avail_in = (uInt)plain.len;
	z->next_out = (Bytef *)packed;
	z->avail_out = (uInt)bound;
	int status = deflate(z, Z_FINISH);
	if (status == Z_STREAM_END)
		buf_add(out, packed, z->total_out);
	free(packed);
	if (status != Z_STREAM_END)
		return err_set(err, ERR_BUG, "zlib ended with status %d", status);
	return buf_check(out, "the gzip form", err);
}

int gzip_pack(struct span plain, struct buf *out, struct err *err)
{
	z_stream z = { .zalloc = Z_NULL };

	if (plain.len > UINT_MAX / 2)
		return err_set(err, ERR_LIMIT, "%zu bytes are too many to compress at once", plain.len);
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
			Z_OK)
		return err_set(err, ERR_BUG, "zlib does not start: %s", z.msg ? z.msg : "no reason given");
	int status = deflate_all(&z, plain, out, err);
	deflateEnd(&z);
	return status;
}

/* ---- unpacking ---- */

static int hand_on(struct gunzip *gunzip, struct err *err)
{
	size_t len = PIECE - gunzip->z.avail_out;

	gunzip->plain += len;
	if (gunzip->plain > gunzip->max_plain)
		return err_set(err, ERR_LIMIT, "the gzip data unpacks to more than %llu bytes",
				(unsigned long long)gunzip->max_plain);
	return len ? stream_feed(gunzip->next, span_new(gunzip->piece, len), err) : 0;
}

static int step(struct gunzip *gunzip, struct err *err)
{
	z_stream *z = &gunzip->z;

	z->next_out = gunzip->piece;
	z->avail_out = PIECE;
	int status = inflate(z, Z_NO_FLUSH);
	/* Z_BUF_ERROR: nothing left to do with this input */
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return err_set(err, ERR_FORMAT, "not gzip, or damaged: %s",
				z->msg ? z->msg : "a preset dictionary is needed");
	gunzip->ended = status == Z_STREAM_END;
	return hand_on(gunzip, err);
}

static int feed_part(struct gunzip *gunzip, struct span part, struct err *err)
{
	z_stream *z = &gunzip->z;

	z->next_in = (const Bytef *)part.ptr;
	z->avail_in = (uInt)part.len;
	/* a full piece may leave more inside zlib, even when all input is taken */
	do {
		if (gunzip->ended)
			return err_set(err, ERR_FORMAT,
					"%u bytes behind the end of the gzip data; exactly one "
					"member is allowed",
					z->avail_in);
		if (step(gunzip, err) < 0)
			return -1;
	} while (z->avail_in || (!gunzip->ended && !z->avail_out));
	return 0;
}

static int gunzip_feed(struct stream *self, struct span packed, struct err *err)
{
	struct gunzip *gunzip = (struct gunzip *)self;

	while (packed.len) {
		struct span part = { packed.ptr, packed.len < INT_MAX ? packed.len : INT_MAX };
		if (feed_part(gunzip, part, err) < 0)
			return -1;
		packed = span_from(packed, part.len);
	}
	return 0;
}

static int gunzip_done(struct stream *self, struct err *err)
{
	struct gunzip *gunzip = (struct gunzip *)self;

	if (!gunzip->ended)
		return err_set(err, ERR_FORMAT, "the gzip data ends early");
	return stream_done(gunzip->next, err);
}

struct gunzip *gunzip_new(struct stream *next, uint64_t max_plain)
{
	struct gunzip *gunzip = xcalloc(1, sizeof(*gunzip));

	gunzip->stream = (struct stream){ .feed = gunzip_feed, .done = gunzip_done };
	gunzip->next = next;
	gunzip->max_plain = max_plain;
	/* fails for want of memory alone */
	int status = inflateInit2(&gunzip->z, WINDOW_GZIP);
	assert(status == Z_OK);
	return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
	if (!gunzip)
		return;
	inflateEnd(&gunzip->z);
	free(gunzip);
}

struct stream *gunzip_stream(struct gunzip *gunzip)
{
	return &gunzip->stream;
}

int gzip_unpack(struct span packed, size_t max_plain, struct buf *out, struct err *err)
{
	auto_buf struct buf plain = BUF_MAX(max_plain);
	struct buf_sink sink;

	buf_sink_init(&sink, &plain, "the unpacked data");
	auto_gunzip struct gunzip *gunzip = gunzip_new(&sink.stream, max_plain);
	if (stream_feed(gunzip_stream(gunzip), packed, err) < 0 ||
			stream_done(gunzip_stream(gunzip), err) < 0)
		return -1;
	size_t before = out->len;
	buf_add_span(out, buf_span(&plain));
	if (buf_check(out, "the unpacked data", err) < 0) {
		buf_cut(out, before);
		return -1;
	}
	return 0;
}

/* ---- bare deflate ---- */

/* The window holds what was unpacked last: a header of its own says how long a piece is. */
static voidpf wiping_alloc(voidpf opaque, uInt count, uInt size)
{
	size_t *piece = xcalloc(1, sizeof(max_align_t) + (size_t)count * size);

	(void)opaque;
	*piece = (size_t)count * size;
	return (char *)piece + sizeof(max_align_t);
}

static void wiping_free(voidpf opaque, voidpf address)
{
	size_t *piece = (size_t *)(void *)((char *)address - sizeof(max_align_t));

	(void)opaque;
	explicit_bzero(address, *piece);
	free(piece);
}

int inflate_raw(struct span packed, void *out, size_t cap, size_t *len, struct err *err)
{
	z_stream z = { .zalloc = wiping_alloc, .zfree = wiping_free };

	if (packed.len > INT_MAX || cap > INT_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes are too many to unpack at once", packed.len);
	int status = inflateInit2(&z, WINDOW_RAW);
	assert(status == Z_OK);
	z.next_in = (const Bytef *)packed.ptr;
	z.avail_in = (uInt)packed.len;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	status = inflate(&z, Z_FINISH);
	*len = z.total_out;
	inflateEnd(&z);
	if (status == Z_STREAM_END && !z.avail_in)
		return 0;
	if (status == Z_BUF_ERROR && !z.avail_out)
		return err_set(err, ERR_LIMIT, "the deflate data unpacks to more than %zu bytes", cap);
	return err_set(err, ERR_FORMAT, "the deflate data is damaged, cut short, or followed by other bytes");
}
