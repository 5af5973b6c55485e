/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/imagepolicy_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <stdlib.h>
#include <string.h>

int policy_set_new(const json_t *settings, struct policy_set **out, struct err *err)
{
	static const char *const words[] = { "Deny", "Warn", "Allow", NULL };
	unsigned unmatched = UNMATCHED_IMAGES_DENY;

	if (policy_word(settings, "", "unmatchedImages", words, &unmatched, err) < 0)
		return -1;
	struct policy_set *set = xcalloc(1, sizeof(*set));
	atomic_init(&set->refs, 1);
	set->unmatched = (enum unmatched_images)unmatched;
	*out = set;
	return 0;
}

static int in_order(const struct image_policy *a, const struct image_policy *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return strcmp(a->name, b->name);
}

int policy_set_add(struct policy_set *set, struct image_policy *policy, struct err *err)
{
	size_t at = 0;

	if (set->count >= POLICY_SET_MAX)
		return err_set(err, ERR_LIMIT, "more than %d image policies", POLICY_SET_MAX);
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->items[i]->name, policy->name))
			return err_set(err, ERR_CONFLICT, "there are two image policies '%s'", policy->name);
	set->items = xreallocarray(set->items, set->count + 1, sizeof(struct image_policy *));
	while (at < set->count && in_order(set->items[at], policy) < 0)
		at++;
	memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof(struct image_policy *));
	set->items[at] = image_policy_ref(policy);
	set->count++;
	return 0;
}

struct policy_set *policy_set_ref(struct policy_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void policy_set_unref(struct policy_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		image_policy_unref(set->items[i]);
	free(set->items);
	free(set);
}
