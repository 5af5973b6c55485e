/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

struct run {
	struct timers timers;
	struct timer timer[200];
	int64_t last;
	size_t ran;
};

static struct run *current;

static void ran(void *ctx)
{
	struct timer *timer = ctx;

	assert_true(timer->at >= current->last);
	assert_false(timer_is_set(timer));
	current->last = timer->at;
	current->ran++;
}

static void runs_in_order_of_time_whatever_was_moved_and_stopped(void **state)
{
	struct run run = { .timers = TIMERS_NONE };
	unsigned seed = 7;

	(void)state;
	current = &run;
	for (size_t i = 0; i < 200; i++) {
		run.timer[i] = (struct timer){ .fn = ran, .ctx = &run.timer[i] };
		timer_set(&run.timers, &run.timer[i], rand_r(&seed) % 1000);
	}
	for (size_t i = 0; i < 200; i += 3)
		timer_set(&run.timers, &run.timer[i], rand_r(&seed) % 1000);
	for (size_t i = 0; i < 200; i += 4)
		timer_stop(&run.timers, &run.timer[i]);
	for (int64_t now = 0; now <= 1000; now += 10) {
		timers_run(&run.timers, now);
		assert_true(timers_next(&run.timers) > now);
	}
	assert_int_equal(run.ran, 150);
	assert_true(timers_next(&run.timers) == INT64_MAX);
	timers_clear(&run.timers);
}

static void again(void *ctx)
{
	struct run *run = ctx;

	run->ran++;
	timer_set(&run->timers, &run->timer[0], 0);
}

static void does_not_run_for_ever_what_sets_itself_again(void **state)
{
	struct run run = { .timers = TIMERS_NONE };

	(void)state;
	run.timer[0] = (struct timer){ .fn = again, .ctx = &run };
	timer_set(&run.timers, &run.timer[0], 0);
	timers_run(&run.timers, 5);
	assert_int_equal(run.ran, 1);
	timers_clear(&run.timers);
	assert_false(timer_is_set(&run.timer[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_in_order_of_time_whatever_was_moved_and_stopped),
		cmocka_unit_test(does_not_run_for_ever_what_sets_itself_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
