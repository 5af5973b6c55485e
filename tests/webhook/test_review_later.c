/* SPDX-License-Identifier: Apache-2.0 */
/* Images of pods that are there already, and of templates. */
#include "tests/webhook/review_scene.h"

/* ---- updates ------------------------------------------------------------------------------------------------ */

static void a_resize_alone_brings_nothing_to_judge(void **state)
{
	static const struct {
		const char *subresource;
		bool judged;
	} cases[] = { { NULL, true }, { "ephemeralcontainers", true }, { "status", true },
		{ "resize", false } };
	auto_json json_t *pod = yaml(POD("snp", "", APP));
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM, POLICY);
	knows(&scene, true);
	auto_json json_t *before = mutated(&scene, pod);
	auto_json json_t *after = json_deep_copy(before);
	json_object_set_new(json_object_get(after, "spec"), "ephemeralContainers",
			yaml("[{name: debug, image: '" OTHER "'}]"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct ask ask = { .path = REVIEW_VALIDATE,
			.operation = "UPDATE",
			.subresource = cases[i].subresource,
			.before = before,
			.object = after };
		knows(&scene, false);
		assert_int_equal(admits(&scene, &ask), !cases[i].judged);
		/* the image that was there is judged no more */
		assert_int_equal(scene.asked, cases[i].judged);
		knows(&scene, true);
		assert_true(admits(&scene, &ask));
	}
	scene_close(&scene);
}

/* The API server lets an update of the status change labels. */
static void a_status_does_not_bring_a_pod_under_a_policy_unjudged(void **state)
{
	auto_json json_t *pod = yaml(POD("snp", "", APP));
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM,
			"- {metadata: {name: strict}, spec: {match: {podSelector: {matchLabels: {tier: "
			"front}}}, "
			"encryption: {}}}");
	auto_json json_t *before = mutated(&scene, pod);
	auto_json json_t *after = json_deep_copy(before);
	json_object_set_new(json_object_get(after, "metadata"), "labels", yaml("{tier: front}"));
	const struct ask ask = { .path = REVIEW_VALIDATE,
		.operation = "UPDATE",
		.subresource = "status",
		.before = before,
		.object = after };
	knows(&scene, false);
	assert_false(admits(&scene, &ask));
	assert_holds(message(&scene), "ImagePolicy strict: encryption.layers:");
	scene_close(&scene);
}

static void what_comes_later_is_pinned_too(void **state)
{
	auto_json json_t *pod = yaml(POD("snp", "", APP));
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM, "- {metadata: {name: shop}, spec: {digest: {pin: DropTag}}}");
	knows(&scene, true);
	auto_json json_t *before = mutated(&scene, pod);
	auto_json json_t *after = json_deep_copy(before);
	json_object_set_new(json_object_get(after, "spec"), "ephemeralContainers",
			yaml("[{name: debug, image: '" OTHER "'}]"));
	const char *patch = json_text_at(reviewed(&scene,
							 &(struct ask){ .path = REVIEW_MUTATE,
									 .operation = "UPDATE",
									 .subresource = "ephemeralcontainers",
									 .before = before,
									 .object = after }),
			"patch", NULL);
	auto_buf struct buf text = BUF_MAX(65536);
	assert_int_equal(b64_decode(span_of(patch), &text, NULL), 0);
	assert_string_equal(buf_text(&text),
			"[{\"op\":\"replace\",\"path\":\"/spec/ephemeralContainers/0/image\","
			"\"value\":\"registry.example/shop/app@" DIGEST_A "\"}]");
	assert_false(admits(&scene,
			&(struct ask){ .path = REVIEW_VALIDATE,
					.operation = "UPDATE",
					.before = before,
					.object = after }));
	assert_holds(message(&scene), "digest.pin");
	scene_close(&scene);
}

static void another_label_may_bring_another_policy(void **state)
{
	auto_json json_t *pod = yaml(POD("snp", "app: free", APP));
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM,
			"[{metadata: {name: shop}, spec: {match: {podSelector: {matchLabels: {app: db}}}, "
			"encryption: {}}}, {metadata: {name: all}, spec: {}}]");
	knows(&scene, false);
	auto_json json_t *before = mutated(&scene, pod);
	assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = before }));
	auto_json json_t *after = json_deep_copy(before);
	json_object_set_new(json_object_get(json_object_get(after, "metadata"), "labels"), "app",
			json_string("db"));
	assert_false(admits(&scene,
			&(struct ask){ .path = REVIEW_VALIDATE,
					.operation = "UPDATE",
					.before = before,
					.object = after }));
	assert_holds(message(&scene), "ImagePolicy shop");
	scene_close(&scene);
}

static void a_class_that_is_gone_or_left_out_lets_nobody_out(void **state)
{
	auto_json json_t *before = yaml(POD("gone", "", APP));
	auto_json json_t *after = yaml(POD("gone", "", OTHER));
	auto_json json_t *bare = yaml(POD("null", "", OTHER));
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM, POLICY);
	knows(&scene, false);
	for (int i = 0; i < 2; i++) {
		assert_false(admits(&scene,
				&(struct ask){ .path = REVIEW_VALIDATE,
						.operation = "UPDATE",
						.before = before,
						.object = i ? bare : after }));
		assert_holds(message(&scene), "ImagePolicy shop");
	}
	scene_close(&scene);
}

/* ---- templates ---------------------------------------------------------------------------------------------- */

static void templates_are_refused_where_a_policy_says_so(void **state)
{
	static const struct {
		const char *policies;
		bool allowed, warned;
	} cases[] = { { POLICY, true, true },
		{ "- {metadata: {name: shop}, spec: {templates: Enforce, encryption: {}}}", false, false },
		{ "- {metadata: {name: shop}, spec: {templates: Ignore, encryption: {}}}", true, false } };
	auto_json json_t *workload =
			yaml("{kind: Deployment, spec: {template: {spec: {runtimeClassName: snp, "
			     "containers: [{name: a, image: '" APP "'}]}}}}");
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		scene_open(&scene, NULL, TEAM, cases[i].policies);
		knows(&scene, false);
		assert_int_equal(admits(&scene,
						 &(struct ask){ .path = REVIEW_TEMPLATES,
								 .resource = "apps/deployments",
								 .object = workload }),
				cases[i].allowed);
		auto_free char *warnings = lines_of(json_object_get(scene.said, "warnings"));
		assert_int_equal(strstr(warnings, "image: \"" APP "\": ImagePolicy shop: ") != NULL,
				cases[i].warned);
		if (!cases[i].allowed)
			assert_holds(message(&scene),
					"spec.template is refused (runtime class 'snp'):\n  "
					"spec.template.spec.containers[0].image: \"" APP
					"\": ImagePolicy shop: ");
		scene_close(&scene);
	}
}

/* Else a workload could not be scaled down, nor lose its finalizers, and controllers would wait for registries. */
static void a_template_is_judged_once(void **state)
{
	static const struct {
		const char *operation, *metadata, *image;
		bool judged;
	} cases[] = {
		{ "CREATE", "{}", APP, true },
		{ "UPDATE", "{}", APP, false },
		{ "UPDATE", "{deletionTimestamp: '2026-01-01T00:00:00Z'}", APP, false },
		{ "UPDATE", "{}", OTHER, true },
		{ "CREATE", "{ownerReferences: [{kind: Deployment, name: web, controller: true}]}", APP,
				false },
		{ "CREATE", "{ownerReferences: [{kind: Deployment, name: web}]}", APP, true },
		{ "CREATE", "{ownerReferences: [{kind: Rollout, name: web, controller: true}]}", APP, true },
	};
	auto_json json_t *before =
			yaml("{kind: ReplicaSet, spec: {replicas: 3, template: {spec: {runtimeClassName: "
			     "snp, containers: [{name: a, image: '" APP "'}]}}}}");
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, TEAM,
			"- {metadata: {name: shop}, spec: {templates: Enforce, encryption: {}}}");
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *after =
				yamlf("{kind: ReplicaSet, metadata: %s, spec: {replicas: 0, template: {spec: "
				      "{runtimeClassName: snp, containers: [{name: a, image: '%s'}]}}}}",
						cases[i].metadata, cases[i].image);
		knows(&scene, false);
		assert_int_equal(admits(&scene,
						 &(struct ask){ .path = REVIEW_TEMPLATES,
								 .resource = "apps/replicasets",
								 .operation = cases[i].operation,
								 .before = cases[i].operation[0] == 'U'
										 ? before
										 : NULL,
								 .object = after }),
				!cases[i].judged);
		assert_int_equal(scene.asked, cases[i].judged);
	}
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_is_judged_once),
		cmocka_unit_test(a_resize_alone_brings_nothing_to_judge),
		cmocka_unit_test(a_status_does_not_bring_a_pod_under_a_policy_unjudged),
		cmocka_unit_test(what_comes_later_is_pinned_too),
		cmocka_unit_test(another_label_may_bring_another_policy),
		cmocka_unit_test(a_class_that_is_gone_or_left_out_lets_nobody_out),
		cmocka_unit_test(templates_are_refused_where_a_policy_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
