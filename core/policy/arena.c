/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/arena.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* What is taken aligned begins at bytes[front], texts end at bytes[back]. */
struct arena_block {
	struct arena_block *before;
	size_t front, back;
	_Alignas(max_align_t) char bytes[];
};

void arena_clear(struct arena *arena)
{
	struct arena_block *block = arena->last;

	while (block) {
		struct arena_block *before = block->before;
		free(block);
		block = before;
	}
	*arena = (struct arena)ARENA_NONE;
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
	struct arena_block *block = xmalloc(sizeof(*block) + size);

	memset(block->bytes, 0, size);
	*block = (struct arena_block){ .before = arena->last, .back = size };
	arena->bytes += sizeof(*block) + size;
	return block;
}

void arena_reserve(struct arena *arena, size_t size)
{
	arena->last = block_new(arena, size);
}

/* The block in which `size` bytes are free. A large thing's own block goes behind the last, which stays in use. */
static struct arena_block *block_with(struct arena *arena, size_t size)
{
	struct arena_block *last = arena->last;

	if (last && last->back - last->front >= size)
		return last;
	if (!last || size <= ARENA_BLOCK / 4) {
		arena->last = block_new(arena, size > ARENA_BLOCK ? size : ARENA_BLOCK);
		return arena->last;
	}
	struct arena_block *own = block_new(arena, size);
	own->before = last->before;
	last->before = own;
	return own;
}

void *arena_take(struct arena *arena, size_t size)
{
	size_t unit = _Alignof(max_align_t), rounded = (size + unit - 1) / unit * unit;
	struct arena_block *block = block_with(arena, rounded);
	void *taken = block->bytes + block->front;

	block->front += rounded;
	arena->used += rounded;
	return taken;
}

/* Unaligned, from the end. */
static char *take_bytes(struct arena *arena, size_t size)
{
	struct arena_block *block = block_with(arena, size);

	block->back -= size;
	arena->used += size;
	return block->bytes + block->back;
}

char *arena_text(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(take_bytes(arena, size), text, size);
}

struct span arena_bytes(struct arena *arena, struct span bytes)
{
	if (!bytes.len)
		return SPAN_NONE;
	return span_new(memcpy(take_bytes(arena, bytes.len), bytes.ptr, bytes.len), bytes.len);
}
