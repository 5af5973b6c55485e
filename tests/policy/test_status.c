/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/status.h"

#include "base/buf.h"
#include "tests/profile/scene.h"

#define NOW "2026-01-02T03:04:05Z"

/* ---- counts ------------------------------------------------------------------------------------------------- */

static json_t *totals_of(const char *const *texts)
{
	json_t *totals = json_object();

	for (; *texts; texts++)
		assert_int_equal(image_policy_count(totals, span_of(*texts), NULL), 0);
	return totals;
}

static void expect_total(const json_t *totals, const char *name, const char *wanted)
{
	const json_t *list = json_object_get(totals, name);

	assert_non_null(list);
	auto_free char *text = json_text(list, false);
	assert_string_equal(text, wanted);
}

static void adds_up_what_replicas_say(void **state)
{
	static const char *const texts[] = { "{\"shop\":[1,2,3,4],\"lab\":[1,0,0,0]}",
		"{\"shop\":[10,20,30,40]}", "{}", NULL };
	auto_json json_t *totals = totals_of(texts);

	(void)state;
	expect_total(totals, "shop", "[11,22,33,44]");
	expect_total(totals, "lab", "[1,0,0,0]");
	assert_int_equal(json_object_size(totals), 2);
}

static void what_is_no_count_counts_nothing(void **state)
{
	static const char *const texts[] = {
		"{\"a\":[-5,1.5,\"x\",null],\"b\":[7],\"c\":{},\"d\":[1,2,3,4,5]}",
		"{\"a\":[1,1,1,1],\"b\":7,\"e\":[9223372036854775807,0,0,0]}",
		"{\"e\":[9223372036854775807,1,0,0]}", NULL
	};
	auto_json json_t *totals = totals_of(texts);

	(void)state;
	expect_total(totals, "a", "[1,1,1,1]");
	expect_total(totals, "b", "[7,0,0,0]");
	expect_total(totals, "c", "[0,0,0,0]");
	expect_total(totals, "d", "[1,2,3,4]");
	expect_total(totals, "e", "[9223372036854775807,1,0,0]");
}

static void a_text_that_is_none_adds_nothing(void **state)
{
	static const char good[] = "{\"shop\":[1,2,3,4]}";
	auto_json json_t *totals = json_object();
	auto_buf struct buf large = BUF_MAX(1 << 20);
	static const char *const bad[] = { "", "x", "[]", "[1]", "1", "null",
		"{\"a\":[1,0,0,0],\"a\":[1,0,0,0]}", "{\"a\":[99999999999999999999,0,0,0]}",
		"{\"a\":[1,0,0,0]} x" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(image_policy_count(totals, span_of(bad[i]), NULL), -1);
	for (size_t len = 0; len < strlen(good); len++)
		assert_int_equal(image_policy_count(totals, span_new(good, len), NULL), -1);
	buf_puts(&large, "{\"shop\":[1,2,3,4],\"x\":\"");
	while (large.len < 300000)
		buf_puts(&large, "0123456789");
	buf_puts(&large, "\"}");
	assert_int_equal(image_policy_count(totals, buf_span(&large), NULL), -1);
	assert_int_equal(json_object_size(totals), 0);
}

/* ---- the status --------------------------------------------------------------------------------------------- */

struct scene {
	json_t *resource;
	struct image_policy *policy;
	json_t *totals;
	json_t *nothing;
	struct image_policy_facts facts;
};

static void scene_clear(struct scene *scene)
{
	json_decref(scene->resource);
	json_decref(scene->totals);
	json_decref(scene->nothing);
	image_policy_unref(scene->policy);
}
#define auto_scene __attribute__((cleanup(scene_clear)))

static struct scene scene_new(void)
{
	static const char *const texts[] = { "{\"shop\":[12,1,3,2],\"other\":[9,9,9,9]}", NULL };
	struct scene scene = {
		.resource = yaml("{metadata: {name: shop, generation: 4}, spec: {encryption: {}}}"),
		.totals = totals_of(texts),
		.nothing = json_array()
	};

	assert_int_equal(image_policy_compile(scene.resource, &scene.policy, NULL), 0);
	scene.facts = (struct image_policy_facts){ .resource = scene.resource,
		.policy = scene.policy,
		.totals = scene.totals,
		.replicas = 2,
		.admission = true,
		.admission_problem = "",
		.replicas_differ = scene.nothing,
		.now = NOW };
	return scene;
}

static const json_t *condition_of(const json_t *status, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (!strcmp(json_text_at(condition, "type", NULL), type))
			return condition;
	fail_msg("there is no condition %s", type);
	return NULL;
}

static void expect_condition(const json_t *status, const char *type, const char *holds, const char *reason,
		const char *part)
{
	const json_t *condition = condition_of(status, type);

	assert_string_equal(json_text_at(condition, "status", NULL), holds);
	assert_string_equal(json_text_at(condition, "reason", NULL), reason);
	assert_holds(json_text_at(condition, "message", NULL), part);
	assert_int_equal(json_integer_value(json_at(condition, "observedGeneration", NULL)), 4);
}

static void says_that_a_good_policy_is_in_force(void **state)
{
	auto_scene struct scene scene = scene_new();
	auto_json json_t *status = image_policy_status(&scene.facts);
	auto_json json_t *counts = yaml("{admitted: 12, warned: 1, refused: 3, unknown: 2}");

	(void)state;
	expect_condition(status, "Ready", "True", "InForce", "in force");
	expect_condition(status, "ReplicasAgree", "True", "Same", "all webhook replicas");
	assert_int_equal(json_integer_value(json_at(status, "observedGeneration", NULL)), 4);
	assert_int_equal(json_integer_value(json_at(status, "replicas", NULL)), 2);
	assert_true(json_equal(json_at(status, "counts", NULL), counts));
	const char *hash = json_text_at(status, "hash", NULL);
	assert_int_equal(strlen(hash), 71);
	assert_memory_equal(hash, "sha256:", 7);
	assert_int_equal(strspn(hash + 7, "0123456789abcdef"), 64);
}

static void says_why_a_policy_is_not_in_force(void **state)
{
	auto_scene struct scene scene = scene_new();
	auto_image_policy struct image_policy *broken = NULL;
	auto_json json_t *differ = yaml("[w-1, w-2]");
	const struct {
		const struct image_policy *policy;
		const char *problem;
		bool admission;
		const char *admission_problem, *reason, *part;
	} cases[] = {
		{ scene.policy, "spec.mode: bad", true, "", "LastGood",
				"the last good form, of generation 4, stays in force; spec.mode: bad" },
		{ NULL, "there are 501 ImagePolicies", true, "", "Invalid", "there are 501 ImagePolicies" },
		{ NULL, NULL, true, "", "Invalid", "cannot be read" },
		{ scene.policy, NULL, false, "no endpoint", "NotRegistered", "no endpoint" },
		{ scene.policy, NULL, false, "", "NotRegistered", "being written" },
		/* what is wrong with the text comes before what is wrong elsewhere */
		{ scene.policy, "spec.mode: bad", false, "no endpoint", "LastGood", "spec.mode: bad" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct image_policy_facts facts = scene.facts;
		facts.policy = cases[i].policy;
		facts.problem = cases[i].problem;
		facts.admission = cases[i].admission;
		facts.admission_problem = cases[i].admission_problem;
		facts.replicas_differ = differ;
		auto_json json_t *status = image_policy_status(&facts);
		expect_condition(status, "Ready", "False", cases[i].reason, cases[i].part);
		expect_condition(status, "ReplicasAgree", "False", "Differ", "at replica w-1, w-2");
		assert_true(json_is_null(json_at(status, "hash", NULL)) == !cases[i].policy);
	}
	assert_int_equal(image_policy_broken(scene.resource, "spec.mode: bad", &broken, NULL), 0);
	struct image_policy_facts facts = scene.facts;
	facts.policy = broken;
	facts.problem = broken->broken;
	auto_json json_t *status = image_policy_status(&facts);
	expect_condition(status, "Ready", "False", "Invalid",
			"every image that it takes violates it until it is corrected; spec.mode: bad");
}

static void a_policy_that_nobody_counted_has_noughts(void **state)
{
	auto_scene struct scene scene = scene_new();
	auto_json json_t *none = json_object();
	auto_json json_t *counts = yaml("{admitted: 0, warned: 0, refused: 0, unknown: 0}");

	(void)state;
	scene.facts.totals = none;
	auto_json json_t *status = image_policy_status(&scene.facts);
	assert_true(json_equal(json_at(status, "counts", NULL), counts));
}

static void the_time_of_a_condition_moves_with_its_status(void **state)
{
	auto_scene struct scene scene = scene_new();
	auto_json json_t *first = image_policy_status(&scene.facts);

	(void)state;
	scene.facts.before = first;
	scene.facts.now = "2026-01-02T04:00:00Z";
	auto_json json_t *second = image_policy_status(&scene.facts);
	assert_true(json_equal(first, second));
	scene.facts.problem = "spec.mode: bad";
	auto_json json_t *third = image_policy_status(&scene.facts);
	assert_string_equal(json_text_at(condition_of(third, "Ready"), "lastTransitionTime", NULL),
			scene.facts.now);
	assert_string_equal(
			json_text_at(condition_of(third, "ReplicasAgree"), "lastTransitionTime", NULL), NOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up_what_replicas_say),
		cmocka_unit_test(what_is_no_count_counts_nothing),
		cmocka_unit_test(a_text_that_is_none_adds_nothing),
		cmocka_unit_test(says_that_a_good_policy_is_in_force),
		cmocka_unit_test(says_why_a_policy_is_not_in_force),
		cmocka_unit_test(a_policy_that_nobody_counted_has_noughts),
		cmocka_unit_test(the_time_of_a_condition_moves_with_its_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
