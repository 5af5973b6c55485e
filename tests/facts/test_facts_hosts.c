/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/facts/rig.h"

#include "policy/registry.h"

#define IMAGE  "registry.example/shop/app@" DIGEST
#define TAGGED "registry.example/shop/app:1"

/* ---- hosts ---- */

static void a_registry_that_asks_for_patience_is_not_asked(void **state)
{
	const struct image_want first = rig_want("a.example/app:1"), second = rig_want("a.example/app:2"),
				other = rig_want("b.example/app:1");

	(void)state;
	rig_open();
	rig_fails(ERR_RETRY, 5);
	facts_fetch(rig.facts, &first, 0, rig_done, NULL);
	while (facts_counts(rig.facts).throttled < 1)
		sched_yield();
	rig_fails(ERR_OK, 0);
	facts_fetch(rig.facts, &second, 0, rig_done, NULL);
	rig_ask(&other, 0);
	assert_int_equal(rig_find(&other, 0), FACTS_KNOWN);
	assert_int_equal(rig.fetches, 2);
	assert_int_equal(facts_counts(rig.facts).waiting, 2);
	rig_later(5 * SECOND);
	rig_wait(&rig.done, 2);
	assert_int_equal(rig_find(&first, 0), FACTS_KNOWN);
	assert_int_equal(rig_find(&second, 0), FACTS_KNOWN);
}

static void a_signature_store_that_asks_for_patience_is_no_registry(void **state)
{
	const struct image_want first = rig_want("a.example/app:1"), second = rig_want("a.example/app:2");
	struct image_facts *facts = NULL;
	struct err why = ERR_NONE;

	(void)state;
	rig_open();
	/* as lookaside.c says it */
	rig_fails(ERR_IO, 30);
	rig_ask(&first, 0);
	rig_fails(ERR_OK, 0);
	rig_ask(&second, 0);
	assert_int_equal(rig_find(&second, 0), FACTS_KNOWN);
	/* who needs it has its time */
	rig_later(29 * SECOND);
	assert_int_equal(facts_find(rig.facts, &first, 0, &facts, &why), FACTS_FAILURE);
	assert_int_equal(why.retry_after, 30);
	assert_int_equal(rig.fetches, 2);
}

static void who_would_wait_too_long_is_told_at_once(void **state)
{
	const struct image_want first = rig_want("a.example/app:1"), second = rig_want("a.example/app:2"),
				third = rig_want("a.example/app:3");
	struct image_facts *facts = NULL;
	struct err why = ERR_NONE;

	(void)state;
	rig.gated = true;
	rig.options.per_host = 1;
	rig_open();
	rig_fails(ERR_RETRY, 3600);
	facts_fetch(rig.facts, &first, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	facts_fetch(rig.facts, &second, 0, rig_done, NULL);
	rig_pass(1);
	rig_wait(&rig.done, 1);
	assert_int_equal(facts_find(rig.facts, &first, 0, &facts, &why), FACTS_FAILURE);
	assert_int_equal(why.retry_after, 3600);
	/* so is who has waited already */
	rig_wait(&rig.done, 1);
	rig_ask(&third, 0);
	assert_int_equal(facts_find(rig.facts, &third, 0, &facts, &why), FACTS_FAILURE);
	assert_int_equal(why.kind, ERR_RETRY);
	assert_string_equal(why.text, "the registry 'a.example' has asked for patience, for 60 s more");
	assert_int_equal(rig.fetches, 1);
	/* a failure lasts no longer than a minute */
	rig_fails(ERR_OK, 0);
	rig_pass(1);
	rig_later(60 * SECOND);
	rig_ask(&first, 0);
	assert_int_equal(rig_find(&first, 0), FACTS_KNOWN);
}

static void a_registry_has_so_many_turns_and_delays_no_other(void **state)
{
	char text[64];

	(void)state;
	rig.gated = true;
	rig.options.threads = 4;
	rig.options.per_host = 2;
	rig_open();
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "slow.example/app:%d", i);
		const struct image_want want = rig_want(text);
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	}
	rig_wait(&rig.arrived, 2);
	const struct image_want other = rig_want("fast.example/app:1");
	facts_fetch(rig.facts, &other, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	assert_int_equal(rig.fetches, 3);
	assert_int_equal(facts_counts(rig.facts).waiting, 18);
	rig_pass(21);
	rig_wait(&rig.done, 21);
	assert_true(rig.most_at_once <= 4);
}

static void hosts_that_nobody_named_leave_half_of_the_threads(void **state)
{
	struct registry_settings named = { .host = "named.example", .identity = { 7 } };
	char text[64];

	(void)state;
	rig.gated = true;
	rig.options.threads = 4;
	rig.options.guard = true;
	rig_open();
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "host%d.example/app:1", i);
		const struct image_want want = rig_want(text);
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	}
	rig_wait(&rig.arrived, 2);
	struct image_want want = rig_want("named.example/app:1");
	want.registry = &named;
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	assert_int_equal(rig.fetches, 3);
	rig_pass(11);
	rig_wait(&rig.done, 11);
}

static void hosts_that_nobody_named_leave_half_of_the_room(void **state)
{
	struct registry_settings named = { .host = "named.example", .identity = { 7 } };
	char text[64];

	(void)state;
	rig.gated = true;
	rig.options.threads = 2;
	rig.options.guard = true;
	rig_open();
	for (int i = 0; i < FACTS_WAITING / 2 + 20; i++) {
		snprintf(text, sizeof(text), "host%d.example/app:%d", i % 3, i);
		const struct image_want want = rig_want(text);
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
		if (!i)
			rig_wait(&rig.arrived, 1);
	}
	/* one runs */
	rig_wait(&rig.done, 19);
	assert_int_equal(facts_counts(rig.facts).waiting, FACTS_WAITING / 2);
	struct image_want want = rig_want("named.example/app:1");
	want.registry = &named;
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	rig_later(FACTS_FETCH_MAX);
	rig_pass(2);
	rig_wait(&rig.done, FACTS_WAITING / 2 + 2);
	assert_int_equal(rig.fetches, 2);
}

static void a_mirror_that_fails_is_passed_over(void **state)
{
	struct registry_settings settings = { .host = "registry.example",
		.identity = { 3 },
		.mirrors = { { .location = "one.example/cache" }, { .location = "two.example" } },
		.mirror_count = 2 };
	struct image_want want = rig_want(TAGGED);

	(void)state;
	rig.gated = true;
	rig_open();
	want.registry = &settings;
	rig_fails(ERR_NOT_FOUND, 0);
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	rig_pass(1);
	rig_wait(&rig.arrived, 1);
	assert_string_equal(rig.host, "one.example");
	rig_pass(1);
	rig_wait(&rig.arrived, 1);
	assert_string_equal(rig.host, "two.example");
	rig_fails(ERR_OK, 0);
	rig_pass(1);
	rig_wait(&rig.done, 1);
	assert_string_equal(rig.host, "registry.example");
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
}

static void who_waits_for_a_mirror_that_asks_for_patience_goes_on(void **state)
{
	struct registry_settings settings = { .host = "registry.example",
		.identity = { 3 },
		.mirrors = { { .location = "one.example" } },
		.mirror_count = 1 };
	char text[64];

	(void)state;
	rig.gated = true;
	rig.options.per_host = 1;
	rig_open();
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "registry.example/app:%d", i);
		struct image_want want = rig_want(text);
		want.registry = &settings;
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	}
	rig_wait(&rig.arrived, 1);
	rig_fails(ERR_RETRY, 60);
	rig_pass(1);
	rig_wait(&rig.arrived, 1);
	rig_fails(ERR_OK, 0);
	rig_pass(3);
	rig_wait(&rig.done, 3);
	assert_string_equal(rig.host, "registry.example");
	assert_int_equal(rig.fetches, 4);
	assert_int_equal(facts_counts(rig.facts).failures, 0);
}

/* ---- bounds ---- */

static void the_least_recently_used_goes_and_the_ceiling_holds(void **state)
{
	char text[128];

	(void)state;
	rig.payload = 50000;
	rig_open();
	const struct image_want first = rig_want(IMAGE);
	rig_ask(&first, 0);
	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "registry.example/shop/app@sha256:%064x", (unsigned)i);
		const struct image_want want = rig_want(text);
		rig_ask(&want, 0);
		/* stays, as it is used */
		assert_int_equal(rig_find(&first, 0), FACTS_KNOWN);
		assert_true(facts_counts(rig.facts).bytes <= FACTS_BYTES_MIN);
	}
	struct facts_counts counts = facts_counts(rig.facts);
	assert_int_equal(counts.images + counts.evicted, 61);
	assert_true(counts.images > 10);
	const struct image_want gone =
			rig_want("registry.example/shop/app@sha256:"
				 "0000000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(rig_find(&gone, 0), FACTS_ABSENT);
}

static void failures_push_out_no_facts(void **state)
{
	const struct image_want first = rig_want(IMAGE);
	char text[128];

	(void)state;
	rig_open();
	rig_ask(&first, 0);
	rig_fails(ERR_NOT_FOUND, 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "registry.example/none/app:%d", i);
		const struct image_want want = rig_want(text);
		rig_ask(&want, 0);
	}
	assert_true(facts_counts(rig.facts).bytes < FACTS_BYTES_MIN / CACHE_FAILURES + 16384);
	assert_int_equal(rig_find(&first, 0), FACTS_KNOWN);
}

static void a_queue_that_is_full_says_so(void **state)
{
	struct image_facts *facts = NULL;
	struct err why = ERR_NONE;
	char text[128];

	(void)state;
	rig.gated = true;
	rig.options.threads = 1;
	rig_open();
	for (int i = 0; i < FACTS_WAITING / 2 + 1; i++) {
		snprintf(text, sizeof(text), "slow.example/app:%d", i);
		const struct image_want want = rig_want(text);
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
		if (!i)
			rig_wait(&rig.arrived, 1);
	}
	const struct image_want surplus = rig_want("slow.example/app:surplus");
	rig_ask(&surplus, 0);
	assert_int_equal(facts_find(rig.facts, &surplus, 0, &facts, &why), FACTS_FAILURE);
	assert_int_equal(why.kind, ERR_RETRY);
	assert_non_null(strstr(why.text, "too many images wait"));
	assert_int_equal(facts_get(rig.facts, &surplus, &facts, &why), -1);
	/* another host has its own half */
	const struct image_want other = rig_want("fast.example/app:1");
	facts_fetch(rig.facts, &other, 0, rig_done, NULL);
	assert_int_equal(facts_counts(rig.facts).waiting, FACTS_WAITING / 2 + 1);
	/* those that wait in vain are told */
	rig_later(FACTS_FETCH_MAX);
	rig_pass(1);
	rig_wait(&rig.done, FACTS_WAITING / 2 + 2);
	assert_int_equal(rig_find(&other, 0), FACTS_FAILURE);
}

/* ---- everything at once ---- */

struct busy {
	pthread_t thread;
	unsigned seed;
	atomic_int *outstanding;
};

static void count_down(void *ctx)
{
	(*(atomic_int *)ctx)--;
}

static void be_busy_once(struct busy *busy, unsigned turn)
{
	static const char *const stores[] = { "https://a.example", "https://b.example" };
	unsigned number = (busy->seed + turn) * 2654435761U;
	auto_image_facts struct image_facts *facts = NULL;
	char text[64];

	snprintf(text, sizeof(text), "host%u.example/app:%u", number >> 8 & 3, number >> 16 & 31);
	struct image_want want = rig_want(text);
	want.namespace = number & 1 ? "team-a" : "team-b";
	want.looks = number >> 1 & 7;
	want.lookasides = stores;
	want.lookaside_count = number >> 4 & 1;
	if (turn % 50 == 0)
		rig_fails(turn % 100 ? ERR_OK : ERR_NOT_FOUND, 0);
	if (turn % 10 == 0)
		rig_later(SECOND);
	(void)facts_find(rig.facts, &want, (number >> 5 & 3) * SECOND, &facts, NULL);
	(*busy->outstanding)++;
	facts_fetch(rig.facts, &want, (number >> 5 & 3) * SECOND, count_down, busy->outstanding);
}

static void *be_busy(void *arg)
{
	for (unsigned turn = 0; turn < 500; turn++)
		be_busy_once(arg, turn);
	return NULL;
}

static void threads_that_do_everything_at_once_are_all_answered(void **state)
{
	static struct busy busy[6];
	static atomic_int outstanding;

	(void)state;
	rig.payload = 20000;
	rig_open();
	for (unsigned i = 0; i < 6; i++) {
		busy[i] = (struct busy){ .seed = i * 1000, .outstanding = &outstanding };
		assert_int_equal(pthread_create(&busy[i].thread, NULL, be_busy, &busy[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++)
		pthread_join(busy[i].thread, NULL);
	assert_true(facts_counts(rig.facts).bytes <= FACTS_BYTES_MIN);
	facts_free(rig.facts);
	rig.facts = NULL;
	assert_int_equal(outstanding, 0);
}

static void the_end_fails_what_waits(void **state)
{
	const struct image_want first = rig_want("a.example/app:1"), second = rig_want("a.example/app:2");

	(void)state;
	rig.gated = true;
	rig.options.per_host = 1;
	rig_open();
	facts_fetch(rig.facts, &first, 0, rig_done, NULL);
	facts_fetch(rig.facts, &second, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	/* the second may have begun before the end */
	rig_pass(2);
	facts_free(rig.facts);
	rig.facts = NULL;
	rig_wait(&rig.done, 2);
	assert_int_equal(sem_trywait(&rig.done), -1);
}

static void refuses_options_that_cannot_work(void **state)
{
	static const struct {
		unsigned threads, per_host;
		size_t max_bytes;
	} cases[] = {
		{ 0, 1, FACTS_BYTES_MIN },
		{ FACTS_THREADS + 1, 1, FACTS_BYTES_MIN },
		{ 1, 0, FACTS_BYTES_MIN },
		{ 1, 1, FACTS_BYTES_MIN - 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		rig.options.threads = cases[i].threads;
		rig.options.per_host = cases[i].per_host;
		rig.options.max_bytes = cases[i].max_bytes;
		assert_int_equal(facts_new(&rig.options, &rig.facts, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_registry_that_asks_for_patience_is_not_asked),
		TEST(a_signature_store_that_asks_for_patience_is_no_registry),
		TEST(who_would_wait_too_long_is_told_at_once),
		TEST(a_registry_has_so_many_turns_and_delays_no_other),
		TEST(hosts_that_nobody_named_leave_half_of_the_threads),
		TEST(hosts_that_nobody_named_leave_half_of_the_room),
		TEST(a_mirror_that_fails_is_passed_over),
		TEST(who_waits_for_a_mirror_that_asks_for_patience_goes_on),
		TEST(the_least_recently_used_goes_and_the_ceiling_holds),
		TEST(failures_push_out_no_facts),
		TEST(a_queue_that_is_full_says_so),
		TEST(threads_that_do_everything_at_once_are_all_answered),
		TEST(the_end_fails_what_waits),
		TEST(refuses_options_that_cannot_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
