/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept: facts by digest, digests by tag, failures. A table by hash and two lists by last use, each with a
 * ceiling of its own in bytes, so that names which do not exist, of which anybody can think up any number, do not
 * push out what is known.
 *
 * Every entry counts with all it takes: its own struct, key and texts, the facts' arena, malloc's head, its part of
 * the table. Private to core/facts. The caller locks.
 */
#ifndef COCOON_FACTS_CACHE_H
#define COCOON_FACTS_CACHE_H

#include "facts/key.h"

struct err;

/* Part of the bytes that failures may take. */
#define CACHE_FAILURES 16

struct entry {
	struct entry *chain;         /* of its bucket */
	struct entry *newer, *older; /* of its list */
	size_t bytes;
	int64_t time; /* KEY_TAG: when it was asked for; KEY_FAILURE: until when it holds */
	enum key_kind kind;
	/* KEY_FACTS */
	struct image_facts *facts;
	int64_t refresh; /* none is begun before then */
	/* KEY_FACTS: the stores that were looked into, with a NUL behind each; KEY_TAG: digest; KEY_FAILURE: reason */
	const char *text;
	size_t text_len;
	int failure;     /* enum err_kind */
	int retry_after; /* seconds */
	uint64_t hash;
	size_t key_len;
	char key[];
};

struct cache_list {
	struct entry *newest, *oldest;
	size_t bytes, max;
};

struct cache {
	struct entry **buckets;
	size_t bucket_count, count;
	struct cache_list kept, failed;
	size_t images;
	uint64_t evicted; /* for want of room; not those that are replaced */
};

void cache_init(struct cache *cache, size_t max_bytes) __attribute__((nonnull));
void cache_clear(struct cache *cache) __attribute__((nonnull));
size_t cache_bytes(const struct cache *cache) __attribute__((nonnull));

/* The entry, which is now the last used, or NULL. Good until the next put or drop. */
struct entry *cache_find(struct cache *cache, const struct key *key) __attribute__((nonnull));

/*
 * These replace what was there. What would take more than half of the room alone is not kept: false. cache_put_facts
 * takes a reference of its own; `stores` as entry.text.
 */
bool cache_put_facts(struct cache *cache, const struct key *key, struct image_facts *facts,
		struct span stores) __attribute__((nonnull(1, 2, 3)));
void cache_put_tag(struct cache *cache, const struct key *key, const char *digest, int64_t asked)
		__attribute__((nonnull));
void cache_put_failure(struct cache *cache, const struct key *key, const struct err *why, int64_t until)
		__attribute__((nonnull));
void cache_drop(struct cache *cache, struct entry *entry) __attribute__((nonnull));

#endif
