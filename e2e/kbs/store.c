/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/store.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "e2e/kbs/store_own.h"

#include <string.h>

/* Sorted by space, then key. */
struct item {
	enum store_space space;
	char *key;
	struct buf value;
};

struct store {
	char *folder; /* NULL: in memory */
	struct item *items;
	size_t count, room, bytes;
};

int store_open(const char *folder, struct store **out, struct err *err)
{
	struct store *store = xcalloc(1, sizeof(*store));

	if (folder && store_folder_open(folder, err) < 0) {
		free(store);
		return -1;
	}
	store->folder = folder ? xstrdup(folder) : NULL;
	*out = store;
	return 0;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->count; i++) {
		free(store->items[i].key);
		buf_wipe(&store->items[i].value);
	}
	free(store->items);
	free(store->folder);
	free(store);
}

static bool is_key_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			c == '_' || c == '.' || c == '/';
}

static int check_key(const char *key, struct err *err)
{
	struct span rest = span_of(key);

	if (rest.len > STORE_KEY_MAX)
		return err_set(err, ERR_LIMIT, "a name of more than %d bytes", STORE_KEY_MAX);
	if (!rest.len || rest.ptr[0] == '.')
		return err_set(err, ERR_FORMAT, "a name that is empty or begins with a dot");
	for (size_t i = 0; i < rest.len; i++)
		if (!is_key_byte(rest.ptr[i]))
			return err_set(err, ERR_FORMAT,
					"a name with characters other than letters, digits, - _ . /");
	return 0;
}

/* The place of a key, or that where it would be put. */
static size_t place(const struct store *store, enum store_space space, const char *key, bool *found)
{
	size_t low = 0, high = store->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct item *item = &store->items[middle];
		int order = item->space != space ? (item->space < space ? -1 : 1) : strcmp(item->key, key);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct item *insert(struct store *store, size_t at, enum store_space space, const char *key)
{
	if (store->count == store->room) {
		store->room = store->room ? store->room * 2 : 64;
		store->items = xreallocarray(store->items, store->room, sizeof(*store->items));
	}
	memmove(&store->items[at + 1], &store->items[at], (store->count - at) * sizeof(*store->items));
	store->count++;
	store->items[at] = (struct item){
		.space = space, .key = xstrdup(key), .value = BUF_MAX(STORE_VALUE_MAX)
	};
	return &store->items[at];
}

static int put_item(struct store *store, enum store_space space, const char *key, struct span value,
		struct err *err)
{
	bool found = false;
	size_t at = place(store, space, key, &found);
	size_t before = found ? store->items[at].value.len : 0;

	if (!found && store->count >= STORE_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "the broker keeps no more than %d things", STORE_KEYS_MAX);
	if (store->bytes - before + value.len > STORE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the broker keeps no more than %zu bytes", STORE_BYTES_MAX);
	struct item *item = found ? &store->items[at] : insert(store, at, space, key);
	buf_wipe(&item->value);
	/* its room at once, so that no copy is left behind; an empty value has an address too */
	(void)buf_room(&item->value, value.len);
	buf_add_span(&item->value, value);
	store->bytes = store->bytes - before + value.len;
	return 0;
}

int store_put(struct store *store, enum store_space space, const char *key, struct span value,
		struct err *err)
{
	if (check_key(key, err) < 0)
		return -1;
	if (value.len > STORE_VALUE_MAX)
		return err_set(err, ERR_LIMIT, "a value of more than %zu bytes", STORE_VALUE_MAX);
	if (store->folder)
		return store_folder_put(store->folder, space, key, value, err);
	return put_item(store, space, key, value, err);
}

int store_get(struct store *store, enum store_space space, const char *key, struct buf *out, struct err *err)
{
	bool found = false;

	if (check_key(key, err) < 0)
		return -1;
	if (store->folder)
		return store_folder_get(store->folder, space, key, out, err);
	size_t at = place(store, space, key, &found);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "not found: %s", key);
	(void)buf_room(out, store->items[at].value.len);
	buf_add_span(out, buf_span(&store->items[at].value));
	return buf_check(out, "the value", err);
}

int store_delete(struct store *store, enum store_space space, const char *key, struct err *err)
{
	bool found = false;

	if (check_key(key, err) < 0)
		return -1;
	if (store->folder)
		return store_folder_delete(store->folder, space, key, err);
	size_t at = place(store, space, key, &found);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "not found: %s", key);
	store->bytes -= store->items[at].value.len;
	free(store->items[at].key);
	buf_wipe(&store->items[at].value);
	store->count--;
	memmove(&store->items[at], &store->items[at + 1], (store->count - at) * sizeof(*store->items));
	return 0;
}

int store_list(struct store *store, enum store_space space, json_t **out, struct err *err)
{
	json_t *keys = json_array();

	if (store->folder && store_folder_list(store->folder, space, keys, err) < 0) {
		json_decref(keys);
		return -1;
	}
	for (size_t i = 0; i < store->count; i++)
		if (store->items[i].space == space)
			json_array_append_new(keys, json_string(store->items[i].key));
	*out = keys;
	return 0;
}
