/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/intern.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64

size_t intern_hash(struct span bytes)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT64_C(1099511628211);
	hash ^= hash >> 32;
	return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 7);
}

void intern_init(struct intern_table *table)
{
	*table = (struct intern_table){ .bucket_count = FIRST_BUCKETS };
	table->buckets = xcalloc(FIRST_BUCKETS, sizeof(*table->buckets));
}

void intern_clear(struct intern_table *table)
{
	free(table->buckets);
	*table = (struct intern_table){ 0 };
}

static void grow(struct intern_table *table)
{
	size_t count = table->bucket_count * 2;
	struct interned **buckets = xcalloc(count, sizeof(*buckets));

	for (size_t i = 0; i < table->bucket_count; i++) {
		struct interned *item = table->buckets[i];
		while (item) {
			struct interned *next = item->next;
			item->next = buckets[item->hash & (count - 1)];
			buckets[item->hash & (count - 1)] = item;
			item = next;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->bucket_count = count;
}

struct interned *intern_get(struct intern_table *table, struct span bytes)
{
	size_t hash = intern_hash(bytes);

	for (struct interned *item = table->buckets[hash & (table->bucket_count - 1)]; item;
			item = item->next) {
		if (item->hash == hash && span_eq(span_new(item->text, item->len), bytes)) {
			item->refs++;
			return item;
		}
	}
	if (table->count >= table->bucket_count)
		grow(table);
	struct interned *item = xmalloc(sizeof(*item) + bytes.len + 1);
	*item = (struct interned){ .hash = hash, .refs = 1, .len = (unsigned)bytes.len };
	if (bytes.len)
		memcpy(item->text, bytes.ptr, bytes.len);
	item->text[bytes.len] = '\0';
	item->next = table->buckets[hash & (table->bucket_count - 1)];
	table->buckets[hash & (table->bucket_count - 1)] = item;
	table->count++;
	return item;
}

void intern_drop(struct intern_table *table, struct interned *item)
{
	if (!item || --item->refs)
		return;
	struct interned **slot = &table->buckets[item->hash & (table->bucket_count - 1)];
	while (*slot != item)
		slot = &(*slot)->next;
	*slot = item->next;
	table->count--;
	free(item);
}

json_t *intern_json(const struct interned *item)
{
	return item ? json_loadb(item->text, item->len, 0, NULL) : NULL;
}
