/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/patch.h"

#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>

#define SEGMENTS_MAX 32
#define POINTER_MAX  65536

void patch_pointer(struct buf *out, struct span segment)
{
	buf_putc(out, '/');
	for (size_t i = 0; i < segment.len; i++) {
		if (segment.ptr[i] == '~')
			buf_puts(out, "~0");
		else if (segment.ptr[i] == '/')
			buf_puts(out, "~1");
		else
			buf_putc(out, segment.ptr[i]);
	}
}

static void append(json_t *patch, const char *op, json_t *value, const char *first, va_list more)
{
	auto_buf struct buf path = BUF_MAX(POINTER_MAX);
	int segments = 0;

	for (const char *segment = first; segment; segment = va_arg(more, const char *)) {
		segments++;
		patch_pointer(&path, span_of(segment));
	}
	assert(segments <= SEGMENTS_MAX && !path.over);
	json_t *operation = json_pack("{s:s, s:s}", "op", op, "path", buf_text(&path));
	assert(operation);
	if (value)
		json_object_set_new(operation, "value", value);
	json_array_append_new(patch, operation);
}

void patch_add(json_t *patch, json_t *value, const char *first, ...)
{
	va_list more;

	va_start(more, first);
	append(patch, "add", value, first, more);
	va_end(more);
}

void patch_replace(json_t *patch, json_t *value, const char *first, ...)
{
	va_list more;

	va_start(more, first);
	append(patch, "replace", value, first, more);
	va_end(more);
}

void patch_test(json_t *patch, json_t *value, const char *first, ...)
{
	va_list more;

	va_start(more, first);
	append(patch, "test", value, first, more);
	va_end(more);
}

void patch_remove(json_t *patch, const char *first, ...)
{
	va_list more;

	va_start(more, first);
	append(patch, "remove", NULL, first, more);
	va_end(more);
}
