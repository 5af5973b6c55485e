/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <string.h>

struct span span_of(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

bool span_is(struct span a, const char *text)
{
	return span_eq(a, span_of(text));
}

bool span_starts(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && (!n || !memcmp(a.ptr, prefix, n));
}

bool span_ends(struct span a, const char *suffix)
{
	size_t n = strlen(suffix);

	return a.len >= n && (!n || !memcmp(a.ptr + a.len - n, suffix, n));
}

struct span span_from(struct span a, size_t from)
{
	if (from >= a.len)
		return SPAN_NONE;
	return (struct span){ a.ptr + from, a.len - from };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span a)
{
	while (a.len && is_space(a.ptr[0])) {
		a.ptr++;
		a.len--;
	}
	while (a.len && is_space(a.ptr[a.len - 1]))
		a.len--;
	return a;
}

size_t span_find(struct span a, char c)
{
	const char *hit = a.len ? memchr(a.ptr, c, a.len) : NULL;

	return hit ? (size_t)(hit - a.ptr) : a.len;
}

bool span_next(struct span *rest, char separator, struct span *piece)
{
	/* what is left of "a," after its first piece: an empty text as well, but one that has a piece */
	static const char last[] = "";

	if (!rest->len && rest->ptr != last)
		return false;
	size_t at = span_find(*rest, separator);
	*piece = (struct span){ rest->ptr, at };
	if (at == rest->len)
		*rest = SPAN_NONE;
	else if (at + 1 == rest->len)
		*rest = (struct span){ last, 0 };
	else
		*rest = span_from(*rest, at + 1);
	return true;
}

bool span_number(struct span a, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!a.len || (a.len > 1 && a.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (a.ptr[i] < '0' || a.ptr[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(a.ptr[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

size_t span_utf8_step(struct span a)
{
	const unsigned char *s = (const unsigned char *)a.ptr;
	unsigned char c = a.len ? s[0] : 0xff;
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (!n || n > a.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates and values beyond U+10FFFF (Unicode, table 3-7) */
	if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
			(c == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool span_is_utf8(struct span a)
{
	for (size_t i = 0; i < a.len;) {
		size_t n = span_utf8_step(span_from(a, i));
		if (!n)
			return false;
		i += n;
	}
	return true;
}

void span_place(struct span text, size_t at, int *line, int *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == '\n') {
			(*line)++;
			*column = 1;
		} else if ((c & 0xc0) != 0x80) {
			/* the bytes that continue a character do not count */
			(*column)++;
		}
	}
}

bool span_glob(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/* U+061C, U+200E, U+200F, U+202A … U+202E and U+2066 … U+2069 reorder what stands around them. */
static bool turns_direction(const unsigned char *at, size_t step)
{
	if (step == 2)
		return at[0] == 0xd8 && at[1] == 0x9c;
	if (step != 3 || at[0] != 0xe2)
		return false;
	return (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xaa && at[2] <= 0xae))) ||
			(at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
}

static bool controls(const unsigned char *at, size_t step)
{
	return (step == 1 && (at[0] < ' ' || at[0] == 0x7f)) || (step == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

void span_tidy(char *text, size_t len)
{
	for (size_t at = 0, step; at < len; at += step) {
		const unsigned char *here = (const unsigned char *)text + at;
		step = span_utf8_step(span_new(text + at, len - at));
		if (!step || controls(here, step) || turns_direction(here, step)) {
			step = step ? step : 1;
			memset(text + at, '?', step);
		}
	}
}
