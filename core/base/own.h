/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership words: a local variable declared with one is released when it leaves its scope. Each type defines its
 * own word beside itself (auto_buf in base/buf.h, auto_json in codec/json.h); the two for plain C are here.
 *
 *     auto_free char *name = xstrdup("x");    must be initialised where it is declared
 *     return take(&name);                     hands it to the caller: name is NULL afterwards
 *
 * Destructors take NULL and half-built objects, keep errno, and never fail.
 */
#ifndef COCOON_BASE_OWN_H
#define COCOON_BASE_OWN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free(void *slot)
{
	free(*(void **)slot);
}

static inline void own_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void own_fclose(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	errno = saved;
}

#define auto_free __attribute__((cleanup(own_free)))
#define auto_fd   __attribute__((cleanup(own_close)))
#define auto_file __attribute__((cleanup(own_fclose)))

/* Takes the pointer out of its variable, which becomes NULL. */
#define take(slot)                                       \
	({                                               \
		__typeof__(*(slot)) own_taken = *(slot); \
		*(slot) = NULL;                          \
		own_taken;                               \
	})

/* Takes the descriptor out of its variable, which becomes -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
