/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One unary gRPC call (net/grpc.h), on a connection of its own: connects, calls, waits, closes.
 *
 *     struct grpc_call call = { .target = "127.0.0.1:50000", .path = "/package.Service/Method", .message = request,
 *             .timeout = 10000 };
 *     if (grpc_call(&call, &answer, err) < 0) …
 *
 * Targets: "host:port", "http://host:port", "tcp://host:port", "dns:///host:port", "unix:///path", "unix:path". With
 * tls the peer must show a certificate for the host (or for server_name) that the roots vouch for, TLS 1.2 at least, and
 * choose HTTP/2.
 *
 * With tls, the program ignores SIGPIPE (base/signals.h), which OpenSSL may raise.
 *
 * Units: milliseconds, for everything from the connection to the last byte; looking up a host's name may take longer,
 * as the system's resolver has deadlines of its own.
 * Bounds: the ceiling of `answer`, at most GRPC_MESSAGE_MAX; 16 KiB of header fields.
 * Ownership: everything is borrowed for the call. Messages may be secrets: what is copied of them is wiped, and
 * `answer` is given its room at once so that its owner can wipe it (buf_wipe).
 * Errors: a status of the peer as its kind, "INVALID_ARGUMENT: its message"; ERR_RETRY (deadline, nobody listens),
 * ERR_IO, ERR_AUTH (certificate), ERR_FORMAT (the answer is no gRPC), ERR_LIMIT, ERR_USAGE (target, TLS files).
 */
#ifndef COCOON_NET_GRPC_CLIENT_H
#define COCOON_NET_GRPC_CLIENT_H

#include "base/span.h"

#include <stdbool.h>

struct buf;
struct err;

/* Files in PEM; NULL: none. */
struct grpc_tls {
	const char *roots; /* NULL: the system's */
	const char *cert;  /* our chain and its key, where the peer asks who we are */
	const char *key;
	const char *server_name;
	bool insecure; /* any certificate will do */
};

struct grpc_call {
	const char *target;
	const struct grpc_tls *tls; /* NULL: plain */
	const char *path;
	struct span message;
	int timeout;
};

/* Appends the message of the answer. */
int grpc_call(const struct grpc_call *call, struct buf *answer, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Whether a target is written in one of the forms; ERR_USAGE. */
int grpc_target_check(const char *target, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
