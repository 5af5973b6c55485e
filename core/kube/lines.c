/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/lines.h"

#include "base/err.h"

#include <string.h>

void lines_clear(struct lines *lines)
{
	buf_clear(&lines->pending);
}

static int hand_over(struct lines *lines, struct span text, struct err *err)
{
	if (!span_trim(text).len)
		return 0;
	return lines->line(lines->ctx, text, err);
}

static int keep(struct lines *lines, struct span bytes, struct err *err)
{
	if (bytes.len > LINES_MAX - lines->pending.len)
		return err_set(err, ERR_LIMIT, "a line of the stream exceeds %d bytes", LINES_MAX);
	buf_add_span(&lines->pending, bytes);
	return 0;
}

int lines_feed(struct lines *lines, struct span bytes, struct err *err)
{
	while (bytes.len) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);
		if (!end)
			return keep(lines, bytes, err);
		struct span head = span_new(bytes.ptr, (size_t)(end - bytes.ptr));
		bytes = span_from(bytes, head.len + 1);
		if (lines->pending.len || head.len > LINES_MAX) {
			if (keep(lines, head, err) < 0)
				return -1;
			head = buf_span(&lines->pending);
		}
		if (hand_over(lines, head, err) < 0)
			return -1;
		buf_reset(&lines->pending);
	}
	return 0;
}

int lines_done(const struct lines *lines, struct err *err)
{
	if (span_trim(buf_span(&lines->pending)).len)
		return err_set(err, ERR_IO, "the stream ended inside a line, %zu bytes into it",
				lines->pending.len);
	return 0;
}
