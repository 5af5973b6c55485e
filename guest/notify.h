/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells systemd how far the service is (sd_notify(3)): one datagram to the socket that NOTIFY_SOCKET names, a path or,
 * with '@' in front, an abstract name.
 */
#ifndef COCOON_GUEST_NOTIFY_H
#define COCOON_GUEST_NOTIFY_H

struct err;

/* socket NULL: nobody waits for it. state: "READY=1". ERR_USAGE (no such form of address), ERR_IO. */
int notify(const char *socket, const char *state, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
