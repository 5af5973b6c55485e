/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "codec/toml.h"
#include "crypto/cert.h"
#include "initdata/configs.h"
#include "initdata/document.h"

#include <string.h>
#include <time.h>

/* A certificate of our own, in PEM. */
static void make_pem(struct buf *out)
{
	const struct cert_spec spec = { .common_name = "test root", .days = 10, .now = time(NULL) };
	auto_cert_pair struct cert_pair *pair = NULL;

	assert_int_equal(cert_make_ca(&spec, &pair, NULL), 0);
	cert_list_format(cert_pair_chain(pair), out);
}

static void assert_text(int status, const struct err *err, const struct buf *out, const char *expected)
{
	if (status < 0)
		fail_msg("%s", err->text);
	assert_string_equal(buf_text(out), expected);
}

static void nothing_set_writes_nothing_but_what_is_required(void **state)
{
	const struct initdata_config config = { 0 };
	auto_buf struct buf aa = BUF_MAX(4096), cdh = BUF_MAX(4096);
	auto_json json_t *data = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_false(initdata_has_aa(&config));
	assert_false(initdata_has_cdh(&config));
	assert_text(initdata_aa_toml(&config, &aa, &err), &err, &aa, "");
	assert_text(initdata_cdh_toml(&config, &cdh, &err), &err, &cdh,
			"[kbc]\nname = \"offline_fs_kbc\"\n\n[image]\n");
	assert_int_equal(initdata_entries(&config, NULL, NULL, &data, &err), 0);
	assert_int_equal(json_object_size(data), 0);
}

static void a_broker_url_configures_both_files(void **state)
{
	const struct initdata_config config = { .kbs_url = "https://kbs:8080" };
	auto_buf struct buf aa = BUF_MAX(4096), cdh = BUF_MAX(4096);
	struct err err = ERR_NONE;

	(void)state;
	assert_text(initdata_aa_toml(&config, &aa, &err), &err, &aa,
			"[token_configs]\n\n[token_configs.kbs]\nurl = \"https://kbs:8080\"\n");
	assert_text(initdata_cdh_toml(&config, &cdh, &err), &err, &cdh,
			"[kbc]\nurl = \"https://kbs:8080\"\nname = \"cc_kbc\"\n\n[image]\n");
}

static void a_log_level_alone_makes_no_cdh_toml(void **state)
{
	const struct initdata_config config = { .log_level = "debug" };

	(void)state;
	assert_true(initdata_has_aa(&config));
	assert_false(initdata_has_cdh(&config));
}

/* What we write is known to the judge, with one thing to warn of. */
static void assert_judged_clean(struct span aa, struct span cdh)
{
	auto_json json_t *findings = json_array();

	initdata_check_aa(aa, findings);
	initdata_check_cdh(cdh, findings);
	assert_int_equal(json_array_size(findings), 1);
	assert_string_equal(json_text_at(json_array_get(findings, 0), "path", NULL),
			"skip_sealed_secret_verification");
}

static void every_field_lands_where_the_guest_reads_it(void **state)
{
	auto_buf struct buf pem = BUF_MAX(65536), aa = BUF_MAX(65536), cdh = BUF_MAX(65536);
	auto_json json_t *credentials = json_pack("[{s:s, s:s}]", "path",
			"/run/confidential-containers/cdh/kbs/x", "resource_uri", "kbs:///default/a/b");
	auto_json json_t *registry = json_pack("{s:[s], s:[{s:s}]}", "unqualified-search-registries",
			"docker.io", "registry", "location", "docker.io");
	auto_json json_t *roots = json_array(), *tree = NULL;
	struct initdata_config config = { 0 };
	struct err err = ERR_NONE;

	(void)state;
	make_pem(&pem);
	json_array_append_new(roots, json_string(buf_text(&pem)));
	config = (struct initdata_config){ .kbs_url = "https://kbs:8080/",
		.kbs_cert = buf_text(&pem),
		.log_level = "info,kbs=debug",
		.tee_key_algorithm = "RSA-OAEP-256",
		.coco_as_url = "http://as:50004",
		.eventlog = true,
		.has_init_pcr = true,
		.init_pcr = 0,
		.cdh_socket = "unix:///run/cdh.sock",
		.aa_socket = "unix:///run/aa.sock",
		.kbc_name = "cc_kbc",
		.credentials = credentials,
		.skip_sealed_secret_verification = true,
		.image_policy = "{\"default\": [],\n \"transports\": {}}",
		.sigstore_config_uri = "kbs:///a/b/c",
		.registry_credentials_uri = "kbs:///a/b/d",
		.registry_config = registry,
		.extra_root_certificates = roots,
		.https_proxy = "http://p:1",
		.http_proxy = "http://p:2",
		.no_proxy = "a,.b",
		.max_concurrent_layer_downloads = 5,
		.work_dir = "/run/work" };
	if (initdata_aa_toml(&config, &aa, &err) < 0 || initdata_cdh_toml(&config, &cdh, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(toml_parse(buf_span(&aa), 65536, &tree, NULL), 0);
	assert_string_equal(json_text_at(tree, "token_configs", "kbs", "cert", NULL), buf_text(&pem));
	assert_string_equal(json_text_at(tree, "token_configs", "kbs", "tee_key_algorithm", NULL),
			"RSA-OAEP-256");
	assert_string_equal(json_text_at(tree, "token_configs", "coco_as", "url", NULL), "http://as:50004");
	assert_true(json_is_true(json_at(tree, "eventlog_config", "enable_eventlog", NULL)));
	assert_true(json_is_integer(json_at(tree, "eventlog_config", "init_pcr", NULL)));
	assert_string_equal(json_text_at(tree, "log", "level", NULL), "info,kbs=debug");
	json_decref(tree);
	tree = NULL;
	assert_int_equal(toml_parse(buf_span(&cdh), 65536, &tree, NULL), 0);
	assert_string_equal(json_text_at(tree, "socket", NULL), "unix:///run/cdh.sock");
	assert_string_equal(json_text_at(tree, "kbc", "kbs_cert", NULL), buf_text(&pem));
	assert_string_equal(json_text_at(tree, "aa", "aa_socket", NULL), "unix:///run/aa.sock");
	assert_true(json_equal(json_object_get(tree, "credentials"), credentials));
	assert_true(json_is_true(json_object_get(tree, "skip_sealed_secret_verification")));
	assert_string_equal(json_text_at(tree, "image", "image_security_policy", NULL), config.image_policy);
	assert_string_equal(json_text_at(tree, "image", "sigstore_config_uri", NULL), "kbs:///a/b/c");
	assert_string_equal(json_text_at(tree, "image", "authenticated_registry_credentials_uri", NULL),
			"kbs:///a/b/d");
	assert_true(json_equal(json_at(tree, "image", "registry_config", NULL), registry));
	assert_true(json_equal(json_at(tree, "image", "extra_root_certificates", NULL), roots));
	assert_string_equal(json_text_at(tree, "image", "image_pull_proxy", "no_proxy", NULL), "a,.b");
	assert_int_equal(json_integer_value(json_at(
					 tree, "image", "max_concurrent_layer_downloads_per_image", NULL)),
			5);
	assert_string_equal(json_text_at(tree, "image", "work_dir", NULL), "/run/work");
	assert_judged_clean(buf_span(&aa), buf_span(&cdh));
}

static void a_document_of_generated_files_stays_readable(void **state)
{
	auto_buf struct buf pem = BUF_MAX(65536), out = BUF_MAX(INITDATA_TEXT_MAX);
	struct initdata_config config = { .kbs_url = "https://kbs:8080" };
	auto_json json_t *data = NULL;

	(void)state;
	make_pem(&pem);
	config.kbs_cert = buf_text(&pem);
	assert_int_equal(initdata_entries(&config, "package agent_policy\n", NULL, &data, NULL), 0);
	assert_int_equal(initdata_render(DIGEST_SHA256, data, &out, NULL), 0);
	assert_non_null(strstr(buf_text(&out), "\"cdh.toml\" = '''\n[kbc]\n"));
	assert_non_null(strstr(buf_text(&out), "cert = \"\"\"\n-----BEGIN CERTIFICATE-----\n"));
}

/* ---- refusals ---- */

static const struct {
	struct initdata_config config;
	const char *part;
} bad_aa[] = {
	{ { .kbs_url = "kbs:8080" }, "kbs_url must begin with" },
	{ { .kbs_url = "http://[::1]:1" }, "kbs_url holds \"::\"" },
	{ { .kbs_url = "http://u:p@kbs" }, "kbs_url holds a user name" },
	{ { .kbs_url = "http://\xff" }, "kbs_url is no UTF-8" },
	{ { .kbs_url = "http://kbs", .kbs_cert = "x" }, "kbs_cert" },
	{ { .kbs_url = "http://kbs", .tee_key_algorithm = "ML-KEM-768+A192KW" }, "tee_key_algorithm" },
	{ { .coco_as_url = "" }, "coco_as_url is empty" },
	{ { .log_level = "loud" }, "log_level" },
	{ { .has_init_pcr = true, .init_pcr = 24 }, "init_pcr" },
	{ { .tee_key_algorithm = "RSA-OAEP-256" }, "token_configs.kbs.url is missing" },
	{ { .aa_extra = "[token_configs" }, "merge into aa.toml: line 1" },
	{ { .aa_extra = "token_configs = 1\n" }, "token_configs must be a table" },
	{ { .kbs_url = "http://kbs", .aa_extra = "[token_configs.kbs]\nurl = \"http://kbs\"\n" },
		"'token_configs.kbs.url' is set by a field" },
	{ { .kbs_url = "http://kbs", .aa_extra = "token_configs = \"\"\n" }, "'token_configs' is set by a field" },
}, bad_cdh[] = {
	{ { .cdh_socket = "/run/cdh.sock" }, "cdh_socket must begin with unix://" },
	{ { .aa_socket = "127.0.0.1:1" }, "aa_socket" },
	{ { .kbc_name = "sample_kbc" }, "kbc_name" },
	{ { .kbc_name = "cc_kbc" }, "kbc_name cc_kbc needs kbs_url" },
	{ { .image_policy_uri = "policy.json" }, "image_policy_uri" },
	{ { .image_policy = "{\"default\": []}" }, "image_policy lacks transports" },
	{ { .image_policy = "{}", .image_policy_uri = "/x" }, "exclude each other" },
	{ { .sigstore_config = "x: y\n", .sigstore_config_uri = "/x" }, "exclude each other" },
	{ { .registry_credentials_uri = "kbs:///a/b" }, "registry_credentials_uri has 2 parts" },
	{ { .https_proxy = "proxy:3128" }, "https_proxy" },
	{ { .http_proxy = "http://user:word@proxy" }, "http_proxy holds a user name" },
	{ { .no_proxy = "a\nb" }, "no_proxy holds a control character" },
	{ { .work_dir = "run" }, "work_dir must be an absolute path" },
	{ { .kbs_url = "http://kbs", .cdh_extra = "[kbc]\nurl = \"http://other\"\n" }, "'kbc.url' is set" },
	{ { .cdh_extra = "[kbc]\nname = \"x\"\n" }, "kbc.name 'x' is neither" },
	{ { .cdh_extra = "kbc = 1\n" }, "kbc must be a table" },
	{ { .cdh_extra = "image = []\n" }, "image must be a table" },
	{ { .cdh_extra = "x = \n" }, "merge into cdh.toml: line 1" },
};

static void refuses_what_the_guest_would_refuse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_aa) / sizeof(bad_aa[0]); i++) {
		auto_buf struct buf out = BUF_MAX(65536);
		struct err err = ERR_NONE;

		assert_int_equal(initdata_aa_toml(&bad_aa[i].config, &out, &err), -1);
		if (!strstr(err.text, bad_aa[i].part))
			fail_msg("'%s' is not in '%s'", bad_aa[i].part, err.text);
		assert_int_equal(out.len, 0);
	}
	for (size_t i = 0; i < sizeof(bad_cdh) / sizeof(bad_cdh[0]); i++) {
		auto_buf struct buf out = BUF_MAX(65536);
		struct err err = ERR_NONE;

		if (initdata_cdh_toml(&bad_cdh[i].config, &out, &err) == 0)
			fail_msg("accepted: %s", bad_cdh[i].part);
		if (!strstr(err.text, bad_cdh[i].part))
			fail_msg("'%s' is not in '%s'", bad_cdh[i].part, err.text);
		assert_int_equal(out.len, 0);
	}
}

static void refuses_lists_with_a_wrong_item(void **state)
{
	static const char *const credentials[] = { "[{}]", "[1]",
		("[{\"path\": \"/etc/x\", \"resource_uri\": "
		 "\"kbs:///a/b/c\"}]"),
		"[{\"path\": \"/run/confidential-containers/cdh/kbs/x\", \"resource_uri\": \"kbs:///a\"}]" };
	auto_buf struct buf out = BUF_MAX(65536);
	auto_json json_t *roots = json_pack("[s]", "x");
	auto_json json_t *numbers = json_pack("[i]", 1);
	auto_json json_t *list = json_array();
	struct initdata_config config = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
		auto_json json_t *items = json_loads(credentials[i], 0, NULL);
		struct err err = ERR_NONE;

		config.credentials = items;
		assert_int_equal(initdata_cdh_toml(&config, &out, &err), -1);
		assert_non_null(strstr(err.text, "credentials[0]"));
	}
	config = (struct initdata_config){ .extra_root_certificates = roots };
	assert_int_equal(initdata_cdh_toml(&config, &out, NULL), -1);
	config.extra_root_certificates = numbers;
	assert_int_equal(initdata_cdh_toml(&config, &out, NULL), -1);
	config = (struct initdata_config){ .registry_config = list };
	assert_int_equal(initdata_cdh_toml(&config, &out, NULL), -1);
}

static void merges_extra_toml_as_a_tree(void **state)
{
	const struct initdata_config config = { .kbs_url = "http://kbs",
		.cdh_extra = "socket = \"unix:///run/x.sock\"\n[kbc]\nfuture = 1\n[image]\nwork_dir = "
			     "\"/w\"\n" };
	auto_buf struct buf out = BUF_MAX(65536);
	struct err err = ERR_NONE;

	(void)state;
	assert_text(initdata_cdh_toml(&config, &out, &err), &err, &out,
			"socket = \"unix:///run/x.sock\"\n\n[kbc]\nurl = \"http://kbs\"\nfuture = 1\nname = "
			"\"cc_kbc\"\n\n"
			"[image]\nwork_dir = \"/w\"\n");
}

static void entries_are_not_given_twice(void **state)
{
	const struct initdata_config config = { .kbs_url = "http://kbs" };
	auto_json json_t *aa = json_pack("{s:s}", "aa.toml", "");
	auto_json json_t *policy = json_pack("{s:s}", "policy.rego", "x");
	auto_json json_t *more = json_pack("{s:s}", "tenant", "team-a");
	json_t *data = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(initdata_entries(&config, NULL, aa, &data, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(initdata_entries(&config, "package x\n", policy, &data, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(initdata_entries(&config, "", policy, &data, &err), 0);
	json_decref(data);
	assert_int_equal(initdata_entries(&config, "package x\n", more, &data, &err), 0);
	assert_int_equal(json_object_size(data), 4);
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_writes_nothing_but_what_is_required),
		cmocka_unit_test(a_broker_url_configures_both_files),
		cmocka_unit_test(a_log_level_alone_makes_no_cdh_toml),
		cmocka_unit_test(every_field_lands_where_the_guest_reads_it),
		cmocka_unit_test(a_document_of_generated_files_stays_readable),
		cmocka_unit_test(refuses_what_the_guest_would_refuse),
		cmocka_unit_test(refuses_lists_with_a_wrong_item),
		cmocka_unit_test(merges_extra_toml_as_a_tree),
		cmocka_unit_test(entries_are_not_given_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
