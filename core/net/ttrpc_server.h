/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ttrpc server (net/ttrpc.h) on a unix socket: one thread reads frames, workers answer calls, so that a call which
 * waits delays no other. Answers are those of the ecosystem's server in Rust, which Kata's agent knows (guest-apis.md, 2).
 *
 *     unknown service                      INVALID_ARGUMENT "<service> service does not exist"
 *     unknown method                       UNIMPLEMENTED "<method> method"
 *     method without a handler             NOT_FOUND "/<service>/<method> is not supported"
 *     request that cannot be read          INVALID_ARGUMENT "Unexpected EOF"
 *     even stream                          INVALID_ARGUMENT "stream id must be odd"
 *     data of a stream, which none is      INVALID_ARGUMENT, with one of two texts
 *     frame of a type that is none         nothing
 *     frame beyond TTRPC_DATA_MAX          is read to its end, INVALID_ARGUMENT; the connection lives on
 *     answer beyond it                     INVALID_ARGUMENT with the same text
 *
 * All flags of requests are taken for those of a unary call; streams may come again and in any order. Handlers are run to
 * their end: the timeout_nano of a request is its caller's to keep, who hears nothing else when we are late. Names
 * beyond ERR_TEXT_MAX are cut in answers.
 *
 * The socket (net/local.h) has the mode that is asked for before it can be reached.
 * A connection ends after idle_timeout without a call, and when a frame is not whole, or an answer not read,
 * call_timeout after it began. One whose peer says nothing more is answered to the end.
 *
 * What a client may do, and what it gets when it does more: TTRPC_CALLS_MAX calls at once on one connection
 * (RESOURCE_EXHAUSTED; those whose answer is not read yet count); `connections` (the one that has been idle longest makes
 * room; when all have calls, the new one is turned away); TTRPC_BUDGET bytes of messages in all, and the workers' queue
 * (RESOURCE_EXHAUSTED). While many answers wait for their reader, nothing further is read. Messages are wiped once they
 * are done with; a handler makes room for a secret before it writes one (net/grpc_session.h).
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
/* Waits for calls that run; the workers must still be there, or have been freed before. */
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
