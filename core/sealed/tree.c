/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed/tree.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "sealed/secret.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

/* An escape of a NUL in a document would be taken for a number of ours. */
#define NUL_ESCAPE "\\u0000"

/* Behind the string that begins at `at`; the end of the text when it does not end. */
static int skip_string(struct span text, size_t at, size_t *end, struct err *err)
{
	size_t i = at + 1;

	for (; i < text.len && text.ptr[i] != '"'; i++) {
		if (text.ptr[i] != '\\')
			continue;
		if (span_starts(span_from(text, i), NUL_ESCAPE))
			return err_set(err, ERR_FORMAT, "a text holds U+0000");
		i++;
	}
	*end = i < text.len ? i + 1 : text.len;
	return 0;
}

static struct span number_at(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len && text.ptr[end] && strchr("+-.eE0123456789", text.ptr[end]))
		end++;
	return span_new(text.ptr + at, end - at);
}

/* Numbers that jansson would refuse or change, in a form that it takes; the others, malformed ones too, as they are. */
static void add_number(struct buf *out, struct span number)
{
	bool negative = span_starts(number, "-");
	uint64_t value = 0;

	for (size_t i = negative; i < number.len; i++)
		if (number.ptr[i] < '0' || number.ptr[i] > '9') {
			buf_add_span(out, number);
			return;
		}
	bool fits = span_number(span_from(number, negative), UINT64_MAX, &value);
	if (fits && !negative && value > INT64_MAX) {
		buf_printf(out, "\"" NUL_ESCAPE "%.*s\"", SPAN_ARG(number));
		return;
	}
	buf_add_span(out, number);
	if (!fits || (negative && (!value || value - 1 > INT64_MAX)))
		buf_puts(out, ".0");
}

static int prepare(struct span text, struct buf *out, struct err *err)
{
	int depth = 0;

	for (size_t at = 0, next = 0; at < text.len; at = next) {
		char c = text.ptr[at];
		if (c == '-' || (c >= '0' && c <= '9')) {
			struct span number = number_at(text, at);
			add_number(out, number);
			next = at + number.len;
			continue;
		}
		next = at + 1;
		if (c == '"' && skip_string(text, at, &next, err) < 0)
			return -1;
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		if (depth > JSON_DEPTH_MAX)
			return err_set(err, ERR_LIMIT, "is more than %d levels deep", JSON_DEPTH_MAX);
		buf_add(out, text.ptr + at, next - at);
	}
	return buf_check(out, "the text", err);
}

int sealed_tree_parse(struct span text, bool unique, json_t **out, struct err *err)
{
	/* at worst each -0 doubles */
	auto_buf struct buf prepared = BUF_MAX(2 * SEALED_PAYLOAD_MAX);
	json_error_t why = { .line = 0 };

	if (text.len > SEALED_PAYLOAD_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes exceed %zu bytes", text.len, SEALED_PAYLOAD_MAX);
	if (prepare(text, &prepared, err) < 0)
		return -1;
	auto_json json_t *tree = json_loadb(buf_text(&prepared), prepared.len,
			JSON_ALLOW_NUL | (unique ? JSON_REJECT_DUPLICATES : 0), &why);
	if (!tree && json_error_code(&why) == json_error_duplicate_key)
		return err_set(err, ERR_FORMAT, "line %d: a member stands there twice", why.line);
	if (!tree)
		return err_set(err, ERR_FORMAT, "line %d: not valid JSON", why.line);
	if (!json_is_object(tree))
		return err_set(err, ERR_FORMAT, "must be an object");
	*out = take(&tree);
	return 0;
}

/* ---- writing ---- */

static void add_text(struct buf *out, struct span text)
{
	static const char shorts[][3] = { "\bb", "\tt", "\nn", "\ff", "\rr", "\"\"", "\\\\" };

	buf_putc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		size_t at = 0;
		while (at < sizeof(shorts) / sizeof(shorts[0]) && shorts[at][0] != c)
			at++;
		if (at < sizeof(shorts) / sizeof(shorts[0]))
			buf_printf(out, "\\%c", shorts[at][1]);
		else if ((unsigned char)c < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			buf_putc(out, c);
	}
	buf_putc(out, '"');
}

void sealed_tree_format_text(const char *text, struct buf *out)
{
	add_text(out, span_of(text));
}

static void add_zeros(struct buf *out, int count)
{
	for (int i = 0; i < count; i++)
		buf_putc(out, '0');
}

/* digits with the point behind the first `point` of them, in the form that is shortest for its size */
static void place_point(struct buf *out, const char *digits, int point)
{
	int len = (int)strlen(digits);

	if (len <= point && point <= 16) {
		buf_puts(out, digits);
		add_zeros(out, point - len);
		buf_puts(out, ".0");
	} else if (0 < point && point <= 16) {
		buf_printf(out, "%.*s.%s", point, digits, digits + point);
	} else if (-5 < point && point <= 0) {
		buf_puts(out, "0.");
		add_zeros(out, -point);
		buf_puts(out, digits);
	} else if (len == 1) {
		buf_printf(out, "%se%d", digits, point - 1);
	} else {
		buf_printf(out, "%c.%se%d", digits[0], digits + 1, point - 1);
	}
}

static void add_real(struct buf *out, double value)
{
	char text[40] = "", digits[20] = "";

	/* the fewest digits that read back the same */
	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, fabs(value));
		double back = strtod(text, NULL);
		if (!(back < fabs(value)) && !(back > fabs(value)))
			break;
	}
	const char *exponent = strchr(text, 'e');
	size_t len = 0;
	for (const char *at = text; at < exponent; at++)
		if (*at != '.')
			digits[len++] = *at;
	if (signbit(value))
		buf_putc(out, '-');
	place_point(out, digits, (int)strtol(exponent + 1, NULL, 10) + 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NOLINTBEGIN(misc-no-recursion): JSON_DEPTH_MAX levels */
static void add_object(struct buf *out, const json_t *object)
{
	/* jansson's iterators have no const form, and change nothing */
	json_t *walked = (json_t *)(uintptr_t)object;
	size_t count = 0;
	auto_free const char **names = xcalloc(json_object_size(object) + 1, sizeof(*names));

	for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at))
		names[count++] = json_object_iter_key(at);
	qsort(names, count, sizeof(*names), by_name);
	buf_putc(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_putc(out, ',');
		sealed_tree_format_text(names[i], out);
		buf_putc(out, ':');
		sealed_tree_format(json_object_get(object, names[i]), out);
	}
	buf_putc(out, '}');
}

static void add_array(struct buf *out, const json_t *array)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			buf_putc(out, ',');
		sealed_tree_format(json_array_get(array, i), out);
	}
	buf_putc(out, ']');
}

void sealed_tree_format(const json_t *value, struct buf *out)
{
	struct span text = span_new(json_string_value(value), json_string_length(value));

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		add_object(out, value);
		break;
	case JSON_ARRAY:
		add_array(out, value);
		break;
	case JSON_STRING:
		if (text.len && !text.ptr[0])
			buf_add_span(out, span_from(text, 1));
		else
			add_text(out, text);
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		add_real(out, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_puts(out, json_typeof(value) == JSON_TRUE ? "true" : "false");
		break;
	case JSON_NULL:
		buf_puts(out, "null");
		break;
	}
}

/* NOLINTEND(misc-no-recursion) */
