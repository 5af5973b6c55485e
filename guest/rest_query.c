/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/rest.h"

#include "base/buf.h"

#include <string.h>

bool rest_split(struct span path, unsigned n, struct span *root, struct span *rest)
{
	for (size_t i = 0; i < path.len; i++) {
		if (path.ptr[i] != '/' || n-- > 0)
			continue;
		*root = span_new(path.ptr, i);
		*rest = span_from(path, i);
		return true;
	}
	return false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char low = (char)(c | 0x20);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static void decode(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int high = i + 2 < text.len && text.ptr[i] == '%' ? hex(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex(text.ptr[i + 2]) : -1;
		if (low >= 0) {
			buf_putc(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_putc(out, text.ptr[i] == '+' ? ' ' : text.ptr[i]);
		}
	}
}

/* How many bytes of what is no UTF-8 one U+FFFD stands for: the longest beginning of a sequence that could have been. */
static size_t broken(struct span text)
{
	unsigned char lead = (unsigned char)text.ptr[0], low = 0x80, high = 0xbf;
	size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1, len = 1;

	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : low;
	high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : high;
	while (len < text.len && len <= more) {
		unsigned char c = (unsigned char)text.ptr[len];
		if (c < low || c > high)
			break;
		len++;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

static void put_as_utf8(struct span text, struct buf *out)
{
	while (text.len) {
		size_t step = span_utf8_step(text);
		if (step) {
			buf_add(out, text.ptr, step);
		} else {
			step = broken(text);
			buf_puts(out, "\xef\xbf\xbd");
		}
		text = span_from(text, step);
	}
}

bool rest_parameter(struct span query, const char *name, struct buf *out)
{
	auto_buf struct buf key = BUF_MAX(query.len), value = BUF_MAX(query.len);
	struct span pair = SPAN_NONE;
	bool found = false;

	while (span_next(&query, '&', &pair)) {
		size_t equal = span_find(pair, '=');
		buf_reset(&key);
		decode(span_new(pair.ptr, equal), &key);
		if (!pair.len || !span_is(buf_span(&key), name))
			continue;
		found = true;
		buf_reset(&value);
		decode(span_from(pair, equal + 1), &value);
	}
	put_as_utf8(buf_span(&value), out);
	return found;
}
