/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends of gRPC over HTTP/2 share (grpc/grpc: doc/PROTOCOL-HTTP2.md, statuscodes.md): statuses, the prefix of
 * a message, and the encoding of grpc-message. Unary calls alone: one message each way, never compressed.
 *
 *     HEADERS   :method POST  :path /package.Service/Method  content-type application/grpc  te trailers
 *     DATA      00 00 00 00 05  hello                        0: not compressed; length; message
 *     HEADERS   :status 200  content-type application/grpc
 *     DATA      00 00 00 00 02  hi
 *     HEADERS   grpc-status 0                                the trailers; a failure has these alone
 *
 * Bounds: GRPC_MESSAGE_MAX, the ecosystem's own ceiling for a message.
 */
#ifndef COCOON_NET_GRPC_H
#define COCOON_NET_GRPC_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define GRPC_MESSAGE_MAX ((size_t)4 * 1024 * 1024)
#define GRPC_PREFIX      5
#define GRPC_TYPE        "application/grpc"

enum grpc_status {
	GRPC_OK,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
	GRPC_STATUSES
};

/* "INVALID_ARGUMENT"; "UNKNOWN" for numbers that are none. Static. */
const char *grpc_status_name(enum grpc_status status) __attribute__((returns_nonnull));

/* What a caller can do about a status, and the status that says the same as a kind. */
enum err_kind grpc_status_kind(enum grpc_status status);
enum grpc_status grpc_status_of(enum err_kind kind);

/* The prefix of a message of len bytes, at most GRPC_MESSAGE_MAX. */
void grpc_prefix_format(size_t len, unsigned char out[static GRPC_PREFIX]);

/* ERR_LIMIT for more than `max` bytes; ERR_USAGE for a compressed message; ERR_FORMAT for another flag. */
int grpc_prefix_parse(const unsigned char prefix[static GRPC_PREFIX], size_t max, size_t *len,
		struct err *err) __attribute__((nonnull(3), warn_unused_result));

/* grpc-message: bytes outside of 0x20 … 0x7e, and '%', as %XX. What is no encoding stays as it is when decoded. */
void grpc_text_encode(struct buf *out, struct span text) __attribute__((nonnull));
void grpc_text_decode(struct buf *out, struct span text) __attribute__((nonnull));

/* "/package.Service/Method", as a method is called. */
bool grpc_is_path(struct span path);

#endif
