/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step of a pipeline of bytes: it takes what is fed, does its work, and feeds the next step. No step knows a file
 * descriptor or how its input was cut, so that a codec runs alike over a buffer, a socket and a fuzzer's input.
 *
 *     feed, feed, …, done        done comes once, after the last byte; nothing follows it
 *
 * A step is a struct of its own that begins with a struct stream. It borrows the next step, which must outlive it,
 * and calls the next step's done from its own. After a failure the whole pipeline is only good for being freed; what
 * the last step holds by then is unverified and must be thrown away.
 */
#ifndef COCOON_CODEC_STREAM_H
#define COCOON_CODEC_STREAM_H

#include "base/buf.h"
#include "base/span.h"

struct err;

struct stream {
	int (*feed)(struct stream *self, struct span bytes, struct err *err);
	int (*done)(struct stream *self, struct err *err);
};

static inline __attribute__((nonnull(1), warn_unused_result)) int stream_feed(
		struct stream *stream, struct span bytes, struct err *err)
{
	return stream->feed(stream, bytes, err);
}

static inline __attribute__((nonnull(1), warn_unused_result)) int stream_done(
		struct stream *stream, struct err *err)
{
	return stream->done(stream, err);
}

/*
 * Where a pipeline's bytes come from, for who asks for them: a file, a pipe, a blob of a registry. read() waits until
 * it has at least one byte and gives at most cap; *got is 0 at the end, and only there. Like a step, a source is a
 * struct of its own that begins with a struct pull.
 */
struct pull {
	int (*read)(struct pull *self, void *out, size_t cap, size_t *got, struct err *err);
};

static inline __attribute__((nonnull(1, 2, 4), warn_unused_result)) int pull_read(
		struct pull *pull, void *out, size_t cap, size_t *got, struct err *err)
{
	return pull->read(pull, out, cap, got, err);
}

/* The end of a pipeline: collects into a buffer, whose ceiling counts. `what` names the bytes in the ERR_LIMIT. */
struct buf_sink {
	struct stream stream;
	struct buf *out;
	const char *what;
};

void buf_sink_init(struct buf_sink *sink, struct buf *out, const char *what) __attribute__((nonnull));

#endif
