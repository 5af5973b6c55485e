/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC server (net/grpc_session.h) on plain TCP or a unix socket: one thread, one loop, calls are answered one after
 * the other. For services next door, such as a key provider; without TLS it is not for a network, so an address that is
 * not loopback's must be asked for.
 *
 *     struct grpc_server *server = NULL;
 *     if (grpc_server_open(&options, &server, err) < 0 || grpc_server_run(server, stop_fd, err) < 0) …
 *
 * A unix socket is created with mode 0600. One that is there already is replaced when nobody listens on it; a live one
 * and what is no socket stay, and are an error. Ours goes with the server.
 *
 * A connection ends when its peer does not begin to speak HTTP/2 within begin_timeout, when a call takes longer than
 * call_timeout from its first byte until its answer was read whole, and after idle_timeout without a call. When there
 * are too many connections, the one that has been idle longest makes room.
 *
 * Units: milliseconds; 0 is the default. Bounds: those of the session, and GRPC_BUDGET bytes of messages in all.
 * Ownership: options are copied, what they point to is borrowed until the server goes.
 * Errors: ERR_USAGE (address), ERR_CONFLICT (somebody listens there), ERR_IO. What peers do is none of them.
 */
#ifndef COCOON_NET_GRPC_SERVER_H
#define COCOON_NET_GRPC_SERVER_H

#include "net/grpc_session.h"

#include <stdbool.h>

struct err;
struct grpc_server;

#define GRPC_BUDGET ((size_t)64 * 1024 * 1024)

struct grpc_server_options {
	const char *listen; /* "127.0.0.1:50000", "[::1]:50000", "unix:///path", "/path" */
	bool allow_remote;  /* addresses that are not loopback's, too */
	const struct grpc_method *methods;
	void *ctx; /* of the methods */
	const struct clock *clock;
	unsigned connections; /* 64 */
	int begin_timeout;    /* 10 s */
	int call_timeout;     /* 60 s */
	int idle_timeout;     /* 300 s */
};

int grpc_server_open(const struct grpc_server_options *options, struct grpc_server **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void grpc_server_free(struct grpc_server *server);
static inline void grpc_server_release(struct grpc_server **slot)
{
	grpc_server_free(*slot);
}
#define auto_grpc_server __attribute__((cleanup(grpc_server_release)))

/* Where it listens, with the port that the system chose for port 0: a target of net/grpc_client.h. */
const char *grpc_server_address(const struct grpc_server *server) __attribute__((nonnull, returns_nonnull));

size_t grpc_server_connections(const struct grpc_server *server) __attribute__((nonnull));

/* One turn of the loop: waits at most `timeout` for something to happen, or until extra_fd (-1: none) can be read. */
int grpc_server_turn(struct grpc_server *server, int timeout, int extra_fd, bool *extra_ready,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

/* Turns until stop_fd can be read; then calls that are there are answered, for a second at most. */
int grpc_server_run(struct grpc_server *server, int stop_fd, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
