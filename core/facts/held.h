/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A want that outlives the call it came with: a copy of all it borrows. The settings of a registry, with its certificates,
 * are copied once for all wants that have the same.
 *
 * Private to core/facts. The caller locks.
 */
#ifndef COCOON_FACTS_HELD_H
#define COCOON_FACTS_HELD_H

#include "policy/arena.h"
#include "policy/image.h"
#include "policy/registry.h"

struct shared_settings {
	struct shared_settings *next;
	size_t refs;
	struct registry_settings value;
	struct arena memory;
};

#define HELD_STORES_MAX 256

struct held {
	struct image_want want;
	struct shared_settings *settings; /* NULL: the want has none */
	const char **stores;              /* want.lookasides */
	bool wide;                        /* since held_widen(); what it was before: */
	unsigned own_looks;
	size_t own_stores;
	struct arena memory;
};

void held_init(struct held *held, const struct image_want *want, struct shared_settings **list)
		__attribute__((nonnull));
void held_clear(struct held *held, struct shared_settings **list) __attribute__((nonnull));

/* What another want looks for is looked for, too. */
void held_join(struct held *held, const struct image_want *want) __attribute__((nonnull));
/*
 * What is looked for grows by what nobody who waits has asked for; `stores` are texts with a NUL behind each, as in struct
 * entry. held_narrow() undoes it, before the next join; false: it was not wide.
 */
void held_widen(struct held *held, unsigned looks, struct span stores) __attribute__((nonnull));
bool held_narrow(struct held *held) __attribute__((nonnull));

bool held_has_store(const struct image_want *want, const char *store) __attribute__((nonnull));

/* Is all that the want looks for in what was looked for? */
bool held_covers(unsigned looks, struct span stores, const struct image_want *want) __attribute__((nonnull));

#endif
