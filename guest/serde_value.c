/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "guest/serde_own.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- strings ------------------------------------------------------------------------------------------- */

static int hex4(struct serde *in, uint32_t *out)
{
	uint32_t value = 0;
	bool good = true;

	if (in->text.len - in->at < 4) {
		in->at = in->text.len;
		return serde_fail(in, "EOF while parsing a string");
	}
	for (unsigned i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)in->text.ptr[in->at++], low = c | 0x20;
		bool digit = c >= '0' && c <= '9', letter = low >= 'a' && low <= 'f';
		good = good && (digit || letter);
		value = value << 4 | (uint32_t)(digit ? c - '0' : letter ? low - 'a' + 10 : 0);
	}
	*out = value;
	return good ? 0 : serde_fail(in, "invalid escape");
}

static void put_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_putc(out, (char)code);
		return;
	}
	if (code >= 0x10000) {
		buf_putc(out, (char)(0xf0 | code >> 18));
		buf_putc(out, (char)(0x80 | (code >> 12 & 0x3f)));
	} else if (code >= 0x800) {
		buf_putc(out, (char)(0xe0 | code >> 12));
	}
	if (code >= 0x800)
		buf_putc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	else
		buf_putc(out, (char)(0xc0 | code >> 6));
	buf_putc(out, (char)(0x80 | (code & 0x3f)));
}

/* The second half of a pair must follow at once, as an escape. */
static int low_half(struct serde *in, uint32_t *low)
{
	for (unsigned i = 0; i < 2; i++) {
		if (in->at == in->text.len)
			return serde_fail(in, "EOF while parsing a string");
		if (in->text.ptr[in->at++] != "\\u"[i])
			return serde_fail(in, "unexpected end of hex escape");
	}
	if (hex4(in, low) < 0)
		return -1;
	return *low >= 0xdc00 && *low <= 0xdfff ? 0 : serde_fail(in, "lone leading surrogate in hex escape");
}

static int unicode(struct serde *in, struct buf *out)
{
	uint32_t code = 0, low = 0;

	if (hex4(in, &code) < 0)
		return -1;
	if (code >= 0xdc00 && code <= 0xdfff)
		return serde_fail(in, "lone leading surrogate in hex escape");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (low_half(in, &low) < 0)
			return -1;
		code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
	}
	put_utf8(out, code);
	return 0;
}

static int escape(struct serde *in, struct buf *out)
{
	static const char known[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

	if (in->at == in->text.len)
		return serde_fail(in, "EOF while parsing a string");
	char c = in->text.ptr[in->at++];
	const char *found = c ? strchr(known, c) : NULL;
	if (found)
		buf_putc(out, meant[found - known]);
	else if (c == 'u')
		return unicode(in, out);
	else
		return serde_fail(in, "invalid escape");
	return 0;
}

int serde_string(struct serde *in, struct buf *out)
{
	auto_buf struct buf scrap = BUF_MAX(in->text.len);
	struct buf *into = out ? out : &scrap;
	size_t before = into->len;

	for (;;) {
		if (in->at == in->text.len)
			return serde_fail(in, "EOF while parsing a string");
		char c = in->text.ptr[in->at++];
		if (c == '"')
			break;
		if ((unsigned char)c < 0x20)
			return serde_fail(in,
					"control character (\\u0000-\\u001F) found while parsing a "
					"string");
		if (c != '\\')
			buf_putc(into, c);
		else if (escape(in, into) < 0)
			return -1;
	}
	/* what is over its ceiling is told by the caller */
	if (!into->over && !span_is_utf8(span_from(buf_span(into), before)))
		return serde_fail(in, "invalid unicode code point");
	return 0;
}

/* ---- numbers and words --------------------------------------------------------------------------------- */

static bool digit_ahead(const struct serde *in)
{
	return in->at < in->text.len && in->text.ptr[in->at] >= '0' && in->text.ptr[in->at] <= '9';
}

static int digits(struct serde *in)
{
	if (!digit_ahead(in)) {
		if (in->at < in->text.len)
			return serde_fail_ahead(in, "invalid number");
		return serde_fail(in, "EOF while parsing a value");
	}
	while (digit_ahead(in))
		in->at++;
	return 0;
}

static bool is_ahead(const struct serde *in, const char *set)
{
	return in->at < in->text.len && in->text.ptr[in->at] && strchr(set, in->text.ptr[in->at]);
}

/* Also where a number was not expected: its text is part of the complaint. */
static int number(struct serde *in, bool *is_real)
{
	if (is_ahead(in, "-"))
		in->at++;
	if (is_ahead(in, "0")) {
		in->at++;
		if (digit_ahead(in))
			return serde_fail_ahead(in, "invalid number");
	} else if (digits(in) < 0) {
		return -1;
	}
	*is_real = is_ahead(in, ".eE");
	if (is_ahead(in, ".")) {
		in->at++;
		if (digits(in) < 0)
			return -1;
	}
	if (is_ahead(in, "eE")) {
		in->at++;
		if (is_ahead(in, "+-"))
			in->at++;
		return digits(in);
	}
	return 0;
}

static int word(struct serde *in, const char *letters)
{
	for (; *letters; letters++) {
		if (in->at == in->text.len)
			return serde_fail(in, "EOF while parsing a value");
		if (in->text.ptr[in->at++] != *letters)
			return serde_fail(in, "expected ident");
	}
	return 0;
}

/* ---- values that are skipped --------------------------------------------------------------------------- */

static int skip_scalar(struct serde *in, int c)
{
	bool is_real = false;

	switch (c) {
	case '"':
		in->at++;
		return serde_string(in, NULL);
	case 'n':
		return word(in, "null");
	case 't':
		return word(in, "true");
	case 'f':
		return word(in, "false");
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return number(in, &is_real);
		return c < 0 ? serde_fail_ahead(in, "EOF while parsing a value")
			     : serde_fail_ahead(in, "expected value");
	}
}

static int skip_key(struct serde *in)
{
	int c = serde_peek(in);

	if (c != '"')
		return serde_fail_ahead(in, c < 0 ? "EOF while parsing an object" : "key must be a string");
	in->at++;
	if (serde_string(in, NULL) < 0)
		return -1;
	c = serde_peek(in);
	if (c != ':')
		return serde_fail_ahead(in, c < 0 ? "EOF while parsing an object" : "expected `:`");
	in->at++;
	return 0;
}

/* After a value inside of `open`: 1 when another one follows, 0 when it was closed. */
static int skip_on(struct serde *in, char open, bool fresh)
{
	int c = serde_peek(in);
	bool list = open == '[';

	if (c < 0)
		return serde_fail_ahead(
				in, list ? "EOF while parsing a list" : "EOF while parsing an object");
	if (c == (list ? ']' : '}')) {
		in->at++;
		return 0;
	}
	if (!fresh && c != ',')
		return serde_fail_ahead(in, list ? "expected `,` or `]`" : "expected `,` or `}`");
	if (!fresh)
		in->at++;
	return list || skip_key(in) == 0 ? 1 : -1;
}

int serde_skip(struct serde *in)
{
	char open[SERDE_DEPTH_MAX];
	size_t depth = 0;

	for (;;) {
		int c = serde_peek(in), more = 0;
		bool fresh = c == '[' || c == '{';
		if (fresh && depth == SERDE_DEPTH_MAX)
			return serde_fail_ahead(in, "recursion limit exceeded");
		if (fresh) {
			open[depth++] = (char)c;
			in->at++;
		} else if (skip_scalar(in, c) < 0) {
			return -1;
		}
		while (depth && (more = skip_on(in, open[depth - 1], fresh)) == 0) {
			depth--;
			fresh = false;
		}
		if (more < 0)
			return -1;
		if (!depth)
			return 0;
	}
}

/* ---- values of the wrong type -------------------------------------------------------------------------- */

static int wrong_number(struct serde *in)
{
	size_t start = in->at;
	bool is_real = false;
	char text[40], found[64];

	if (number(in, &is_real) < 0)
		return -1;
	snprintf(text, sizeof(text), "%.*s", (int)(in->at - start), in->text.ptr + start);
	if (!is_real && in->at - start < sizeof(text) - 1)
		snprintf(found, sizeof(found), "integer `%s`", text);
	else
		snprintf(found, sizeof(found), "floating point `%s`", text);
	return serde_fail_type(in, found);
}

static int wrong_string(struct serde *in)
{
	auto_buf struct buf text = BUF_MAX(in->text.len);
	char found[128];

	in->at++;
	if (serde_string(in, &text) < 0)
		return -1;
	snprintf(found, sizeof(found), "string \"%.100s\"", buf_text(&text));
	return serde_fail_type(in, found);
}

int serde_wrong_type(struct serde *in, int c)
{
	switch (c) {
	case 'n':
		return word(in, "null") < 0 ? -1 : serde_fail_type(in, "null");
	case 't':
		return word(in, "true") < 0 ? -1 : serde_fail_type(in, "boolean `true`");
	case 'f':
		return word(in, "false") < 0 ? -1 : serde_fail_type(in, "boolean `false`");
	case '"':
		return wrong_string(in);
	case '[':
		return serde_fail_type(in, "sequence");
	case '{':
		return serde_fail_type(in, "map");
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return wrong_number(in);
		return serde_fail_ahead(in, "expected value");
	}
}
