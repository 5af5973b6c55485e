/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/pending.h"

#include "base/clock.h"
#include "tests/webhook/asks.h"

#include <pthread.h>

#define SECOND CLOCK_SECOND
#define POD                                                                                             \
	"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {runtimeClassName: snp, containers: " \
	"[{name: "                                                                                      \
	"a, "                                                                                           \
	"image: '%s'}%s]}}"
#define APP             "registry.example/shop/app:1"
#define POLICY          "- {metadata: {name: shop}, spec: {encryption: {}}}"
#define LENIENT         "- {metadata: {name: shop}, spec: {onUnknown: Warn, encryption: {}}}"
#define ALLOWED_ALL     "unmatched: Allow"
#define FETCHES_MAX     64
#define JOBS            40
#define TIME_OF_ARRIVAL (100 * SECOND)

/* A registry of which the tests say when it answers. */
struct rig {
	struct pending *pending;
	int64_t now;
	struct catalog *catalog;
	struct policy_set *policies;
	/* what is known of the only image; NULL: nothing */
	struct image_facts *facts;
	bool old, at_once, fails;
	struct {
		void (*done)(void *ctx);
		void *ctx;
		int64_t max_age;
	} fetches[FETCHES_MAX];
	size_t fetch_count;
	unsigned wakes, answers;
	json_t *answer; /* the last */
	void *later;
};

static int64_t rig_time(void *ctx)
{
	return ((struct rig *)ctx)->now;
}

static enum facts_found rig_find(void *ctx, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	struct rig *rig = ctx;

	assert_string_equal(want->name.host, "registry.example");
	if (rig->fails) {
		err_set(why, ERR_DENIED, "registry.example: HTTP 403");
		return FACTS_FAILURE;
	}
	if (!rig->facts)
		return FACTS_ABSENT;
	*out = image_facts_ref(rig->facts);
	return rig->old || (max_age && rig->facts->fetched < rig->now - max_age) ? FACTS_OLD : FACTS_KNOWN;
}

static void rig_fetch(void *ctx, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *done_ctx)
{
	struct rig *rig = ctx;

	(void)want;
	assert_true(rig->fetch_count < FETCHES_MAX);
	rig->fetches[rig->fetch_count].done = done;
	rig->fetches[rig->fetch_count].ctx = done_ctx;
	rig->fetches[rig->fetch_count++].max_age = max_age;
	if (rig->at_once) {
		rig->fetch_count--;
		rig->facts = facts_of(true, rig->now);
		done(done_ctx);
	}
}

static void rig_wake(void *ctx)
{
	((struct rig *)ctx)->wakes++;
}

static json_t *said(struct buf *out)
{
	auto_json json_t *all = NULL;

	assert_int_equal(json_read(buf_span(out), 1 << 20, &all, NULL), 0);
	return json_incref(json_object_get(all, "response"));
}

static void rig_answer(void *ctx, void *later, const struct pending_review *review,
		struct review_result *result, struct buf *body)
{
	struct rig *rig = ctx;

	assert_int_equal(review->began, TIME_OF_ARRIVAL);
	assert_int_equal(result->status, 200);
	json_decref(rig->answer);
	rig->answer = said(body);
	rig->later = later;
	rig->answers++;
}

static void rig_open(struct rig *rig, const char *policies, size_t max)
{
	static struct clock clock;

	*rig = (struct rig){ .now = TIME_OF_ARRIVAL,
		.catalog = catalog_of(ALLOWED_ALL, NULL),
		.policies = policies_of(NULL, policies) };
	clock = (struct clock){ .wall = rig_time, .mono = rig_time, .ctx = rig };
	rig->pending = pending_new(&(struct pending_options){ .clock = &clock,
			.max = max,
			.images = rig,
			.find = rig_find,
			.fetch = rig_fetch,
			.ctx = rig,
			.wake = rig_wake,
			.answer = rig_answer });
}

static void rig_close(struct rig *rig)
{
	pending_end(rig->pending);
	assert_int_equal(pending_counts(rig->pending)->waiting, 0);
	for (size_t i = 0; i < rig->fetch_count; i++)
		rig->fetches[i].done(rig->fetches[i].ctx);
	pending_free(rig->pending);
	catalog_unref(rig->catalog);
	policy_set_unref(rig->policies);
	image_facts_unref(rig->facts);
	json_decref(rig->answer);
}

/* Asks about a pod; true: rig->answer is there. */
static bool ask(struct rig *rig, enum review_path path, const char *image, const char *more)
{
	auto_json json_t *pod = yamlf(POD, image, more);
	auto_free char *text = review_text(&(struct ask){ .path = path, .object = pod });
	const struct pending_review review = { .path = path,
		.body = span_of(text),
		.catalog = rig->catalog,
		.policies = rig->policies,
		.controller_user = CONTROLLER,
		.began = rig->now,
		.deadline = rig->now + 9 * SECOND };
	struct buf out = BUF_MAX(1 << 20);
	struct review_result result;

	struct pending_job *job = pending_ask(rig->pending, &review, &result, &out);
	if (job) {
		assert_int_equal(out.len, 0);
		pending_keep(rig->pending, job, rig);
	} else {
		json_decref(rig->answer);
		rig->answer = said(&out);
	}
	review_result_clear(&result);
	buf_clear(&out);
	return !job;
}

/* All that was asked for comes. */
static void comes(struct rig *rig, struct image_facts *facts)
{
	size_t count = rig->fetch_count;

	image_facts_unref(rig->facts);
	rig->facts = facts;
	rig->fetch_count = 0;
	for (size_t i = 0; i < count; i++)
		rig->fetches[i].done(rig->fetches[i].ctx);
	pending_turn(rig->pending);
}

static bool admitted(const struct rig *rig)
{
	return json_is_true(json_object_get(rig->answer, "allowed"));
}

static const char *message(const struct rig *rig)
{
	return json_text_at(rig->answer, "status", "message", NULL);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void answers_at_once_what_is_known(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	rig.facts = facts_of(true, rig.now - SECOND);
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_true(admitted(&rig));
	/* old enough to be read again, behind our back, but not to keep somebody waiting */
	rig.old = true;
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_true(admitted(&rig));
	assert_int_equal(rig.fetch_count, 0);
	assert_int_equal(pending_counts(rig.pending)->deferred, 0);
	assert_int_equal(pending_next(rig.pending), INT64_MAX);
	rig_close(&rig);
}

static void a_review_waits_until_the_last_of_its_facts_has_come(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP,
			", {name: b, image: 'registry.example/shop/app:2'}, {name: c, image: '" APP "'}"));
	assert_int_equal(rig.fetch_count, 2);
	assert_int_equal(pending_counts(rig.pending)->waiting, 1);
	assert_int_equal(pending_next(rig.pending), rig.now + 9 * SECOND);
	rig.facts = facts_of(true, rig.now);
	rig.fetches[0].done(rig.fetches[0].ctx);
	pending_turn(rig.pending);
	assert_int_equal(rig.answers, 0);
	assert_int_equal(rig.wakes, 0);
	rig.fetches[1].done(rig.fetches[1].ctx);
	assert_int_equal(rig.wakes, 1);
	rig.fetch_count = 0;
	pending_turn(rig.pending);
	assert_int_equal(rig.answers, 1);
	assert_ptr_equal(rig.later, &rig);
	assert_true(admitted(&rig));
	assert_int_equal(pending_counts(rig.pending)->waiting, 0);
	assert_int_equal(pending_counts(rig.pending)->facts.count, 1);
	rig_close(&rig);
}

static void a_fetch_may_call_back_before_it_returns(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	rig.at_once = true;
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_int_equal(rig.wakes, 1);
	pending_turn(rig.pending);
	assert_int_equal(rig.answers, 1);
	assert_true(admitted(&rig));
	rig_close(&rig);
}

static void at_the_deadline_the_policy_says_what_unknown_means(void **state)
{
	static const struct {
		const char *policies;
		bool admitted;
	} cases[] = { { POLICY, false }, { LENIENT, true } };
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		rig_open(&rig, cases[i].policies, 8);
		assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
		rig.now += 9 * SECOND - 1;
		pending_expire(rig.pending, rig.now);
		assert_int_equal(rig.answers, 0);
		rig.now++;
		pending_expire(rig.pending, rig.now);
		assert_int_equal(rig.answers, 1);
		assert_int_equal(admitted(&rig), cases[i].admitted);
		auto_free char *warnings = lines_of(json_object_get(rig.answer, "warnings"));
		const char *words = cases[i].admitted ? warnings : message(&rig);
		assert_holds(words,
				"not known yet: the registry 'registry.example' has not answered within 9 s");
		assert_int_equal(pending_counts(rig.pending)->late, 1);
		assert_int_equal(pending_next(rig.pending), INT64_MAX);
		/* the fetch comes back all the same, and serves the next */
		comes(&rig, facts_of(true, rig.now));
		assert_int_equal(rig.answers, 1);
		assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
		assert_true(admitted(&rig));
		rig_close(&rig);
	}
}

static void nobody_is_refused_by_old_facts(void **state)
{
	struct rig rig;

	(void)state;
	for (int better = 0; better < 2; better++) {
		rig_open(&rig, POLICY, 8);
		rig.facts = facts_of(false, rig.now - 10 * SECOND);
		assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
		assert_int_equal(rig.fetch_count, 1);
		assert_int_equal(rig.fetches[0].max_age, PENDING_OLD);
		comes(&rig, facts_of(better, rig.now));
		assert_int_equal(rig.answers, 1);
		assert_int_equal(admitted(&rig), better);
		rig_close(&rig);
	}
	/* those of a moment ago do; and so do old ones that could not be had anew */
	for (int failed = 0; failed < 2; failed++) {
		rig_open(&rig, POLICY, 8);
		rig.facts = facts_of(false, rig.now - (failed ? 10 : 2) * SECOND);
		assert_int_equal(ask(&rig, REVIEW_VALIDATE, APP, ""), !failed);
		if (failed)
			comes(&rig, facts_of(false, rig.now - 10 * SECOND));
		assert_false(admitted(&rig));
		assert_holds(message(&rig), "ImagePolicy shop: encryption.layers: ");
		assert_int_equal(rig.fetch_count, 0);
		rig_close(&rig);
	}
}

static void a_failure_is_unknown_and_counted_by_its_kind(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	rig.fails = true;
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(admitted(&rig));
	assert_holds(message(&rig), "registry.example: HTTP 403");
	assert_int_equal(pending_counts(rig.pending)->failures[ERR_DENIED], 1);
	rig_close(&rig);
}

static void too_many_do_not_wait(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 2);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(admitted(&rig));
	assert_holds(message(&rig), "too many reviews wait for registries already: try again");
	assert_int_equal(pending_counts(rig.pending)->crowded, 1);
	comes(&rig, facts_of(true, rig.now));
	assert_int_equal(rig.answers, 2);
	assert_true(admitted(&rig));
	rig_close(&rig);
}

static void who_is_refused_anyhow_waits_for_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	catalog_unref(rig.catalog);
	rig.catalog = catalog_of("unmatched: Deny", NULL);
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(admitted(&rig));
	assert_holds(message(&rig), "no ConfidentialProfile matches");
	assert_int_equal(pending_counts(rig.pending)->deferred, 0);
	rig_close(&rig);
}

static void what_arrived_is_judged_by_what_was_in_force(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	policy_set_unref(rig.policies);
	rig.policies = policies_of(NULL, NULL);
	catalog_unref(rig.catalog);
	rig.catalog = catalog_of(NULL, NULL);
	comes(&rig, facts_of(false, rig.now));
	assert_int_equal(rig.answers, 1);
	assert_holds(message(&rig), "ImagePolicy shop");
	rig_close(&rig);
}

static void the_end_answers_all(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	/* one of them is ready, and not judged yet */
	rig.fetches[0].done(rig.fetches[0].ctx);
	rig.fetches[0] = rig.fetches[--rig.fetch_count];
	pending_end(rig.pending);
	assert_int_equal(rig.answers, 2);
	assert_holds(message(&rig), "this replica of the webhook ends: try again");
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(admitted(&rig));
	rig_close(&rig);
}

static void a_tag_that_moves_with_every_look_is_given_up(void **state)
{
	struct rig rig;
	unsigned rounds = 0;

	(void)state;
	rig_open(&rig, POLICY, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	while (!rig.answers && rounds++ < 2 * PENDING_ROUNDS)
		comes(&rig, NULL);
	assert_int_equal(rig.answers, 1);
	assert_false(admitted(&rig));
	rig_close(&rig);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

struct crowd {
	struct rig rig;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	unsigned wakes;
	pthread_t threads[JOBS];
	struct task {
		void (*done)(void *ctx);
		void *ctx;
	} tasks[JOBS];
	unsigned started;
	bool known[JOBS];
};

static void *come_back(void *ctx)
{
	struct task *task = ctx;

	task->done(task->ctx);
	return NULL;
}

static enum facts_found crowd_find(void *ctx, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	struct crowd *crowd = ctx;

	(void)max_age;
	(void)why;
	if (!crowd->known[strtoul(want->name.tag, NULL, 10)])
		return FACTS_ABSENT;
	*out = image_facts_ref(crowd->rig.facts);
	return FACTS_KNOWN;
}

static void crowd_fetch(void *ctx, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *done_ctx)
{
	struct crowd *crowd = ctx;
	struct task *task = &crowd->tasks[crowd->started];

	(void)max_age;
	crowd->known[strtoul(want->name.tag, NULL, 10)] = true;
	*task = (struct task){ done, done_ctx };
	assert_int_equal(pthread_create(&crowd->threads[crowd->started++], NULL, come_back, task), 0);
}

static void crowd_wake(void *ctx)
{
	struct crowd *crowd = ctx;

	pthread_mutex_lock(&crowd->lock);
	crowd->wakes++;
	pthread_cond_signal(&crowd->woken);
	pthread_mutex_unlock(&crowd->lock);
}

static void crowd_answer(void *ctx, void *later, const struct pending_review *review,
		struct review_result *result, struct buf *body)
{
	struct crowd *crowd = ctx;

	rig_answer(&crowd->rig, later, review, result, body);
}

static void facts_come_from_other_threads(void **state)
{
	struct crowd crowd = { .lock = PTHREAD_MUTEX_INITIALIZER, .woken = PTHREAD_COND_INITIALIZER };
	struct clock clock = { .wall = rig_time, .mono = rig_time, .ctx = &crowd.rig };
	char image[64];

	(void)state;
	crowd.rig = (struct rig){ .now = TIME_OF_ARRIVAL,
		.catalog = catalog_of(ALLOWED_ALL, NULL),
		.policies = policies_of(NULL, POLICY),
		.facts = facts_of(true, TIME_OF_ARRIVAL) };
	crowd.rig.pending = pending_new(&(struct pending_options){ .clock = &clock,
			.max = JOBS,
			.images = &crowd,
			.find = crowd_find,
			.fetch = crowd_fetch,
			.ctx = &crowd,
			.wake = crowd_wake,
			.answer = crowd_answer });
	for (unsigned i = 0; i < JOBS; i++) {
		snprintf(image, sizeof(image), "registry.example/shop/app:%u", i);
		assert_false(ask(&crowd.rig, REVIEW_VALIDATE, image, ""));
	}
	while (crowd.rig.answers < JOBS) {
		pthread_mutex_lock(&crowd.lock);
		while (!crowd.wakes)
			pthread_cond_wait(&crowd.woken, &crowd.lock);
		crowd.wakes = 0;
		pthread_mutex_unlock(&crowd.lock);
		pending_turn(crowd.rig.pending);
		assert_true(!crowd.rig.answers || admitted(&crowd.rig));
	}
	for (unsigned i = 0; i < crowd.started; i++)
		pthread_join(crowd.threads[i], NULL);
	rig_close(&crowd.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_at_once_what_is_known),
		cmocka_unit_test(a_review_waits_until_the_last_of_its_facts_has_come),
		cmocka_unit_test(a_fetch_may_call_back_before_it_returns),
		cmocka_unit_test(at_the_deadline_the_policy_says_what_unknown_means),
		cmocka_unit_test(nobody_is_refused_by_old_facts),
		cmocka_unit_test(a_failure_is_unknown_and_counted_by_its_kind),
		cmocka_unit_test(too_many_do_not_wait),
		cmocka_unit_test(who_is_refused_anyhow_waits_for_nothing),
		cmocka_unit_test(what_arrived_is_judged_by_what_was_in_force),
		cmocka_unit_test(the_end_answers_all),
		cmocka_unit_test(a_tag_that_moves_with_every_look_is_given_up),
		cmocka_unit_test(facts_come_from_other_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
