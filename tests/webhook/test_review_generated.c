/* SPDX-License-Identifier: Apache-2.0 */
/* Reviews of pods whose agent policy is generated: they wait, and are judged in full when they have it. */
#include "tests/profile/prepared_scene.h"
#include "tests/webhook/review_scene.h"

#define GEN                                                                                         \
	"- {metadata: {name: gen}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: " \
	"{kbs: {url: 'https://kbs.example:8080'}, agentPolicy: {generated: {}}}}}"
#define WEB                                                                                   \
	"{apiVersion: v1, kind: Pod, metadata: {generateName: web-, labels: {a: b}}, spec: {" \
	"runtimeClassName: snp, containers: [{name: app, image: '%s'}]}}"
#define SAYS_DIGEST "package agent_policy\nimage := \"" DIGEST_A "\"\n"
#define SAYS_NONE   "package agent_policy\n"

static bool gated(const json_t *pod)
{
	return json_array_size(json_at(pod, "spec", "schedulingGates", NULL)) > 0;
}

/* Prepares what the pod waits for, as the controller would. */
static void prepare(struct scene *scene, const json_t *pod, const char *policy)
{
	struct pod_view view = view_of(pod);
	auto_decision struct decision d;
	auto_prepared struct prepared *prepared = NULL;

	decision_init(&d);
	decide_lift(scene->catalog, &view, &d);
	assert_true(d.unprepared);
	auto_json json_t *resource = prepared_resource("web", d.key, "2026-01-02T03:04:05Z", policy);
	assert_int_equal(prepared_read(resource, &prepared, NULL), 0);
	catalog_add_prepared(scene->catalog, prepared);
}

static json_t *lifted(const struct scene *scene, const json_t *pod)
{
	struct pod_view view = view_of(pod);
	auto_decision struct decision d;

	decision_init(&d);
	decide_lift(scene->catalog, &view, &d);
	if (!d.allowed)
		fail_msg("%s", buf_text(&d.message));
	return patched(pod, d.patch);
}

static bool admits_lift(struct scene *scene, const json_t *before, const json_t *after)
{
	return admits(scene,
			&(struct ask){ .path = REVIEW_VALIDATE,
					.operation = "UPDATE",
					.user = CONTROLLER,
					.object = after,
					.before = before });
}

static void the_first_pod_waits_and_the_next_does_not(void **state)
{
	auto_json json_t *pod = yamlf(WEB, APP);
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, GEN, NULL);
	auto_json json_t *waits = mutated(&scene, pod);
	assert_int_equal(scene.result.outcome, OUTCOME_WAITING);
	assert_true(gated(waits));
	assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = waits }));
	assert_int_equal(scene.result.outcome, OUTCOME_WAITING);
	prepare(&scene, waits, SAYS_NONE);
	auto_json json_t *after = lifted(&scene, waits);
	assert_false(gated(after));
	assert_true(admits_lift(&scene, waits, after));
	auto_json json_t *next = mutated(&scene, pod);
	assert_int_equal(scene.result.outcome, OUTCOME_INJECTED);
	assert_false(gated(next));
	assert_string_equal(
			annotation_of(next, INITDATA_ANNOTATION), annotation_of(after, INITDATA_ANNOTATION));
	assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = next }));
	scene_close(&scene);
}

static void what_can_never_be_is_refused_at_once(void **state)
{
	auto_json json_t *pod = yamlf(WEB, APP);
	struct scene scene;

	(void)state;
	json_object_set_new(json_object_get(pod, "spec"), "ephemeralContainers",
			yaml("[{name: e, image: a.example/e}]"));
	scene_open(&scene, NULL, GEN, NULL);
	auto_json json_t *same = mutated(&scene, pod);
	assert_true(json_equal(same, pod));
	assert_false(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = same }));
	assert_holds(message(&scene), "ephemeralContainers");
	scene_close(&scene);
}

/* What is known of the init-data is judged when the pod comes in, its agent policy when it gets it. */
static void image_policies_look_at_the_agent_policy_once_it_is_there(void **state)
{
	static const struct {
		const char *says;
		bool passes;
	} cases[] = { { SAYS_DIGEST, true }, { SAYS_NONE, false } };
	auto_json json_t *pod = yamlf(WEB, APP);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scene scene;
		scene_open(&scene, NULL, GEN,
				"- {metadata: {name: shop}, spec: {encryption: {sameBroker: true}, digest: "
				"{inAgentPolicy: Deny}}}");
		knows(&scene, true);
		auto_json json_t *waits = mutated(&scene, pod);
		assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = waits }));
		prepare(&scene, waits, cases[i].says);
		/* also when it comes between the two calls: then it is judged at once */
		assert_true(cases[i].passes ==
				admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = waits }));
		auto_json json_t *after = lifted(&scene, waits);
		assert_true(cases[i].passes == admits_lift(&scene, waits, after));
		if (!cases[i].passes)
			assert_holds(message(&scene), "digest.inAgentPolicy");
		auto_json json_t *next = mutated(&scene, pod);
		assert_true(cases[i].passes ==
				admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = next }));
		scene_close(&scene);
	}
}

/* Other labels bring a pod under other policies, also while it waits. */
static void a_pod_that_waits_is_judged_by_what_it_will_get(void **state)
{
	static const struct {
		const char *broker;
		bool passes;
	} cases[] = { { "kbs:///default/key/app", true }, { "kbs://other.example/default/key/app", false } };
	auto_json json_t *pod = yamlf(WEB, APP);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scene scene;
		scene_open(&scene, NULL, GEN,
				"- {metadata: {name: any}, spec: {match: {podSelector: {matchLabels: {a: "
				"b}}}}}\n"
				"- {metadata: {name: shop}, spec: {match: {podSelector: {matchLabels: {a: "
				"c}}}, "
				"encryption: {sameBroker: true}, digest: {inAgentPolicy: Deny}}}");
		scene.facts = facts_made(cases[i].broker, 0);
		auto_json json_t *waits = mutated(&scene, pod);
		assert_true(gated(waits));
		auto_json json_t *after = json_deep_copy(waits);
		json_object_set_new((json_t *)(uintptr_t)json_at(after, "metadata", "labels", NULL), "a",
				json_string("c"));
		assert_true(cases[i].passes ==
				admits(&scene,
						&(struct ask){ .path = REVIEW_VALIDATE,
								.operation = "UPDATE",
								.object = after,
								.before = waits }));
		if (!cases[i].passes)
			assert_holds(message(&scene), "encryption.sameBroker");
		scene_close(&scene);
	}
}

/* The policy is for the image that the pod ends up with. */
static void images_are_pinned_before_a_policy_is_looked_for(void **state)
{
	auto_json json_t *pod = yamlf(WEB, APP);
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, GEN,
			"- {metadata: {name: shop}, spec: {encryption: {}, digest: {pin: KeepTag}}}");
	knows(&scene, true);
	auto_json json_t *waits = mutated(&scene, pod);
	assert_true(gated(waits));
	assert_holds(annotation_of(waits, GATE_ANNOTATION), "sha256:");
	const json_t *app = json_array_get(json_at(waits, "spec", "containers", NULL), 0);
	assert_string_equal(json_text_at(app, "image", NULL), APP "@" DIGEST_A);
	assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = waits }));
	prepare(&scene, waits, SAYS_NONE);
	auto_json json_t *next = mutated(&scene, pod);
	assert_false(gated(next));
	assert_non_null(annotation_of(next, INITDATA_ANNOTATION));
	assert_holds(annotation_of(next, GATE_ANNOTATION), "sha256:");
	app = json_array_get(json_at(next, "spec", "containers", NULL), 0);
	assert_string_equal(json_text_at(app, "image", NULL), APP "@" DIGEST_A);
	assert_true(admits(&scene, &(struct ask){ .path = REVIEW_VALIDATE, .object = next }));
	auto_json json_t *again = mutated(&scene, next);
	assert_true(json_equal(next, again));
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_pod_waits_and_the_next_does_not),
		cmocka_unit_test(what_can_never_be_is_refused_at_once),
		cmocka_unit_test(image_policies_look_at_the_agent_policy_once_it_is_there),
		cmocka_unit_test(a_pod_that_waits_is_judged_by_what_it_will_get),
		cmocka_unit_test(images_are_pinned_before_a_policy_is_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
