/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/view.h"

#include "tests/profile/scene.h"

static void reads_what_decisions_need(void **state)
{
	auto_json json_t *pod =
			yaml("{metadata: {name: web-1, namespace: lab, uid: u1, labels: {a: b},"
			     " annotations: {k: v}, deletionTimestamp: '2026-01-02T03:04:05Z'},"
			     " spec: {runtimeClassName: snp, nodeName: n1, schedulingGates: [{name: x},"
			     " {name: cocoon.dev/init-data}]}, status: {phase: Running}}");
	struct pod_view view;

	(void)state;
	assert_int_equal(pod_view_read(pod, NULL, &view, NULL), 0);
	assert_string_equal(view.name, "web-1");
	assert_string_equal(view.namespace, "lab");
	assert_string_equal(view.uid, "u1");
	assert_string_equal(view.runtime_class, "snp");
	assert_string_equal(view.node, "n1");
	assert_string_equal(view.phase, "Running");
	assert_string_equal(json_text_at(view.labels, "a", NULL), "b");
	assert_string_equal(pod_annotation(&view, "k"), "v");
	assert_null(pod_annotation(&view, "other"));
	assert_int_equal(view.gate, 1);
	assert_int_equal(view.gates, 2);
	assert_true(view.deleting);
	assert_ptr_equal(view.object, pod);
}

static void reads_a_pod_that_says_nothing(void **state)
{
	static const char empty[] =
			"{metadata: {name: '', labels: null, annotations: null, deletionTimestamp: null},"
			" spec: {runtimeClassName: '', nodeName: '', schedulingGates: null}}";
	const char *const cases[] = { "{}", "{metadata: null, spec: null}", empty };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod = yaml(cases[i]);
		struct pod_view view;
		assert_int_equal(pod_view_read(pod, NULL, &view, NULL), 0);
		assert_string_equal(view.name, "");
		assert_string_equal(view.namespace, "");
		assert_string_equal(view.uid, "");
		assert_string_equal(view.phase, "");
		assert_null(view.runtime_class);
		assert_null(view.node);
		assert_null(view.labels);
		assert_null(view.annotations);
		assert_int_equal(view.gate, -1);
		assert_int_equal(view.gates, 0);
		assert_false(view.deleting);
		assert_null(pod_annotation(&view, "k"));
	}
}

static void takes_the_stem_of_a_generated_name_and_the_requests_namespace(void **state)
{
	auto_json json_t *pod = yaml("{metadata: {generateName: web-, namespace: liar}}");
	struct pod_view view;

	(void)state;
	assert_int_equal(pod_view_read(pod, "shop", &view, NULL), 0);
	assert_string_equal(view.name, "web-");
	assert_string_equal(view.namespace, "shop");
	assert_int_equal(pod_view_read(pod, "", &view, NULL), 0);
	assert_string_equal(view.namespace, "liar");
}

static void finds_our_gate_alone(void **state)
{
	static const char *const cases[] = { "[]", "[{name: cocoon.dev/init-data2}]", "[{}]", "[null]", "[7]",
		"[{name: 7}]" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod = yamlf("{spec: {schedulingGates: %s}}", cases[i]);
		struct pod_view view;
		assert_int_equal(pod_view_read(pod, NULL, &view, NULL), 0);
		assert_int_equal(view.gate, -1);
	}
}

static void refuses_wrong_types_naming_the_path(void **state)
{
	static const struct {
		const char *pod, *path;
	} cases[] = {
		{ "[]", "the pod is not an object" },
		{ "{metadata: []}", "metadata" },
		{ "{metadata: {name: 7}}", "metadata.name" },
		{ "{metadata: {generateName: {}}}", "metadata.generateName" },
		{ "{metadata: {namespace: []}}", "metadata.namespace" },
		{ "{metadata: {uid: 7}}", "metadata.uid" },
		{ "{metadata: {labels: []}}", "metadata.labels" },
		{ "{metadata: {annotations: x}}", "metadata.annotations" },
		{ "{metadata: {annotations: {k: 7}}}", "metadata.annotations: 'k' is not a string" },
		{ "{metadata: {annotations: {k: null}}}", "metadata.annotations: 'k' is not a string" },
		{ "{spec: x}", "spec" },
		{ "{spec: {runtimeClassName: 7}}", "spec.runtimeClassName" },
		{ "{spec: {nodeName: [x]}}", "spec.nodeName" },
		{ "{spec: {schedulingGates: {name: x}}}", "spec.schedulingGates" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod = yaml(cases[i].pod);
		struct pod_view view = { .name = "untouched" };
		struct err err = ERR_NONE;
		assert_int_equal(pod_view_read(pod, "shop", &view, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_holds(err.text, cases[i].path);
		assert_string_equal(view.name, "untouched");
	}
}

static void finds_the_template_of_every_workload(void **state)
{
	static const struct {
		const char *kind, *form, *path;
	} cases[] = {
		{ "Deployment", "{kind: Deployment, metadata: {name: w}, spec: {template: %s}}",
				"spec.template" },
		{ "StatefulSet", "{kind: StatefulSet, metadata: {name: w}, spec: {template: %s}}",
				"spec.template" },
		{ "DaemonSet", "{kind: DaemonSet, metadata: {name: w}, spec: {template: %s}}",
				"spec.template" },
		{ "ReplicaSet", "{kind: ReplicaSet, metadata: {name: w}, spec: {template: %s}}",
				"spec.template" },
		{ "ReplicationController",
				"{kind: ReplicationController, metadata: {name: w}, spec: {template: %s}}",
				"spec.template" },
		{ "Job", "{kind: Job, metadata: {name: w}, spec: {template: %s}}", "spec.template" },
		{ "CronJob",
				"{kind: CronJob, metadata: {name: w}, spec: {jobTemplate: {spec: {template: "
				"%s}}}}",
				"spec.jobTemplate.spec.template" },
		{ "PodTemplate", "{kind: PodTemplate, metadata: {name: w}, template: %s}", "template" },
	};
	static const char template[] = "{metadata: {labels: {a: b}}, spec: {runtimeClassName: snp}}";
	static const char broken[] = "{metadata: {labels: {a: b}}, spec: {runtimeClassName: 7}}";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[512];
		struct pod_view view;
		const char *path = NULL;
		struct err err = ERR_NONE;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), cases[i].form, template);
		auto_json json_t *good = yaml(text);
		snprintf(text, sizeof(text), cases[i].form, broken);
		auto_json json_t *bad = yaml(text);
		snprintf(text, sizeof(text), cases[i].form, "null");
		auto_json json_t *none = yaml(text);
#pragma GCC diagnostic pop
		assert_int_equal(pod_view_template(good, "shop", &view, &path, &err), 0);
		assert_string_equal(path, cases[i].path);
		assert_string_equal(view.runtime_class, "snp");
		assert_string_equal(view.name, "w");
		assert_string_equal(view.namespace, "shop");
		assert_string_equal(json_text_at(view.labels, "a", NULL), "b");
		assert_int_equal(pod_view_template(bad, "shop", &view, &path, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		snprintf(text, sizeof(text), "%s.spec.runtimeClassName", cases[i].path);
		assert_holds(err.text, text);
		assert_int_equal(pod_view_template(none, "shop", &view, &path, &err), -1);
		assert_holds(err.text, cases[i].kind[0] == 'C' ? "CronJob" : cases[i].kind);
	}
}

static void takes_namespace_and_name_of_the_workload_where_the_template_has_none(void **state)
{
	auto_json json_t *job =
			yaml("{kind: Job, metadata: {name: j, namespace: lab}, spec: {template: {}}}");
	auto_json json_t *pod = yaml("{kind: Pod, metadata: {name: p}}");
	struct pod_view view;
	const char *path = NULL;

	(void)state;
	assert_int_equal(pod_view_template(job, NULL, &view, &path, NULL), 0);
	assert_string_equal(view.namespace, "lab");
	assert_string_equal(view.name, "j");
	assert_int_equal(pod_view_template(pod, "shop", &view, &path, NULL), 0);
	assert_string_equal(path, "");
	assert_string_equal(view.name, "p");
}

static void other_kinds_hold_no_template(void **state)
{
	static const char *const cases[] = { "{}", "[]", "{kind: 7}",
		"{kind: ConfigMap, spec: {template: {}}}", "{kind: Deployment}",
		"{kind: Deployment, spec: []}", "{kind: CronJob, spec: {template: {}}}",
		"{kind: PodTemplate, spec: {template: {}}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *workload = yaml(cases[i]);
		struct pod_view view;
		const char *path = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(pod_view_template(workload, "shop", &view, &path, &err), -1);
		assert_int_equal(err.kind, ERR_NOT_FOUND);
	}
}

static void knows_which_annotations_are_protected(void **state)
{
	static const char *const protected[] = { "io.katacontainers.config.hypervisor.cc_init_data",
		"io.katacontainers.config.agent.policy", "io.katacontainers.config_path",
		"io.katacontainers.pkg.oci.bundle_path", "io.containerd.cri.runtime-handler",
		"cocoon.dev/profile", "cocoon.dev/anything" };
	static const char *const free_ones[] = { "", "io.katacontainers", "io.katacontainersx/config_path",
		"io.containerd.cri.runtime-handler2", "cocoon.dev", "cocoon.devel/x", "x.cocoon.dev/profile",
		"kubectl.kubernetes.io/last-applied-configuration" };

	(void)state;
	for (size_t i = 0; i < COUNT(protected); i++)
		assert_true(pod_annotation_is_protected(protected[i]));
	for (size_t i = 0; i < COUNT(free_ones); i++)
		assert_false(pod_annotation_is_protected(free_ones[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_decisions_need),
		cmocka_unit_test(reads_a_pod_that_says_nothing),
		cmocka_unit_test(takes_the_stem_of_a_generated_name_and_the_requests_namespace),
		cmocka_unit_test(finds_our_gate_alone),
		cmocka_unit_test(refuses_wrong_types_naming_the_path),
		cmocka_unit_test(finds_the_template_of_every_workload),
		cmocka_unit_test(takes_namespace_and_name_of_the_workload_where_the_template_has_none),
		cmocka_unit_test(other_kinds_hold_no_template),
		cmocka_unit_test(knows_which_annotations_are_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
