/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "tests/sealed-secrets/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static const char *told(const char *text, struct buf *out)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;
	struct err err = ERR_NONE;

	buf_reset(out);
	if (manifest_read(span_of(text), &manifest, &err) < 0 ||
			manifests_objects(&manifest, told_object, out, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	for (size_t i = 0; i < manifest.count; i++)
		assert_int_equal(manifests_env(&manifest.places[i], told_entry, out, &err), 0);
	return buf_text(out);
}

static void finds_the_texts_that_may_be_sealed(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "" },
		{ "---\n---\n", "" },
		{ "just: a map\n", "" },
		{ "[1, 2]\n", "" },
		{ "kind: Secret\n", "0.0 Secret /\n" },
		{ "{kind: Secret, metadata: {name: s, namespace: shop}, data: {a: c2VhbGVkLng=}, "
		  "stringData: {b: sealed.y}}",
				"0.0 Secret shop/s\n  data.a=sealed.x\n  stringData.b=sealed.y\n" },
		{ "{kind: ConfigMap, metadata: {name: c}, data: {a: x}, binaryData: {b: eA==}}",
				"0.0 ConfigMap /c\n  data.a=x\n  binaryData.b=x\n" },
		{ "{kind: ConfigMap, stringData: {a: x}}", "0.0 ConfigMap /\n" },
		{ "{kind: Other, data: {a: x}}", "0.0 Other /\n" },
		{ "{kind: A}\n---\n{kind: B}\n", "0.0 A /\n1.0 B /\n" },
		{ "{kind: List, items: [{kind: A}, {kind: Secret, data: {a: eA==}}]}",
				"0.0 A /\n0.1 Secret /\n  data.a=x\n" },
		{ "{kind: SecretList, items: [{data: {a: eA==}}]}", "0.0 Secret /\n  data.a=x\n" },
		{ "{kind: ConfigMapList, items: [{data: {a: x}}]}", "0.0 ConfigMap /\n  data.a=x\n" },
		{ "{kind: SecretsList, items: [{data: {a: eA==}}]}", "0.0  /\n" },
		{ "{kind: List, items: {a: b}}", "0.0 List /\n" },
		{ "{kind: List, items: [null, 1, x, []]}", "0.0  /\n0.1  /\n0.2  /\n0.3  /\n" },
		{ "{kind: 1, metadata: [x]}", "" },
		{ "{kind: Secret, metadata: {name: 1, namespace: []}}", "0.0 Secret /\n" },
	};
	auto_buf struct buf out = BUF_MAX(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(told(cases[i].text, &out), cases[i].wanted);
}

static void base64_is_read_as_kubernetes_reads_it(void **state)
{
	static const struct {
		const char *value, *wanted;
	} cases[] = {
		{ "\"\"", "  data.a=\n" },
		{ "eA==", "  data.a=x\n" },
		{ "\"eA==\\n\"", "  data.a=x\n" },
		{ "\"eH\\r\\nh4\\n\"", "  data.a=xxx\n" },
		{ "\" eA==\"", "  data.a !\n" },
		{ "\"eA ==\"", "  data.a !\n" },
		{ "eA=", "  data.a !\n" },
		{ "eB==", "  data.a !\n" },
		{ "_-A=", "  data.a !\n" },
		{ "sealed.x", "  data.a !\n" },
		{ "1", "" },
		{ "null", "" },
		{ "[eA==]", "" },
		{ "{a: eA==}", "" },
	};
	auto_buf struct buf out = BUF_MAX(4096), text = BUF_MAX(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&text);
		buf_printf(&text, "{kind: Secret, data: {a: %s}}", cases[i].value);
		const char *got = told(buf_text(&text), &out) + strlen("0.0 Secret /\n");
		assert_string_equal(got, cases[i].wanted);
	}
}

static void finds_the_values_in_environments(void **state)
{
	static const char text[] =
			"{kind: Pod, metadata: {name: p}, spec: {containers: [{env: [{name: A, value: x}, "
			"{name: B}, "
			"{name: C, value: 1}, 2]}, 3], initContainers: [{env: [{value: w}]}], "
			"ephemeralContainers: [{env: {value: z}}, {env: [{name: D, value: ''}]}]}}";
	auto_buf struct buf out = BUF_MAX(4096);

	(void)state;
	assert_string_equal(told(text, &out),
			"0.0 Pod /p\n"
			"  initContainers[0].env[0].value=w\n"
			"  containers[0].env[0].value=x\n"
			"  ephemeralContainers[1].env[0].value=\n");
}

static int refuse(void *ctx, const struct candidate *candidate, struct err *err)
{
	(void)candidate;
	++*(size_t *)ctx;
	return err_set(err, ERR_DENIED, "enough");
}

static int refuse_object(void *ctx, const struct object *object, struct err *err)
{
	return manifests_entries(object, refuse, ctx, err);
}

static void a_callback_that_fails_ends_the_walk(void **state)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;
	struct err err = ERR_NONE;
	size_t count = 0;

	(void)state;
	assert_int_equal(manifest_read(SPAN_LIT("{kind: List, items: [{kind: Secret, data: {a: '', b: ''}, "
						"stringData: {c: ''}}, {kind: ConfigMap, data: {d: ''}}]}"),
					 &manifest, &err),
			0);
	assert_int_equal(manifests_objects(&manifest, refuse_object, &count, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_texts_that_may_be_sealed),
		cmocka_unit_test(base64_is_read_as_kubernetes_reads_it),
		cmocka_unit_test(finds_the_values_in_environments),
		cmocka_unit_test(a_callback_that_fails_ends_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
