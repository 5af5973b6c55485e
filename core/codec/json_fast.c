/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json_fast.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* integers of at most so many digits fit 64 bits without a check */
#define DIGITS_MAX 18

struct reader {
	const char *at;
	const char *end;
	const char *const *skip;
	struct buf unescaped; /* the string being read, when it has escapes */
	unsigned depth;
};

static json_t *read_value(struct reader *r, bool keep);

static char peek(const struct reader *r)
{
	/* NUL is nowhere allowed outside of strings, so it serves as "nothing left" */
	return r->at < r->end ? *r->at : '\0';
}

static void skip_space(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
}

/* The next byte when it is c, behind white space. */
static bool take_byte(struct reader *r, char c)
{
	skip_space(r);
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

/* Bytes of a string up to a quote, backslash, control character or malformed UTF-8. */
static void skip_plain(struct reader *r)
{
	while (r->at < r->end) {
		unsigned char c = (unsigned char)*r->at;
		if (c >= 0x80) {
			size_t step = span_utf8_step(span_new(r->at, (size_t)(r->end - r->at)));
			if (!step)
				return;
			r->at += step;
		} else if (c < 0x20 || c == '"' || c == '\\') {
			return;
		} else {
			r->at++;
		}
	}
}

/* \uXXXX of a character that is neither NUL nor half of a pair; Go writes '<', '>' and '&' so. */
static bool read_unicode(struct reader *r)
{
	unsigned value = 0;

	for (unsigned i = 0; i < 4; i++) {
		char c = peek(r);
		unsigned digit = c >= '0' && c <= '9'  ? (unsigned)(c - '0')
				: c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
				: c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
						       : 16;
		if (digit > 15)
			return false;
		value = value * 16 + digit;
		r->at++;
	}
	if (!value || (value >= 0xd800 && value <= 0xdfff))
		return false;
	if (value < 0x80) {
		buf_putc(&r->unescaped, (char)value);
		return true;
	}
	if (value >= 0x800) {
		buf_putc(&r->unescaped, (char)(0xe0 | value >> 12));
		buf_putc(&r->unescaped, (char)(0x80 | (value >> 6 & 0x3f)));
	} else {
		buf_putc(&r->unescaped, (char)(0xc0 | value >> 6));
	}
	buf_putc(&r->unescaped, (char)(0x80 | (value & 0x3f)));
	return true;
}

static bool read_escape(struct reader *r)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

	r->at++;
	char c = peek(r);
	if (c == 'u') {
		r->at++;
		return read_unicode(r);
	}
	const char *found = c ? strchr(escapes, c) : NULL;
	if (!found)
		return false;
	buf_putc(&r->unescaped, meant[found - escapes]);
	r->at++;
	return true;
}

/* A string whose opening quote is the next byte. The span is good until the next string is read. */
static bool read_string(struct reader *r, struct span *out)
{
	const char *from = ++r->at;

	skip_plain(r);
	if (peek(r) == '"') {
		*out = span_new(from, (size_t)(r->at - from));
		r->at++;
		return true;
	}
	buf_reset(&r->unescaped);
	while (peek(r) == '\\') {
		buf_add(&r->unescaped, from, (size_t)(r->at - from));
		if (!read_escape(r))
			return false;
		from = r->at;
		skip_plain(r);
	}
	if (peek(r) != '"')
		return false;
	buf_add(&r->unescaped, from, (size_t)(r->at - from));
	r->at++;
	*out = buf_span(&r->unescaped);
	return true;
}

static bool read_key(struct reader *r, struct span *key)
{
	skip_space(r);
	return peek(r) == '"' && read_string(r, key) && take_byte(r, ':');
}

static bool is_skipped(const struct reader *r, struct span key)
{
	for (const char *const *name = r->skip; name && *name; name++)
		if (span_is(key, *name))
			return true;
	return false;
}

static bool read_member(struct reader *r, json_t *object)
{
	struct span key;

	if (!read_key(r, &key))
		return false;
	skip_space(r);
	bool keep = object && !((peek(r) == '{' || peek(r) == '[') && is_skipped(r, key));
	/* a key with escapes stands where the next string will */
	auto_free char *copy = keep && key.ptr == r->unescaped.ptr ? xmemdup0(key.ptr, key.len) : NULL;
	json_t *value = read_value(r, keep);
	if (!value)
		return false;
	if (!keep)
		return true;
	/* a duplicate replaces, and does not add */
	size_t before = json_object_size(object);
	json_object_setn_new_nocheck(object, copy ? copy : key.len ? key.ptr : "", key.len, value);
	return json_object_size(object) > before;
}

static json_t *read_object(struct reader *r, bool keep)
{
	json_t *object = keep ? json_object() : json_null();
	bool good = true;

	r->at++;
	if (take_byte(r, '}'))
		return object;
	do
		good = read_member(r, keep ? object : NULL);
	while (good && take_byte(r, ','));
	if (good && take_byte(r, '}'))
		return object;
	json_decref(object);
	return NULL;
}

static bool read_item(struct reader *r, json_t *array)
{
	json_t *value = read_value(r, array != NULL);

	if (value && array)
		json_array_append_new(array, value);
	return value != NULL;
}

static json_t *read_array(struct reader *r, bool keep)
{
	json_t *array = keep ? json_array() : json_null();
	bool good = true;

	r->at++;
	if (take_byte(r, ']'))
		return array;
	do
		good = read_item(r, keep ? array : NULL);
	while (good && take_byte(r, ','));
	if (good && take_byte(r, ']'))
		return array;
	json_decref(array);
	return NULL;
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return NULL;
	r->at += len;
	return value;
}

static json_t *read_integer(struct reader *r, bool keep)
{
	bool minus = peek(r) == '-';
	const char *from = r->at += minus;
	json_int_t value = 0;

	while (peek(r) >= '0' && peek(r) <= '9' && r->at - from < DIGITS_MAX)
		value = value * 10 + (*r->at++ - '0');
	char next = peek(r);
	bool whole = next == ',' || next == '}' || next == ']' || next == ' ' || next == '\n';
	if (r->at == from || !whole || (*from == '0' && r->at - from > 1))
		return NULL;
	return keep ? json_integer(minus ? -value : value) : json_null();
}

/* The value; json_null() for one that is not kept; NULL for one that is left to jansson. */
static json_t *read_value(struct reader *r, bool keep)
{
	struct span text;
	json_t *value = NULL;

	skip_space(r);
	switch (peek(r)) {
	case '{':
	case '[':
		if (++r->depth > JSON_DEPTH_MAX)
			return NULL;
		value = *r->at == '{' ? read_object(r, keep) : read_array(r, keep);
		r->depth--;
		return value;
	case '"':
		if (!read_string(r, &text))
			return NULL;
		return keep ? json_stringn_nocheck(text.len ? text.ptr : "", text.len) : json_null();
	case 't':
		return read_word(r, "true", json_true());
	case 'f':
		return read_word(r, "false", json_false());
	case 'n':
		return read_word(r, "null", json_null());
	default:
		return read_integer(r, keep);
	}
}

json_t *json_fast(struct span text, const char *const *skip)
{
	struct reader r = {
		.at = text.ptr,
		.end = text.ptr + text.len,
		.skip = skip,
		.unescaped = BUF_MAX(text.len),
	};

	skip_space(&r);
	json_t *tree = peek(&r) == '{' || peek(&r) == '[' ? read_value(&r, true) : NULL;
	skip_space(&r);
	if (tree && r.at < r.end) {
		json_decref(tree);
		tree = NULL;
	}
	buf_clear(&r.unescaped);
	return tree;
}
