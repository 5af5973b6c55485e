/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of one file in a tar archive (POSIX pax interchange format), for who writes archives whose files are as large
 * as they like and have names longer than 100 bytes: an extended header with the path and, from 8 GiB on, the size, in
 * front of the ustar header. It has always the same length, so that room for it can be left before the name is known.
 *
 * Owner 0, time 0, mode 0644: an archive tells nothing of where it was made.
 */
#ifndef COCOON_OCI_TAR_H
#define COCOON_OCI_TAR_H

#include <stdint.h>

#define TAR_BLOCK    512
#define TAR_HEAD     (3 * TAR_BLOCK)
#define TAR_END      (2 * TAR_BLOCK) /* of zeros, behind the last file */
#define TAR_NAME_MAX 256

/* `name` is at most TAR_NAME_MAX bytes. */
void tar_head(const char *name, uint64_t size, unsigned char out[static TAR_HEAD]) __attribute__((nonnull));

/* The size in whole blocks. */
static inline uint64_t tar_padded(uint64_t size)
{
	return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

#endif
