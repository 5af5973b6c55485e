/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/toml_priv.h"

#include <stdarg.h>
#include <stdio.h>

/* of a key in a message: enough to recognise it */
#define SHOWN_MAX 60

int toml_fail(struct toml *t, enum err_kind kind, size_t at, const char *fmt, ...)
{
	char words[512];
	int line = 0, column = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	span_place(t->text, at, &line, &column);
	return err_set(t->err, kind, "line %d, column %d: %s", line, column, words);
}

int toml_expected(struct toml *t, const char *what)
{
	int c = toml_peek(t, 0);
	struct span rest = span_from(t->text, t->at);

	if (c < 0)
		return toml_fail(t, ERR_FORMAT, t->at, "expected %s, found the end of the text", what);
	if (toml_newline(t))
		return toml_fail(t, ERR_FORMAT, t->at, "expected %s, found the end of the line", what);
	if (c == '\r')
		return toml_fail(t, ERR_FORMAT, t->at,
				"a carriage return stands alone; lines end in LF or CR LF");
	if (c < 0x20 || c == 0x7f)
		return toml_fail(t, ERR_FORMAT, t->at, "expected %s, found the control character U+%04X",
				what, (unsigned)c);
	return toml_fail(t, ERR_FORMAT, t->at, "expected %s, found '%.*s'", what, (int)span_utf8_step(rest),
			rest.ptr);
}

int toml_peek(const struct toml *t, size_t ahead)
{
	size_t i = t->at + ahead;

	return i < t->text.len ? (unsigned char)t->text.ptr[i] : -1;
}

size_t toml_newline(const struct toml *t)
{
	if (toml_peek(t, 0) == '\n')
		return 1;
	return toml_peek(t, 0) == '\r' && toml_peek(t, 1) == '\n' ? 2 : 0;
}

void toml_skip_blank(struct toml *t)
{
	while (toml_peek(t, 0) == ' ' || toml_peek(t, 0) == '\t')
		t->at++;
}

/* A comment up to its newline, which stays. */
static int skip_comment(struct toml *t)
{
	if (toml_peek(t, 0) != '#')
		return 0;
	for (;;) {
		int c = toml_peek(t, 0);
		if (c < 0 || toml_newline(t))
			return 0;
		if (c == '\r')
			return toml_fail(t, ERR_FORMAT, t->at,
					"a carriage return stands alone; lines end in LF or CR LF");
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return toml_fail(t, ERR_FORMAT, t->at,
					"the control character U+%04X is not allowed in a comment",
					(unsigned)c);
		t->at++;
	}
}

int toml_skip_empty(struct toml *t)
{
	for (;;) {
		toml_skip_blank(t);
		if (skip_comment(t) < 0)
			return -1;
		size_t n = toml_newline(t);
		if (!n)
			return 0;
		t->at += n;
	}
}

int toml_end_line(struct toml *t)
{
	toml_skip_blank(t);
	if (skip_comment(t) < 0)
		return -1;
	size_t n = toml_newline(t);
	if (!n && t->at < t->text.len)
		return toml_expected(t, "the end of the line");
	t->at += n;
	return 0;
}

struct span toml_shown(struct span key)
{
	if (key.len <= SHOWN_MAX)
		return key;
	size_t len = SHOWN_MAX;
	/* not through a character */
	while (len > 0 && ((unsigned char)key.ptr[len] & 0xc0) == 0x80)
		len--;
	return span_new(key.ptr, len);
}
