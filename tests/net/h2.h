/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of HTTP/2 (RFC 9113) as a test wants them, right or wrong: h2_frame(), h2_field(), h2_call(); and a reader of
 * what came back: h2_next().
 */
#ifndef COCOON_TESTS_NET_H2_H
#define COCOON_TESTS_NET_H2_H

#include "base/buf.h"
#include "base/span.h"

#include <string.h>

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_MAX     ((size_t)32 * 1024 * 1024)

enum {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST,
	H2_SETTINGS,
	H2_PUSH,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW,
	H2_CONTINUATION
};
enum { H2_ACK = 1, H2_END_STREAM = 1, H2_END_HEADERS = 4 };

static inline void h2_head(struct buf *out, size_t len, int type, int flags, uint32_t stream)
{
	const char head[9] = { (char)(len >> 16), (char)(len >> 8), (char)len, (char)type, (char)flags,
		(char)(stream >> 24), (char)(stream >> 16), (char)(stream >> 8), (char)stream };

	buf_add(out, head, sizeof(head));
}

static inline void h2_frame(struct buf *out, int type, int flags, uint32_t stream, struct span payload)
{
	h2_head(out, payload.len, type, flags, stream);
	buf_add_span(out, payload);
}

/* A literal field without indexing; a length beyond 126 takes the long form. */
static inline void h2_length(struct buf *out, size_t len)
{
	if (len < 127) {
		buf_putc(out, (char)len);
		return;
	}
	buf_putc(out, 127);
	for (len -= 127; len > 127; len >>= 7)
		buf_putc(out, (char)(0x80 | (len & 127)));
	buf_putc(out, (char)len);
}

static inline void h2_field(struct buf *out, const char *name, struct span value)
{
	buf_putc(out, 0);
	h2_length(out, strlen(name));
	buf_puts(out, name);
	h2_length(out, value.len);
	buf_add_span(out, value);
}

static inline void h2_preface(struct buf *out)
{
	buf_puts(out, H2_PREFACE);
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
}

/* The fields of a call of that method. */
static inline void h2_call_fields(struct buf *out, const char *path)
{
	h2_field(out, ":method", SPAN_LIT("POST"));
	h2_field(out, ":scheme", SPAN_LIT("http"));
	h2_field(out, ":path", span_of(path));
	h2_field(out, ":authority", SPAN_LIT("test"));
	h2_field(out, "content-type", SPAN_LIT("application/grpc"));
	h2_field(out, "te", SPAN_LIT("trailers"));
}

static inline void h2_headers(struct buf *out, uint32_t stream, const char *path, int flags)
{
	struct buf fields = BUF_MAX(65536);

	h2_call_fields(&fields, path);
	h2_frame(out, H2_HEADERS, H2_END_HEADERS | flags, stream, buf_span(&fields));
	buf_clear(&fields);
}

static inline void h2_message(struct buf *out, uint32_t stream, struct span message, int flags)
{
	const char prefix[5] = { 0, (char)(message.len >> 24), (char)(message.len >> 16),
		(char)(message.len >> 8), (char)message.len };

	h2_head(out, message.len + 5, H2_DATA, flags, stream);
	buf_add(out, prefix, 5);
	buf_add_span(out, message);
}

static inline void h2_call(struct buf *out, uint32_t stream, const char *path, struct span message)
{
	h2_headers(out, stream, path, 0);
	h2_message(out, stream, message, H2_END_STREAM);
}

/* ---- reading ---- */

struct h2_seen {
	int type, flags;
	uint32_t stream;
	struct span payload;
};

static inline bool h2_next(struct span *rest, struct h2_seen *out)
{
	*out = (struct h2_seen){ .type = -1 };
	const unsigned char *at = (const unsigned char *)rest->ptr;

	if (rest->len < 9)
		return false;
	size_t len = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
	if (rest->len < 9 + len)
		return false;
	*out = (struct h2_seen){ .type = at[3],
		.flags = at[4],
		.stream = ((uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 8 | at[8]) &
				0x7fffffff,
		.payload = span_new(rest->ptr + 9, len) };
	*rest = span_from(*rest, 9 + len);
	return true;
}

/* The n-th frame of a type (from 0); false when there is none. */
static inline bool h2_find(struct span all, int type, unsigned n, struct h2_seen *out)
{
	*out = (struct h2_seen){ .type = -1 };
	while (h2_next(&all, out))
		if (out->type == type && !n--)
			return true;
	return false;
}

static inline unsigned h2_count(struct span all, int type)
{
	struct h2_seen seen;
	unsigned n = 0;

	while (h2_next(&all, &seen))
		n += seen.type == type;
	return n;
}

/* The error code in an RST_STREAM or at the end of a GOAWAY. */
static inline uint32_t h2_code(const struct h2_seen *seen)
{
	if (seen->payload.len < 4)
		return UINT32_MAX;
	const unsigned char *at =
			(const unsigned char *)seen->payload.ptr + (seen->type == H2_GOAWAY ? 4 : 0);

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

#endif
