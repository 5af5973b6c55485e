/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/stream.h"

static int sink_feed(struct stream *self, struct span bytes, struct err *err)
{
	struct buf_sink *sink = (struct buf_sink *)self;

	buf_add_span(sink->out, bytes);
	return buf_check(sink->out, sink->what, err);
}

static int sink_done(struct stream *self, struct err *err)
{
	struct buf_sink *sink = (struct buf_sink *)self;

	return buf_check(sink->out, sink->what, err);
}

void buf_sink_init(struct buf_sink *sink, struct buf *out, const char *what)
{
	*sink = (struct buf_sink){
		.stream = { .feed = sink_feed, .done = sink_done },
		.out = out,
		.what = what,
	};
}
