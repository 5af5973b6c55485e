/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, warnings, audit texts and their bounds; the secrets of a pod. */
#include "tests/pod/sealed_scene.h"
#include "tests/policy/gate_scene.h"

static void the_same_reason_in_many_places_is_one_line(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_gate_result struct gate_result result;
	struct buf text = BUF_MAX(1 << 16);

	(void)state;
	buf_puts(&text,
			"{spec: {runtimeClassName: snp, containers: [{name: x, image: "
			"registry.example/app},");
	for (int i = 0; i < 10; i++)
		buf_printf(&text, "{name: c%d, image: registry.example/plain},", i);
	buf_puts(&text, "]}}");
	const char *said = verdict(set, buf_text(&text), &result);
	assert_int_equal(lines_in(said), 1);
	assert_holds(said,
			"spec.containers[1].image (+9 more): \"registry.example/plain\": ImagePolicy shop: ");
	assert_int_equal(result.line_count, 2);
	buf_clear(&text);
}

static void says_all_reasons_at_once(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny",
			"- {name: a, spec: {match: {images: ['registry.example/**']}, digest: {require: "
			"true, inAgentPolicy: Deny},"
			" encryption: {layers: All}}}\n");
	auto_gate_result struct gate_result result;
	const char *said = verdict(set,
			"{metadata: {annotations: {cocoon.dev/image-policies: x}}, spec: {runtimeClassName: "
			"snp, "
			"containers: [{name: c, image: registry.example/plain}, {name: d, image: nginx}, "
			"{name: e, image: "
			"'!'}, {name: f, image: registry.example/down}]}}",
			&result);

	(void)state;
	assert_holds(said, "metadata.annotations[cocoon.dev/image-policies]: ");
	assert_holds(said,
			"\nspec.containers[0].image: \"registry.example/plain\": ImagePolicy a: "
			"digest.require: ");
	assert_holds(said,
			"\nspec.containers[0].image: \"registry.example/plain\": ImagePolicy a: "
			"encryption.layers: ");
	assert_holds(said,
			"\nspec.containers[0].image: \"registry.example/plain\": ImagePolicy a: "
			"digest.inAgentPolicy: ");
	assert_holds(said,
			"\nspec.containers[1].image: \"nginx\": no ImagePolicy takes it (a: not this image)");
	assert_holds(said, "\nspec.containers[2].image: \"!\": ImagePolicy a: image: ");
	assert_holds(said, "\nspec.containers[3].image: \"registry.example/down\": ImagePolicy a: image: ");
}

static void effects_soften_with_the_mode(void **state)
{
	static const struct {
		const char *spec;
		bool allowed;
		size_t warnings;
		bool audit;
	} cases[] = {
		{ "digest: {inAgentPolicy: Deny}", false, 0, false },
		{ "digest: {inAgentPolicy: Warn}", true, 1, false },
		{ "digest: {inAgentPolicy: Ignore}", true, 0, false },
		{ "mode: Warn, digest: {inAgentPolicy: Deny}", true, 1, false },
		{ "mode: Audit, digest: {inAgentPolicy: Deny}", true, 0, true },
		{ "mode: Audit, digest: {inAgentPolicy: Warn}", true, 0, true },
		{ "guest: {parity: Deny, policy: '{\"default\":[{\"type\":\"reject\"}],\"transports\":{}}'}",
				false, 0, false },
		{ "guest: {parity: Warn, policy: '{\"default\":[{\"type\":\"reject\"}],\"transports\":{}}'}",
				true, 1, false },
		{ "guest: {parity: Ignore, policy: "
		  "'{\"default\":[{\"type\":\"reject\"}],\"transports\":{}}'}",
				true, 0, false },
		{ "guest: {parity: Deny, policy: '{\"default\":[],\"transports\":{}}'}", true, 0, false },
		/* a note is a warning in any mode */
		{ "mode: Audit, guest: {parity: Deny}", true, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("- {name: p, spec: {%s}}", cases[i].spec);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		auto_gate_result struct gate_result result;
		const char *said = verdict(
				set, POD("containers: [{name: c, image: registry.example/app}]"), &result);
		if (result.allowed != cases[i].allowed ||
				json_array_size(result.warnings) != cases[i].warnings ||
				(json_text_at(result.audit, "image-findings", NULL) != NULL) !=
						cases[i].audit)
			fail_msg("%s: %s", cases[i].spec, said);
	}
}

static void the_worst_finding_decides_the_line(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny",
			"- {name: p, spec: {digest: {inAgentPolicy: Warn}, encryption: {layers: All}}}");
	auto_gate_result struct gate_result result;

	(void)state;
	verdict(set, POD("containers: [{name: c, image: registry.example/plain}]"), &result);
	assert_int_equal(json_array_size(result.warnings), 1);
	assert_int_equal(result.lines[0].verdict, GATE_REFUSED);
	assert_holds(result.lines[0].reason, "encryption.layers: ");
}

static void init_data_that_cannot_be_read_is_unknown(void **state)
{
	static const struct {
		const char *spec;
		bool asks;
	} cases[] = {
		{ "guest: {parity: Ignore}", true },
		{ "digest: {inAgentPolicy: Warn}", true },
		{ "digest: {pin: Auto}", true },
		{ "encryption: {layers: All}", true },
		{ "encryption: {layers: All, sameBroker: false}", false },
		{ "digest: {pin: KeepTag}", false },
		{ "digest: {require: true}", false },
	};
	auto_json json_t *pod =
			yaml(POD("containers: [{name: c, image: 'registry.example/app@" DIGEST_A "'}]"));

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* the first alone asks, or both */
		auto_free char *text = xasprintf(
				"- {name: p, spec: {guest: {parity: Ignore}}}\n- {name: q, spec: {%s}}",
				cases[i].spec);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		const struct question question = { .set = set, .document = "not = [toml" };
		auto_gate_result struct gate_result result;
		ask(&question, pod, &result);
		assert_holds(buf_text(&result.message),
				"ImagePolicy p: guest: the pod's init-data cannot be read");
		assert_int_equal(result.lines[1].verdict == GATE_UNKNOWN, cases[i].asks);
	}
}

/* `count` images, each with a reason of its own */
static void many_images(struct buf *text, int count, const char *stem)
{
	buf_reset(text);
	buf_puts(text, "{spec: {runtimeClassName: snp, containers: [");
	for (int i = 0; i < count; i++)
		buf_printf(text, "{name: c%d, image: 'registry.example/%s%d'},", i, stem, i);
	buf_puts(text, "]}}");
}

static void keeps_its_bounds_and_says_what_it_left_out(void **state)
{
	static const char stem[] =
			"plain/"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const char *const modes[] = { "Enforce", "Warn", "Audit" };
	struct buf pod = BUF_MAX(1 << 20);

	(void)state;
	for (size_t mode = 0; mode < COUNT(modes); mode++) {
		auto_free char *text = xasprintf(
				"- {name: p, spec: {mode: %s, encryption: {layers: All}}}", modes[mode]);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		auto_gate_result struct gate_result result;
		size_t i;
		json_t *item;
		many_images(&pod, 200, stem);
		const char *said = verdict(set, buf_text(&pod), &result);
		assert_int_equal(result.line_count, 200);
		assert_true(strlen(said) < GATE_MESSAGE_MAX);
		assert_int_equal(json_array_size(result.warnings), mode == 1 ? GATE_WARNINGS_MAX : 0);
		json_array_foreach (result.warnings, i, item) {
			assert_true(json_string_length(item) <= GATE_WARNING_MAX);
			assert_null(strchr(json_string_value(item), '\n'));
		}
		if (mode == 0) {
			auto_free char *tail = xasprintf("\nand %zu more reasons", 201 - lines_in(said));
			assert_holds(said, tail);
		}
		if (mode == 1)
			assert_string_equal(json_string_value(json_array_get(
							    result.warnings, GATE_WARNINGS_MAX - 1)),
					"181 more warnings about the images of this pod");
		/* audit texts are whole JSON, and say how many there are besides */
		const char *images = json_text_at(result.audit, "images", NULL);
		auto_json json_t *list = NULL;
		assert_int_equal(json_read(span_of(images), GATE_AUDIT_MAX, &list, NULL), 0);
		const json_t *last = json_array_get(list, json_array_size(list) - 1);
		assert_int_equal(json_integer_value(json_object_get(last, "more")),
				201 - json_array_size(list));
		const char *findings = json_text_at(result.audit, "image-findings", NULL);
		assert_true(mode == 2 ? strlen(findings) <= GATE_AUDIT_MAX : !findings);
	}
	buf_clear(&pod);
}

static void outside_texts_cannot_forge_lines(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_policy_set struct policy_set *warn = set_of("Warn", ENCRYPTED);
	auto_gate_result struct gate_result denied, warned;
	static const char pod[] =
			"{spec: {runtimeClassName: snp, containers: [{name: c, image: \"evil\\nspec.x: "
			"allowed\\e[2J\\u202e\"}]}}";
	const char *said = verdict(set, pod, &denied);

	(void)state;
	assert_int_equal(lines_in(said), 1);
	assert_null(strpbrk(said, "\n\x1b"));
	verdict(warn, "{spec: {runtimeClassName: snp, containers: [{name: c, image: x/y}]}}", &warned);
	assert_int_equal(json_array_size(warned.warnings), 1);
}

/* ---- secrets ---- */

#define ENV(value) \
	POD("containers: [{name: c, image: registry.example/app, env: [{name: A, value: '" value "'}]}]")
#define PLAIN_POD                                                                               \
	POD("containers: [{name: c, image: registry.example/app, envFrom: [{secretRef: {name: " \
	    "all}}]}], volumes: [{name: v, secret: {secretName: s}}]")

static void secrets_do_what_the_policy_says_beyond_advice(void **state)
{
	static const struct {
		const char *spec, *pod;
		size_t reasons, warnings;
		bool audit;
	} cases[] = {
		/* every confidential pod has been warned of them */
		{ "", ENV("sealed.a.b"), 0, 0, false },
		{ "secrets: {sealed: Warn, plain: Warn}", ENV("sealed.a.b"), 0, 0, false },
		{ "secrets: {sealed: Ignore, plain: Ignore}", PLAIN_POD, 0, 0, false },
		{ "secrets: {sealed: Deny}", ENV("sealed.a.b"), 1, 0, false },
		{ "secrets: {sealed: Deny}", PLAIN_POD, 0, 0, false },
		{ "secrets: {plain: Deny}", ENV("sealed.a.b"), 0, 0, false },
		{ "secrets: {plain: Deny}", PLAIN_POD, 2, 0, false },
		{ "secrets: {sealed: Deny, plain: Deny}", ENV("open"), 0, 0, false },
		{ "mode: Warn, secrets: {plain: Deny}", PLAIN_POD, 0, 0, false },
		{ "mode: Audit, secrets: {plain: Deny}", PLAIN_POD, 0, 0, true },
		/* whatever images there are */
		{ "match: {images: ['other.example/*']}, secrets: {plain: Deny}", PLAIN_POD, 2, 0, false },
		{ "match: {runtimeClasses: [tdx]}, secrets: {plain: Deny}", PLAIN_POD, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("- {name: p, spec: {%s}}", cases[i].spec);
		auto_policy_set struct policy_set *set = set_of("Allow", text);
		auto_gate_result struct gate_result result;
		const char *said = verdict(set, cases[i].pod, &result);
		assert_int_equal(lines_in(said), cases[i].reasons);
		assert_int_equal(json_array_size(result.warnings), cases[i].warnings);
		assert_int_equal(json_text_at(result.audit, "image-findings", NULL) != NULL, cases[i].audit);
		if (cases[i].reasons)
			assert_holds(said,
					strstr(cases[i].spec, "sealed: Deny")
							? "spec.containers[0].env[0].value: ImagePolicy p: "
							  "secrets.sealed: the sealed secret is no good: 2 "
							  "parts"
							: "spec.containers[0].envFrom[0]: ImagePolicy p: "
							  "secrets.plain: "
							  "Secret 'all' can be read by the host");
	}
}

static void the_policys_keys_show_what_advice_cannot(void **state)
{
	static const struct {
		const char *kid, *effect;
		bool allowed;
		size_t warnings;
		const char *says;
	} cases[] = {
		{ SEALED_KID, "Deny", true, 0, NULL },
		{ SEALED_KID, "Warn", true, 0, NULL },
		{ "kbs:///other/key/x", "Warn", true, 1, "none of the keys that are known" },
		{ "kbs:///other/key/x", "Deny", false, 0, "none of the keys that are known" },
		{ "kbs:///other/key/x", "Ignore", true, 0, NULL },
	};
	auto_free char *good = sealed_text(SEALED_HEADER, SEALED_PAYLOAD);
	auto_json json_t *pod = yamlf(
			"{spec: {runtimeClassName: snp, initContainers: [{name: c, image: a, env: [{name: "
			"A, value: %s}]}]}}",
			good);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* the public half alone belongs into a policy */
		auto_free char *text =
				xasprintf("- {name: p, spec: {secrets: {sealed: %s, keys: [{kid: '%s', jwk: "
					  "'{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
					  "\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\",\"y\":"
					  "\"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE\"}'}]}}}",
						cases[i].effect, cases[i].kid);
		auto_policy_set struct policy_set *set = set_of("Allow", text);
		const struct question question = { .set = set };
		auto_gate_result struct gate_result result;
		ask(&question, pod, &result);
		assert_int_equal(result.allowed, cases[i].allowed);
		assert_int_equal(json_array_size(result.warnings), cases[i].warnings);
		const char *said = cases[i].warnings ? json_string_value(json_array_get(result.warnings, 0))
						     : buf_text(&result.message);
		if (cases[i].says)
			assert_holds(said, cases[i].says);
		/* a policy that has nothing to do with templates */
		auto_free char *no_templates =
				xasprintf("%.*s, templates: Ignore}}", (int)strlen(text) - 2, text);
		auto_policy_set struct policy_set *ignoring = set_of("Allow", no_templates);
		const struct question template = { .set = ignoring, .template = "spec.template" };
		auto_gate_result struct gate_result ignored;
		ask(&template, pod, &ignored);
		assert_true(ignored.allowed && !json_array_size(ignored.warnings));
	}
}

static void secrets_of_templates_have_their_place(void **state)
{
	auto_policy_set struct policy_set *set =
			set_of("Allow", "- {name: p, spec: {templates: Enforce, secrets: {plain: Deny}}}");
	auto_policy_set struct policy_set *ignoring =
			set_of("Allow", "- {name: p, spec: {templates: Ignore, secrets: {plain: Deny}}}");
	auto_json json_t *pod = yaml(PLAIN_POD);
	struct question question = { .set = set, .template = "spec.template" };
	auto_gate_result struct gate_result result, ignored;

	(void)state;
	ask(&question, pod, &result);
	assert_holds(buf_text(&result.message),
			"spec.template.spec.containers[0].envFrom[0]: ImagePolicy p: ");
	question.set = ignoring;
	ask(&question, pod, &ignored);
	assert_true(ignored.allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_reason_in_many_places_is_one_line),
		cmocka_unit_test(says_all_reasons_at_once),
		cmocka_unit_test(effects_soften_with_the_mode),
		cmocka_unit_test(the_worst_finding_decides_the_line),
		cmocka_unit_test(init_data_that_cannot_be_read_is_unknown),
		cmocka_unit_test(keeps_its_bounds_and_says_what_it_left_out),
		cmocka_unit_test(outside_texts_cannot_forge_lines),
		cmocka_unit_test(secrets_do_what_the_policy_says_beyond_advice),
		cmocka_unit_test(the_policys_keys_show_what_advice_cannot),
		cmocka_unit_test(secrets_of_templates_have_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
