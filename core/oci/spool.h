/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a file that one blob takes, written from its beginning to its end: a whole file in a folder, or a piece of
 * an archive. Private to core/oci.
 *
 * Space is reserved first, so that a full disk is known before the work, and behind the file's end, so that its size
 * stays that of what was written. Not on tmpfs: there it means to touch every page twice, a sixth of the time of a
 * layer (measured), and what is short there is memory.
 * The disk is set to work every SPOOL_STEP bytes: by the commit, which waits for it, most is done.
 *
 * Errors: ERR_FORMAT for more or fewer bytes than announced; ERR_IO.
 */
#ifndef COCOON_OCI_SPOOL_H
#define COCOON_OCI_SPOOL_H

#include "base/span.h"

#include <stdint.h>

struct err;

#define SPOOL_STEP ((uint64_t)8 * 1024 * 1024)

struct spool {
	int fd;
	const char *text; /* the place, for messages; borrowed */
	uint64_t start, size;
	uint64_t done;    /* bytes written */
	uint64_t started; /* bytes that the disk was told of */
};

/* The descriptor stays the caller's. */
int spool_init(struct spool *spool, int fd, uint64_t start, uint64_t size, const char *text, struct err *err)
		__attribute__((nonnull(1, 5), warn_unused_result));

int spool_feed(struct spool *spool, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Is it all there? */
int spool_check(const struct spool *spool, const char *digest, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* All of the bytes, at a place in a file. */
int spool_write_at(int fd, const char *text, struct span bytes, uint64_t at, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
