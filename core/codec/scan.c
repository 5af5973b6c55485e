/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/scan.h"

#include "base/err.h"

#include <string.h>

/* ---- checking: each function returns the index behind what it checked, 0 when it is wrong ---------------- */

/* No value ends at index 0, so 0 can stand for "wrong". */
#define WRONG ((size_t)0)

static size_t skip_space(struct span text, size_t at)
{
	while (at < text.len && text.ptr[at] && strchr(" \t\r\n", text.ptr[at]))
		at++;
	return at;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind \u, or -1. */
static int32_t unit(struct span text, size_t at)
{
	int32_t value = 0;

	if (at + 4 > text.len)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = hex_digit(text.ptr[i]);
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_high(int32_t value)
{
	return value >= 0xd800 && value <= 0xdbff;
}

static bool is_low(int32_t value)
{
	return value >= 0xdc00 && value <= 0xdfff;
}

/* at: behind the backslash. */
static size_t check_escape(struct span text, size_t at)
{
	if (at >= text.len || !text.ptr[at])
		return WRONG;
	if (strchr("\"\\/bfnrt", text.ptr[at]))
		return at + 1;
	if (text.ptr[at] != 'u')
		return WRONG;
	int32_t value = unit(text, at + 1);
	if (value <= 0 || is_low(value))
		return WRONG;
	if (!is_high(value))
		return at + 5;
	bool pair = at + 7 <= text.len && text.ptr[at + 5] == '\\' && text.ptr[at + 6] == 'u' &&
			is_low(unit(text, at + 7));
	return pair ? at + 11 : WRONG;
}

static size_t check_string(struct span text, size_t at)
{
	if (at >= text.len || text.ptr[at] != '"')
		return WRONG;
	at++;
	while (at < text.len && text.ptr[at] != '"') {
		if (text.ptr[at] == '\\') {
			at = check_escape(text, at + 1);
			if (at == WRONG)
				return WRONG;
			continue;
		}
		size_t step = span_utf8_step(span_from(text, at));
		if (!step || (unsigned char)text.ptr[at] < 0x20)
			return WRONG;
		at += step;
	}
	return at < text.len ? at + 1 : WRONG;
}

static size_t skip_digits(struct span text, size_t at)
{
	while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
		at++;
	return at;
}

static size_t check_number(struct span text, size_t at)
{
	size_t from = at + (at < text.len && text.ptr[at] == '-');
	size_t end = skip_digits(text, from);

	if (end == from || (text.ptr[from] == '0' && end > from + 1))
		return WRONG;
	if (end < text.len && text.ptr[end] == '.') {
		from = end + 1;
		end = skip_digits(text, from);
		if (end == from)
			return WRONG;
	}
	if (end < text.len && (text.ptr[end] == 'e' || text.ptr[end] == 'E')) {
		from = end + 1;
		if (from < text.len && (text.ptr[from] == '+' || text.ptr[from] == '-'))
			from++;
		end = skip_digits(text, from);
		if (end == from)
			return WRONG;
	}
	return end;
}

static size_t check_word(struct span text, size_t at, const char *word)
{
	return span_starts(span_from(text, at), word) ? at + strlen(word) : WRONG;
}

/* Everything that holds no other value. */
static size_t check_plain(struct span text, size_t at)
{
	switch (at < text.len ? text.ptr[at] : '\0') {
	case '"':
		return check_string(text, at);
	case 't':
		return check_word(text, at, "true");
	case 'f':
		return check_word(text, at, "false");
	case 'n':
		return check_word(text, at, "null");
	default:
		return check_number(text, at);
	}
}

/* The name and colon of a member; arrays have none. */
static size_t check_name(struct span text, size_t at, char bracket)
{
	if (bracket != '{')
		return at;
	at = check_string(text, at);
	if (at == WRONG)
		return WRONG;
	at = skip_space(text, at);
	return at < text.len && text.ptr[at] == ':' ? skip_space(text, at + 1) : WRONG;
}

/* A value of any kind without recursion: `open` are the brackets that are not closed yet. *deep: too many. */
static size_t check_value(struct span text, size_t at, bool *deep)
{
	char open[SCAN_DEPTH_MAX];
	size_t depth = 0;

	for (;;) {
		char c = at < text.len ? text.ptr[at] : '\0';
		bool empty = false;
		if (c == '{' || c == '[') {
			*deep = depth == SCAN_DEPTH_MAX;
			if (*deep)
				return WRONG;
			open[depth++] = c;
			at = skip_space(text, at + 1);
			empty = at < text.len && text.ptr[at] == (c == '{' ? '}' : ']');
			if (!empty && (at = check_name(text, at, c)) != WRONG)
				continue;
		} else {
			at = check_plain(text, at);
		}
		if (at == WRONG)
			return WRONG;
		/* behind a value: close what ends here, then a comma leads to the next */
		for (; depth; depth--, at++) {
			at = skip_space(text, at);
			if (at >= text.len || text.ptr[at] != (open[depth - 1] == '{' ? '}' : ']'))
				break;
		}
		if (!depth)
			return at;
		if (at >= text.len || text.ptr[at] != ',')
			return WRONG;
		at = check_name(text, skip_space(text, at + 1), open[depth - 1]);
		if (at == WRONG)
			return WRONG;
	}
}

static enum scan_kind kind_of(char c)
{
	switch (c) {
	case '{':
		return SCAN_OBJECT;
	case '[':
		return SCAN_ARRAY;
	case '"':
		return SCAN_STRING;
	case 't':
		return SCAN_TRUE;
	case 'f':
		return SCAN_FALSE;
	case 'n':
		return SCAN_NULL;
	default:
		return SCAN_NUMBER;
	}
}

int scan_value(struct span text, struct scan *out, struct err *err)
{
	size_t from = skip_space(text, 0);
	bool deep = false;
	size_t end = check_value(text, from, &deep);

	if (deep)
		return err_set(err, ERR_LIMIT, "JSON is nested deeper than %d levels", SCAN_DEPTH_MAX);
	if (end == WRONG || skip_space(text, end) != text.len)
		return err_set(err, ERR_FORMAT, "not valid JSON");
	*out = (struct scan){ kind_of(text.ptr[from]), span_new(text.ptr + from, end - from), 0 };
	return 0;
}

/* ---- walking: the text is known to be right -------------------------------------------------------------- */

/* The value at `at` of a checked text. */
static size_t cut(struct span text, size_t at, struct scan *out)
{
	bool deep = false;
	size_t end = check_value(text, at, &deep);

	*out = (struct scan){ kind_of(text.ptr[at]), span_new(text.ptr + at, end - at), 0 };
	return end;
}

/* Moves to the next element; false at the closing bracket. */
static bool next(struct scan *parent)
{
	size_t at = skip_space(parent->text, parent->at ? parent->at : 1);

	if (at + 1 >= parent->text.len)
		return false;
	if (parent->at)
		at = skip_space(parent->text, at + 1);
	parent->at = at;
	return true;
}

bool scan_item(struct scan *array, struct scan *value)
{
	if (array->kind != SCAN_ARRAY || !next(array))
		return false;
	array->at = cut(array->text, array->at, value);
	return true;
}

bool scan_member(struct scan *object, struct scan *name, struct scan *value)
{
	if (object->kind != SCAN_OBJECT || !next(object))
		return false;
	size_t at = skip_space(object->text, cut(object->text, object->at, name));
	object->at = cut(object->text, skip_space(object->text, at + 1), value);
	return true;
}

/* ---- reading values -------------------------------------------------------------------------------------- */

static size_t put_utf8(int32_t value, char *out)
{
	if (value < 0x80) {
		out[0] = (char)value;
		return 1;
	}
	if (value < 0x800) {
		out[0] = (char)(0xc0 | value >> 6);
		out[1] = (char)(0x80 | (value & 0x3f));
		return 2;
	}
	if (value < 0x10000) {
		out[0] = (char)(0xe0 | value >> 12);
		out[1] = (char)(0x80 | (value >> 6 & 0x3f));
		out[2] = (char)(0x80 | (value & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | value >> 18);
	out[1] = (char)(0x80 | (value >> 12 & 0x3f));
	out[2] = (char)(0x80 | (value >> 6 & 0x3f));
	out[3] = (char)(0x80 | (value & 0x3f));
	return 4;
}

/* The character of the escape behind the backslash at `at`; *used is the length of the escape. */
static int32_t escape(struct span text, size_t at, size_t *used)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = text.ptr[at + 1];
	const char *found = strchr(from, c);

	*used = 2;
	if (c != 'u')
		return found ? to[found - from] : c;
	int32_t value = unit(text, at + 2);
	*used = 6;
	if (!is_high(value))
		return value;
	*used = 12;
	return 0x10000 + ((value - 0xd800) << 10) + (unit(text, at + 8) - 0xdc00);
}

size_t scan_text(const struct scan *string, char *out)
{
	struct span text = string->text;
	size_t len = 0, used = 0;

	if (string->kind != SCAN_STRING)
		return 0;
	for (size_t at = 1; at + 1 < text.len; at += used) {
		if (text.ptr[at] == '\\') {
			int32_t value = escape(text, at, &used);
			len += put_utf8(value, out + len);
			continue;
		}
		out[len++] = text.ptr[at];
		used = 1;
	}
	return len;
}

bool scan_is(const struct scan *string, const char *word)
{
	struct span text = string->text;
	size_t used = 0;

	if (string->kind != SCAN_STRING)
		return false;
	for (size_t at = 1; at + 1 < text.len; at += used, word++) {
		int32_t c = (unsigned char)text.ptr[at];
		used = 1;
		if (c == '\\')
			c = escape(text, at, &used);
		if (!*word || c != *word)
			return false;
	}
	return !*word;
}

bool scan_number(const struct scan *number, uint64_t max, uint64_t *out)
{
	return number->kind == SCAN_NUMBER && span_number(number->text, max, out);
}
