/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_server_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/workers.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A handler's answer may be a little too long for a frame: how much, is said to the caller. */
#define ANSWER_MAX (TTRPC_DATA_MAX + (size_t)64 * 1024)

static struct ttrpc_reply *reply_new(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	struct ttrpc_reply *reply = xcalloc(1, sizeof(*reply));

	reply->server = server;
	reply->conn = conn;
	reply->stream = conn->head.stream;
	buf_init(&reply->data, TTRPC_DATA_MAX);
	buf_init(&reply->frame, 2 * TTRPC_DATA_MAX);
	return reply;
}

void ttrpc_reply_free(struct ttrpc_reply *reply)
{
	buf_wipe(&reply->data);
	buf_wipe(&reply->frame);
	free(reply);
}

/* Writes the frame; its room is made at once, so that nothing of a secret is left behind. */
static void set_frame(struct ttrpc_reply *reply, const struct ttrpc_response *response)
{
	struct ttrpc_head head = { .stream = reply->stream, .type = TTRPC_RESPONSE };
	char *room = buf_room(&reply->frame,
			TTRPC_HEAD + TTRPC_ENVELOPE_MAX + response->message.len + response->payload.len);

	if (!room)
		abort();
	buf_grew(&reply->frame, TTRPC_HEAD);
	ttrpc_response_format(response, &reply->frame);
	head.len = (uint32_t)(reply->frame.len - TTRPC_HEAD);
	ttrpc_head_format(&head, (unsigned char *)reply->frame.ptr);
}

__attribute__((format(printf, 3, 4))) static void set_status(
		struct ttrpc_reply *reply, enum grpc_status status, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* a name that was cut may end inside of a character */
	struct span message = span_of(len < 0 ? "" : text);
	while (message.len && !span_is_utf8(message))
		message.len--;
	buf_wipe(&reply->frame);
	set_frame(reply, &(struct ttrpc_response){ .code = (int32_t)status, .message = message });
}

/* ---- in a worker's thread ------------------------------------------------------------------------------ */

static void answer(struct ttrpc_reply *reply)
{
	auto_wiped_buf struct buf payload = BUF_MAX(ANSWER_MAX);
	struct err err = ERR_NONE;
	enum grpc_status status =
			reply->method->handle(reply->server->options.ctx, reply->payload, &payload, &err);

	if (status != GRPC_OK) {
		set_status(reply, status, "%s", err.text);
		return;
	}
	if (buf_check(&payload, "the answer", &err) < 0) {
		set_status(reply, GRPC_INVALID_ARGUMENT, "message exceed maximum message size of %zu",
				TTRPC_DATA_MAX);
		return;
	}
	set_frame(reply, &(struct ttrpc_response){ .payload = buf_span(&payload) });
	size_t len = reply->frame.len - TTRPC_HEAD;
	if (len > TTRPC_DATA_MAX)
		set_status(reply, GRPC_INVALID_ARGUMENT,
				"message length %zu exceed maximum message size of %zu", len, TTRPC_DATA_MAX);
}

static void give_back(struct ttrpc_reply *reply)
{
	static const uint64_t one = 1;
	struct ttrpc_server *server = reply->server;

	/* all of it under the lock: the server may go as soon as nobody runs */
	pthread_mutex_lock(&server->lock);
	if (server->done)
		server->done_last->next = reply;
	else
		server->done = reply;
	server->done_last = reply;
	/* cannot fail but for a counter that is full, which wakes as well */
	(void)!write(server->wake, &one, sizeof(one));
	if (--server->running == 0)
		pthread_cond_signal(&server->all_done);
	pthread_mutex_unlock(&server->lock);
}

static void work(void *ctx)
{
	struct ttrpc_reply *reply = ctx;

	answer(reply);
	buf_wipe(&reply->data);
	give_back(reply);
}

/* ---- in the loop --------------------------------------------------------------------------------------- */

/* The part of a path between its slashes is the service. */
static bool has_service(const struct grpc_method *method, struct span service)
{
	struct span path = span_from(span_of(method->path), 1);

	return span_eq(span_new(path.ptr, span_find(path, '/')), service);
}

static bool has_method(const struct grpc_method *method, struct span name)
{
	struct span path = span_from(span_of(method->path), 1);

	return span_eq(span_from(path, span_find(path, '/') + 1), name);
}

/* The method that is asked for; NULL with the refusal in the reply. */
static const struct grpc_method *find(const struct ttrpc_server *server, const struct ttrpc_request *request,
		struct ttrpc_reply *reply)
{
	bool known = false;

	for (const struct grpc_method *at = server->options.methods; at->path; at++) {
		if (!has_service(at, request->service))
			continue;
		known = true;
		if (!has_method(at, request->method))
			continue;
		if (!at->handle)
			set_status(reply, GRPC_NOT_FOUND, "%s is not supported", at->path);
		return at->handle ? at : NULL;
	}
	if (known)
		set_status(reply, GRPC_UNIMPLEMENTED, "%.*s method", SPAN_ARG(request->method));
	else
		set_status(reply, GRPC_INVALID_ARGUMENT, "%.*s service does not exist",
				SPAN_ARG(request->service));
	return NULL;
}

/* Moves the request to the reply and hands it to a worker; false with the refusal in the reply. */
static bool begin(struct ttrpc_server *server, struct ttrpc_conn *conn, struct ttrpc_reply *reply)
{
	struct ttrpc_request request;

	if (ttrpc_request_parse(buf_span(&conn->data), &request, NULL) < 0) {
		set_status(reply, GRPC_INVALID_ARGUMENT, "Unexpected EOF");
		return false;
	}
	reply->method = find(server, &request, reply);
	if (!reply->method)
		return false;
	reply->payload = request.payload;
	reply->data = conn->data;
	buf_init(&conn->data, TTRPC_DATA_MAX);
	reply->charged = conn->head.len;
	pthread_mutex_lock(&server->lock);
	server->running++;
	pthread_mutex_unlock(&server->lock);
	if (workers_add(server->options.workers, work, reply))
		return true;
	pthread_mutex_lock(&server->lock);
	server->running--;
	pthread_mutex_unlock(&server->lock);
	set_status(reply, GRPC_RESOURCE_EXHAUSTED, "too many calls wait");
	return false;
}

static void refuse(const struct ttrpc_conn *conn, struct ttrpc_reply *reply)
{
	switch (conn->fate) {
	case FRAME_TOO_LONG:
		set_status(reply, GRPC_INVALID_ARGUMENT,
				"message length %u exceed maximum message size of %zu", conn->head.len,
				TTRPC_DATA_MAX);
		return;
	case FRAME_EVEN:
		set_status(reply, GRPC_INVALID_ARGUMENT, "stream id must be odd");
		return;
	case FRAME_TOO_MANY:
		set_status(reply, GRPC_RESOURCE_EXHAUSTED, "more than %d calls at once", TTRPC_CALLS_MAX);
		return;
	case FRAME_NO_ROOM:
		set_status(reply, GRPC_RESOURCE_EXHAUSTED, "no room for a message of %u bytes now",
				conn->head.len);
		return;
	case FRAME_DATA:
		/* the texts are the peer's, word for word */
		if (conn->head.flags & TTRPC_CLOSED && conn->head.len)
			set_status(reply, GRPC_INVALID_ARGUMENT,
					"Stream id %u: data close message connot include data",
					conn->head.stream);
		else
			set_status(reply, GRPC_INVALID_ARGUMENT, "Stream is no longer active");
		return;
	case FRAME_CALL:
	case FRAME_IGNORED:
		break;
	}
	abort();
}

void ttrpc_frame_take(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	struct ttrpc_reply *reply = NULL;

	conn->busy = clock_mono(server->options.clock);
	if (conn->fate == FRAME_IGNORED)
		return;
	reply = reply_new(server, conn);
	if (conn->fate != FRAME_CALL) {
		refuse(conn, reply);
	} else if (begin(server, conn, reply)) {
		conn->calls++;
		return;
	} else {
		server->budget += conn->head.len;
		reply->charged = 0;
		buf_wipe(&conn->data);
		buf_wipe(&reply->data);
	}
	ttrpc_conn_reply(server, conn, reply);
}

/* The request is done with, now the answer takes room. */
static void charge(struct ttrpc_server *server, struct ttrpc_reply *reply)
{
	server->budget += reply->charged;
	reply->charged = 0;
	if (reply->frame.len > server->budget)
		set_status(reply, GRPC_RESOURCE_EXHAUSTED, "no room for an answer of %zu bytes now",
				reply->frame.len);
	if (reply->frame.len > server->budget)
		return;
	reply->charged = reply->frame.len;
	server->budget -= reply->charged;
}

void ttrpc_replies_take(struct ttrpc_server *server)
{
	uint64_t scrap = 0;

	(void)!read(server->wake, &scrap, sizeof(scrap));
	pthread_mutex_lock(&server->lock);
	struct ttrpc_reply *list = take(&server->done);
	pthread_mutex_unlock(&server->lock);
	while (list) {
		struct ttrpc_reply *reply = list;
		list = reply->next;
		reply->next = NULL;
		reply->conn->calls--;
		reply->conn->busy = clock_mono(server->options.clock);
		charge(server, reply);
		ttrpc_conn_reply(server, reply->conn, reply);
	}
}
