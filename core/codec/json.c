/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"

#include "base/buf.h"
#include "base/closest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json_fast.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* a longer place is cut, in messages alone */
#define PATH_MAX_SHOWN 256

/* ---- memory -------------------------------------------------------------------------------------------- */

static void wiping_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void json_wipe_freed(void)
{
	json_set_alloc_funcs(malloc, wiping_free);
}

/* ---- loader -------------------------------------------------------------------------------------------- */

/* The index behind the string that opens at `at`, or the end of the text. */
static size_t skip_string(struct span text, size_t at)
{
	size_t i = at + 1;

	while (i < text.len && text.ptr[i] != '"')
		i += text.ptr[i] == '\\' ? 2 : 1;
	return i < text.len ? i + 1 : text.len;
}

/* One pass over the bytes. A text that is no JSON may be refused here for its depth: it would be refused anyway. */
static int check_depth(struct span text, struct err *err)
{
	int depth = 0, line = 0, column = 0;

	for (size_t i = 0; i < text.len;) {
		char c = text.ptr[i];
		if (c == '"') {
			i = skip_string(text, i);
			continue;
		}
		if ((c == '}' || c == ']') && depth > 0)
			depth--;
		if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX) {
			span_place(text, i, &line, &column);
			return err_set(err, ERR_LIMIT,
					"line %d, column %d: JSON is nested deeper than %d levels", line,
					column, JSON_DEPTH_MAX);
		}
		i++;
	}
	return 0;
}

/* Each value but the first stands behind a bracket, or a comma. */
int json_check_values(struct span text, size_t most, struct err *err)
{
	size_t count = 1;

	for (size_t i = 0; i < text.len;) {
		char c = text.ptr[i];
		if (c == '"') {
			i = skip_string(text, i);
			continue;
		}
		count += c == ',' || c == '{' || c == '[';
		i++;
	}
	if (count <= most)
		return 0;
	return err_set(err, ERR_LIMIT, "JSON of more than %zu values", most);
}

/* jansson ends its texts in "near '…'" with bytes of the document, which may be secret: the place says enough. */
static int loader_error(const json_error_t *why, struct err *err)
{
	const char *near = strstr(why->text, " near ");
	int len = near ? (int)(near - why->text) : (int)strlen(why->text);

	return err_set(err, ERR_FORMAT, "line %d, column %d: not valid JSON: %.*s", why->line, why->column,
			len, why->text);
}

int json_read_without(struct span text, size_t max, const char *const *skip, json_t **out, struct err *err)
{
	json_error_t why = { .line = 0 };

	if (text.len > max)
		return err_set(err, ERR_LIMIT, "JSON of %zu bytes exceeds %zu bytes", text.len, max);
	if (!text.len)
		return err_set(err, ERR_FORMAT, "not valid JSON: the text is empty");
	json_t *tree = json_fast(text, skip);
	if (tree) {
		*out = tree;
		return 0;
	}
	if (check_depth(text, err) < 0)
		return -1;
	tree = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!tree)
		return loader_error(&why, err);
	*out = tree;
	return 0;
}

int json_read(struct span text, size_t max, json_t **out, struct err *err)
{
	return json_read_without(text, max, NULL, out, err);
}

int json_read_file(const char *path, size_t max, json_t **out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(max);

	if (fs_read(path, &text, err) < 0)
		return -1;
	if (json_read(buf_span(&text), max, out, err) < 0)
		return err_wrap(err, "reading '%s'", path);
	return 0;
}

char *json_text(const json_t *value, bool sorted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | (sorted ? JSON_SORT_KEYS : 0));

	/* no memory, or a tree that holds itself: neither can come from outside */
	if (!text)
		abort();
	return text;
}

int json_print(json_t *value, struct err *err)
{
	auto_json json_t *owned = value;

	if (!owned)
		return err_set(err, ERR_USAGE, "a word of the command line is no text in UTF-8");
	auto_free char *line = json_text(owned, false);
	if (puts(line) < 0)
		return err_errno(err, ERR_IO, "writing to standard output");
	return 0;
}

/* ---- getters ------------------------------------------------------------------------------------------- */

static const char *type_words(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "null";
	}
	return "of unknown type";
}

/* "spec.kbs.url", or metadata.annotations["example.org/x"] for a key that a dot would make ambiguous. */
static const char *place(char *out, const char *path, const char *key)
{
	bool plain = *key && !key[strcspn(key, "./[]\"' ")];

	if (plain)
		snprintf(out, PATH_MAX_SHOWN, "%s%s%s", path, *path ? "." : "", key);
	else
		snprintf(out, PATH_MAX_SHOWN, "%s[\"%s\"]", path, key);
	return out;
}

static int wrong_type(
		const char *path, const char *key, const json_t *value, const char *wanted, struct err *err)
{
	char at[PATH_MAX_SHOWN];

	return err_set(err, ERR_FORMAT, "%s: must be %s, not %s", place(at, path, key), wanted,
			type_words(value));
}

static int missing(const char *path, const char *key, const char *wanted, struct err *err)
{
	char at[PATH_MAX_SHOWN];

	return err_set(err, ERR_FORMAT, "%s: is missing; it must be %s", place(at, path, key), wanted);
}

/* The member, or NULL in *out when it is missing or null, or when there is no object at all. */
static int member(
		const json_t *object, const char *path, const char *key, const json_t **out, struct err *err)
{
	if (object && !json_is_object(object) && !json_is_null(object))
		return err_set(err, ERR_FORMAT, "%s: must be an object, not %s",
				*path ? path : "the document", type_words(object));
	const json_t *value = json_object_get(object, key);
	*out = json_is_null(value) ? NULL : value;
	return 0;
}

int json_opt_text(const json_t *object, const char *path, const char *key, const char **out, struct err *err)
{
	const json_t *value = NULL;

	if (member(object, path, key, &value, err) < 0)
		return -1;
	if (!value)
		return 0;
	if (!json_is_string(value))
		return wrong_type(path, key, value, "text", err);
	*out = json_string_value(value);
	return 0;
}

int json_get_text(const json_t *object, const char *path, const char *key, const char **out, struct err *err)
{
	const char *text = NULL;

	if (json_opt_text(object, path, key, &text, err) < 0)
		return -1;
	if (!text)
		return missing(path, key, "text", err);
	*out = text;
	return 0;
}

int json_opt_bool(const json_t *object, const char *path, const char *key, bool *out, struct err *err)
{
	const json_t *value = NULL;

	if (member(object, path, key, &value, err) < 0)
		return -1;
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return wrong_type(path, key, value, "true or false", err);
	*out = json_is_true(value);
	return 0;
}

int json_opt_int(const json_t *object, const char *path, const char *key, int64_t min, int64_t max,
		int64_t *out, struct err *err)
{
	const json_t *value = NULL;
	char at[PATH_MAX_SHOWN];

	if (member(object, path, key, &value, err) < 0)
		return -1;
	if (!value)
		return 0;
	if (!json_is_integer(value))
		return wrong_type(path, key, value, "a whole number", err);
	int64_t number = json_integer_value(value);
	if (number < min || number > max)
		return err_set(err, ERR_LIMIT, "%s: %" PRId64 " is not between %" PRId64 " and %" PRId64,
				place(at, path, key), number, min, max);
	*out = number;
	return 0;
}

int json_opt_object(const json_t *object, const char *path, const char *key, json_t **out, struct err *err)
{
	const json_t *value = NULL;

	if (member(object, path, key, &value, err) < 0)
		return -1;
	if (!value)
		return 0;
	if (!json_is_object(value))
		return wrong_type(path, key, value, "an object", err);
	*out = json_object_get(object, key);
	return 0;
}

int json_get_object(const json_t *object, const char *path, const char *key, json_t **out, struct err *err)
{
	json_t *found = NULL;

	if (json_opt_object(object, path, key, &found, err) < 0)
		return -1;
	if (!found)
		return missing(path, key, "an object", err);
	*out = found;
	return 0;
}

int json_opt_array(const json_t *object, const char *path, const char *key, size_t max_items, json_t **out,
		struct err *err)
{
	const json_t *value = NULL;
	char at[PATH_MAX_SHOWN];

	if (member(object, path, key, &value, err) < 0)
		return -1;
	if (!value)
		return 0;
	if (!json_is_array(value))
		return wrong_type(path, key, value, "an array", err);
	if (json_array_size(value) > max_items)
		return err_set(err, ERR_LIMIT, "%s: has %zu items, more than %zu", place(at, path, key),
				json_array_size(value), max_items);
	*out = json_object_get(object, key);
	return 0;
}

int json_opt_texts(const json_t *object, const char *path, const char *key, size_t max_items, json_t **out,
		struct err *err)
{
	json_t *array = NULL, *item = NULL;
	char at[PATH_MAX_SHOWN];
	size_t i = 0;

	if (json_opt_array(object, path, key, max_items, &array, err) < 0)
		return -1;
	if (!array)
		return 0;
	json_array_foreach (array, i, item) {
		if (!json_is_string(item))
			return err_set(err, ERR_FORMAT, "%s[%zu]: must be text, not %s", place(at, path, key),
					i, type_words(item));
	}
	*out = array;
	return 0;
}

static bool is_known(const char *key, const char *const *known)
{
	for (; *known; known++)
		if (!strcmp(key, *known))
			return true;
	return false;
}

static int unknown_key(const char *path, const char *key, const char *const *known, struct err *err)
{
	auto_buf struct buf list = BUF_MAX(ERR_TEXT_MAX / 2);
	const char *meant = closest_word(key, known);
	char at[PATH_MAX_SHOWN];

	place(at, path, key);
	if (meant)
		return err_set(err, ERR_FORMAT, "%s: is not known; did you mean '%s'?", at, meant);
	for (; *known; known++)
		buf_printf(&list, "%s%s", list.len ? ", " : "", *known);
	return err_set(err, ERR_FORMAT, "%s: is not known; known here: %s", at, buf_text(&list));
}

int json_only_keys(const json_t *object, const char *path, const char *const *known, struct err *err)
{
	const json_t *ignored = NULL;

	/* refuses what is no object */
	if (member(object, path, "", &ignored, err) < 0)
		return -1;
	/* jansson's iterators have no const form, and change nothing */
	json_t *walked = (json_t *)(uintptr_t)object;
	for (void *it = json_object_iter(walked); it; it = json_object_iter_next(walked, it)) {
		const char *key = json_object_iter_key(it);
		if (!is_known(key, known))
			return unknown_key(path, key, known, err);
	}
	return 0;
}

/* ---- quick looks --------------------------------------------------------------------------------------- */

static const json_t *walk(const json_t *object, va_list keys)
{
	const char *key = NULL;

	while (object && (key = va_arg(keys, const char *)))
		object = json_object_get(object, key);
	return object;
}

const json_t *json_at(const json_t *object, ...)
{
	va_list keys;

	va_start(keys, object);
	const json_t *found = walk(object, keys);
	va_end(keys);
	return found;
}

const char *json_text_at(const json_t *object, ...)
{
	va_list keys;

	va_start(keys, object);
	const json_t *found = walk(object, keys);
	va_end(keys);
	return json_string_value(found);
}
