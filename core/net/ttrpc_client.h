/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One unary ttrpc call (net/ttrpc.h) on a connection of its own: connects, calls, waits, closes.
 *
 * Units: milliseconds, for everything. Ownership: everything is borrowed for the call; what is copied of messages is
 * wiped. Errors: a status of the peer as its kind, "INTERNAL: its message"; ERR_RETRY (deadline, nobody listens),
 * ERR_IO, ERR_FORMAT, ERR_LIMIT, ERR_USAGE (address).
 */
#ifndef COCOON_NET_TTRPC_CLIENT_H
#define COCOON_NET_TTRPC_CLIENT_H

#include "base/span.h"

struct buf;
struct err;

struct ttrpc_call {
	const char *target;  /* "unix:///path", "/path" */
	const char *service; /* "api.SealedSecretService" */
	const char *method;
	struct span message;
	int timeout;
};

/* Appends the payload of the answer. */
int ttrpc_call(const struct ttrpc_call *call, struct buf *answer, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
