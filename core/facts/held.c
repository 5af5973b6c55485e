/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/held.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *copy(struct arena *memory, const char *text)
{
	return text ? arena_text(memory, text) : NULL;
}

/* ---- settings ---- */

static struct shared_settings *settings_take(
		struct shared_settings **list, const struct registry_settings *settings)
{
	struct shared_settings *found = *list;

	while (found && memcmp(found->value.identity, settings->identity, sizeof(settings->identity)) != 0)
		found = found->next;
	if (found) {
		found->refs++;
		return found;
	}
	struct shared_settings *fresh = xcalloc(1, sizeof(*fresh));
	struct registry_settings *value = &fresh->value;
	*fresh = (struct shared_settings){ .next = *list, .refs = 1, .value = *settings };
	value->host = copy(&fresh->memory, settings->host);
	value->ca = arena_bytes(&fresh->memory, settings->ca);
	for (size_t i = 0; i < settings->mirror_count; i++)
		value->mirrors[i].location = copy(&fresh->memory, settings->mirrors[i].location);
	value->proxy = copy(&fresh->memory, settings->proxy);
	value->no_proxy = copy(&fresh->memory, settings->no_proxy);
	value->secret = copy(&fresh->memory, settings->secret);
	*list = fresh;
	return fresh;
}

static void settings_drop(struct shared_settings **list, struct shared_settings *settings)
{
	if (!settings || --settings->refs)
		return;
	while (*list != settings)
		list = &(*list)->next;
	*list = settings->next;
	arena_clear(&settings->memory);
	free(settings);
}

/* ---- the want ---- */

bool held_has_store(const struct image_want *want, const char *store)
{
	for (size_t i = 0; i < want->lookaside_count; i++)
		if (!strcmp(want->lookasides[i], store))
			return true;
	return false;
}

static void add_store(struct held *held, const char *store)
{
	struct image_want *want = &held->want;

	if (held_has_store(want, store) || want->lookaside_count == HELD_STORES_MAX)
		return;
	held->stores = xreallocarray(held->stores, want->lookaside_count + 1, sizeof(*held->stores));
	held->stores[want->lookaside_count++] = arena_text(&held->memory, store);
	want->lookasides = held->stores;
}

void held_join(struct held *held, const struct image_want *want)
{
	held->want.looks |= want->looks;
	for (size_t i = 0; want->looks & IMAGE_LOOKED_SIMPLE && i < want->lookaside_count; i++)
		add_store(held, want->lookasides[i]);
}

void held_widen(struct held *held, unsigned looks, struct span stores)
{
	struct span store;

	if (!held->wide) {
		held->own_looks = held->want.looks;
		held->own_stores = held->want.lookaside_count;
	}
	held->wide = true;
	held->want.looks |= looks;
	while (span_next(&stores, '\0', &store))
		if (store.len)
			add_store(held, store.ptr);
}

bool held_narrow(struct held *held)
{
	bool grew = held->wide &&
			(held->want.looks != held->own_looks ||
					held->want.lookaside_count != held->own_stores);

	if (grew) {
		held->want.looks = held->own_looks;
		held->want.lookaside_count = held->own_stores;
	}
	held->wide = false;
	return grew;
}

void held_init(struct held *held, const struct image_want *want, struct shared_settings **list)
{
	*held = (struct held){ .want = { .name = want->name } };
	if (want->registry) {
		held->settings = settings_take(list, want->registry);
		held->want.registry = &held->settings->value;
	}
	held_join(held, want);
	held->want.namespace = copy(&held->memory, want->namespace);
	held->want.service_account = copy(&held->memory, want->service_account);
	if (!want->pull_secret_count)
		return;
	const char **secrets = arena_take(&held->memory, want->pull_secret_count * sizeof(*secrets));
	for (size_t i = 0; i < want->pull_secret_count; i++)
		secrets[i] = copy(&held->memory, want->pull_secrets[i]);
	held->want.pull_secrets = secrets;
	held->want.pull_secret_count = want->pull_secret_count;
}

void held_clear(struct held *held, struct shared_settings **list)
{
	settings_drop(list, held->settings);
	free(held->stores);
	arena_clear(&held->memory);
	*held = (struct held){ .settings = NULL };
}

bool held_covers(unsigned looks, struct span stores, const struct image_want *want)
{
	if (want->looks & ~looks)
		return false;
	for (size_t i = 0; want->looks & IMAGE_LOOKED_SIMPLE && i < want->lookaside_count; i++) {
		struct span rest = stores, store;
		bool found = false;
		while (!found && span_next(&rest, '\0', &store))
			found = span_is(store, want->lookasides[i]);
		if (!found)
			return false;
	}
	return true;
}
