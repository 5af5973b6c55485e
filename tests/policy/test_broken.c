/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/name.h"
#include "policy/imagepolicy.h"
#include "tests/profile/scene.h"

static struct image_policy *broken_of(const char *text, const char *why)
{
	auto_json json_t *resource = yaml(text);
	struct image_policy *policy = NULL, *good = NULL;
	struct err err = ERR_NONE;

	/* else the case is none */
	assert_int_equal(image_policy_compile(resource, &good, &err), -1);
	if (image_policy_broken(resource, why, &policy, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(policy->broken, why);
	return policy;
}

static bool takes_image(const struct image_policy *policy, const char *text)
{
	struct oci_name name;

	assert_int_equal(oci_name_parse(text, &name, NULL), 0);
	return image_policy_takes_image(policy, &name);
}

#define SPEC(rest) "{kind: ImagePolicy, metadata: {name: shop, generation: 7}, spec: {" rest "}}"
#define SHOP       "registry.example/shop/app:1"
#define OTHER      "registry.example/other/app:1"

static void what_can_be_read_of_it_counts(void **state)
{
	static const struct {
		const char *name, *text;
		enum policy_mode mode;
		enum policy_templates templates;
		int64_t priority;
		bool takes_other_class, takes_other_image;
	} cases[] = {
		{ "an unknown field", SPEC("mode: Warn, templates: Ignore, priority: 4, encrypted: {}"),
				POLICY_WARN, TEMPLATES_IGNORE, 4, true, true },
		{ "a key that is none",
				SPEC("match: {runtimeClasses: [snp], images: ['registry.example/shop/**']}, "
				     "signatures: "
				     "{signers: [{name: a, cosign: {keys: [x]}}]}"),
				POLICY_ENFORCE, TEMPLATES_WARN, 0, false, false },
		{ "a mode that is none", SPEC("match: {runtimeClasses: [snp]}, mode: Loud, priority: 4"),
				POLICY_ENFORCE, TEMPLATES_WARN, 4, false, true },
		{ "a match that cannot be read",
				SPEC("match: {images: ['nginx']}, mode: Audit, templates: Enforce"),
				POLICY_AUDIT, TEMPLATES_ENFORCE, 0, true, true },
		{ "a match of another type", SPEC("match: [a], mode: Audit"), POLICY_AUDIT, TEMPLATES_WARN, 0,
				true, true },
		{ "a priority out of range", SPEC("match: {runtimeClasses: [snp]}, priority: 2000000"),
				POLICY_ENFORCE, TEMPLATES_WARN, 0, false, true },
		{ "everything wrong at once", SPEC("match: 1, mode: 2, templates: 3, priority: x, digest: 5"),
				POLICY_ENFORCE, TEMPLATES_WARN, 0, true, true },
		{ "a spec of another type", "{metadata: {name: shop}, spec: text}", POLICY_ENFORCE,
				TEMPLATES_WARN, 0, true, true },
		{ "no spec at all", "{metadata: {name: shop}}", POLICY_ENFORCE, TEMPLATES_WARN, 0, true,
				true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("%s\n", cases[i].name);
		auto_image_policy struct image_policy *policy = broken_of(cases[i].text, "why");
		assert_string_equal(policy->name, "shop");
		assert_int_equal(policy->mode, cases[i].mode);
		assert_int_equal(policy->templates, cases[i].templates);
		assert_int_equal(policy->priority, cases[i].priority);
		assert_true(image_policy_takes_pod(policy, "snp", NULL, NULL));
		assert_int_equal(image_policy_takes_pod(policy, "tdx", NULL, NULL),
				cases[i].takes_other_class);
		assert_true(takes_image(policy, SHOP));
		assert_int_equal(takes_image(policy, OTHER), cases[i].takes_other_image);
	}
}

static void it_demands_nothing_that_would_have_to_be_looked_up(void **state)
{
	auto_image_policy struct image_policy *policy =
			broken_of(SPEC("encryption: {layers: Some}, digest: {require: true, pin: Auto}, "
				       "guest: {parity: Deny}"),
					"why");

	(void)state;
	assert_false(policy->encrypted || policy->predicts || policy->require_digest);
	assert_int_equal(policy->signer_count, 0);
	assert_int_equal(policy->pin, PIN_NONE);
	assert_int_equal(image_policy_looks(policy), 0);
	assert_int_equal(policy->registries.count, 0);
}

static void another_text_or_reason_is_another_policy(void **state)
{
	auto_image_policy struct image_policy *one = broken_of(SPEC("mode: Loud"), "why");
	auto_image_policy struct image_policy *same = broken_of(SPEC("mode: Loud"), "why");
	auto_image_policy struct image_policy *reason = broken_of(SPEC("mode: Loud"), "another");
	auto_image_policy struct image_policy *text = broken_of(SPEC("mode: Louder"), "why");
	auto_image_policy struct image_policy *good = NULL;
	auto_json json_t *resource = yaml(SPEC(""));

	(void)state;
	assert_memory_equal(one->hash, same->hash, sizeof(one->hash));
	assert_memory_not_equal(one->hash, reason->hash, sizeof(one->hash));
	assert_memory_not_equal(one->hash, text->hash, sizeof(one->hash));
	/* nor is it the good one that it was reduced to */
	assert_int_equal(image_policy_compile(resource, &good, NULL), 0);
	assert_memory_not_equal(one->hash, good->hash, sizeof(one->hash));
	assert_null(good->broken);
}

static void a_reason_of_any_bytes_will_do(void **state)
{
	auto_image_policy struct image_policy *policy =
			broken_of(SPEC("mode: Loud"), "spec\xff\n\x01: wrong");

	(void)state;
	assert_int_equal(policy->generation, 7);
}

static void what_has_no_name_has_no_form(void **state)
{
	static const char *const cases[] = { "{spec: {}}", "{metadata: {name: ''}, spec: {}}",
		"{metadata: {name: 'a b'}, spec: {}}", "{metadata: {name: 1}}",
		"{kind: Pod, metadata: {name: shop}}", "{metadata: text}", "[]" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *resource = yaml(cases[i]);
		struct image_policy *policy = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(image_policy_broken(resource, "why", &policy, &err), -1);
		assert_null(policy);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_read_of_it_counts),
		cmocka_unit_test(it_demands_nothing_that_would_have_to_be_looked_up),
		cmocka_unit_test(another_text_or_reason_is_another_policy),
		cmocka_unit_test(a_reason_of_any_bytes_will_do),
		cmocka_unit_test(what_has_no_name_has_no_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
