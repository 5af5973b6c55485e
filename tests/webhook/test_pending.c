/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/pending.h"

#include "tests/webhook/pending_rig.h"

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

static void at_the_deadline_it_is_said_what_the_fetch_has_heard_so_far(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	rig.tries = true;
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	rig.now += 9 * SECOND;
	pending_expire(rig.pending, rig.now);
	assert_int_equal(rig.answers, 1);
	assert_false(admitted(&rig));
	assert_holds(message(&rig),
			"not known yet; the fetch goes on: try again: registry.example: HTTP 429");
	comes(&rig, NULL);
	rig_close(&rig);
}

/* The two reviews of one pod, and those of the next try. */
static void what_did_not_come_is_not_waited_for_as_long_again(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	rig.now += 9 * SECOND;
	pending_expire(rig.pending, rig.now);
	assert_int_equal(rig.answers, 1);
	/* another image of the same registry has its time */
	assert_false(ask(&rig, REVIEW_VALIDATE, "registry.example/shop/other", ""));
	assert_int_equal(pending_next(rig.pending), rig.now + 9 * SECOND);
	comes(&rig, NULL);
	rig.now += 9 * SECOND;
	pending_expire(rig.pending, rig.now);
	assert_int_equal(rig.answers, 2);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_int_equal(pending_next(rig.pending), rig.now + PENDING_PATIENCE);
	rig.now += PENDING_PATIENCE;
	pending_expire(rig.pending, rig.now);
	assert_int_equal(rig.answers, 3);
	assert_false(admitted(&rig));
	assert_holds(message(&rig), "the registry 'registry.example' has not answered within 21 s");
	/* it comes while somebody waits */
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	comes(&rig, facts_of(true, rig.now));
	assert_int_equal(rig.answers, 4);
	assert_true(admitted(&rig));
	/* that was long ago */
	rig.now += PENDING_SILENT;
	image_facts_unref(rig.facts);
	rig.facts = NULL;
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_int_equal(pending_next(rig.pending), rig.now + 9 * SECOND);
	rig_close(&rig);
}

static void who_is_refused_in_any_case_waits_for_the_cause_alone(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, PINNED, 8);
	assert_false(ask(&rig, REVIEW_MUTATE, APP, ""));
	assert_int_equal(pending_next(rig.pending), rig.now + 9 * SECOND);
	comes(&rig, NULL);
	rig.now += 9 * SECOND;
	pending_expire(rig.pending, rig.now);
	assert_int_equal(rig.answers, 1);
	rig_close(&rig);
	/* in another replica */
	rig_open(&rig, PINNED, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_int_equal(pending_next(rig.pending), rig.now + PENDING_PATIENCE);
	rig.now += PENDING_PATIENCE;
	pending_expire(rig.pending, rig.now);
	assert_false(admitted(&rig));
	/* that short a time says nothing of the registry */
	assert_false(ask(&rig, REVIEW_MUTATE, APP, ""));
	assert_int_equal(pending_next(rig.pending), rig.now + 9 * SECOND);
	rig_close(&rig);
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
	rig_open(&rig, POLICY, 3);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(ask(&rig, REVIEW_VALIDATE, "other.example/app", ""));
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, ""));
	assert_false(admitted(&rig));
	assert_holds(message(&rig), "too many reviews wait for registries already: try again");
	assert_int_equal(pending_counts(rig.pending)->crowded, 1);
	comes(&rig, facts_of(true, rig.now));
	assert_int_equal(rig.answers, 3);
	rig_close(&rig);
}

static void one_registry_does_not_take_all_places(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, POLICY, 4);
	assert_false(ask(&rig, REVIEW_VALIDATE, "slow.example/a", ""));
	assert_false(ask(&rig, REVIEW_VALIDATE, "slow.example/b", ""));
	assert_true(ask(&rig, REVIEW_VALIDATE, "slow.example/c", ""));
	assert_holds(message(&rig), "too many reviews wait for registries already");
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	/* at the deadline their places are free again, though the registry still says nothing */
	rig.now += 9 * SECOND;
	pending_expire(rig.pending, rig.now);
	assert_int_equal(rig.answers, 3);
	rig.now = TIME_OF_ARRIVAL;
	assert_false(ask(&rig, REVIEW_VALIDATE, "slow.example/c", ""));
	rig_close(&rig);
}

static void bodies_that_wait_have_a_ceiling_together(void **state)
{
	auto_free char *filler = xcalloc(1, 700000);
	auto_free char *more = NULL;
	struct rig rig;

	(void)state;
	memset(filler, 'x', 699999);
	more = xasprintf(", {name: b, image: '" APP "', workingDir: %s}", filler);
	rig_open(&rig, POLICY, 8);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, more));
	assert_true(ask(&rig, REVIEW_VALIDATE, APP, more));
	assert_int_equal(pending_counts(rig.pending)->crowded, 1);
	assert_false(ask(&rig, REVIEW_VALIDATE, APP, ""));
	comes(&rig, facts_of(true, rig.now));
	assert_int_equal(rig.answers, 2);
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
	assert_holds(message(&rig), "what the tag points at changes with every look");
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_at_once_what_is_known),
		cmocka_unit_test(a_review_waits_until_the_last_of_its_facts_has_come),
		cmocka_unit_test(a_fetch_may_call_back_before_it_returns),
		cmocka_unit_test(at_the_deadline_the_policy_says_what_unknown_means),
		cmocka_unit_test(at_the_deadline_it_is_said_what_the_fetch_has_heard_so_far),
		cmocka_unit_test(what_did_not_come_is_not_waited_for_as_long_again),
		cmocka_unit_test(who_is_refused_in_any_case_waits_for_the_cause_alone),
		cmocka_unit_test(nobody_is_refused_by_old_facts),
		cmocka_unit_test(a_failure_is_unknown_and_counted_by_its_kind),
		cmocka_unit_test(too_many_do_not_wait),
		cmocka_unit_test(one_registry_does_not_take_all_places),
		cmocka_unit_test(bodies_that_wait_have_a_ceiling_together),
		cmocka_unit_test(who_is_refused_anyhow_waits_for_nothing),
		cmocka_unit_test(what_arrived_is_judged_by_what_was_in_force),
		cmocka_unit_test(the_end_answers_all),
		cmocka_unit_test(a_tag_that_moves_with_every_look_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
