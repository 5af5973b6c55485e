/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/profile/scene.h"

#include "pod/advise.h"

#define TEAM                                                                                         \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {matchLabels: " \
	"{tenant: a}}, "                                                                             \
	"mode: %s, initData: {logLevel: info}}}"

/* The warnings about a Deployment's template, one a line. */
static char *warnings(const struct catalog *catalog, const char *namespace, const char *template,
		enum outcome *outcome)
{
	auto_json json_t *workload =
			yamlf("{kind: Deployment, metadata: {name: web}, spec: {template: %s}}", template);
	struct pod_view view;
	const char *path = NULL;
	auto_decision struct decision d;
	size_t i;
	json_t *line;

	assert_int_equal(pod_view_template(workload, namespace, &view, &path, NULL), 0);
	decision_init(&d);
	decide_template(catalog, workload, &view, path, &d);
	assert_true(d.allowed);
	assert_null(d.patch);
	assert_int_equal(d.message.len, 0);
	json_array_foreach (d.warnings, i, line)
		assert_true(json_string_length(line) <= 250);
	if (outcome)
		*outcome = d.outcome;
	return lines_of(d.warnings);
}

static struct catalog *team(const char *mode)
{
	auto_free char *profiles = xasprintf(TEAM, mode);

	return catalog_of(NULL, profiles);
}

static void each_reason_is_a_warning_of_its_own(void **state)
{
	auto_catalog struct catalog *catalog = team("Enforce");
	enum outcome outcome;
	auto_free char *said = warnings(catalog, "shop",
			"{metadata: {annotations: {" HYPERVISOR "path: x, " INITDATA_ANNOTATION
			": zz}}, spec: {runtimeClassName: snp}}",
			&outcome);

	(void)state;
	assert_int_equal(strncmp(said, "spec.template: pods will be refused: annotation '", 49), 0);
	assert_holds(said,
			"\nspec.template: pods will be refused: annotation '" HYPERVISOR "path' is foreign");
	/* who is refused is known: it is the object in hand */
	assert_null(strstr(said, "is refused:"));
	assert_null(strstr(said, "pod '"));
	assert_int_equal(outcome, OUTCOME_REFUSED);
}

static void why_no_profile_matches_is_one_warning(void **state)
{
	auto_catalog struct catalog *catalog = team("Enforce");
	auto_free char *said = warnings(catalog, "lab", "{spec: {runtimeClassName: snp}}", NULL);

	(void)state;
	assert_string_equal(said,
			"spec.template: pods will be refused: no ConfidentialProfile matches; profile "
			"'team': "
			"spec.namespaceSelector does not grant this namespace\n");
}

static void an_unknown_class_and_a_broken_profile_are_told(void **state)
{
	auto_catalog struct catalog *catalog = team("Enforce"), *broken = team("Loud");
	auto_free char *unknown = warnings(catalog, "shop", "{spec: {runtimeClassName: x}}", NULL);
	auto_free char *not_ready = warnings(broken, "shop", "{spec: {runtimeClassName: snp}}", NULL);

	(void)state;
	assert_string_equal(unknown,
			"spec.template: pods will be refused: its RuntimeClass does not exist, or was made a "
			"moment "
			"ago: try again\n");
	assert_int_equal(strncmp(not_ready, "spec.template: pods will be refused: the profile is not ready: ",
					 63),
			0);
}

static void a_good_template_is_met_with_silence(void **state)
{
	static const char gated[] =
			"{metadata: {annotations: {own: x}}, "
			"spec: {runtimeClassName: snp, schedulingGates: [{name: cocoon.dev/init-data}]}}";
	const char *const good[] = { "{spec: {runtimeClassName: snp}}", gated,
		"{spec: {runtimeClassName: plain}}", "{spec: {}}", "{}" };
	auto_catalog struct catalog *catalog = team("Enforce");

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		auto_free char *said = warnings(catalog, "shop", good[i], NULL);
		assert_string_equal(said, "");
	}
}

static void softened_reasons_and_advice_name_the_place(void **state)
{
	auto_catalog struct catalog *catalog = team("Warn");
	auto_catalog struct catalog *unmatched = catalog_of("{unmatched: Warn}", NULL);
	auto_free char *said = warnings(catalog, "shop",
			"{metadata: {annotations: {" HYPERVISOR
			"path: x}}, spec: {runtimeClassName: snp, containers: [{image: nginx}]}}",
			NULL);
	auto_free char *none = warnings(unmatched, "shop", "{spec: {runtimeClassName: snp}}", NULL);

	(void)state;
	assert_int_equal(strncmp(said, "spec.template: annotation '" HYPERVISOR "path' is foreign", 60), 0);
	assert_holds(said, "\nspec.template.spec.containers[0].image: 'nginx' has no digest");
	assert_holds(none,
			"spec.template: pod 'web': no ConfidentialProfile matches: it starts without "
			"init-data");
}

static void long_reasons_are_cut_at_characters(void **state)
{
	auto_catalog struct catalog *catalog = team("Enforce");
	struct buf text = BUF_MAX(8192);

	(void)state;
	buf_puts(&text, "{metadata: {annotations: {cocoon.dev/profile: '");
	for (int i = 0; i < 400; i++)
		buf_puts(&text, "\xe2\x82\xac");
	buf_puts(&text, "'}}, spec: {runtimeClassName: snp}}");
	auto_free char *said = warnings(catalog, "shop", buf_text(&text), NULL);
	assert_true(span_is_utf8(span_of(said)));
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_is_a_warning_of_its_own),
		cmocka_unit_test(why_no_profile_matches_is_one_warning),
		cmocka_unit_test(an_unknown_class_and_a_broken_profile_are_told),
		cmocka_unit_test(a_good_template_is_met_with_silence),
		cmocka_unit_test(softened_reasons_and_advice_name_the_place),
		cmocka_unit_test(long_reasons_are_cut_at_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
