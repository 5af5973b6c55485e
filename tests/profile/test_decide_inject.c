/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/profile/scene.h"

#define SNP                                                                                              \
	"- {metadata: {name: team}, spec: {runtimeClasses: ['*'], namespaceSelector: {}, kernelParams: " \
	"[agent.log=info], annotations: {" HYPERVISOR "default_vcpus: '2'}, initData: {kbs: {url: "      \
	"'https://kbs:8080'}}}}"
#define POD(rest) "{metadata: {name: web, " rest "}, spec: {runtimeClassName: snp}}"

static void gives_a_pod_without_annotations_all_of_them(void **state)
{
	static const char *const forms[] = { POD(""), POD("annotations: null"), POD("annotations: {}"),
		"{spec: {runtimeClassName: snp}}", "{metadata: null, spec: {runtimeClassName: snp}}" };
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	const struct profile *profile = catalog_profile(catalog, 0);

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		auto_json json_t *pod = yaml(forms[i]);
		auto_json json_t *after = injected(catalog, pod);
		auto_decision struct decision d;
		const json_t *annotations = json_at(after, "metadata", "annotations", NULL);
		assert_int_equal(json_object_size(annotations), 6);
		assert_string_equal(annotation_of(after, INITDATA_ANNOTATION), profile->annotation);
		assert_string_equal(annotation_of(after, KERNEL_PARAMS_ANNOTATION), "agent.log=info");
		assert_string_equal(annotation_of(after, HYPERVISOR "default_vcpus"), "2");
		assert_string_equal(annotation_of(after, PROFILE_NAME_ANNOTATION), "team");
		assert_string_equal(annotation_of(after, PROFILE_DIGEST_ANNOTATION), profile->digest_text);
		assert_string_equal(annotation_of(after, RUNTIME_HANDLER_ANNOTATION), "kata-qemu-snp");
		assert_string_equal(creation(catalog, after, &d), "");
		assert_int_equal(d.outcome, OUTCOME_COMPLETE);
		assert_string_equal(json_text_at(d.audit, "profile", NULL), "team");
		assert_string_equal(json_text_at(d.audit, "digest", NULL), profile->digest_text);
	}
}

static void leaves_what_a_pod_has_beside(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	auto_json json_t *pod = yaml(POD("labels: {a: b}, annotations: {own: text, 'a/b~c': d}"));
	auto_json json_t *after = injected(catalog, pod);
	auto_decision struct decision d, first;
	struct pod_view view = view_of(pod);

	(void)state;
	assert_string_equal(annotation_of(after, "own"), "text");
	assert_string_equal(annotation_of(after, "a/b~c"), "d");
	assert_string_equal(creation(catalog, after, &d), "");
	/* nothing but annotations is touched */
	json_object_set(json_object_get(after, "metadata"), "annotations",
			(json_t *)(uintptr_t)json_at(pod, "metadata", "annotations", NULL));
	assert_true(json_equal(after, pod));
	decision_init(&first);
	decide_mutate(catalog, &view, &first);
	assert_int_equal(first.outcome, OUTCOME_INJECTED);
	assert_ptr_equal(first.profile, catalog_profile(catalog, 0));
}

static void identical_init_data_passes_and_other_is_refused_in_every_mode(void **state)
{
	static const char *const modes[] = { "Enforce", "Warn", "Audit" };
	auto_free char *other = packed("version = '0.1.0'\nalgorithm = 'sha256'\n[data]\n'aa.toml' = ''\n");

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		auto_free char *profiles =
				xasprintf("- {metadata: {name: team}, spec: {runtimeClasses: ['*'], mode: "
					  "%s, onConflict: "
					  "Keep, namespaceSelector: {}, initData: {logLevel: info}}}",
						modes[i]);
		auto_catalog struct catalog *catalog = catalog_of(NULL, profiles);
		const char *same = catalog_profile(catalog, 0)->annotation;
		auto_free char *repacked = packed(buf_text(&catalog_profile(catalog, 0)->document));
		const struct {
			const char *value, *says;
		} cases[] = {
			{ same, NULL },
			{ repacked, NULL },
			{ other, "holds other init-data than profile 'team'" },
			{ "", "annotation '" INITDATA_ANNOTATION "': " },
			{ "bm90IGd6aXA=", "annotation '" INITDATA_ANNOTATION "': " },
		};
		for (size_t k = 0; k < COUNT(cases); k++) {
			auto_json json_t *pod = yamlf(
					POD("annotations: {" INITDATA_ANNOTATION ": '%s'}"), cases[k].value);
			auto_json json_t *after = injected(catalog, pod);
			auto_decision struct decision d;
			/* never overwritten */
			assert_string_equal(annotation_of(after, INITDATA_ANNOTATION), cases[k].value);
			const char *said = creation(catalog, after, &d);
			if (cases[k].says)
				assert_holds(said, cases[k].says);
			else
				assert_string_equal(said, "");
		}
	}
}

static void a_pod_that_was_not_injected_is_refused_in_every_mode(void **state)
{
	static const char *const modes[] = { "Enforce", "Warn", "Audit" };

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		auto_free char *profiles = xasprintf(
				"- {metadata: {name: team}, spec: {runtimeClasses: ['*'], mode: %s, "
				"namespaceSelector: {}, initData: {logLevel: info}}}",
				modes[i]);
		auto_catalog struct catalog *catalog = catalog_of(NULL, profiles);
		auto_json json_t *pod = yaml(POD(""));
		auto_decision struct decision d;
		assert_holds(creation(catalog, pod, &d), "is missing: the pod was not injected");
	}
}

static void a_pod_cannot_name_its_profile_or_claim_a_digest(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	static const struct {
		const char *annotation, *says;
	} cases[] = {
		{ "cocoon.dev/profile: other", "a pod cannot name its profile" },
		{ "cocoon.dev/digest: 'sha256:00'", "says sha256:00, profile 'team' gives sha256:" },
		{ "cocoon.dev/else: x", "names below cocoon.dev/ are this product's" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod = yamlf(POD("annotations: {%s}"), cases[i].annotation);
		auto_json json_t *after = injected(catalog, pod);
		auto_decision struct decision d;
		assert_holds(creation(catalog, after, &d), cases[i].says);
	}
}

static void the_runtime_handler_is_the_handler_and_can_be_left_out(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	auto_catalog struct catalog *omits = catalog_of(NULL,
			"- {metadata: {name: team}, spec: {runtimeClasses: ['*'], namespaceSelector: {},"
			" runtimeHandlerAnnotation: Omit, initData: {logLevel: info}}}");
	auto_json json_t *bare = yaml(POD("")),
			 *right = yaml(POD("annotations: {" RUNTIME_HANDLER_ANNOTATION ": kata-qemu-snp}"));
	auto_json json_t *wrong = yaml(POD("annotations: {" RUNTIME_HANDLER_ANNOTATION ": snp}"));
	auto_decision struct decision d1, d2, d3, d4;

	(void)state;
	auto_json json_t *without = injected(omits, bare);
	assert_null(annotation_of(without, RUNTIME_HANDLER_ANNOTATION));
	assert_string_equal(creation(omits, without, &d1), "");
	auto_json json_t *kept = injected(catalog, right);
	assert_string_equal(creation(catalog, kept, &d2), "");
	auto_json json_t *refused = injected(catalog, wrong);
	assert_holds(creation(catalog, refused, &d3),
			"is 'snp', runtime class 'snp' has handler 'kata-qemu-snp'");
	/* taken away by a later mutator */
	auto_json json_t *stripped = injected(catalog, bare);
	json_object_del((json_t *)(uintptr_t)json_at(stripped, "metadata", "annotations", NULL),
			RUNTIME_HANDLER_ANNOTATION);
	assert_holds(creation(catalog, stripped, &d4),
			"'" RUNTIME_HANDLER_ANNOTATION "' of profile 'team' is missing");
}

static void the_gate_leaves_in_the_same_patch(void **state)
{
	static const struct {
		const char *gates, *left;
	} cases[] = {
		{ "[{name: cocoon.dev/init-data}]", "[]" },
		{ "[{name: a}, {name: cocoon.dev/init-data}, {name: b}]",
				"[{\"name\":\"a\"},{\"name\":\"b\"}]" },
		{ "[{name: cocoon.dev/init-data}, {name: a}, {name: cocoon.dev/init-data}]",
				"[{\"name\":\"a\"}]" },
		{ "[{name: a}]", "[{\"name\":\"a\"}]" },
	};
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod =
				yamlf("{metadata: {name: p}, spec: {runtimeClassName: snp, nodeName: n1, "
				      "schedulingGates: %s}}",
						cases[i].gates);
		auto_json json_t *after = injected(catalog, pod);
		auto_free char *left = json_text(json_at(after, "spec", "schedulingGates", NULL), false);
		auto_decision struct decision d;
		assert_string_equal(left, cases[i].left);
		assert_string_equal(creation(catalog, after, &d), "");
	}
}

static void a_gated_pod_that_is_bound_is_refused(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	auto_json json_t *pod = yaml(POD(""));
	auto_json json_t *after = injected(catalog, pod);
	auto_decision struct decision d;

	(void)state;
	json_object_update_new(json_object_get(after, "spec"),
			yaml("{nodeName: n1, schedulingGates: [{name: cocoon.dev/init-data}]}"));
	assert_holds(creation(catalog, after, &d),
			"spec.nodeName: a pod that waits at gate 'cocoon.dev/init-data'");
}

static void the_annotation_budget_is_kept(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	auto_json json_t *pod = yaml(POD("annotations: {}"));
	struct buf large = BUF_MAX(1 << 20);
	auto_decision struct decision d;

	(void)state;
	while (large.len < 262000)
		buf_puts(&large, "0123456789");
	json_object_set_new((json_t *)(uintptr_t)json_at(pod, "metadata", "annotations", NULL), "own",
			json_string(buf_text(&large)));
	auto_json json_t *after = injected(catalog, pod);
	const char *said = creation(catalog, after, &d);
	assert_holds(said, "metadata.annotations: ");
	assert_holds(said, "262144");
	buf_clear(&large);
}

static void a_profile_without_init_data_injects_the_rest_and_tolerates_none(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			"- {metadata: {name: team}, spec: {runtimeClasses: ['*'], namespaceSelector: {},"
			" kernelParams: [quiet]}}");
	auto_json json_t *pod = yaml(POD(""));
	auto_json json_t *after = injected(catalog, pod);
	auto_decision struct decision d1, d2;

	(void)state;
	assert_null(annotation_of(after, INITDATA_ANNOTATION));
	assert_null(annotation_of(after, PROFILE_DIGEST_ANNOTATION));
	assert_string_equal(annotation_of(after, KERNEL_PARAMS_ANNOTATION), "quiet");
	assert_string_equal(creation(catalog, after, &d1), "");
	json_object_set_new((json_t *)(uintptr_t)json_at(after, "metadata", "annotations", NULL),
			INITDATA_ANNOTATION, json_string("H4sI"));
	assert_holds(creation(catalog, after, &d2), "gives no init-data: remove it");
}

static void mutation_never_refuses_and_never_speaks(void **state)
{
	static const char *const settings[] = { "{unmatched: Deny}", "{unmatched: Warn}",
		"{unmatched: Allow}" };

	(void)state;
	for (size_t i = 0; i < COUNT(settings); i++) {
		auto_catalog struct catalog *catalog = catalog_of(settings[i], NULL);
		auto_json json_t *pod = yaml(POD(""));
		auto_decision struct decision d;
		struct pod_view view = view_of(pod);
		decision_init(&d);
		decide_mutate(catalog, &view, &d);
		assert_true(d.allowed);
		assert_int_equal(d.outcome, OUTCOME_UNMATCHED);
		assert_int_equal(d.message.len, 0);
		assert_int_equal(json_array_size(d.warnings), 0);
		assert_null(d.patch);
	}
}

static void a_foreign_pod_is_left_alone(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	static const char *const pods[] = { "{}", "{metadata: {annotations: {" INITDATA_ANNOTATION ": x}}}",
		"{spec: {runtimeClassName: plain, schedulingGates: [{name: cocoon.dev/init-data}]}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(pods); i++) {
		auto_json json_t *pod = yaml(pods[i]);
		auto_json json_t *after = injected(catalog, pod);
		auto_decision struct decision d;
		assert_true(json_equal(after, pod));
		assert_string_equal(creation(catalog, pod, &d), "");
		assert_int_equal(d.outcome, OUTCOME_PLAIN);
		assert_int_equal(json_array_size(d.warnings), 0);
	}
}

static void an_accepted_pod_gets_advice(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, SNP);
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp, volumes: [{name: v,"
				     " secret: {secretName: s}}]}}");
	auto_json json_t *after = injected(catalog, pod);
	auto_decision struct decision good, bad;

	(void)state;
	assert_string_equal(creation(catalog, after, &good), "");
	auto_free char *said = lines_of(good.warnings);
	assert_holds(said, "spec.volumes[0].secret: Secret 's' can be read by the host");
	/* a refused one has other worries */
	(void)creation(catalog, pod, &bad);
	assert_int_equal(json_array_size(bad.warnings), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_a_pod_without_annotations_all_of_them),
		cmocka_unit_test(leaves_what_a_pod_has_beside),
		cmocka_unit_test(identical_init_data_passes_and_other_is_refused_in_every_mode),
		cmocka_unit_test(a_pod_that_was_not_injected_is_refused_in_every_mode),
		cmocka_unit_test(a_pod_cannot_name_its_profile_or_claim_a_digest),
		cmocka_unit_test(the_runtime_handler_is_the_handler_and_can_be_left_out),
		cmocka_unit_test(the_gate_leaves_in_the_same_patch),
		cmocka_unit_test(a_gated_pod_that_is_bound_is_refused),
		cmocka_unit_test(the_annotation_budget_is_kept),
		cmocka_unit_test(a_profile_without_init_data_injects_the_rest_and_tolerates_none),
		cmocka_unit_test(mutation_never_refuses_and_never_speaks),
		cmocka_unit_test(a_foreign_pod_is_left_alone),
		cmocka_unit_test(an_accepted_pod_gets_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
