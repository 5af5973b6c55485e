/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ends of a pipeline on descriptors: reading one as a struct pull, writing one as a struct stream. Interrupted
 * calls are taken up again; short writes are completed. The descriptors stay the caller's. Errors: ERR_IO with `name`.
 */
#ifndef COCOON_CODEC_FDIO_H
#define COCOON_CODEC_FDIO_H

#include "codec/stream.h"

struct fd_pull {
	struct pull pull;
	int fd;
	const char *name;
};
void fd_pull_init(struct fd_pull *pull, int fd, const char *name) __attribute__((nonnull));

/* done() does nothing: whether and when the file is synced is its owner's matter. */
struct fd_sink {
	struct stream stream;
	int fd;
	const char *name;
};
void fd_sink_init(struct fd_sink *sink, int fd, const char *name) __attribute__((nonnull));

#endif
