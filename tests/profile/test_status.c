/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/status.h"

#include "tests/initdata/vectors.h"
#include "tests/profile/scene.h"

#define B_DIGEST "e2cee302008783a302f9481be6a48af956a408b5fbd3db05696f9f6652b405ea"
#define B_BASE64 "4s7jAgCHg6MC+Ugb5qSK+VakCLX709sFaW+fZlK0Beo="
#define B_PCR8   "7d92ad941f12424a4e3481d3746518f9fd5e4173ab3e6ad10d6df316b14b89da"
#define ZEROS_16 "00000000000000000000000000000000"

static const json_t *form_of(const json_t *forms, const char *tee)
{
	size_t i;
	json_t *form;

	json_array_foreach (forms, i, form)
		if (!strcmp(json_text_at(form, "tee", NULL), tee))
			return form;
	fail_msg("no form for %s", tee);
	return NULL;
}

static json_t *forms_of(enum digest_alg alg, const char *hex)
{
	unsigned char digest[DIGEST_MAX];

	assert_int_equal(hex_decode_raw(span_of(hex), digest, digest_size(alg), NULL), 0);
	return profile_tee_forms(alg, digest);
}

static void forms_are_those_of_the_vectors(void **state)
{
	auto_json json_t *a = forms_of(DIGEST_SHA384, VECTOR_A_SHA384),
			 *b = forms_of(DIGEST_SHA256, B_DIGEST);
	auto_json json_t *a256 = forms_of(DIGEST_SHA256, VECTOR_A_SHA256);
	auto_json json_t *a512 = forms_of(DIGEST_SHA512, VECTOR_A_SHA512);
	auto_free char *cut32 = xmemdup0(VECTOR_A_SHA384, 64), *cut48 = xmemdup0(VECTOR_A_SHA512, 96);
	const struct {
		const json_t *forms;
		const char *tee, *key, *text;
	} cases[] = {
		{ a, "tdx", "hex", VECTOR_A_SHA384 },
		{ a, "tdx", "base64", VECTOR_A_SHA384_B64 },
		{ a, "tdx", "field", "MRCONFIGID" },
		{ a, "snp", "hex", cut32 },
		{ a512, "tdx", "hex", cut48 },
		{ a256, "vtpm", "hex", VECTOR_A_PCR8 },
		{ b, "snp", "hex", B_DIGEST },
		{ b, "snp", "base64", B_BASE64 },
		{ b, "snp", "field", "HOSTDATA" },
		{ b, "sample", "base64", B_BASE64 },
		{ b, "tdx", "hex", B_DIGEST ZEROS_16 },
		{ b, "vtpm", "hex", B_PCR8 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(json_text_at(form_of(cases[i].forms, cases[i].tee), cases[i].key, NULL),
				cases[i].text);
	/* what has no form says why instead */
	assert_null(json_object_get(form_of(a, "vtpm"), "hex"));
	assert_true(json_string_length(json_object_get(form_of(a, "vtpm"), "remark")) > 0);
	assert_true(json_string_length(json_object_get(form_of(a, "snp"), "remark")) > 0);
}

#define TEAM                                                                                                \
	"{metadata: {name: team, generation: 4}, spec: {runtimeClasses: [snp, remote], namespaceSelector: " \
	"{}, %s}}"

struct scene {
	json_t *resource;
	struct catalog *catalog;
	json_t *nothing;
	struct status_facts facts;
};

static void scene_clear(struct scene *scene)
{
	json_decref(scene->resource);
	json_decref(scene->nothing);
	catalog_unref(scene->catalog);
}
#define auto_scene __attribute__((cleanup(scene_clear)))

static struct scene scene_of(const char *rest)
{
	auto_free char *text = xasprintf(TEAM, rest), *list = xasprintf("[%s]", text);
	struct scene scene = {
		.resource = yaml(text), .catalog = catalog_of(NULL, list), .nothing = json_array()
	};

	scene.facts = (struct status_facts){ .resource = scene.resource,
		.profile = catalog_profile(scene.catalog, 0),
		.catalog = scene.catalog,
		.injected = 3,
		.gated = 2,
		.drifted = 1,
		.unprotected = 4,
		.drifted_pods = scene.nothing,
		.admission = true,
		.admission_problem = "",
		.replicas_differ = scene.nothing,
		.now = "2026-01-02T03:04:05Z" };
	return scene;
}

static const char *of_condition(const json_t *status, const char *type, const char *key)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (!strcmp(json_text_at(condition, "type", NULL), type))
			return json_text_at(condition, key, NULL);
	return NULL;
}

static void says_what_a_good_profile_compiled_to(void **state)
{
	auto_scene struct scene scene = scene_of("initData: {logLevel: info}");
	const struct profile *profile = scene.facts.profile;
	auto_json json_t *status = profile_status(&scene.facts);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(status, "observedGeneration")), 4);
	assert_string_equal(json_text_at(status, "digest", NULL), profile->digest_text);
	assert_int_equal(json_integer_value(json_object_get(status, "documentBytes")), profile->document.len);
	assert_int_equal(json_integer_value(json_object_get(status, "annotationBytes")),
			strlen(profile->annotation));
	assert_int_equal(json_array_size(json_object_get(status, "teeForms")), 7);
	auto_free char *pods = json_text(json_object_get(status, "pods"), false);
	assert_string_equal(pods, "{\"injected\":3,\"gated\":2,\"drifted\":1,\"unprotected\":4}");
	static const char *const types[] = { "Compiled", "Supported", "Admission", "ReplicasAgree", "Ready" };
	assert_int_equal(json_array_size(json_object_get(status, "conditions")), COUNT(types));
	for (size_t i = 0; i < COUNT(types); i++) {
		assert_string_equal(of_condition(status, types[i], "status"), "True");
		assert_string_equal(
				of_condition(status, types[i], "lastTransitionTime"), "2026-01-02T03:04:05Z");
	}
	assert_holds(of_condition(status, "Supported", "message"), "2 confidential runtime classes");
}

static void a_profile_that_generates_has_no_one_digest(void **state)
{
	auto_scene struct scene scene = scene_of("initData: {agentPolicy: {generated: {}}}");
	auto_json json_t *status = profile_status(&scene.facts);

	(void)state;
	assert_true(json_is_null(json_object_get(status, "digest")));
	assert_true(json_is_null(json_object_get(status, "documentBytes")));
	assert_true(json_is_null(json_object_get(status, "teeForms")));
	assert_string_equal(of_condition(status, "Ready", "status"), "True");
	assert_holds(of_condition(status, "Ready", "message"), "in force; generated per workload");
}

static void each_condition_falls_for_its_own_reason(void **state)
{
	auto_json json_t *names = yaml("[web-1, web-2]");

	(void)state;
	for (int i = 0; i < 5; i++) {
		auto_scene struct scene scene =
				scene_of(i == 1 ? "kernelParams: [a=1]" : "initData: {logLevel: info}");
		struct status_facts facts = scene.facts;
		facts.problem = i == 0 ? "spec.x: \xe2\x82 is wrong" : NULL;
		facts.admission = i != 2 && i != 3;
		facts.admission_problem = i == 2 ? "no answer" : "";
		facts.replicas_differ = i == 4 ? names : scene.nothing;
		auto_json json_t *status = profile_status(&facts);
		static const char *const fallen[] = { "Compiled", "Supported", "Admission", "Admission",
			"ReplicasAgree" };
		static const char *const says[] = { "spec.x: ?? is wrong", "'kata-remote'", "no answer",
			"is being written", "web-1, web-2" };
		assert_string_equal(of_condition(status, fallen[i], "status"), "False");
		assert_holds(of_condition(status, fallen[i], "message"), says[i]);
		/* what the guest would be told is right: a class that does not do it all is no reason not to be ready */
		bool ready = i == 1 || i == 4;
		assert_string_equal(of_condition(status, "Ready", "status"), ready ? "True" : "False");
	}
}

static void a_profile_that_cannot_be_read_shows_no_document(void **state)
{
	auto_scene struct scene scene = scene_of("initData: {logLevel: info}");
	struct status_facts facts = scene.facts;

	(void)state;
	facts.profile = NULL;
	facts.problem = "spec.runtimeClasses: name at least one";
	auto_json json_t *status = profile_status(&facts);
	static const char *const gone[] = { "digest", "documentBytes", "annotationBytes", "teeForms" };
	for (size_t i = 0; i < COUNT(gone); i++)
		assert_true(json_is_null(json_object_get(status, gone[i])));
	assert_null(of_condition(status, "Supported", "status"));
	assert_string_equal(of_condition(status, "Ready", "status"), "False");
	/* one that is broken from the start neither */
	auto_scene struct scene broken = scene_of("initData: {logLevel: loud}");
	broken.facts.problem = broken.facts.profile->broken;
	auto_json json_t *other = profile_status(&broken.facts);
	assert_true(json_is_null(json_object_get(other, "digest")));
	/* the last good form in force shows its own */
	facts = scene.facts;
	facts.problem = "spec.mode: no";
	auto_json json_t *last = profile_status(&facts);
	assert_string_equal(json_text_at(last, "digest", NULL), scene.facts.profile->digest_text);
	assert_holds(of_condition(last, "Ready", "message"), "the last good form stays in force");
}

static void a_transition_time_moves_with_its_status_alone(void **state)
{
	auto_scene struct scene scene = scene_of("initData: {logLevel: info}");
	struct status_facts facts = scene.facts;
	auto_json json_t *first = profile_status(&facts);

	(void)state;
	facts.before = first;
	facts.now = "2026-01-02T03:05:00Z";
	facts.injected = 9;
	auto_json json_t *second = profile_status(&facts);
	assert_true(json_equal(json_object_get(first, "conditions"), json_object_get(second, "conditions")));
	facts.before = second;
	facts.admission = false;
	auto_json json_t *third = profile_status(&facts);
	assert_string_equal(of_condition(third, "Admission", "lastTransitionTime"), "2026-01-02T03:05:00Z");
	assert_string_equal(of_condition(third, "Ready", "lastTransitionTime"), "2026-01-02T03:05:00Z");
	assert_string_equal(of_condition(third, "Compiled", "lastTransitionTime"), "2026-01-02T03:04:05Z");
	/* another reason, the same status */
	facts.before = third;
	facts.now = "2026-01-02T03:06:00Z";
	facts.admission_problem = "still no answer";
	auto_json json_t *fourth = profile_status(&facts);
	assert_string_equal(of_condition(fourth, "Admission", "lastTransitionTime"), "2026-01-02T03:05:00Z");
	assert_string_equal(of_condition(fourth, "Admission", "message"), "still no answer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_those_of_the_vectors),
		cmocka_unit_test(says_what_a_good_profile_compiled_to),
		cmocka_unit_test(a_profile_that_generates_has_no_one_digest),
		cmocka_unit_test(each_condition_falls_for_its_own_reason),
		cmocka_unit_test(a_profile_that_cannot_be_read_shows_no_document),
		cmocka_unit_test(a_transition_time_moves_with_its_status_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
