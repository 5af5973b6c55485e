/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of a profile that generates agent policies: before, while and after theirs is prepared. */
#include "tests/profile/prepared_scene.h"

#define GENERATES                                                                                        \
	"- {metadata: {name: gen, generation: 2}, spec: {runtimeClasses: ['*'], namespaceSelector: {}, " \
	"kernelParams: [quiet], initData: {logLevel: info, agentPolicy: {generated: {injected: [{name: " \
	"mesh, "                                                                                         \
	"image: a.example/mesh}]}}}}}"
#define SPEC(more) \
	"runtimeClassName: snp, containers: [{name: app, image: 'a.example/app:1', resources: {}}]" more
#define META                                                                                          \
	"metadata: {generateName: web-5d4f8c7b9-, labels: {app: web, pod-template-hash: 5d4f8c7b9}, " \
	"ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8c7b9, uid: u, "     \
	"controller: true}]}"
#define POD(more) "{" META ", spec: {" SPEC(more) "}}"
#define GATED     ", schedulingGates: [{name: cocoon.dev/init-data}]"
#define POLICY    "package agent_policy\n"

static void check_decision(const struct decision *d)
{
	assert_true(d->allowed == !d->message.len);
}

static void ask(void (*decide)(const struct catalog *, const struct pod_view *, struct decision *),
		const struct catalog *catalog, const json_t *pod, struct decision *d)
{
	struct pod_view view = view_of(pod);

	decision_init(d);
	decide(catalog, &view, d);
	check_decision(d);
}

/* Puts what a pod waits for into the catalog. */
static void prepare(struct catalog *catalog, const json_t *pod, const char *policy)
{
	auto_decision struct decision d;
	auto_prepared struct prepared *prepared = NULL;

	ask(decide_mutate, catalog, pod, &d);
	assert_int_equal(strlen(d.key), AGENT_KEY_LEN);
	auto_json json_t *resource = prepared_resource("web", d.key, "2026-01-02T03:04:05Z", policy);
	assert_int_equal(prepared_read(resource, &prepared, NULL), 0);
	catalog_add_prepared(catalog, prepared);
}

static void refused_with(const struct catalog *catalog, const json_t *pod, const char *reason)
{
	auto_decision struct decision d;

	assert_holds(creation(catalog, pod, &d), reason);
	assert_int_equal(d.outcome, OUTCOME_REFUSED);
}

static void a_pod_without_its_policy_gets_the_gate_and_nothing_else(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));
	auto_json json_t *other = yaml(POD(", schedulingGates: [{name: a.example/b}]"));
	auto_json json_t *none = yaml(POD(", schedulingGates: null"));
	auto_json json_t *gates = yaml("[{name: cocoon.dev/init-data}]");
	auto_json json_t *both = yaml("[{name: a.example/b}, {name: cocoon.dev/init-data}]");
	auto_decision struct decision d, created;

	(void)state;
	ask(decide_mutate, catalog, pod, &d);
	assert_int_equal(d.outcome, OUTCOME_WAITING);
	assert_true(d.unprepared);
	assert_int_equal(json_array_size(d.patch), 1);
	auto_json json_t *after = injected(catalog, pod);
	assert_true(json_equal(json_at(after, "spec", "schedulingGates", NULL), gates));
	assert_null(json_at(after, "metadata", "annotations", NULL));
	auto_json json_t *second = injected(catalog, other);
	assert_true(json_equal(json_at(second, "spec", "schedulingGates", NULL), both));
	auto_json json_t *third = injected(catalog, none);
	assert_true(json_equal(json_at(third, "spec", "schedulingGates", NULL), gates));
	assert_string_equal(creation(catalog, after, &created), "");
	assert_int_equal(created.outcome, OUTCOME_WAITING);
	assert_true(created.unprepared);
	assert_string_equal(created.key, d.key);
	assert_string_equal(json_text_at(created.audit, "profile", NULL), "gen");
}

static void a_pod_with_its_policy_is_injected_as_any(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));
	auto_json json_t *gated = yaml(POD(GATED));
	auto_decision struct decision d, created;

	(void)state;
	prepare(catalog, pod, POLICY);
	ask(decide_mutate, catalog, pod, &d);
	assert_int_equal(d.outcome, OUTCOME_INJECTED);
	assert_false(d.unprepared);
	assert_int_equal(d.profile->source, PROFILE_RENDERED);
	assert_string_equal(json_text_at(d.audit, "digest", NULL), d.profile->digest_text);
	auto_json json_t *after = injected(catalog, pod);
	assert_string_equal(annotation_of(after, INITDATA_ANNOTATION), d.profile->annotation);
	assert_string_equal(annotation_of(after, PROFILE_DIGEST_ANNOTATION), d.profile->digest_text);
	assert_string_equal(annotation_of(after, KERNEL_PARAMS_ANNOTATION), "quiet");
	assert_string_equal(creation(catalog, after, &created), "");
	assert_int_equal(created.outcome, OUTCOME_COMPLETE);
	/* a gate that somebody else put there is lifted in the same patch */
	auto_json json_t *lifted = injected(catalog, gated);
	assert_int_equal(json_array_size(json_at(lifted, "spec", "schedulingGates", NULL)), 0);
	assert_non_null(annotation_of(lifted, INITDATA_ANNOTATION));
}

/* Between the two calls of one creation. */
static void a_policy_that_comes_in_between_makes_no_difference(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));
	auto_json json_t *waits = injected(catalog, pod);
	auto_decision struct decision d;

	(void)state;
	prepare(catalog, pod, POLICY);
	assert_string_equal(creation(catalog, waits, &d), "");
	assert_int_equal(d.outcome, OUTCOME_WAITING);
	assert_false(d.unprepared);
}

static void a_policy_is_found_by_what_matters_alone(void **state)
{
	static const char *const same[] = {
		"{kind: Pod, apiVersion: v1, " META
		", spec: {" SPEC(", tolerations: [{operator: Exists}], nodeSelector: "
				 "{a: b}, priority: 3") "}}",
		"{metadata: {name: web-5d4f8c7b9-x2x9k, namespace: shop, uid: x, labels: {pod-template-hash: "
		"5d4f8c7b9}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8c7b9, "
		"uid: "
		"u, controller: true}], annotations: {a: b}}, spec: {" SPEC(
				"") "}, status: {phase: Pending}}",
		"{" META
		", spec: {runtimeClassName: snp, containers: [{name: app, image: 'a.example/app:1'}, "
		"{name: mesh, image: a.example/mesh}]}}",
	};
	static const char *const others[] = {
		"{" META
		", spec: {runtimeClassName: snp, containers: [{name: app, image: 'a.example/app:2'}]}}",
		"{" META
		", spec: {runtimeClassName: remote, containers: [{name: app, image: 'a.example/app:1'}]}}",
		"{metadata: {name: web}, spec: {" SPEC("") "}}",
	};
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));

	(void)state;
	prepare(catalog, pod, POLICY);
	for (size_t i = 0; i < COUNT(same) + COUNT(others); i++) {
		auto_json json_t *one = yaml(i < COUNT(same) ? same[i] : others[i - COUNT(same)]);
		auto_decision struct decision d;
		ask(decide_mutate, catalog, one, &d);
		if (d.unprepared == (i < COUNT(same)))
			fail_msg("case %zu: %d", i, d.unprepared);
	}
}

static void a_pod_that_is_bound_cannot_wait(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *bound = yaml(POD(", nodeName: n1"));
	auto_json json_t *both = yaml(POD(", nodeName: n1" GATED));
	auto_json json_t *free_pod = yaml(POD(""));
	auto_decision struct decision d, ok;

	(void)state;
	ask(decide_mutate, catalog, bound, &d);
	assert_int_equal(json_array_size(d.patch), 0);
	refused_with(catalog, bound,
			"spec.nodeName: the pod is bound to node 'n1' already and cannot wait for its agent "
			"policy, which is not prepared: leave the choice of the node to the scheduler");
	refused_with(catalog, both, "spec.nodeName: a pod that waits at gate");
	/* once it is there, there is nothing to wait for */
	prepare(catalog, free_pod, POLICY);
	auto_json json_t *after = injected(catalog, bound);
	assert_string_equal(creation(catalog, after, &ok), "");
}

static void what_no_policy_can_express_is_refused_with_the_reasons(void **state)
{
	static const char *const impossible[] = {
		POD(", ephemeralContainers: [{name: e, image: a.example/e}]"),
		POD(", ephemeralContainers: [{name: e, image: a.example/e}]" GATED),
	};
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);

	(void)state;
	for (size_t i = 0; i < COUNT(impossible); i++) {
		auto_json json_t *pod = yaml(impossible[i]);
		auto_decision struct decision d, lifted;
		ask(decide_mutate, catalog, pod, &d);
		assert_int_equal(json_array_size(d.patch), 0);
		assert_false(d.unprepared);
		assert_string_equal(d.key, "");
		refused_with(catalog, pod, "ephemeralContainers");
		ask(decide_lift, catalog, pod, &lifted);
		assert_false(lifted.allowed);
		assert_false(lifted.unprepared);
		assert_holds(buf_text(&lifted.message), "ephemeralContainers");
	}
	auto_json json_t *warns = yaml(GENERATES);
	auto_catalog struct catalog *warning = catalog_of(NULL, NULL);
	json_object_set_new(json_object_get(json_array_get(warns, 0), "spec"), "mode", json_string("Warn"));
	auto_profile struct profile *profile = compiled(json_array_get(warns, 0));
	assert_int_equal(catalog_add_profile(warning, profile, NULL), 0);
	auto_json json_t *pod = yaml(impossible[0]);
	refused_with(warning, pod, "ephemeralContainers");
}

static void an_ungated_pod_without_its_policy_is_refused(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));

	(void)state;
	refused_with(catalog, pod, "the pod has neither init-data nor the scheduling gate");
	prepare(catalog, pod, POLICY);
	refused_with(catalog, pod, "annotation '" INITDATA_ANNOTATION "' is missing");
	/* another webhook, behind ours */
	auto_json json_t *after = injected(catalog, pod);
	json_array_append_new((json_t *)(uintptr_t)json_at(after, "spec", "containers", NULL),
			yaml("{name: late, image: a.example/late}"));
	refused_with(catalog, after,
			"another admission webhook changed it after injection; containers that are injected "
			"are declared in spec.initData.agentPolicy.generated.injected of profile 'gen'");
}

static void a_waiting_pod_is_judged_in_all_else(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(GATED));
	auto_decision struct decision own;

	(void)state;
	json_object_set_new(json_object_get(pod, "metadata"), "annotations",
			yaml("{io.katacontainers.config.hypervisor.firmware: x}"));
	refused_with(catalog, pod, "is foreign");
	json_object_set_new(json_object_get(pod, "metadata"), "annotations",
			yaml("{io.katacontainers.config.hypervisor.kernel_params: 'init=/x'}"));
	refused_with(catalog, pod, "kernel_params");
	json_object_set_new(json_object_get(pod, "metadata"), "annotations", yaml("{cocoon.dev/profile: x}"));
	refused_with(catalog, pod, "a pod cannot name its profile");
	/* init-data of its own is compared once there is what it has to be */
	json_object_set_new(json_object_get(pod, "metadata"), "annotations", json_object());
	json_object_set_new(json_object_get(json_object_get(pod, "metadata"), "annotations"),
			INITDATA_ANNOTATION, json_string("H4sI"));
	assert_string_equal(creation(catalog, pod, &own), "");
	prepare(catalog, pod, POLICY);
	refused_with(catalog, pod, INITDATA_ANNOTATION);
}

static void the_controller_completes_it_to_the_byte(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(GATED));
	struct pod_view before = view_of(pod), after;
	auto_decision struct decision early, ready, taken, wrong, tenant;

	(void)state;
	ask(decide_lift, catalog, pod, &early);
	assert_false(early.allowed);
	assert_true(early.unprepared);
	assert_int_equal(strlen(early.key), AGENT_KEY_LEN);
	assert_holds(buf_text(&early.message), "its agent policy is not prepared yet");
	prepare(catalog, pod, POLICY);
	ask(decide_lift, catalog, pod, &ready);
	assert_true(ready.allowed);
	assert_string_equal(ready.key, early.key);
	auto_json json_t *lifted = patched(pod, ready.patch);
	after = view_of(lifted);
	decision_init(&taken);
	decide_update(catalog, &before, &after, true, &taken);
	assert_true(taken.allowed);
	decision_init(&tenant);
	decide_update(catalog, &before, &after, false, &tenant);
	assert_false(tenant.allowed);
	json_object_set_new((json_t *)(uintptr_t)json_at(lifted, "metadata", "annotations", NULL),
			INITDATA_ANNOTATION, json_string("H4sI"));
	after = view_of(lifted);
	decision_init(&wrong);
	decide_update(catalog, &before, &after, true, &wrong);
	assert_false(wrong.allowed);
}

static void nobody_lifts_the_gate_without_the_policy(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(GATED));
	auto_json json_t *bare = yaml(POD(""));
	struct pod_view before = view_of(pod), after = view_of(bare);

	(void)state;
	for (int controller = 0; controller < 2; controller++) {
		auto_decision struct decision d;
		decision_init(&d);
		decide_update(catalog, &before, &after, controller, &d);
		assert_false(d.allowed);
		assert_holds(buf_text(&d.message), "its agent policy is not prepared yet");
	}
	prepare(catalog, pod, POLICY);
	auto_decision struct decision d;
	decision_init(&d);
	decide_update(catalog, &before, &after, true, &d);
	assert_false(d.allowed);
	assert_holds(buf_text(&d.message), "annotation '" INITDATA_ANNOTATION "' is missing");
}

static char *template_says(const struct catalog *catalog, const char *template, struct decision *d)
{
	auto_json json_t *workload = yamlf(
			"{kind: Deployment, apiVersion: apps/v1, metadata: {name: web, namespace: shop}, "
			"spec: {template: {metadata: {labels: {app: web}}, spec: {%s}}}}",
			template);
	struct pod_view view;
	const char *path = NULL;

	assert_int_equal(pod_view_template(workload, "shop", &view, &path, NULL), 0);
	decision_init(d);
	decide_template(catalog, workload, &view, path, d);
	assert_true(d->allowed);
	return lines_of(d->warnings);
}

static void templates_have_the_key_of_their_pods_and_warn_early(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));
	auto_decision struct decision waits, never, bound, there, again;

	(void)state;
	auto_free char *first = template_says(catalog, SPEC(""), &waits);
	ask(decide_mutate, catalog, pod, &again);
	assert_string_equal(waits.key, again.key);
	assert_true(waits.unprepared);
	assert_int_equal(waits.outcome, OUTCOME_WAITING);
	assert_null(strstr(first, "refused"));
	auto_free char *second = template_says(
			catalog, SPEC(", ephemeralContainers: [{name: e, image: a.example/e}]"), &never);
	assert_holds(second, "spec.template: pods will be refused: ");
	assert_holds(second, "ephemeralContainers");
	auto_free char *third = template_says(catalog, SPEC(", nodeName: n1"), &bound);
	assert_holds(third,
			"spec.template: pods will be refused: spec.nodeName: the pod is bound to node 'n1'");
	prepare(catalog, pod, POLICY);
	auto_free char *fourth = template_says(catalog, SPEC(""), &there);
	assert_null(strstr(fourth, "refused"));
	assert_false(there.unprepared);
	assert_int_equal(there.profile->source, PROFILE_RENDERED);
}

static void knows_the_pods_that_run_by_their_fingerprints(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, GENERATES);
	auto_catalog struct catalog *none = catalog_of(NULL, GENERATES);
	auto_json json_t *pod = yaml(POD(""));
	auto_json json_t *gated = yaml(POD(GATED));
	auto_decision struct decision d;
	const struct profile *profile = NULL;
	struct buf why = BUF_MAX(4096);

	(void)state;
	prepare(catalog, pod, POLICY);
	ask(decide_mutate, catalog, pod, &d);
	auto_json json_t *after = injected(catalog, pod);
	struct pod_view view = view_of(after), waits = view_of(gated), bare = view_of(pod);
	assert_int_equal(decide_state(catalog, &view, NULL, &profile, &why), POD_INJECTED);
	assert_ptr_equal(profile, catalog_profile(catalog, 0));
	assert_int_equal(decide_state(catalog, &waits, NULL, &profile, &why), POD_GATED);
	assert_int_equal(decide_state(catalog, &bare, NULL, &profile, &why), POD_UNPROTECTED);
	assert_int_equal(decide_state(none, &view, NULL, &profile, &why), POD_DRIFTED);
	assert_holds(buf_text(&why),
			"is not what profile 'gen' gives with any agent policy that is prepared");
	/* as the controller keeps it: without object and annotation */
	auto_json json_t *kept = json_deep_copy(view.annotations);
	json_object_del(kept, INITDATA_ANNOTATION);
	view.annotations = kept;
	view.object = NULL;
	buf_reset(&why);
	assert_int_equal(decide_state(catalog, &view, d.profile->fingerprint, &profile, &why), POD_INJECTED);
	assert_int_equal(why.len, 0);
	assert_int_equal(decide_state(none, &view, d.profile->fingerprint, &profile, &why), POD_DRIFTED);
	json_object_set_new(kept, PROFILE_DIGEST_ANNOTATION, json_string("sha256:00"));
	assert_int_equal(decide_state(catalog, &view, d.profile->fingerprint, &profile, &why), POD_DRIFTED);
	assert_holds(buf_text(&why), "says sha256:00");
	buf_clear(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_without_its_policy_gets_the_gate_and_nothing_else),
		cmocka_unit_test(a_pod_with_its_policy_is_injected_as_any),
		cmocka_unit_test(a_policy_that_comes_in_between_makes_no_difference),
		cmocka_unit_test(a_policy_is_found_by_what_matters_alone),
		cmocka_unit_test(a_pod_that_is_bound_cannot_wait),
		cmocka_unit_test(what_no_policy_can_express_is_refused_with_the_reasons),
		cmocka_unit_test(an_ungated_pod_without_its_policy_is_refused),
		cmocka_unit_test(a_waiting_pod_is_judged_in_all_else),
		cmocka_unit_test(the_controller_completes_it_to_the_byte),
		cmocka_unit_test(nobody_lifts_the_gate_without_the_policy),
		cmocka_unit_test(templates_have_the_key_of_their_pods_and_warn_early),
		cmocka_unit_test(knows_the_pods_that_run_by_their_fingerprints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
