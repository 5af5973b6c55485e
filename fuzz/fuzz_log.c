/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: log_line. Whatever text comes in, what goes out is one line of UTF-8 without a control
 * character, one JSON object, and not longer than it may be.
 */
#include "base/log.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_line(struct buf *out, ...)
{
	va_list pairs;

	va_start(pairs, out);
	log_line(out, LOG_WARN, 0, "message", pairs);
	va_end(pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(64 * 1024), out = BUF_MAX(4 * LOG_LINE_MAX);
	auto_json json_t *line = NULL;

	buf_add(&text, data, size);
	/* the halves, where a NUL divides the input */
	const char *first = buf_text(&text), *second = first + strlen(first);
	if (second < first + text.len)
		second++;
	write_line(&out, "first", first, "second", second, "third", first, NULL);
	if (out.over || out.len > LOG_LINE_MAX || !span_is_utf8(buf_span(&out)))
		abort();
	for (size_t i = 0; i + 1 < out.len; i++)
		if ((unsigned char)out.ptr[i] < 0x20 || out.ptr[i] == 0x7f)
			abort();
	if (out.ptr[out.len - 1] != '\n' || json_read(buf_span(&out), out.len, &line, NULL) < 0)
		abort();
	return 0;
}
