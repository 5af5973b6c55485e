/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of net/grpc_server.h share among themselves; nobody else includes it. */
#ifndef COCOON_NET_GRPC_SERVER_OWN_H
#define COCOON_NET_GRPC_SERVER_OWN_H

#include "net/grpc_server.h"
#include "net/local.h"

struct grpc_listener {
	int fd; /* also of a unix socket */
	char *address;
	struct local local; /* none: TCP */
};
#define GRPC_LISTENER_NONE                                     \
	{                                                      \
		.fd = -1, .address = NULL, .local = LOCAL_NONE \
	}

int grpc_listen(struct grpc_listener *out, const char *text, bool allow_remote, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Closes it and removes its file. */
void grpc_listener_clear(struct grpc_listener *listener) __attribute__((nonnull));

#endif
