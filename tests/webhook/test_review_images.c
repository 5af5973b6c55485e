/* SPDX-License-Identifier: Apache-2.0 */
/* Images of pods at their creation. */
#include "tests/webhook/review_scene.h"

/* ---- creation ----------------------------------------------------------------------------------------------- */

static void injects_the_profile_the_digest_and_the_mark_in_one_patch(void **state)
{
	static const char *const pods[] = { POD("snp", "a: b", APP),
		"{metadata: {name: web, annotations: {}}, spec: {runtimeClassName: snp, containers: [{name: "
		"a, "
		"image: '" APP "'}]}}" };
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < COUNT(pods); i++) {
		auto_json json_t *pod = yaml(pods[i]);
		scene_open(&scene, NULL, TEAM,
				"- {metadata: {name: shop}, spec: {encryption: {}, digest: {pin: KeepTag}}}");
		knows(&scene, true);
		auto_json json_t *after = mutated(&scene, pod);
		assert_int_equal(scene.result.outcome, OUTCOME_INJECTED);
		assert_string_equal(annotation_of(after, "cocoon.dev/profile"), "team");
		assert_non_null(annotation_of(after, INITDATA_ANNOTATION));
		assert_holds(annotation_of(after, GATE_ANNOTATION), "sha256:");
		assert_string_equal(
				json_text_at(json_array_get(json_at(after, "spec", "containers", NULL), 0),
						"image", NULL),
				APP "@" DIGEST_A);
		/* called again, it has nothing to do */
		auto_json json_t *again = mutated(&scene, after);
		assert_true(json_equal(after, again));
		assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = after }));
		assert_int_equal(scene.result.gate.line_count, 1);
		assert_int_equal(scene.result.gate.lines[0].verdict, GATE_ADMITTED);
		assert_string_equal(scene.result.pod.name, "web");
		assert_string_equal(scene.result.request.user, "jane");
		scene_close(&scene);
	}
}

static void nothing_is_answered_while_facts_are_on_their_way(void **state)
{
	auto_json json_t *pod = yaml(POD("snp", "", APP));
	struct scene scene;

	(void)state;
	for (enum review_path path = REVIEW_MUTATE; path < REVIEW_PATHS; path++) {
		scene_open(&scene, NULL, TEAM,
				"- {metadata: {name: shop}, spec: {encryption: {}, digest: {pin: KeepTag}}}");
		auto_json json_t *workload =
				json_pack("{s:s, s:{s:O}}", "kind", "Deployment", "spec", "template", pod);
		auto_json json_t *whole =
				path == REVIEW_VALIDATE ? injected(scene.catalog, pod) : json_incref(pod);
		reviewed(&scene,
				&(struct ask){ .path = path,
						.resource = path == REVIEW_TEMPLATES ? "apps/deployments"
										     : NULL,
						.object = path == REVIEW_TEMPLATES ? workload : whole });
		assert_true(scene.result.pending);
		assert_int_equal(scene.asked, 1);
		scene_close(&scene);
	}
}

static void a_refusal_holds_the_reasons_of_profile_and_policies(void **state)
{
	auto_json json_t *pod = yaml(POD("snp", "", APP));
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM, POLICY);
	knows(&scene, false);
	assert_false(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = pod }));
	assert_holds(message(&scene),
			"pod 'web' in namespace 'shop' (runtime class 'snp', profile 'team') is "
			"refused:\n  ");
	assert_holds(message(&scene), "is missing: the pod was not injected");
	assert_holds(message(&scene),
			"\n  spec.containers[0].image: \"" APP "\": ImagePolicy shop: encryption.layers: ");
	assert_true(scene.result.hopeless);
	/* one that is not injected yet waits for nothing */
	image_facts_unref(take(&scene.facts));
	assert_false(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = pod }));
	assert_false(scene.result.pending);
	auto_json json_t *good = injected(scene.catalog, pod);
	knows(&scene, false);
	assert_false(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = good }));
	assert_holds(message(&scene), "is refused:\n  spec.containers[0].image: ");
	assert_false(scene.result.hopeless);
	assert_int_equal(scene.result.outcome, OUTCOME_REFUSED);
	scene_close(&scene);
}

static void softer_modes_warn_or_leave_it_to_the_audit_log(void **state)
{
	auto_json json_t *pod = yaml(POD("snp", "", APP));
	struct scene scene;

	(void)state;
	for (int audit = 0; audit < 2; audit++) {
		scene_open(&scene, NULL, TEAM,
				audit ? "- {metadata: {name: shop}, spec: {mode: Audit, encryption: {}}}"
				      : "- {metadata: {name: shop}, spec: {mode: Warn, encryption: {}}}");
		knows(&scene, false);
		auto_json json_t *good = injected(scene.catalog, pod);
		assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = good }));
		auto_free char *warnings = lines_of(json_object_get(scene.said, "warnings"));
		assert_int_equal(strstr(warnings, "ImagePolicy shop") != NULL, !audit);
		assert_int_equal(json_text_at(scene.said, "auditAnnotations", "image-findings", NULL) != NULL,
				audit);
		assert_string_equal(json_text_at(scene.said, "auditAnnotations", "profile", NULL), "team");
		assert_int_equal(scene.result.gate.lines[0].verdict, GATE_WARNED);
		scene_close(&scene);
	}
}

static void pods_that_are_not_confidential_are_not_looked_at(void **state)
{
	static const char *const pods[] = { POD("plain", "", APP), POD("null", "", APP) };
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM, POLICY);
	for (size_t i = 0; i < COUNT(pods); i++) {
		auto_json json_t *pod = yaml(pods[i]);
		for (enum review_path path = REVIEW_MUTATE; path <= REVIEW_VALIDATE; path++) {
			assert_true(admits(&scene, &(struct ask){ .path = path, .object = pod }));
			assert_int_equal(scene.asked, 0);
			assert_null(json_object_get(scene.said, "patch"));
		}
	}
	scene_close(&scene);
}

static void the_mark_is_nobodys_to_bring(void **state)
{
	auto_json json_t *pod =
			yaml("{metadata: {name: web, annotations: {" GATE_ANNOTATION ": 'sha256:00'}}, "
			     "spec: {runtimeClassName: snp, containers: [{name: a, image: '" APP "'}]}}");
	static const char *const policies[] = { NULL, POLICY };
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < COUNT(policies); i++) {
		scene_open(&scene, NULL, TEAM, policies[i]);
		knows(&scene, true);
		auto_json json_t *unwashed = injected(scene.catalog, pod);
		assert_false(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = unwashed }));
		assert_holds(message(&scene), GATE_ANNOTATION);
		auto_json json_t *after = mutated(&scene, pod);
		const char *mark = annotation_of(after, GATE_ANNOTATION);
		assert_int_equal(mark != NULL, i);
		assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = after }));
		scene_close(&scene);
	}
}

/* ---- the pod's init-data ------------------------------------------------------------------------------------ */

static void keys_are_those_of_the_pods_own_broker(void **state)
{
	static const struct {
		const char *profiles, *broker;
		bool same;
	} cases[] = {
		{ TEAM, NULL, true },
		{ "- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: "
		  "{kbs: {url: 'https://other.example:8080'}}}}",
				NULL, false },
		{ "- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: "
		  "{source: Author}}}",
				"https://kbs.example:8080", true },
		{ "- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: "
		  "{source: Author}}}",
				"https://other.example:8080", false },
	};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod = yaml(POD("snp", "", APP));
		scene_open(&scene, NULL, cases[i].profiles, POLICY);
		scene.facts = facts_made("kbs://kbs.example:8080/default/key/app", 0);
		if (cases[i].broker) {
			auto_free char *toml = xasprintf(
					"version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n"
					"\"aa.toml\" = '''\n[token_configs.kbs]\nurl = \"%s\"\n'''\n",
					cases[i].broker);
			auto_free char *value = packed(toml);
			json_object_set_new(json_object_get(pod, "metadata"), "annotations",
					json_pack("{s:s}", INITDATA_ANNOTATION, value));
		}
		auto_json json_t *after = mutated(&scene, pod);
		assert_int_equal(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = after }),
				cases[i].same);
		/* a template's pods get it by injection */
		if (!cases[i].broker) {
			auto_json json_t *workload = json_pack(
					"{s:s, s:{s:O}}", "kind", "Deployment", "spec", "template", pod);
			assert_true(admits(&scene,
					&(struct ask){ .path = REVIEW_TEMPLATES,
							.resource = "apps/deployments",
							.object = workload }));
			auto_free char *warnings = lines_of(json_object_get(scene.said, "warnings"));
			assert_int_equal(strstr(warnings, "ImagePolicy shop") == NULL, cases[i].same);
		}
		scene_close(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(injects_the_profile_the_digest_and_the_mark_in_one_patch),
		cmocka_unit_test(nothing_is_answered_while_facts_are_on_their_way),
		cmocka_unit_test(a_refusal_holds_the_reasons_of_profile_and_policies),
		cmocka_unit_test(softer_modes_warn_or_leave_it_to_the_audit_log),
		cmocka_unit_test(pods_that_are_not_confidential_are_not_looked_at),
		cmocka_unit_test(the_mark_is_nobodys_to_bring),
		cmocka_unit_test(keys_are_those_of_the_pods_own_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
