/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the daemon is: folders and sockets are made by the user that started it, and then it becomes another one for good.
 *
 * Errors: ERR_NOT_FOUND (no such user), ERR_USAGE (not root, and another user is wanted), ERR_IO.
 */
#ifndef COCOON_GUEST_PRIVILEGES_H
#define COCOON_GUEST_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct identity {
	const char *name; /* NULL: stay who we are */
	uid_t uid;
	gid_t gid;
};

int identity_find(const char *name, struct identity *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Makes a folder, and what is missing above it with mode 0755; the folder itself gets mode and owner when it is new. The
 * process's mask counts for neither. */
int identity_folder(const struct identity *identity, const char *path, mode_t mode, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Gives a socket or file to the user. */
int identity_own(const struct identity *identity, const char *path, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Becomes the user, with the user's groups; there is no way back, which is checked. */
int identity_become(const struct identity *identity, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
