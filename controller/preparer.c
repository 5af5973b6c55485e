/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/preparer.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "controller/preparation.h"
#include "kube/client.h"
#include "kube/event.h"
#include "kube/queue.h"

#include <pthread.h>
#include <string.h>

/* A policy that was prepared comes back by the watch: until then its key is not begun again. */
#define DONE_PAUSE  (10 * CLOCK_SECOND)
#define ROUNDS_MAX  8
/* Doubled for each failure; far below the least that is waited, so that the first few tries follow each other. */
#define FIRST_PAUSE (CLOCK_SECOND / 10)

/* One key that pods wait for. */
struct plan {
	struct preparer *preparer;
	char *id; /* namespace/key */
	char *namespace;
	const char *key;                 /* inside id */
	json_t *pods;                    /* name → uid */
	char *next;                      /* whose turn it is; NULL: the first's */
	char *tried;                     /* that the last try was for */
	char *told;                      /* what the pods were told last, or NULL */
	struct preparation *preparation; /* that runs */
	size_t fetching;                 /* facts that are on their way */
	bool asking;                     /* goes on when the last of them has come */
	unsigned rounds;                 /* tries in a row that ended so */
	unsigned failures;               /* tries in a row that have failed */
	int64_t since;                   /* the first try since the last success */
	size_t slot;                     /* its place in the list */
};

/* Facts that were asked for. */
struct fetch {
	struct fetch *next;
	struct preparer *preparer;
	char *id; /* of the plan */
};

struct preparer {
	struct preparer_options options;
	struct preparation_scene scene;
	struct queue *queue;
	struct timer tick;
	struct plan **plans;
	size_t count, running;
	json_t *slots; /* id → place in plans */
	json_t *held;  /* namespace → how many of the plans are its */
	struct preparer_counts counts;
	pthread_mutex_t lock;
	struct fetch *come; /* under the lock */
};

static void work(void *ctx);

struct preparer *preparer_new(const struct preparer_options *options)
{
	struct preparer *p = xcalloc(1, sizeof(*p));

	p->options = *options;
	p->queue = queue_new(kube_clock(options->kube));
	p->tick = (struct timer){ .fn = work, .ctx = p };
	p->plans = xcalloc(PREPARER_KEYS, sizeof(struct plan *));
	p->slots = json_object();
	p->held = json_object();
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void work_soon(struct preparer *p)
{
	int64_t due = queue_due(p->queue);

	if (p->scene.catalog && due != INT64_MAX)
		timer_set(kube_timers(p->options.kube), &p->tick, due);
}

/* ---- plans -------------------------------------------------------------------------------------------------- */

static struct plan *plan_find(const struct preparer *p, const char *id)
{
	const json_t *slot = json_object_get(p->slots, id);

	return slot ? p->plans[json_integer_value(slot)] : NULL;
}

static size_t held_by(const struct preparer *p, const char *namespace)
{
	return (size_t)json_integer_value(json_object_get(p->held, namespace));
}

static void set_held(struct preparer *p, const char *namespace, size_t count)
{
	if (count)
		json_object_set_new(p->held, namespace, json_integer((json_int_t)count));
	else
		json_object_del(p->held, namespace);
}

static struct plan *plan_new(struct preparer *p, const char *namespace, const char *id)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	plan->preparer = p;
	plan->id = xstrdup(id);
	plan->namespace = xstrdup(namespace);
	plan->key = plan->id + strlen(namespace) + 1;
	plan->pods = json_object();
	plan->since = kube_now(p->options.kube);
	plan->slot = p->count;
	p->plans[p->count++] = plan;
	json_object_set_new(p->slots, id, json_integer((json_int_t)plan->slot));
	set_held(p, namespace, held_by(p, namespace) + 1);
	return plan;
}

static void plan_free(struct plan *plan)
{
	struct preparer *p = plan->preparer;
	struct plan *last = p->plans[--p->count];

	last->slot = plan->slot;
	p->plans[last->slot] = last;
	json_object_set_new(p->slots, last->id, json_integer((json_int_t)last->slot));
	json_object_del(p->slots, plan->id);
	set_held(p, plan->namespace, held_by(p, plan->namespace) - 1);
	preparation_free(plan->preparation);
	json_decref(plan->pods);
	free(plan->namespace);
	free(plan->next);
	free(plan->tried);
	free(plan->told);
	free(plan->id);
	free(plan);
}

/* With whose rights and secrets the next try is made. */
static const char *pod_of(const struct plan *plan)
{
	if (plan->next && json_object_get(plan->pods, plan->next))
		return plan->next;
	return json_object_iter_key(json_object_iter(plan->pods));
}

/*
 * Room for one more of the namespace: where there is none, one of the namespace that has most gives way, unless that would
 * only turn it round. Its pods are looked at again by and by, as those are for whom there is no room.
 */
static bool make_room(struct preparer *p, const char *namespace)
{
	size_t most = held_by(p, namespace) + 1;
	const char *crowd = NULL, *other;
	json_t *count;

	if (p->count < PREPARER_KEYS)
		return true;
	json_object_foreach (p->held, other, count) {
		if ((size_t)json_integer_value(count) <= most)
			continue;
		most = (size_t)json_integer_value(count);
		crowd = other;
	}
	for (size_t i = p->count; crowd && i--;) {
		struct plan *plan = p->plans[i];
		if (plan->preparation || plan->fetching || strcmp(plan->namespace, crowd) != 0)
			continue;
		plan_free(plan);
		return true;
	}
	return false;
}

static struct fetch *take_come(struct preparer *p)
{
	pthread_mutex_lock(&p->lock);
	struct fetch *come = take(&p->come);
	pthread_mutex_unlock(&p->lock);
	return come;
}

static void fetch_free(struct fetch *fetch)
{
	free(fetch->id);
	free(fetch);
}

void preparer_free(struct preparer *p)
{
	if (!p)
		return;
	timer_stop(kube_timers(p->options.kube), &p->tick);
	while (p->count)
		plan_free(p->plans[p->count - 1]);
	for (struct fetch *fetch = take_come(p), *next; fetch; fetch = next) {
		next = fetch->next;
		fetch_free(fetch);
	}
	free(p->plans);
	json_decref(p->slots);
	json_decref(p->held);
	queue_free(p->queue);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct preparer_counts preparer_counts(const struct preparer *p)
{
	struct preparer_counts counts = p->counts;

	for (size_t i = 0; i < p->count; i++)
		counts.waiting += json_object_size(p->plans[i]->pods) > 0;
	return counts;
}

/* ---- who is told -------------------------------------------------------------------------------------------- */

static void tell(const struct plan *plan, bool warning, const char *pod, const char *uid, const char *note)
{
	const struct event event = {
		.warning = warning,
		.reason = warning ? "AgentPolicyFailed" : "AgentPolicyPrepared",
		.action = "Prepare",
		.note = note,
		.regarding = { "v1", "Pod", plan->namespace, pod, uid },
	};

	events_emit(plan->preparer->options.events, &event);
}

static void tell_all(const struct plan *plan, bool warning, const char *note)
{
	const char *pod;
	json_t *uid;

	json_object_foreach (plan->pods, pod, uid)
		tell(plan, warning, pod, json_string_value(uid), note);
}

void preparer_add(
		struct preparer *p, const char *namespace, const char *pod, const char *uid, const char *key)
{
	auto_free char *id = xasprintf("%s/%s", namespace, key);
	struct plan *plan = plan_find(p, id);

	if (!plan) {
		if (!make_room(p, namespace))
			return;
		plan = plan_new(p, namespace, id);
		queue_add(p->queue, id);
	}
	const char *known = json_string_value(json_object_get(plan->pods, pod));
	/* who is not told is not told each time that it is looked at either */
	if (known ? !strcmp(known, uid) : json_object_size(plan->pods) >= PREPARER_PODS)
		return;
	json_object_set_new(plan->pods, pod, json_string(uid));
	if (plan->told)
		tell(plan, true, pod, uid, plan->told);
	/* it may have what those before it lack, such as a pull secret */
	if (plan->failures) {
		free(plan->next);
		plan->next = xstrdup(pod);
		queue_add_after(p->queue, plan->id, PREPARER_PAUSE);
	}
	work_soon(p);
}

void preparer_use(struct preparer *p, struct catalog *catalog, const struct policy_set *policies)
{
	p->scene = (struct preparation_scene){ .catalog = catalog, .policies = policies };
	work_soon(p);
}

/* ---- facts -------------------------------------------------------------------------------------------------- */

/* From any thread. */
static void on_fetched(void *ctx)
{
	struct fetch *fetch = ctx;
	struct preparer *p = fetch->preparer;

	pthread_mutex_lock(&p->lock);
	fetch->next = p->come;
	p->come = fetch;
	/* under the lock: the owner may free all of it as soon as the last one is taken */
	kube_wake(p->options.kube);
	pthread_mutex_unlock(&p->lock);
}

static enum facts_found on_find(
		void *ctx, const struct image_want *want, struct image_facts **out, struct err *why)
{
	struct plan *plan = ctx;
	struct preparer *p = plan->preparer;
	enum facts_found found = p->options.find(p->options.images, want, 0, out, why);

	if (found != FACTS_ABSENT)
		return found;
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));
	fetch->preparer = p;
	fetch->id = xstrdup(plan->id);
	plan->fetching++;
	p->options.fetch(p->options.images, want, 0, on_fetched, fetch);
	return FACTS_ABSENT;
}

static void facts_are_there(struct plan *plan)
{
	/* one that nobody waits for goes then */
	if (plan->asking || !json_object_size(plan->pods))
		queue_add(plan->preparer->queue, plan->id);
	plan->asking = false;
}

void preparer_turn(struct preparer *p)
{
	for (struct fetch *fetch = take_come(p), *next; fetch; fetch = next) {
		struct plan *plan = plan_find(p, fetch->id);
		next = fetch->next;
		if (plan && !--plan->fetching)
			facts_are_there(plan);
		fetch_free(fetch);
	}
	work_soon(p);
}

/* ---- a try and its end -------------------------------------------------------------------------------------- */

static void done_with(struct plan *plan, const struct draft *draft)
{
	struct preparer *p = plan->preparer;
	auto_free char *note = xasprintf("AgentPolicy %s: init-data %s of profile %s",
			json_text_at(draft->object, "metadata", "name", NULL), draft->digest,
			draft->profile->name);

	p->counts.prepared++;
	plan->rounds = plan->failures = 0;
	log_info("agent policy prepared", "namespace", plan->namespace, "name",
			json_text_at(draft->object, "metadata", "name", NULL), "kind", draft->workload.kind,
			"workload", draft->workload.name, "profile", draft->profile->name, "digest",
			draft->digest, "took_ms",
			LOG_NUMBER((kube_now(p->options.kube) - plan->since) / 1000), NULL);
	tell_all(plan, false, note);
	json_object_clear(plan->pods);
	free(take(&plan->next));
	free(take(&plan->told));
	queue_add_after(p->queue, plan->id, DONE_PAUSE);
}

/* Each key waits for its own failures: who has many that fail makes nobody else's wait longer. */
static int64_t pause_after(struct plan *plan, bool refused)
{
	int64_t least = refused ? PREPARER_REFUSED : PREPARER_PAUSE, pause = FIRST_PAUSE;

	for (unsigned i = 0; i < plan->failures && pause < PREPARER_PAUSE_MAX; i++)
		pause *= 2;
	plan->failures++;
	if (pause > PREPARER_PAUSE_MAX)
		pause = PREPARER_PAUSE_MAX;
	return pause > least ? pause : least;
}

/* Pods of one key may differ in what they may read with: the next one is asked with next time. */
static void take_turns(struct plan *plan)
{
	json_t *uid = json_incref(json_object_get(plan->pods, plan->tried));

	json_object_del(plan->pods, plan->tried);
	json_object_set_new(plan->pods, plan->tried, uid);
}

static void not_done(struct plan *plan, bool refused, const struct draft *draft, const struct err *failure)
{
	struct preparer *p = plan->preparer;
	auto_free char *reasons = draft_reasons(draft, failure);
	int64_t asked = failure->retry_after * CLOCK_SECOND;
	int64_t pause = pause_after(plan, refused);

	*(refused ? &p->counts.refused : &p->counts.failed) += 1;
	plan->rounds = 0;
	if (!plan->told || strcmp(plan->told, reasons) != 0) {
		log_warn("no agent policy for pods that wait for one", "namespace", plan->namespace,
				"workload", draft->workload.name, "key", plan->key, "error", reasons, NULL);
		tell_all(plan, true, reasons);
		free(plan->told);
		plan->told = take(&reasons);
	}
	take_turns(plan);
	queue_add_after(p->queue, plan->id, pause > asked ? pause : asked);
}

/* The pod is not one of those that wait for this: the next one, when there is one. */
static void without_it(struct plan *plan)
{
	struct preparer *p = plan->preparer;

	json_object_del(plan->pods, plan->tried);
	p->options.again(p->options.ctx, plan->namespace, plan->tried);
	queue_add(p->queue, plan->id);
}

/* Facts were asked for. Some may have come meanwhile. */
static void ask_again(struct plan *plan, const struct draft *draft)
{
	static const struct err restless = { .kind = ERR_RETRY,
		.text = "what is known of its images is forgotten before the rest of it is there" };

	if (++plan->rounds > ROUNDS_MAX) {
		not_done(plan, false, draft, &restless);
		return;
	}
	plan->asking = true;
	if (!plan->fetching)
		facts_are_there(plan);
}

static void on_end(void *ctx, struct preparation *self, enum preparation_end end, const struct draft *draft,
		const struct err *failure)
{
	struct plan *plan = ctx;
	struct preparer *p = plan->preparer;

	if (end == PREPARATION_ASKED)
		ask_again(plan, draft);
	else if (end == PREPARATION_DONE)
		done_with(plan, draft);
	else if (end == PREPARATION_OVER)
		without_it(plan);
	else
		not_done(plan, end == PREPARATION_REFUSED, draft, failure);
	plan->preparation = NULL;
	preparation_free(self);
	queue_done(p->queue, plan->id);
	p->running--;
	work_soon(p);
}

static void start(struct plan *plan)
{
	struct preparer *p = plan->preparer;

	p->running++;
	free(plan->tried);
	plan->tried = xstrdup(pod_of(plan));
	free(take(&plan->next));
	plan->preparation = preparation_start(&(struct preparation_options){ .kube = p->options.kube,
			.scene = &p->scene,
			.namespace = plan->namespace,
			.pod = plan->tried,
			.key = plan->key,
			.ctx = plan,
			.find = on_find,
			.done = on_end });
}

static void work(void *ctx)
{
	struct preparer *p = ctx;
	const char *id;

	while (p->scene.catalog && p->running < PREPARER_PARALLEL && (id = queue_take(p->queue))) {
		struct plan *plan = plan_find(p, id);
		if (plan && json_object_size(plan->pods)) {
			start(plan);
			continue;
		}
		/* nobody waits for it any more */
		auto_free char *done = xstrdup(id);
		if (plan && !plan->fetching)
			plan_free(plan);
		queue_done(p->queue, done);
	}
	if (p->running < PREPARER_PARALLEL)
		work_soon(p);
}
