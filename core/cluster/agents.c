/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/agents.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "profile/shelf.h"

#include <string.h>

struct agents {
	struct agents_options options;
	struct watch *watch;
	struct shelf *shelf;
	json_t *unseen; /* namespace → {name: true} of a running list; NULL between lists */
	bool synced;
	bool crowded; /* it was said that there are too many */
};

static bool is_same(const struct prepared *a, const struct prepared *b)
{
	return !strcmp(a->key, b->key) && !strcmp(a->profile, b->profile) && a->created == b->created &&
			span_eq(buf_span(&a->packed), buf_span(&b->packed));
}

static void say_crowded(struct agents *agents)
{
	struct err why = ERR_NONE;

	if (agents->crowded)
		return;
	agents->crowded = true;
	err_set(&why, ERR_LIMIT,
			"there are more than %d AgentPolicies, or they take more than %d MiB: the oldest of "
			"the "
			"namespace that has most are not used; delete those that nobody needs",
			PREPARED_MAX, (int)(SHELF_BYTES_MAX >> 20));
	agents->options.failed(agents->options.ctx, &why);
}

/* True when it makes a difference. */
static bool put(struct agents *agents, struct prepared *item)
{
	const struct prepared *there = shelf_find(agents->shelf, item->namespace, item->name);
	bool held = there != NULL;

	if (there && is_same(there, item))
		return false;
	enum shelf_put done = shelf_put(agents->shelf, item);
	if (done != SHELF_PUT)
		say_crowded(agents);
	return held || done != SHELF_NO_PLACE;
}

/* ---- the watch ---------------------------------------------------------------------------------------------- */

static void on_begin(void *ctx)
{
	struct agents *agents = ctx;

	json_decref(agents->unseen);
	agents->unseen = json_object();
	agents->crowded = false;
	for (size_t i = 0; i < shelf_count(agents->shelf); i++) {
		const struct prepared *item = shelf_at(agents->shelf, i);
		if (!json_object_get(agents->unseen, item->namespace))
			json_object_set_new(agents->unseen, item->namespace, json_object());
		json_object_set_new(
				json_object_get(agents->unseen, item->namespace), item->name, json_true());
	}
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
	json_object_del(json_object_get(agents->unseen, namespace), name);
	if (event != WATCH_DELETED && prepared_read(object, &item, &why) < 0)
		agents->options.failed(agents->options.ctx, &why);
	if (item) {
		changed = put(agents, item);
	} else {
		changed = shelf_find(agents->shelf, namespace, name) != NULL;
		shelf_remove(agents->shelf, namespace, name);
	}
	if (changed)
		agents->options.changed(agents->options.ctx);
}

static void on_synced(void *ctx)
{
	struct agents *agents = ctx;
	bool news = !agents->synced;
	const char *namespace, *name;
	json_t *names, *one;

	json_object_foreach (agents->unseen, namespace, names) {
		json_object_foreach (names, name, one) {
			shelf_remove(agents->shelf, namespace, name);
			news = true;
		}
	}
	json_decref(agents->unseen);
	agents->unseen = NULL;
	agents->synced = true;
	if (news)
		agents->options.changed(agents->options.ctx);
}

/*
 * Who may not list them (the roles are of a release that had none: the server says so even where their definition is not
 * installed either) goes on without, and asks again: the pods of other profiles need none.
 */
static void on_failed(void *ctx, const struct err *failure)
{
	struct agents *agents = ctx;

	agents->options.failed(agents->options.ctx, failure);
	if (failure->kind != ERR_DENIED || agents->synced)
		return;
	agents->synced = true;
	agents->options.changed(agents->options.ctx);
}

int agents_start(const struct agents_options *options, struct agents **out, struct err *err)
{
	const struct kube_ref ref = { .api = PROFILE_GROUP, .plural = "agentpolicies" };
	struct agents *agents = xcalloc(1, sizeof(*agents));
	auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);

	agents->options = *options;
	agents->shelf = shelf_new(SHELF_BY_NAME);
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
	shelf_free(agents->shelf);
	json_decref(agents->unseen);
	free(agents);
}

bool agents_synced(const struct agents *agents)
{
	return agents->synced;
}

void agents_fill(const struct agents *agents, struct catalog *catalog)
{
	for (size_t i = 0; i < shelf_count(agents->shelf); i++)
		catalog_add_prepared(catalog, shelf_at(agents->shelf, i));
}

struct watch_state agents_state(const struct agents *agents)
{
	return watch_state(agents->watch);
}
