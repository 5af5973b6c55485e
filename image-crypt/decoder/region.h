/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text with private keys in it, of a size that struct secret does not take: read into one piece of memory, which
 * never moves, is in no core dump, and is wiped.
 *
 * Ownership: the caller's struct. Errors: ERR_IO, ERR_LIMIT.
 */
#ifndef COCOON_IMAGE_CRYPT_DECODER_REGION_H
#define COCOON_IMAGE_CRYPT_DECODER_REGION_H

#include <stddef.h>

struct err;

struct region {
	char *ptr;
	size_t len;
	size_t room;
};
#define REGION_NONE                              \
	{                                        \
		.ptr = NULL, .len = 0, .room = 0 \
	}

/* All that the descriptor has, at most max bytes. */
int region_read(struct region *region, int fd, size_t max, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void region_clear(struct region *region) __attribute__((nonnull));
#define auto_region __attribute__((cleanup(region_clear)))

#endif
