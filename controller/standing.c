/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/standing.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cluster/follow.h"
#include "codec/json.h"
#include "controller/keeper.h"
#include "controller/statuses.h"
#include "kube/client.h"
#include "kube/event.h"
#include "policy/status.h"

#include <string.h>

#define EVERY CLOCK_SECOND

struct standing {
	struct kube *kube;
	const struct follow *follow;
	const struct keeper *keeper;
	struct events *events;
	struct statuses *statuses;
	struct timer tick;
	struct timer recount; /* when newer counts may be taken over */
	json_t *live;         /* replicas */
	json_t *differing;    /* names of some of them */
	json_t *totals;       /* name → counts, as last taken over */
	size_t counted;       /* replicas in them */
	json_t *told;         /* uid → problem that an Event told */
	bool run;
};

static void pass(void *ctx);
static void recount(void *ctx);

static void again(void *ctx)
{
	standing_touch(ctx);
}

struct standing *standing_new(struct kube *kube, const struct follow *follow, const struct keeper *keeper,
		struct events *events)
{
	struct standing *s = xcalloc(1, sizeof(*s));

	*s = (struct standing){ .kube = kube, .follow = follow, .keeper = keeper, .events = events };
	s->statuses = statuses_new(&(struct statuses_options){ .kube = kube,
			.plural = "imagepolicies",
			.max = POLICY_SET_MAX,
			.ctx = s,
			.again = again });
	s->live = json_array();
	s->differing = json_array();
	s->totals = json_object();
	s->told = json_object();
	s->tick = (struct timer){ .fn = pass, .ctx = s };
	s->recount = (struct timer){ .fn = recount, .ctx = s };
	return s;
}

void standing_free(struct standing *s)
{
	if (!s)
		return;
	timer_stop(kube_timers(s->kube), &s->tick);
	timer_stop(kube_timers(s->kube), &s->recount);
	statuses_free(s->statuses);
	json_decref(s->live);
	json_decref(s->differing);
	json_decref(s->totals);
	json_decref(s->told);
	free(s);
}

void standing_run(struct standing *s, bool run)
{
	s->run = run;
	/* a leader before us may have written since we looked */
	statuses_forget(s->statuses);
	json_object_clear(s->told);
	timer_stop(kube_timers(s->kube), &s->tick);
	timer_stop(kube_timers(s->kube), &s->recount);
	if (!run)
		return;
	recount(s);
	standing_touch(s);
}

void standing_touch(struct standing *s)
{
	if (s->run && !timer_is_set(&s->tick))
		timer_set(kube_timers(s->kube), &s->tick, kube_now(s->kube) + EVERY);
}

/* ---- counts ------------------------------------------------------------------------------------------------- */

static void recount(void *ctx)
{
	struct standing *s = ctx;
	json_t *totals = json_object();
	size_t counted = 0, i;
	json_t *replica;

	timer_set(kube_timers(s->kube), &s->recount, kube_now(s->kube) + STANDING_COUNTS);
	json_array_foreach (s->live, i, replica) {
		const char *text = json_text_at(replica, "verdicts", NULL);
		struct err why = ERR_NONE;
		if (!text || !*text)
			continue;
		if (image_policy_count(totals, span_of(text), &why) < 0)
			log_warn("a replica's counts cannot be read", "replica",
					json_text_at(replica, "name", NULL), LOG_ERR(&why), NULL);
		else
			counted++;
	}
	if (counted != s->counted || !json_equal(totals, s->totals))
		standing_touch(s);
	json_decref(s->totals);
	s->totals = totals;
	s->counted = counted;
}

void standing_set_replicas(struct standing *s, json_t *live, json_t *differing)
{
	json_decref(s->live);
	s->live = json_incref(live);
	/* the first that is heard of them need not wait */
	if (s->run && !s->counted)
		recount(s);
	if (json_equal(s->differing, differing))
		return;
	json_decref(s->differing);
	s->differing = json_incref(differing);
	standing_touch(s);
}

/* ---- a pass over all policies ------------------------------------------------------------------------------- */

static void tell(struct standing *s, const json_t *resource, const struct image_policy *policy,
		const char *problem)
{
	const char *name = json_text_at(resource, "metadata", "name", NULL);
	const char *uid = json_text_at(resource, "metadata", "uid", NULL);
	const char *told = json_string_value(json_object_get(s->told, uid));
	auto_free char *note = xasprintf("%s; %s", problem ? problem : "",
			policy && !policy->broken ? "the last good form stays in force"
						  : "every image that it takes violates it");
	const struct event event = {
		.warning = true,
		.reason = "InvalidPolicy",
		.action = "Compile",
		.note = note,
		.regarding = { PROFILE_GROUP, IMAGEPOLICY_KIND, NULL, name, uid },
	};

	if (!problem) {
		json_object_del(s->told, uid);
	} else if (!told || strcmp(told, problem) != 0) {
		events_emit(s->events, &event);
		json_object_set_new(s->told, uid, json_string(problem));
	}
}

static void report(void *ctx, const json_t *resource, const struct image_policy *policy, const char *problem)
{
	struct standing *s = ctx;
	const json_t *known = statuses_known(s->statuses, resource);
	char now[CLOCK_TEXT_MAX];

	if (!known)
		return;
	tell(s, resource, policy, problem);
	clock_format(clock_wall(kube_clock(s->kube)), now);
	const struct image_policy_facts facts = {
		.resource = resource,
		.policy = policy,
		.problem = problem,
		.before = known,
		.totals = s->totals,
		.replicas = s->counted,
		.admission = keeper_stands(s->keeper),
		.admission_problem = keeper_problem(s->keeper),
		.replicas_differ = s->differing,
		.now = now,
	};
	statuses_put(s->statuses, resource, image_policy_status(&facts));
}

static void pass(void *ctx)
{
	struct standing *s = ctx;

	if (statuses_busy(s->statuses)) {
		standing_touch(s);
		return;
	}
	if (!follow_ready(s->follow))
		return;
	/* what was told of policies that are gone goes too, now and then */
	if (json_object_size(s->told) > 2 * (size_t)POLICY_SET_MAX)
		json_object_clear(s->told);
	follow_each_policy(s->follow, report, s);
}
