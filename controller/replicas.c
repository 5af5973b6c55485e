/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/replicas.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cluster/follow.h"
#include "cluster/rotation.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/watch.h"

#include <string.h>

#define LOOK_EVERY   (5 * CLOCK_SECOND)
#define DURATION_MAX 3600

struct replicas {
	struct kube *kube;
	struct watch *watch;
	struct timer tick;
	void (*changed)(void *ctx, json_t *live);
	void *ctx;
	json_t *leases; /* name → {"version", "changed": monotonic µs, "duration": s, "says": {…}, "seen"} */
	json_t *live; /* as last told */
	bool listing; /* a list is not complete: what is missing in it may still come */
};

static void tell(struct replicas *r)
{
	auto_json json_t *live = json_array();
	int64_t now = kube_now(r->kube);
	const char *name;
	json_t *lease;

	if (r->listing)
		return;
	json_object_foreach (r->leases, name, lease) {
		int64_t age = now - json_integer_value(json_object_get(lease, "changed"));
		if (age <= json_integer_value(json_object_get(lease, "duration")) * CLOCK_SECOND)
			json_array_append(live, json_object_get(lease, "says"));
	}
	if (r->live && json_equal(live, r->live))
		return;
	json_decref(r->live);
	r->live = json_incref(live);
	r->changed(r->ctx, r->live);
}

static void look(void *ctx)
{
	struct replicas *r = ctx;

	timer_set(kube_timers(r->kube), &r->tick, kube_now(r->kube) + LOOK_EVERY);
	tell(r);
}

static json_t *what_it_says(const json_t *lease, const char *name)
{
	static const char *const from[] = { ROTATION_LEAF_ANNOTATION, ROTATION_TRUST_ANNOTATION,
		FOLLOW_CATALOG_ANNOTATION, FOLLOW_VERDICTS_ANNOTATION };
	static const char *const to[] = { "leaf", "trust", "catalog", "verdicts" };
	json_t *says = json_pack("{s:s}", "name", name);

	for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		const char *text = json_text_at(lease, "metadata", "annotations", from[i], NULL);
		json_object_set_new(says, to[i], json_string(text ? text : ""));
	}
	return says;
}

static void on_object(void *ctx, enum watch_event event, json_t *object)
{
	struct replicas *r = ctx;
	const char *name = json_text_at(object, "metadata", "name", NULL);
	json_int_t duration = json_integer_value(json_at(object, "spec", "leaseDurationSeconds", NULL));

	if (!name)
		return;
	if (event == WATCH_DELETED) {
		json_object_del(r->leases, name);
		tell(r);
		return;
	}
	const char *version = json_text_at(object, "metadata", "resourceVersion", NULL);
	json_t *known = json_object_get(r->leases, name);
	const char *before = json_text_at(known, "version", NULL);
	json_object_set_new(known, "seen", json_true());
	/* a list that starts over brings records that have not changed since: their time goes on */
	if (version && before && !strcmp(before, version))
		return;
	json_object_set_new(r->leases, name,
			json_pack("{s:I, s:I, s:o, s:s, s:b}", "changed", (json_int_t)kube_now(r->kube),
					"duration", duration < DURATION_MAX ? duration : DURATION_MAX, "says",
					what_it_says(object, name), "version", version ? version : "", "seen",
					1));
	tell(r);
}

/* A list starts over: what it does not bring is gone. */
static void on_begin(void *ctx)
{
	struct replicas *r = ctx;
	const char *name;
	json_t *lease;

	json_object_foreach (r->leases, name, lease)
		json_object_set_new(lease, "seen", json_false());
	r->listing = true;
}

static void on_synced(void *ctx)
{
	struct replicas *r = ctx;
	const char *name;
	json_t *lease;
	void *next;

	json_object_foreach_safe (r->leases, next, name, lease) {
		if (json_is_false(json_object_get(lease, "seen")))
			json_object_del(r->leases, name);
	}
	r->listing = false;
	tell(r);
}

static void on_failed(void *ctx, const struct err *failure)
{
	(void)ctx;
	log_warn("following the replicas' Leases failed for now", LOG_ERR(failure), NULL);
}

int replicas_start(struct kube *kube, const char *namespace, void (*changed)(void *ctx, json_t *live),
		void *ctx, struct replicas **out, struct err *err)
{
	struct buf path = BUF_MAX(KUBE_PATH_MAX);
	const struct kube_ref ref = {
		.api = "coordination.k8s.io/v1", .namespace = namespace, .plural = "leases"
	};

	if (kube_path(&path, &ref, err) < 0) {
		buf_clear(&path);
		return -1;
	}
	struct replicas *r = xcalloc(1, sizeof(*r));
	*r = (struct replicas){
		.kube = kube, .changed = changed, .ctx = ctx, .leases = json_object(), .listing = true
	};
	r->watch = watch_start(kube,
			&(struct watch_options){
					.path = buf_text(&path),
					.label_selector = FOLLOW_COMPONENT_LABEL "=webhook",
					.handler = { r, on_begin, on_object, on_synced, on_failed },
			});
	buf_clear(&path);
	r->tick = (struct timer){ .fn = look, .ctx = r };
	timer_set(kube_timers(kube), &r->tick, kube_now(kube) + LOOK_EVERY);
	*out = r;
	return 0;
}

void replicas_stop(struct replicas *r)
{
	if (!r)
		return;
	timer_stop(kube_timers(r->kube), &r->tick);
	watch_stop(r->watch);
	json_decref(r->leases);
	json_decref(r->live);
	free(r);
}
