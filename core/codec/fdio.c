/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/fdio.h"

#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <unistd.h>

static int pull_fd(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct fd_pull *pull = (struct fd_pull *)self;
	ssize_t n;

	do {
		n = read(pull->fd, out, cap);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, ERR_IO, "reading '%s'", pull->name);
	*got = (size_t)n;
	return 0;
}

void fd_pull_init(struct fd_pull *pull, int fd, const char *name)
{
	*pull = (struct fd_pull){ .pull = { .read = pull_fd }, .fd = fd, .name = name };
}

static int sink_fd(struct stream *self, struct span bytes, struct err *err)
{
	struct fd_sink *sink = (struct fd_sink *)self;

	return fs_write_fd(sink->fd, sink->name, bytes, err);
}

static int sink_fd_done(struct stream *self, struct err *err)
{
	(void)self;
	(void)err;
	return 0;
}

void fd_sink_init(struct fd_sink *sink, int fd, const char *name)
{
	*sink = (struct fd_sink){
		.stream = { .feed = sink_fd, .done = sink_fd_done },
		.fd = fd,
		.name = name,
	};
}
