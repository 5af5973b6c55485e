/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/profile/scene.h"

#define DOC "version = '0.1.0'\nalgorithm = 'sha384'\n[data]\n'aa.toml' = ''\n"

static struct catalog *author(const char *rest)
{
	auto_free char *profiles =
			xasprintf("- {metadata: {name: team}, spec: {runtimeClasses: ['*'], "
				  "namespaceSelector: {}, mode: Warn, initData: {source: Author%s}}}",
					rest);

	return catalog_of(NULL, profiles);
}

static json_t *bringing(const char *value)
{
	return yamlf("{metadata: {name: p, annotations: {" INITDATA_ANNOTATION
		     ": '%s'}}, spec: {runtimeClassName: snp}}",
			value);
}

static void a_pods_own_document_passes_and_its_digest_is_noted(void **state)
{
	auto_catalog struct catalog *catalog = author("");
	auto_free char *value = packed(DOC);
	auto_json json_t *pod = bringing(value);
	auto_json json_t *after = injected(catalog, pod);
	auto_decision struct decision d;
	char hex[DIGEST_HEX_MAX], want[DIGEST_HEX_MAX + 16];

	(void)state;
	digest_hex(DIGEST_SHA384, span_of(DOC), hex);
	snprintf(want, sizeof(want), "sha384:%s", hex);
	assert_string_equal(annotation_of(after, PROFILE_DIGEST_ANNOTATION), want);
	assert_string_equal(annotation_of(after, INITDATA_ANNOTATION), value);
	assert_string_equal(creation(catalog, after, &d), "");
}

static void only_allowed_digests_pass_where_some_are_given(void **state)
{
	auto_free char *value = packed(DOC), *other = packed(DOC "# x\n");
	char hex[DIGEST_HEX_MAX];

	(void)state;
	digest_hex(DIGEST_SHA384, span_of(DOC), hex);
	auto_free char *rest = xasprintf(", allowedDigests: ['%s']", hex);
	auto_catalog struct catalog *catalog = author(rest);
	auto_catalog struct catalog *none = author(", allowedDigests: []");
	auto_json json_t *pod = bringing(value), *bad = bringing(other);
	auto_decision struct decision d1, d2, d3;
	auto_json json_t *after = injected(catalog, pod);
	assert_string_equal(creation(catalog, after, &d1), "");
	auto_json json_t *refused = injected(catalog, bad);
	assert_holds(creation(catalog, refused, &d2),
			"is not among spec.initData.allowedDigests of profile 'team'");
	assert_holds(creation(none, after, &d3), "is not among");
}

static void malformed_documents_are_refused_in_every_mode(void **state)
{
	auto_catalog struct catalog *catalog = author("");
	auto_free char *good = packed(DOC);
	auto_free char *md5 = packed("version = '0.1.0'\nalgorithm = 'md5'\n[data]\nx = 'y'\n");
	auto_free char *version = packed("version = '0.2.0'\nalgorithm = 'sha256'\n[data]\nx = 'y'\n");
	auto_free char *number = packed("version = '0.1.0'\nalgorithm = 'sha256'\n[data]\nx = 7\n");
	auto_free char *text = packed("no toml");
	auto_free char *line_end = xasprintf("%s\\n", good);
	const char *const cases[] = { "", "x", "bm90IGd6aXA=", md5, version, number, text };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *pod = bringing(cases[i]);
		auto_json json_t *after = injected(catalog, pod);
		auto_decision struct decision d;
		assert_null(annotation_of(after, PROFILE_DIGEST_ANNOTATION));
		assert_holds(creation(catalog, after, &d), "annotation '" INITDATA_ANNOTATION "': ");
	}
	/* a line end behind the text kills a runtime's shim */
	auto_json json_t *pod = yamlf("{metadata: {annotations: {" INITDATA_ANNOTATION
				      ": \"%s\"}}, spec: {runtimeClassName: snp}}",
			line_end);
	auto_decision struct decision d;
	assert_holds(creation(catalog, pod, &d), "annotation '" INITDATA_ANNOTATION "': ");
	/* cut anywhere */
	for (size_t len = 0; len < strlen(good); len++) {
		auto_free char *cut = xmemdup0(good, len);
		auto_json json_t *part = bringing(cut);
		auto_decision struct decision refused;
		assert_holds(creation(catalog, part, &refused), INITDATA_ANNOTATION);
	}
}

static void a_missing_document_and_a_wrong_claim_are_refused(void **state)
{
	auto_catalog struct catalog *catalog = author("");
	auto_free char *value = packed(DOC);
	auto_json json_t *none = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_json json_t *liar = bringing(value);
	auto_decision struct decision d1, d2;

	(void)state;
	assert_holds(creation(catalog, none, &d1), "source: Author, so the pod brings its own");
	json_object_set_new((json_t *)(uintptr_t)json_at(liar, "metadata", "annotations", NULL),
			PROFILE_DIGEST_ANNOTATION, json_string("sha384:00"));
	auto_json json_t *after = injected(catalog, liar);
	assert_holds(creation(catalog, after, &d2), "says sha384:00, the init-data has sha384:");
}

static void the_class_must_take_it(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of("{classes: [{handlers: [mine]}]}",
			"- {metadata: {name: team}, spec: {runtimeClasses: [mine], namespaceSelector: {},"
			" initData: {source: Author}}}");
	auto_free char *value = packed(DOC);
	auto_json json_t *pod = bringing(value);
	auto_decision struct decision d;

	(void)state;
	json_object_set_new(json_object_get(pod, "spec"), "runtimeClassName", json_string("mine"));
	auto_json json_t *after = injected(catalog, pod);
	assert_holds(creation(catalog, after, &d), "spec.initData: runtime class handler 'mine'");
}

static enum pod_state state_of(
		const struct catalog *catalog, const json_t *pod, const char *toml, struct buf *why)
{
	const struct profile *profile = NULL;
	unsigned char digest[DIGEST_MAX];
	struct pod_view view = view_of(pod);

	digest_bytes(DIGEST_SHA256, span_of(toml), digest);
	buf_reset(why);
	return decide_state(catalog, &view, digest, &profile, why);
}

static void the_state_is_judged_by_fingerprint_and_noted_digest(void **state)
{
	char hex[DIGEST_HEX_MAX], sha256[DIGEST_HEX_MAX];
	auto_buf struct buf why = BUF_MAX(4096);

	(void)state;
	digest_hex(DIGEST_SHA384, span_of(DOC), hex);
	digest_hex(DIGEST_SHA256, span_of(DOC), sha256);
	auto_free char *rest = xasprintf(", allowedDigests: ['%s', '%s']", hex, sha256);
	auto_catalog struct catalog *catalog = author(rest);
	static const char form[] =
			"{metadata: {annotations: {cocoon.dev/profile: team, " RUNTIME_HANDLER_ANNOTATION
			": kata-qemu-snp%s%s}}, spec: {runtimeClassName: snp}}";
	auto_json json_t *noted = yamlf(form, ", cocoon.dev/digest: sha384:", hex);
	auto_json json_t *silent = yamlf(form, "", "");
	auto_json json_t *wrong = yamlf(form, ", cocoon.dev/digest: sha256:", hex);
	assert_int_equal(state_of(catalog, noted, DOC, &why), POD_INJECTED);
	assert_int_equal(state_of(catalog, silent, DOC, &why), POD_INJECTED);
	assert_int_equal(state_of(catalog, silent, DOC "#", &why), POD_DRIFTED);
	assert_holds(buf_text(&why), "is not among");
	assert_int_equal(state_of(catalog, wrong, DOC, &why), POD_DRIFTED);
	assert_holds(buf_text(&why), "the init-data has sha256:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pods_own_document_passes_and_its_digest_is_noted),
		cmocka_unit_test(only_allowed_digests_pass_where_some_are_given),
		cmocka_unit_test(malformed_documents_are_refused_in_every_mode),
		cmocka_unit_test(a_missing_document_and_a_wrong_claim_are_refused),
		cmocka_unit_test(the_class_must_take_it),
		cmocka_unit_test(the_state_is_judged_by_fingerprint_and_noted_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
