/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "tests/sealed-secrets/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void check(const char *spec, const char *wanted)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;
	auto_buf struct buf text = BUF_MAX(4096), out = BUF_MAX(4096);
	struct err err = ERR_NONE;

	buf_printf(&text, "{kind: Pod, metadata: {name: p, namespace: shop}, spec: {%s}}", spec);
	if (manifest_read(buf_span(&text), &manifest, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	assert_int_equal(manifest.count, 1);
	uses_of(&manifest.places[0], told_use, &out);
	assert_string_equal(buf_text(&out), wanted);
}

static void finds_each_way_to_use_a_secret(void **state)
{
	(void)state;
	check("", "");
	check("containers: [{env: [{name: A, value: x}, {name: B, valueFrom: {secretKeyRef: {name: s, key: "
	      "k}}}]}]",
			"  containers[0].env[1]: shop/s k\n");
	check("containers: [{}, {envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}}]}]",
			"  containers[1].envFrom[1]: shop/s *\n");
	check("containers: [{envFrom: [{secretRef: {name: c}}]}], initContainers: [{envFrom: [{secretRef: "
	      "{name: i}}]}],"
	      " ephemeralContainers: [{envFrom: [{secretRef: {name: e}}]}]",
			"  initContainers[0].envFrom[0]: shop/i *\n"
			"  containers[0].envFrom[0]: shop/c *\n"
			"  ephemeralContainers[0].envFrom[0]: shop/e *\n");
	check("volumes: [{emptyDir: {}}, {secret: {secretName: s}}]", "  volumes[1].secret: shop/s *\n");
	check("volumes: [{secret: {secretName: s, items: []}}]", "  volumes[0].secret: shop/s *\n");
	check("volumes: [{secret: {secretName: s, items: [{key: a, path: x}, {key: b, path: z}]}}]",
			"  volumes[0].secret: shop/s a\n  volumes[0].secret: shop/s b\n");
	check("volumes: [{projected: {sources: [{configMap: {name: c}}, {secret: {name: s}}, {secret: {name: "
	      "t, "
	      "items: [{key: a, path: x}]}}]}}]",
			"  volumes[0].projected.sources[1]: shop/s *\n"
			"  volumes[0].projected.sources[2]: shop/t a\n");
	check("imagePullSecrets: [{name: s}, {name: t}]",
			"  imagePullSecrets[0]: shop/s * pull\n  imagePullSecrets[1]: shop/t * pull\n");
}

static void passes_over_what_has_the_wrong_type(void **state)
{
	(void)state;
	check("containers: {env: []}, volumes: 1, imagePullSecrets: x", "");
	check("containers: [1, x, [], null], volumes: [1, x, [], null], imagePullSecrets: [1, x, [], null]",
			"");
	check("containers: [{env: {a: b}, envFrom: 1}, {env: [1, null, {valueFrom: x}], envFrom: [1, "
	      "{secretRef: 1}]}]",
			"");
	check("containers: [{env: [{valueFrom: {secretKeyRef: {name: 1, key: k}}}]}]", "");
	check("containers: [{env: [{valueFrom: {secretKeyRef: {key: k}}}]}]", "");
	check("volumes: [{secret: {secretName: 1}}, {secret: []}, {projected: []}, {projected: {sources: {a: "
	      "b}}}]",
			"");
	/* an item without a key is looked at as if it were all of them */
	check("volumes: [{secret: {secretName: s, items: [{key: 1}, 2]}}]",
			"  volumes[0].secret: shop/s *\n  volumes[0].secret: shop/s *\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_way_to_use_a_secret),
		cmocka_unit_test(passes_over_what_has_the_wrong_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
