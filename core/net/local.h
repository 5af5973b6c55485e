/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening unix socket that has a name in the file system (unix(7)).
 *
 *     "unix:///run/x.sock"   "/run/x.sock"   "unix:x.sock"      the forms of an address
 *
 * The file has the mode that is asked for before anybody can connect. One that is there already is replaced when nobody
 * listens on it; a live one and what is no socket stay, and are an error. Ours goes with the socket, unless another
 * server has put its own in its place.
 *
 * Bounds: LOCAL_PATH_MAX bytes of a path, the kernel's.
 * Errors: ERR_USAGE (path too long), ERR_CONFLICT (something is there), ERR_IO.
 */
#ifndef COCOON_NET_LOCAL_H
#define COCOON_NET_LOCAL_H

#include <sys/types.h>

struct err;

#define LOCAL_PATH_MAX 107

struct local {
	int fd; /* -1: none */
	char *path;
	dev_t device; /* which file it is */
	ino_t inode;
};
#define LOCAL_NONE       \
	{                \
		.fd = -1 \
	}

/* The path in an address, borrowed from it; NULL: it is none of a unix socket. */
const char *local_path(const char *address) __attribute__((nonnull));

/* Takes connections without waiting for them; `queue` of them wait in the kernel. */
int local_listen(struct local *out, const char *path, mode_t mode, int queue, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Closes it and removes its file. */
void local_clear(struct local *local) __attribute__((nonnull));
#define auto_local __attribute__((cleanup(local_clear)))

#endif
