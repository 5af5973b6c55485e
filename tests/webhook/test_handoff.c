/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/handoff.h"

#include "crypto/init.h"
#include "tests/webhook/asks.h"

#define ROUNDS 2000

static void gives_each_thing_once_and_the_newest(void **state)
{
	struct handoff handoff;
	auto_catalog struct catalog *one = catalog_of(NULL, NULL), *two = catalog_of(NULL, NULL);
	auto_secret struct secret key = SECRET_NONE, got = SECRET_NONE;
	auto_buf struct buf cert = BUF_MAX(65536);

	(void)state;
	handoff_init(&handoff);
	assert_null(handoff_take_catalog(&handoff));
	assert_false(handoff_take_cert(&handoff, &cert, &got));
	handoff_give_catalog(&handoff, one);
	handoff_give_catalog(&handoff, two);
	auto_catalog struct catalog *taken = handoff_take_catalog(&handoff);
	assert_ptr_equal(taken, two);
	assert_null(handoff_take_catalog(&handoff));
	auto_policy_set struct policy_set *old = policies_of(NULL, NULL), *new = policies_of(NULL, NULL);
	assert_null(handoff_take_policies(&handoff));
	handoff_give_policies(&handoff, old);
	handoff_give_policies(&handoff, new);
	auto_policy_set struct policy_set *set = handoff_take_policies(&handoff);
	assert_ptr_equal(set, new);
	assert_null(handoff_take_policies(&handoff));
	handoff_give_policies(&handoff, old);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(secret_from_span(&key, span_of(i ? "second" : "first"), NULL), 0);
		handoff_give_cert(&handoff, span_of(i ? "cert 2" : "cert 1"), &key);
		assert_int_equal(key.len, 0);
	}
	buf_puts(&cert, "what was there");
	assert_true(handoff_take_cert(&handoff, &cert, &got));
	assert_string_equal(buf_text(&cert), "cert 2");
	assert_true(span_is(secret_span(&got), "second"));
	assert_false(handoff_take_cert(&handoff, &cert, &got));
	handoff_clear(&handoff);
}

static void tells_what_is_served_counted_and_failed(void **state)
{
	struct handoff handoff;
	char serving[65];

	(void)state;
	handoff_init(&handoff);
	handoff_serving(&handoff, serving);
	assert_string_equal(serving, "");
	handoff_tell_serving(&handoff, "ab12");
	handoff_serving(&handoff, serving);
	assert_string_equal(serving, "ab12");
	handoff_tell_counts(&handoff, (struct follow_counts){ .events = 7, .errors = 1 });
	assert_int_equal(handoff_counts(&handoff).events, 7);
	assert_int_equal(handoff_counts(&handoff).errors, 1);
	assert_false(handoff_failed(&handoff));
	handoff_tell_failed(&handoff);
	assert_true(handoff_failed(&handoff));
	handoff_clear(&handoff);
}

/* The follower's side: certificate and key always carry the same number. */
static void *give(void *ctx)
{
	struct handoff *handoff = ctx;
	auto_catalog struct catalog *catalog = catalog_of(NULL, NULL);
	auto_policy_set struct policy_set *policies = policies_of(NULL, NULL);

	for (int i = 0; i < ROUNDS; i++) {
		auto_secret struct secret key = SECRET_NONE;
		char text[32], serving[65];
		snprintf(text, sizeof(text), "%d", i);
		if (secret_from_span(&key, span_of(text), NULL) < 0)
			abort();
		handoff_give_cert(handoff, span_of(text), &key);
		handoff_give_policies(handoff, policies);
		handoff_give_catalog(handoff, catalog);
		handoff_tell_counts(handoff,
				(struct follow_counts){ .events = (uint64_t)i, .relists = (uint64_t)i });
		handoff_serving(handoff, serving);
	}
	handoff_tell_failed(handoff);
	return NULL;
}

static void two_threads_never_see_halves(void **state)
{
	struct handoff handoff;
	pthread_t thread;
	auto_secret struct secret key = SECRET_NONE;
	auto_buf struct buf cert = BUF_MAX(65536);
	long last = -1;
	bool over = false;

	(void)state;
	handoff_init(&handoff);
	assert_int_equal(pthread_create(&thread, NULL, give, &handoff), 0);
	while (!over) {
		over = handoff_failed(&handoff);
		catalog_unref(handoff_take_catalog(&handoff));
		policy_set_unref(handoff_take_policies(&handoff));
		if (handoff_take_cert(&handoff, &cert, &key)) {
			assert_true(span_eq(buf_span(&cert), secret_span(&key)));
			long now = strtol(buf_text(&cert), NULL, 10);
			assert_true(now > last);
			last = now;
			handoff_tell_serving(&handoff, buf_text(&cert));
		}
		struct follow_counts counts = handoff_counts(&handoff);
		assert_int_equal(counts.events, counts.relists);
	}
	pthread_join(thread, NULL);
	assert_int_equal(last, ROUNDS - 1);
	handoff_clear(&handoff);
}

static int setup(void **state)
{
	(void)state;
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_thing_once_and_the_newest),
		cmocka_unit_test(tells_what_is_served_counted_and_failed),
		cmocka_unit_test(two_threads_never_see_halves),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
