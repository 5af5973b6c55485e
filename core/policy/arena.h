/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for many small things that are freed together. Never fails (base/alloc.h); blocks of ARENA_BLOCK bytes, larger
 * things have a block of their own. One thread.
 *
 * Texts and bytes fill a block from its end, aligned things from its beginning, so that none is lost between them.
 */
#ifndef COCOON_POLICY_ARENA_H
#define COCOON_POLICY_ARENA_H

#include "base/span.h"

#include <stddef.h>

#define ARENA_BLOCK ((size_t)2048)

struct arena_block;
struct arena {
	struct arena_block *last;
	size_t bytes; /* taken from the system */
	size_t used;  /* of these */
};
#define ARENA_NONE                                  \
	{                                           \
		.last = NULL, .bytes = 0, .used = 0 \
	}
void arena_clear(struct arena *arena) __attribute__((nonnull));
#define auto_arena __attribute__((cleanup(arena_clear)))

/* The next block has room for exactly so much: what took that much of one arena takes one block of another. */
void arena_reserve(struct arena *arena, size_t size) __attribute__((nonnull));

/* Zeroed, aligned for anything. */
void *arena_take(struct arena *arena, size_t size)
		__attribute__((nonnull, returns_nonnull, malloc, alloc_size(2)));
char *arena_text(struct arena *arena, const char *text) __attribute__((nonnull, returns_nonnull));
struct span arena_bytes(struct arena *arena, struct span bytes) __attribute__((nonnull));

#endif
