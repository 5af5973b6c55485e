/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/preparation.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "profile/decide.h"
#include "profile/prepared.h"

#include <string.h>

#define GET_TIMEOUT 10000 /* ms */
#define MANAGER     "cocoon-controller"

struct preparation {
	struct preparation_options options;
	char *namespace, *pod, *key;
	struct draft draft;
	struct kube_exchange *exchange; /* that runs */
	struct timer timer;             /* the beginning, then the end */
	size_t source;                  /* the next ConfigMap or Secret */
	size_t bytes;                   /* of those that were read */
};

void preparation_free(struct preparation *p)
{
	if (!p)
		return;
	timer_stop(kube_timers(p->options.kube), &p->timer);
	if (p->exchange)
		kube_cancel(p->options.kube, p->exchange);
	draft_clear(&p->draft);
	free(p->namespace);
	free(p->pod);
	free(p->key);
	free(p);
}

static void end_by(struct preparation *p, enum preparation_end how, const struct err *failure)
{
	static const struct err none = ERR_NONE;

	p->options.done(p->options.ctx, p, how, &p->draft, failure ? failure : &none);
}

/* What notes, too, call an error is no good until somebody changes it. */
static void fail(struct preparation *p, const struct err *failure)
{
	bool refused = agent_notes_of(&p->draft.notes, AGENT_ERROR) > 0 || failure->kind == ERR_LIMIT;

	end_by(p, refused ? PREPARATION_REFUSED : PREPARATION_FAILED, failure);
}

static void ask(struct preparation *p, const struct kube_request *request, const struct kube_ref *ref,
		void (*done)(void *ctx, int status, json_t *body, const struct err *failure))
{
	auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);
	struct kube_request whole = *request;
	struct err err = ERR_NONE;

	if (kube_path(&path, ref, &err) == 0) {
		whole.path = buf_text(&path);
		whole.timeout = GET_TIMEOUT;
		p->exchange = kube_start(p->options.kube, &whole, &(struct kube_handler){ p, done }, &err);
	}
	if (!p->exchange)
		fail(p, &err);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static struct kube_ref policy_ref(const struct preparation *p, const char *subresource)
{
	return (struct kube_ref){ .api = PROFILE_GROUP,
		.namespace = p->namespace,
		.plural = "agentpolicies",
		.name = json_text_at(p->draft.object, "metadata", "name", NULL),
		.subresource = subresource };
}

static void on_status(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct preparation *p = ctx;

	(void)status;
	(void)body;
	p->exchange = NULL;
	if (failure)
		fail(p, failure);
	else
		end_by(p, PREPARATION_DONE, NULL);
}

static void on_written(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct preparation *p = ctx;

	(void)status;
	(void)body;
	p->exchange = NULL;
	if (failure) {
		fail(p, failure);
		return;
	}
	auto_json json_t *patch = json_pack("{s:O}", "status", p->draft.status);
	const struct kube_ref ref = policy_ref(p, "status");
	ask(p, &(struct kube_request){ .method = "PATCH", .content_type = KUBE_MERGE_PATCH, .json = patch },
			&ref, on_status);
}

/* One that is there, of a replica before us or of an owner that goes, becomes this one. */
static void write_it(struct preparation *p)
{
	struct err err = ERR_NONE;

	char now[CLOCK_TEXT_MAX];

	if (draft_finish(&p->draft, &err) < 0) {
		fail(p, &err);
		return;
	}
	clock_format(clock_wall(kube_clock(p->options.kube)), now);
	json_object_set_new(json_object_get(p->draft.object, "metadata"), "annotations",
			json_pack("{s:s}", PREPARED_AT, now));
	const struct kube_ref ref = policy_ref(p, NULL);
	const struct kube_request request = { .method = "PATCH",
		.query = "fieldManager=" MANAGER "&force=true",
		.content_type = KUBE_APPLY_PATCH,
		.json = p->draft.object };
	ask(p, &request, &ref, on_written);
}

/* ---- ConfigMaps and Secrets --------------------------------------------------------------------------------- */

static void read_sources(struct preparation *p);

static void on_source(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct preparation *p = ctx;
	struct draft_source source;
	struct err err = ERR_NONE;

	p->exchange = NULL;
	if (!draft_source(&p->draft, p->source++, &source))
		return;
	if (status == 403) {
		err_set(&err, ERR_DENIED, "the controller may not read %s %s/%s: apply %s to namespace %s",
				source.kind, p->namespace, source.name, PREPARATION_GRANT, p->namespace);
		failure = &err;
	}
	/* one that is missing is the generator's business: it may be optional */
	if (failure && failure->kind != ERR_NOT_FOUND) {
		fail(p, failure);
		return;
	}
	if (!failure) {
		p->bytes += json_dumpb(body, NULL, 0, 0);
		draft_object(&p->draft, &source, body);
	}
	read_sources(p);
}

static void read_sources(struct preparation *p)
{
	struct draft_source source;
	struct err err = ERR_NONE;

	if (!draft_source(&p->draft, p->source, &source)) {
		write_it(p);
	} else if (p->source == DRAFT_OBJECTS_MAX || p->bytes >= PREPARATION_BYTES) {
		err_set(&err, ERR_LIMIT,
				"values of env come from too many ConfigMaps and Secrets: at most %d, of %zu "
				"MiB",
				DRAFT_OBJECTS_MAX, PREPARATION_BYTES >> 20);
		fail(p, &err);
	} else {
		const struct kube_ref ref = {
			.api = "v1", .namespace = p->namespace, .plural = source.plural, .name = source.name
		};
		ask(p, &(struct kube_request){ .method = "GET", .max_body = PREPARATION_BYTES - p->bytes },
				&ref, on_source);
	}
}

/* ---- images ------------------------------------------------------------------------------------------------- */

static enum facts_found look_at(struct preparation *p, size_t index, const json_t *labels, struct err *why)
{
	struct image_want want;
	struct image_facts *facts = NULL;
	struct draft_pulls pulls;

	if (draft_want(&p->draft, index, p->options.scene->policies, labels, &pulls, &want, why) < 0)
		return FACTS_FAILURE;
	enum facts_found found = p->options.find(p->options.ctx, &want, &facts, why);
	if (facts && draft_image(&p->draft, index, facts, why) < 0)
		return FACTS_FAILURE;
	if (found == FACTS_FAILURE)
		err_wrap(why, "image \"%.300s\"", p->draft.workload.images[index]);
	return found;
}

static void look_at_images(struct preparation *p)
{
	const json_t *labels = catalog_namespace_labels(p->options.scene->catalog, p->namespace);
	struct err first = ERR_NONE;
	bool asked = false;

	/* all of them, so that they are fetched side by side */
	for (size_t i = 0; i < p->draft.workload.image_count; i++) {
		struct err why = ERR_NONE;
		enum facts_found found = look_at(p, i, labels, &why);
		asked = asked || found == FACTS_ABSENT;
		if (found == FACTS_FAILURE && !first.kind)
			first = why;
	}
	if (first.kind)
		fail(p, &first);
	else if (asked)
		end_by(p, PREPARATION_ASKED, NULL);
	else
		read_sources(p);
}

/* ---- the pod ------------------------------------------------------------------------------------------------ */

/* The profile under which the pod waits for that key, or NULL. */
static struct profile *waits_under(const struct preparation *p, const json_t *pod, struct decision *d)
{
	struct pod_view view;
	struct err err = ERR_NONE;

	if (!p->options.scene->catalog || pod_view_read(pod, NULL, &view, &err) < 0 || view.gate < 0 ||
			view.deleting)
		return NULL;
	decide_lift(p->options.scene->catalog, &view, d);
	if (!d->unprepared || strcmp(d->key, p->key) != 0)
		return NULL;
	return (struct profile *)(uintptr_t)d->profile;
}

static void on_pod(void *ctx, int status, json_t *pod, const struct err *failure)
{
	struct preparation *p = ctx;
	auto_decision struct decision d;
	struct err err = ERR_NONE;

	(void)status;
	p->exchange = NULL;
	decision_init(&d);
	struct profile *profile = failure ? NULL : waits_under(p, pod, &d);
	if (failure && failure->kind != ERR_NOT_FOUND)
		fail(p, failure);
	else if (!profile)
		end_by(p, PREPARATION_OVER, NULL);
	else if (draft_open(&p->draft, profile, pod, &err) < 0)
		fail(p, &err);
	else
		look_at_images(p);
}

static void too_late(void *ctx)
{
	struct preparation *p = ctx;
	struct err err = ERR_NONE;

	err_set(&err, ERR_RETRY, "the API server has not answered all within %d s",
			(int)(PREPARATION_MAX / 1000000));
	fail(p, &err);
}

static void begin(void *ctx)
{
	struct preparation *p = ctx;
	const struct kube_ref ref = {
		.api = "v1", .namespace = p->namespace, .plural = "pods", .name = p->pod
	};

	p->timer.fn = too_late;
	timer_set(kube_timers(p->options.kube), &p->timer, kube_now(p->options.kube) + PREPARATION_MAX);
	ask(p, &(struct kube_request){ .method = "GET" }, &ref, on_pod);
}

struct preparation *preparation_start(const struct preparation_options *options)
{
	struct preparation *p = xcalloc(1, sizeof(*p));

	p->options = *options;
	p->namespace = xstrdup(options->namespace);
	p->pod = xstrdup(options->pod);
	p->key = xstrdup(options->key);
	p->timer = (struct timer){ .fn = begin, .ctx = p };
	timer_set(kube_timers(options->kube), &p->timer, kube_now(options->kube));
	return p;
}
