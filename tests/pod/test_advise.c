/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/advise.h"

#include "tests/pod/sealed_scene.h"

static char *advice(const char *path, const char *text)
{
	auto_json json_t *pod = yaml(text);
	auto_json json_t *warnings = json_array();
	struct pod_view view;
	struct err err = ERR_NONE;

	if (pod_view_read(pod, "shop", &view, &err) < 0)
		fail_msg("%s", err.text);
	pod_advise(&view, path, warnings);
	return lines_of(warnings);
}

#define DIGEST "'r/i@sha256:aa'"

static void says_what_undoes_the_protection(void **state)
{
	static const struct {
		const char *spec; /* below {spec: …} */
		const char *where, *what;
	} cases[] = {
		{ "{containers: [{image: " DIGEST
		  ", env: [{name: A}, {valueFrom: {secretKeyRef: {name: db, key: k}}}]}]}",
				"spec.containers[0].env[1].valueFrom: ",
				"Secret 'db' can be read by the host" },
		{ "{containers: [{env: [{name: A, value: sealed.a.b}]}]}",
				"spec.containers[0].env[0].value: ", "2 parts with dots between them" },
		{ "{containers: [{}, {envFrom: [{secretRef: {name: all}}]}]}",
				"spec.containers[1].envFrom[0]: ", "Secret 'all'" },
		{ "{containers: [{imagePullPolicy: IfNotPresent}]}",
				"spec.containers[0].imagePullPolicy: ", "use Always" },
		{ "{containers: [{imagePullPolicy: Never}]}",
				"spec.containers[0].imagePullPolicy: ", "Never" },
		{ "{containers: [{image: 'nginx:1'}]}",
				"spec.containers[0].image: ", "'nginx:1' has no digest" },
		{ "{volumes: [{name: v, secret: {secretName: s}}]}",
				"spec.volumes[0].secret: ", "Secret 's'" },
		{ "{imagePullSecrets: [{name: regcred}]}", "spec.imagePullSecrets[0]: ", "its key broker" },
		{ "{volumes: [{}, {name: v, hostPath: {path: /x}}]}", "spec.volumes[1] 'v': ", "hostPath" },
		{ "{volumes: [{persistentVolumeClaim: {claimName: c}}]}",
				"spec.volumes[0] '?': ", "encrypt what is kept there" },
		{ "{volumes: [{name: v, projected: {sources: [{configMap: {name: m}}, {secret: {name: "
		  "p}}]}}]}",
				"spec.volumes[0].projected.sources[1]: ", "Secret 'p'" },
		{ "{hostNetwork: true}", "spec.hostNetwork: ", "its own kernel" },
		{ "{hostPID: true}", "spec.hostPID: ", "its own kernel" },
		{ "{hostIPC: true}", "spec.hostIPC: ", "its own kernel" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("{spec: %s}", cases[i].spec);
		auto_free char *said = advice("", text);
		assert_int_equal(strncmp(said, cases[i].where, strlen(cases[i].where)), 0);
		assert_holds(said, cases[i].what);
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
		/* the same, in a template */
		auto_free char *below = advice("spec.template", text);
		auto_free char *place = xasprintf("spec.template.%s", cases[i].where);
		assert_int_equal(strncmp(below, place, strlen(place)), 0);
	}
}

static void looks_into_all_lists_of_containers(void **state)
{
	auto_free char *said = advice("",
			"{spec: {initContainers: [{image: a}], containers: [{image: b}],"
			" ephemeralContainers: [{image: c}]}}");

	(void)state;
	assert_holds(said, "spec.initContainers[0].image: 'a'");
	assert_holds(said, "spec.containers[0].image: 'b'");
	assert_holds(said, "spec.ephemeralContainers[0].image: 'c'");
}

static void is_quiet_about_a_good_pod(void **state)
{
	static const char *const cases[] = {
		"{}",
		"{spec: {}}",
		"{spec: {containers: [{image: " DIGEST ", imagePullPolicy: Always, env: [{name: A, value: x},"
		" {name: C, valueFrom: {configMapKeyRef: {name: m}}}],"
		" envFrom: [{configMapRef: {name: m}}]}], hostNetwork: false, volumes: [{name: v, emptyDir: "
		"{}},"
		" {name: w, projected: {sources: [{configMap: {name: m}}]}}]}}",
		"{spec: {containers: [{image: 'r/i@sha512:aa'}]}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *said = advice("", cases[i]);
		assert_string_equal(said, "");
	}
}

/* All of them are the business of pod/secrets.h and sealed/lint.h. */
static void says_what_is_wrong_with_a_sealed_value(void **state)
{
	static const char *const bad[] = { "sealed.", "sealed...", "sealed.a.b", "sealed.a.b.", "sealed.a..c",
		"sealed.a.b.c.d", "sealed.a.b.c=", "sealed.a.b.c d", "sealed.a+.b.c" };
	auto_free char *good = sealed_text(SEALED_HEADER, SEALED_PAYLOAD);
	auto_free char *quiet = xasprintf("{spec: {containers: [{env: [{value: %s}]}]}}", good);
	auto_free char *nothing = advice("", quiet);

	(void)state;
	assert_string_equal(nothing, "");
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_free char *text =
				xasprintf("{spec: {containers: [{env: [{name: A, value: '%s'}]}]}}", bad[i]);
		auto_free char *said = advice("", text);
		assert_holds(said, "the sealed secret is no good");
	}
	auto_free char *fake = advice("",
			"{spec: {containers: [{env: [{value: sealed.fakejwsheader.e30.fakesignature}]}]}}");
	assert_holds(fake, "without a signature");
	auto_free char *other = advice("", "{spec: {containers: [{env: [{value: sealedX.a}]}]}}");
	assert_string_equal(other, "");
}

static void does_not_stumble_over_wrong_types(void **state)
{
	static const char *const cases[] = {
		"{spec: {containers: x, volumes: 7, initContainers: {a: b}, hostPID: 'true'}}",
		"{spec: {containers: [null, 7, [], x, {env: 7, envFrom: x, image: 7, imagePullPolicy: []}]}}",
		"{spec: {containers: [{env: [null, {value: 7}, {valueFrom: []}], envFrom: [{secretRef: "
		"x}]}]}}",
		"{spec: {volumes: [null, {name: 7, secret: [], projected: {sources: x}},"
		" {projected: {sources: [null, {secret: 7}]}}]}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *said = advice("", cases[i]);
		assert_string_equal(said, "");
	}
}

static void keeps_its_bounds(void **state)
{
	struct buf text = BUF_MAX(1 << 20);
	auto_json json_t *warnings = json_array();

	(void)state;
	/* names that are cut in the middle of a character, more findings than are told */
	buf_puts(&text, "{spec: {containers: [");
	for (int i = 0; i < 60; i++) {
		buf_puts(&text, "{imagePullPolicy: Never, image: 'x");
		for (int k = 0; k < 100; k++)
			buf_puts(&text, k < i ? "\xc3\xa4" : "\xe2\x82\xac");
		buf_puts(&text, "', env: [{valueFrom: {secretKeyRef: {name: '");
		for (int k = 0; k < 200; k++)
			buf_puts(&text, "\xf0\x9f\x94\x92");
		buf_puts(&text, "'}}}]},");
	}
	buf_puts(&text, "]}}");
	auto_json json_t *pod = yaml(buf_text(&text));
	struct pod_view view = view_of(pod);
	pod_advise(&view, "spec.jobTemplate.spec.template", warnings);
	assert_int_equal(json_array_size(warnings), ADVICE_MAX);
	for (size_t i = 0; i < ADVICE_MAX; i++) {
		const json_t *line = json_array_get(warnings, i);
		assert_true(json_string_length(line) < ADVICE_TEXT_MAX);
		assert_true(span_is_utf8(span_of(json_string_value(line))));
	}
	pod_advise(&view, "", warnings);
	assert_int_equal(json_array_size(warnings), ADVICE_MAX);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_undoes_the_protection),
		cmocka_unit_test(looks_into_all_lists_of_containers),
		cmocka_unit_test(is_quiet_about_a_good_pod),
		cmocka_unit_test(says_what_is_wrong_with_a_sealed_value),
		cmocka_unit_test(does_not_stumble_over_wrong_types),
		cmocka_unit_test(keeps_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
