/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/pending.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 << 20) /* as a reply of net/server.h */
#define SILENT_MAX 128

/* A review that waits; or one that was answered without waiting further, of which fetches still come back. */
struct pending_job {
	struct pending_job *next, *previous; /* in the list of all */
	struct pending_job *next_ready;
	struct pending *pending;
	size_t outstanding; /* fetches that have not called back, and one while it is judged: under the lock */
	struct pending_review review;
	char host[sizeof(((struct oci_name *)NULL)->host)]; /* the registry that it asked first */
	char *body;
	void *later; /* NULL: nobody waits for it */
	int64_t deferred_at;
	unsigned rounds;
	bool refreshed; /* was judged by facts that are too old for a refusal, and has asked for new ones */
};

/* An image that somebody has waited for until his deadline. */
struct silent {
	char *name;           /* with the namespace, whose credentials were used; NULL: free */
	int64_t since, until; /* when it was asked for; until when nobody waits for long */
};

struct pending {
	struct pending_options options;
	struct silent silent[SILENT_MAX];
	struct pending_job *jobs;
	size_t bytes; /* of bodies */
	bool ending;
	struct pending_counts counts;
	pthread_mutex_t lock;
	struct pending_job *ready; /* under the lock */
};

/* Why nothing is asked for any more. */
enum late { LATE_NOT, LATE_DEADLINE, LATE_ROUNDS, LATE_CROWDED, LATE_ENDING };

/* One judgement. */
struct look {
	struct pending *pending;
	const struct pending_review *review;
	struct pending_job *job; /* NULL until something is asked for */
	int64_t max_age;
	enum late late;
};

struct pending *pending_new(const struct pending_options *options)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->options = *options;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

/* ---- jobs --------------------------------------------------------------------------------------------------- */

/* A review that may have to wait: what it borrows is copied. */
static struct pending_job *job_new(struct pending *p, const struct pending_review *review, const char *host)
{
	struct pending_job *job = xcalloc(1, sizeof(*job));

	job->pending = p;
	job->review = *review;
	job->body = xmemdup0(review->body.ptr, review->body.len);
	job->review.body = span_new(job->body, review->body.len);
	job->review.catalog = catalog_ref(review->catalog);
	job->review.policies = policy_set_ref(review->policies);
	p->bytes += review->body.len;
	snprintf(job->host, sizeof(job->host), "%s", host);
	job->deferred_at = clock_mono(p->options.clock);
	job->outstanding = 1;
	job->next = p->jobs;
	if (job->next)
		job->next->previous = job;
	p->jobs = job;
	return job;
}

/* What only a review that waits has. */
static void job_forget(struct pending_job *job)
{
	job->pending->bytes -= job->review.body.len;
	catalog_unref(job->review.catalog);
	policy_set_unref(job->review.policies);
	free(job->body);
	job->review = (struct pending_review){ 0 };
	job->body = NULL;
	job->later = NULL;
}

static void job_free(struct pending_job *job)
{
	struct pending *p = job->pending;

	if (job->previous)
		job->previous->next = job->next;
	else
		p->jobs = job->next;
	if (job->next)
		job->next->previous = job->previous;
	job_forget(job);
	free(job);
}

/* One of the job's reasons to wait is gone. From any thread. */
static void job_release(void *ctx)
{
	struct pending_job *job = ctx;
	struct pending *p = job->pending;

	pthread_mutex_lock(&p->lock);
	bool ready = --job->outstanding == 0;
	if (ready) {
		job->next_ready = p->ready;
		p->ready = job;
	}
	/* under the lock: the owner may free all of it as soon as the last job is taken */
	if (ready)
		p->options.wake(p->options.ctx);
	pthread_mutex_unlock(&p->lock);
}

static void job_hold(struct pending_job *job)
{
	pthread_mutex_lock(&job->pending->lock);
	job->outstanding++;
	pthread_mutex_unlock(&job->pending->lock);
}

/* ---- images that do not come -------------------------------------------------------------------------------- */

static char *silent_name(const struct image_want *want)
{
	char text[OCI_NAME_MAX];

	oci_name_format(&want->name, text);
	return xasprintf("%s %s", want->namespace ? want->namespace : "", text);
}

static struct silent *silent_find(struct pending *p, const char *name)
{
	int64_t now = clock_mono(p->options.clock);

	for (size_t i = 0; i < SILENT_MAX; i++)
		if (p->silent[i].name && p->silent[i].until > now && !strcmp(p->silent[i].name, name))
			return &p->silent[i];
	return NULL;
}

/* Waited for in vain: how long by now. Who waited a moment alone says nothing of the registry. */
static int64_t silent_add(struct pending *p, const struct image_want *want, int64_t began)
{
	int64_t now = clock_mono(p->options.clock);
	auto_free char *name = silent_name(want);
	struct silent *silent = silent_find(p, name);

	if (silent || now - began < PENDING_LONG)
		return now - (silent ? silent->since : began);
	silent = &p->silent[0];
	for (size_t i = 1; i < SILENT_MAX; i++)
		if (p->silent[i].until < silent->until)
			silent = &p->silent[i];
	free(silent->name);
	*silent = (struct silent){ .name = take(&name), .since = began, .until = now + PENDING_SILENT };
	return now - began;
}

static bool is_silent(struct pending *p, const struct image_want *want)
{
	auto_free char *name = silent_name(want);

	return silent_find(p, name) != NULL;
}

static void job_hurry(struct pending_job *job)
{
	int64_t soon = clock_mono(job->pending->options.clock) + PENDING_PATIENCE;

	if (job->review.deadline > soon)
		job->review.deadline = soon;
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

/* *why is what the fetch has heard so far, if anything. */
static void say_late(const struct look *look, const struct image_want *want, struct err *why)
{
	static const char *const words[] = {
		[LATE_ROUNDS] = "what the tag points at changes with every look",
		[LATE_CROWDED] = "too many reviews wait for registries already",
		[LATE_ENDING] = "this replica of the webhook ends",
	};

	if (look->late == LATE_DEADLINE) {
		int64_t waited = silent_add(look->pending, want, look->review->began);
		if (why->kind) {
			err_wrap(why, "not known yet; the fetch goes on: try again");
			return;
		}
		err_set(why, ERR_RETRY,
				"not known yet: the registry '%.255s' has not answered within %d s; the "
				"fetch goes on: try again",
				want->name.host, (int)((waited + CLOCK_SECOND / 2) / CLOCK_SECOND));
	} else {
		err_set(why, ERR_RETRY, "not known yet, and %s: try again", words[look->late]);
	}
}

/* A registry that answers slowly, or not at all, has its share of the places. */
static bool is_crowded(const struct pending *p, const char *host)
{
	size_t same = 0;

	for (const struct pending_job *job = p->jobs; job; job = job->next)
		same += job->later && !strcmp(job->host, host);
	return same >= (p->options.max + 1) / 2;
}

static enum gate_found on_find(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	struct look *look = ctx;
	struct pending *p = look->pending;

	switch (p->options.find(p->options.images, want, look->max_age, facts, why)) {
	case FACTS_KNOWN:
		return GATE_FOUND;
	case FACTS_OLD:
		if (look->late || !look->max_age)
			return GATE_FOUND;
		image_facts_unref(take(facts));
		break;
	case FACTS_FAILURE:
		p->counts.failures[why->kind]++;
		return GATE_FAILED;
	case FACTS_ABSENT:
		break;
	}
	if (!look->late && !look->job && is_crowded(p, want->name.host))
		look->late = LATE_CROWDED;
	if (look->late) {
		say_late(look, want, why);
		return GATE_FAILED;
	}
	if (!look->job)
		look->job = job_new(p, look->review, want->name.host);
	if (is_silent(p, want))
		job_hurry(look->job);
	job_hold(look->job);
	p->options.fetch(p->options.images, want, look->max_age, job_release, look->job);
	return GATE_PENDING;
}

static void judge(struct look *look, struct review_result *result, struct buf *out)
{
	const struct pending_options *options = &look->pending->options;
	const struct review_env env = {
		.catalog = look->review->catalog,
		.policies = look->review->policies,
		.controller_user = look->review->controller_user,
		.now = clock_wall(options->clock) / CLOCK_SECOND,
		.ctx = look,
		.find = on_find,
	};

	review(&env, look->review->path, look->review->body, result, out);
}

/* Refused by what may have changed since it was read. */
static bool too_old(const struct look *look, const struct review_result *result)
{
	int64_t now = clock_mono(look->pending->options.clock);

	return !result->pending && !result->hopeless && !result->gate.allowed &&
			result->gate.oldest < now - PENDING_OLD;
}

/* Judges, a refusal by old facts once more with those asked for anew. False: look->job waits. */
static bool decide(struct look *look, struct review_result *result, struct buf *out)
{
	bool refreshed = look->late || (look->job && look->job->refreshed);

	judge(look, result, out);
	if (!refreshed && too_old(look, result)) {
		review_result_clear(result);
		buf_reset(out);
		look->max_age = PENDING_OLD;
		judge(look, result, out);
		if (look->job)
			look->job->refreshed = true;
	}
	if (look->job && result->pending && result->gate.doomed)
		job_hurry(look->job);
	return !result->pending;
}

struct pending_job *pending_ask(struct pending *p, const struct pending_review *review,
		struct review_result *result, struct buf *out)
{
	struct look look = { .pending = p, .review = review };

	if (p->ending)
		look.late = LATE_ENDING;
	else if (p->counts.waiting >= p->options.max || p->bytes + review->body.len > p->options.max_bytes)
		look.late = LATE_CROWDED;
	if (!decide(&look, result, out))
		return look.job;
	p->counts.crowded += look.late == LATE_CROWDED;
	/* what was asked for beside a refusal may be of use to others */
	if (look.job) {
		job_forget(look.job);
		job_release(look.job);
	}
	return NULL;
}

void pending_keep(struct pending *p, struct pending_job *job, void *later)
{
	job->later = later;
	p->counts.waiting++;
	p->counts.deferred++;
	job_release(job);
}

/* ---- those who wait ----------------------------------------------------------------------------------------- */

static void answer(struct pending_job *job, struct review_result *result, struct buf *out, int64_t began)
{
	struct pending *p = job->pending;

	metric_observe(&p->counts.facts, began - job->deferred_at);
	metric_observe(&p->counts.judging, clock_mono(p->options.clock) - began);
	p->counts.waiting--;
	p->options.answer(p->options.ctx, job->later, &job->review, result, out);
	job_forget(job);
}

/* The job is held. */
static void judge_again(struct pending_job *job, enum late late)
{
	struct pending *p = job->pending;
	struct look look = { .pending = p, .review = &job->review, .job = job, .late = late };
	int64_t began = clock_mono(p->options.clock);
	struct review_result result;
	struct buf out = BUF_MAX(ANSWER_MAX);

	if (!late && ++job->rounds > PENDING_ROUNDS)
		look.late = LATE_ROUNDS;
	if (decide(&look, &result, &out)) {
		p->counts.late += look.late != LATE_NOT;
		answer(job, &result, &out, began);
	}
	review_result_clear(&result);
	buf_clear(&out);
	job_release(job);
}

void pending_turn(struct pending *p)
{
	pthread_mutex_lock(&p->lock);
	struct pending_job *ready = take(&p->ready);
	pthread_mutex_unlock(&p->lock);
	while (ready) {
		struct pending_job *job = ready;
		ready = job->next_ready;
		job->next_ready = NULL;
		if (!job->later) {
			job_free(job);
			continue;
		}
		job_hold(job);
		judge_again(job, p->ending ? LATE_ENDING : LATE_NOT);
	}
}

/* False: all its facts have come, and pending_turn() is about to judge it. */
static bool job_try_hold(struct pending_job *job)
{
	pthread_mutex_lock(&job->pending->lock);
	bool waits = job->outstanding > 0;
	job->outstanding += waits;
	pthread_mutex_unlock(&job->pending->lock);
	return waits;
}

int64_t pending_next(const struct pending *p)
{
	int64_t next = INT64_MAX;

	for (const struct pending_job *job = p->jobs; job; job = job->next)
		if (job->later && job->review.deadline < next)
			next = job->review.deadline;
	return next;
}

static void expire(struct pending *p, int64_t now, enum late late)
{
	/* none is freed here: they go by pending_turn() */
	for (struct pending_job *job = p->jobs; job; job = job->next)
		if (job->later && job->review.deadline <= now && job_try_hold(job))
			judge_again(job, late);
}

void pending_expire(struct pending *p, int64_t now)
{
	expire(p, now, LATE_DEADLINE);
}

void pending_end(struct pending *p)
{
	p->ending = true;
	expire(p, INT64_MAX, LATE_ENDING);
	/* the others' facts have come */
	while (p->counts.waiting)
		pending_turn(p);
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	for (struct pending_job *job = p->jobs, *next; job; job = next) {
		next = job->next;
		job_forget(job);
		free(job);
	}
	for (size_t i = 0; i < SILENT_MAX; i++)
		free(p->silent[i].name);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

const struct pending_counts *pending_counts(const struct pending *p)
{
	return &p->counts;
}
