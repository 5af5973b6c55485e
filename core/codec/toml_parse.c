/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "codec/toml_priv.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* ---- values -------------------------------------------------------------------------------------------- */

static int value(struct toml *t, int depth, json_t **out);

static int text_value(struct toml *t, json_t **out)
{
	/* no string is longer than its source */
	auto_buf struct buf text = BUF_MAX(t->text.len);

	if (toml_string(t, &text) < 0)
		return -1;
	*out = toml_leaf(t, "string", buf_span(&text));
	return 0;
}

/* NOLINTBEGIN(misc-no-recursion): value() goes TOML_DEPTH_MAX levels deep at most */
/* "a.b.c = value" below the place; ends right behind the value. */
static int key_value(struct toml *t, struct toml_place place)
{
	auto_buf struct buf key = BUF_MAX(t->text.len);
	json_t *made = NULL;
	size_t at = 0;

	for (;;) {
		at = t->at;
		if (toml_key(t, &key) < 0)
			return -1;
		toml_skip_blank(t);
		if (toml_peek(t, 0) != '.')
			break;
		if (toml_enter_dotted(t, &place, span_new(buf_text(&key), key.len), at) < 0)
			return -1;
		t->at++;
		toml_skip_blank(t);
	}
	if (toml_peek(t, 0) != '=')
		return toml_expected(t, "'=' behind the key");
	if (json_object_getn(place.table, buf_text(&key), key.len))
		return toml_fail(t, ERR_FORMAT, at, "the key '%.*s' is set twice",
				SPAN_ARG(toml_shown(buf_span(&key))));
	t->at++;
	toml_skip_blank(t);
	if (value(t, place.depth, &made) < 0)
		return -1;
	if (json_object_setn_new(place.table, buf_text(&key), key.len, made) < 0)
		abort();
	return 0;
}

/* The comma or bracket behind an item; *more says which. The array opened at `start`. */
static int array_comma(struct toml *t, size_t start, bool *more)
{
	if (toml_skip_empty(t) < 0)
		return -1;
	int c = toml_peek(t, 0);
	*more = c == ',';
	if (c == ',' || c == ']') {
		t->at++;
		return 0;
	}
	if (c < 0)
		return toml_fail(t, ERR_FORMAT, start, "the array that opens here is never closed with ]");
	return toml_expected(t, "',' or ']' in the array");
}

static int array_value(struct toml *t, int depth, json_t **out)
{
	auto_json json_t *array = json_array();
	size_t start = t->at++;
	bool more = true;

	if (!array)
		abort();
	while (more) {
		json_t *item = NULL;
		if (toml_skip_empty(t) < 0)
			return -1;
		if (toml_peek(t, 0) == ']') {
			t->at++;
			break;
		}
		if (toml_peek(t, 0) >= 0 && value(t, depth, &item) < 0)
			return -1;
		if (item && json_array_append_new(array, item) < 0)
			abort();
		if (array_comma(t, start, &more) < 0)
			return -1;
	}
	*out = take(&array);
	return 0;
}

/* Ready for the next key of an inline table, which no newline may come before. */
static int inline_key(struct toml *t)
{
	toml_skip_blank(t);
	if (toml_newline(t))
		return toml_fail(t, ERR_FORMAT, t->at,
				"an inline table stays on one line; use a [table] for more");
	return 0;
}

/* The comma or brace behind a pair; *more says which. */
static int inline_comma(struct toml *t, bool *more)
{
	if (inline_key(t) < 0)
		return -1;
	size_t at = t->at;
	int c = toml_peek(t, 0);
	*more = c == ',';
	if (c != ',' && c != '}')
		return toml_expected(t, "',' or '}' in the inline table");
	t->at++;
	if (!*more)
		return 0;
	if (inline_key(t) < 0)
		return -1;
	if (toml_peek(t, 0) == '}')
		return toml_fail(t, ERR_FORMAT, at, "no ',' may stand before the '}' of an inline table");
	return 0;
}

static int inline_table(struct toml *t, int depth, json_t **out)
{
	auto_json json_t *table = json_object();
	bool more = true;

	if (!table)
		abort();
	t->at++;
	if (inline_key(t) < 0)
		return -1;
	if (toml_peek(t, 0) == '}') {
		t->at++;
		more = false;
	}
	while (more) {
		if (key_value(t, (struct toml_place){ .table = table, .depth = depth }) < 0)
			return -1;
		if (inline_comma(t, &more) < 0)
			return -1;
	}
	*out = take(&table);
	return 0;
}

/* A value inside `depth` containers. */
static int value(struct toml *t, int depth, json_t **out)
{
	switch (toml_peek(t, 0)) {
	case '"':
	case '\'':
		return text_value(t, out);
	case '[':
		if (toml_check_depth(t, depth + 1, t->at) < 0)
			return -1;
		return array_value(t, depth + 1, out);
	case '{':
		if (toml_check_depth(t, depth + 1, t->at) < 0)
			return -1;
		return inline_table(t, depth + 1, out);
	default:
		return toml_scalar(t, out);
	}
}

/* NOLINTEND(misc-no-recursion) */

/* ---- documents ----------------------------------------------------------------------------------------- */

/* [a.b] or [[a.b]]: the place moves from the root to that table. */
static int header(struct toml *t, struct toml_place *place)
{
	auto_buf struct buf key = BUF_MAX(t->text.len);
	bool item = toml_peek(t, 1) == '[';
	size_t at = 0;

	t->at += item ? 2 : 1;
	for (;;) {
		toml_skip_blank(t);
		at = t->at;
		if (toml_key(t, &key) < 0)
			return -1;
		toml_skip_blank(t);
		if (toml_peek(t, 0) != '.')
			break;
		if (toml_enter_header(t, place, span_new(buf_text(&key), key.len), at) < 0)
			return -1;
		t->at++;
	}
	if (toml_peek(t, 0) != ']' || (item && toml_peek(t, 1) != ']'))
		return toml_expected(t, item ? "']]' behind the header" : "']' behind the header");
	t->at += item ? 2 : 1;
	struct span last = span_new(buf_text(&key), key.len);
	return item ? toml_define_item(t, place, last, at) : toml_define_table(t, place, last, at);
}

static int document(struct toml *t, json_t *root)
{
	struct toml_place top = { .table = root, .depth = 1 }, place = top;

	for (;;) {
		if (toml_skip_empty(t) < 0)
			return -1;
		if (t->at >= t->text.len)
			return 0;
		if (toml_peek(t, 0) == '[') {
			place = top;
			if (header(t, &place) < 0)
				return -1;
		} else if (key_value(t, place) < 0) {
			return -1;
		}
		if (toml_end_line(t) < 0)
			return -1;
	}
}

static int check_bytes(struct toml *t)
{
	if (span_starts(t->text, BYTE_ORDER_MARK))
		return toml_fail(t, ERR_FORMAT, 0, "the text opens with a byte-order mark; save it without");
	for (size_t i = 0, n = 0; i < t->text.len; i += n) {
		n = span_utf8_step(span_from(t->text, i));
		if (!n)
			return toml_fail(t, ERR_FORMAT, i,
					"the byte 0x%02x is no UTF-8; save the text as UTF-8",
					(unsigned)(unsigned char)t->text.ptr[i]);
	}
	return 0;
}

static int parse(struct span text, size_t max, bool tagged, json_t **out, struct err *err)
{
	struct toml t = { .text = text, .tagged = tagged, .err = err };
	auto_json json_t *root = json_object();

	if (!root)
		abort();
	if (text.len > max)
		return err_set(err, ERR_LIMIT, "TOML of %zu bytes exceeds %zu bytes", text.len, max);
	int status = check_bytes(&t) < 0 ? -1 : document(&t, root);
	toml_tables_clear(&t.tables);
	if (status < 0)
		return -1;
	*out = take(&root);
	return 0;
}

int toml_parse(struct span text, size_t max, json_t **out, struct err *err)
{
	return parse(text, max, false, out, err);
}

int toml_parse_tagged(struct span text, size_t max, json_t **out, struct err *err)
{
	return parse(text, max, true, out, err);
}
