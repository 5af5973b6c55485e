/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/reporter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cluster/follow.h"
#include "codec/json.h"
#include "controller/keeper.h"
#include "controller/pods.h"
#include "kube/client.h"
#include "profile/status.h"

#include <string.h>

#define EVERY     CLOCK_SECOND
#define KNOWN_MAX (2 * (size_t)CATALOG_PROFILES_MAX)

struct reporter {
	struct kube *kube;
	const struct follow *follow;
	const struct pods *pods;
	const struct keeper *keeper;
	struct timer tick;
	json_t *known;     /* profile uid → its status as last read or written */
	json_t *differing; /* replica names */
	json_t *counts;    /* of the pass that runs: name → {"injected": …, "drifted": […]} */
	size_t writing;    /* requests under way */
	bool run;
};

/* A request about one profile. */
struct errand {
	struct reporter *reporter;
	char *name;
	char *uid;
	json_t *status; /* what is being written; NULL while reading */
};

static void pass(void *ctx);

struct reporter *reporter_new(struct kube *kube, const struct follow *follow, const struct pods *pods,
		const struct keeper *keeper)
{
	struct reporter *r = xcalloc(1, sizeof(*r));

	*r = (struct reporter){ .kube = kube, .follow = follow, .pods = pods, .keeper = keeper };
	r->known = json_object();
	r->differing = json_array();
	r->tick = (struct timer){ .fn = pass, .ctx = r };
	return r;
}

void reporter_free(struct reporter *r)
{
	if (!r)
		return;
	timer_stop(kube_timers(r->kube), &r->tick);
	json_decref(r->known);
	json_decref(r->differing);
	json_decref(r->counts);
	free(r);
}

void reporter_run(struct reporter *r, bool run)
{
	r->run = run;
	/* a leader before us may have written since we looked */
	json_object_clear(r->known);
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

/* ---- requests ----------------------------------------------------------------------------------------------- */

static struct errand *errand_new(struct reporter *r, const char *name, const char *uid, json_t *status)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	*errand = (struct errand){
		.reporter = r, .name = xstrdup(name), .uid = xstrdup(uid), .status = status
	};
	r->writing++;
	return errand;
}

static void errand_end(struct errand *errand)
{
	errand->reporter->writing--;
	json_decref(errand->status);
	free(errand->name);
	free(errand->uid);
	free(errand);
}

static void send(struct errand *errand, const struct kube_request *request,
		void (*done)(void *, int, json_t *, const struct err *))
{
	struct err err = ERR_NONE;

	if (kube_start(errand->reporter->kube, request, &(struct kube_handler){ errand, done }, &err))
		return;
	log_warn("cannot write a profile's status", "profile", errand->name, LOG_ERR(&err), NULL);
	errand_end(errand);
}

static void path_of(struct buf *out, const char *name, const char *subresource)
{
	const struct kube_ref ref = { .api = PROFILE_GROUP,
		.plural = "confidentialprofiles",
		.name = name,
		.subresource = subresource };

	/* a name that the API server gave us is a name */
	if (kube_path(out, &ref, NULL) < 0)
		buf_reset(out);
}

static void on_written(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct errand *errand = ctx;
	struct reporter *r = errand->reporter;

	(void)status;
	if (!failure)
		json_object_set_new(r->known, errand->uid, json_deep_copy(json_object_get(body, "status")));
	else if (failure->kind != ERR_NOT_FOUND) {
		log_warn("cannot write a profile's status", "profile", errand->name, LOG_ERR(failure), NULL);
		json_object_del(r->known, errand->uid);
		reporter_touch(r);
	}
	errand_end(errand);
}

static void on_read(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct errand *errand = ctx;
	struct reporter *r = errand->reporter;
	json_t *now = json_object_get(body, "status");

	(void)status;
	if (!failure)
		json_object_set_new(r->known, errand->uid, now ? json_deep_copy(now) : json_object());
	if (!failure || failure->kind != ERR_NOT_FOUND)
		reporter_touch(r);
	errand_end(errand);
}

static void read_status(struct reporter *r, const char *name, const char *uid)
{
	struct buf path = BUF_MAX(KUBE_PATH_MAX);

	path_of(&path, name, NULL);
	send(errand_new(r, name, uid, NULL),
			&(struct kube_request){ .method = "GET", .path = buf_text(&path) }, on_read);
	buf_clear(&path);
}

static void write_status(struct reporter *r, const char *name, const char *uid, json_t *status)
{
	auto_json json_t *object = json_pack("{s:O}", "status", status);
	struct buf path = BUF_MAX(KUBE_PATH_MAX);

	path_of(&path, name, "status");
	const struct kube_request request = {
		.method = "PATCH", .path = buf_text(&path), .content_type = KUBE_MERGE_PATCH, .json = object
	};
	send(errand_new(r, name, uid, status), &request, on_written);
	buf_clear(&path);
}

/* ---- a pass over all profiles ------------------------------------------------------------------------------- */

/* What a merge patch would change in what is there. */
static bool differs(const json_t *status, const json_t *known)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)status, key, value) {
		const json_t *there = json_object_get(known, key);
		if (json_is_null(value) ? there != NULL : !json_equal(value, there))
			return true;
	}
	return false;
}

static void report(void *ctx, const json_t *resource, const struct profile *profile, const char *problem)
{
	struct reporter *r = ctx;
	const char *name = json_text_at(resource, "metadata", "name", NULL);
	const char *uid = json_text_at(resource, "metadata", "uid", NULL);
	/* by uid: a profile made again under the same name has no status yet */
	json_t *known = json_object_get(r->known, uid ? uid : "");
	json_t *counts = json_object_get(r->counts, name);
	auto_json json_t *none = json_array();
	char now[CLOCK_TEXT_MAX];

	if (!uid)
		return;
	if (!known) {
		read_status(r, name, uid);
		return;
	}
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
	json_t *status = profile_status(&facts);
	if (differs(status, known))
		write_status(r, name, uid, status);
	else
		json_decref(status);
}

static void pass(void *ctx)
{
	struct reporter *r = ctx;

	/* one pass at a time: an answer that is under way decides what differs */
	if (r->writing) {
		timer_set(kube_timers(r->kube), &r->tick, kube_now(r->kube) + EVERY);
		return;
	}
	if (!follow_ready(r->follow))
		return;
	/* what is known of profiles that are gone goes too, now and then */
	if (json_object_size(r->known) > KNOWN_MAX)
		json_object_clear(r->known);
	json_decref(r->counts);
	r->counts = json_object();
	pods_each(r->pods, count_pod, r->counts);
	follow_each_profile(r->follow, report, r);
}
