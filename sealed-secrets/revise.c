/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/revise.h"

#include "base/err.h"

#include <assert.h>

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

int revise(struct revision *revision, const struct revise_at *at, const char *value, struct err *err)
{
	auto_wiped_buf struct buf next = BUF_MAX(MANIFEST_TEXT_MAX);
	struct buf swap;

	/* room at once: a buffer that grows leaves copies behind */
	(void)buf_room(&next, revision->text.len + 2 * MANIFEST_TEXT_MAX / 64);
	if (yamledit_set(buf_span(&revision->text), MANIFEST_TEXT_MAX, at->document, at->steps, at->depth,
			    value, &next, err) < 0)
		return -1;
	swap = revision->text;
	revision->text = next;
	next = swap;
	revision->changes++;
	return 0;
}
