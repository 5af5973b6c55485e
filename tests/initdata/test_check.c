/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "initdata/check.h"
#include "initdata/document.h"

#include <string.h>

struct file_case {
	const char *toml;
	const char *severity, *path, *part; /* of one of the findings; NULL: none may be there */
};

static const struct file_case aa_cases[] = {
	{ "", NULL, NULL, NULL },
	{ "[eventlog_config]\ninit_pcr = 17\nenable_eventlog = true\n", NULL, NULL, NULL },
	{ VECTOR_A_AA, NULL, NULL, NULL },
	{ "[token_configs.coco_as]\nurl = \"http://as:1\"\n[log]\nlevel = \"debug\"\n", NULL, NULL, NULL },
	{ "[token_configs", "error", "", "line 1" },
	{ "[token_configs.kbs]\n", "error", "token_configs.kbs.url", "is missing" },
	{ "[token_configs.coco_as]\n", "error", "token_configs.coco_as.url", "is missing" },
	{ "[token_configs.kbs]\nurl = \"kbs\"\n", "error", "token_configs.kbs.url", "must begin with" },
	{ "[token_configs.kbs]\nurl = []\n", "error", "token_configs.kbs.url", "must be a text" },
	{ "[token_configs.kbs]\nurl = 1\n", "warning", "token_configs.kbs.url", "converts" },
	{ "[token_configs.kbs]\nurl = \"http://k\"\ncert = \"x\"\n", "error", "token_configs.kbs.cert", "" },
	{ "[token_configs.kbs]\nurl = \"http://k\"\ntee_key_algorithm = \"ML-KEM-768+A192KW\"\n", "warning",
			"token_configs.kbs.tee_key_algorithm", "experimental" },
	{ "[token_configs.kbs]\nurl = \"http://k\"\ntee_key_algorithm = \"x\"\n", "error",
			"token_configs.kbs.tee_key_algorithm", "none of" },
	{ "[token_config.kbs]\n", "warning", "token_config", "did you mean 'token_configs'?" },
	{ "[log]\nlevl = \"info\"\n", "warning", "log.levl", "did you mean 'level'?" },
	{ "token_configs = 1\n", "error", "token_configs", "must be a table" },
	{ "[eventlog_config]\ninit_pcr = \"17\"\n", "warning", "eventlog_config.init_pcr",
			"reads it as the number" },
	{ "[eventlog_config]\ninit_pcr = \"x\"\n", "error", "eventlog_config.init_pcr",
			"must be an integer" },
	{ "[eventlog_config]\ninit_pcr = -1\n", "error", "eventlog_config.init_pcr", "between 0 and 23" },
	{ "[eventlog_config]\nenable_eventlog = \"true\"\n", "warning", "eventlog_config.enable_eventlog",
			"converts" },
	{ "[eventlog_config]\nenable_eventlog = \"maybe\"\n", "error", "eventlog_config.enable_eventlog",
			"true or false" },
};

#define KBC   "[kbc]\nname = \"cc_kbc\"\nurl = \"http://kbs\"\n"
#define IMAGE "[image]\nimage_security_policy_uri = \"kbs:///a/b/c\"\n"

static const struct file_case cdh_cases[] = {
	{ KBC IMAGE, NULL, NULL, NULL },
	{ "", "error", "kbc", "is missing" },
	{ "[kbc]\n" IMAGE, "error", "kbc.name", "is missing" },
	{ "[kbc]\nname = \"x\"\n", "error", "kbc.name", "neither cc_kbc" },
	{ "[kbc]\nname = \"cc_kbc\"\n", "warning", "kbc.url", "no resource" },
	{ "[kbc]\nname = \"cc_kbc\"\nurl = \"http://[::1]\"\n", "error", "kbc.url", "\"::\"" },
	{ KBC, "warning", "image", "kernel command line" },
	{ KBC "[image]\n", "warning", "image", "runs every image" },
	{ KBC IMAGE "image_security_policy = '{\"default\": [], \"transports\": {}}'\n", "warning",
			"image.image_security_policy", "has no effect" },
	{ KBC "[image]\nimage_security_policy = '{\"default\": []}'\n", "error",
			"image.image_security_policy", "lacks transports" },
	{ KBC IMAGE "sigstore_config = \"x\"\nsigstore_config_uri = \"/x\"\n", "warning",
			"image.sigstore_config", "has no effect" },
	{ KBC IMAGE "registry_configuration_uri = \"/x\"\n[image.registry_config]\n", "warning",
			"image.registry_configuration_uri", "has no effect" },
	{ KBC IMAGE "registry_config = 1\n", "error", "image.registry_config", "must be a table" },
	{ KBC IMAGE "[image.registry_config]\nanything = [1]\n", NULL, NULL, NULL },
	{ KBC IMAGE "extra_root_certificates = \"x\"\n", "error", "image.extra_root_certificates",
			"must be an array" },
	{ KBC IMAGE "extra_root_certificates = [\"x\"]\n", "error", "image.extra_root_certificates[0]", "" },
	{ KBC IMAGE "max_concurrent_layer_downloads_per_image = 1.5\n", "error",
			"image.max_concurrent_layer_downloads_per_image", "must be an integer" },
	{ KBC IMAGE "[image.image_pull_proxy]\nhttps_proxy = \"http://u:p@x\"\n", "warning",
			"image.image_pull_proxy.https_proxy", "public" },
	{ KBC IMAGE "[[credentials]]\npath = \"/run/confidential-containers/cdh/kbs/x\"\n", "error",
			"credentials[0].resource_uri", "is missing" },
	{ KBC IMAGE "[[credentials]]\npath = \"/etc/x\"\nresource_uri = \"kbs:///a/b/c\"\n", "error",
			"credentials[0].path", "must lie below" },
	{ KBC IMAGE "[[credentials]]\npath = \"/run/confidential-containers/cdh/kbs/x\"\nresource_uri = "
		    "\"kbs:///a/b\"\n",
			"warning", "credentials[0].resource_uri", "2 parts" },
	{ "credentials = [1]\n" KBC IMAGE, "error", "credentials[0]", "must be a table" },
	{ "credentials = {}\n" KBC IMAGE, "error", "credentials", "array of tables" },
	{ "credential = []\n" KBC IMAGE, "warning", "credential", "did you mean 'credentials'?" },
	{ "socket = \"/run/x\"\n" KBC IMAGE, "error", "socket", "unix://" },
	{ "skip_sealed_secret_verification = true\n" KBC IMAGE, "warning", "skip_sealed_secret_verification",
			"exchange" },
	{ "skip_sealed_secret_verification = false\n" KBC IMAGE, NULL, NULL, NULL },
};

static bool has_finding(const json_t *findings, const struct file_case *want)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding)
		if (strcmp(json_text_at(finding, "severity", NULL), want->severity) == 0 &&
				strcmp(json_text_at(finding, "path", NULL), want->path) == 0 &&
				strstr(json_text_at(finding, "text", NULL), want->part))
			return true;
	return false;
}

static void judge(void (*check)(struct span, json_t *), const struct file_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_json json_t *findings = json_array();
		auto_free char *shown = NULL;

		check(span_of(cases[i].toml), findings);
		shown = json_text(findings, false);
		if (!cases[i].severity && json_array_size(findings))
			fail_msg("case %zu: %s", i, shown);
		if (cases[i].severity && !has_finding(findings, &cases[i]))
			fail_msg("case %zu lacks %s at %s with '%s': %s", i, cases[i].severity, cases[i].path,
					cases[i].part, shown);
	}
}

static void judges_aa_toml_as_the_guest_does(void **state)
{
	(void)state;
	judge(initdata_check_aa, aa_cases, sizeof(aa_cases) / sizeof(aa_cases[0]));
}

static void judges_cdh_toml_as_the_guest_does(void **state)
{
	(void)state;
	judge(initdata_check_cdh, cdh_cases, sizeof(cdh_cases) / sizeof(cdh_cases[0]));
}

static const struct {
	const char *aa, *cdh, *other;
	struct file_case want;
} together[] = {
	{ VECTOR_A_AA, "[kbc]\nname = \"cc_kbc\"\nurl = \"http://127.0.0.1:8080/\"\n" IMAGE, NULL,
			{ NULL, NULL, NULL, NULL } },
	{ VECTOR_A_AA, KBC IMAGE, NULL, { NULL, "warning", "token_configs.kbs.url", "another" } },
	{ NULL, KBC IMAGE, NULL, { NULL, "warning", "token_configs.kbs.url", "cannot attest" } },
	{ "", KBC IMAGE, NULL, { NULL, "warning", "token_configs.kbs.url", "cannot attest" } },
	{ NULL, NULL, "notes", { NULL, "warning", "", "no guest reads" } },
	{ NULL, NULL, "policy.rego", { NULL, "error", "", "is empty" } },
	{ "[", NULL, NULL, { NULL, "error", "", "line 1" } },
};

static void judges_the_entries_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++) {
		auto_json json_t *data = json_object(), *findings = json_array();
		auto_free char *shown = NULL;

		if (together[i].aa)
			json_object_set_new(data, "aa.toml", json_string(together[i].aa));
		if (together[i].cdh)
			json_object_set_new(data, "cdh.toml", json_string(together[i].cdh));
		if (together[i].other)
			json_object_set_new(data, together[i].other, json_string(""));
		initdata_check_entries(data, findings);
		shown = json_text(findings, false);
		if (!together[i].want.severity && json_array_size(findings))
			fail_msg("case %zu: %s", i, shown);
		if (together[i].want.severity && !has_finding(findings, &together[i].want))
			fail_msg("case %zu: %s", i, shown);
	}
}

static void the_first_error_becomes_the_reason(void **state)
{
	auto_json json_t *findings = json_array();
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(initdata_findings_err(findings, &err), 0);
	initdata_check_cdh(SPAN_LIT("x = 1\n" KBC), findings);
	assert_int_equal(initdata_findings_err(findings, &err), 0);
	initdata_check_cdh(SPAN_LIT("[kbc]\nname = \"x\"\n"), findings);
	assert_int_equal(initdata_findings_err(findings, &err), -1);
	assert_non_null(strstr(err.text, "cdh.toml: kbc.name 'x' is neither"));
}

static void a_flood_of_findings_is_cut(void **state)
{
	auto_buf struct buf text = BUF_MAX(65536);
	auto_json json_t *findings = json_array();

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "k%d = 1\n", i);
	initdata_check_aa(buf_span(&text), findings);
	assert_int_equal(json_array_size(findings), FINDINGS_MAX);
}

static void a_long_or_foreign_key_makes_a_clean_message(void **state)
{
	auto_buf struct buf text = BUF_MAX(65536);
	auto_json json_t *findings = json_array();

	(void)state;
	buf_puts(&text, "\"x");
	for (int i = 0; i < 600; i++)
		buf_puts(&text, "\xc3\xa4");
	buf_puts(&text, "\" = 1\n\"a\\nb\" = 2\n");
	initdata_check_aa(buf_span(&text), findings);
	assert_int_equal(json_array_size(findings), 2);
	assert_non_null(json_text_at(json_array_get(findings, 0), "path", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_aa_toml_as_the_guest_does),
		cmocka_unit_test(judges_cdh_toml_as_the_guest_does),
		cmocka_unit_test(judges_the_entries_together),
		cmocka_unit_test(the_first_error_becomes_the_reason),
		cmocka_unit_test(a_flood_of_findings_is_cut),
		cmocka_unit_test(a_long_or_foreign_key_makes_a_clean_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
