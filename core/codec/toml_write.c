/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/toml.h"

#include "base/buf.h"
#include "base/err.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys and strings ---------------------------------------------------------------------------------- */

static bool is_bare_key(struct span key)
{
	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return key.len > 0;
}

static void put_escape(struct buf *out, char c)
{
	static const char special[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	const char *at = c ? strchr(special, c) : NULL;

	if (at)
		buf_printf(out, "\\%c", letters[at - special]);
	else
		buf_printf(out, "\\u%04X", (unsigned)(unsigned char)c);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void toml_write_string(struct buf *out, struct span text)
{
	size_t from = 0;

	buf_putc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (!is_control(text.ptr[i]) && text.ptr[i] != '"' && text.ptr[i] != '\\')
			continue;
		buf_add(out, text.ptr + from, i - from);
		put_escape(out, text.ptr[i]);
		from = i + 1;
	}
	buf_add_span(out, span_from(text, from));
	buf_putc(out, '"');
}

void toml_write_key(struct buf *out, struct span key)
{
	if (is_bare_key(key))
		buf_add_span(out, key);
	else
		toml_write_string(out, key);
}

static bool fits_literal(struct span text)
{
	size_t quotes = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		quotes = c == '\'' ? quotes + 1 : 0;
		if (quotes == 3 || (is_control(c) && c != '\t' && c != '\n'))
			return false;
	}
	return !quotes;
}

/* The body of a """ string: of quotes in a row at most two stand bare, and none at the end. */
static void write_basic_body(struct buf *out, struct span text)
{
	size_t from = 0, quotes = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool plain_control = c == '\t' || c == '\n';
		quotes = c == '"' ? quotes + 1 : 0;
		bool closing = quotes == 3 || (quotes && i + 1 == text.len);
		if (!closing && c != '\\' && (!is_control(c) || plain_control))
			continue;
		buf_add(out, text.ptr + from, i - from);
		put_escape(out, c);
		from = i + 1;
		quotes = 0;
	}
	buf_add_span(out, span_from(text, from));
}

static void write_basic(struct buf *out, struct span text)
{
	buf_puts(out, "\"\"\"\n");
	write_basic_body(out, text);
	buf_puts(out, "\"\"\"");
}

void toml_write_text(struct buf *out, struct span text)
{
	if (fits_literal(text)) {
		buf_puts(out, "'''\n");
		buf_add_span(out, text);
		buf_puts(out, "'''");
		return;
	}
	write_basic(out, text);
}

/* ---- trees --------------------------------------------------------------------------------------------- */

struct writer {
	struct buf *out;
	struct buf path; /* the header of the table being written, without brackets */
	struct err *err;
};

static int write_value(struct writer *w, const json_t *value, int depth);

static int refuse(struct writer *w, const char *why)
{
	return err_set(w->err, ERR_FORMAT, "writing TOML%s%s: %s", w->path.len ? " below " : "",
			buf_text(&w->path), why);
}

static int too_deep(struct writer *w)
{
	return err_set(w->err, ERR_LIMIT, "writing TOML: the tree is deeper than %d levels", TOML_DEPTH_MAX);
}

static int write_key(struct writer *w, struct buf *out, struct span key)
{
	if (key.len && memchr(key.ptr, '\0', key.len))
		return refuse(w, "a key holds NUL");
	toml_write_key(out, key);
	return 0;
}

static int write_text(struct writer *w, const json_t *value)
{
	struct span text = span_new(json_string_value(value), json_string_length(value));

	if (memchr(text.ptr, '\0', text.len))
		return refuse(w, "a text holds NUL");
	if (span_find(text, '\n') < text.len)
		write_basic(w->out, text);
	else
		toml_write_string(w->out, text);
	return 0;
}

/* The shortest digits that read back as the same number, with what makes them a float. */
static void write_real(struct writer *w, double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buf_puts(w->out, text);
	if (!text[strcspn(text, ".e")])
		buf_puts(w->out, ".0");
}

/* NOLINTBEGIN(misc-no-recursion): TOML_DEPTH_MAX levels at most */
static int write_array(struct writer *w, const json_t *array, int depth)
{
	if (depth > TOML_DEPTH_MAX)
		return too_deep(w);
	buf_putc(w->out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		buf_puts(w->out, i ? ", " : "");
		if (write_value(w, json_array_get(array, i), depth) < 0)
			return -1;
	}
	buf_putc(w->out, ']');
	return 0;
}

/* jansson's iterators have no const form, and change nothing */
static json_t *walked(const json_t *object)
{
	return (json_t *)(uintptr_t)object;
}

static struct span key_at(void *it)
{
	return span_new(json_object_iter_key(it), json_object_iter_key_len(it));
}

static int write_inline(struct writer *w, const json_t *object, int depth)
{
	json_t *table = walked(object);
	const char *gap = "";

	if (depth > TOML_DEPTH_MAX)
		return too_deep(w);
	buf_puts(w->out, "{ ");
	for (void *it = json_object_iter(table); it; it = json_object_iter_next(table, it)) {
		buf_puts(w->out, gap);
		if (write_key(w, w->out, key_at(it)) < 0)
			return -1;
		buf_puts(w->out, " = ");
		if (write_value(w, json_object_iter_value(it), depth) < 0)
			return -1;
		gap = ", ";
	}
	buf_puts(w->out, *gap ? " }" : "}");
	return 0;
}

/* A value inside `depth` containers, on the line that is open. */
static int write_value(struct writer *w, const json_t *value, int depth)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_inline(w, value, depth + 1);
	case JSON_ARRAY:
		return write_array(w, value, depth + 1);
	case JSON_STRING:
		return write_text(w, value);
	case JSON_INTEGER:
		buf_printf(w->out, "%" PRId64, (int64_t)json_integer_value(value));
		return 0;
	case JSON_REAL:
		write_real(w, json_real_value(value));
		return 0;
	case JSON_TRUE:
		buf_puts(w->out, "true");
		return 0;
	case JSON_FALSE:
		buf_puts(w->out, "false");
		return 0;
	case JSON_NULL:
		break;
	}
	return refuse(w, "null has no form in TOML; leave the member out");
}

/* NOLINTEND(misc-no-recursion) */

/* Written as [[tables]]: an array of objects alone, and not empty. */
static bool is_table_array(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_object(json_array_get(value, i)))
			return false;
	return json_array_size(value) > 0;
}

static bool has_header(const json_t *value)
{
	return json_is_object(value) || is_table_array(value);
}

static int write_scalars(struct writer *w, json_t *table, int depth)
{
	for (void *it = json_object_iter(table); it; it = json_object_iter_next(table, it)) {
		if (has_header(json_object_iter_value(it)))
			continue;
		if (write_key(w, w->out, key_at(it)) < 0)
			return -1;
		buf_puts(w->out, " = ");
		if (write_value(w, json_object_iter_value(it), depth) < 0)
			return -1;
		buf_putc(w->out, '\n');
	}
	return 0;
}

/* NOLINTBEGIN(misc-no-recursion): TOML_DEPTH_MAX levels at most */
static int write_table(struct writer *w, const json_t *object, int depth);

static void write_header(struct writer *w, const char *open, const char *close)
{
	buf_printf(w->out, "%s%s", w->out->len ? "\n" : "", open);
	buf_add_span(w->out, buf_span(&w->path));
	buf_printf(w->out, "%s\n", close);
}

/* One member that has headers of its own; the path is its own then. */
static int write_headed(struct writer *w, const json_t *value, int depth)
{
	if (json_is_object(value)) {
		write_header(w, "[", "]");
		return write_table(w, value, depth + 1);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		write_header(w, "[[", "]]");
		if (write_table(w, json_array_get(value, i), depth + 2) < 0)
			return -1;
	}
	return 0;
}

static int write_table(struct writer *w, const json_t *object, int depth)
{
	json_t *table = walked(object);

	if (depth > TOML_DEPTH_MAX)
		return too_deep(w);
	if (write_scalars(w, table, depth) < 0)
		return -1;
	for (void *it = json_object_iter(table); it; it = json_object_iter_next(table, it)) {
		size_t outer = w->path.len;
		if (!has_header(json_object_iter_value(it)))
			continue;
		buf_puts(&w->path, outer ? "." : "");
		if (write_key(w, &w->path, key_at(it)) < 0 ||
				write_headed(w, json_object_iter_value(it), depth) < 0)
			return -1;
		buf_cut(&w->path, outer);
	}
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

int toml_write(struct buf *out, const json_t *object, struct err *err)
{
	struct writer w = { .out = out, .path = BUF_MAX(out->max), .err = err };

	if (json_typeof(object) != JSON_OBJECT)
		return err_set(err, ERR_FORMAT, "writing TOML: the document must be an object");
	int status = write_table(&w, object, 1);
	bool over = w.path.over;
	buf_clear(&w.path);
	if (status < 0)
		return -1;
	if (over)
		return err_set(err, ERR_LIMIT, "writing TOML: the headers exceed %zu bytes", out->max);
	return buf_check(out, "the TOML text", err);
}
