/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_own.h"

#include <string.h>

#define FRAME_HEAD 9

int grpc_pump(nghttp2_session *session, struct buf *out, struct err *err)
{
	const uint8_t *bytes = NULL;

	/* at once, so that no message is left behind by growing */
	if (!buf_room(out, GRPC_OUT_ROOM - out->len))
		return buf_check(out, "the output", err);
	while (out->len < GRPC_OUT_ROOM / 2) {
		size_t before = out->len;
		ssize_t n = nghttp2_session_mem_send(session, &bytes);
		if (n < 0)
			return err_set(err, ERR_FORMAT, "HTTP/2: %s", nghttp2_strerror((int)n));
		buf_add(out, bytes, (size_t)n);
		if (out->len == before)
			break;
	}
	return buf_check(out, "the output", err);
}

ssize_t grpc_outgoing_read(struct grpc_outgoing *outgoing, size_t room, uint32_t *flags)
{
	size_t left = GRPC_PREFIX + outgoing->message.len - outgoing->sent;

	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (left > room)
		return (ssize_t)room;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)left;
}

int grpc_outgoing_send(struct grpc_outgoing *outgoing, const uint8_t *frame_head, size_t len, struct buf *out)
{
	unsigned char prefix[GRPC_PREFIX];

	if (out->len >= GRPC_OUT_ROOM / 2)
		return NGHTTP2_ERR_WOULDBLOCK;
	grpc_prefix_format(outgoing->message.len, prefix);
	buf_add(out, frame_head, FRAME_HEAD);
	while (len) {
		struct span part = span_from(span_new(prefix, sizeof(prefix)), outgoing->sent);
		if (!part.len)
			part = span_from(outgoing->message, outgoing->sent - GRPC_PREFIX);
		if (!part.len)
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		part.len = part.len < len ? part.len : len;
		buf_add_span(out, part);
		outgoing->sent += part.len;
		len -= part.len;
	}
	return out->over ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

int grpc_incoming_prefix(struct grpc_incoming *incoming, struct span *bytes, size_t max, struct err *err)
{
	size_t wants = GRPC_PREFIX - incoming->prefix_len;
	size_t takes = bytes->len < wants ? bytes->len : wants;

	if (!takes)
		return 0;
	memcpy(incoming->prefix + incoming->prefix_len, bytes->ptr, takes);
	incoming->prefix_len += takes;
	*bytes = span_from(*bytes, takes);
	if (!grpc_incoming_has_prefix(incoming))
		return 0;
	return grpc_prefix_parse(incoming->prefix, max, &incoming->len, err);
}

nghttp2_nv grpc_field(const char *name, const char *value)
{
	union {
		const char *given;
		uint8_t *wanted;
	} n = { .given = name }, v = { .given = value };

	return (nghttp2_nv){ n.wanted, v.wanted, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE };
}
