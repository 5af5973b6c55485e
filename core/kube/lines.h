/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream cut into lines, for watches, which write one JSON value per line. Knows no connection: feed, then done.
 *
 *     {"type":"ADDED","object":{…}}\n
 *
 * Each byte is looked at once, however the stream is cut. Empty lines are skipped (some proxies send them to keep a
 * connection alive); a CR before the newline is white space to the JSON loader.
 * Bounds: a line of LINES_MAX bytes: an object of etcd's limit with its envelope, and the same 8 MiB as list items.
 * Ownership: the span is borrowed for the call of `line`.
 * Errors: ERR_LIMIT; ERR_IO from lines_done when the stream ended inside a line; what `line` returns.
 */
#ifndef COCOON_KUBE_LINES_H
#define COCOON_KUBE_LINES_H

#include "base/buf.h"
#include "base/span.h"

struct err;

#define LINES_MAX (8 * 1024 * 1024 + 4096)

struct lines {
	void *ctx;
	int (*line)(void *ctx, struct span text, struct err *err);
	struct buf pending;
};

#define LINES_INIT(line_fn, line_ctx)                                               \
	{                                                                           \
		.ctx = (line_ctx), .line = (line_fn), .pending = BUF_MAX(LINES_MAX) \
	}
void lines_clear(struct lines *lines) __attribute__((nonnull));
#define auto_lines __attribute__((cleanup(lines_clear)))

int lines_feed(struct lines *lines, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
int lines_done(const struct lines *lines, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
