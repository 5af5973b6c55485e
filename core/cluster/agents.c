/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/agents.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"

#include <string.h>

struct agents {
	struct agents_options options;
	struct watch *watch;
	json_t *index; /* "namespace/name" → place */
	struct prepared **items;
	size_t count;
	json_t *unseen; /* of a running list; NULL between lists */
	bool synced;
};

static char *key_of(const struct prepared *item)
{
	return xasprintf("%s/%s", item->namespace, item->name);
}

/* The last takes its place. */
static void forget(struct agents *agents, const char *key)
{
	const json_t *place = json_object_get(agents->index, key);
	size_t i = (size_t)json_integer_value(place);

	if (!place)
		return;
	prepared_unref(agents->items[i]);
	agents->items[i] = agents->items[--agents->count];
	if (i < agents->count) {
		auto_free char *moved = key_of(agents->items[i]);
		json_object_set_new(agents->index, moved, json_integer((json_int_t)i));
	}
	json_object_del(agents->index, key);
}

/* False when there is no place for one that is that old. */
static bool make_place(struct agents *agents, const struct prepared *item)
{
	const struct prepared *oldest = item;

	if (agents->count < PREPARED_MAX)
		return true;
	for (size_t i = 0; i < agents->count; i++)
		if (agents->items[i]->created < oldest->created)
			oldest = agents->items[i];
	if (oldest == item)
		return false;
	auto_free char *key = key_of(oldest);
	forget(agents, key);
	return true;
}

static bool is_same(const struct prepared *a, const struct prepared *b)
{
	return !strcmp(a->key, b->key) && !strcmp(a->profile, b->profile) && a->created == b->created &&
			span_eq(buf_span(&a->packed), buf_span(&b->packed));
}

/* True when it makes a difference. */
static bool put(struct agents *agents, struct prepared *item, const char *key)
{
	const json_t *place = json_object_get(agents->index, key);

	if (place && is_same(agents->items[json_integer_value(place)], item))
		return false;
	forget(agents, key);
	if (!make_place(agents, item))
		return place != NULL;
	agents->items = xreallocarray(agents->items, agents->count + 1, sizeof(struct prepared *));
	agents->items[agents->count] = prepared_ref(item);
	json_object_set_new(agents->index, key, json_integer((json_int_t)agents->count++));
	return true;
}

/* ---- the watch ---------------------------------------------------------------------------------------------- */

static void on_begin(void *ctx)
{
	struct agents *agents = ctx;

	json_decref(agents->unseen);
	agents->unseen = json_copy(agents->index);
}

static void on_object(void *ctx, enum watch_event event, json_t *object)
{
	struct agents *agents = ctx;
	const char *namespace = json_text_at(object, "metadata", "namespace", NULL);
	const char *name = json_text_at(object, "metadata", "name", NULL);
	auto_prepared struct prepared *item = NULL;
	struct err why = ERR_NONE;
	bool changed;

	if (!namespace || !name)
		return;
	auto_free char *key = xasprintf("%s/%s", namespace, name);
	json_object_del(agents->unseen, key);
	if (event != WATCH_DELETED && prepared_read(object, &item, &why) < 0)
		agents->options.failed(agents->options.ctx, &why);
	if (item) {
		changed = put(agents, item, key);
	} else {
		changed = json_object_get(agents->index, key) != NULL;
		forget(agents, key);
	}
	if (changed)
		agents->options.changed(agents->options.ctx);
}

static void on_synced(void *ctx)
{
	struct agents *agents = ctx;
	bool news = !agents->synced || json_object_size(agents->unseen);
	const char *key;
	json_t *place;

	json_object_foreach (agents->unseen, key, place)
		forget(agents, key);
	json_decref(agents->unseen);
	agents->unseen = NULL;
	agents->synced = true;
	if (news)
		agents->options.changed(agents->options.ctx);
}

static void on_failed(void *ctx, const struct err *failure)
{
	struct agents *agents = ctx;

	agents->options.failed(agents->options.ctx, failure);
}

int agents_start(const struct agents_options *options, struct agents **out, struct err *err)
{
	const struct kube_ref ref = { .api = PROFILE_GROUP, .plural = "agentpolicies" };
	struct agents *agents = xcalloc(1, sizeof(*agents));
	auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);

	agents->options = *options;
	agents->index = json_object();
	if (kube_path(&path, &ref, err) < 0) {
		agents_stop(agents);
		return -1;
	}
	agents->watch = watch_start(options->kube,
			&(struct watch_options){
					.path = buf_text(&path),
					.optional = true,
					.handler = { agents, on_begin, on_object, on_synced, on_failed },
			});
	*out = agents;
	return 0;
}

void agents_stop(struct agents *agents)
{
	if (!agents)
		return;
	watch_stop(agents->watch);
	for (size_t i = 0; i < agents->count; i++)
		prepared_unref(agents->items[i]);
	free(agents->items);
	json_decref(agents->index);
	json_decref(agents->unseen);
	free(agents);
}

bool agents_synced(const struct agents *agents)
{
	return agents->synced;
}

void agents_fill(const struct agents *agents, struct catalog *catalog)
{
	for (size_t i = 0; i < agents->count; i++)
		catalog_add_prepared(catalog, agents->items[i]);
}

struct watch_state agents_state(const struct agents *agents)
{
	return watch_state(agents->watch);
}
