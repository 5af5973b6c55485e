/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "codec/yaml.h"
#include "codec/yaml_plain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP    2
/* libyaml and its descendants find the ':' of a key within 1024 characters; a longer one is written after "? " */
#define KEY_MAX 1000

/* ---- strings ---- */

/* One character of UTF-8; the text is valid. */
static size_t decode(struct span text, uint32_t *c)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*c = *c << 6 | (p[i] & 0x3f);
	return len;
}

/* Not printable by YAML, or a line break to some reader. */
static bool must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
			c == 0xfffe || c == 0xffff;
}

static void write_char(struct buf *out, struct span bytes, uint32_t c)
{
	static const char named[] = "\"\"\\\\\nn\tt\rr";

	for (size_t i = 0; i < sizeof(named) - 1; i += 2)
		if ((uint32_t)named[i] == c) {
			buf_putc(out, '\\');
			buf_putc(out, named[i + 1]);
			return;
		}
	if (must_escape(c))
		buf_printf(out, "\\u%04" PRIx32, c);
	else
		buf_add_span(out, bytes);
}

void yaml_write_quoted(struct buf *out, struct span text)
{
	uint32_t c = 0;

	buf_putc(out, '"');
	while (text.len) {
		size_t len = decode(text, &c);
		write_char(out, span_new(text.ptr, len), c);
		text = span_from(text, len);
	}
	buf_putc(out, '"');
}

static bool is_first_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c && strchr("/_.($+-", c));
}

bool yaml_is_plain(struct span text)
{
	if (!text.len || !is_first_plain(text.ptr[0]) || text.ptr[text.len - 1] == ' ' ||
			text.ptr[text.len - 1] == ':')
		return false;
	if (span_starts(text, "- ") || span_starts(text, "---") || span_starts(text, "..."))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c < ' ' || c > '~')
			return false;
		if ((c == ':' && text.ptr[i + 1] == ' ') || (c == '#' && text.ptr[i - 1] == ' '))
			return false;
	}
	return yaml_plain_type(text) == YAML_TEXT && !yaml_plain_numberish(text);
}

static void write_inline(struct buf *out, struct span text)
{
	if (yaml_is_plain(text))
		buf_add_span(out, text);
	else
		yaml_write_quoted(out, text);
}

/* Can be a literal block without an indentation mark: of several lines, the first one with something in front. */
static bool is_literal(struct span text)
{
	uint32_t c = 0;

	if (!text.len || text.ptr[0] == ' ' || text.ptr[0] == '\n' || text.ptr[0] == '\t' ||
			span_find(text, '\n') == text.len)
		return false;
	while (text.len) {
		size_t len = decode(text, &c);
		if (must_escape(c) && c != '\n' && c != '\t')
			return false;
		text = span_from(text, len);
	}
	return true;
}

static void indent_by(struct buf *out, size_t indent)
{
	for (size_t i = 0; i < indent; i++)
		buf_putc(out, ' ');
}

static void write_literal(struct buf *out, struct span text, size_t indent)
{
	struct span line;
	const char *chomp = !span_ends(text, "\n") ? "-" : span_ends(text, "\n\n") ? "+" : "";

	buf_printf(out, "|%s\n", chomp);
	/* the last newline ends a line, it does not begin one */
	if (span_ends(text, "\n"))
		text.len--;
	for (bool more = true; more;) {
		size_t end = span_find(text, '\n');
		line = span_new(text.ptr, end);
		if (line.len)
			indent_by(out, indent);
		buf_add_span(out, line);
		buf_putc(out, '\n');
		more = end < text.len;
		text = span_from(text, end + 1);
	}
}

/* ---- numbers ---- */

/* The shortest digits that read back equal, with a '.', without which YAML 1.1 sees a string in 1e20. */
static void write_real(struct buf *out, double value)
{
	char digits[40];

	for (int precision = 15; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (!(strtod(digits, NULL) < value) && !(strtod(digits, NULL) > value))
			break;
	}
	size_t whole = strcspn(digits, ".e");
	buf_add(out, digits, whole);
	if (digits[whole] != '.')
		buf_puts(out, ".0");
	buf_puts(out, digits + whole);
}

/* ---- the tree ---- */

/* NOLINTBEGIN(misc-no-recursion): as deep as the tree, which the readers of JSON and YAML bound */
static void write_collection(struct buf *out, const json_t *value, size_t indent, bool inline_first);

static void write_scalar(struct buf *out, const json_t *value, size_t indent)
{
	struct span text = span_new(json_string_value(value), json_string_length(value));

	if (json_is_string(value) && is_literal(text)) {
		write_literal(out, text, indent);
		return;
	}
	if (json_is_string(value))
		write_inline(out, text);
	else if (json_is_integer(value))
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		write_real(out, json_real_value(value));
	else if (json_is_boolean(value))
		buf_puts(out, json_is_true(value) ? "true" : "false");
	else
		buf_puts(out, json_is_object(value) ? "{}" : json_is_array(value) ? "[]" : "null");
	buf_putc(out, '\n');
}

static bool is_nested(const json_t *value)
{
	return json_object_size(value) || json_array_size(value);
}

static void write_key(struct buf *out, const char *key, size_t indent)
{
	size_t before = out->len;

	write_inline(out, span_of(key));
	if (out->len - before <= KEY_MAX) {
		buf_putc(out, ':');
		return;
	}
	buf_cut(out, before);
	buf_puts(out, "? ");
	write_inline(out, span_of(key));
	buf_putc(out, '\n');
	indent_by(out, indent);
	buf_putc(out, ':');
}

static void write_member(struct buf *out, const char *key, const json_t *value, size_t indent)
{
	write_key(out, key, indent);
	if (!is_nested(value)) {
		buf_putc(out, ' ');
		write_scalar(out, value, indent + STEP);
		return;
	}
	buf_putc(out, '\n');
	/* a sequence stands below its key, not further in */
	write_collection(out, value, json_is_array(value) ? indent : indent + STEP, false);
}

static void write_item(struct buf *out, const json_t *value, size_t indent)
{
	buf_puts(out, "- ");
	if (is_nested(value))
		write_collection(out, value, indent + STEP, true);
	else
		write_scalar(out, value, indent + STEP);
}

/* With inline_first the first line is begun already, by a "- ". */
static void write_collection(struct buf *out, const json_t *value, size_t indent, bool inline_first)
{
	const char *key = NULL;
	json_t *child = NULL;
	size_t i = 0;

	json_object_foreach ((json_t *)(uintptr_t)value, key, child) {
		if (!inline_first)
			indent_by(out, indent);
		inline_first = false;
		write_member(out, key, child, indent);
	}
	json_array_foreach (value, i, child) {
		if (!inline_first)
			indent_by(out, indent);
		inline_first = false;
		write_item(out, child, indent);
	}
}

/* NOLINTEND(misc-no-recursion) */

void yaml_write(struct buf *out, const json_t *doc)
{
	if (is_nested(doc))
		write_collection(out, doc, 0, false);
	else
		write_scalar(out, doc, STEP);
}
