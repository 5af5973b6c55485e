/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/derived.h"

#include "base/alloc.h"

#include <stdlib.h>

struct derived_entry {
	struct profile *profile; /* whose base it is derived from; NULL: free */
	struct prepared *prepared;
	uint64_t used;
};

struct derived {
	atomic_uint refs;
	pthread_mutex_t lock;
	uint64_t turn;
	struct derived_entry entries[DERIVED_MAX];
};

struct derived *derived_new(void)
{
	struct derived *derived = xcalloc(1, sizeof(*derived));

	atomic_init(&derived->refs, 1);
	pthread_mutex_init(&derived->lock, NULL);
	return derived;
}

struct derived *derived_ref(struct derived *derived)
{
	atomic_fetch_add_explicit(&derived->refs, 1, memory_order_relaxed);
	return derived;
}

void derived_unref(struct derived *derived)
{
	if (!derived || atomic_fetch_sub_explicit(&derived->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < DERIVED_MAX; i++) {
		profile_unref(derived->entries[i].profile);
		prepared_unref(derived->entries[i].prepared);
	}
	pthread_mutex_destroy(&derived->lock);
	free(derived);
}

/* The entry for both, or the one to give way; under the lock. An entry keeps both alive, so that none is mistaken. */
static struct derived_entry *entry_of(
		struct derived *derived, const struct profile *profile, const struct prepared *prepared)
{
	struct derived_entry *oldest = &derived->entries[0];

	for (size_t i = 0; i < DERIVED_MAX; i++) {
		struct derived_entry *entry = &derived->entries[i];
		if (entry->profile && entry->profile->base == profile && entry->prepared == prepared)
			return entry;
		if (entry->used < oldest->used)
			oldest = entry;
	}
	return oldest;
}

static struct profile *derived_find(
		struct derived *derived, const struct profile *profile, const struct prepared *prepared)
{
	struct profile *found = NULL;

	pthread_mutex_lock(&derived->lock);
	struct derived_entry *entry = entry_of(derived, profile, prepared);
	if (entry->profile && entry->profile->base == profile && entry->prepared == prepared) {
		entry->used = ++derived->turn;
		found = profile_ref(entry->profile);
	}
	pthread_mutex_unlock(&derived->lock);
	return found;
}

static void derived_put(struct derived *derived, struct profile *made, struct prepared *prepared)
{
	pthread_mutex_lock(&derived->lock);
	struct derived_entry *entry = entry_of(derived, made->base, prepared);
	const struct derived_entry gone = *entry;
	*entry = (struct derived_entry){ profile_ref(made), prepared_ref(prepared), ++derived->turn };
	pthread_mutex_unlock(&derived->lock);
	profile_unref(gone.profile);
	prepared_unref(gone.prepared);
}

int derived_get(struct derived *derived, struct profile *profile, struct prepared *prepared,
		struct profile **out, struct err *err)
{
	*out = derived_find(derived, profile, prepared);
	if (*out)
		return 0;
	/* without the lock: composing takes milliseconds, and two who do it at once make the same */
	if (profile_with_policy(profile, prepared, out, err) < 0)
		return -1;
	derived_put(derived, *out, prepared);
	return 0;
}
