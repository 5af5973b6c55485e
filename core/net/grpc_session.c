/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_session.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_own.h"

#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 256

/* One call. */
struct stream {
	struct stream *next;
	int32_t id;
	int64_t began;
	size_t headers; /* what its header fields have cost so far */
	char path[PATH_MAX_BYTES];
	bool is_post, is_grpc, is_encoded;
	bool ended;    /* the request is whole */
	bool handled;  /* a method was asked */
	bool answered; /* an answer was submitted */
	struct grpc_incoming incoming;
	struct buf message;
	struct buf answer;
	struct grpc_outgoing outgoing;
	size_t taken; /* from the budget */
};

struct grpc_session {
	const struct grpc_service *service;
	nghttp2_session *session;
	struct buf out;
	struct stream *streams;
	unsigned noise;
	bool begun;
	bool failed;
};

/* ---- streams ------------------------------------------------------------------------------------------- */

static struct stream *stream_find(const struct grpc_session *self, int32_t id)
{
	struct stream *stream = self->streams;

	while (stream && stream->id != id)
		stream = stream->next;
	return stream;
}

static struct stream *stream_new(struct grpc_session *self, int32_t id)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->id = id;
	stream->began = clock_mono(self->service->clock);
	buf_init(&stream->message, GRPC_MESSAGE_MAX);
	buf_init(&stream->answer, GRPC_MESSAGE_MAX);
	stream->next = self->streams;
	self->streams = stream;
	return stream;
}

/* Messages only grow: what lies behind their end was never written. */
static void forget(struct buf *message)
{
	if (message->len)
		explicit_bzero(message->ptr, message->len);
	buf_clear(message);
}

static void stream_free(struct grpc_session *self, struct stream *stream)
{
	struct stream **at = &self->streams;

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	*self->service->budget += stream->taken;
	forget(&stream->message);
	buf_wipe(&stream->answer);
	free(stream);
}

static int take_budget(struct grpc_session *self, struct stream *stream, size_t len, struct err *err)
{
	if (len > *self->service->budget)
		return err_set(err, ERR_LIMIT, "too much is going on; try again");
	*self->service->budget -= len;
	stream->taken += len;
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------------------- */

/* The only header block of a call that failed. http is for callers that do not speak gRPC. */
static int refuse(struct grpc_session *self, struct stream *stream, const char *http, enum grpc_status status,
		const char *text)
{
	auto_buf struct buf encoded = BUF_MAX(3 * ERR_TEXT_MAX);
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)status);
	grpc_text_encode(&encoded, span_of(text));
	const nghttp2_nv fields[] = {
		grpc_field(":status", http),
		grpc_field("content-type", GRPC_TYPE),
		grpc_field("grpc-status", number),
		grpc_field("grpc-message", buf_text(&encoded)),
		grpc_field("grpc-accept-encoding", "identity"),
	};
	size_t count = status == GRPC_UNIMPLEMENTED ? 5 : 4;
	stream->answered = true;
	return nghttp2_submit_headers(
			self->session, NGHTTP2_FLAG_END_STREAM, stream->id, NULL, fields, count, NULL);
}

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
		nghttp2_data_source *source, void *user)
{
	const nghttp2_nv trailer = grpc_field("grpc-status", "0");
	ssize_t n = grpc_outgoing_read(&((struct stream *)source->ptr)->outgoing, room, flags);

	(void)out, (void)user;
	if (*flags & NGHTTP2_DATA_FLAG_EOF) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		if (nghttp2_submit_trailer(session, id, &trailer, 1))
			return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	return n;
}

static int send_answer(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
		nghttp2_data_source *source, void *user)
{
	struct grpc_session *self = user;

	(void)session, (void)frame;
	return grpc_outgoing_send(&((struct stream *)source->ptr)->outgoing, head, len, &self->out);
}

static int respond(struct grpc_session *self, struct stream *stream)
{
	const nghttp2_nv fields[] = { grpc_field(":status", "200"), grpc_field("content-type", GRPC_TYPE) };
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_answer };

	stream->outgoing.message = buf_span(&stream->answer);
	stream->answered = true;
	return nghttp2_submit_response(self->session, stream->id, fields, 2, &body);
}

static const struct grpc_method *method_find(const struct grpc_session *self, const char *path)
{
	for (const struct grpc_method *at = self->service->methods; at->path; at++)
		if (!strcmp(at->path, path))
			return at;
	return NULL;
}

static int handle(struct grpc_session *self, struct stream *stream)
{
	const struct grpc_method *method = method_find(self, stream->path);
	struct err err = ERR_NONE;

	if (!grpc_incoming_has_prefix(&stream->incoming) || stream->message.len != stream->incoming.len)
		return refuse(self, stream, "200", GRPC_INTERNAL, "the request is cut off");
	if (!method)
		return refuse(self, stream, "200", GRPC_UNIMPLEMENTED, "unknown method");
	stream->handled = true;
	enum grpc_status status =
			method->handle(self->service->ctx, buf_span(&stream->message), &stream->answer, &err);
	if (status != GRPC_OK)
		return refuse(self, stream, "200", status, err.text);
	if (buf_check(&stream->answer, "the answer", &err) < 0 ||
			take_budget(self, stream, stream->answer.len, &err) < 0)
		return refuse(self, stream, "200", GRPC_RESOURCE_EXHAUSTED, err.text);
	return respond(self, stream);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void take_field(struct stream *stream, struct span name, struct span value)
{
	if (span_is(name, ":method"))
		stream->is_post = span_is(value, "POST");
	if (span_is(name, ":path") && value.len < sizeof(stream->path))
		memcpy(stream->path, value.ptr, value.len);
	if (span_is(name, "content-type"))
		stream->is_grpc = span_is(value, GRPC_TYPE) || span_starts(value, GRPC_TYPE "+") ||
				span_starts(value, GRPC_TYPE ";");
	if (span_is(name, "grpc-encoding"))
		stream->is_encoded = !span_is(value, "identity");
}

/* What is known once the head is there. A request that is refused here may go on for a while: it is not listened to. */
static int judge_head(struct grpc_session *self, struct stream *stream)
{
	auto_free char *unknown = NULL;

	if (!stream->is_grpc)
		return refuse(self, stream, "415", GRPC_UNKNOWN, "the content-type is not " GRPC_TYPE);
	if (!stream->is_post)
		return refuse(self, stream, "405", GRPC_INTERNAL, "the method is not POST");
	if (!method_find(self, stream->path)) {
		unknown = xasprintf("unknown method %s", stream->path);
		return refuse(self, stream, "200", GRPC_UNIMPLEMENTED, unknown);
	}
	if (stream->is_encoded)
		return refuse(self, stream, "200", GRPC_UNIMPLEMENTED, "compression is not supported");
	return 0;
}

static int take_data(struct grpc_session *self, struct stream *stream, struct span bytes)
{
	struct err err = ERR_NONE;
	bool had_prefix = grpc_incoming_has_prefix(&stream->incoming);

	if (grpc_incoming_prefix(&stream->incoming, &bytes, GRPC_MESSAGE_MAX, &err) < 0)
		return refuse(self, stream, "200",
				err.kind == ERR_USAGE                   ? GRPC_UNIMPLEMENTED
						: err.kind == ERR_LIMIT ? GRPC_RESOURCE_EXHAUSTED
									: GRPC_INTERNAL,
				err.text);
	if (!had_prefix && grpc_incoming_has_prefix(&stream->incoming)) {
		if (take_budget(self, stream, stream->incoming.len, &err) < 0)
			return refuse(self, stream, "200", GRPC_RESOURCE_EXHAUSTED, err.text);
		/* at once, so that nothing is left behind by growing */
		(void)buf_room(&stream->message, stream->incoming.len);
	}
	if (!bytes.len)
		return 0;
	if (bytes.len > stream->incoming.len - stream->message.len)
		return refuse(self, stream, "200", GRPC_UNIMPLEMENTED, "a call has one message");
	buf_add_span(&stream->message, bytes);
	return 0;
}

/* ---- callbacks of nghttp2 ------------------------------------------------------------------------------ */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct grpc_session *self = user;

	(void)session;
	if (!stream_find(self, frame->hd.stream_id))
		(void)stream_new(self, frame->hd.stream_id);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	struct stream *stream = stream_find(user, frame->hd.stream_id);

	(void)session, (void)flags;
	if (!stream)
		return 0;
	stream->headers += name_len + value_len + GRPC_FIELD_COST;
	if (stream->headers > GRPC_HEADERS_MAX)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		take_field(stream, span_new(name, name_len), span_new(value, value_len));
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
		void *user)
{
	struct stream *stream = stream_find(user, id);

	(void)session, (void)flags;
	if (!stream || stream->answered)
		return 0;
	return take_data(user, stream, span_new(data, len)) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Frames that cost us work and bring no call forward. */
static bool is_noise(const nghttp2_frame *frame)
{
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
		return frame->hd.length == 0;
	case NGHTTP2_HEADERS:
		return false;
	default:
		return true;
	}
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct grpc_session *self = user;
	struct stream *stream = stream_find(self, frame->hd.stream_id);
	int code = 0;

	if (is_noise(frame) && ++self->noise > GRPC_NOISE_MAX)
		return nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
	if (frame->hd.type == NGHTTP2_SETTINGS)
		self->begun = true;
	if (!stream)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		code = judge_head(self, stream);
	bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
	if (ends && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
		stream->ended = true;
		if (!code && !stream->answered)
			code = handle(self, stream);
	}
	return code ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Frames that nghttp2 answers by itself, refused streams among them. */
static int on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user)
{
	struct grpc_session *self = user;

	(void)frame, (void)code;
	if (++self->noise > GRPC_NOISE_MAX)
		return nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

/* An answer that goes out gives credit for noise; one that ends before its request asks the peer to stop sending. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct grpc_session *self = user;
	const struct stream *stream = stream_find(self, frame->hd.stream_id);
	bool ends = frame->hd.type == NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	bool data = frame->hd.type == NGHTTP2_DATA && frame->hd.length;

	if (!stream || (!ends && !data))
		return 0;
	/* a caller who asks for nothing that there is makes noise, too */
	if (stream->handled)
		self->noise = 0;
	if (ends && !stream->ended)
		return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct grpc_session *self = user;
	struct stream *stream = stream_find(self, id);

	(void)session, (void)code;
	if (stream)
		stream_free(self, stream);
	return 0;
}

/* ---- the session --------------------------------------------------------------------------------------- */

static nghttp2_session_callbacks *callbacks_new(void)
{
	nghttp2_session_callbacks *callbacks = NULL;

	if (nghttp2_session_callbacks_new(&callbacks))
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_send_data_callback(callbacks, send_answer);
	return callbacks;
}

struct grpc_session *grpc_session_new(const struct grpc_service *service, struct err *err)
{
	auto_grpc_session struct grpc_session *self = xcalloc(1, sizeof(*self));
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_STREAMS_MAX },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADERS_MAX },
	};
	nghttp2_session_callbacks *callbacks = callbacks_new();
	nghttp2_option *option = NULL;

	self->service = service;
	buf_init(&self->out, GRPC_OUT_ROOM);
	int code = callbacks ? nghttp2_option_new(&option) : NGHTTP2_ERR_NOMEM;
	if (!code) {
		nghttp2_option_set_max_outbound_ack(option, GRPC_NOISE_MAX);
		code = nghttp2_session_server_new2(&self->session, callbacks, self, option);
	}
	if (!code)
		code = nghttp2_submit_settings(self->session, NGHTTP2_FLAG_NONE, settings, 2);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	if (!code)
		return take(&self);
	err_set(err, ERR_BUG, "HTTP/2: %s", nghttp2_strerror(code));
	return NULL;
}

void grpc_session_free(struct grpc_session *self)
{
	if (!self)
		return;
	nghttp2_session_del(self->session);
	while (self->streams)
		stream_free(self, self->streams);
	buf_wipe(&self->out);
	free(self);
}

int grpc_session_feed(struct grpc_session *self, struct span bytes, struct err *err)
{
	if (self->failed)
		return err_set(err, ERR_FORMAT, "HTTP/2: the connection is over");
	ssize_t code = nghttp2_session_mem_recv(self->session, (const uint8_t *)bytes.ptr, bytes.len);
	if (code >= 0)
		return 0;
	self->failed = true;
	return err_set(err, code == NGHTTP2_ERR_FLOODED ? ERR_LIMIT : ERR_FORMAT, "HTTP/2: %s",
			nghttp2_strerror((int)code));
}

int grpc_session_pending(struct grpc_session *self, struct span *out, struct err *err)
{
	if (grpc_pump(self->session, &self->out, err) < 0)
		return -1;
	*out = buf_span(&self->out);
	return 0;
}

void grpc_session_sent(struct grpc_session *self, size_t len)
{
	buf_drop(&self->out, len);
}

void grpc_session_shutdown(struct grpc_session *self)
{
	int32_t last = nghttp2_session_get_last_proc_stream_id(self->session);

	(void)nghttp2_submit_goaway(self->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

bool grpc_session_is_over(const struct grpc_session *self)
{
	bool reads = !self->failed && nghttp2_session_want_read(self->session);

	return !reads && !self->out.len && !nghttp2_session_want_write(self->session);
}

bool grpc_session_has_begun(const struct grpc_session *self)
{
	return self->begun;
}

bool grpc_session_oldest(const struct grpc_session *self, int64_t *began)
{
	bool found = false;

	for (const struct stream *at = self->streams; at; at = at->next) {
		if (!found || at->began < *began)
			*began = at->began;
		found = true;
	}
	return found;
}
