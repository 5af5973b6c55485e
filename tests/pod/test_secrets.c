/* SPDX-License-Identifier: Apache-2.0 */
/* Each place where a pod can have a secret, each way in which a sealed one is no good, and what is none. */
#include "pod/secrets.h"

#include "tests/pod/sealed_scene.h"

static const struct sealed_key good_key[] = { { SEALED_KID, { SEALED_JWK, sizeof(SEALED_JWK) - 1 } } };
static const struct sealed_key other_key[] = { { SEALED_KID, { OTHER_JWK, sizeof(OTHER_JWK) - 1 } } };
static const struct sealed_key another_kid[] = { { "kbs:///a/b/c", { SEALED_JWK, sizeof(SEALED_JWK) - 1 } } };

/* "error|plain|warning path: text", a line each */
static char *found(const char *text, const char *path, const struct sealed_key *keys, size_t count)
{
	auto_json json_t *pod = yaml(text);
	struct pod_view view = view_of(pod);
	auto_secret_findings struct secret_findings findings = { .count = 0 };
	struct buf all = BUF_MAX(1 << 20);

	pod_secrets_find(&view, path, keys, count, &findings);
	for (size_t i = 0; i < findings.count; i++)
		buf_printf(&all, "%s %s: %s\n",
				findings.items[i].kind == SECRET_PLAIN    ? "plain"
						: findings.items[i].error ? "error"
									  : "warning",
				findings.items[i].path, findings.items[i].text);
	return buf_take(&all);
}

static size_t lines_in(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void finds_plain_secrets_in_every_place(void **state)
{
	static const struct {
		const char *spec, *start;
	} cases[] = {
		{ "{containers: [{env: [{name: A}, {valueFrom: {secretKeyRef: {name: db, key: k}}}]}]}",
				"plain spec.containers[0].env[1].valueFrom: Secret 'db' " },
		{ "{initContainers: [{env: [{valueFrom: {secretKeyRef: {name: db}}}]}]}",
				"plain spec.initContainers[0].env[0].valueFrom: Secret 'db' " },
		{ "{ephemeralContainers: [{}, {env: [{valueFrom: {secretKeyRef: {name: db}}}]}]}",
				"plain spec.ephemeralContainers[1].env[0].valueFrom: Secret 'db' " },
		{ "{containers: [{envFrom: [{configMapRef: {name: m}}, {secretRef: {name: all}}]}]}",
				"plain spec.containers[0].envFrom[1]: Secret 'all' " },
		{ "{volumes: [{name: v, secret: {secretName: s}}]}",
				"plain spec.volumes[0].secret: Secret 's' " },
		{ "{volumes: [{projected: {sources: [{configMap: {name: m}}, {secret: {name: p}}]}}]}",
				"plain spec.volumes[0].projected.sources[1]: Secret 'p' " },
		{ "{volumes: [{csi: {driver: d, nodePublishSecretRef: {name: c}}}]}",
				"plain spec.volumes[0].csi: Secret 'c' " },
		{ "{volumes: [{flexVolume: {driver: d, secretRef: {name: f}}}]}",
				"plain spec.volumes[0].flexVolume: Secret 'f' " },
		{ "{volumes: [{}, {rbd: {secretRef: {name: r}}}]}",
				"plain spec.volumes[1].rbd: Secret 'r' " },
		{ "{volumes: [{azureFile: {secretName: z, shareName: files}}]}",
				"plain spec.volumes[0].azureFile: Secret 'z' " },
		{ "{imagePullSecrets: [{name: regcred}]}",
				"plain spec.imagePullSecrets[0]: Secret 'regcred' " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("{spec: %s}", cases[i].spec);
		auto_free char *said = found(text, "", NULL, 0);
		assert_int_equal(strncmp(said, cases[i].start, strlen(cases[i].start)), 0);
		assert_int_equal(lines_in(said), 1);
		assert_holds(said, "can be read by the host");
		/* the same, in a template */
		auto_free char *below = found(text, "spec.template", NULL, 0);
		assert_int_equal(strncmp(below, "plain spec.template.spec.", 25), 0);
	}
}

static void finds_sealed_texts_in_every_place(void **state)
{
	static const struct {
		const char *pod, *start;
	} cases[] = {
		{ "{spec: {containers: [{env: [{name: A, value: sealed.a.b}]}]}}",
				"error spec.containers[0].env[0].value: " },
		{ "{spec: {initContainers: [{}, {env: [{name: A, value: sealed.a.b}]}]}}",
				"error spec.initContainers[1].env[0].value: " },
		{ "{spec: {ephemeralContainers: [{env: [{}, {value: sealed.a.b}]}]}}",
				"error spec.ephemeralContainers[0].env[1].value: " },
		{ "{metadata: {annotations: {note: sealed.a.b}}}", "error metadata.annotations[note]: " },
		{ "{spec: {volumes: [{csi: {volumeAttributes: {a: x, k: sealed.a.b}}}]}}",
				"error spec.volumes[0].csi.volumeAttributes[k]: " },
		{ "{spec: {volumes: [{flexVolume: {options: {k: sealed.a.b}}}]}}",
				"error spec.volumes[0].flexVolume.options[k]: " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *said = found(cases[i].pod, "", NULL, 0);
		assert_int_equal(strncmp(said, cases[i].start, strlen(cases[i].start)), 0);
		assert_int_equal(lines_in(said), 1);
		assert_holds(said, "2 parts with dots");
		assert_holds(said, "passes the text on as it is");
	}
}

static void check(const char *sealed, const struct sealed_key *keys, size_t count, const char *wanted)
{
	auto_free char *pod = xasprintf("{spec: {containers: [{env: [{name: A, value: '%s'}]}]}}", sealed);
	auto_free char *said = found(pod, "", keys, count);

	if (!wanted)
		assert_string_equal(said, "");
	else
		assert_holds(said, wanted);
}

static void knows_good_sealed_texts_from_bad_ones(void **state)
{
	auto_free char *good = sealed_text(SEALED_HEADER, SEALED_PAYLOAD);
	auto_free char *wrong_alg =
			sealed_text("{\"alg\":\"ES384\",\"kid\":\"" SEALED_KID "\"}", SEALED_PAYLOAD);
	auto_free char *no_kid = sealed_text("{\"alg\":\"ES256\"}", SEALED_PAYLOAD);
	auto_free char *bad_kid = sealed_text("{\"alg\":\"ES256\",\"kid\":\"mine\"}", SEALED_PAYLOAD);
	auto_free char *no_path = sealed_text(SEALED_HEADER,
			"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///"
			"db\",\"provider\":\"kbs\","
			"\"provider_settings\":{},\"annotations\":{}}");

	(void)state;
	check(good, NULL, 0, NULL);
	check(good, good_key, 1, NULL);
	check(good, another_kid, 1, "warning spec.containers[0].env[0].value: ");
	check(good, another_kid, 1, "none of the keys that are known");
	check(good, other_key, 1, "error spec.containers[0].env[0].value: ");
	check(wrong_alg, NULL, 0, "alg is ES384; guests verify ES256 alone");
	check(no_kid, NULL, 0, "has no kid");
	check(bad_kid, NULL, 0, "cannot fetch the key of kid 'mine'");
	check(no_path, NULL, 0, "cannot fetch the resource 'kbs:///db'");
	/* the placeholder of an older tool, with and without a payload */
	check("sealed.fakejwsheader.e30.fakesignature", NULL, 0, "without a signature, which guests refuse");
	/* cut off, and lengthened */
	for (size_t len = strlen("sealed."); len < strlen(good); len += 7) {
		auto_free char *cut = xmemdup0(good, len);
		check(cut, good_key, 1, "error ");
	}
	auto_free char *longer = xasprintf("%s.e30", good);
	check(longer, good_key, 1, "4 parts");
	auto_free char *padded = xasprintf("%s=", good);
	check(padded, good_key, 1, "ends in '='");
}

static void leaves_alone_what_is_no_secret(void **state)
{
	static const char *const cases[] = {
		"{}",
		"{spec: {}}",
		"{spec: {containers: [{env: [{name: A, value: x}, {name: B, value: ''}]}]}}",
		"{spec: {containers: [{env: [{name: C, value: sealed}]}]}}",
		"{spec: {containers: [{env: [{name: D, value: 'not sealed.a.b'}]}]}}",
		"{spec: {containers: [{env: [{valueFrom: {configMapKeyRef: {name: m}}}]}]}}",
		"{spec: {containers: [{env: [{valueFrom: {fieldRef: {fieldPath: x}}}]}]}}",
		"{spec: {containers: [{envFrom: [{configMapRef: {name: m}}]}]}}",
		"{spec: {volumes: [{emptyDir: {}}, {configMap: {name: m}}, {csi: {driver: d}}]}}",
		"{spec: {volumes: [{projected: {sources: [{serviceAccountToken: {path: t}}]}}]}}",
		"{spec: {volumes: [{secret: {secretName: ''}}]}}",
		"{metadata: {annotations: {a: sealedX, b: '{\"sealed.\": 1}'}}}",
		"{spec: {imagePullSecrets: [{}, {name: ''}]}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *said = found(cases[i], "", good_key, 1);
		assert_string_equal(said, "");
	}
}

static void does_not_stumble_over_wrong_types(void **state)
{
	static const char *const cases[] = {
		"{spec: {containers: x, initContainers: {a: b}, volumes: 7, imagePullSecrets: {name: x}}}",
		"{spec: {containers: [null, 7, [], x, {env: 7, envFrom: x}, {env: [null, 7, {value: 7}, "
		"{value: "
		"[]}, {valueFrom: x}, {valueFrom: {secretKeyRef: x}}, {valueFrom: {secretKeyRef: {name: "
		"7}}}], "
		"envFrom: [null, {secretRef: x}]}]}}",
		"{spec: {volumes: [null, 7, x, {secret: x, projected: {sources: x}, csi: [], flexVolume: "
		"{options: "
		"x}}, {projected: {sources: [null, {secret: 7}]}, csi: {volumeAttributes: {a: 7, b: "
		"null}}}]}}",
		"{spec: {imagePullSecrets: [null, x, {name: 7}]}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *said = found(cases[i], "", good_key, 1);
		assert_string_equal(said, "");
	}
}

static void keeps_its_bounds_and_cannot_be_made_to_forge_lines(void **state)
{
	struct buf text = BUF_MAX(1 << 20);

	(void)state;
	buf_puts(&text, "{metadata: {annotations: {\"a\\nb\": sealed.x}}, spec: {containers: [");
	for (int i = 0; i < 200; i++)
		buf_puts(&text,
				"{env: [{valueFrom: {secretKeyRef: {name: \"evil\\nspec: all is "
				"well\"}}}]},");
	buf_puts(&text, "]}}");
	auto_free char *said = found(buf_text(&text), "", NULL, 0);
	assert_int_equal(lines_in(said), SECRETS_FINDINGS_MAX);
	assert_null(strstr(said, "\nspec"));
	buf_clear(&text);
	auto_free char *other = found("{metadata: {annotations: {\"a\\nb\": sealed.x}}}", "", NULL, 0);
	assert_int_equal(lines_in(other), 1);
	/* longer than guests take */
	struct buf big = BUF_MAX(1 << 20);
	buf_puts(&big, "{metadata: {annotations: {a: sealed.");
	for (size_t i = 0; i < JWS_MAX; i++)
		buf_putc(&big, 'x');
	buf_puts(&big, "}}}");
	auto_free char *large = found(buf_text(&big), "", NULL, 0);
	assert_holds(large, "guests take");
	buf_clear(&big);
}

/* A policy may deny the one and let the other pass. */
static void no_kind_pushes_out_the_other(void **state)
{
	struct buf sealed = BUF_MAX(1 << 20), plain = BUF_MAX(1 << 20);

	(void)state;
	buf_puts(&sealed, "{spec: {containers: [{env: [");
	buf_puts(&plain, "{metadata: {annotations: {a: sealed.x}}, spec: {containers: [{env: [");
	for (int i = 0; i < SECRETS_FINDINGS_MAX + 10; i++) {
		buf_puts(&sealed, "{value: sealed.x}, ");
		buf_puts(&plain, "{valueFrom: {secretKeyRef: {name: s}}}, ");
	}
	buf_puts(&sealed, "{valueFrom: {secretKeyRef: {name: db}}}]}]}}");
	buf_puts(&plain, "]}]}}");
	auto_free char *one = found(buf_text(&sealed), "", NULL, 0);
	assert_int_equal(lines_in(one), SECRETS_FINDINGS_MAX);
	assert_holds(one, "Secret 'db'");
	auto_free char *other = found(buf_text(&plain), "", NULL, 0);
	assert_int_equal(lines_in(other), SECRETS_FINDINGS_MAX);
	assert_holds(other, "error metadata.annotations[a]: the sealed secret is no good");
	buf_clear(&sealed);
	buf_clear(&plain);
}

static void there_is_an_end_to_checking_sealed_texts(void **state)
{
	auto_free char *good = sealed_text(SEALED_HEADER, SEALED_PAYLOAD);
	struct buf text = BUF_MAX(4 << 20);

	(void)state;
	buf_puts(&text, "{spec: {containers: [{env: [");
	for (int i = 0; i < SECRETS_SEALED_MAX; i++)
		buf_printf(&text, "{value: '%s'}, ", good);
	size_t len = text.len;
	buf_puts(&text, "]}]}}");
	auto_free char *enough = found(buf_text(&text), "", NULL, 0);
	assert_string_equal(enough, "");
	text.len = len;
	buf_puts(&text, "{value: sealed.x}, {value: sealed.x}]}]}}");
	auto_free char *said = found(buf_text(&text), "", NULL, 0);
	assert_int_equal(lines_in(said), 1);
	assert_holds(said, "error spec.containers[0].env[512].value: more than 512 sealed secrets");
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_plain_secrets_in_every_place),
		cmocka_unit_test(finds_sealed_texts_in_every_place),
		cmocka_unit_test(knows_good_sealed_texts_from_bad_ones),
		cmocka_unit_test(leaves_alone_what_is_no_secret),
		cmocka_unit_test(does_not_stumble_over_wrong_types),
		cmocka_unit_test(keeps_its_bounds_and_cannot_be_made_to_forge_lines),
		cmocka_unit_test(no_kind_pushes_out_the_other),
		cmocka_unit_test(there_is_an_end_to_checking_sealed_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
