/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/serde.h"

#include "base/buf.h"
#include "base/err.h"
#include "guest/serde_own.h"

#include <stdio.h>
#include <string.h>

/* ---- errors and places --------------------------------------------------------------------------------- */

static int fail_at(struct serde *in, size_t at, const char *what)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < at; i++) {
		if (in->text.ptr[i] != '\n')
			continue;
		line++;
		start = i + 1;
	}
	return err_set(in->err, ERR_FORMAT, "%s at line %zu column %zu", what, line, at - start);
}

/* Where the reader stands. */
int serde_fail(struct serde *in, const char *what)
{
	return fail_at(in, in->at, what);
}

/* The byte that it looks at, which counts as read. */
int serde_fail_ahead(struct serde *in, const char *what)
{
	return fail_at(in, in->at < in->text.len ? in->at + 1 : in->text.len, what);
}

/* The next byte that is no white space; -1 at the end. */
int serde_peek(struct serde *in)
{
	while (in->at < in->text.len && strchr(" \n\t\r", in->text.ptr[in->at]) && in->text.ptr[in->at])
		in->at++;
	return in->at < in->text.len ? (unsigned char)in->text.ptr[in->at] : -1;
}

int serde_fail_type(struct serde *in, const char *found)
{
	char what[160];

	snprintf(what, sizeof(what), "invalid type: %s, expected %s", found, in->expected);
	return serde_fail(in, what);
}

/* ---- members ------------------------------------------------------------------------------------------- */

/* 1: a key follows, 0: the object ends here */
static int next_key(struct serde *in, bool *first)
{
	int c = serde_peek(in);

	if (c < 0)
		return serde_fail_ahead(in, "EOF while parsing an object");
	if (c == '}')
		return 0;
	if (c != ',' && !*first)
		return serde_fail_ahead(in, "expected `,` or `}`");
	if (c == ',' && !*first) {
		in->at++;
		c = serde_peek(in);
	}
	*first = false;
	if (c == '"')
		return 1;
	if (c < 0)
		return serde_fail_ahead(in, "EOF while parsing a value");
	return serde_fail_ahead(in, c == '}' ? "trailing comma" : "key must be a string");
}

static int colon(struct serde *in)
{
	int c = serde_peek(in);

	if (c != ':')
		return serde_fail_ahead(in, c < 0 ? "EOF while parsing an object" : "expected `:`");
	in->at++;
	return 0;
}

static int text_value(struct serde *in, struct buf *out)
{
	int c = serde_peek(in);

	if (c < 0)
		return serde_fail_ahead(in, "EOF while parsing a value");
	if (c != '"')
		return serde_wrong_type(in, c);
	in->at++;
	return serde_string(in, out);
}

static int member(struct serde *in, const char *const *names, size_t count, struct buf *values, bool *seen)
{
	auto_buf struct buf name = BUF_MAX(in->text.len);

	in->at++;
	if (serde_string(in, &name) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		char what[96];
		if (!span_is(buf_span(&name), names[i]))
			continue;
		snprintf(what, sizeof(what), "duplicate field `%s`", names[i]);
		if (seen[i]) {
			(void)serde_peek(in);
			return serde_fail(in, what);
		}
		seen[i] = true;
		if (colon(in) < 0 || text_value(in, &values[i]) < 0)
			return -1;
		return buf_check(&values[i], names[i], in->err);
	}
	return colon(in) < 0 ? -1 : serde_skip(in);
}

static int object(struct serde *in, const char *const *names, size_t count, struct buf *values)
{
	bool seen[SERDE_NAMES_MAX] = { false }, first = true;
	int more;

	for (in->at++; (more = next_key(in, &first)) > 0;)
		if (member(in, names, count, values, seen) < 0)
			return -1;
	if (more < 0)
		return -1;
	in->at++;
	for (size_t i = 0; i < count; i++) {
		char what[96];
		if (seen[i])
			continue;
		snprintf(what, sizeof(what), "missing field `%s`", names[i]);
		return serde_fail(in, what);
	}
	return 0;
}

int serde_read_texts(
		struct span json, const char *const *names, size_t count, struct buf *values, struct err *err)
{
	struct serde in = { .text = json, .expected = "an object", .err = err };
	int c = serde_peek(&in);

	if (count > SERDE_NAMES_MAX)
		return err_set(err, ERR_BUG, "more than %d names", SERDE_NAMES_MAX);
	if (c < 0)
		return serde_fail_ahead(&in, "EOF while parsing a value");
	if (c != '{')
		return serde_wrong_type(&in, c);
	in.expected = "a string";
	if (object(&in, names, count, values) < 0)
		return -1;
	return serde_peek(&in) < 0 ? 0 : serde_fail_ahead(&in, "trailing characters");
}
