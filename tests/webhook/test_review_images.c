/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/review.h"

#include "base/b64.h"
#include "tests/webhook/asks.h"

#define APP    "registry.example/shop/app:1"
#define OTHER  "registry.example/shop/app:2"
#define POLICY "- {metadata: {name: shop}, spec: {encryption: {}}}"
#define TEAM                                                                                         \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: " \
	"{kbs: {url: 'https://kbs.example:8080'}}}}"
#define POD(class, labels, image)                                            \
	"{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {" labels \
	"}}, spec: {runtimeClassName: " class ", containers: [{name: a, image: '" image "'}]}}"

/* What is known of all images. */
struct scene {
	struct catalog *catalog;
	struct policy_set *policies;
	struct image_facts *facts; /* NULL: nothing yet */
	unsigned asked;
	/* of the last review */
	struct review_result result;
	json_t *said;
};

static enum gate_found scene_find(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	struct scene *scene = ctx;

	(void)why;
	assert_string_equal(want->name.host, "registry.example");
	scene->asked++;
	if (!scene->facts)
		return GATE_PENDING;
	*facts = image_facts_ref(scene->facts);
	return GATE_FOUND;
}

static void scene_open(struct scene *scene, const char *settings, const char *profiles, const char *policies)
{
	*scene = (struct scene){ .catalog = catalog_of(settings, profiles),
		.policies = policies_of(NULL, policies) };
}

static void scene_close(struct scene *scene)
{
	if (scene->said)
		review_result_clear(&scene->result);
	catalog_unref(scene->catalog);
	policy_set_unref(scene->policies);
	image_facts_unref(scene->facts);
	json_decref(scene->said);
}

static void knows(struct scene *scene, bool encrypted)
{
	image_facts_unref(scene->facts);
	scene->facts = facts_of(encrypted, 0);
}

/* NULL while facts are pending. */
static const json_t *reviewed(struct scene *scene, const struct ask *ask)
{
	const struct review_env env = { .catalog = scene->catalog,
		.policies = scene->policies,
		.controller_user = CONTROLLER,
		.ctx = scene,
		.find = scene_find };
	auto_free char *text = review_text(ask);
	struct buf out = BUF_MAX(1 << 20);
	auto_json json_t *all = NULL;

	if (scene->said)
		review_result_clear(&scene->result);
	scene->asked = 0;
	review(&env, ask->path, span_of(text), &scene->result, &out);
	assert_int_equal(scene->result.status, 200);
	json_decref(scene->said);
	scene->said = json_object();
	if (!scene->result.pending) {
		assert_int_equal(json_read(buf_span(&out), 1 << 20, &all, NULL), 0);
		json_object_update(scene->said, json_object_get(all, "response"));
	} else {
		assert_int_equal(out.len, 0);
	}
	buf_clear(&out);
	return scene->said;
}

static bool admits(struct scene *scene, const struct ask *ask)
{
	return json_is_true(json_object_get(reviewed(scene, ask), "allowed"));
}

static const char *message(const struct scene *scene)
{
	return json_text_at(scene->said, "status", "message", NULL);
}

/* The pod after the mutation. */
static json_t *mutated(struct scene *scene, const json_t *pod)
{
	const char *patch =
			json_text_at(reviewed(scene, &(struct ask){ .path = REVIEW_MUTATE, .object = pod }),
					"patch", NULL);
	struct buf text = BUF_MAX(1 << 20);
	auto_json json_t *operations = NULL;

	if (!patch)
		return json_deep_copy(pod);
	assert_int_equal(b64_decode(span_of(patch), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 1 << 20, &operations, NULL), 0);
	buf_clear(&text);
	json_t *after = patched(pod, operations);
	assert_non_null(after);
	return after;
}

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
	scene_open(&scene, NULL, TEAM,
			"- {metadata: {name: shop}, spec: {encryption: {}, digest: {pin: KeepTag}}}");
	for (enum review_path path = REVIEW_MUTATE; path < REVIEW_PATHS; path++) {
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
	}
	scene_close(&scene);
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
