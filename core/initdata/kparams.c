/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/kparams.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <string.h>

void kparams_clear(struct kparams *list)
{
	free(list->items);
	*list = (struct kparams)KPARAMS_NONE;
}

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void add(struct kparams *list, struct kparam item)
{
	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = item;
}

static int add_word(struct kparams *list, struct span word, struct err *err)
{
	size_t equals = span_find(word, '='), i;

	for (i = 0; i < word.len; i++)
		if (word.ptr[i] <= ' ' || word.ptr[i] > '~')
			return err_set(err, ERR_FORMAT,
					"kernel parameter '%.*s' holds a byte that is no printable ASCII",
					(int)i, word.ptr);
	if (equals == 0)
		return err_set(err, ERR_FORMAT, "kernel parameter '%.*s' has no name", SPAN_ARG(word));
	add(list,
			(struct kparam){ .key = span_new(word.ptr, equals),
					.value = equals < word.len ? span_from(word, equals + 1) : SPAN_NONE,
					.has_value = equals < word.len });
	return 0;
}

static int check_size(size_t len, struct err *err)
{
	if (len > KPARAMS_TEXT_MAX)
		return err_set(err, ERR_LIMIT,
				"kernel parameters of %zu bytes exceed the %d of a command line", len,
				KPARAMS_TEXT_MAX);
	return 0;
}

int kparams_parse(struct span text, struct kparams *out, struct err *err)
{
	auto_kparams struct kparams list = KPARAMS_NONE;
	size_t at = 0, end;

	if (check_size(text.len, err) < 0)
		return -1;
	for (; at < text.len; at = end) {
		while (at < text.len && is_white(text.ptr[at]))
			at++;
		for (end = at; end < text.len && !is_white(text.ptr[end]);)
			end++;
		if (end > at && add_word(&list, span_new(text.ptr + at, end - at), err) < 0)
			return -1;
	}
	kparams_clear(out);
	*out = list;
	list = (struct kparams)KPARAMS_NONE;
	return 0;
}

static void format_one(const struct kparam *item, struct buf *out)
{
	if (out->len)
		buf_putc(out, ' ');
	buf_add_span(out, item->key);
	if (item->has_value) {
		buf_putc(out, '=');
		buf_add_span(out, item->value);
	}
}

void kparams_format(const struct kparams *list, struct buf *out)
{
	auto_buf struct buf text = BUF_MAX(KPARAMS_TEXT_MAX);
	size_t i;

	for (i = 0; i < list->count; i++)
		format_one(&list->items[i], &text);
	buf_add_span(out, buf_span(&text));
}

bool kparams_same_key(struct span a, struct span b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (a.ptr[i] != b.ptr[i] && !(strchr("-_", a.ptr[i]) && strchr("-_", b.ptr[i])))
			return false;
	return true;
}

/* ---- combining ---- */

static bool is_allowed(struct span key, const json_t *allowed)
{
	const json_t *glob;
	size_t i;

	json_array_foreach (allowed, i, glob)
		if (json_is_string(glob) && span_glob(span_of(json_string_value(glob)), key))
			return true;
	return false;
}

/* Whether the list has it; ERR_CONFLICT when it has the key with something else. */
static int look_up(const struct kparams *list, const struct kparam *item, bool *found, struct err *err)
{
	size_t i;

	*found = false;
	for (i = 0; i < list->count; i++) {
		const struct kparam *old = &list->items[i];

		if (!kparams_same_key(old->key, item->key))
			continue;
		if (!span_eq(old->key, item->key) || old->has_value != item->has_value ||
				!span_eq(old->value, item->value))
			return err_set(err, ERR_CONFLICT,
					"kernel parameter '%.*s' has two values, '%.*s' and '%.*s': it may "
					"have one",
					SPAN_ARG(item->key), SPAN_ARG(old->value), SPAN_ARG(item->value));
		*found = true;
		return 0;
	}
	return 0;
}

static int add_profile(struct kparams *list, const json_t *profile, struct err *err)
{
	const json_t *text;
	size_t i;

	json_array_foreach (profile, i, text) {
		struct span word = span_new(json_string_value(text), json_string_length(text));
		auto_kparams struct kparams one = KPARAMS_NONE;
		bool found;

		if (!json_is_string(text))
			return err_set(err, ERR_FORMAT, "a kernel parameter is no text");
		if (kparams_parse(word, &one, err) < 0)
			return -1;
		if (one.count != 1 || one.items[0].key.ptr != word.ptr || is_white(word.ptr[word.len - 1]))
			return err_set(err, ERR_FORMAT,
					"'%.*s' is not one kernel parameter: values cannot hold white space",
					SPAN_ARG(word));
		if (look_up(list, &one.items[0], &found, err) < 0)
			return -1;
		if (!found)
			add(list, one.items[0]);
	}
	return 0;
}

static int add_user(struct kparams *list, const struct kparams *user, const json_t *allowed, struct err *err)
{
	size_t i;
	bool found;

	for (i = 0; i < user->count; i++) {
		if (look_up(list, &user->items[i], &found, err) < 0)
			return -1;
		if (found)
			continue;
		if (!is_allowed(user->items[i].key, allowed))
			return err_set(err, ERR_DENIED,
					"kernel parameter '%.*s' is not among those that are allowed",
					SPAN_ARG(user->items[i].key));
		add(list, user->items[i]);
	}
	return 0;
}

int kparams_combine(const json_t *profile, struct span user, const json_t *allowed, struct buf *out,
		struct err *err)
{
	auto_kparams struct kparams given = KPARAMS_NONE;
	auto_kparams struct kparams list = KPARAMS_NONE;
	auto_buf struct buf text = BUF_MAX(KPARAMS_TEXT_MAX);
	size_t i;

	if (kparams_parse(user, &given, err) < 0 || add_profile(&list, profile, err) < 0 ||
			add_user(&list, &given, allowed, err) < 0)
		return -1;
	for (i = 0; i < list.count; i++)
		format_one(&list.items[i], &text);
	if (buf_check(&text, "the combined kernel parameters", err) < 0)
		return -1;
	buf_add_span(out, buf_span(&text));
	return buf_check(out, "the combined kernel parameters", err);
}
