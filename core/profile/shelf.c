/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/shelf.h"

#include "base/alloc.h"
#include "codec/json.h"

#include <string.h>

struct shelf {
	enum shelf_by by;
	json_t *spaces; /* namespace → {id → index} */
	struct prepared **items;
	size_t count;
};

struct shelf *shelf_new(enum shelf_by by)
{
	struct shelf *shelf = xcalloc(1, sizeof(*shelf));

	shelf->by = by;
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

static const char *id_of(const struct shelf *shelf, const struct prepared *item)
{
	return shelf->by == SHELF_BY_NAME ? item->name : item->key;
}

/* Writes down where an item stands. */
static void set_index(struct shelf *shelf, size_t index)
{
	const struct prepared *item = shelf->items[index];
	json_t *space = json_object_get(shelf->spaces, item->namespace);

	if (!space) {
		space = json_object();
		json_object_set_new(shelf->spaces, item->namespace, space);
	}
	json_object_set_new(space, id_of(shelf, item), json_integer((json_int_t)index));
}

void shelf_remove(struct shelf *shelf, const char *namespace, const char *id)
{
	json_t *space = json_object_get(shelf->spaces, namespace);
	const json_t *there = json_object_get(space, id);
	size_t index = (size_t)json_integer_value(there);

	if (!there)
		return;
	struct prepared *gone = shelf->items[index];
	json_object_del(space, id);
	if (!json_object_size(space))
		json_object_del(shelf->spaces, namespace);
	/* the last takes its place */
	shelf->items[index] = shelf->items[--shelf->count];
	if (index < shelf->count)
		set_index(shelf, index);
	/* after all else: names may be its own */
	prepared_unref(gone);
}

/* Of those of the namespace that has most, and the new one if it is of it: the oldest. */
static const struct prepared *who_gives_way(const struct shelf *shelf, const struct prepared *item)
{
	const struct prepared *oldest = NULL;
	const char *key;
	json_t *value, *crowd = NULL;
	size_t most = 0;

	json_object_foreach (shelf->spaces, key, value) {
		bool own = !strcmp(key, item->namespace);
		if (json_object_size(value) + own <= most)
			continue;
		most = json_object_size(value) + own;
		crowd = value;
		oldest = own ? item : NULL;
	}
	json_object_foreach (crowd, key, value) {
		const struct prepared *other = shelf->items[json_integer_value(value)];
		if (!oldest || prepared_is_newer(oldest, other))
			oldest = other;
	}
	return oldest;
}

enum shelf_put shelf_put(struct shelf *shelf, struct prepared *prepared)
{
	enum shelf_put done = SHELF_PUT;

	/* what is asked for may be what goes */
	prepared_ref(prepared);
	shelf_remove(shelf, prepared->namespace, id_of(shelf, prepared));
	if (shelf->count >= PREPARED_MAX) {
		const struct prepared *gone = who_gives_way(shelf, prepared);
		if (gone == prepared) {
			prepared_unref(prepared);
			return SHELF_NO_PLACE;
		}
		shelf_remove(shelf, gone->namespace, id_of(shelf, gone));
		done = SHELF_CROWDED;
	}
	shelf->items = xreallocarray(shelf->items, shelf->count + 1, sizeof(struct prepared *));
	shelf->items[shelf->count++] = prepared;
	set_index(shelf, shelf->count - 1);
	return done;
}

struct prepared *shelf_find(const struct shelf *shelf, const char *namespace, const char *id)
{
	const json_t *index = json_object_get(json_object_get(shelf->spaces, namespace), id);

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
