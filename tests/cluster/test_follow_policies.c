/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster/stage.h"

#define POLICY(name, generation, rest) \
	"{metadata: {name: " name ", generation: " generation "}, spec: {" rest "}}"
#define DIGEST "digest: {require: true}"

struct policy_seen {
	const char *name;
	const struct image_policy *policy;
	char problem[1024];
};

static void on_policy(
		void *ctx, const json_t *resource, const struct image_policy *policy, const char *problem)
{
	struct policy_seen *seen = ctx;

	if (strcmp(json_text_at(resource, "metadata", "name", NULL), seen->name) != 0)
		return;
	seen->policy = policy;
	snprintf(seen->problem, sizeof(seen->problem), "%s", problem ? problem : "");
}

static struct policy_seen policy_of(const struct stage *stage, const char *name)
{
	struct policy_seen seen = { .name = name };

	follow_each_policy(stage->follow, on_policy, &seen);
	return seen;
}

/* Lets so many seconds of the clock pass, with turns of the loop. */
static void pass_time(struct stage *stage, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		stage->rig.now += CLOCK_SECOND;
		for (int turns = 0; turns < 5; turns++)
			assert_int_equal(kube_turn(stage->rig.kube, 1, NULL, 0, NULL), 0);
	}
}

static void hands_out_the_policies_before_the_catalog(void **state)
{
	struct stage stage;

	(void)state;
	begin_with(&stage, "[]", "[]",
			"[" POLICY("low", "1", DIGEST) ", " POLICY(
					"high", "3", "priority: 5, encryption: {}") "]");
	until(&stage, 1);
	assert_true(follow_ready(stage.follow));
	assert_ptr_equal(stage.policies, follow_policies(stage.follow));
	assert_int_equal(stage.policies->count, 2);
	assert_string_equal(stage.policies->items[0]->name, "high");
	assert_int_equal(stage.policies->items[0]->generation, 3);
	assert_int_equal(stage.policies->unmatched, UNMATCHED_IMAGES_DENY);
	event(&stage, POLICIES, "DELETED", POLICY("high", "3", ""));
	until(&stage, 2);
	assert_int_equal(stage.policies->count, 1);
	event(&stage, POLICIES, "ADDED", POLICY("third", "1", "mode: Audit"));
	until(&stage, 3);
	assert_int_equal(stage.policies->count, 2);
	end(&stage);
}

static void without_the_definition_there_are_none_until_it_comes(void **state)
{
	struct stage stage;

	(void)state;
	begin_with(&stage, "[]", "[]", NULL);
	until(&stage, 1);
	assert_true(follow_ready(stage.follow));
	assert_int_equal(stage.policies->count, 0);
	uint64_t relists = follow_counts(stage.follow).relists;
	pass_time(&stage, 60);
	/* looked for again and again, in silence, and without a new catalog for each look */
	assert_int_equal(stage.policy_failures, 0);
	assert_int_equal(stage.changes, 1);
	assert_int_equal(follow_counts(stage.follow).relists, relists);
	pthread_mutex_lock(&stage.api.lock);
	set_items(&stage, POLICIES, "[" POLICY("new", "1", DIGEST) "]");
	pthread_mutex_unlock(&stage.api.lock);
	until(&stage, 2);
	assert_int_equal(stage.policies->count, 1);
	end(&stage);
}

static void what_cannot_be_listed_is_not_taken_for_none(void **state)
{
	static const char *const codes[] = { "403 Forbidden", "401 Unauthorized", "500 Internal Server Error",
		"503 Service Unavailable", "406 Not Acceptable" };

	(void)state;
	for (unsigned i = 0; i < COUNT(codes); i++) {
		struct stage stage;
		begin_with(&stage, "[]", "[]", NULL);
		stage.api.code = codes[i];
		pass_time(&stage, 20);
		assert_false(follow_ready(stage.follow));
		assert_int_equal(stage.changes, 0);
		assert_null(stage.policies);
		assert_true(stage.policy_failures > 0);
		pthread_mutex_lock(&stage.api.lock);
		set_items(&stage, POLICIES, "[" POLICY("shop", "1", DIGEST) "]");
		pthread_mutex_unlock(&stage.api.lock);
		until(&stage, 1);
		assert_int_equal(stage.policies->count, 1);
		end(&stage);
	}
}

static void policies_outlast_a_server_that_fails(void **state)
{
	struct stage stage;

	(void)state;
	begin_with(&stage, "[]", "[]", "[" POLICY("shop", "1", DIGEST) "]");
	until(&stage, 1);
	pthread_mutex_lock(&stage.api.lock);
	free(take(&stage.api.items[POLICIES]));
	stage.api.code = "500 Internal Server Error";
	pthread_mutex_unlock(&stage.api.lock);
	pass_time(&stage, 60);
	event(&stage, NAMESPACES, "ADDED", "{metadata: {name: other}}");
	until(&stage, 2);
	assert_int_equal(stage.policies->count, 1);
	assert_true(stage.policy_failures > 0);
	end(&stage);
}

static void the_last_good_form_of_a_policy_stays_in_force(void **state)
{
	static const struct {
		const char *object, *says;
	} bad[] = {
		{ POLICY("shop", "2", "mode: Loud"), "spec.mode" },
		{ POLICY("shop", "3", "match: {images: ['nginx']}"), "spec.match.images[0]" },
		{ POLICY("shop", "4", "encryption: {layers: Some}"), "spec.encryption.layers" },
		{ "{metadata: {name: shop, generation: 5}, spec: text}", "spec" },
	};
	struct stage stage;

	(void)state;
	begin_with(&stage, "[]", "[]", "[" POLICY("shop", "1", DIGEST) "]");
	until(&stage, 1);
	const struct image_policy *good = policy_of(&stage, "shop").policy;
	for (unsigned i = 0; i < COUNT(bad); i++) {
		event(&stage, POLICIES, "MODIFIED", bad[i].object);
		until(&stage, 2 + i);
		struct policy_seen seen = policy_of(&stage, "shop");
		assert_ptr_equal(seen.policy, good);
		assert_holds(seen.problem, bad[i].says);
	}
	event(&stage, POLICIES, "MODIFIED", POLICY("shop", "6", "mode: Warn"));
	until(&stage, 2 + COUNT(bad));
	struct policy_seen seen = policy_of(&stage, "shop");
	assert_string_equal(seen.problem, "");
	assert_int_equal(seen.policy->mode, POLICY_WARN);
	assert_int_equal(seen.policy->generation, 6);
	end(&stage);
}

static void one_that_never_was_good_is_broken_in_force(void **state)
{
	struct stage stage;

	(void)state;
	begin_with(&stage, "[]", "[]",
			"[" POLICY("shop", "1", "match: {runtimeClasses: [snp]}, mode: Loud") "]");
	until(&stage, 1);
	struct policy_seen seen = policy_of(&stage, "shop");
	assert_int_equal(stage.policies->count, 1);
	assert_holds(seen.policy->broken, "spec.mode");
	assert_holds(seen.problem, "spec.mode");
	assert_int_equal(seen.policy->mode, POLICY_ENFORCE);
	assert_true(image_policy_takes_pod(seen.policy, "snp", NULL, NULL));
	assert_false(image_policy_takes_pod(seen.policy, "other", NULL, NULL));
	/* another that is no good either: its own reason */
	event(&stage, POLICIES, "MODIFIED", POLICY("shop", "2", "match: {runtimeClasses: []}"));
	until(&stage, 2);
	seen = policy_of(&stage, "shop");
	assert_holds(seen.policy->broken, "spec.match.runtimeClasses");
	assert_true(image_policy_takes_pod(seen.policy, "other", NULL, NULL));
	event(&stage, POLICIES, "MODIFIED", POLICY("shop", "3", DIGEST));
	until(&stage, 3);
	seen = policy_of(&stage, "shop");
	assert_null(seen.policy->broken);
	end(&stage);
}

static void compiles_only_what_has_changed(void **state)
{
	struct stage stage;

	(void)state;
	begin_with(&stage, "[]", "[]", "[" POLICY("a", "1", DIGEST) ", " POLICY("b", "1", DIGEST) "]");
	until(&stage, 1);
	const struct image_policy *a = policy_of(&stage, "a").policy, *b = policy_of(&stage, "b").policy;
	event(&stage, POLICIES, "MODIFIED", POLICY("b", "2", "mode: Warn"));
	until(&stage, 2);
	assert_ptr_equal(policy_of(&stage, "a").policy, a);
	assert_ptr_not_equal(policy_of(&stage, "b").policy, b);
	end(&stage);
}

#define SETTINGS(text) "{metadata: {name: cocoon-config}, data: {config.yaml: \"" text "\"}}"

static void settings_say_what_becomes_of_unmatched_images(void **state)
{
	static const struct {
		const char *text, *problem;
		enum unmatched_images unmatched;
	} cases[] = {
		{ SETTINGS("unmatchedImages: Allow"), NULL, UNMATCHED_IMAGES_ALLOW },
		{ SETTINGS("unmatchedImages: Never"), "unmatchedImages", UNMATCHED_IMAGES_ALLOW },
		{ SETTINGS("unmatchedImages: [Deny]"), "unmatchedImages", UNMATCHED_IMAGES_ALLOW },
		{ SETTINGS("unmatchedImage: Deny"), "unmatchedImage", UNMATCHED_IMAGES_ALLOW },
		{ SETTINGS("unmatchedImages: Warn"), NULL, UNMATCHED_IMAGES_WARN },
		{ SETTINGS("unmatched: Allow"), NULL, UNMATCHED_IMAGES_DENY },
	};
	struct stage stage;

	(void)state;
	begin(&stage, "[]", "[]");
	until(&stage, 1);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		event(&stage, MAPS, i ? "MODIFIED" : "ADDED", cases[i].text);
		until(&stage, 2 + i);
		assert_int_equal(stage.policies->unmatched, cases[i].unmatched);
		if (cases[i].problem)
			assert_holds(follow_settings_problem(stage.follow), cases[i].problem);
		else
			assert_null(follow_settings_problem(stage.follow));
	}
	end(&stage);
}

static void the_fingerprint_covers_the_policies(void **state)
{
	static const char *const changes[] = { POLICY("shop", "2", DIGEST ", mode: Warn"),
		POLICY("shop", "3", "encryption: {}"), POLICY("shop", "4", DIGEST) };
	struct stage stage, other;
	char seen[COUNT(changes) + 1][65], text[65];

	(void)state;
	begin_with(&stage, "[]", "[]", "[" POLICY("shop", "1", DIGEST) "]");
	until(&stage, 1);
	follow_fingerprint(stage.catalog, stage.policies, seen[0]);
	for (unsigned i = 0; i < COUNT(changes); i++) {
		event(&stage, POLICIES, "MODIFIED", changes[i]);
		until(&stage, 2 + i);
		follow_fingerprint(stage.catalog, stage.policies, seen[i + 1]);
		for (unsigned j = 0; j <= i; j++)
			assert_string_not_equal(seen[i + 1], seen[j]);
	}
	/* one that never saw the others decides alike, until only one of them has a last good form */
	begin_with(&other, "[]", "[]", "[" POLICY("shop", "4", DIGEST) "]");
	until(&other, 1);
	follow_fingerprint(other.catalog, other.policies, text);
	assert_string_equal(text, seen[COUNT(changes)]);
	event(&stage, POLICIES, "MODIFIED", POLICY("shop", "5", "mode: Loud"));
	event(&other, POLICIES, "DELETED", POLICY("shop", "4", DIGEST));
	event(&other, POLICIES, "ADDED", POLICY("shop", "5", "mode: Loud"));
	until(&stage, 2 + COUNT(changes));
	until(&other, 2);
	follow_fingerprint(stage.catalog, stage.policies, seen[0]);
	follow_fingerprint(other.catalog, other.policies, seen[1]);
	end(&other);
	end(&stage);
}

static void too_many_change_nothing_and_say_so(void **state)
{
	auto_buf struct buf many = BUF_MAX(1 << 20);
	struct stage stage;

	(void)state;
	for (unsigned i = 0; i < POLICY_SET_MAX; i++)
		buf_printf(&many, "%s{metadata: {name: p%u, generation: 1}, spec: {}}", i ? ", " : "[", i);
	buf_puts(&many, "]");
	begin_with(&stage, "[]", "[]", buf_text(&many));
	until(&stage, 1);
	assert_int_equal(stage.policies->count, POLICY_SET_MAX);
	event(&stage, POLICIES, "ADDED", POLICY("one-more", "1", DIGEST));
	event(&stage, POLICIES, "MODIFIED", POLICY("p1", "2", "mode: Warn"));
	until(&stage, 2);
	assert_int_equal(stage.policies->count, POLICY_SET_MAX);
	assert_true(stage.policy_failures > 0);
	assert_null(policy_of(&stage, "one-more").policy);
	assert_holds(policy_of(&stage, "one-more").problem, "more than 500");
	assert_holds(policy_of(&stage, "p1").problem, "delete some");
	event(&stage, POLICIES, "DELETED", POLICY("p0", "1", ""));
	until(&stage, 3);
	assert_non_null(policy_of(&stage, "one-more").policy);
	assert_int_equal(policy_of(&stage, "p1").policy->mode, POLICY_WARN);
	assert_string_equal(policy_of(&stage, "p1").problem, "");
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_the_policies_before_the_catalog),
		cmocka_unit_test(without_the_definition_there_are_none_until_it_comes),
		cmocka_unit_test(what_cannot_be_listed_is_not_taken_for_none),
		cmocka_unit_test(policies_outlast_a_server_that_fails),
		cmocka_unit_test(the_last_good_form_of_a_policy_stays_in_force),
		cmocka_unit_test(one_that_never_was_good_is_broken_in_force),
		cmocka_unit_test(compiles_only_what_has_changed),
		cmocka_unit_test(settings_say_what_becomes_of_unmatched_images),
		cmocka_unit_test(the_fingerprint_covers_the_policies),
		cmocka_unit_test(too_many_change_nothing_and_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
