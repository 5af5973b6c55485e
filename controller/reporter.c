/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/reporter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "cluster/follow.h"
#include "codec/json.h"
#include "controller/keeper.h"
#include "controller/pods.h"
#include "controller/statuses.h"
#include "kube/client.h"
#include "profile/status.h"

#include <string.h>

#define EVERY CLOCK_SECOND

struct reporter {
	struct kube *kube;
	const struct follow *follow;
	const struct pods *pods;
	const struct keeper *keeper;
	struct timer tick;
	struct statuses *statuses;
	json_t *differing; /* replica names */
	json_t *counts;    /* of the pass that runs: name → {"injected": …, "drifted": […]} */
	bool run;
};

static void pass(void *ctx);

static void again(void *ctx)
{
	reporter_touch(ctx);
}

struct reporter *reporter_new(struct kube *kube, const struct follow *follow, const struct pods *pods,
		const struct keeper *keeper)
{
	struct reporter *r = xcalloc(1, sizeof(*r));

	*r = (struct reporter){ .kube = kube, .follow = follow, .pods = pods, .keeper = keeper };
	r->statuses = statuses_new(&(struct statuses_options){ .kube = kube,
			.plural = "confidentialprofiles",
			.max = CATALOG_PROFILES_MAX,
			.ctx = r,
			.again = again });
	r->differing = json_array();
	r->tick = (struct timer){ .fn = pass, .ctx = r };
	return r;
}

void reporter_free(struct reporter *r)
{
	if (!r)
		return;
	timer_stop(kube_timers(r->kube), &r->tick);
	statuses_free(r->statuses);
	json_decref(r->differing);
	json_decref(r->counts);
	free(r);
}

void reporter_run(struct reporter *r, bool run)
{
	r->run = run;
	/* a leader before us may have written since we looked */
	statuses_forget(r->statuses);
	if (run)
		reporter_touch(r);
	else
		timer_stop(kube_timers(r->kube), &r->tick);
}

void reporter_touch(struct reporter *r)
{
	if (r->run && !timer_is_set(&r->tick))
		timer_set(kube_timers(r->kube), &r->tick, kube_now(r->kube) + EVERY);
}

void reporter_set_differing(struct reporter *r, json_t *names)
{
	if (json_equal(r->differing, names))
		return;
	json_decref(r->differing);
	r->differing = json_incref(names);
	reporter_touch(r);
}

/* ---- counting ----------------------------------------------------------------------------------------------- */

static void count_pod(void *ctx, const struct pod_record *record)
{
	static const char *const keys[] = { NULL, "gated", "injected", "drifted", "unprotected" };
	json_t *counts = ctx;
	const char *key = keys[record->state];

	if (!record->profile || !key)
		return;
	json_t *of = json_object_get(counts, record->profile->text);
	if (!of) {
		of = json_pack("{s:[]}", "driftedPods");
		json_object_set_new(counts, record->profile->text, of);
	}
	json_object_set_new(of, key, json_integer(json_integer_value(json_object_get(of, key)) + 1));
	json_t *names = json_object_get(of, "driftedPods");
	if (record->state == POD_DRIFTED && json_array_size(names) < STATUS_DRIFTED_MAX)
		json_array_append_new(names, json_sprintf("%s/%s", record->namespace->text, record->name));
}

static size_t count_of(const json_t *counts, const char *key)
{
	return (size_t)json_integer_value(json_object_get(counts, key));
}

/* ---- a pass over all profiles ------------------------------------------------------------------------------- */

static void report(void *ctx, const json_t *resource, const struct profile *profile, const char *problem)
{
	struct reporter *r = ctx;
	const char *name = json_text_at(resource, "metadata", "name", NULL);
	const json_t *known = statuses_known(r->statuses, resource);
	json_t *counts = json_object_get(r->counts, name);
	auto_json json_t *none = json_array();
	char now[CLOCK_TEXT_MAX];

	if (!known)
		return;
	clock_format(clock_wall(kube_clock(r->kube)), now);
	json_t *drifted = json_object_get(counts, "driftedPods");
	const struct status_facts facts = {
		.resource = resource,
		.profile = profile,
		.problem = problem,
		.catalog = follow_catalog(r->follow),
		.before = known,
		.injected = count_of(counts, "injected"),
		.gated = count_of(counts, "gated"),
		.drifted = count_of(counts, "drifted"),
		.unprotected = count_of(counts, "unprotected"),
		.drifted_pods = drifted ? drifted : none,
		.admission = keeper_stands(r->keeper),
		.admission_problem = keeper_problem(r->keeper),
		.replicas_differ = r->differing,
		.now = now,
	};
	statuses_put(r->statuses, resource, profile_status(&facts));
}

static void pass(void *ctx)
{
	struct reporter *r = ctx;

	if (statuses_busy(r->statuses)) {
		timer_set(kube_timers(r->kube), &r->tick, kube_now(r->kube) + EVERY);
		return;
	}
	if (!follow_ready(r->follow))
		return;
	json_decref(r->counts);
	r->counts = json_object();
	pods_each(r->pods, count_pod, r->counts);
	follow_each_profile(r->follow, report, r);
}
