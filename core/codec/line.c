/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/line.h"

#include "base/alloc.h"
#include "base/own.h"
#include "base/span.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define CUT "..."

json_t *json_line(size_t max, const char *fmt, ...)
{
	va_list ap;

	assert(max > strlen(CUT));
	va_start(ap, fmt);
	int need = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	size_t len = need > 0 ? (size_t)need : 0;
	auto_free char *text = xcalloc(len + 1, 1);
	va_start(ap, fmt);
	vsnprintf(text, len + 1, fmt, ap);
	va_end(ap);
	span_tidy(text, len);
	if (len > max) {
		len = max - strlen(CUT);
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		memcpy(text + len, CUT, sizeof(CUT));
		len += strlen(CUT);
	}
	json_t *line = json_stringn(text, len);
	assert(line);
	return line;
}
