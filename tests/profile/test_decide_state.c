/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/profile/scene.h"

#define TEAM(rest) \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, " rest "}}"

static enum pod_state state_of(const struct catalog *catalog, const json_t *pod,
		const unsigned char *fingerprint, const char **name, struct buf *why)
{
	const struct profile *profile = NULL;
	struct pod_view view = view_of(pod);

	buf_reset(why);
	enum pod_state now = decide_state(catalog, &view, fingerprint, &profile, why);
	*name = profile ? profile->name : "";
	return now;
}

static void knows_all_states(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("initData: {logLevel: info}"));
	auto_catalog struct catalog *newer = catalog_of(NULL, TEAM("initData: {logLevel: warn}"));
	auto_catalog struct catalog *broken = catalog_of(NULL, TEAM("mode: x"));
	auto_catalog struct catalog *none = catalog_of(NULL, NULL);
	auto_catalog struct catalog *allow = catalog_of("{unmatched: Allow}", NULL);
	auto_json json_t *bare = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_json json_t *plain = yaml("{metadata: {name: p}, spec: {runtimeClassName: plain}}");
	auto_json json_t *gated = yaml(
			"{spec: {runtimeClassName: snp, schedulingGates: [{name: cocoon.dev/init-data}]}}");
	auto_json json_t *done = injected(catalog, bare);
	const struct {
		const struct catalog *catalog;
		const json_t *pod;
		enum pod_state state;
		const char *profile, *why;
	} cases[] = {
		{ catalog, plain, POD_PLAIN, "", NULL },
		{ catalog, done, POD_INJECTED, "team", NULL },
		{ catalog, gated, POD_GATED, "team", NULL },
		{ none, gated, POD_GATED, "", NULL },
		{ catalog, bare, POD_UNPROTECTED, "team", "is missing: the pod was not injected" },
		{ newer, done, POD_DRIFTED, "team", "holds other init-data" },
		{ broken, done, POD_DRIFTED, "team", "the profile is not ready" },
		{ none, done, POD_DRIFTED, "", "no ConfidentialProfile matches" },
		{ none, bare, POD_UNPROTECTED, "", "no ConfidentialProfile matches" },
		{ allow, bare, POD_UNPROTECTED, "", "no ConfidentialProfile matches" },
	};
	auto_buf struct buf why = BUF_MAX(4096);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name = NULL;
		assert_int_equal(state_of(cases[i].catalog, cases[i].pod, NULL, &name, &why), cases[i].state);
		assert_string_equal(name, cases[i].profile);
		if (cases[i].why)
			assert_holds(buf_text(&why), cases[i].why);
		else
			assert_int_equal(why.len, 0);
	}
}

static void judges_by_fingerprint_where_the_annotation_was_not_kept(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("initData: {logLevel: info}"));
	auto_catalog struct catalog *newer = catalog_of(NULL, TEAM("initData: {logLevel: warn}"));
	const struct profile *profile = catalog_profile(catalog, 0);
	auto_json json_t *bare = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_json json_t *done = injected(catalog, bare);
	auto_buf struct buf why = BUF_MAX(4096);
	const char *name;

	(void)state;
	json_object_del((json_t *)(uintptr_t)json_at(done, "metadata", "annotations", NULL),
			INITDATA_ANNOTATION);
	assert_int_equal(state_of(catalog, done, profile->fingerprint, &name, &why), POD_INJECTED);
	assert_int_equal(state_of(newer, done, profile->fingerprint, &name, &why), POD_DRIFTED);
	assert_holds(buf_text(&why), "init-data is not that of profile 'team'");
	assert_int_equal(state_of(catalog, done, NULL, &name, &why), POD_UNPROTECTED);
}

static void a_pod_is_not_unprotected_where_no_init_data_is_due(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("kernelParams: [a=1]"));
	auto_json json_t *bare = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_json json_t *done = injected(catalog, bare);
	auto_buf struct buf why = BUF_MAX(4096);
	const char *name;

	(void)state;
	assert_int_equal(state_of(catalog, done, NULL, &name, &why), POD_INJECTED);
	assert_int_equal(state_of(catalog, bare, NULL, &name, &why), POD_DRIFTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_all_states),
		cmocka_unit_test(judges_by_fingerprint_where_the_annotation_was_not_kept),
		cmocka_unit_test(a_pod_is_not_unprotected_where_no_init_data_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
