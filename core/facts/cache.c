/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/cache.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256
#define MALLOC_HEAD   16

void cache_init(struct cache *cache, size_t max_bytes)
{
	*cache = (struct cache){ .bucket_count = FIRST_BUCKETS };
	cache->buckets = xcalloc(cache->bucket_count, sizeof(*cache->buckets));
	cache->failed.max = max_bytes / CACHE_FAILURES;
	cache->kept.max = max_bytes - cache->failed.max;
	cache->kept.bytes = cache->bucket_count * sizeof(*cache->buckets);
}

size_t cache_bytes(const struct cache *cache)
{
	return cache->kept.bytes + cache->failed.bytes;
}

/* ---- the lists ---- */

static struct cache_list *list_of(struct cache *cache, const struct entry *entry)
{
	return entry->kind == KEY_FAILURE ? &cache->failed : &cache->kept;
}

static void list_remove(struct cache_list *list, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &list->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &list->oldest) = entry->newer;
	entry->newer = entry->older = NULL;
}

static void list_add(struct cache_list *list, struct entry *entry)
{
	entry->older = list->newest;
	*(list->newest ? &list->newest->newer : &list->oldest) = entry;
	list->newest = entry;
}

/* ---- the table ---- */

static struct entry **bucket_of(const struct cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->bucket_count - 1)];
}

struct entry *cache_find(struct cache *cache, const struct key *key)
{
	struct entry *entry = *bucket_of(cache, key->hash);

	while (entry &&
			(entry->hash != key->hash || entry->key_len != key->len ||
					memcmp(entry->key, key->bytes, key->len) != 0))
		entry = entry->chain;
	if (!entry)
		return NULL;
	struct cache_list *list = list_of(cache, entry);
	if (list->newest != entry) {
		list_remove(list, entry);
		list_add(list, entry);
	}
	return entry;
}

static void grow(struct cache *cache)
{
	size_t before = cache->bucket_count;
	struct entry **old = cache->buckets;

	cache->bucket_count *= 2;
	cache->buckets = xcalloc(cache->bucket_count, sizeof(*cache->buckets));
	cache->kept.bytes += before * sizeof(*cache->buckets);
	for (size_t i = 0; i < before; i++)
		for (struct entry *entry = old[i], *next = NULL; entry; entry = next) {
			struct entry **bucket = bucket_of(cache, entry->hash);
			next = entry->chain;
			entry->chain = *bucket;
			*bucket = entry;
		}
	free(old);
}

void cache_drop(struct cache *cache, struct entry *entry)
{
	struct cache_list *list = list_of(cache, entry);
	struct entry **at = bucket_of(cache, entry->hash);

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	list_remove(list, entry);
	list->bytes -= entry->bytes;
	cache->count--;
	cache->images -= entry->kind == KEY_FACTS;
	image_facts_unref(entry->facts);
	free(entry);
}

void cache_clear(struct cache *cache)
{
	while (cache->kept.newest)
		cache_drop(cache, cache->kept.newest);
	while (cache->failed.newest)
		cache_drop(cache, cache->failed.newest);
	free(cache->buckets);
	*cache = (struct cache){ .buckets = NULL };
}

/* ---- entries ---- */

static struct entry *put(struct cache *cache, const struct key *key, enum key_kind kind, struct span text)
{
	size_t size = sizeof(struct entry) + key->len + text.len + 1;
	struct entry *old = cache_find(cache, key), *entry = xcalloc(1, size);

	if (old)
		cache_drop(cache, old);
	entry->kind = kind;
	entry->hash = key->hash;
	entry->key_len = key->len;
	memcpy(entry->key, key->bytes, key->len);
	if (text.len)
		memcpy(entry->key + key->len, text.ptr, text.len);
	entry->text = entry->key + key->len;
	entry->text_len = text.len;
	entry->bytes = size + MALLOC_HEAD;
	return entry;
}

static void evict(struct cache *cache, const struct cache_list *list)
{
	for (struct entry *last = list->oldest, *newer = NULL; last && list->bytes > list->max;
			last = newer) {
		newer = last->newer;
		cache->evicted++;
		cache_drop(cache, last);
	}
}

/* The entry has all it will have. */
static bool add(struct cache *cache, struct entry *entry)
{
	struct cache_list *list = list_of(cache, entry);

	if (entry->bytes > list->max / 2) {
		image_facts_unref(entry->facts);
		free(entry);
		return false;
	}
	if (cache->count >= cache->bucket_count)
		grow(cache);
	struct entry **bucket = bucket_of(cache, entry->hash);
	entry->chain = *bucket;
	*bucket = entry;
	list_add(list, entry);
	list->bytes += entry->bytes;
	cache->count++;
	cache->images += entry->kind == KEY_FACTS;
	evict(cache, &cache->failed);
	/* which has the table, too */
	evict(cache, &cache->kept);
	return true;
}

bool cache_put_facts(
		struct cache *cache, const struct key *key, struct image_facts *facts, struct span stores)
{
	struct entry *entry = put(cache, key, KEY_FACTS, stores);

	entry->facts = image_facts_ref(facts);
	entry->bytes += facts->bytes + MALLOC_HEAD;
	return add(cache, entry);
}

void cache_put_tag(struct cache *cache, const struct key *key, const char *digest, int64_t asked)
{
	struct entry *entry = put(cache, key, KEY_TAG, span_of(digest));

	entry->time = asked;
	add(cache, entry);
}

void cache_put_failure(struct cache *cache, const struct key *key, const struct err *why, int64_t until)
{
	struct entry *entry = put(cache, key, KEY_FAILURE, span_of(why->text));

	entry->failure = (int)why->kind;
	entry->retry_after = why->retry_after;
	entry->time = until;
	add(cache, entry);
}
