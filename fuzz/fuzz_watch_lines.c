/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: lines_feed, lines_done. The first byte says where the stream is cut; the lines do not depend on it. */
#include "base/buf.h"
#include "kube/lines.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int join(void *ctx, struct span text, struct err *err)
{
	(void)err;
	assert(span_find(text, '\n') == text.len);
	buf_add_span(ctx, text);
	buf_putc(ctx, '\n');
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf one = BUF_MAX(1 << 20), many = BUF_MAX(1 << 20);
	auto_lines struct lines whole = LINES_INIT(join, &one), cut = LINES_INIT(join, &many);

	if (!size)
		return 0;
	size_t step = 1 + data[0] % 16;
	struct span text = span_new(data + 1, size - 1);
	assert(lines_feed(&whole, text, NULL) == 0);
	for (struct span rest = text; rest.len; rest = span_from(rest, step))
		assert(lines_feed(&cut, span_new(rest.ptr, rest.len < step ? rest.len : step), NULL) == 0);
	assert(span_eq(buf_span(&one), buf_span(&many)));
	assert(lines_done(&whole, NULL) == lines_done(&cut, NULL));
	return 0;
}
