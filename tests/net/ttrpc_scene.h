/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ttrpc server in a thread of its own with a clock that the test turns, and clients that write bytes: scene_start(),
 * client(), say_call(), hear(), scene_stop(). Its methods, below /test.Service/: Echo; Wait, which answers when the test
 * opens the gate; Fail; Big, whose message says how many bytes to answer; Later, which is not there.
 */
#ifndef COCOON_TESTS_NET_TTRPC_SCENE_H
#define COCOON_TESTS_NET_TTRPC_SCENE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/workers.h"
#include "net/ttrpc_server.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka wants some of the above */
#include <cmocka.h>

#include "base/buf.h"

#define SERVICE "test.Service"

struct scene {
	struct ttrpc_server_options options;
	unsigned threads, queue; /* of the workers; 0: 4, 1000 */
	char folder[32];
	char *path;
	struct workers *workers;
	struct ttrpc_server *server;
	pthread_t thread;
	int stop;
	int result;
	struct clock clock;
	atomic_llong now;
	sem_t begun, gate; /* of Wait */
	atomic_uint calls;
};

/* ---- methods ---- */

static inline enum grpc_status scene_echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	struct scene *scene = ctx;

	(void)err;
	atomic_fetch_add(&scene->calls, 1);
	buf_add_span(answer, message);
	return GRPC_OK;
}

static inline enum grpc_status scene_wait(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	struct scene *scene = ctx;

	sem_post(&scene->begun);
	sem_wait(&scene->gate);
	return scene_echo(ctx, span_new(message.ptr, message.len < 100 ? message.len : 100), answer, err);
}

static inline enum grpc_status scene_fail(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)ctx, (void)message;
	/* what was begun is not sent */
	buf_puts(answer, "half");
	err_set(err, ERR_DENIED, "no: \xc3\xa4");
	return GRPC_PERMISSION_DENIED;
}

static inline enum grpc_status scene_big(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	uint64_t len = 0;

	(void)ctx;
	if (!span_number(message, UINT32_MAX, &len)) {
		err_set(err, ERR_USAGE, "no number");
		return GRPC_INVALID_ARGUMENT;
	}
	char *room = buf_room(answer, (size_t)len);
	if (room) {
		memset(room, 'b', (size_t)len);
		buf_grew(answer, (size_t)len);
	}
	return GRPC_OK;
}

static const struct grpc_method scene_methods[] = {
	{ "/" SERVICE "/Echo", scene_echo },
	{ "/" SERVICE "/Wait", scene_wait },
	{ "/" SERVICE "/Fail", scene_fail },
	{ "/" SERVICE "/Big", scene_big },
	{ "/" SERVICE "/Later", NULL },
	{ NULL, NULL },
};

/* ---- life ---- */

static inline int64_t scene_time(void *ctx)
{
	return atomic_load((atomic_llong *)ctx);
}

static inline void *scene_main(void *arg)
{
	struct scene *scene = arg;

	scene->result = ttrpc_server_run(scene->server, scene->stop, NULL);
	return NULL;
}

/* Options that are set already are kept. */
static inline void scene_start(struct scene *scene)
{
	struct ttrpc_server_options *options = &scene->options;
	struct err err = ERR_NONE;

	memcpy(scene->folder, "/tmp/cocoon-ttrpc-XXXXXX", sizeof("/tmp/cocoon-ttrpc-XXXXXX"));
	assert_non_null(mkdtemp(scene->folder));
	scene->path = xasprintf("%s/s", scene->folder);
	scene->clock = (struct clock){ scene_time, scene_time, &scene->now };
	sem_init(&scene->begun, 0, 0);
	sem_init(&scene->gate, 0, 0);
	scene->stop = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(workers_new(scene->threads ? scene->threads : 4, scene->queue ? scene->queue : 1000,
					 &scene->workers, NULL),
			0);
	options->listen = scene->path;
	options->methods = options->methods ? options->methods : scene_methods;
	options->ctx = options->ctx ? options->ctx : scene;
	options->workers = scene->workers;
	options->clock = &scene->clock;
	if (ttrpc_server_open(options, &scene->server, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(pthread_create(&scene->thread, NULL, scene_main, scene), 0);
}

static inline void scene_ask_to_stop(struct scene *scene)
{
	assert_int_equal(eventfd_write(scene->stop, 1), 0);
}

/* After the loop has ended. */
static inline void scene_clear(struct scene *scene)
{
	ttrpc_server_free(scene->server);
	workers_free(scene->workers);
	close(scene->stop);
	assert_int_equal(rmdir(scene->folder), 0);
	free(scene->path);
}

static inline void scene_stop(struct scene *scene)
{
	scene_ask_to_stop(scene);
	pthread_join(scene->thread, NULL);
	assert_int_equal(scene->result, 0);
	scene_clear(scene);
}

/* ---- clients ---- */

static inline int client(const struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	return fd;
}

static inline void say(int fd, struct span bytes)
{
	while (bytes.len) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes = span_from(bytes, (size_t)n);
	}
}

static inline void add_frame(struct buf *out, uint32_t stream, uint8_t type, struct span data)
{
	struct ttrpc_head head = { .len = (uint32_t)data.len, .stream = stream, .type = type };
	unsigned char bytes[TTRPC_HEAD];

	ttrpc_head_format(&head, bytes);
	buf_add(out, bytes, sizeof(bytes));
	buf_add_span(out, data);
}

static inline void add_call(struct buf *out, uint32_t stream, const char *method, struct span message)
{
	struct ttrpc_request request = {
		.service = span_of(SERVICE), .method = span_of(method), .payload = message
	};
	auto_buf struct buf data = BUF_MAX(2 * TTRPC_DATA_MAX);

	ttrpc_request_format(&request, &data);
	add_frame(out, stream, TTRPC_REQUEST, buf_span(&data));
}

static inline void say_call(int fd, uint32_t stream, const char *method, struct span message)
{
	auto_buf struct buf frame = BUF_MAX(2 * TTRPC_DATA_MAX);

	add_call(&frame, stream, method, message);
	say(fd, buf_span(&frame));
}

static inline bool read_whole(int fd, void *out, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = recv(fd, (char *)out + have, len - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

struct heard {
	struct ttrpc_head head;
	struct buf data;
	struct ttrpc_response response; /* spans into data */
};
#define HEARD_NONE                                  \
	{                                           \
		.data = BUF_MAX(2 * TTRPC_DATA_MAX) \
	}
static inline void heard_clear(struct heard *heard)
{
	buf_clear(&heard->data);
}
#define auto_heard __attribute__((cleanup(heard_clear)))

/* The next response; false when the server has closed. */
static inline bool hear(int fd, struct heard *out)
{
	unsigned char head[TTRPC_HEAD];

	if (!read_whole(fd, head, sizeof(head)))
		return false;
	ttrpc_head_parse(head, &out->head);
	assert_int_equal(out->head.type, TTRPC_RESPONSE);
	buf_reset(&out->data);
	char *room = buf_room(&out->data, out->head.len);
	assert_non_null(room);
	if (!read_whole(fd, room, out->head.len))
		return false;
	buf_grew(&out->data, out->head.len);
	assert_int_equal(ttrpc_response_parse(buf_span(&out->data), &out->response, NULL), 0);
	return true;
}

/* The next response has this stream, code and text: its message, or its payload where the code is 0. */
static inline void expect(int fd, uint32_t stream, int code, const char *text)
{
	auto_heard struct heard heard = HEARD_NONE;

	assert_true(hear(fd, &heard));
	struct span got = code ? heard.response.message : heard.response.payload;
	if (heard.head.stream != stream || heard.response.code != code || !span_is(got, text))
		fail_msg("stream %u, code %d, '%.*s'", heard.head.stream, heard.response.code, SPAN_ARG(got));
}

/* The server has closed; what it still had to say does not matter. */
static inline void expect_end(int fd)
{
	char scrap[4096];

	while (recv(fd, scrap, sizeof(scrap), 0) > 0)
		continue;
}

/* One call on a connection of its own: when it is answered, the loop has had a turn. */
static inline void turn_once(struct scene *scene)
{
	auto_fd int fd = client(scene);

	say_call(fd, 1, "Echo", SPAN_LIT("turn"));
	expect(fd, 1, 0, "turn");
}

#endif
