/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New files for keys: a private one is never readable by others, not for a moment, and a file that is there is never
 * overwritten unless that is asked for, because a key that is gone takes all that it locks with it.
 *
 * Errors: ERR_CONFLICT (it is there), ERR_NOT_FOUND (no such folder), ERR_IO.
 */
#ifndef COCOON_BASE_KEYFILE_H
#define COCOON_BASE_KEYFILE_H

#include "base/span.h"

#include <stdbool.h>
#include <sys/types.h>

struct err;

#define KEYFILE_PRIVATE 0600
#define KEYFILE_PUBLIC  0644

int keyfile_write(const char *path, struct span bytes, mode_t mode, bool force, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
