/* SPDX-License-Identifier: Apache-2.0 */
/* Tags that become digests, in each place and form, and the annotation beside the operations of others. */
#include "tests/policy/gate_scene.h"

#include "kube/patch.h"

#define PIN(form) "- {name: p, spec: {digest: {pin: " form "}}}\n"
#define DOCUMENT(policy)                                                       \
	"version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"cdh.toml\" = " \
	"'''\n[image]\nimage_security_policy "                                 \
	"= '" policy "'\n'''\n"
#define SIGNED_BY(identity)                                                                  \
	"{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyData\":\"eA==\"," \
	"\"signedIdentity\":"                                                                \
	"{\"type\":\"" identity "\"}}],\"transports\":{}}"

static const char *image_at(const json_t *pod, const char *list, size_t index)
{
	const json_t *item = json_array_get(json_at(pod, "spec", list, NULL), index);

	return strcmp(list, "volumes") ? json_text_at(item, "image", NULL)
				       : json_text_at(item, "image", "reference", NULL);
}

static void pins_in_the_form_that_is_asked_for(void **state)
{
	static const struct {
		const char *form, *image, *pinned;
	} cases[] = {
		{ "None", "registry.example/app:1", "registry.example/app:1" },
		{ "KeepTag", "registry.example/app:1", "registry.example/app:1@" DIGEST_A },
		{ "DropTag", "registry.example/app:1", "registry.example/app@" DIGEST_A },
		{ "DropTag", "registry.example:5000/app", "registry.example:5000/app@" DIGEST_A },
		{ "DropTag", "Registry.Example:443/app:1", "Registry.Example:443/app@" DIGEST_A },
		{ "KeepTag", "nginx", "nginx@" DIGEST_A },
		{ "DropTag", "nginx", "nginx@" DIGEST_A },
		{ "Auto", "nginx:1", "nginx:1@" DIGEST_A },
		/* a digest is what it is; what is no name, or cannot be resolved, is left to the judge */
		{ "KeepTag", "registry.example/app:1@" DIGEST_B, "registry.example/app:1@" DIGEST_B },
		{ "DropTag", "registry.example/app:1@" DIGEST_B, "registry.example/app:1@" DIGEST_B },
		{ "KeepTag", "registry.example/down:1", "registry.example/down:1" },
		{ "KeepTag", "UPPER/Case", "UPPER/Case" },
		{ "KeepTag", "", "" },
		{ "KeepTag", "auto", "auto" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("- {name: p, spec: {digest: {pin: %s}}}", cases[i].form);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		const struct question question = { .set = set };
		auto_json json_t *pod =
				yamlf("{spec: {runtimeClassName: snp, containers: [{name: c, image: '%s'}]}}",
						cases[i].image);
		auto_json json_t *after = mutated(&question, pod);
		assert_string_equal(image_at(after, "containers", 0), cases[i].pinned);
	}
}

static void pins_every_place_and_asks_once(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", PIN("KeepTag"));
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	struct question question = { .set = set, .scene = &scene };
	auto_json json_t *pod = yaml(POD(
			"initContainers: [{name: i, image: 'r.example/app:1'}], containers: [{name: a, "
			"image: 'r.example/plain:1'}, {name: b, image: 'r.example/app:1'}], "
			"ephemeralContainers: [{name: e, image: 'r.example/app:1'}], volumes: [{name: v}, "
			"{name: w, image: {reference: 'r.example/app:1', pullPolicy: Always}}]"));
	auto_json json_t *after = mutated(&question, pod);
	auto_gate_result struct gate_result result;

	(void)state;
	assert_int_equal(scene.asked, 2);
	assert_string_equal(image_at(after, "initContainers", 0), "r.example/app:1@" DIGEST_A);
	assert_string_equal(image_at(after, "containers", 0), "r.example/plain:1@" DIGEST_B);
	assert_string_equal(image_at(after, "containers", 1), "r.example/app:1@" DIGEST_A);
	assert_string_equal(image_at(after, "ephemeralContainers", 0), "r.example/app:1@" DIGEST_A);
	assert_string_equal(image_at(after, "volumes", 1), "r.example/app:1@" DIGEST_A);
	/* what comes out is what the judge wants to see */
	ask(&question, after, &result);
	assert_true(result.allowed);
	assert_int_equal(json_array_size(result.warnings), 0);
}

static void the_first_policy_that_asks_decides(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny",
			"- {name: a, spec: {priority: 1}}\n"
			"- {name: b, spec: {priority: 3, match: {images: ['other.example/*']}, digest: {pin: "
			"KeepTag}}}\n"
			"- {name: c, spec: {priority: 2, digest: {pin: DropTag}}}\n"
			"- {name: d, spec: {priority: 0, digest: {pin: KeepTag}}}\n");
	const struct question question = { .set = set };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}]"));
	auto_json json_t *after = mutated(&question, pod);

	(void)state;
	assert_string_equal(image_at(after, "containers", 0), "r.example/app@" DIGEST_A);
}

static void auto_takes_the_form_that_the_guest_accepts(void **state)
{
	static const struct {
		const char *document, *pinned, *note;
	} cases[] = {
		{ DOCUMENT(SIGNED_BY("matchRepository")), "r.example/app:1@" DIGEST_A, NULL },
		{ DOCUMENT(SIGNED_BY("matchRepoDigestOrExact")), "r.example/app@" DIGEST_A, NULL },
		{ DOCUMENT(SIGNED_BY("matchExact")), "r.example/app:1", "the guest takes no digest" },
	};
	auto_policy_set struct policy_set *set = set_of("Deny", PIN("Auto"));
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}]"));

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct question question = { .set = set, .document = cases[i].document };
		auto_json json_t *after = mutated(&question, pod);
		auto_gate_result struct gate_result result;
		assert_string_equal(image_at(after, "containers", 0), cases[i].pinned);
		ask(&question, after, &result);
		assert_true(result.allowed);
		assert_int_equal(json_array_size(result.warnings), cases[i].note != NULL);
		if (cases[i].note)
			assert_holds(json_string_value(json_array_get(result.warnings, 0)), cases[i].note);
	}
}

static void auto_asks_the_policy_itself_first(void **state)
{
	auto_policy_set struct policy_set *own = set_of("Deny",
			"- {name: a, spec: {priority: 1, guest: {policy: '" SIGNED_BY(
					"matchRepository") "'}}}\n"
							   "- {name: b, spec: {digest: {pin: Auto}, guest: "
							   "{policy: '" SIGNED_BY(
									   "matchRepoDigestOrExact") "'}}}"
												     "\n");
	auto_policy_set struct policy_set *others = set_of("Deny",
			"- {name: a, spec: {guest: {policy: '" SIGNED_BY(
					"matchRepoDigestOrExact") "'}}}\n"
								  "- {name: b, spec: {priority: 1, digest: "
								  "{pin: Auto}}}\n");
	const struct policy_set *const sets[] = { own, others };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}]"));

	(void)state;
	for (size_t i = 0; i < COUNT(sets); i++) {
		const struct question question = { .set = sets[i] };
		auto_json json_t *after = mutated(&question, pod);
		assert_string_equal(image_at(after, "containers", 0), "r.example/app@" DIGEST_A);
	}
}

static void what_was_not_pinned_is_a_violation(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", PIN("KeepTag"));
	auto_policy_set struct policy_set *warn =
			set_of("Deny", "- {name: p, spec: {onUnknown: Warn, digest: {pin: Auto}}}");
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}]"));
	auto_json json_t *down = yaml(POD("containers: [{name: c, image: 'r.example/down:1'}]"));
	auto_policy_set struct policy_set *both = set_of(
			"Deny", "- {name: p, spec: {digest: {pin: KeepTag}, encryption: {layers: All}}}");
	auto_gate_result struct gate_result refused, template, unseen, unknown, warned, once;
	struct question question = { .set = set };

	(void)state;
	ask(&question, pod, &refused);
	assert_holds(buf_text(&refused.message), "ImagePolicy p: digest.pin: the image is named by a tag");
	assert_holds(buf_text(&refused.message), "@" DIGEST_A);
	ask(&question, down, &unknown);
	assert_false(unknown.allowed);
	assert_holds(buf_text(&unknown.message),
			"no digest is known for the tag: registry.example: manifest: HTTP 503");
	assert_int_equal(lines_in(buf_text(&unknown.message)), 1);
	/* one reason for two that want to know */
	question.set = both;
	ask(&question, down, &once);
	assert_int_equal(lines_in(buf_text(&once.message)), 1);
	question.set = set;
	question.unseen = true;
	ask(&question, pod, &unseen);
	assert_true(unseen.allowed);
	question = (struct question){ .set = set, .template = "spec.template" };
	ask(&question, pod, &template);
	assert_true(template.allowed);
	assert_int_equal(json_array_size(template.warnings), 0);
	question = (struct question){ .set = warn };
	ask(&question, down, &warned);
	assert_true(warned.allowed);
	assert_int_equal(json_array_size(warned.warnings), 1);
}

static void waits_with_everything_while_a_tag_is_not_resolved(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", PIN("KeepTag"));
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	auto_json json_t *patch = json_array();
	struct question question = { .set = set, .scene = &scene, .mutate = true, .patch = patch };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}, {name: d, image: "
					 "'r.example/slow:1'}]"));
	auto_gate_result struct gate_result result;

	(void)state;
	ask(&question, pod, &result);
	assert_true(result.pending);
	assert_int_equal(json_array_size(patch), 0);
	scene.arrived = true;
	auto_json json_t *after = mutated(&question, pod);
	assert_string_equal(image_at(after, "containers", 1), "r.example/slow:1@" DIGEST_A);
}

static void leaves_templates_and_asks_nobody_without_a_pin(void **state)
{
	auto_policy_set struct policy_set *pins = set_of("Deny", PIN("KeepTag"));
	auto_policy_set struct policy_set *none =
			set_of("Deny", "- {name: p, spec: {encryption: {layers: All}}}");
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}]"));
	struct question question = { .set = pins, .scene = &scene, .template = "spec.template" };
	auto_json json_t *template = mutated(&question, pod);

	(void)state;
	assert_true(json_equal(template, pod));
	assert_int_equal(scene.asked, 0);
	question = (struct question){ .set = none, .scene = &scene };
	auto_json json_t *after = mutated(&question, pod);
	assert_int_equal(scene.asked, 0);
	assert_non_null(annotation_of(after, GATE_ANNOTATION));
}

static void writes_the_annotation_beside_what_others_write(void **state)
{
	static const char *const metadata[] = {
		"",
		"metadata: {}, ",
		"metadata: {name: x, annotations: null}, ",
		"metadata: {annotations: {}}, ",
		"metadata: {annotations: {a: b, cocoon.dev/image-policies: old}}, ",
	};
	auto_policy_set struct policy_set *set = set_of("Deny", "- {name: p, spec: {}}");

	(void)state;
	for (size_t i = 0; i < 3 * COUNT(metadata); i++) {
		auto_json json_t *pod = yamlf("{%sspec: {runtimeClassName: snp}}", metadata[i / 3]);
		auto_json json_t *patch = json_array();
		const struct question question = { .set = set, .mutate = true, .patch = patch };
		auto_gate_result struct gate_result result;
		bool meta = json_is_object(json_object_get(pod, "metadata"));
		bool annotations = json_is_object(json_at(pod, "metadata", "annotations", NULL));
		/* as the injection of a profile writes, which is in front; or as one that only tests */
		if (i % 3 == 1 && annotations)
			patch_add(patch, json_string("y"), "metadata", "annotations", "x", NULL);
		else if (i % 3 == 1 && meta)
			patch_add(patch, json_pack("{s:s}", "x", "y"), "metadata", "annotations", NULL);
		else if (i % 3 == 1)
			patch_add(patch, json_pack("{s:{s:s}}", "annotations", "x", "y"), "metadata", NULL);
		else if (i % 3 == 2)
			patch_test(patch, json_string("snp"), "spec", "runtimeClassName", NULL);
		ask(&question, pod, &result);
		auto_json json_t *after = patched(pod, patch);
		assert_non_null(after);
		assert_string_equal(annotation_of(after, GATE_ANNOTATION), result.hash);
		if (i % 3 == 1)
			assert_string_equal(annotation_of(after, "x"), "y");
		if (i / 3 == 4)
			assert_string_equal(annotation_of(after, "a"), "b");
	}
}

static void writes_behind_the_injection_of_a_profile(void **state)
{
	static const char *const metadata[] = { "", "metadata: {name: x}, ",
		"metadata: {annotations: {a: b}}, " };
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, "
			"initData: {logLevel: "
			"info}}}");
	auto_policy_set struct policy_set *set = set_of("Deny", PIN("KeepTag"));

	(void)state;
	for (size_t i = 0; i < COUNT(metadata); i++) {
		auto_json json_t *pod =
				yamlf("{%sspec: {runtimeClassName: snp, schedulingGates: [{name: "
				      "cocoon.dev/init-data}], containers: [{name: c, image: nginx}]}}",
						metadata[i]);
		struct pod_view view = view_of(pod);
		auto_decision struct decision decision;
		auto_gate_result struct gate_result result;
		decision_init(&decision);
		decide_mutate(catalog, &view, &decision);
		const struct question question = { .set = set, .mutate = true, .patch = decision.patch };
		ask(&question, pod, &result);
		auto_json json_t *after = patched(pod, decision.patch);
		assert_non_null(after);
		assert_string_equal(annotation_of(after, GATE_ANNOTATION), result.hash);
		assert_non_null(annotation_of(after, INITDATA_ANNOTATION));
		assert_string_equal(image_at(after, "containers", 0), "nginx@" DIGEST_A);
		if (i == 2)
			assert_string_equal(annotation_of(after, "a"), "b");
	}
}

static void takes_away_what_no_policy_stands_for(void **state)
{
	auto_policy_set struct policy_set *far =
			set_of("Deny", "- {name: p, spec: {match: {runtimeClasses: [tdx]}}}");
	auto_policy_set struct policy_set *empty = set_of("Deny", "[]");
	auto_json json_t *pod =
			yaml("{metadata: {annotations: {a: b, cocoon.dev/image-policies: old}}, spec: "
			     "{runtimeClassName: snp}}");
	struct question question = { .set = far };
	auto_json json_t *first = mutated(&question, pod);
	question.set = empty;
	auto_json json_t *second = mutated(&question, pod);

	(void)state;
	assert_null(annotation_of(first, GATE_ANNOTATION));
	assert_null(annotation_of(second, GATE_ANNOTATION));
	assert_string_equal(annotation_of(second, "a"), "b");
}

static void an_update_pins_what_is_new_and_leaves_the_annotation(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", PIN("KeepTag"));
	auto_json json_t *before = yaml(POD("containers: [{name: c, image: 'r.example/app:1'}]"));
	auto_json json_t *after =
			yaml(POD("containers: [{name: c, image: 'r.example/app:1'}], ephemeralContainers: "
				 "[{name: e, image: 'r.example/app:1'}]"));
	struct question question = { .set = set, .before = before };
	auto_json json_t *written = mutated(&question, after);

	(void)state;
	assert_string_equal(image_at(written, "containers", 0), "r.example/app:1");
	assert_string_equal(image_at(written, "ephemeralContainers", 0), "r.example/app:1@" DIGEST_A);
	assert_null(annotation_of(written, GATE_ANNOTATION));
}

/* Two reviews of one pod do not both wait for a registry that says nothing: the second would refuse in any case. */
static void what_should_have_been_pinned_is_refused_in_any_case(void **state)
{
	static const struct {
		const char *spec, *image;
		bool mutate, unseen, doomed;
	} cases[] = {
		{ "digest: {pin: KeepTag}", "r.example/slow:1", .doomed = true },
		{ "digest: {pin: Auto}", "r.example/slow:1", .doomed = true },
		{ "digest: {pin: KeepTag}", "r.example/slow:1", .mutate = true },
		{ "digest: {pin: KeepTag}", "r.example/slow:1", .unseen = true },
		{ "encryption: {}, digest: {pin: KeepTag}", "r.example/slow@" DIGEST_A, .doomed = false },
		/* these may let it in, once it is known */
		{ "encryption: {}", "r.example/slow:1", .doomed = false },
		{ "digest: {pin: KeepTag}, mode: Warn", "r.example/slow:1", .doomed = false },
		{ "digest: {pin: KeepTag}, onUnknown: Warn", "r.example/slow:1", .doomed = false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *policy = xasprintf("- {name: p, spec: {%s}}", cases[i].spec);
		auto_policy_set struct policy_set *set = set_of("Deny", policy);
		auto_json json_t *pod = yamlf(POD("containers: [{name: c, image: '%s'}]"), cases[i].image);
		auto_json json_t *patch = json_array();
		auto_registry_scene struct registry_scene scene = { .asked = 0 };
		const struct question question = { .set = set,
			.scene = &scene,
			.mutate = cases[i].mutate,
			.unseen = cases[i].unseen,
			.patch = patch };
		auto_gate_result struct gate_result result;
		ask(&question, pod, &result);
		assert_true(result.pending);
		assert_int_equal(result.doomed, cases[i].doomed);
		scene.arrived = true;
		auto_gate_result struct gate_result later;
		ask(&question, pod, &later);
		assert_false(later.pending || later.doomed);
		/* what is doomed is refused in the end */
		assert_true(!cases[i].doomed || !later.allowed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pins_in_the_form_that_is_asked_for),
		cmocka_unit_test(pins_every_place_and_asks_once),
		cmocka_unit_test(the_first_policy_that_asks_decides),
		cmocka_unit_test(auto_takes_the_form_that_the_guest_accepts),
		cmocka_unit_test(auto_asks_the_policy_itself_first),
		cmocka_unit_test(what_was_not_pinned_is_a_violation),
		cmocka_unit_test(waits_with_everything_while_a_tag_is_not_resolved),
		cmocka_unit_test(leaves_templates_and_asks_nobody_without_a_pin),
		cmocka_unit_test(writes_the_annotation_beside_what_others_write),
		cmocka_unit_test(writes_behind_the_injection_of_a_profile),
		cmocka_unit_test(takes_away_what_no_policy_stands_for),
		cmocka_unit_test(an_update_pins_what_is_new_and_leaves_the_annotation),
		cmocka_unit_test(what_should_have_been_pinned_is_refused_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
