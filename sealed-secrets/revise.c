/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/revise.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <assert.h>
#include <stdlib.h>

static void add(struct revise_at *at, struct yaml_step step)
{
	assert(at->depth < REVISE_STEPS_MAX);
	at->steps[at->depth++] = step;
}

void revise_at_add(struct revise_at *at, const struct yaml_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(at, steps[i]);
}

void revise_at_key(struct revise_at *at, const char *key)
{
	add(at, (struct yaml_step)YAML_KEY(key));
}

void revise_at_index(struct revise_at *at, size_t index)
{
	add(at, (struct yaml_step)YAML_ITEM(index));
}

struct change {
	struct revise_at at; /* with keys of its own */
	char *value;
};

void revision_clear(struct revision *revision)
{
	for (size_t i = 0; i < revision->count; i++) {
		struct change *change = &revision->changes[i];
		for (size_t k = 0; k < change->at.depth; k++)
			free((void *)(uintptr_t)change->at.steps[k].key);
		free(change->value);
	}
	free(revision->changes);
	buf_wipe(&revision->text);
	*revision = (struct revision)REVISION_NONE;
}

void revise(struct revision *revision, const struct revise_at *at, const char *value)
{
	struct change change = { .at = *at, .value = xstrdup(value) };

	for (size_t i = 0; i < at->depth; i++)
		if (at->steps[i].key)
			change.at.steps[i].key = xstrdup(at->steps[i].key);
	revision->changes = xreallocarray(revision->changes, revision->count + 1, sizeof(change));
	revision->changes[revision->count++] = change;
}

int revise_all(struct revision *revision, struct err *err)
{
	auto_wiped_buf struct buf next = BUF_MAX(MANIFEST_TEXT_MAX);
	auto_free struct yaml_set *sets = xcalloc(revision->count + 1, sizeof(*sets));
	struct buf swap;

	if (!revision->count)
		return 0;
	for (size_t i = 0; i < revision->count; i++) {
		const struct change *change = &revision->changes[i];
		sets[i] = (struct yaml_set){ change->at.document, change->at.steps, change->at.depth,
			change->value };
	}
	/* room at once: a buffer that grows leaves copies behind */
	(void)buf_room(&next, next.max);
	if (yamledit_set_all(buf_span(&revision->text), MANIFEST_TEXT_MAX, sets, revision->count, &next,
			    err) < 0)
		return -1;
	swap = revision->text;
	revision->text = next;
	next = swap;
	return 0;
}
