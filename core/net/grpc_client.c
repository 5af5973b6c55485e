/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_own.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define AGENT     "cocoon/" COCOON_VERSION
#define TEXT_MAX  4096
#define TLS_CHUNK 16384

/* One call, from its request to its trailers. */
struct calling {
	const struct grpc_call *call;
	nghttp2_session *session;
	int32_t stream;
	struct buf out;
	struct grpc_outgoing outgoing;
	struct grpc_incoming incoming;
	struct buf *answer;
	size_t answer_start;
	size_t headers; /* what the peer's header fields have cost so far */
	int http_status;
	bool has_type;
	bool has_status;
	uint64_t status;
	struct buf text; /* grpc-message */
	bool closed;
	uint32_t closed_why;
	bool failed;
	struct err why; /* a callback's, which nghttp2 cannot carry */
};

static int fail(struct calling *self, int nghttp2)
{
	self->failed = true;
	return nghttp2;
}

/* ---- callbacks of nghttp2 ------------------------------------------------------------------------------ */

static ssize_t read_request(nghttp2_session *session, int32_t stream, uint8_t *out, size_t room,
		uint32_t *flags, nghttp2_data_source *source, void *user)
{
	(void)session, (void)stream, (void)out, (void)user;
	return grpc_outgoing_read(source->ptr, room, flags);
}

static int send_request(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
		nghttp2_data_source *source, void *user)
{
	struct calling *self = user;

	(void)session, (void)frame;
	return grpc_outgoing_send(source->ptr, head, len, &self->out);
}

static void take_field(struct calling *self, struct span name, struct span value)
{
	uint64_t number = 0;

	if (span_is(name, ":status") && span_number(value, 999, &number))
		self->http_status = (int)number;
	if (span_is(name, "content-type"))
		self->has_type = span_starts(value, GRPC_TYPE);
	if (span_is(name, "grpc-status")) {
		self->has_status = true;
		self->status = span_number(value, UINT32_MAX, &number) ? number : GRPC_UNKNOWN;
	}
	if (span_is(name, "grpc-message")) {
		buf_reset(&self->text);
		grpc_text_decode(&self->text, value);
	}
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	struct calling *self = user;

	(void)session, (void)flags;
	self->headers += name_len + value_len + GRPC_FIELD_COST;
	if (self->headers > GRPC_HEADERS_MAX) {
		err_set(&self->why, ERR_LIMIT, "the peer's header fields exceed %d bytes", GRPC_HEADERS_MAX);
		return fail(self, NGHTTP2_ERR_CALLBACK_FAILURE);
	}
	if (frame->hd.stream_id == self->stream)
		take_field(self, span_new(name, name_len), span_new(value, value_len));
	return 0;
}

static int take_data(struct calling *self, struct span bytes)
{
	size_t most = self->answer->max < GRPC_MESSAGE_MAX ? self->answer->max : GRPC_MESSAGE_MAX;
	bool had_prefix = grpc_incoming_has_prefix(&self->incoming);
	struct err *err = &self->why;

	if (grpc_incoming_prefix(&self->incoming, &bytes, most, err) < 0) {
		/* the peer compressed it, which is no fault of our caller */
		if (err->kind == ERR_USAGE)
			err->kind = ERR_FORMAT;
		return -1;
	}
	if (!had_prefix && !buf_room(self->answer, self->incoming.len))
		return buf_check(self->answer, "the answer", err);
	if (!bytes.len)
		return 0;
	if (bytes.len > self->incoming.len - (self->answer->len - self->answer_start))
		return err_set(err, ERR_FORMAT, "the peer answered with more than one message");
	buf_add_span(self->answer, bytes);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
		void *user)
{
	struct calling *self = user;

	(void)session, (void)flags;
	/* what stands behind a head of another protocol is of no interest */
	if (stream != self->stream || self->http_status != 200 || !self->has_type)
		return 0;
	return take_data(self, span_new(data, len)) < 0 ? fail(self, NGHTTP2_ERR_CALLBACK_FAILURE) : 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	struct calling *self = user;

	(void)session;
	if (stream == self->stream) {
		self->closed = true;
		self->closed_why = code;
	}
	return 0;
}

/* ---- the call ------------------------------------------------------------------------------------------ */

static int session_open(struct calling *self, struct err *err)
{
	nghttp2_session_callbacks *callbacks = NULL;
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADERS_MAX },
	};

	if (nghttp2_session_callbacks_new(&callbacks))
		return err_set(err, ERR_BUG, "HTTP/2: out of memory");
	nghttp2_session_callbacks_set_send_data_callback(callbacks, send_request);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	int code = nghttp2_session_client_new(&self->session, callbacks, self);
	nghttp2_session_callbacks_del(callbacks);
	if (!code)
		code = nghttp2_submit_settings(self->session, NGHTTP2_FLAG_NONE, settings, 2);
	return code ? err_set(err, ERR_BUG, "HTTP/2: %s", nghttp2_strerror(code)) : 0;
}

static int submit(struct calling *self, struct err *err)
{
	struct grpc_target target;
	char timeout[32];

	if (grpc_target_parse(self->call->target, &target, err) < 0)
		return -1;
	bool brackets = strchr(target.host, ':') != NULL;
	auto_free char *authority = target.is_unix ? xstrdup("localhost")
						   : xasprintf("%s%s%s:%s", brackets ? "[" : "", target.host,
								     brackets ? "]" : "", target.port);
	snprintf(timeout, sizeof(timeout), "%dm", self->call->timeout);
	const nghttp2_nv fields[] = {
		grpc_field(":method", "POST"),
		grpc_field(":scheme", self->call->tls ? "https" : "http"),
		grpc_field(":path", self->call->path),
		grpc_field(":authority", authority),
		grpc_field("content-type", GRPC_TYPE),
		grpc_field("te", "trailers"),
		grpc_field("user-agent", AGENT),
		grpc_field("grpc-timeout", timeout),
	};
	nghttp2_data_provider body = { .source.ptr = &self->outgoing, .read_callback = read_request };
	self->stream = nghttp2_submit_request(
			self->session, NULL, fields, sizeof(fields) / sizeof(fields[0]), &body, NULL);
	return self->stream < 0 ? err_set(err, ERR_BUG, "HTTP/2: %s", nghttp2_strerror(self->stream)) : 0;
}

static int write_some(struct calling *self, struct grpc_wire *wire, short *wants, struct err *err)
{
	for (;;) {
		size_t done = 0;
		if (grpc_pump(self->session, &self->out, err) < 0)
			return -1;
		if (!self->out.len)
			return 0;
		if (grpc_wire_write(wire, buf_span(&self->out), &done, wants, err) < 0)
			return -1;
		if (!done)
			return 0;
		buf_drop(&self->out, done);
	}
}

/* 1 when something came. */
static int read_some(struct calling *self, struct grpc_wire *wire, short *wants, struct err *err)
{
	uint8_t chunk[TLS_CHUNK / 2];
	size_t done = 0;

	if (grpc_wire_read(wire, chunk, sizeof(chunk), &done, wants, err) < 0)
		return -1;
	ssize_t code = done ? nghttp2_session_mem_recv(self->session, chunk, done) : 0;
	explicit_bzero(chunk, sizeof(chunk));
	if (self->failed) {
		if (err)
			*err = self->why;
		return -1;
	}
	if (code < 0)
		return err_set(err, ERR_FORMAT, "HTTP/2: %s", nghttp2_strerror((int)code));
	return done > 0;
}

static int converse(struct calling *self, struct grpc_wire *wire, struct err *err)
{
	while (!self->closed) {
		short write_wants = 0, read_wants = 0;
		if (write_some(self, wire, &write_wants, err) < 0)
			return -1;
		/* it has told the peer what was wrong, and listens no more */
		if (!nghttp2_session_want_read(self->session))
			return err_set(err, ERR_FORMAT, "the peer does not speak HTTP/2 as it should");
		int got = read_some(self, wire, &read_wants, err);
		if (got < 0)
			return -1;
		if (got || self->closed)
			continue;
		if (grpc_wire_wait(wire, (short)(write_wants | read_wants), err) < 0)
			return -1;
	}
	return 0;
}

/* What the ended stream amounts to. */
static int judge(const struct calling *self, struct err *err)
{
	size_t got = self->answer->len - self->answer_start;

	if (self->has_status && self->status != GRPC_OK) {
		enum grpc_status status =
				self->status < GRPC_STATUSES ? (enum grpc_status)self->status : GRPC_UNKNOWN;
		return err_set(err, grpc_status_kind(status), "%s%s%s", grpc_status_name(status),
				self->text.len ? ": " : "", buf_text(&self->text));
	}
	if (self->http_status && self->http_status != 200)
		return err_set(err, ERR_FORMAT, "the peer answered with HTTP status %d, not gRPC",
				self->http_status);
	if (self->closed_why)
		return err_set(err, self->closed_why == NGHTTP2_REFUSED_STREAM ? ERR_RETRY : ERR_IO,
				"the peer cancelled the call: %s", nghttp2_http2_strerror(self->closed_why));
	if (!self->has_type || !self->has_status)
		return err_set(err, ERR_FORMAT, "the peer's answer is no gRPC: it has no %s",
				self->has_type ? "grpc-status" : "content-type " GRPC_TYPE);
	if (!grpc_incoming_has_prefix(&self->incoming) || got != self->incoming.len)
		return err_set(err, ERR_FORMAT, "the peer's answer is cut off");
	return 0;
}

int grpc_call(const struct grpc_call *call, struct buf *answer, struct err *err)
{
	struct grpc_wire wire = GRPC_WIRE_NONE;
	struct calling self = {
		.call = call,
		.out = BUF_MAX(GRPC_OUT_ROOM),
		.outgoing = { .message = call->message },
		.answer = answer,
		.answer_start = answer->len,
		.text = BUF_MAX(TEXT_MAX),
		.why = ERR_NONE,
	};

	if (call->message.len > GRPC_MESSAGE_MAX)
		return err_set(err, ERR_LIMIT, "a message of %zu bytes; at most %zu are allowed",
				call->message.len, GRPC_MESSAGE_MAX);
	wire.deadline = clock_mono(&clock_real) + call->timeout * (CLOCK_SECOND / 1000);
	int result = grpc_wire_open(&wire, call, err);
	if (!result)
		result = session_open(&self, err);
	if (!result)
		result = submit(&self, err);
	if (!result)
		result = converse(&self, &wire, err);
	if (!result)
		result = judge(&self, err);
	nghttp2_session_del(self.session);
	buf_wipe(&self.out);
	buf_clear(&self.text);
	grpc_wire_close(&wire);
	return result < 0 ? err_wrap(err, "calling %s at %s", call->path, call->target) : 0;
}
