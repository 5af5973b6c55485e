/* SPDX-License-Identifier: Apache-2.0 */
/* After creation: the freeze, the gate, bindings, and what the controller does. */
#include "tests/profile/scene.h"

#define TEAM                                                                                         \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: " \
	"{logLevel: "                                                                                \
	"info}}}"
#define GATED                                                                           \
	"{metadata: {name: p}, spec: {runtimeClassName: snp, schedulingGates: [{name: " \
	"cocoon.dev/init-data}]}}"

static const char *update(const struct catalog *catalog, const json_t *before, const json_t *after,
		bool controller, struct decision *d)
{
	struct pod_view old = view_of(before), now = view_of(after);

	decision_init(d);
	decide_update(catalog, &old, &now, controller, d);
	assert_true(d->allowed == !d->message.len);
	return buf_text(&d->message);
}

static json_t *annotations(const json_t *pod)
{
	return (json_t *)(uintptr_t)json_at(pod, "metadata", "annotations", NULL);
}

static json_t *complete(const struct catalog *catalog)
{
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");

	return injected(catalog, pod);
}

static void every_protected_annotation_is_frozen_for_everybody(void **state)
{
	static const char *const keys[] = { INITDATA_ANNOTATION, KERNEL_PARAMS_ANNOTATION,
		(HYPERVISOR "default_vcpus"), "io.katacontainers.config.runtime.x",
		"io.katacontainers.config_path", RUNTIME_HANDLER_ANNOTATION, PROFILE_NAME_ANNOTATION,
		PROFILE_DIGEST_ANNOTATION, "cocoon.dev/new" };
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(keys); i++) {
		bool controller = i % 2;
		const char *key = keys[i / 2];
		auto_json json_t *without = complete(catalog);
		json_object_del(annotations(without), key);
		auto_json json_t *one = json_deep_copy(without), *two = json_deep_copy(without);
		json_object_set_new(annotations(one), key, json_string("1"));
		json_object_set_new(annotations(two), key, json_string("2"));
		auto_decision struct decision added, changed, removed, same;
		auto_free char *what = xasprintf("annotation '%s' may not be ", key);
		assert_holds(update(catalog, without, one, controller, &added), what);
		assert_holds(buf_text(&added.message), "added after creation");
		assert_holds(update(catalog, one, two, controller, &changed), "changed after creation");
		assert_holds(update(catalog, two, without, controller, &removed), "removed after creation");
		/* each is named once */
		assert_null(strstr(strstr(buf_text(&changed.message), what) + 1, what));
		assert_string_equal(update(catalog, one, one, controller, &same), "");
	}
}

static void other_changes_are_nobodys_business(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *before = complete(catalog), *after = complete(catalog);
	auto_decision struct decision d;

	(void)state;
	json_object_set_new(annotations(after), "own", json_string("x"));
	json_object_set_new(json_object_get(after, "metadata"), "labels", yaml("{a: b}"));
	json_object_set_new(after, "status", yaml("{phase: Running}"));
	assert_string_equal(update(catalog, before, after, false, &d), "");
	assert_int_equal(d.outcome, OUTCOME_PLAIN);
	/* a pod that was never protected stays what it is: its kubelet may go on reporting */
	auto_json json_t *naked = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_decision struct decision status;
	assert_string_equal(update(catalog, naked, naked, false, &status), "");
}

static void a_pod_without_a_class_is_free(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *before = yaml("{metadata: {name: p}}");
	auto_json json_t *after = yaml("{metadata: {name: p, annotations: {cocoon.dev/x: z}}}");
	auto_decision struct decision d;

	(void)state;
	assert_string_equal(update(catalog, before, after, false, &d), "");
}

static void leaving_out_the_class_does_not_lift_the_freeze(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *before = yaml(GATED), *after = yaml("{metadata: {name: p}}");
	auto_decision struct decision d;

	(void)state;
	assert_holds(update(catalog, before, after, false, &d), INITDATA_ANNOTATION "' is missing");
}

static void the_controller_completes_a_gated_pod_and_nobody_else(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *gated = yaml(GATED);
	auto_json json_t *done = injected(catalog, gated);
	auto_decision struct decision d1, d2, d3;

	(void)state;
	assert_string_equal(update(catalog, gated, done, true, &d1), "");
	assert_holds(update(catalog, gated, done, false, &d2), "added after creation");
	/* only while the gate is on the old object */
	auto_json json_t *ungated = json_deep_copy(gated);
	json_object_del(json_object_get(ungated, "spec"), "schedulingGates");
	assert_holds(update(catalog, ungated, done, true, &d3), "added after creation");
}

static void the_controller_writes_the_profiles_bytes_or_nothing(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_free char *other = packed("version = '0.1.0'\nalgorithm = 'sha256'\n[data]\nx = 'y'\n");
	auto_json json_t *gated = yaml(GATED);
	auto_json json_t *done = injected(catalog, gated), *still = injected(catalog, gated);
	auto_decision struct decision d1, d2, d3, d4;

	(void)state;
	/* annotations first, the gate later: allowed as long as they are right */
	json_object_update_new(json_object_get(still, "spec"),
			yaml("{schedulingGates: [{name: cocoon.dev/init-data}]}"));
	assert_string_equal(update(catalog, gated, still, true, &d1), "");
	assert_string_equal(update(catalog, still, done, true, &d2), "");
	json_object_set_new(annotations(done), INITDATA_ANNOTATION, json_string(other));
	assert_holds(update(catalog, gated, done, true, &d3), "holds other init-data than profile 'team'");
	/* setting is not removing */
	auto_json json_t *less = json_deep_copy(still);
	json_object_del(annotations(less), PROFILE_NAME_ANNOTATION);
	assert_holds(update(catalog, still, less, true, &d4), "may not be removed");
}

static void the_gate_leaves_only_with_the_annotations_complete(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *gated = yaml(GATED),
			 *bare = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_json json_t *done = injected(catalog, gated);
	auto_json json_t *waiting = json_deep_copy(done);

	(void)state;
	json_object_update_new(json_object_get(waiting, "spec"),
			yaml("{schedulingGates: [{name: cocoon.dev/init-data}]}"));
	for (int controller = 0; controller < 2; controller++) {
		auto_decision struct decision d1, d2;
		assert_holds(update(catalog, gated, bare, controller, &d1),
				"is missing: the pod was not injected");
		/* of a pod that has them anybody may lift it */
		assert_string_equal(update(catalog, waiting, done, controller, &d2), "");
		assert_int_equal(d2.outcome, OUTCOME_COMPLETE);
	}
}

static void the_gate_of_an_unmatched_pod_leaves_as_the_settings_say(void **state)
{
	auto_catalog struct catalog *deny = catalog_of(NULL, NULL),
				    *allow = catalog_of("{unmatched: Allow}", NULL);
	auto_json json_t *gated = yaml(GATED),
			 *bare = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_decision struct decision d1, d2;

	(void)state;
	assert_holds(update(deny, gated, bare, true, &d1), "no ConfidentialProfile matches");
	assert_string_equal(update(allow, gated, bare, false, &d2), "");
}

static void a_binding_brings_no_protected_annotations(void **state)
{
	static const struct {
		const char *binding, *says;
	} cases[] = {
		{ "{}", NULL },
		{ "{metadata: {name: p}, target: {name: n1}}", NULL },
		{ "{metadata: {annotations: {own: x}, labels: {a: b}}}", NULL },
		{ "{metadata: {annotations: [x]}}", NULL },
		{ "{metadata: {annotations: {" INITDATA_ANNOTATION ": x}}}",
				INITDATA_ANNOTATION "' is protected" },
		{ "{metadata: {annotations: {cocoon.dev/profile: x, own: z}}}",
				"cocoon.dev/profile' is protected" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *binding = yaml(cases[i].binding);
		auto_decision struct decision d;
		decision_init(&d);
		decide_binding(binding, &d);
		assert_int_equal(d.allowed, !cases[i].says);
		if (cases[i].says)
			assert_holds(buf_text(&d.message), cases[i].says);
		else
			assert_int_equal(d.message.len, 0);
	}
}

static void lifting_completes_the_pod_and_guards_its_patch(void **state)
{
	static const char *const pods[] = { GATED,
		"{metadata: {name: p, annotations: {own: x}}, spec: {runtimeClassName: snp, schedulingGates: "
		"[{name: a},"
		" {name: cocoon.dev/init-data}]}}" };
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);

	(void)state;
	for (size_t i = 0; i < COUNT(pods); i++) {
		auto_json json_t *pod = yaml(pods[i]);
		struct pod_view view = view_of(pod);
		auto_decision struct decision d, d2;
		decision_init(&d);
		decide_lift(catalog, &view, &d);
		assert_true(d.allowed);
		auto_json json_t *after = patched(pod, d.patch);
		view = view_of(after);
		assert_int_equal(view.gate, -1);
		assert_string_equal(creation(catalog, after, &d2), "");
		auto_decision struct decision allowed;
		assert_string_equal(update(catalog, pod, after, true, &allowed), "");
		/* a gate that has moved since is not taken for ours */
		auto_json json_t *moved = json_deep_copy(pod);
		json_object_update_new(json_object_get(moved, "spec"),
				yaml("{schedulingGates: [{name: z}, {name: z}]}"));
		assert_null(patched(moved, d.patch));
	}
}

static void lifting_refuses_what_creation_would(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM), *none = catalog_of(NULL, NULL);
	auto_catalog struct catalog *allow = catalog_of("{unmatched: Allow}", NULL);
	auto_json json_t *foreign = yaml("{metadata: {name: p, annotations: {" HYPERVISOR
					 "path: x}}, spec: {runtimeClassName: snp, schedulingGates: "
					 "[{name: cocoon.dev/init-data}]}}");
	auto_json json_t *gated = yaml(GATED), *plain = yaml(GATED);
	const struct {
		const struct catalog *catalog;
		const json_t *pod;
		const char *says;
	} cases[] = { { catalog, foreign, "is foreign" }, { none, gated, "no ConfidentialProfile matches" },
		{ allow, gated, NULL }, { none, plain, NULL } };

	(void)state;
	json_object_set_new(json_object_get(plain, "spec"), "runtimeClassName", json_string("plain"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pod_view view = view_of(cases[i].pod);
		auto_decision struct decision d;
		decision_init(&d);
		decide_lift(cases[i].catalog, &view, &d);
		assert_int_equal(d.allowed, !cases[i].says);
		if (cases[i].says) {
			assert_holds(buf_text(&d.message), cases[i].says);
			assert_null(d.patch);
			continue;
		}
		/* nothing to wait for: the gate leaves, and an empty name says that nobody's profile was applied */
		auto_json json_t *after = patched(cases[i].pod, d.patch);
		assert_int_equal(json_object_size(json_at(after, "metadata", "annotations", NULL)), 1);
		assert_string_equal(annotation_of(after, PROFILE_NAME_ANNOTATION), "");
		assert_int_equal(json_array_size(json_at(after, "spec", "schedulingGates", NULL)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_protected_annotation_is_frozen_for_everybody),
		cmocka_unit_test(other_changes_are_nobodys_business),
		cmocka_unit_test(a_pod_without_a_class_is_free),
		cmocka_unit_test(leaving_out_the_class_does_not_lift_the_freeze),
		cmocka_unit_test(the_controller_completes_a_gated_pod_and_nobody_else),
		cmocka_unit_test(the_controller_writes_the_profiles_bytes_or_nothing),
		cmocka_unit_test(the_gate_leaves_only_with_the_annotations_complete),
		cmocka_unit_test(the_gate_of_an_unmatched_pod_leaves_as_the_settings_say),
		cmocka_unit_test(a_binding_brings_no_protected_annotations),
		cmocka_unit_test(lifting_completes_the_pod_and_guards_its_patch),
		cmocka_unit_test(lifting_refuses_what_creation_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
