/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server in a thread of its own, for tests: running_start(&r, &listener), running_stop(&r). Its routes: POST /echo
 * (application/json), GET /count with the request's number, GET /big with 8 MiB, any method on /later/…, whose reply the
 * test gives: running_later().
 */
#ifndef COCOON_TESTS_NET_RUNNING_H
#define COCOON_TESTS_NET_RUNNING_H

#include "base/err.h"
#include "net/server.h"
#include "tests/fault/peer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define RUNNING_BIG      ((size_t)8 * 1024 * 1024)
#define RUNNING_MAX_BODY ((size_t)4 * 1024 * 1024)

struct running {
	struct server *server;
	struct server_listener listener;
	struct server_options options;
	pthread_t thread;
	/* what the loop's thread does when it is told to: running_do() */
	void (*task)(struct running *running);
	sem_t done;
	/* what /later/… has put off */
	sem_t put_off;
	struct server_later *later;
	struct span cert; /* for tasks */
	struct span key;
	int result;
	struct err err;
};

static inline void running_echo(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	(void)ctx;
	buf_add_span(&reply->body, request->body);
}

static inline void running_count(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	char word[16];

	(void)ctx;
	reply->content_type = "text/plain";
	if (server_query(request, "word", word, sizeof(word)))
		buf_printf(&reply->body, "%s ", word);
	buf_printf(&reply->body, "%llu", (unsigned long long)request->number);
}

static inline void running_big(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	(void)ctx;
	(void)request;
	char *room = buf_room(&reply->body, RUNNING_BIG);
	if (!room)
		abort();
	memset(room, 'b', RUNNING_BIG);
	buf_grew(&reply->body, RUNNING_BIG);
}

/* One at a time: the test takes it before it asks again. */
static inline void running_put_off(
		void *ctx, const struct server_request *request, struct server_reply *reply)
{
	struct running *running = ctx;

	/* does not count */
	server_fail(reply, 500, "not yet");
	running->later = server_defer(request);
	sem_post(&running->put_off);
}

static const struct server_route running_routes[] = {
	{ "POST", "/echo", "application/json", running_echo },
	{ "GET", "/count", NULL, running_count },
	{ "GET", "/big", NULL, running_big },
	{ NULL, "/later/", NULL, running_put_off },
};

static inline void running_woken(void *ctx)
{
	struct running *running = ctx;

	running->task(running);
	sem_post(&running->done);
}

static inline void *running_main(void *arg)
{
	struct running *running = arg;

	running->result = server_run(running->server, &running->err);
	return NULL;
}

/* Options that are set already are kept. */
static inline void running_start(struct running *running)
{
	struct server_options *options = &running->options;

	running->listener.address = running->listener.address ? running->listener.address : "127.0.0.1";
	if (!running->listener.routes) {
		running->listener.routes = running_routes;
		running->listener.route_count = sizeof(running_routes) / sizeof(running_routes[0]);
	}
	options->listeners = &running->listener;
	options->listener_count = 1;
	options->max_body = RUNNING_MAX_BODY;
	options->max_connections = options->max_connections ? options->max_connections : 100;
	options->idle_timeout_s = options->idle_timeout_s ? options->idle_timeout_s : 30;
	options->ctx = running;
	options->woken = running_woken;
	sem_init(&running->done, 0, 0);
	sem_init(&running->put_off, 0, 0);
	running->server = server_new(options, &running->err);
	if (!running->server || pthread_create(&running->thread, NULL, running_main, running) != 0)
		abort();
}

/* Runs task in the loop's thread and waits for it. */
static inline void running_do(struct running *running, void (*task)(struct running *running))
{
	running->task = task;
	server_wake(running->server);
	sem_wait(&running->done);
}

/* Waits for a request to /later/…. */
static inline struct server_later *running_later(struct running *running)
{
	sem_wait(&running->put_off);
	return running->later;
}

static inline void running_answer(struct server_later *later, const char *text)
{
	struct server_reply reply;

	server_reply_init(&reply);
	buf_puts(&reply.body, text);
	server_answer(later, &reply);
}

static inline int running_stop(struct running *running)
{
	server_stop(running->server);
	pthread_join(running->thread, NULL);
	server_free(running->server);
	return running->result;
}

/* ---- the other side, byte by byte ---- */

#define GET_COUNT "GET /count HTTP/1.1\r\nHost: h\r\n\r\n"
#define JSON      "Content-Type: application/json\r\n"

static inline int connect_to(const struct running *running)
{
	return peer_connect(server_port(running->server, 0));
}

static inline void send_text(int fd, const char *text)
{
	struct line line = { .fd = fd };

	line_puts(&line, text);
}

/* All that comes until the other side closes, or until the text holds `until`. */
static inline void read_until(int fd, struct buf *out, const char *until)
{
	char chunk[4096];
	ssize_t n;

	while (!(until && strstr(buf_text(out), until)) && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
}

#endif
