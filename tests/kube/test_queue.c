/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/queue.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above */
#include <cmocka.h>

static int64_t tell(void *ctx)
{
	return *(int64_t *)ctx;
}

static void waits_once_and_never_runs_twice_at_a_time(void **state)
{
	int64_t now = 0;
	struct clock clock = { .wall = tell, .mono = tell, .ctx = &now };
	auto_queue struct queue *queue = queue_new(&clock);

	(void)state;
	assert_null(queue_take(queue));
	queue_add(queue, "a");
	queue_add(queue, "b");
	queue_add(queue, "a");
	assert_int_equal(queue_length(queue), 2);
	const char *a = queue_take(queue);
	assert_string_equal(a, "a");
	queue_add(queue, "a"); /* a change while it runs */
	queue_add(queue, "a");
	assert_string_equal(queue_take(queue), "b");
	assert_null(queue_take(queue));
	queue_done(queue, a);
	assert_string_equal(queue_take(queue), "a");
	queue_done(queue, "a");
	queue_done(queue, "b");
	assert_null(queue_take(queue));
	assert_true(queue_due(queue) == INT64_MAX);
}

static void doubles_the_wait_of_a_key_that_fails(void **state)
{
	int64_t now = 0;
	struct clock clock = { .wall = tell, .mono = tell, .ctx = &now };
	auto_queue struct queue *queue = queue_new(&clock);
	int64_t wait = 5000;

	(void)state;
	for (unsigned i = 0; i < 25; i++) {
		queue_retry(queue, "a", 0);
		assert_true(queue_due(queue) == now + wait);
		assert_int_equal(queue_failures(queue, "a"), i + 1);
		now += wait - 1;
		assert_null(queue_take(queue));
		now += 1;
		assert_string_equal(queue_take(queue), "a");
		queue_done(queue, "a");
		wait = wait * 2 < 1000 * CLOCK_SECOND ? wait * 2 : 1000 * CLOCK_SECOND;
	}
	queue_forget(queue, "a");
	assert_int_equal(queue_failures(queue, "a"), 0);
	queue_retry(queue, "a", 0);
	assert_true(queue_due(queue) == now + 5000);
}

static void waits_at_least_as_long_as_the_server_asked(void **state)
{
	int64_t now = 0;
	struct clock clock = { .wall = tell, .mono = tell, .ctx = &now };
	auto_queue struct queue *queue = queue_new(&clock);

	(void)state;
	queue_retry(queue, "a", 3 * CLOCK_SECOND);
	assert_true(queue_due(queue) == 3 * CLOCK_SECOND);
}

static void shares_a_bucket_among_all_keys(void **state)
{
	int64_t now = 0;
	struct clock clock = { .wall = tell, .mono = tell, .ctx = &now };
	auto_queue struct queue *queue = queue_new(&clock);
	char key[16];
	size_t soon = 0;

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		queue_retry(queue, key, 0);
	}
	now = 5000;
	while (queue_take(queue))
		soon++;
	assert_int_equal(soon, 100);
	now = 5 * CLOCK_SECOND;
	while (queue_take(queue))
		soon++;
	assert_int_equal(soon, 150);
}

static void keeps_the_earlier_of_two_delays(void **state)
{
	int64_t now = 0;
	struct clock clock = { .wall = tell, .mono = tell, .ctx = &now };
	auto_queue struct queue *queue = queue_new(&clock);

	(void)state;
	queue_add_after(queue, "a", 100);
	queue_add_after(queue, "a", 200);
	assert_true(queue_due(queue) == 100);
	queue_add_after(queue, "a", 50);
	assert_true(queue_due(queue) == 50);
	now = 50;
	assert_string_equal(queue_take(queue), "a");
	queue_add_after(queue, "b", 0);
	assert_string_equal(queue_take(queue), "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_once_and_never_runs_twice_at_a_time),
		cmocka_unit_test(doubles_the_wait_of_a_key_that_fails),
		cmocka_unit_test(waits_at_least_as_long_as_the_server_asked),
		cmocka_unit_test(shares_a_bucket_among_all_keys),
		cmocka_unit_test(keeps_the_earlier_of_two_delays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
