/* SPDX-License-Identifier: Apache-2.0 */
#include "image/annotation.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "image/wrap.h"

#include <stdlib.h>
#include <string.h>

/* ---- elements -------------------------------------------------------------------------------------------- */

/* The base64 text without the CR and LF that Go takes, decoded; `out` stays empty when it is none. */
static void decode(struct span text, struct buf *out)
{
	auto_buf struct buf plain = BUF_MAX(text.len);

	buf_reset(out);
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
			buf_putc(&plain, text.ptr[i]);
	if (b64_decode(buf_span(&plain), out, NULL) < 0)
		buf_reset(out);
}

/* The scheme of a key annotation, NULL for other annotations; -1 when it cannot be one. */
static int scheme_of(const char *key, const char **scheme, struct err *err)
{
	size_t len = strlen(ANNOTATION_KEYS);

	*scheme = NULL;
	if (strncmp(key, ANNOTATION_KEYS, len) != 0)
		return 0;
	if (!key[len] || strlen(key + len) >= WRAP_SCHEME_MAX)
		return err_set(err, ERR_FORMAT, "annotation '%.200s': the scheme has %zu bytes", key,
				strlen(key + len));
	*scheme = key + len;
	return 0;
}

static int text_of(const char *key, const json_t *value, struct span *out, struct err *err)
{
	if (!json_is_string(value))
		return err_set(err, ERR_FORMAT, "annotation '%.200s' is no text", key);
	*out = span_new(json_string_value(value), json_string_length(value));
	return 0;
}

/* One walk: what is the same for all its elements. */
struct walk {
	annotation_each each;
	void *ctx;
	size_t count;
	struct buf element;
};

static int walk_value(struct walk *walk, const char *scheme, struct span value, struct err *err)
{
	size_t index = 0;
	struct span piece;

	while (span_next(&value, ',', &piece)) {
		if (++walk->count > ANNOTATION_ELEMENTS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d wrapped keys", ANNOTATION_ELEMENTS_MAX);
		/* half as much again is more than base64 with its line ends needs */
		if (piece.len > WRAP_ELEMENT_MAX / 2 * 3)
			return err_set(err, ERR_LIMIT,
					"annotation '" ANNOTATION_KEYS
					"%s': an element is longer than %zu bytes",
					scheme, WRAP_ELEMENT_MAX);
		decode(piece, &walk->element);
		if (walk->each(walk->ctx, scheme, index++, buf_span(&walk->element), err) < 0)
			return -1;
	}
	return 0;
}

int annotation_walk(const json_t *annotations, annotation_each each, void *ctx, struct err *err)
{
	struct walk walk = { each, ctx, 0, BUF_MAX(WRAP_ELEMENT_MAX) };
	const char *key, *scheme;
	json_t *value;
	int result = 0;

	/* the cast is jansson's: its iterator has no const form, and nothing is changed here */
	json_object_foreach ((json_t *)(uintptr_t)annotations, key, value) {
		struct span text = SPAN_NONE;
		result = scheme_of(key, &scheme, err);
		if (!result && scheme)
			result = text_of(key, value, &text, err) < 0 ? -1
								     : walk_value(&walk, scheme, text, err);
		if (result < 0)
			break;
	}
	buf_clear(&walk.element);
	return result;
}

/* ---- changes --------------------------------------------------------------------------------------------- */

/* The elements of all schemes, without a look into them. */
static size_t count_elements(const json_t *annotations)
{
	const char *key;
	json_t *value;
	size_t count = 0;

	json_object_foreach ((json_t *)(uintptr_t)annotations, key, value) {
		struct span rest = span_new(json_string_value(value), json_string_length(value)), piece;
		if (strncmp(key, ANNOTATION_KEYS, strlen(ANNOTATION_KEYS)) != 0)
			continue;
		while (span_next(&rest, ',', &piece))
			count++;
	}
	return count;
}

/* The annotation's name, and its value or an empty span. */
static int find(const json_t *annotations, const char *scheme, char **key, struct span *value,
		struct err *err)
{
	if (!*scheme || strlen(scheme) >= WRAP_SCHEME_MAX || strpbrk(scheme, ", \t\r\n"))
		return err_set(err, ERR_USAGE, "'%.128s' is no name of a scheme", scheme);
	*key = xasprintf(ANNOTATION_KEYS "%s", scheme);
	*value = SPAN_NONE;
	const json_t *found = json_object_get(annotations, *key);
	return found ? text_of(*key, found, value, err) : 0;
}

static int put(json_t *annotations, const char *key, struct span value, struct err *err)
{
	if (json_object_set_new(annotations, key, json_stringn(value.ptr, value.len)) < 0)
		return err_set(err, ERR_BUG, "annotation '%.200s' cannot be set", key);
	return 0;
}

int annotation_add(json_t *annotations, const char *scheme, struct span element, struct err *err)
{
	auto_free char *key = NULL;
	struct span old = SPAN_NONE;

	if (!element.len || element.len > WRAP_ELEMENT_MAX)
		return err_set(err, ERR_LIMIT, "a wrapped key of %zu bytes", element.len);
	if (find(annotations, scheme, &key, &old, err) < 0)
		return -1;
	if (count_elements(annotations) >= ANNOTATION_ELEMENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d wrapped keys", ANNOTATION_ELEMENTS_MAX);
	auto_buf struct buf value = BUF_MAX(old.len + 1 + b64_encoded_len(element.len));
	buf_add_span(&value, old);
	if (old.len)
		buf_putc(&value, ',');
	b64_encode(&value, element);
	return put(annotations, key, buf_span(&value), err);
}

int annotation_remove(json_t *annotations, const char *scheme, size_t index, struct err *err)
{
	auto_free char *key = NULL;
	struct span old = SPAN_NONE, piece;
	size_t at = 0, kept = 0;

	if (find(annotations, scheme, &key, &old, err) < 0)
		return -1;
	auto_buf struct buf value = BUF_MAX(old.len);
	while (span_next(&old, ',', &piece)) {
		if (at++ == index)
			continue;
		if (kept++)
			buf_putc(&value, ',');
		buf_add_span(&value, piece);
	}
	if (index >= at)
		return err_set(err, ERR_NOT_FOUND, "scheme '%s' has %zu wrapped keys, none at %zu", scheme,
				at, index);
	if (value.len)
		return put(annotations, key, buf_span(&value), err);
	json_object_del(annotations, key);
	return 0;
}

void annotation_strip(json_t *annotations)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (annotations, next, key, value) {
		if (strncmp(key, ANNOTATION_PREFIX, strlen(ANNOTATION_PREFIX)) == 0)
			json_object_del(annotations, key);
	}
}

int annotation_set_public(json_t *annotations, const struct public_options *options, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(OPTIONS_MAX), value = BUF_MAX(2 * OPTIONS_MAX);

	public_options_format(options, &text);
	b64_encode(&value, buf_span(&text));
	return put(annotations, ANNOTATION_PUBLIC, buf_span(&value), err);
}

int annotation_get_public(const json_t *annotations, struct public_options *out, struct err *err)
{
	const json_t *value = json_object_get(annotations, ANNOTATION_PUBLIC);
	auto_buf struct buf text = BUF_MAX(OPTIONS_MAX);
	struct span coded = SPAN_NONE;

	if (!value || json_is_null(value))
		return err_set(err, ERR_FORMAT, "annotation '" ANNOTATION_PUBLIC "' is missing");
	if (text_of(ANNOTATION_PUBLIC, value, &coded, err) < 0)
		return -1;
	if (coded.len > 2 * OPTIONS_MAX)
		return err_set(err, ERR_LIMIT, "annotation '" ANNOTATION_PUBLIC "' exceeds %zu bytes",
				2 * OPTIONS_MAX);
	decode(coded, &text);
	if (!text.len)
		return err_set(err, ERR_FORMAT, "annotation '" ANNOTATION_PUBLIC "' is not base64");
	if (public_options_parse(buf_span(&text), out, err) < 0)
		return err_wrap(err, "annotation '" ANNOTATION_PUBLIC "'");
	return 0;
}
