/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/facts/rig.h"

#include "policy/registry.h"

#define IMAGE  "registry.example/shop/app@" DIGEST
#define TAGGED "registry.example/shop/app:1"

/* ---- what is kept ---- */

static void fetches_once_what_is_asked_for_twice(void **state)
{
	const struct image_want want = rig_want(IMAGE);

	(void)state;
	rig_open();
	assert_int_equal(rig_find(&want, 0), FACTS_ABSENT);
	rig_ask(&want, 0);
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
	rig_ask(&want, 0);
	assert_int_equal(rig.fetches, 1);
	assert_int_equal(facts_counts(rig.facts).images, 1);
}

static void sixty_four_who_ask_share_one_fetch(void **state)
{
	const struct image_want want = rig_want(TAGGED);

	(void)state;
	rig.gated = true;
	rig_open();
	for (int i = 0; i < 64; i++)
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	for (int i = 0; i < 64; i++)
		facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_pass(1);
	rig_wait(&rig.done, 128);
	assert_int_equal(rig.fetches, 1);
	assert_int_equal(facts_counts(rig.facts).shared, 127);
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
}

struct getter {
	pthread_t thread;
	struct image_want want;
	bool good;
};

static void *get(void *arg)
{
	struct getter *getter = arg;
	auto_image_facts struct image_facts *facts = NULL;

	getter->good = facts_get(rig.facts, &getter->want, &facts, NULL) == 0 &&
			!strcmp(facts->digest, DIGEST);
	return NULL;
}

static void threads_that_wait_share_one_fetch(void **state)
{
	static struct getter getters[64];

	(void)state;
	rig_open();
	for (size_t i = 0; i < 64; i++) {
		getters[i] = (struct getter){ .want = rig_want(TAGGED) };
		assert_int_equal(pthread_create(&getters[i].thread, NULL, get, &getters[i]), 0);
	}
	for (size_t i = 0; i < 64; i++) {
		pthread_join(getters[i].thread, NULL);
		assert_true(getters[i].good);
	}
	assert_int_equal(rig.fetches, 1);
}

static void looks_for_what_was_not_looked_for_and_keeps_the_rest(void **state)
{
	static const char *const stores[] = { "https://a.example", "https://b.example" };
	struct image_want want = rig_want(IMAGE);

	(void)state;
	rig_open();
	want.looks = IMAGE_LOOKED_TAG;
	rig_ask(&want, 0);
	want.looks = IMAGE_LOOKED_SIMPLE;
	want.lookasides = stores;
	want.lookaside_count = 1;
	assert_int_equal(rig_find(&want, 0), FACTS_ABSENT);
	rig_ask(&want, 0);
	assert_int_equal(rig.asked.looks, IMAGE_LOOKED_TAG | IMAGE_LOOKED_SIMPLE);
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
	want.lookasides = stores + 1;
	assert_int_equal(rig_find(&want, 0), FACTS_ABSENT);
	rig_ask(&want, 0);
	assert_int_equal(rig.stores, 2);
	want.lookasides = stores;
	want.lookaside_count = 2;
	want.looks = IMAGE_LOOKED_TAG | IMAGE_LOOKED_SIMPLE;
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
	assert_int_equal(rig.fetches, 3);
	assert_int_equal(facts_counts(rig.facts).images, 1);
}

static void what_only_others_looked_for_may_fail(void **state)
{
	static const char *const stores[] = { "https://a.example" };
	struct image_want want = rig_want(IMAGE);

	(void)state;
	rig_open();
	want.looks = IMAGE_LOOKED_TAG | IMAGE_LOOKED_SIMPLE;
	want.lookasides = stores;
	want.lookaside_count = 1;
	rig_ask(&want, 0);
	rig.poison = IMAGE_LOOKED_SIMPLE;
	rig_later(2 * SECOND);
	rig_ask(&want, SECOND);
	assert_int_equal(rig_find(&want, SECOND), FACTS_OLD);
	want.looks = IMAGE_LOOKED_TAG;
	want.lookaside_count = 0;
	rig_later(FACTS_FAILED);
	rig_ask(&want, SECOND);
	assert_int_equal(rig_find(&want, SECOND), FACTS_KNOWN);
	assert_int_equal(rig.asked.looks, IMAGE_LOOKED_TAG);
	assert_int_equal(rig.stores, 0);
	assert_int_equal(rig.fetches, 4);
}

static void other_settings_of_the_registry_are_another_image(void **state)
{
	struct registry_settings settings = { .host = "registry.example", .identity = { 1 } };
	struct image_want want = rig_want(IMAGE);

	(void)state;
	rig_open();
	rig_ask(&want, 0);
	want.registry = &settings;
	assert_int_equal(rig_find(&want, 0), FACTS_ABSENT);
	rig_ask(&want, 0);
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
	settings.identity[31] = 1;
	assert_int_equal(rig_find(&want, 0), FACTS_ABSENT);
	assert_int_equal(rig.fetches, 2);
}

/* ---- time ---- */

static void a_tag_is_asked_for_again_and_its_image_is_not(void **state)
{
	const struct image_want tag = rig_want(TAGGED), image = rig_want(IMAGE);

	(void)state;
	rig_open();
	rig_ask(&tag, 0);
	assert_int_equal(rig_find(&image, 0), FACTS_KNOWN);
	rig_later(FACTS_TAG);
	assert_int_equal(rig_find(&tag, 0), FACTS_KNOWN);
	rig_later(1);
	assert_int_equal(rig_find(&tag, 0), FACTS_ABSENT);
	assert_int_equal(rig_find(&image, 0), FACTS_KNOWN);
	rig_ask(&tag, 0);
	assert_int_equal(rig_find(&tag, 0), FACTS_KNOWN);
	assert_int_equal(facts_counts(rig.facts).images, 1);
}

static void a_tag_that_moved_means_another_image(void **state)
{
	const struct image_want want = rig_want(TAGGED);
	auto_image_facts struct image_facts *facts = NULL;

	(void)state;
	rig_open();
	rig_ask(&want, 0);
	rig.digest[7] = 'f';
	rig_later(FACTS_TAG + 1);
	rig_ask(&want, 0);
	assert_int_equal(facts_find(rig.facts, &want, 0, &facts, NULL), FACTS_KNOWN);
	assert_string_equal(facts->digest, rig.digest);
	assert_int_equal(facts_counts(rig.facts).images, 2);
}

static void younger_facts_are_fetched_where_they_are_asked_for(void **state)
{
	const struct image_want want = rig_want(IMAGE);

	(void)state;
	rig_open();
	rig_ask(&want, 0);
	rig_later(4 * SECOND);
	assert_int_equal(rig_find(&want, 5 * SECOND), FACTS_KNOWN);
	assert_int_equal(rig_find(&want, 3 * SECOND), FACTS_OLD);
	rig_ask(&want, 5 * SECOND);
	assert_int_equal(rig.fetches, 1);
	rig_ask(&want, 3 * SECOND);
	assert_int_equal(rig.fetches, 2);
	assert_int_equal(rig_find(&want, 3 * SECOND), FACTS_KNOWN);
}

static void a_fetch_that_began_too_early_is_not_shared(void **state)
{
	const struct image_want want = rig_want(IMAGE);

	(void)state;
	rig.gated = true;
	rig_open();
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	rig_later(4 * SECOND);
	facts_fetch(rig.facts, &want, 3 * SECOND, rig_done, NULL);
	rig_pass(1);
	rig_wait(&rig.done, 1);
	assert_int_equal(rig_find(&want, 3 * SECOND), FACTS_OLD);
	rig_wait(&rig.arrived, 1);
	rig_pass(1);
	rig_wait(&rig.done, 1);
	assert_int_equal(rig_find(&want, 3 * SECOND), FACTS_KNOWN);
	assert_int_equal(rig.most_at_once, 1);
}

static void old_facts_are_given_and_read_again_behind_the_caller(void **state)
{
	const struct image_want want = rig_want(IMAGE);

	(void)state;
	rig.gated = true;
	rig_open();
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_pass(1);
	rig_wait(&rig.done, 1);
	rig_wait(&rig.arrived, 1);
	rig_later(FACTS_FRESH + 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rig_find(&want, 0), FACTS_OLD);
	rig_wait(&rig.arrived, 1);
	/* who asks joins */
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	rig_pass(1);
	rig_wait(&rig.done, 1);
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
	assert_int_equal(rig.fetches, 2);
}

static void old_facts_stay_when_the_registry_fails(void **state)
{
	const struct image_want want = rig_want(IMAGE);

	(void)state;
	rig_open();
	rig_ask(&want, 0);
	rig_later(FACTS_FRESH + 1);
	rig_fails(ERR_DENIED, 0);
	rig_ask(&want, 0);
	assert_int_equal(rig_find(&want, 0), FACTS_OLD);
	rig_later(FACTS_FAILED);
	assert_int_equal(rig_find(&want, 0), FACTS_OLD);
}

/* ---- failures ---- */

static void a_failure_is_kept_for_seconds(void **state)
{
	const struct image_want want = rig_want(TAGGED);
	struct image_facts *facts = NULL;
	struct err why = ERR_NONE;

	(void)state;
	rig_open();
	rig_fails(ERR_NOT_FOUND, 0);
	rig_ask(&want, 0);
	rig_fails(ERR_OK, 0);
	assert_int_equal(facts_find(rig.facts, &want, 0, &facts, &why), FACTS_FAILURE);
	assert_int_equal(why.kind, ERR_NOT_FOUND);
	assert_string_equal(why.text, "the registry says no");
	rig_ask(&want, 0);
	assert_int_equal(rig.fetches, 1);
	rig_later(FACTS_FAILED - 1);
	assert_int_equal(rig_find(&want, 0), FACTS_FAILURE);
	rig_later(1);
	assert_int_equal(rig_find(&want, 0), FACTS_ABSENT);
	rig_ask(&want, 0);
	assert_int_equal(rig_find(&want, 0), FACTS_KNOWN);
}

static void a_failure_is_that_of_its_credentials(void **state)
{
	static const char *const secrets[] = { "regcred", "other" };
	const struct image_want first = rig_want(TAGGED);
	struct image_want others[4] = { first, first, first, first };

	(void)state;
	others[0].namespace = "team-b";
	others[1].service_account = "builder";
	others[2].pull_secrets = secrets;
	others[2].pull_secret_count = 1;
	others[3].pull_secrets = secrets;
	others[3].pull_secret_count = 2;
	rig_open();
	rig_fails(ERR_AUTH, 0);
	rig_ask(&first, 0);
	assert_int_equal(rig_find(&first, 0), FACTS_FAILURE);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(rig_find(&others[i], 0), FACTS_ABSENT);
		rig_ask(&others[i], 0);
		assert_int_equal(rig_find(&others[i], 0), FACTS_FAILURE);
	}
	assert_int_equal(rig.fetches, 5);
	rig_fails(ERR_OK, 0);
	rig_later(FACTS_FAILED);
	rig_ask(&others[0], 0);
	/* what one of them may read is known to all */
	assert_int_equal(rig_find(&first, 0), FACTS_KNOWN);
}

static void what_other_credentials_brought_is_not_fetched_again(void **state)
{
	const struct image_want first = rig_want(TAGGED);
	struct image_want second = first;

	(void)state;
	second.namespace = "team-b";
	rig.gated = true;
	rig_open();
	facts_fetch(rig.facts, &first, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	facts_fetch(rig.facts, &second, 0, rig_done, NULL);
	rig_pass(1);
	rig_wait(&rig.done, 2);
	assert_int_equal(rig.fetches, 1);
	assert_int_equal(rig_find(&second, 0), FACTS_KNOWN);
}

static void a_tag_is_no_younger_for_who_waited(void **state)
{
	const struct image_want first = rig_want(TAGGED);
	struct image_want second = first;

	(void)state;
	second.namespace = "team-b";
	rig.gated = true;
	rig_open();
	facts_fetch(rig.facts, &first, 0, rig_done, NULL);
	rig_wait(&rig.arrived, 1);
	facts_fetch(rig.facts, &second, 0, rig_done, NULL);
	/* the second finds what the first has brought, by a tag that was asked for before */
	rig_later(FACTS_TAG - SECOND);
	rig_pass(1);
	rig_wait(&rig.done, 2);
	assert_int_equal(rig_find(&second, 0), FACTS_KNOWN);
	rig_later(2 * SECOND);
	assert_int_equal(rig_find(&second, 0), FACTS_ABSENT);
	assert_int_equal(rig.fetches, 1);
}

static void what_passes_is_tried_three_times(void **state)
{
	const struct image_want want = rig_want(TAGGED);

	(void)state;
	rig.gated = true;
	rig_open();
	rig_fails(ERR_IO, 0);
	facts_fetch(rig.facts, &want, 0, rig_done, NULL);
	for (int i = 0; i < FLIGHT_TRIES; i++) {
		rig_wait(&rig.arrived, 1);
		rig_pass(1);
		/* until it waits for the next try, or is over */
		while (facts_counts(rig.facts).running)
			sched_yield();
		if (i + 1 < FLIGHT_TRIES) {
			struct err why = ERR_NONE;
			struct image_facts *facts = NULL;
			assert_int_equal(facts_find(rig.facts, &want, 0, &facts, &why), FACTS_ABSENT);
			assert_int_equal(why.kind, ERR_RETRY);
			assert_string_equal(why.text, rig.failure.text);
		}
		rig_later(FLIGHT_PAUSE << i);
	}
	rig_wait(&rig.done, 1);
	assert_int_equal(rig.fetches, FLIGHT_TRIES);
	assert_int_equal(rig_find(&want, 0), FACTS_FAILURE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fetches_once_what_is_asked_for_twice),
		TEST(sixty_four_who_ask_share_one_fetch),
		TEST(threads_that_wait_share_one_fetch),
		TEST(looks_for_what_was_not_looked_for_and_keeps_the_rest),
		TEST(what_only_others_looked_for_may_fail),
		TEST(other_settings_of_the_registry_are_another_image),
		TEST(a_tag_is_asked_for_again_and_its_image_is_not),
		TEST(a_tag_that_moved_means_another_image),
		TEST(younger_facts_are_fetched_where_they_are_asked_for),
		TEST(a_fetch_that_began_too_early_is_not_shared),
		TEST(old_facts_are_given_and_read_again_behind_the_caller),
		TEST(old_facts_stay_when_the_registry_fails),
		TEST(a_failure_is_kept_for_seconds),
		TEST(a_failure_is_that_of_its_credentials),
		TEST(what_other_credentials_brought_is_not_fetched_again),
		TEST(a_tag_is_no_younger_for_who_waited),
		TEST(what_passes_is_tried_three_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
