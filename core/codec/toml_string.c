/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "codec/toml.h"
#include "codec/toml_priv.h"

#include <string.h>

static bool is_control(int c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | c >> 12));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_putc(out, (char)(0x80 | (c & 0x3f)));
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX or \UXXXXXXXX, from the backslash on */
static int unicode_escape(struct toml *t, struct buf *out, size_t digits)
{
	uint32_t c = 0;

	for (size_t i = 0; i < digits; i++) {
		int digit = hex_digit(toml_peek(t, 2 + i));
		if (digit < 0)
			return toml_fail(t, ERR_FORMAT, t->at, "the escape needs %zu hexadecimal digits",
					digits);
		c = c << 4 | (uint32_t)digit;
	}
	if (!c)
		return toml_fail(t, ERR_FORMAT, t->at, "U+0000 is refused: texts with NUL are not supported");
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return toml_fail(t, ERR_FORMAT, t->at, "the escape is no Unicode character: U+%04X",
				(unsigned)c);
	put_utf8(out, c);
	t->at += 2 + digits;
	return 0;
}

/* A backslash that ends its line takes all white space up to the next other character away with it. */
static bool line_continues(struct toml *t)
{
	struct toml ahead = *t;

	ahead.at++;
	toml_skip_blank(&ahead);
	if (!toml_newline(&ahead))
		return false;
	for (size_t n = 0; (n = toml_newline(&ahead)) > 0; toml_skip_blank(&ahead))
		ahead.at += n;
	t->at = ahead.at;
	return true;
}

static int escape(struct toml *t, struct buf *out, bool multi)
{
	static const char letters[] = "btnfr\"\\", meaning[] = "\b\t\n\f\r\"\\";
	int c = toml_peek(t, 1);

	if (c == 'u')
		return unicode_escape(t, out, 4);
	if (c == 'U')
		return unicode_escape(t, out, 8);
	if (multi && line_continues(t))
		return 0;
	const char *letter = c > 0 ? strchr(letters, c) : NULL;
	if (!letter)
		return toml_fail(t, ERR_FORMAT, t->at,
				"no such escape in TOML 1.0; write \\\\ for a backslash, or quote with '");
	buf_putc(out, meaning[letter - letters]);
	t->at += 2;
	return 0;
}

/* Copies up to the next byte that means something in this kind of string. */
static void take_plain(struct toml *t, struct buf *out, int quote)
{
	size_t from = t->at;

	for (; t->at < t->text.len; t->at++) {
		int c = (unsigned char)t->text.ptr[t->at];
		if (c == quote || is_control(c) || (c == '\\' && quote == '"'))
			break;
	}
	buf_add(out, t->text.ptr + from, t->at - from);
}

/* Quotes inside a multi-line string: true when they close it. Two more may stand right before the three. */
static bool take_quotes(struct toml *t, struct buf *out, int quote)
{
	size_t n = 0;

	while (n < 5 && toml_peek(t, n) == quote)
		n++;
	buf_add(out, t->text.ptr + t->at, n < 3 ? n : n - 3);
	t->at += n;
	return n >= 3;
}

/* What ends a string that is not closed, or has no place in one. */
static int broken(struct toml *t, size_t start, int quote, bool multi)
{
	int c = toml_peek(t, 0);

	if (c < 0 && multi)
		return toml_fail(t, ERR_FORMAT, start,
				"the string that opens here is never closed with %c%c%c", quote, quote,
				quote);
	if (c < 0 || toml_newline(t))
		return toml_fail(t, ERR_FORMAT, start,
				"the string that opens here is not closed on its line; %c%c%c opens one of "
				"many lines",
				quote, quote, quote);
	if (c == '\r')
		return toml_fail(t, ERR_FORMAT, t->at,
				"a carriage return stands alone; write \\r in a string in double quotes");
	if (!c)
		return toml_fail(t, ERR_FORMAT, t->at, "a text holds NUL; this is no text file");
	return toml_fail(t, ERR_FORMAT, t->at,
			"the control character U+%04X must be written \\u%04X, in double quotes", (unsigned)c,
			(unsigned)c);
}

static int body(struct toml *t, struct buf *out, size_t start, int quote, bool multi)
{
	for (;;) {
		take_plain(t, out, quote);
		int c = toml_peek(t, 0);
		size_t newline = multi ? toml_newline(t) : 0;
		if (c == quote && !multi) {
			t->at++;
			return 0;
		}
		if (c == quote) {
			if (take_quotes(t, out, quote))
				return 0;
		} else if (c == '\\') {
			if (escape(t, out, multi) < 0)
				return -1;
		} else if (newline) {
			buf_add(out, t->text.ptr + t->at, newline);
			t->at += newline;
		} else {
			return broken(t, start, quote, multi);
		}
	}
}

int toml_string(struct toml *t, struct buf *out)
{
	size_t start = t->at;
	int quote = toml_peek(t, 0);
	bool multi = toml_peek(t, 1) == quote && toml_peek(t, 2) == quote;

	t->at += multi ? 3 : 1;
	if (multi)
		t->at += toml_newline(t);
	return body(t, out, start, quote, multi);
}

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
			c == '-';
}

int toml_key(struct toml *t, struct buf *out)
{
	size_t start = t->at;
	int c = toml_peek(t, 0);

	buf_reset(out);
	if (++t->keys > TOML_KEYS_MAX)
		return toml_fail(t, ERR_LIMIT, start, "the text has more than %d keys", TOML_KEYS_MAX);
	if (c == '"' || c == '\'') {
		if (toml_peek(t, 1) == c && toml_peek(t, 2) == c)
			return toml_fail(t, ERR_FORMAT, start,
					"a key cannot be a string of many lines; quote it once");
		return toml_string(t, out);
	}
	while (is_bare(toml_peek(t, 0)))
		t->at++;
	if (t->at == start)
		return toml_expected(t, "a key (letters, digits, '_', '-', or any text in quotes)");
	buf_add(out, t->text.ptr + start, t->at - start);
	return 0;
}
