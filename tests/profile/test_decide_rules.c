/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign annotations, conflicts, kernel parameters, what classes do not take, and the modes. */
#include "tests/profile/scene.h"

#define VCPUS HYPERVISOR "default_vcpus"

/* The message of a pod of `class` with these annotations, after injection by a profile with these rules. */
static char *verdict(const char *rules, const char *class, const char *annotations, json_t **after_out,
		struct decision *d)
{
	auto_free char *profiles = xasprintf("- {metadata: {name: team}, spec: {runtimeClasses: ['*'], "
					     "namespaceSelector: {}, %s}}",
			rules);
	auto_catalog struct catalog *catalog = catalog_of(NULL, profiles);
	auto_json json_t *pod =
			yamlf("{metadata: {name: p, annotations: {%s}}, spec: {runtimeClassName: %s}}",
					annotations, class);
	auto_json json_t *after = injected(catalog, pod);
	char *said = xstrdup(creation(catalog, after, d));

	/* the catalog goes away with this function */
	d->profile = NULL;
	if (after_out)
		*after_out = take(&after);
	return said;
}

static void check(const char *rules, const char *class, const char *annotations, const char *says)
{
	auto_decision struct decision d;
	auto_free char *said = verdict(rules, class, annotations, NULL, &d);

	if (says)
		assert_holds(said, says);
	else
		assert_string_equal(said, "");
}

static void foreign_annotations_are_refused_and_allowed_ones_kept(void **state)
{
	static const struct {
		const char *rules, *annotations, *says;
	} cases[] = {
		{ "mode: Enforce", VCPUS ": '4'", NULL },
		{ "mode: Enforce", HYPERVISOR "default_memory: '4'", NULL },
		{ "mode: Enforce", HYPERVISOR "path: /x", "'" HYPERVISOR "path' is foreign: profile 'team'" },
		{ "mode: Enforce", "io.katacontainers.config.agent.policy: x", "is foreign" },
		{ "mode: Enforce", "io.katacontainers.config_path: x", "is foreign" },
		{ "mode: Enforce", "io.example.pkg.oci: x", NULL },
		{ "allowedAnnotations: []", VCPUS ": '4'", "is foreign" },
		{ "allowedAnnotations: ['*.default_*']", VCPUS ": '4'", NULL },
		{ "allowedAnnotations: ['default_vcpus']", VCPUS ": '4'", "is foreign" },
		{ "allowedAnnotations: ['*']", "io.katacontainers.config.runtime.x: z", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check(cases[i].rules, "snp", cases[i].annotations, cases[i].says);
	/* what peer pods' own webhook writes is allowed by default */
	static const char *const peer[] = { "default_vcpus", "default_memory", "default_gpus", "gpu_model",
		"machine_type" };
	for (size_t i = 0; i < COUNT(peer); i++) {
		auto_free char *annotation = xasprintf(HYPERVISOR "%s: x", peer[i]);
		check("mode: Enforce", "remote", annotation, NULL);
	}
}

static void a_conflict_is_refused_or_kept_where_allowed(void **state)
{
	static const char own[] = "annotations: {" VCPUS ": '2', io.katacontainers.config.runtime.x: a}";
	auto_free char *keep = xasprintf("onConflict: Keep, %s", own);
	auto_decision struct decision d;
	json_t *after = NULL;

	(void)state;
	check(own, "snp", VCPUS ": '2'", NULL);
	check(own, "snp", VCPUS ": '4'", "is '4', profile 'team' sets '2': remove the annotation");
	auto_free char *said = verdict(keep, "snp", VCPUS ": '4'", &after, &d);
	assert_string_equal(said, "");
	assert_string_equal(annotation_of(after, VCPUS), "4");
	json_decref(after);
	check(keep, "snp", "io.katacontainers.config.runtime.x: b", "profile 'team' sets 'a'");
	check(keep, "snp", HYPERVISOR "path: b", "is foreign");
}

static void kernel_params_are_combined_in_order(void **state)
{
	static const char rules[] = "kernelParams: [agent.log=info, quiet], allowedKernelParams: ['agent.*']";
	static const struct {
		const char *user, *combined, *says;
	} cases[] = {
		{ "agent.a=1", "agent.log=info quiet agent.a=1", NULL },
		{ "agent.b  agent.a=1", "agent.log=info quiet agent.b agent.a=1", NULL },
		{ "agent.log=info", "agent.log=info quiet", NULL },
		{ "agent.a=1 quiet", "agent.log=info quiet agent.a=1", NULL },
		{ "", "agent.log=info quiet", NULL },
		{ "agent.log=debug", "agent.log=debug", "'agent.log' has two values" },
		{ "quiet=1", "quiet=1", "'quiet' has two values" },
		{ "init=/bin/sh", "init=/bin/sh", "'init' is not among those that are allowed" },
		{ "agent.a=1 agent.a=2", "agent.a=1 agent.a=2", "has two values" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *annotation = xasprintf(KERNEL_PARAMS_ANNOTATION ": '%s'", cases[i].user);
		auto_decision struct decision d;
		auto_json json_t *after = NULL;
		auto_free char *said = verdict(rules, "snp", annotation, &after, &d);
		assert_string_equal(annotation_of(after, KERNEL_PARAMS_ANNOTATION), cases[i].combined);
		if (cases[i].says)
			assert_holds(said, cases[i].says);
		else
			assert_string_equal(said, "");
	}
	/* without parameters of its own a profile still guards those of the pod */
	check("allowedKernelParams: [agent.log]", "snp", KERNEL_PARAMS_ANNOTATION ": agent.log=debug", NULL);
	check("mode: Enforce", "snp", KERNEL_PARAMS_ANNOTATION ": agent.log=debug", "is not among those");
}

static void kernel_params_changed_by_a_later_mutator_are_refused(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			"- {metadata: {name: team}, spec: {runtimeClasses: ['*'], namespaceSelector: {}, "
			"kernelParams: [a=1],"
			" allowedKernelParams: [b]}}");
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_json json_t *after = injected(catalog, pod);
	json_t *annotations = (json_t *)(uintptr_t)json_at(after, "metadata", "annotations", NULL);
	auto_decision struct decision d1, d2;

	(void)state;
	json_object_set_new(annotations, KERNEL_PARAMS_ANNOTATION, json_string("b=2 a=1"));
	assert_holds(creation(catalog, after, &d1), "is 'b=2 a=1', profile 'team' demands 'a=1 b=2'");
	json_object_del(annotations, KERNEL_PARAMS_ANNOTATION);
	assert_holds(creation(catalog, after, &d2), "is '', profile 'team' demands 'a=1'");
}

static void what_a_class_does_not_take_is_never_injected(void **state)
{
	static const char params[] = "kernelParams: [a=1], mode: ";
	static const char vcpus[] = "annotations: {" VCPUS ": '2'}, initData: {logLevel: info}, mode: ";
	static const struct {
		const char *rules, *class, *key, *says;
	} cases[] = {
		{ params, "remote", KERNEL_PARAMS_ANNOTATION,
				"spec.kernelParams: runtime class handler 'kata-remote' "
				"(built-in table) never forwards kernel parameters" },
		{ params, "gpu", KERNEL_PARAMS_ANNOTATION,
				"does not accept annotation '" KERNEL_PARAMS_ANNOTATION
				"': it would be ignored without a word" },
		{ vcpus, "gpu", VCPUS, "does not accept annotation '" VCPUS "': it would be ignored" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *enforce = xasprintf("%sEnforce", cases[i].rules);
		auto_free char *warn = xasprintf("%sWarn", cases[i].rules);
		auto_free char *audit = xasprintf("%sAudit", cases[i].rules);
		auto_decision struct decision d1, d2, d3;
		auto_json json_t *after = NULL;
		auto_free char *refused = verdict(enforce, cases[i].class, "", &after, &d1);
		assert_null(annotation_of(after, cases[i].key));
		assert_holds(refused, cases[i].says);
		auto_free char *warned = verdict(warn, cases[i].class, "", NULL, &d2);
		auto_free char *warnings = lines_of(d2.warnings);
		assert_string_equal(warned, "");
		assert_holds(warnings, cases[i].says);
		auto_free char *audited = verdict(audit, cases[i].class, "", NULL, &d3);
		assert_string_equal(audited, "");
		assert_int_equal(json_array_size(d3.warnings), 0);
		assert_holds(json_text_at(d3.audit, "findings", NULL), cases[i].says);
	}
}

static void what_a_pod_brings_for_a_class_that_does_not_take_it_is_refused(void **state)
{
	static const char any[] = "allowedKernelParams: ['*'], allowedAnnotations: ['*']";

	(void)state;
	check(any, "remote", KERNEL_PARAMS_ANNOTATION ": a=1",
			"runtime class handler 'kata-remote' never forwards kernel parameters to the guest");
	check(any, "gpu", KERNEL_PARAMS_ANNOTATION ": a=1",
			"runtime class handler 'kata-qemu-nvidia-gpu-snp-runtime-rs' does not accept it: it "
			"would be "
			"ignored");
	check(any, "gpu", VCPUS ": '2'", "does not accept it: it would be ignored without a word");
	check(any, "remote", HYPERVISOR "path: x", "does not accept it: the sandbox would fail to start");
}

static void a_class_that_takes_no_init_data_gets_none(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(
			"{classes: [{handlers: [mine], hypervisorAnnotations: [x]}]}",
			"- {metadata: {name: team}, spec: {runtimeClasses: [mine], namespaceSelector: {},"
			" initData: {logLevel: info}}}");
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: mine}}");
	auto_json json_t *after = injected(catalog, pod);
	auto_decision struct decision d;

	(void)state;
	assert_null(annotation_of(after, INITDATA_ANNOTATION));
	assert_holds(creation(catalog, after, &d),
			"spec.initData: runtime class handler 'mine' (classes[0]) does not accept "
			"annotation");
}

static void modes_soften_refusals_but_never_init_data(void **state)
{
	static const char foreign[] = HYPERVISOR "path: /x, cocoon.dev/odd: x";
	static const char data[] = INITDATA_ANNOTATION ": 'H4sI', " HYPERVISOR "path: /x";
	auto_decision struct decision warn, audit;

	(void)state;
	auto_free char *warned = verdict("mode: Warn", "snp", foreign, NULL, &warn);
	auto_free char *warnings = lines_of(warn.warnings);
	assert_string_equal(warned, "");
	assert_holds(warnings, "path' is foreign");
	assert_holds(warnings, "cocoon.dev/odd");
	auto_free char *audited = verdict("mode: Audit", "snp", foreign, NULL, &audit);
	assert_string_equal(audited, "");
	assert_int_equal(json_array_size(audit.warnings), 0);
	assert_holds(json_text_at(audit.audit, "findings", NULL), "path' is foreign");
	assert_holds(json_text_at(audit.audit, "findings", NULL), "; ");
	check("mode: Warn, initData: {logLevel: info}", "snp", data, INITDATA_ANNOTATION);
	check("mode: Audit, initData: {logLevel: info}", "snp", data, INITDATA_ANNOTATION);
	/* a refusal tells all reasons, the soft ones too */
	check("mode: Warn, initData: {logLevel: info}", "snp", data, "is foreign");
}

static void reasons_are_clean_text(void **state)
{
	auto_decision struct decision d;
	struct buf value = BUF_MAX(4096);

	(void)state;
	for (int i = 0; i < 99; i++)
		buf_putc(&value, 'x');
	buf_puts(&value, "\xf0\x9f\x94\x92 and more");
	auto_free char *annotations = xasprintf(
			"cocoon.dev/profile: \"%s\", " HYPERVISOR "x: \"a\\nb\\x1b[31m\"", buf_text(&value));
	auto_free char *said = verdict("annotations: {" HYPERVISOR "x: z}", "snp", annotations, NULL, &d);
	assert_true(span_is_utf8(span_of(said)));
	assert_holds(said, "x?");
	assert_holds(said, "a?b?[31m");
	buf_clear(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_annotations_are_refused_and_allowed_ones_kept),
		cmocka_unit_test(a_conflict_is_refused_or_kept_where_allowed),
		cmocka_unit_test(kernel_params_are_combined_in_order),
		cmocka_unit_test(kernel_params_changed_by_a_later_mutator_are_refused),
		cmocka_unit_test(what_a_class_does_not_take_is_never_injected),
		cmocka_unit_test(what_a_pod_brings_for_a_class_that_does_not_take_it_is_refused),
		cmocka_unit_test(a_class_that_takes_no_init_data_gets_none),
		cmocka_unit_test(modes_soften_refusals_but_never_init_data),
		cmocka_unit_test(reasons_are_clean_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
