/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte strings that many records share, each kept once: namespaces, class names, label sets, annotation sets. A
 * cluster has tens of thousands of pods and few of these.
 *
 * Ownership: counted; intern_get() and intern_keep() take a reference, intern_drop() gives one back.
 */
#ifndef COCOON_CONTROLLER_INTERN_H
#define COCOON_CONTROLLER_INTERN_H

#include "base/span.h"

#include <jansson.h>

struct interned {
	struct interned *next;
	size_t hash;
	unsigned refs;
	unsigned len;
	char text[]; /* with a NUL behind */
};

struct intern_table {
	struct interned **buckets;
	size_t bucket_count;
	size_t count;
};

void intern_init(struct intern_table *table) __attribute__((nonnull));
/* All references must have been dropped. */
void intern_clear(struct intern_table *table) __attribute__((nonnull));

struct interned *intern_get(struct intern_table *table, struct span bytes)
		__attribute__((nonnull, returns_nonnull));
/* Takes NULL. */
void intern_drop(struct intern_table *table, struct interned *item) __attribute__((nonnull(1)));

/* The bytes, which are JSON of our own writing, as a new value; NULL for NULL. Not kept: trees weigh ten times the text. */
json_t *intern_json(const struct interned *item) __attribute__((warn_unused_result));

/* FNV-1a, mixed once more: for tables whose keys outsiders choose but which are small and rebuilt at restart. */
size_t intern_hash(struct span bytes);

#endif
