/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6902 over jansson's trees, with the pointers of RFC 6901. */
#include "agentpolicy/settings.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define OPERATIONS_MAX 1000
/* what all operations together may add, in values and bytes of text: a copy into itself doubles each time */
#define ADDED_MAX      (AGENT_SETTINGS_MAX / 4)

/* One operation; texts and values are borrowed from the patch. */
struct operation {
	const char *name, *path, *from;
	json_t *value;
};

/* A pointer cut at its slashes: each word is unescaped and ends in a NUL. */
struct pointer {
	char *text;
	const char *words[JSON_DEPTH_MAX];
	size_t count;
};

static void pointer_clear(struct pointer *pointer)
{
	free(pointer->text);
}
#define auto_pointer __attribute__((cleanup(pointer_clear)))

/* "~1" is a slash, "~0" a tilde; false for another letter behind the tilde. */
static bool unescape(char *word)
{
	char *to = word;

	for (; *word; word++, to++) {
		*to = *word;
		if (*word != '~')
			continue;
		word++;
		if (*word != '0' && *word != '1')
			return false;
		*to = *word == '0' ? '~' : '/';
	}
	*to = '\0';
	return true;
}

static int pointer_parse(const char *text, struct pointer *out, struct err *err)
{
	if (*text && *text != '/')
		return err_set(err, ERR_FORMAT, "'%s' is no pointer: it must begin with a slash (RFC 6901)",
				text);
	out->text = xstrdup(text);
	for (char *word = out->text; *word == '/';) {
		char *end = word + 1 + strcspn(word + 1, "/");
		bool last = !*end;
		if (out->count == JSON_DEPTH_MAX)
			return err_set(err, ERR_LIMIT, "a pointer of more than %d parts", JSON_DEPTH_MAX);
		*word = *end = '\0';
		if (!unescape(word + 1))
			return err_set(err, ERR_FORMAT,
					"'%s' is no pointer: a tilde is written ~0, a slash in a name ~1 "
					"(RFC 6901)",
					text);
		out->words[out->count++] = word + 1;
		if (last)
			break;
		*end = '/';
		word = end;
	}
	return 0;
}

/* The place in an array: false when the word is no number, or one beyond `most`. */
static bool index_of(const char *word, size_t most, size_t *out)
{
	uint64_t number = 0;

	if (!span_number(span_of(word), most, &number))
		return false;
	*out = (size_t)number;
	return true;
}

/* What a word names in a value, borrowed, or NULL. */
static json_t *step(json_t *value, const char *word)
{
	size_t index = 0;

	if (json_is_object(value))
		return json_object_get(value, word);
	if (json_is_array(value) && index_of(word, json_array_size(value), &index))
		return json_array_get(value, index);
	return NULL;
}

/* The value behind the first `count` words of a pointer, or NULL with the missing word named. */
static json_t *walk(json_t *root, const struct pointer *pointer, size_t count, struct err *err)
{
	json_t *value = root;

	for (size_t i = 0; i < count; i++) {
		value = step(value, pointer->words[i]);
		if (!value) {
			(void)err_set(err, ERR_USAGE, "there is no '%s' at that place", pointer->words[i]);
			return NULL;
		}
	}
	return value;
}

/* How much a value is: all values and bytes of text within, and the levels that they stand in. */
struct measure {
	size_t weight, depth;
};

static void measure(const json_t *value, size_t level, struct measure *sum)
{
	json_t *item;
	const char *key;
	size_t i;

	sum->weight += 1 + (json_is_string(value) ? json_string_length(value) : 0);
	if (level > sum->depth)
		sum->depth = level;
	json_array_foreach (value, i, item)
		measure(item, level + 1, sum);
	/* jansson's loop takes no const */
	json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
		sum->weight += strlen(key);
		measure(item, level + 1, sum);
	}
}

/* A patch on its way: the tree that it works on, and what it has added. */
struct patching {
	json_t *root;
	size_t added;
};

/* A copy of what is to stand at a pointer, within the bounds. */
static int copied(struct patching *patching, const json_t *value, const struct pointer *at, json_t **out,
		struct err *err)
{
	struct measure size = { .weight = 0, .depth = 0 };

	measure(value, 1, &size);
	if (at->count + size.depth > JSON_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "the result would be nested deeper than %d levels",
				JSON_DEPTH_MAX);
	if (size.weight > ADDED_MAX - patching->added)
		return err_set(err, ERR_LIMIT,
				"the operations add too much: their bound is %zu values and bytes",
				(size_t)ADDED_MAX);
	patching->added += size.weight;
	*out = json_deep_copy(value);
	return 0;
}

static int no_place(const char *word, size_t size, struct err *err)
{
	return err_set(err, ERR_USAGE, "'%s' is no place in an array of %zu", word, size);
}

/* Takes the reference. */
static int put(struct patching *patching, const struct pointer *at, json_t *value, bool replace,
		struct err *err)
{
	auto_json json_t *owned = value;
	size_t index = 0;

	if (!at->count) {
		json_decref(patching->root);
		patching->root = take(&owned);
		return 0;
	}
	const char *last = at->words[at->count - 1];
	json_t *parent = walk(patching->root, at, at->count - 1, err);
	if (!parent)
		return -1;
	if (json_is_object(parent)) {
		if (replace && !json_object_get(parent, last))
			return err_set(err, ERR_USAGE, "there is no '%s' at that place", last);
		return json_object_set_new(parent, last, take(&owned));
	}
	if (!json_is_array(parent))
		return err_set(err, ERR_USAGE, "'%s' would stand in a value that is no object and no array",
				last);
	size_t size = json_array_size(parent);
	if (!replace && !strcmp(last, "-"))
		return json_array_append_new(parent, take(&owned));
	if (!index_of(last, size, &index) || (replace && index == size))
		return no_place(last, size, err);
	return replace ? json_array_set_new(parent, index, take(&owned))
		       : json_array_insert_new(parent, index, take(&owned));
}

static int drop(struct patching *patching, const struct pointer *at, struct err *err)
{
	size_t index = 0;

	if (!at->count)
		return err_set(err, ERR_USAGE, "the whole cannot be removed");
	json_t *parent = walk(patching->root, at, at->count - 1, err);
	if (!parent || !walk(patching->root, at, at->count, err))
		return -1;
	const char *last = at->words[at->count - 1];
	if (json_is_object(parent))
		return json_object_del(parent, last);
	(void)index_of(last, json_array_size(parent), &index);
	return json_array_remove(parent, index);
}

/* ---- operations ---------------------------------------------------------------------------------------- */

/* As RFC 6902 section 4.6 has it: 1 and 1.0 are equal, which json_equal() does not find. */
static bool equal(const json_t *a, const json_t *b)
{
	json_t *item;
	const char *key;
	size_t i;

	if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
		return json_number_value(a) == json_number_value(b);
	if (json_typeof(a) != json_typeof(b) || json_array_size(a) != json_array_size(b) ||
			json_object_size(a) != json_object_size(b))
		return false;
	if (!json_is_array(a) && !json_is_object(a))
		return json_equal(a, b);
	json_array_foreach (a, i, item)
		if (!equal(item, json_array_get(b, i)))
			return false;
	/* jansson's loop takes no const */
	json_object_foreach ((json_t *)(uintptr_t)a, key, item) {
		const json_t *other = json_object_get(b, key);
		if (!other || !equal(item, other))
			return false;
	}
	return true;
}

static int do_test(struct patching *patching, const struct pointer *at, const json_t *value, struct err *err)
{
	const json_t *there = walk(patching->root, at, at->count, err);

	if (!there)
		return -1;
	return equal(there, value) ? 0 : err_set(err, ERR_USAGE, "another value stands there");
}

/* Whether `at` lies within `from`: a value cannot be moved into itself. */
static bool within(const struct pointer *at, const struct pointer *from)
{
	if (at->count <= from->count)
		return false;
	for (size_t i = 0; i < from->count; i++)
		if (strcmp(at->words[i], from->words[i]) != 0)
			return false;
	return true;
}

static int do_move(struct patching *patching, const struct pointer *at, const char *from_text, bool keep,
		struct err *err)
{
	auto_pointer struct pointer from = { .text = NULL };
	auto_json json_t *value = NULL;

	if (pointer_parse(from_text, &from, err) < 0)
		return -1;
	const json_t *there = walk(patching->root, &from, from.count, err);
	if (!there)
		return err_wrap(err, "from '%s'", from_text);
	if (!keep && within(at, &from))
		return err_set(err, ERR_USAGE, "a value cannot be moved into itself");
	if (copied(patching, there, at, &value, err) < 0)
		return -1;
	if (!keep && from.count && drop(patching, &from, err) < 0)
		return -1;
	return put(patching, at, take(&value), false, err);
}

static int do_put(struct patching *patching, const struct pointer *at, const json_t *value, bool replace,
		struct err *err)
{
	auto_json json_t *copy = NULL;

	if (copied(patching, value, at, &copy, err) < 0)
		return -1;
	return put(patching, at, take(&copy), replace, err);
}

static int operate(struct patching *patching, const struct operation *op, struct err *err)
{
	auto_pointer struct pointer at = { .text = NULL };
	bool keep = !strcmp(op->name, "copy"), replace = !strcmp(op->name, "replace");

	if (pointer_parse(op->path, &at, err) < 0)
		return -1;
	if (!strcmp(op->name, "remove"))
		return drop(patching, &at, err);
	if (keep || !strcmp(op->name, "move"))
		return do_move(patching, &at, op->from, keep, err);
	if (!strcmp(op->name, "test"))
		return do_test(patching, &at, op->value, err);
	return do_put(patching, &at, op->value, replace, err);
}

/* Other members are passed over, as RFC 6902 section 4 asks. */
static int operation_read(const json_t *item, struct operation *out, struct err *err)
{
	static const char *const names[] = { "add", "copy", "move", "remove", "replace", "test", NULL };
	size_t i = 0;

	if (json_get_text(item, "", "op", &out->name, err) < 0 ||
			json_get_text(item, "", "path", &out->path, err) < 0)
		return -1;
	while (names[i] && strcmp(names[i], out->name) != 0)
		i++;
	if (!names[i])
		return err_set(err, ERR_FORMAT,
				"op: '%s' is none of add, remove, replace, move, copy and test", out->name);
	if (!strcmp(out->name, "move") || !strcmp(out->name, "copy"))
		return json_get_text(item, "", "from", &out->from, err);
	out->value = json_object_get(item, "value");
	if (!out->value && strcmp(out->name, "remove") != 0)
		return err_set(err, ERR_FORMAT, "value: missing");
	return 0;
}

int agent_patch(json_t **tree, const json_t *patch, struct err *err)
{
	struct patching patching = { .root = NULL, .added = 0 };
	size_t i;
	json_t *item;

	if (json_typeof(patch) != JSON_ARRAY)
		return err_set(err, ERR_FORMAT,
				"a patch is an array of operations, such as [{\"op\": \"replace\", \"path\": "
				"\"/a/b\", \"value\": 1}] (RFC 6902)");
	if (json_array_size(patch) > OPERATIONS_MAX)
		return err_set(err, ERR_LIMIT, "a patch of more than %d operations", OPERATIONS_MAX);
	patching.root = json_deep_copy(*tree);
	json_array_foreach (patch, i, item) {
		struct operation op = { .name = "?", .path = "" };
		if (operation_read(item, &op, err) == 0 && operate(&patching, &op, err) == 0)
			continue;
		json_decref(patching.root);
		return err_wrap(err, "operation %zu (%s '%s')", i + 1, op.name, op.path);
	}
	json_decref(*tree);
	*tree = patching.root;
	return 0;
}
