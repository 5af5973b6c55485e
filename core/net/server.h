/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 server (RFC 9112): one thread, one loop, any number of listeners, each plain or TLS ≥ 1.2 with its own
 * routes. A request reaches its handler whole, under a ceiling; the handler computes the reply at once and waits for
 * nothing, or defers it. Connections are kept alive.
 *
 *     static const struct server_route routes[] = {
 *             { .method = "POST", .path = "/mutate", .accepts = "application/json", .handle = mutate },
 *     };
 *     struct server_listener listeners[] = { { .address = "::", .port = 8443, .tls = true, .routes = routes, … } };
 *     struct server *server = server_new(&options, err);
 *     server_watch(server, signalfd, on_signal, app, err);
 *     server_run(server, err);                 until server_stop()
 *
 * Answered here, as {"error":"…"}, without a handler: 404 no such path, 405 (with Allow) no such method on it, 411 a
 * body without Content-Length (chunked bodies are not taken), 413 a body above max_body, 415 another content type
 * than the route accepts, 400, 417, 431 and 505 a head that net/head.h refuses. HEAD is answered as GET without body.
 * A route whose path ends in '/' stands for all paths that begin so, one without method for all methods: the first
 * route of the table that fits is taken. Authorization and Cookie stand once in a request, or it is answered with 400.
 *
 * A handler that would have to wait calls server_defer(), hands the work to a thread of its own and returns; the reply
 * follows by server_answer(). Meanwhile the connection reads nothing further and has no deadline: who puts a reply off
 * keeps one. server_run() ends when the replies are out that somebody still waits for, server_free() waits until all
 * have been given.
 *
 * libwebsockets carries the loop, the sockets and TLS. Its own HTTP parser is not used: version 4.1.6 drops malformed
 * requests without an answer, hangs on chunked ones and decodes paths; heads are read by net/head.h.
 *
 * TLS without a certificate: a listener may start with empty cert and key; its handshakes fail until
 * server_set_tls() brings them. A swap touches handshakes to come alone: running connections and requests go on.
 *
 * Bounds: heads 128 KiB (a key broker's token may take most of it), max_body, max_connections (further ones wait in
 * the kernel's queue), idle_timeout_s for a connection without a request, for a head, for a reply that is not read, and
 * for a body as a whole.
 * Ownership: the options with all they point at must outlive the server, except cert and key, which are copied. A
 * request is borrowed for the time of the handler.
 * Errors: ERR_IO (address in use, no descriptors), ERR_USAGE (bad address, certificate or key; key of another
 * certificate).
 * Threads: one; server_wake(), server_stop() and server_answer() alone may be called from others. Requests and
 * replies are wiped once they are done with, as they may hold secrets; but what a slow reader leaves of a reply waits in
 * the library's memory, which is not.
 */
#ifndef COCOON_NET_SERVER_H
#define COCOON_NET_SERVER_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct server;

struct server_request {
	uint64_t number; /* counts from 1: for log lines */
	const char *method;
	const char *path;          /* as sent, without the query */
	struct span query;         /* as sent, behind the '?'; see server_query() */
	const char *type;          /* Content-Type in full, "" when absent */
	struct span authorization; /* field values, empty when absent */
	struct span cookie;
	const char *peer; /* who asks: "127.0.0.1:4711", "[::1]:4711" */
	struct span body;
	struct server_slot *slot; /* for server_defer() */
};

struct server_reply {
	int status; /* 200 unless the handler says otherwise */
	/* static texts; "application/json" unless the handler says otherwise; NULL: none */
	const char *content_type;
	const char *allow;    /* the methods of a 405; NULL: none */
	char set_cookie[256]; /* the field's value; "": none */
	struct buf body;      /* empty, ceiling 64 MiB; a reply that overflows it is answered with 500 */
};

struct server_route {
	const char *method;  /* NULL: any */
	const char *path;    /* exact; ends in '/': all that begin so */
	const char *accepts; /* media type of the body, compared without parameters; NULL: any */
	void (*handle)(void *ctx, const struct server_request *request, struct server_reply *reply);
};

struct server_listener {
	const char *address; /* IPv4 or IPv6 in numbers; "::" takes both families */
	uint16_t port;       /* 0: the kernel chooses, server_port() tells */
	bool tls;
	struct span cert; /* PEM chain, leaf first; may come later */
	struct span key;  /* PEM */
	const struct server_route *routes;
	size_t route_count;
};

struct server_options {
	const struct server_listener *listeners;
	size_t listener_count;
	size_t max_body;
	unsigned max_connections; /* of all listeners together */
	int idle_timeout_s;
	void *ctx;                /* handed to handlers and woken */
	void (*woken)(void *ctx); /* in the loop's thread, after server_wake(); NULL: none */
};

/* Initialises the library below; once, in main, before any thread. */
void server_global_init(void);

/* Listens on every listener; connections are served from server_run() on. */
struct server *server_new(const struct server_options *options, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* Closes all connections. Takes NULL. */
void server_free(struct server *server);
static inline void server_release(struct server **slot)
{
	server_free(*slot);
}
#define auto_server __attribute__((cleanup(server_release)))

/* The port of the listener with this index. */
uint16_t server_port(const struct server *server, size_t listener) __attribute__((nonnull));

/*
 * The certificate and key of one listener from the next handshake on. On failure the old ones stay. Not from within
 * a handler of another thread.
 */
int server_set_tls(struct server *server, size_t listener, struct span cert, struct span key, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/*
 * Calls ready(ctx, fd) in the loop whenever fd is readable (signalfd, timerfd, eventfd, a socket); it must read what
 * is there. fd stays the caller's and must live until server_free().
 */
int server_watch(struct server *server, int fd, void (*ready)(void *ctx, int fd), void *ctx, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Serves until server_stop(); then accepts nothing new, answers the requests that have begun, and returns 0. */
int server_run(struct server *server, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* One turn of the loop: waits for something to happen, or as long as timer work of its own allows. */
int server_turn(struct server *server, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* From any thread. */
void server_wake(struct server *server) __attribute__((nonnull));
void server_stop(struct server *server) __attribute__((nonnull));

/* From now on replies say `Connection: close`; new connections are still taken, so that no client sees a refusal
 * while it learns that this server goes away. */
void server_drain(struct server *server) __attribute__((nonnull));

/* True when no request has begun that is not answered yet. */
bool server_idle(const struct server *server) __attribute__((nonnull));

/* Open connections now. */
unsigned server_connections(const struct server *server) __attribute__((nonnull));

/*
 * In a handler: the reply comes later, what is in its `reply` now does not count. The result is good for exactly one
 * server_answer(), which must come, also when the peer has gone: it is thrown away then.
 */
struct server_later;
struct server_later *server_defer(const struct server_request *request)
		__attribute__((nonnull, returns_nonnull));
/* From any thread. Takes the reply's body over; reply is as server_reply_init() leaves it afterwards. */
void server_answer(struct server_later *later, struct server_reply *reply) __attribute__((nonnull));
/* 200, application/json, an empty body. */
void server_reply_init(struct server_reply *reply) __attribute__((nonnull));

/*
 * The value of the first query parameter of this name, percent-decoded, as text in out. False when it is absent,
 * malformed, longer than cap - 1, or holds a NUL.
 */
bool server_query(const struct server_request *request, const char *name, char *out, size_t cap)
		__attribute__((nonnull, warn_unused_result));

/* Turns the reply into status and {"error":"…"} with the formatted text, escaped. */
void server_fail(struct server_reply *reply, int status, const char *fmt, ...)
		__attribute__((format(printf, 3, 4), nonnull));

#endif
