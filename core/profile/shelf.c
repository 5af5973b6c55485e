/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/shelf.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

struct shelf {
	enum shelf_by by;
	json_t *spaces; /* namespace → {id → index} */
	json_t *takes;  /* namespace → bytes of its items */
	struct prepared **items;
	size_t count, bytes;
	pthread_mutex_t lock;
	json_t *documents; /* under the lock: as document_table() says */
};

struct shelf *shelf_new(enum shelf_by by)
{
	struct shelf *shelf = xcalloc(1, sizeof(*shelf));

	shelf->by = by;
	shelf->spaces = json_object();
	shelf->takes = json_object();
	shelf->documents = json_object();
	pthread_mutex_init(&shelf->lock, NULL);
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
	json_decref(shelf->takes);
	json_decref(shelf->documents);
	pthread_mutex_destroy(&shelf->lock);
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
	return shelf->by == SHELF_BY_NAME ? item->name : item->id;
}

static size_t taken_by(const struct shelf *shelf, const char *namespace)
{
	return (size_t)json_integer_value(json_object_get(shelf->takes, namespace));
}

/* What all of the shelf and its namespace take, from now on. */
static void set_taken(struct shelf *shelf, const char *namespace, size_t bytes)
{
	shelf->bytes = shelf->bytes - taken_by(shelf, namespace) + bytes;
	if (bytes)
		json_object_set_new(shelf->takes, namespace, json_integer((json_int_t)bytes));
	else
		json_object_del(shelf->takes, namespace);
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
	json_object_clear(shelf->documents);
	set_taken(shelf, gone->namespace, taken_by(shelf, gone->namespace) - gone->packed.len);
	json_object_del(space, id);
	if (!json_object_size(space))
		json_object_del(shelf->spaces, gone->namespace);
	/* the last takes its place */
	shelf->items[index] = shelf->items[--shelf->count];
	if (index < shelf->count)
		set_index(shelf, index);
	/* after all else: names may be its own */
	prepared_unref(gone);
}

/* How much of what is short a namespace has, with the new one if that is its. */
static size_t share(
		const struct shelf *shelf, const char *namespace, const struct prepared *item, bool by_bytes)
{
	bool own = !strcmp(namespace, item->namespace);

	if (by_bytes)
		return taken_by(shelf, namespace) + (own ? item->packed.len : 0);
	return json_object_size(json_object_get(shelf->spaces, namespace)) + own;
}

/* Of those of the namespace that has most, and the new one if it is of it: the oldest. */
static const struct prepared *who_gives_way(
		const struct shelf *shelf, const struct prepared *item, bool by_bytes)
{
	size_t most = share(shelf, item->namespace, item, by_bytes);
	const json_t *crowd = json_object_get(shelf->spaces, item->namespace);
	const struct prepared *oldest = item;
	const char *key;
	json_t *value;

	json_object_foreach (shelf->spaces, key, value) {
		if (share(shelf, key, item, by_bytes) <= most)
			continue;
		most = share(shelf, key, item, by_bytes);
		crowd = value;
		oldest = NULL;
	}
	json_object_foreach ((json_t *)(uintptr_t)crowd, key, value) {
		const struct prepared *other = shelf->items[json_integer_value(value)];
		if (!oldest || prepared_is_newer(oldest, other))
			oldest = other;
	}
	return oldest;
}

enum shelf_put shelf_put(struct shelf *shelf, struct prepared *prepared)
{
	size_t bytes = prepared->packed.len;
	enum shelf_put done = SHELF_PUT;

	/* what is asked for may be what goes */
	prepared_ref(prepared);
	shelf_remove(shelf, prepared->namespace, id_of(shelf, prepared));
	while (shelf->count >= PREPARED_MAX || shelf->bytes + bytes > SHELF_BYTES_MAX) {
		const struct prepared *gone = who_gives_way(shelf, prepared, shelf->count < PREPARED_MAX);
		if (gone == prepared) {
			prepared_unref(prepared);
			return SHELF_NO_PLACE;
		}
		shelf_remove(shelf, gone->namespace, id_of(shelf, gone));
		done = SHELF_CROWDED;
	}
	json_object_clear(shelf->documents);
	shelf->items = xreallocarray(shelf->items, shelf->count + 1, sizeof(struct prepared *));
	shelf->items[shelf->count++] = prepared;
	set_index(shelf, shelf->count - 1);
	set_taken(shelf, prepared->namespace, taken_by(shelf, prepared->namespace) + bytes);
	return done;
}

struct prepared *shelf_find(const struct shelf *shelf, const char *namespace, const char *id)
{
	const json_t *index = json_object_get(json_object_get(shelf->spaces, namespace), id);

	return index ? shelf->items[json_integer_value(index)] : NULL;
}

struct prepared *shelf_find_for(
		const struct shelf *shelf, const char *namespace, const char *profile, const char *key)
{
	auto_free char *id = prepared_id(profile, key);

	return shelf_find(shelf, namespace, id);
}

static void hex_of(const unsigned char fingerprint[static 32], char out[static 65])
{
	struct buf hex = BUF_MAX(65);

	hex_encode(&hex, span_new(fingerprint, 32));
	memcpy(out, buf_text(&hex), 65);
	buf_clear(&hex);
}

/*
 * Document's fingerprint → index, of those of a namespace that are for the profile as it is: made when it is asked for
 * first, as each of thousands of pods may ask. Under the lock.
 */
static json_t *document_table(const struct shelf *shelf, struct profile *profile, const char *namespace)
{
	struct prepared_print print;
	char hex[65];
	const char *key;
	json_t *index;

	hex_of(profile->fingerprint, hex);
	auto_free char *id = xasprintf("%s/%s/%s", namespace, profile->name, hex);
	json_t *table = json_object_get(shelf->documents, id);
	if (table)
		return table;
	table = json_object();
	json_object_set_new(shelf->documents, id, table);
	json_object_foreach (json_object_get(shelf->spaces, namespace), key, index) {
		struct prepared *item = shelf->items[json_integer_value(index)];
		if (strcmp(item->profile, profile->name) != 0)
			continue;
		prepared_print(item, profile, &print);
		hex_of(print.document, hex);
		json_object_set(table, hex, index);
	}
	return table;
}

struct prepared *shelf_find_as(const struct shelf *shelf, struct profile *profile, const char *namespace,
		const unsigned char *fingerprint)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&shelf->lock;
	char hex[65];

	hex_of(fingerprint, hex);
	pthread_mutex_lock(lock);
	const json_t *index = json_object_get(document_table(shelf, profile, namespace), hex);
	struct prepared *found = index ? shelf->items[json_integer_value(index)] : NULL;
	pthread_mutex_unlock(lock);
	return found;
}
