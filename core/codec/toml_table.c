/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "codec/toml.h"
#include "codec/toml_priv.h"

#include <stdlib.h>

/* ---- states -------------------------------------------------------------------------------------------- */

struct toml_slot {
	const json_t *table;
	enum toml_state state;
};

#define FIRST_CAP 64

/* The slot that holds the table, or the free one where it belongs. */
static struct toml_slot *slot_of(const struct toml_tables *tables, const json_t *table)
{
	/* multiplication spreads addresses, which are multiples of 16, over the high bits (Knuth 6.4) */
	uint64_t hash = (uint64_t)(uintptr_t)table * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	for (size_t i = hash & (tables->cap - 1);; i = (i + 1) & (tables->cap - 1))
		if (!tables->slots[i].table || tables->slots[i].table == table)
			return &tables->slots[i];
}

static void grow(struct toml_tables *tables)
{
	struct toml_tables bigger = { .cap = tables->cap ? tables->cap * 2 : FIRST_CAP,
		.used = tables->used };

	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < tables->cap; i++)
		if (tables->slots[i].table)
			*slot_of(&bigger, tables->slots[i].table) = tables->slots[i];
	free(tables->slots);
	*tables = bigger;
}

enum toml_state toml_state_of(const struct toml_tables *tables, const json_t *table)
{
	return tables->cap && table ? slot_of(tables, table)->state : TOML_CLOSED;
}

void toml_set_state(struct toml_tables *tables, const json_t *table, enum toml_state state)
{
	if (tables->used * 2 >= tables->cap)
		grow(tables);
	struct toml_slot *slot = slot_of(tables, table);
	if (!slot->table)
		tables->used++;
	*slot = (struct toml_slot){ .table = table, .state = state };
}

void toml_tables_clear(struct toml_tables *tables)
{
	free(tables->slots);
	*tables = (struct toml_tables){ .slots = NULL };
}

/* ---- moves --------------------------------------------------------------------------------------------- */

int toml_check_depth(struct toml *t, int depth, size_t at)
{
	if (depth > TOML_DEPTH_MAX)
		return toml_fail(t, ERR_LIMIT, at, "tables and arrays are nested deeper than %d levels",
				TOML_DEPTH_MAX);
	return 0;
}

static json_t *find(const struct toml_place *place, struct span key)
{
	return json_object_getn(place->table, key.ptr, key.len);
}

/* A new sub-table, into which the place moves. */
static int make(struct toml *t, struct toml_place *place, struct span key, size_t at, enum toml_state state)
{
	if (toml_check_depth(t, place->depth + 1, at) < 0)
		return -1;
	json_t *made = json_object();
	if (!made || json_object_setn_new(place->table, key.ptr, key.len, made) < 0)
		abort();
	toml_set_state(&t->tables, made, state);
	*place = (struct toml_place){ .table = made, .depth = place->depth + 1 };
	return 0;
}

static void move(struct toml_place *place, json_t *child)
{
	*place = (struct toml_place){ .table = child, .depth = place->depth + 1 };
}

static void move_to_last(struct toml_place *place, json_t *array)
{
	json_t *last = json_array_get(array, json_array_size(array) - 1);

	*place = (struct toml_place){ .table = last, .depth = place->depth + 2 };
}

int toml_enter_header(struct toml *t, struct toml_place *place, struct span key, size_t at)
{
	json_t *child = find(place, key);

	if (!child)
		return make(t, place, key, at, TOML_IMPLIED);
	switch (toml_state_of(&t->tables, child)) {
	case TOML_IMPLIED:
	case TOML_HEADER:
	case TOML_DOTTED:
		move(place, child);
		return 0;
	case TOML_ARRAY:
		move_to_last(place, child);
		return 0;
	case TOML_CLOSED:
		break;
	}
	return toml_fail(t, ERR_FORMAT, at, "'%.*s' has a value already, so no table can open below it",
			SPAN_ARG(toml_shown(key)));
}

int toml_enter_dotted(struct toml *t, struct toml_place *place, struct span key, size_t at)
{
	json_t *child = find(place, key);
	struct span shown = toml_shown(key);

	if (!child)
		return make(t, place, key, at, TOML_DOTTED);
	switch (toml_state_of(&t->tables, child)) {
	case TOML_IMPLIED:
	case TOML_DOTTED:
		toml_set_state(&t->tables, child, TOML_DOTTED);
		move(place, child);
		return 0;
	case TOML_HEADER:
		return toml_fail(t, ERR_FORMAT, at,
				"the table '%.*s' has a header of its own; write the key below that",
				SPAN_ARG(shown));
	case TOML_ARRAY:
		return toml_fail(t, ERR_FORMAT, at,
				"'%.*s' is an array of tables; write the key below a [[header]]",
				SPAN_ARG(shown));
	case TOML_CLOSED:
		break;
	}
	return toml_fail(t, ERR_FORMAT, at, "'%.*s' has a value already, which dotted keys cannot add to",
			SPAN_ARG(shown));
}

int toml_define_table(struct toml *t, struct toml_place *place, struct span key, size_t at)
{
	json_t *child = find(place, key);
	struct span shown = toml_shown(key);

	if (!child)
		return make(t, place, key, at, TOML_HEADER);
	switch (toml_state_of(&t->tables, child)) {
	case TOML_IMPLIED:
		toml_set_state(&t->tables, child, TOML_HEADER);
		move(place, child);
		return 0;
	case TOML_HEADER:
		return toml_fail(t, ERR_FORMAT, at, "the table '%.*s' is defined twice; join the two",
				SPAN_ARG(shown));
	case TOML_DOTTED:
		return toml_fail(t, ERR_FORMAT, at, "the table '%.*s' is defined by dotted keys already",
				SPAN_ARG(shown));
	case TOML_ARRAY:
		return toml_fail(t, ERR_FORMAT, at, "'%.*s' is an array of tables; its header is [[%.*s]]",
				SPAN_ARG(shown), SPAN_ARG(shown));
	case TOML_CLOSED:
		break;
	}
	return toml_fail(t, ERR_FORMAT, at, "'%.*s' has a value already", SPAN_ARG(shown));
}

int toml_define_item(struct toml *t, struct toml_place *place, struct span key, size_t at)
{
	json_t *array = find(place, key);

	if (toml_check_depth(t, place->depth + 2, at) < 0)
		return -1;
	if (array && toml_state_of(&t->tables, array) != TOML_ARRAY)
		return toml_fail(t, ERR_FORMAT, at,
				"'%.*s' is no array of tables: every item of one has a [[header]]",
				SPAN_ARG(toml_shown(key)));
	if (!array) {
		array = json_array();
		if (!array || json_object_setn_new(place->table, key.ptr, key.len, array) < 0)
			abort();
		toml_set_state(&t->tables, array, TOML_ARRAY);
	}
	json_t *item = json_object();
	if (!item || json_array_append_new(array, item) < 0)
		abort();
	toml_set_state(&t->tables, item, TOML_HEADER);
	move_to_last(place, array);
	return 0;
}
