/* SPDX-License-Identifier: Apache-2.0 */
/* Which images of a pod are judged, under which policies, and what is said. */
#include "tests/policy/gate_scene.h"

static void judges_images_in_every_place(void **state)
{
	static const struct {
		const char *spec, *path;
	} cases[] = {
		{ "containers: [{name: c, image: registry.example/plain}]", "spec.containers[0].image" },
		{ "initContainers: [{name: a, image: registry.example/app}, {name: b, image: "
		  "registry.example/plain}], containers: [{name: c, image: registry.example/app}]",
				"spec.initContainers[1].image" },
		{ "ephemeralContainers: [{name: e, image: registry.example/plain}]",
				"spec.ephemeralContainers[0].image" },
		{ "volumes: [{name: v, emptyDir: {}}, {name: w, image: {reference: registry.example/plain}}]",
				"spec.volumes[1].image.reference" },
		/* other spellings of the same name */
		{ "containers: [{name: c, image: 'Registry.Example:443/plain:latest'}]",
				"spec.containers[0].image" },
	};
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_gate_result struct gate_result result;
		auto_free char *pod = xasprintf("{spec: {runtimeClassName: snp, %s}}", cases[i].spec);
		const char *said = verdict(set, pod, &result);
		assert_int_equal(strncmp(said, cases[i].path, strlen(cases[i].path)), 0);
		assert_int_equal(lines_in(said), 1);
		assert_holds(said, ": ImagePolicy shop: encryption.layers: ");
	}
}

static void admits_what_all_policies_allow(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_gate_result struct gate_result result;

	(void)state;
	assert_string_equal(
			verdict(set,
					POD("containers: [{name: c, image: 'registry.example/app:1'}], "
					    "initContainers: [{name: i, image: 'registry.example/app:1'}]"),
					&result),
			"");
	assert_false(result.skipped);
	assert_int_equal(json_array_size(result.warnings), 0);
	assert_int_equal(result.line_count, 1);
	assert_string_equal(result.lines[0].policy, "shop");
	assert_int_equal(result.lines[0].verdict, GATE_ADMITTED);
	assert_string_equal(result.lines[0].digest, DIGEST_A);
	assert_string_equal(result.lines[0].reason, "");
	assert_int_equal(result.oldest, 2000);
	assert_int_equal(strncmp(result.hash, "sha256:", 7), 0);
	assert_int_equal(strlen(result.hash), 71);
	assert_string_equal(json_text_at(result.audit, "images", NULL),
			"[{\"path\":\"spec.initContainers[0].image\",\"image\":\"registry.example/app:1\","
			"\"digest\":\"" DIGEST_A "\",\"policy\":\"shop\",\"verdict\":\"admitted\"}]");
}

static void no_annotation_changes_which_images_are_judged(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_gate_result struct gate_result result;

	(void)state;
	assert_holds(verdict(set,
				     "{metadata: {annotations: {io.kubernetes.cri.image-name: "
				     "registry.example/app,"
				     " io.katacontainers.pkg.oci.image: registry.example/app,"
				     " io.kubernetes.cri.container-type: sandbox}}, spec: {runtimeClassName: "
				     "snp,"
				     " containers: [{name: c, image: registry.example/plain}]}}",
				     &result),
			"spec.containers[0].image: \"registry.example/plain\"");
	assert_int_equal(result.line_count, 1);
}

static void every_policy_that_applies_must_be_satisfied(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny",
			"- {name: lax, spec: {priority: 10, match: {images: ['**']}}}\n"
			"- {name: strict, spec: {encryption: {layers: All}}}\n"
			"- {name: other, spec: {match: {runtimeClasses: [tdx]}, digest: {require: true}}}\n"
			"- {name: pods, spec: {match: {podSelector: {matchLabels: {a: b}}}, digest: "
			"{require: true}}}\n"
			"- {name: digest, spec: {digest: {require: true}}}\n");
	auto_gate_result struct gate_result result;
	const char *said =
			verdict(set, POD("containers: [{name: c, image: registry.example/plain}]"), &result);
	auto_free char *lines = lines_text(&result);

	(void)state;
	assert_int_equal(lines_in(said), 2);
	assert_holds(said, "ImagePolicy strict: encryption.layers: ");
	assert_holds(said, "ImagePolicy digest: digest.require: ");
	assert_string_equal(lines,
			"lax admitted spec.containers[0].image registry.example/plain\n"
			"digest refused spec.containers[0].image registry.example/plain\n"
			"strict refused spec.containers[0].image registry.example/plain\n");
}

static void says_why_no_policy_takes_an_image(void **state)
{
	static const char policies[] =
			"- {name: class, spec: {match: {runtimeClasses: [tdx]}}}\n"
			"- {name: labels, spec: {match: {podSelector: {matchLabels: {a: b}}}}}\n"
			"- {name: space, spec: {match: {namespaceSelector: {matchLabels: {t: x}}}}}\n"
			"- {name: image, spec: {match: {images: ['registry.example/shop/*']}}}\n";
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: evil.example/app}]"));
	auto_json json_t *labels = yaml("{t: other}");
	static const struct {
		const char *rule;
		bool allowed;
		size_t warnings;
		enum gate_verdict verdict;
	} cases[] = {
		{ "Deny", false, 0, GATE_REFUSED },
		{ "Warn", true, 1, GATE_WARNED },
		{ "Allow", true, 0, GATE_ADMITTED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_policy_set struct policy_set *set = set_of(cases[i].rule, policies);
		struct question question = { .set = set, .namespace_labels = labels };
		auto_gate_result struct gate_result result, unknown;
		ask(&question, pod, &result);
		assert_int_equal(result.allowed, cases[i].allowed);
		assert_false(result.skipped);
		assert_int_equal(json_array_size(result.warnings), cases[i].warnings);
		assert_int_equal(result.line_count, 1);
		assert_int_equal(result.lines[0].verdict, cases[i].verdict);
		assert_string_equal(result.lines[0].policy, "");
		if (!i)
			assert_string_equal(buf_text(&result.message),
					"spec.containers[0].image: \"evil.example/app\": no ImagePolicy "
					"takes it "
					"(class: another RuntimeClass; image: not this image; labels: not "
					"this pod's "
					"labels; space: not this namespace): add the image to a policy");
		/* of a namespace that is not known, nothing says that it is not meant */
		question.namespace_labels = NULL;
		ask(&question, pod, &unknown);
		assert_string_equal(unknown.lines[0].policy, "space");
	}
}

static void judges_nothing_without_policies(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", "[]");
	auto_gate_result struct gate_result result;

	(void)state;
	assert_string_equal(verdict(set, POD("containers: [{name: c, image: '!!'}]"), &result), "");
	assert_true(result.skipped);
	assert_string_equal(result.hash, "");
	assert_int_equal(result.line_count, 0);
}

static void refuses_what_is_no_name(void **state)
{
	static const char *const bad[] = { "''", "'UPPER/Case'", "'a b'", "'registry.example/app@sha256:12'",
		"'registry.example/app:'", "'../x'", "7", "null", "[]", "\"a\\nspec: fine\"" };
	auto_policy_set struct policy_set *two = set_of("Deny",
			"- {name: one, spec: {match: {images: ['registry.example/**']}}}\n- {name: two, "
			"spec: {}}");
	auto_policy_set struct policy_set *none =
			set_of("Deny", "- {name: one, spec: {match: {runtimeClasses: [tdx]}}}\n");

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_gate_result struct gate_result result, other;
		auto_free char *pod = xasprintf(
				"{spec: {runtimeClassName: snp, containers: [{name: c, image: %s}]}}",
				bad[i]);
		const char *said = verdict(two, pod, &result);
		assert_int_equal(lines_in(said), 2);
		assert_holds(said, "ImagePolicy one: image: ");
		assert_holds(said, "ImagePolicy two: image: ");
		assert_holds(verdict(none, pod, &other), "no ImagePolicy takes it");
	}
}

static void passes_over_what_webhooks_fill_in_templates(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_json json_t *pod =
			yaml(POD("containers: [{name: c, image: auto}, {name: d}, {name: e, image: ''}],"
				 " volumes: [{name: v, image: {}}]"));
	auto_gate_result struct gate_result result, judged;
	struct question question = { .set = set, .template = "spec.template" };

	(void)state;
	ask(&question, pod, &result);
	assert_true(result.allowed && result.skipped);
	assert_int_equal(json_array_size(result.warnings), 0);
	/* in a pod they are what they are: an image of the default registry, and none */
	question.template = NULL;
	ask(&question, pod, &judged);
	assert_false(judged.allowed);
	assert_holds(buf_text(&judged.message),
			"spec.containers[0].image: \"auto\": no ImagePolicy takes it");
	assert_holds(buf_text(&judged.message), "spec.containers[1].image (+2 more): \"\": ");
}

static void templates_do_what_the_policy_says(void **state)
{
	static const struct {
		const char *templates;
		bool allowed;
		size_t warnings, asked;
	} cases[] = { { "Warn", true, 1, 1 }, { "Enforce", false, 0, 1 }, { "Ignore", true, 0, 0 } };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: registry.example/plain}]"));

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text =
				xasprintf("- {name: p, spec: {templates: %s, encryption: {layers: All}}}",
						cases[i].templates);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		auto_registry_scene struct registry_scene scene = { .asked = 0 };
		const struct question question = {
			.set = set, .template = "spec.jobTemplate.spec.template", .scene = &scene
		};
		auto_gate_result struct gate_result result;
		ask(&question, pod, &result);
		assert_int_equal(result.allowed, cases[i].allowed);
		assert_int_equal(json_array_size(result.warnings), cases[i].warnings);
		assert_int_equal(scene.asked, cases[i].asked);
		const char *said = cases[i].allowed ? json_string_value(json_array_get(result.warnings, 0))
						    : buf_text(&result.message);
		if (said)
			assert_int_equal(strncmp(said,
							 "spec.jobTemplate.spec.template.spec.containers[0]."
							 "image: ",
							 57),
					0);
	}
}

static void an_unmatched_image_of_a_template_is_a_warning(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: nginx}]"));
	const struct question question = { .set = set, .template = "spec.template" };
	auto_gate_result struct gate_result result;

	(void)state;
	ask(&question, pod, &result);
	assert_true(result.allowed);
	assert_int_equal(json_array_size(result.warnings), 1);
}

static void the_mode_says_what_a_violation_does(void **state)
{
	static const struct {
		const char *mode;
		bool allowed;
		size_t warnings;
		bool audit;
		enum gate_verdict verdict;
	} cases[] = {
		{ "Enforce", false, 0, false, GATE_REFUSED },
		{ "Warn", true, 1, false, GATE_WARNED },
		{ "Audit", true, 0, true, GATE_WARNED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"- {name: p, spec: {mode: %s, encryption: {layers: All}}}", cases[i].mode);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		auto_gate_result struct gate_result result;
		verdict(set, POD("containers: [{name: c, image: registry.example/plain}]"), &result);
		assert_int_equal(result.allowed, cases[i].allowed);
		assert_int_equal(json_array_size(result.warnings), cases[i].warnings);
		assert_int_equal(json_text_at(result.audit, "image-findings", NULL) != NULL, cases[i].audit);
		assert_int_equal(result.lines[0].verdict, cases[i].verdict);
		assert_holds(result.lines[0].reason, "encryption.layers: ");
	}
}

static void refuses_more_images_than_it_looks_at(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Allow", "- {name: a, spec: {mode: Audit}}\n");
	struct buf text = BUF_MAX(1 << 20);

	(void)state;
	for (int many = 0; many < 2; many++) {
		auto_gate_result struct gate_result result;
		buf_reset(&text);
		buf_puts(&text, "{spec: {runtimeClassName: snp, containers: [");
		for (int i = 0; i < GATE_IMAGES_MAX + many; i++)
			buf_printf(&text, "{name: c%d, image: i%d},", i, i);
		buf_puts(&text, "]}}");
		const char *said = verdict(set, buf_text(&text), &result);
		assert_int_equal(result.line_count, GATE_IMAGES_MAX);
		assert_int_equal(result.allowed, !many);
		if (many)
			assert_holds(said, "more than 256 images");
	}
	buf_clear(&text);
}

struct listed {
	struct buf text;
};

static void list_one(void *ctx, const char *path, const char *image)
{
	struct listed *listed = ctx;

	buf_printf(&listed->text, "%s=%s ", path, image);
}

static void lists_every_image(void **state)
{
	auto_json json_t *pod =
			yaml("{spec: {containers: [{image: a}, {}, null], initContainers: [{image: b}],"
			     " ephemeralContainers: [{image: a}], volumes: [{}, {image: {reference: v}},"
			     " {image: null}]}}");
	struct pod_view view = view_of(pod);
	struct listed listed = { .text = BUF_MAX(1 << 16) };

	(void)state;
	gate_each_image(&view, "spec.template", list_one, &listed);
	assert_string_equal(buf_text(&listed.text),
			"spec.template.spec.initContainers[0].image=b "
			"spec.template.spec.containers[0].image=a "
			"spec.template.spec.containers[1].image= spec.template.spec.containers[2].image= "
			"spec.template.spec.ephemeralContainers[0].image=a "
			"spec.template.spec.volumes[1].image.reference=v ");
	buf_clear(&listed.text);
}

static void does_not_stumble_over_wrong_types(void **state)
{
	static const char *const cases[] = {
		"containers: x, initContainers: {a: b}, volumes: 7",
		"ephemeralContainers: 7, volumes: [null, 7, x, [], {name: 7}]",
		"imagePullSecrets: x, serviceAccountName: 7, containers: []",
	};
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_gate_result struct gate_result result;
		auto_free char *pod = xasprintf("{spec: {runtimeClassName: snp, %s}}", cases[i]);
		assert_string_equal(verdict(set, pod, &result), "");
		assert_true(result.skipped);
	}
	auto_gate_result struct gate_result result;
	assert_int_equal(lines_in(verdict(set,
					 POD("containers: [null, 7, [], x, {image: {}}], volumes: [{image: "
					     "x}]"),
					 &result)),
			1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_images_in_every_place),
		cmocka_unit_test(admits_what_all_policies_allow),
		cmocka_unit_test(no_annotation_changes_which_images_are_judged),
		cmocka_unit_test(every_policy_that_applies_must_be_satisfied),
		cmocka_unit_test(says_why_no_policy_takes_an_image),
		cmocka_unit_test(judges_nothing_without_policies),
		cmocka_unit_test(refuses_what_is_no_name),
		cmocka_unit_test(passes_over_what_webhooks_fill_in_templates),
		cmocka_unit_test(templates_do_what_the_policy_says),
		cmocka_unit_test(an_unmatched_image_of_a_template_is_a_warning),
		cmocka_unit_test(the_mode_says_what_a_violation_does),
		cmocka_unit_test(refuses_more_images_than_it_looks_at),
		cmocka_unit_test(lists_every_image),
		cmocka_unit_test(does_not_stumble_over_wrong_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
