/* SPDX-License-Identifier: Apache-2.0 */
#include "base/workers.h"

#include "base/err.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants some of the above */
#include <cmocka.h>

struct gate {
	sem_t begun, open;
	atomic_uint done;
};

static void gate_init(struct gate *gate)
{
	sem_init(&gate->begun, 0, 0);
	sem_init(&gate->open, 0, 0);
	atomic_init(&gate->done, 0);
}

static void wait_at_gate(void *ctx)
{
	struct gate *gate = ctx;

	sem_post(&gate->begun);
	sem_wait(&gate->open);
	atomic_fetch_add(&gate->done, 1);
}

static void count(void *ctx)
{
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void refuses_numbers_that_cannot_be(void **state)
{
	static const struct {
		unsigned threads;
		size_t queue;
	} cases[] = { { 0, 1 }, { 1, 0 }, { WORKERS_THREADS_MAX + 1, 1 }, { 1, WORKERS_QUEUE_MAX + 1 },
		{ UINT32_MAX, SIZE_MAX } };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct workers *workers = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(workers_new(cases[i].threads, cases[i].queue, &workers, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_null(workers);
	}
	workers_free(NULL);
}

static void refuses_a_job_when_the_queue_is_full(void **state)
{
	struct workers *workers = NULL;
	struct gate gate;
	(void)state;

	gate_init(&gate);
	assert_int_equal(workers_new(2, 3, &workers, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(workers_add(workers, wait_at_gate, &gate));
		sem_wait(&gate.begun);
	}
	/* both threads are busy */
	for (int i = 0; i < 3; i++)
		assert_true(workers_add(workers, wait_at_gate, &gate));
	assert_false(workers_add(workers, wait_at_gate, &gate));
	sem_post(&gate.open);
	sem_wait(&gate.begun);
	assert_true(workers_add(workers, wait_at_gate, &gate));
	assert_false(workers_add(workers, wait_at_gate, &gate));
	for (int i = 0; i < 5; i++)
		sem_post(&gate.open);
	workers_free(workers);
	assert_int_equal(atomic_load(&gate.done), 6);
}

struct order {
	unsigned seen[100];
	unsigned next;
};

struct numbered {
	struct order *order;
	unsigned number;
};

static void note(void *ctx)
{
	struct numbered *numbered = ctx;

	numbered->order->seen[numbered->order->next++] = numbered->number;
}

static void serves_first_who_came_first(void **state)
{
	struct workers *workers = NULL;
	struct order order = { .next = 0 };
	struct numbered jobs[100];
	(void)state;

	assert_int_equal(workers_new(1, 100, &workers, NULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		jobs[i] = (struct numbered){ &order, i };
		assert_true(workers_add(workers, note, &jobs[i]));
	}
	workers_free(workers);
	assert_int_equal(order.next, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(order.seen[i], i);
}

struct spawn {
	struct workers *workers;
	atomic_uint left;
	sem_t open;
};

static void add_another(void *ctx)
{
	struct spawn *spawn = ctx;

	sem_wait(&spawn->open);
	sem_post(&spawn->open);
	if (atomic_fetch_sub(&spawn->left, 1) > 1 && !workers_add(spawn->workers, add_another, spawn))
		abort();
}

static void does_what_jobs_add_while_it_ends(void **state)
{
	struct spawn spawn = { .workers = NULL };
	(void)state;

	sem_init(&spawn.open, 0, 0);
	atomic_init(&spawn.left, 50);
	assert_int_equal(workers_new(4, 8, &spawn.workers, NULL), 0);
	assert_true(workers_add(spawn.workers, add_another, &spawn));
	sem_post(&spawn.open);
	workers_free(spawn.workers);
	assert_int_equal(atomic_load(&spawn.left), 0);
}

struct adder {
	struct workers *workers;
	atomic_uint *sum;
	unsigned taken;
};

static void *add_many(void *arg)
{
	struct adder *adder = arg;

	for (int i = 0; i < 5000; i++)
		adder->taken += workers_add(adder->workers, count, adder->sum);
	return NULL;
}

static void does_each_job_that_it_took_once(void **state)
{
	struct workers *workers = NULL;
	struct adder adders[4];
	pthread_t threads[4];
	atomic_uint sum = 0;
	unsigned taken = 0;
	(void)state;

	assert_int_equal(workers_new(4, 64, &workers, NULL), 0);
	for (int i = 0; i < 4; i++) {
		adders[i] = (struct adder){ .workers = workers, .sum = &sum };
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, &adders[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		taken += adders[i].taken;
	}
	workers_free(workers);
	assert_int_equal(atomic_load(&sum), taken);
	assert_in_range(taken, 64, 20000);
}

static void look_at_signals(void *ctx)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	*(bool *)ctx = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGINT) == 1;
}

static void blocks_signals_in_its_threads_alone(void **state)
{
	struct workers *workers = NULL;
	bool blocked = false;
	sigset_t now;
	(void)state;

	assert_int_equal(workers_new(1, 1, &workers, NULL), 0);
	assert_true(workers_add(workers, look_at_signals, &blocked));
	workers_free(workers);
	assert_true(blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGTERM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_numbers_that_cannot_be),
		cmocka_unit_test(refuses_a_job_when_the_queue_is_full),
		cmocka_unit_test(serves_first_who_came_first),
		cmocka_unit_test(does_what_jobs_add_while_it_ends),
		cmocka_unit_test(does_each_job_that_it_took_once),
		cmocka_unit_test(blocks_signals_in_its_threads_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
