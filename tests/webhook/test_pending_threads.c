/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/pending.h"

#include "tests/webhook/pending_rig.h"

#include <pthread.h>

#define JOBS 40

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
			.max = (size_t)2 * JOBS,
			.max_bytes = 1 << 20,
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
		cmocka_unit_test(facts_come_from_other_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
