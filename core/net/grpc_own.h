/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the gRPC client and server share among themselves; besides them, net/ttrpc_client.c connects by it. */
#ifndef COCOON_NET_GRPC_OWN_H
#define COCOON_NET_GRPC_OWN_H

#include "base/buf.h"
#include "base/span.h"
#include "net/grpc.h"
#include "net/grpc_client.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct ssl_st;

/* Header fields that we read of a peer, names and values with HPACK's 32 bytes each (RFC 9113, 6.5.2). */
#define GRPC_HEADERS_MAX 16384
#define GRPC_FIELD_COST  32

/* ---- what goes out: frames and, in no copy but this, messages ---- */

/* Frames are added while less than half of the room is taken, and none is longer than a quarter. */
#define GRPC_OUT_ROOM    ((size_t)64 * 1024)

/* Moves what the session wants to send to `out`, as much as fits. `out` was initialised with GRPC_OUT_ROOM. */
int grpc_pump(nghttp2_session *session, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* A message on its way out, prefix first. */
struct grpc_outgoing {
	struct span message;
	size_t sent; /* of prefix and message */
};

/* A header field for nghttp2, which takes texts without const, copies them, and changes nothing. */
nghttp2_nv grpc_field(const char *name, const char *value) __attribute__((nonnull));

/* For nghttp2: how much of the message the next DATA frame takes; the frame's bytes, appended to `out`. */
ssize_t grpc_outgoing_read(struct grpc_outgoing *outgoing, size_t room, uint32_t *flags)
		__attribute__((nonnull));
int grpc_outgoing_send(struct grpc_outgoing *outgoing, const uint8_t *frame_head, size_t len, struct buf *out)
		__attribute__((nonnull));

/* ---- what comes in ---- */

struct grpc_incoming {
	unsigned char prefix[GRPC_PREFIX];
	size_t prefix_len;
	size_t len; /* of the message, once the prefix is there */
};

static inline bool grpc_incoming_has_prefix(const struct grpc_incoming *incoming)
{
	return incoming->prefix_len == GRPC_PREFIX;
}

/* Takes what belongs to the prefix off *bytes; when it is whole, parses it: `max` as in grpc_prefix_parse(). */
int grpc_incoming_prefix(struct grpc_incoming *incoming, struct span *bytes, size_t max, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* ---- the client's connection ---- */

union grpc_address {
	struct sockaddr any;
	struct sockaddr_storage storage;
};

struct grpc_target {
	bool is_unix;
	char host[256]; /* without brackets; the path of a unix socket */
	char port[8];
};
int grpc_target_parse(const char *text, struct grpc_target *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* A connection, plain or TLS, on a descriptor that does not block. Deadlines are monotonic. */
struct grpc_wire {
	int fd;
	struct ssl_st *ssl; /* NULL: plain */
	int64_t deadline;
};
#define GRPC_WIRE_NONE                               \
	{                                            \
		.fd = -1, .ssl = NULL, .deadline = 0 \
	}
int grpc_wire_open(struct grpc_wire *wire, const struct grpc_call *call, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void grpc_wire_close(struct grpc_wire *wire) __attribute__((nonnull));

/* Waits for poll(2) events. ERR_RETRY when the deadline has come. */
int grpc_wire_wait(const struct grpc_wire *wire, short events, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* As much as goes without waiting: *done is 0 when nothing went, and *wants then says for what to wait. Reading at the
 * end of the stream is ERR_IO. */
int grpc_wire_read(struct grpc_wire *wire, void *out, size_t room, size_t *done, short *wants,
		struct err *err) __attribute__((nonnull(1, 2, 4, 5), warn_unused_result));
int grpc_wire_write(struct grpc_wire *wire, struct span bytes, size_t *done, short *wants, struct err *err)
		__attribute__((nonnull(1, 3, 4), warn_unused_result));

/* Wraps a connected socket in TLS for `host`. */
int grpc_tls_open(struct grpc_wire *wire, const struct grpc_tls *tls, const char *host, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
