/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/lifter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/event.h"
#include "kube/patch.h"
#include "kube/queue.h"
#include "profile/decide.h"

#include <string.h>

/* A refused pod is looked at again even when nothing seems to have changed. */
#define LOOK_AGAIN (300 * CLOCK_SECOND)

struct lifter {
	struct lifter_options options;
	struct queue *queue;
	const struct catalog *catalog;
	struct timer tick;
	size_t running;
	json_t *lacks; /* namespace/name → {"profile", "key"} of the agent policy that the pod waits for */
	struct lifter_counts counts;
};

/* One pod on its way: read, decided, patched. */
struct lift {
	struct lifter *lifter;
	char *key; /* namespace/name */
	char *path;
	char uid[64];
	char digest[160];
	char *profile;
};

static void work(void *ctx);

struct lifter *lifter_new(const struct lifter_options *options)
{
	struct lifter *lifter = xcalloc(1, sizeof(*lifter));

	lifter->options = *options;
	lifter->queue = queue_new(kube_clock(options->kube));
	lifter->tick = (struct timer){ .fn = work, .ctx = lifter };
	lifter->lacks = json_object();
	return lifter;
}

void lifter_free(struct lifter *lifter)
{
	if (!lifter)
		return;
	timer_stop(kube_timers(lifter->options.kube), &lifter->tick);
	queue_free(lifter->queue);
	json_decref(lifter->lacks);
	free(lifter);
}

static void work_soon(struct lifter *lifter)
{
	int64_t due = queue_due(lifter->queue);

	if (lifter->catalog && due != INT64_MAX)
		timer_set(kube_timers(lifter->options.kube), &lifter->tick, due);
}

void lifter_add(struct lifter *lifter, const char *namespace, const char *name)
{
	auto_free char *key = xasprintf("%s/%s", namespace, name);

	queue_add(lifter->queue, key);
	work_soon(lifter);
}

void lifter_again(struct lifter *lifter, const char *namespace, const char *name, const char *profile)
{
	auto_free char *pod = xasprintf("%s/%s", namespace, name);
	const json_t *lack = json_object_get(lifter->lacks, pod);
	const char *lacks_of = json_text_at(lack, "profile", NULL), *key = json_text_at(lack, "key", NULL);

	if (lifter->catalog && lack && profile && !strcmp(lacks_of, profile) &&
			!catalog_prepared(lifter->catalog, namespace, profile, key))
		return;
	queue_add(lifter->queue, pod);
	work_soon(lifter);
}

void lifter_use(struct lifter *lifter, const struct catalog *catalog)
{
	lifter->catalog = catalog;
	work_soon(lifter);
}

struct lifter_counts lifter_counts(const struct lifter *lifter)
{
	struct lifter_counts counts = lifter->counts;

	counts.waiting = queue_length(lifter->queue);
	return counts;
}

/* ---- the end of a try --------------------------------------------------------------------------------------- */

static void finish(struct lift *lift)
{
	struct lifter *lifter = lift->lifter;

	queue_done(lifter->queue, lift->key);
	lifter->running--;
	free(lift->key);
	free(lift->path);
	free(lift->profile);
	free(lift);
	work_soon(lifter);
}

static void tell(const struct lift *lift, bool warning, const char *reason, const char *note)
{
	const char *slash = strchr(lift->key, '/');
	auto_free char *namespace = xmemdup0(lift->key, (size_t)(slash - lift->key));
	const struct event event = {
		.warning = warning,
		.reason = reason,
		.action = "Inject",
		.note = note,
		.regarding = { "v1", "Pod", namespace, slash + 1, lift->uid },
	};

	events_emit(lift->lifter->options.events, &event);
}

static void give_up_for_now(struct lift *lift, const struct err *failure)
{
	struct lifter *lifter = lift->lifter;

	if (failure->kind == ERR_NOT_FOUND) {
		queue_forget(lifter->queue, lift->key);
	} else {
		lifter->counts.failed++;
		log_warn("a gated pod was not completed for now", "pod", lift->key, LOG_ERR(failure), NULL);
		queue_retry(lifter->queue, lift->key, failure->retry_after * CLOCK_SECOND);
	}
	finish(lift);
}

static void on_patched(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct lift *lift = ctx;
	struct lifter *lifter = lift->lifter;

	(void)status;
	(void)body;
	if (failure) {
		give_up_for_now(lift, failure);
		return;
	}
	auto_free char *note = xasprintf("init-data %s of profile %s",
			lift->digest[0] ? lift->digest : "(none)", lift->profile ? lift->profile : "(none)");
	lifter->counts.lifted++;
	log_info("gated pod completed", "pod", lift->key, "profile", lift->profile, "digest", lift->digest,
			NULL);
	tell(lift, false, "Injected", note);
	queue_forget(lifter->queue, lift->key);
	finish(lift);
}

/* ---- deciding ----------------------------------------------------------------------------------------------- */

/* A patch that applies only to the object as it was read. */
static json_t *guarded(json_t *patch, const json_t *pod)
{
	json_t *all = json_array();
	const char *version = json_text_at(pod, "metadata", "resourceVersion", NULL);

	patch_test(all, json_string(version ? version : ""), "metadata", "resourceVersion", NULL);
	json_array_extend(all, patch);
	return all;
}

static void apply(struct lift *lift, const struct decision *d, const json_t *pod)
{
	auto_json json_t *patch = guarded(d->patch, pod);
	const struct kube_request request = {
		.method = "PATCH", .path = lift->path, .content_type = KUBE_JSON_PATCH, .json = patch
	};
	struct err err = ERR_NONE;

	if (d->profile) {
		lift->profile = xstrdup(d->profile->name);
		snprintf(lift->digest, sizeof(lift->digest), "%s", d->profile->digest_text);
	}
	if (!kube_start(lift->lifter->options.kube, &request, &(struct kube_handler){ lift, on_patched },
			    &err))
		give_up_for_now(lift, &err);
}

/* The reasons on one line: lists of Events show the first line alone, and the object is named beside it. */
static char *reasons_of(const struct decision *d)
{
	struct span rest = buf_span(&d->message), line = SPAN_NONE;
	struct buf note = BUF_MAX(d->message.max);
	bool more = span_next(&rest, '\n', &line);
	struct span first = line;

	while (more && span_next(&rest, '\n', &line)) {
		buf_puts(&note, note.len ? "; " : "");
		buf_add_span(&note, span_trim(line));
	}
	if (!note.len)
		buf_add_span(&note, first);
	return buf_take(&note);
}

static void refuse(struct lift *lift, const struct decision *d)
{
	struct lifter *lifter = lift->lifter;
	auto_free char *note = reasons_of(d);

	lifter->counts.refused++;
	tell(lift, true, "Waiting", note);
	queue_forget(lifter->queue, lift->key);
	queue_add_after(lifter->queue, lift->key, LOOK_AGAIN);
	finish(lift);
}

/* The reason is nobody's mistake, and soon gone: no Event. */
static void hand_over(struct lift *lift, const struct decision *d, const struct pod_view *view)
{
	struct lifter *lifter = lift->lifter;

	queue_forget(lifter->queue, lift->key);
	queue_add_after(lifter->queue, lift->key, LOOK_AGAIN);
	json_object_set_new(lifter->lacks, lift->key,
			json_pack("{s:s, s:s}", "profile", d->profile->name, "key", d->key));
	lifter->options.unprepared(lifter->options.ctx, view->namespace, view->name, view->uid, d->key);
	finish(lift);
}

static void on_read(void *ctx, int status, json_t *pod, const struct err *failure)
{
	struct lift *lift = ctx;
	struct lifter *lifter = lift->lifter;
	auto_decision struct decision d;
	struct pod_view view;
	struct err err = ERR_NONE;

	(void)status;
	decision_init(&d);
	if (failure || pod_view_read(pod, NULL, &view, &err) < 0) {
		give_up_for_now(lift, failure ? failure : &err);
		return;
	}
	snprintf(lift->uid, sizeof(lift->uid), "%s", view.uid);
	if (view.gate < 0 || view.deleting || !lifter->catalog) {
		queue_forget(lifter->queue, lift->key);
		finish(lift);
		return;
	}
	decide_lift(lifter->catalog, &view, &d);
	if (d.unprepared)
		hand_over(lift, &d, &view);
	else if (d.allowed)
		apply(lift, &d, pod);
	else
		refuse(lift, &d);
}

static void start(struct lifter *lifter, const char *key)
{
	struct lift *lift = xcalloc(1, sizeof(*lift));
	const char *slash = strchr(key, '/');
	auto_free char *namespace = xmemdup0(key, (size_t)(slash - key));
	const struct kube_ref ref = {
		.api = "v1", .namespace = namespace, .plural = "pods", .name = slash + 1
	};
	struct buf path = BUF_MAX(KUBE_PATH_MAX);
	struct err err = ERR_NONE;

	lift->lifter = lifter;
	lift->key = xstrdup(key);
	json_object_del(lifter->lacks, key);
	lifter->running++;
	int done = kube_path(&path, &ref, &err);
	lift->path = buf_take(&path);
	const struct kube_request request = { .method = "GET", .path = lift->path };
	if (done < 0 ||
			!kube_start(lifter->options.kube, &request, &(struct kube_handler){ lift, on_read },
					&err))
		give_up_for_now(lift, &err);
}

static void work(void *ctx)
{
	struct lifter *lifter = ctx;
	const char *key;

	while (lifter->catalog && lifter->running < LIFTER_PARALLEL && (key = queue_take(lifter->queue)))
		start(lifter, key);
	if (lifter->running < LIFTER_PARALLEL)
		work_soon(lifter);
}
