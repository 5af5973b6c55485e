/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "ADDRESS:PORT" as people write where a server listens: "0.0.0.0:9443", "[::]:9443". The address is in numbers.
 */
#ifndef COCOON_NET_LISTEN_H
#define COCOON_NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define LISTEN_ADDRESS_MAX 64

/* ERR_USAGE with an example. */
int listen_parse(const char *text, char address[static LISTEN_ADDRESS_MAX], uint16_t *port, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* An address in numbers: is it of this machine alone? 127.0.0.0/8, ::1. */
bool listen_is_loopback(const char *address) __attribute__((nonnull));

#endif
