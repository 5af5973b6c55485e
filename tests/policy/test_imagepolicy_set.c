/* SPDX-License-Identifier: Apache-2.0 */
/* Which policies there are, and whom each of them takes. */
#include "tests/policy/judge_scene.h"

/* ---- whom it takes --------------------------------------------------------------------------------------- */

static void it_takes_pods(void **state)
{
	static const struct {
		const char *match, *class, *namespace, *pod; /* namespace NULL: not known */
		bool takes;
	} cases[] = {
		{ "", "snp", "{}", "{}", true },
		{ "", "snp", NULL, NULL, true },
		{ "runtimeClasses: [snp, 'tdx*']", "snp", NULL, NULL, true },
		{ "runtimeClasses: [snp, 'tdx*']", "tdx-gpu", NULL, NULL, true },
		{ "runtimeClasses: [snp, 'tdx*']", "snp2", NULL, NULL, false },
		{ "runtimeClasses: [snp]", "a-snp", NULL, NULL, false },
		{ "namespaceSelector: {}", "snp", "{\"a\":\"b\"}", NULL, true },
		{ "namespaceSelector: {matchLabels: {a: b}}", "snp", "{\"a\":\"b\"}", NULL, true },
		{ "namespaceSelector: {matchLabels: {a: b}}", "snp", "{\"a\":\"c\"}", NULL, false },
		{ "namespaceSelector: {matchLabels: {a: b}}", "snp", "{}", NULL, false },
		{ "namespaceSelector: {matchLabels: {a: b}}", "snp", NULL, NULL, true },
		{ "podSelector: {matchLabels: {a: b}}", "snp", "{}", "{\"a\":\"b\"}", true },
		{ "podSelector: {matchLabels: {a: b}}", "snp", "{}", NULL, false },
		{ "podSelector: {}", "snp", "{}", NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *spec = xasprintf("match: {%s}", cases[i].match);
		auto_image_policy struct image_policy *policy = scene_policy(spec);
		auto_json json_t *namespace =
				cases[i].namespace ? json_loads(cases[i].namespace, 0, NULL) : NULL;
		auto_json json_t *pod = cases[i].pod ? json_loads(cases[i].pod, 0, NULL) : NULL;
		if (image_policy_takes_pod(policy, cases[i].class, namespace, pod) != cases[i].takes)
			fail_msg("%s: %s", cases[i].match, cases[i].class);
	}
}

static void it_takes_images(void **state)
{
	static const struct {
		const char *match, *image;
		bool takes;
	} cases[] = {
		{ "", "nginx", true },
		{ "images: ['docker.io/library/*']", "nginx", true },
		{ "images: ['docker.io/library/*']", "index.docker.io/library/nginx:1", true },
		{ "images: ['docker.io/library/*']", "team/nginx", false },
		{ "images: ['a.example/shop/**']", "A.Example:443/shop/x/y@" IMAGE, true },
		{ "images: ['a.example/shop/**']", "a.example/shopping", false },
		{ "images: ['a.example/shop/**'], exceptImages: ['a.example/shop/x']", "a.example/shop/x",
				false },
		{ "images: ['a.example/shop/**'], exceptImages: ['a.example/shop/x']", "a.example/shop/y",
				true },
		{ "exceptImages: ['**']", "nginx", false },
		{ "exceptImages: []", "nginx", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *spec = xasprintf("match: {%s}", cases[i].match);
		auto_image_policy struct image_policy *policy = scene_policy(spec);
		struct oci_name name;
		assert_int_equal(oci_name_parse(cases[i].image, &name, NULL), 0);
		if (image_policy_takes_image(policy, &name) != cases[i].takes)
			fail_msg("%s: %s", cases[i].match, cases[i].image);
	}
}

/* ---- the set --------------------------------------------------------------------------------------------- */

static struct image_policy *named(const char *name, int priority)
{
	auto_json json_t *resource = json_pack(
			"{s:{s:s}, s:{s:i}}", "metadata", "name", name, "spec", "priority", priority);
	struct image_policy *policy = NULL;

	assert_int_equal(image_policy_compile(resource, &policy, NULL), 0);
	return policy;
}

static void a_set_is_in_order_of_priority_and_name(void **state)
{
	static const struct {
		const char *name;
		int priority;
	} given[] = { { "b", 0 }, { "z", 5 }, { "a", 0 }, { "c", -1 }, { "y", 5 }, { "d", 0 } };
	static const char order[] = "yzabdc";
	auto_policy_set struct policy_set *set = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(policy_set_new(NULL, &set, NULL), 0);
	assert_int_equal(set->unmatched, UNMATCHED_IMAGES_DENY);
	for (size_t i = 0; i < COUNT(given); i++) {
		auto_image_policy struct image_policy *policy = named(given[i].name, given[i].priority);
		assert_int_equal(policy_set_add(set, policy, &err), 0);
	}
	assert_int_equal(set->count, COUNT(given));
	for (size_t i = 0; i < set->count; i++)
		assert_int_equal(set->items[i]->name[0], order[i]);
	auto_image_policy struct image_policy *again = named("a", 9);
	assert_int_equal(policy_set_add(set, again, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_ptr_equal(policy_set_ref(set), set);
	policy_set_unref(set);
	policy_set_unref(NULL);
}

static void a_set_has_an_end(void **state)
{
	auto_policy_set struct policy_set *set = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(policy_set_new(NULL, &set, NULL), 0);
	for (unsigned i = 0; i <= POLICY_SET_MAX; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%u", i);
		auto_image_policy struct image_policy *policy = named(name, 0);
		assert_int_equal(policy_set_add(set, policy, &err), i < POLICY_SET_MAX ? 0 : -1);
	}
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void the_installation_says_what_happens_to_other_images(void **state)
{
	static const struct {
		const char *settings;
		int unmatched; /* -1: refused */
	} cases[] = {
		{ "{}", UNMATCHED_IMAGES_DENY },
		{ "{\"unmatchedImages\":\"Deny\",\"other\":1}", UNMATCHED_IMAGES_DENY },
		{ "{\"unmatchedImages\":\"Warn\"}", UNMATCHED_IMAGES_WARN },
		{ "{\"unmatchedImages\":\"Allow\"}", UNMATCHED_IMAGES_ALLOW },
		{ "{\"unmatchedImages\":\"allow\"}", -1 },
		{ "{\"unmatchedImages\":true}", -1 },
		{ "[]", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_policy_set struct policy_set *set = NULL;
		auto_json json_t *settings = json_loads(cases[i].settings, 0, NULL);
		struct err err = ERR_NONE;
		int result = policy_set_new(settings, &set, &err);
		assert_int_equal(result, cases[i].unmatched < 0 ? -1 : 0);
		if (result < 0)
			assert_int_equal(err.kind, ERR_FORMAT);
		else
			assert_int_equal(set->unmatched, cases[i].unmatched);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_takes_pods),
		cmocka_unit_test(it_takes_images),
		cmocka_unit_test(a_set_is_in_order_of_priority_and_name),
		cmocka_unit_test(a_set_has_an_end),
		cmocka_unit_test(the_installation_says_what_happens_to_other_images),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
