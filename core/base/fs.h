/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files: read under a ceiling, written so that a reader sees the old or the new content and nothing between.
 *
 * Bounds: the ceiling of the buffer that is read into; a longer file is ERR_LIMIT and nothing of it stays.
 * Errors: ERR_NOT_FOUND (no such file or folder), ERR_LIMIT, ERR_IO; each names the path. Not for secrets: those
 * are read by crypto/secret.h.
 * The name "-" is nothing special here; a program that means standard input calls fs_read_stdin().
 */
#ifndef COCOON_BASE_FS_H
#define COCOON_BASE_FS_H

#include "base/buf.h"
#include "base/span.h"

#include <sys/types.h>

struct err;

/* Appends the file's bytes. Pipes work; a folder is ERR_IO. */
int fs_read(const char *path, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The rest of an open file, to its end; `name` is for messages. The descriptor stays open. */
int fs_read_fd(int fd, const char *name, struct buf *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

int fs_read_stdin(struct buf *out, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* All of the bytes, however many calls it takes. */
int fs_write_fd(int fd, const char *name, struct span bytes, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/*
 * Replaces the file's content: a new file in the same folder, fsync, rename, fsync of the folder. An existing file
 * keeps its mode and its owner, a new one gets `mode` less the umask. A symbolic link stays and its target is
 * replaced; a link to nothing is ERR_NOT_FOUND. What is no regular file (a pipe, a terminal, /dev/stdout) cannot be
 * replaced and is written straight into.
 */
int fs_write_atomic(const char *path, struct span bytes, mode_t mode, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
