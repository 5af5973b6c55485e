/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ttrpc server (net/ttrpc.h) on a unix socket: one thread reads frames, workers answer calls, so that a call which
 * waits delays no other. Answers are those of the ecosystem's server in Rust, which Kata's agent knows (guest-apis.md, 2).
 *
 *     unknown service                      INVALID_ARGUMENT "<service> service does not exist"
 *     unknown method                       UNIMPLEMENTED "<method> method"
 *     frame beyond TTRPC_DATA_MAX          is read to its end, INVALID_ARGUMENT; the connection lives on
 *
 * The socket is made with the mode that is asked for, before it can be reached; one that nobody listens on is replaced.
 * A connection ends after idle_timeout without a call, and when an answer is not read for call_timeout.
 *
 * What a client may do, and what it gets when it does more: TTRPC_CALLS_MAX calls at once on one connection
 * (RESOURCE_EXHAUSTED); `connections` (the one that has been idle longest makes room); TTRPC_BUDGET bytes of messages in
 * all (RESOURCE_EXHAUSTED). Messages are wiped once they are done with.
 *
 * Handlers run in the workers' threads, several at once, and so do their ctx.
 * Errors: ERR_USAGE (address), ERR_CONFLICT (somebody listens there), ERR_IO.
 */
#ifndef COCOON_NET_TTRPC_SERVER_H
#define COCOON_NET_TTRPC_SERVER_H

#include "net/grpc_session.h"
#include "net/ttrpc.h"

#include <sys/types.h>

struct err;
struct ttrpc_server;
struct workers;

#define TTRPC_CALLS_MAX 64
#define TTRPC_BUDGET    ((size_t)64 * 1024 * 1024)

struct ttrpc_server_options {
	const char *listen; /* "unix:///path", "/path" */
	mode_t mode;        /* of the socket; 0: 0600 */
	const struct grpc_method
			*methods; /* NULL path ends; a NULL handler answers NOT_FOUND "… is not supported" */
	void *ctx;
	struct workers *workers; /* borrowed */
	const struct clock *clock;
	unsigned connections; /* 0: 256 */
	int call_timeout;     /* ms; 0: 60 s */
	int idle_timeout;     /* ms; 0: none */
};

int ttrpc_server_open(const struct ttrpc_server_options *options, struct ttrpc_server **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Waits for calls that run. */
void ttrpc_server_free(struct ttrpc_server *server);
static inline void ttrpc_server_release(struct ttrpc_server **slot)
{
	ttrpc_server_free(*slot);
}
#define auto_ttrpc_server __attribute__((cleanup(ttrpc_server_release)))

/* Serves until stop_fd can be read; calls that run then are answered, for a second at most. */
int ttrpc_server_run(struct ttrpc_server *server, int stop_fd, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
