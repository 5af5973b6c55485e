/* SPDX-License-Identifier: Apache-2.0 */
/* A small JSON Patch applier (RFC 6902: add, remove, replace, test), for tests and fuzzing. */
#ifndef COCOON_TESTS_PROFILE_PATCHED_H
#define COCOON_TESTS_PROFILE_PATCHED_H

#include "base/own.h"
#include "codec/json.h"

#include <assert.h>
#include <string.h>

/* A segment of a pointer, unescaped. */
static inline void patch_segment(struct span part, char out[256])
{
	size_t len = 0;

	for (size_t i = 0; i < part.len; i++) {
		bool escape = part.ptr[i] == '~';
		out[len++] = escape ? "~/"[part.ptr[++i] == '1'] : part.ptr[i];
		assert(len < 255);
	}
	out[len] = '\0';
}

/* The parent of a pointer's place; the last segment, unescaped, goes to `last`. */
static inline json_t *patch_place(json_t *document, const char *pointer, char last[256])
{
	json_t *at = document, *parent = NULL;
	struct span rest = span_of(pointer), part;

	assert(pointer[0] == '/');
	rest = span_from(rest, 1);
	last[0] = '\0';
	while (span_next(&rest, '/', &part)) {
		patch_segment(part, last);
		parent = at;
		at = json_is_array(parent) ? json_array_get(parent, strtoul(last, NULL, 10))
					   : json_object_get(parent, last);
	}
	return parent;
}

static inline bool patch_one(json_t *document, const json_t *operation)
{
	const char *op = json_text_at(operation, "op", NULL);
	json_t *value = json_object_get(operation, "value");
	char last[256];
	json_t *parent = patch_place(document, json_text_at(operation, "path", NULL), last);
	size_t index = strtoul(last, NULL, 10);
	json_t *there = json_is_array(parent) ? json_array_get(parent, index) : json_object_get(parent, last);

	if (!parent)
		return false;
	if (!strcmp(last, "-"))
		index = json_array_size(parent);
	if (!strcmp(op, "test"))
		return there && json_equal(there, value);
	if (!strcmp(op, "add") && json_is_array(parent))
		return json_array_insert(parent, index, value) == 0;
	if (!strcmp(op, "add") || (!strcmp(op, "replace") && there && json_is_object(parent)))
		return json_object_set(parent, last, value) == 0;
	if (!strcmp(op, "remove") && there)
		return (json_is_array(parent) ? json_array_remove(parent, index)
					      : json_object_del(parent, last)) == 0;
	return false;
}

/* A copy of the document with the patch applied, or NULL when an operation does not apply. */
static inline json_t *patched(const json_t *document, const json_t *patch)
{
	auto_json json_t *copy = json_deep_copy(document);
	size_t i;
	json_t *operation;

	json_array_foreach (patch, i, operation) {
		auto_json json_t *own = json_deep_copy(operation);
		if (!patch_one(copy, own))
			return NULL;
	}
	return take(&copy);
}

#endif
