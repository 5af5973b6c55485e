/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of one gRPC connection as bytes in and bytes out, without a socket: HTTP/2 (RFC 9113) by nghttp2,
 * unary calls (net/grpc.h) answered by a table of methods.
 *
 *     feed(bytes that came) ──► calls are answered, inside of feed ──► pending() ──► sent(how much of it went)
 *
 * What a peer may do, and what it gets when it does more:
 *     streams at once                          GRPC_STREAMS_MAX; refused
 *     header fields of a request               GRPC_HEADERS_MAX bytes; the stream is reset
 *     bytes of a message                       GRPC_MESSAGE_MAX; RESOURCE_EXHAUSTED
 *     messages at once, of all connections     the budget; RESOURCE_EXHAUSTED
 *     frames beside messages                   GRPC_NOISE_MAX since an answer last made progress (resets, pings,
 *                                              settings, priorities, window updates, empty data): the connection ends
 *     compression, unknown methods             UNIMPLEMENTED
 * nghttp2 bounds the frame (16 KiB), the header block (8 CONTINUATIONs) and answers to pings that nobody reads.
 *
 * Errors of feed: ERR_FORMAT, ERR_LIMIT: the connection is over once what is pending has gone.
 */
#ifndef COCOON_NET_GRPC_SESSION_H
#define COCOON_NET_GRPC_SESSION_H

#include "base/span.h"
#include "net/grpc.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct clock;
struct err;
struct grpc_session;

#define GRPC_STREAMS_MAX 16
#define GRPC_NOISE_MAX   1000

/*
 * Answers a call: the message into `answer`, whose ceiling is GRPC_MESSAGE_MAX, and GRPC_OK; or another status, with
 * the text of *err as its message. Both messages are wiped afterwards; who writes a secret makes room for it first.
 */
typedef enum grpc_status (*grpc_handler)(void *ctx, struct span message, struct buf *answer, struct err *err);

struct grpc_method {
	const char *path; /* "/package.Service/Method"; NULL ends a table */
	grpc_handler handle;
};

struct grpc_service {
	const struct grpc_method *methods;
	void *ctx;
	const struct clock *clock;
	size_t *budget; /* bytes that messages may still take, shared by the sessions of a server */
};

/* The service and what it points to are borrowed. */
struct grpc_session *grpc_session_new(const struct grpc_service *service, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void grpc_session_free(struct grpc_session *session);
static inline void grpc_session_release(struct grpc_session **slot)
{
	grpc_session_free(*slot);
}
#define auto_grpc_session __attribute__((cleanup(grpc_session_release)))

int grpc_session_feed(struct grpc_session *session, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* What is to be sent now; empty: nothing. Good until the next call. */
int grpc_session_pending(struct grpc_session *session, struct span *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void grpc_session_sent(struct grpc_session *session, size_t len) __attribute__((nonnull));

/* Says goodbye: open calls are answered, new ones refused, and then the session is over. */
void grpc_session_shutdown(struct grpc_session *session) __attribute__((nonnull));

/* Nothing more is to be read or sent. */
bool grpc_session_is_over(const struct grpc_session *session) __attribute__((nonnull));
/* The peer has said that it speaks HTTP/2. */
bool grpc_session_has_begun(const struct grpc_session *session) __attribute__((nonnull));
/* When the oldest call that is not answered whole began, by the service's monotonic clock; false when there is none. */
bool grpc_session_oldest(const struct grpc_session *session, int64_t *began) __attribute__((nonnull));

#endif
