/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/shelf.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* ---- what is prepared --------------------------------------------------------------------------------------- */

struct shelf {
	json_t *spaces; /* namespace → {key → index} */
	struct prepared **items;
	size_t count;
	size_t oldest; /* once it is full */
};

struct shelf *shelf_new(void)
{
	struct shelf *shelf = xcalloc(1, sizeof(*shelf));

	shelf->spaces = json_object();
	return shelf;
}

void shelf_free(struct shelf *shelf)
{
	if (!shelf)
		return;
	for (size_t i = 0; i < shelf->count; i++)
		prepared_unref(shelf->items[i]);
	free(shelf->items);
	json_decref(shelf->spaces);
	free(shelf);
}

size_t shelf_count(const struct shelf *shelf)
{
	return shelf->count;
}

struct prepared *shelf_at(const struct shelf *shelf, size_t index)
{
	return shelf->items[index];
}

/* By name where both are of the same second: any order does, as long as it is one. */
static bool is_newer(const struct prepared *a, const struct prepared *b)
{
	return a->created != b->created ? a->created > b->created : strcmp(a->name, b->name) > 0;
}

static void find_oldest(struct shelf *shelf)
{
	shelf->oldest = 0;
	for (size_t i = 1; i < shelf->count; i++)
		if (is_newer(shelf->items[shelf->oldest], shelf->items[i]))
			shelf->oldest = i;
}

static void set_item(struct shelf *shelf, size_t index, struct prepared *prepared)
{
	json_t *space = json_object_get(shelf->spaces, prepared->namespace);

	if (!space) {
		space = json_object();
		json_object_set_new(shelf->spaces, prepared->namespace, space);
	}
	json_object_set_new(space, prepared->key, json_integer((json_int_t)index));
	shelf->items[index] = prepared_ref(prepared);
}

/* The place for one more, or the count when all that are there are newer. */
static size_t make_place(struct shelf *shelf, const struct prepared *prepared)
{
	struct prepared *gone;

	if (shelf->count < PREPARED_MAX) {
		shelf->items = xreallocarray(shelf->items, shelf->count + 1, sizeof(struct prepared *));
		return shelf->count++;
	}
	gone = shelf->items[shelf->oldest];
	if (!is_newer(prepared, gone))
		return shelf->count;
	json_object_del(json_object_get(shelf->spaces, gone->namespace), gone->key);
	prepared_unref(gone);
	return shelf->oldest;
}

void shelf_add(struct shelf *shelf, struct prepared *prepared)
{
	const json_t *there =
			json_object_get(json_object_get(shelf->spaces, prepared->namespace), prepared->key);
	size_t index = (size_t)json_integer_value(there);

	if (there) {
		if (!is_newer(prepared, shelf->items[index]))
			return;
		prepared_unref(shelf->items[index]);
	} else {
		index = make_place(shelf, prepared);
		if (index == shelf->count)
			return;
	}
	set_item(shelf, index, prepared);
	if (shelf->count == PREPARED_MAX)
		find_oldest(shelf);
}

struct prepared *shelf_find(const struct shelf *shelf, const char *namespace, const char *key)
{
	const json_t *index = json_object_get(json_object_get(shelf->spaces, namespace), key);

	return index ? shelf->items[json_integer_value(index)] : NULL;
}

struct prepared *shelf_find_as(const struct shelf *shelf, struct profile *profile, const char *namespace,
		const unsigned char *fingerprint)
{
	struct prepared_print print;
	const char *key;
	json_t *index;

	json_object_foreach (json_object_get(shelf->spaces, namespace), key, index) {
		struct prepared *item = shelf->items[json_integer_value(index)];
		if (strcmp(item->profile, profile->name) != 0)
			continue;
		prepared_print(item, profile, &print);
		if (!memcmp(print.document, fingerprint, sizeof(print.document)))
			return item;
	}
	return NULL;
}

/* ---- what is derived ---------------------------------------------------------------------------------------- */

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
