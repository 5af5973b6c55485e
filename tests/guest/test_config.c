/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest is told by files, the kernel's command line and the environment, and where they contradict each other. */
#include "initdata/document.h"
#include "tests/guest/scene.h"

#define AA   "[token_configs.kbs]\nurl = \"http://kbs:8080\"\n"
#define CDH  "[kbc]\nname = \"cc_kbc\"\nurl = \"http://kbs:8080\"\n[image]\n"
#define OFF  "[kbc]\nname = \"offline_fs_kbc\"\n[image]\n"
#define CRED "/run/confidential-containers/cdh/kbs/a"

struct given {
	const char *aa, *cdh, *document; /* NULL: no such file */
	const char *cmdline;
	const char *environment[3];
};

struct files {
	char folder[64];
	char *aa, *cdh, *document;
};

static void files_make(struct files *files, const struct given *given)
{
	snprintf(files->folder, sizeof(files->folder), "/tmp/cocoon-config-XXXXXX");
	assert_non_null(mkdtemp(files->folder));
	files->aa = xasprintf("%s/aa.%s", files->folder, given->aa && *given->aa == '{' ? "json" : "toml");
	files->cdh = xasprintf(
			"%s/cdh.%s", files->folder, given->cdh && *given->cdh == '{' ? "json" : "toml");
	files->document = xasprintf("%s/initdata.toml", files->folder);
	if (given->aa)
		scene_write(files->aa, span_of(given->aa));
	if (given->cdh)
		scene_write(files->cdh, span_of(given->cdh));
	if (given->document)
		scene_write(files->document, span_of(given->document));
}

static void files_remove(struct files *files)
{
	unlink(files->aa);
	unlink(files->cdh);
	unlink(files->document);
	rmdir(files->folder);
	free(files->aa);
	free(files->cdh);
	free(files->document);
}

static int load(const struct given *given, struct config *out, struct err *err)
{
	const struct attester_options options = { .kind = "sample" };
	auto_attester struct attester *attester = NULL;
	struct files files;

	log_set_level(LOG_ERROR);
	must(attester_open(&options, &attester, err), err);
	files_make(&files, given);
	const struct config_sources sources = { .initdata_file = given->document ? files.document : NULL,
		.aa_file = given->aa ? files.aa : NULL,
		.cdh_file = given->cdh ? files.cdh : NULL,
		.cmdline = given->cmdline ? given->cmdline : "",
		.environment = given->environment };
	int result = config_load(&sources, attester, out, err);
	files_remove(&files);
	return result;
}

static void has_defaults_without_any_source(void **state)
{
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(load(&(struct given){ .aa = NULL }, &config, &err), &err);
	assert_int_equal(config.kbc, CONFIG_OFFLINE_FS_KBC);
	assert_null(config.kbs_url);
	assert_int_equal(config.procs, CONFIG_REST);
	assert_int_equal(config.init_pcr, 17);
	assert_string_equal(config.rest_features, "resource");
	assert_string_equal(config.log_level, "info");
	assert_false(config.eventlog);
}

static void reads_both_files_whole(void **state)
{
	static const struct given given = {
		.aa = "[token_configs.kbs]\nurl = \"http://kbs:8080/\"\ntee_key_algorithm = "
		      "\"RSA-OAEP-256\"\n"
		      "[token_configs.coco_as]\nurl = \"http://as:1\"\n"
		      "[eventlog_config]\ninit_pcr = 15\nenable_eventlog = true\n",
		.cdh = "socket = \"unix:///run/cdh.sock\"\n" CDH
		       "[aa]\naa_socket = \"unix:///run/aa.sock\"\n[log]\nlevel = \"debug\"\n"
		       "[[credentials]]\npath = \"" CRED "\"\nresource_uri = \"kbs:///a/b/c\"\n",
	};
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(load(&given, &config, &err), &err);
	assert_int_equal(config.kbc, CONFIG_CC_KBC);
	assert_string_equal(config.kbs_url, "http://kbs:8080");
	assert_int_equal(config.kbs_key, KBS_KEY_RSA);
	assert_string_equal(config.coco_as_url, "http://as:1");
	assert_true(config.eventlog);
	assert_int_equal(config.init_pcr, 15);
	assert_string_equal(config.cdh_socket, "unix:///run/cdh.sock");
	assert_string_equal(config.aa_socket, "unix:///run/aa.sock");
	assert_string_equal(config.log_level, "debug");
	assert_int_equal(config.credential_count, 1);
	assert_string_equal(config.credentials[0].path, CRED);
	assert_string_equal(config.credentials[0].uri, "kbs:///a/b/c");
}

static void reads_json_as_it_reads_toml(void **state)
{
	static const struct given given = {
		.aa = "{\"token_configs\":{\"kbs\":{\"url\":\"http://kbs:8080\"}}}",
		.cdh = "{\"kbc\":{\"name\":\"cc_kbc\",\"url\":\"http://kbs:8080\"},\"image\":{}}"
	};
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(load(&given, &config, &err), &err);
	assert_int_equal(config.kbc, CONFIG_CC_KBC);
	assert_string_equal(config.kbs_url, "http://kbs:8080");
}

static void follows_the_command_line_and_then_the_environment(void **state)
{
	static const struct {
		struct given given;
		enum config_kbc kbc;
		const char *url;
	} cases[] = {
		{ { .cmdline = "quiet agent.aa_kbc_params=cc_kbc::http://a:1 "
			       "agent.aa_kbc_params=cc_kbc::http://b:1" },
				CONFIG_CC_KBC, "http://a:1" },
		{ { .cmdline = "agent.aa_kbc_params=offline_fs_kbc::null" }, CONFIG_OFFLINE_FS_KBC, NULL },
		{ { .environment = { "AA_KBC_PARAMS=cc_kbc::https://a:1/" } }, CONFIG_CC_KBC, "https://a:1" },
		{ { .environment = { "AA_KBC_PARAMS=offline_fs_kbc::null" } }, CONFIG_OFFLINE_FS_KBC, NULL },
		{ { .cdh = CDH, .cmdline = "agent.aa_kbc_params=cc_kbc::http://other:1" }, CONFIG_CC_KBC,
				"http://kbs:8080" },
		{ { .cdh = CDH, .environment = { "AA_KBC_PARAMS=cc_kbc::http://kbs:8080/" } }, CONFIG_CC_KBC,
				"http://kbs:8080" },
		{ { .cdh = OFF, .environment = { "AA_KBC_PARAMS=offline_fs_kbc::x" } }, CONFIG_OFFLINE_FS_KBC,
				NULL },
		/* aa.toml alone: tokens from there, resources from files */
		{ { .aa = AA }, CONFIG_OFFLINE_FS_KBC, "http://kbs:8080" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_config struct config config = CONFIG_NONE;
		struct err err = ERR_NONE;
		must(load(&cases[i].given, &config, &err), &err);
		assert_int_equal(config.kbc, cases[i].kbc);
		assert_int_equal(config.kbs_url != NULL, cases[i].url != NULL);
		if (cases[i].url)
			assert_string_equal(config.kbs_url, cases[i].url);
	}
}

static void reads_what_kata_tells_on_the_command_line(void **state)
{
	static const struct given given = {
		.cmdline = "agent.guest_components_rest_api=resource agent.guest_components_rest_api=all "
			   "agent.guest_components_procs=confidential-data-hub "
			   "cdh.kbs_resources=kbs:///a/b/c::" CRED ",nothing,kbs:///d/e/f::" CRED "2 "
			   "cdh.kbs_resources=kbs:///g/h/i::" CRED "3",
		.environment = { "OFFLINE_FS_KBC_EXTRA_FILE_PATH=/a,/b" },
	};
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(load(&given, &config, &err), &err);
	assert_string_equal(config.rest_features, "all");
	assert_int_equal(config.procs, CONFIG_HUB);
	assert_int_equal(config.credential_count, 2);
	assert_string_equal(config.credentials[1].uri, "kbs:///d/e/f");
	assert_string_equal(config.credentials[1].path, CRED "2");
	assert_string_equal(config.offline_files, "/a,/b");
}

/* Each is refused, with these words. */
static void refuses_what_contradicts_itself(void **state)
{
	static const struct {
		struct given given;
		const char *words;
	} cases[] = {
		{ { .cdh = CDH, .environment = { "AA_KBC_PARAMS=cc_kbc::http://other:1" } },
				"AA_KBC_PARAMS in the environment is 'cc_kbc::http://other:1', but cdh.toml "
				"says "
				"'cc_kbc::http://kbs:8080'" },
		{ { .cdh = CDH, .environment = { "AA_KBC_PARAMS=offline_fs_kbc::null" } },
				"but cdh.toml says" },
		{ { .cmdline = "agent.aa_kbc_params=cc_kbc::http://a:1",
				  .environment = { "AA_KBC_PARAMS=cc_kbc::http://b:1" } },
				"but the kernel command line says" },
		{ { .cdh = CDH "[aa]\naa_socket = \"unix:///a\"\n",
				  .environment = { "AA_SOCKET=unix:///b" } },
				"AA_SOCKET" },
		{ { .cdh = CDH, .environment = { "KBS_CERT=x" } }, "KBS_CERT" },
		{ { .environment = { "SKIP_SEALED_SECRET_VERIFICATION=true" } },
				"SKIP_SEALED_SECRET_VERIFICATION" },
		{ { .aa = "[token_configs.kbs]\nurl = \"http://other:1\"\n", .cdh = CDH },
				"'http://other:1', but cdh.toml says 'http://kbs:8080'" },
		{ { .aa = "[token_configs.kbs]\nurl = \"http://other:1\"\n",
				  .cmdline = "agent.aa_kbc_params=cc_kbc::http://kbs:8080" },
				"but aa.toml says" },
		{ { .cdh = "skip_sealed_secret_verification = true\n" CDH }, "nobody vouches for it" },
		{ { .cdh = "[kbc]\nname = \"cc_kbc\"\n[image]\n" }, "kbc.url" },
		{ { .cdh = "[kbc]\nname = \"other\"\n[image]\n" }, "kbc.name" },
		{ { .cdh = "[image]\n" }, "kbc" },
		{ { .cdh = "x" }, "cdh.toml" },
		{ { .cdh = "{" }, "cdh.json" },
		{ { .cdh = "[]" }, "cdh.toml" },
		{ { .aa = "[token_configs.kbs]\nurl = \"http://a:1\"\ntee_key_algorithm = \"x\"\n" },
				"tee_key_algorithm" },
		{ { .aa = "[eventlog_config]\ninit_pcr = 24\n" }, "init_pcr" },
		{ { .cmdline = "agent.aa_kbc_params=cc_kbc" }, "must be NAME::URL" },
		{ { .cmdline = "agent.aa_kbc_params=cc_kbc::http://[::1]:1" }, "must be NAME::URL" },
		{ { .cmdline = "agent.aa_kbc_params=cc_kbc::" }, "is empty" },
		{ { .cmdline = "agent.aa_kbc_params=sample::null" }, "unknown kbc name 'sample'" },
		{ { .cmdline = "agent.aa_kbc_params=cc_kbc::nonsense" }, "the kernel command line" },
		{ { .cmdline = "agent.guest_components_rest_api=none" }, "resource, attestation, all" },
		{ { .cmdline = "agent.guest_components_procs=x" }, "agent.guest_components_procs" },
		{ { .cmdline = "\x01" }, "the kernel command line" },
		{ { .cmdline = "cdh.kbs_resources=kbs:///d/e/f::" CRED "1,kbs:///d/e/g::" CRED "1" },
				"is to hold two resources: kbs:///d/e/f and kbs:///d/e/g" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_config struct config config = CONFIG_NONE;
		struct err err = ERR_NONE;
		if (load(&cases[i].given, &config, &err) == 0)
			fail_msg("'%s' is not said", cases[i].words);
		if (!strstr(err.text, cases[i].words))
			fail_msg("'%s' instead of '%s'", err.text, cases[i].words);
	}
}

/* ---- init-data ---- */

#define DOCUMENT(cdh) "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"cdh.toml\" = '''\n" cdh "'''\n"

static void takes_the_files_of_a_document(void **state)
{
	static const struct given given = { .document = DOCUMENT(CDH), .aa = AA };
	auto_config struct config config = CONFIG_NONE;
	unsigned char digest[DIGEST_MAX];
	struct err err = ERR_NONE;

	(void)state;
	must(load(&given, &config, &err), &err);
	assert_int_equal(config.kbc, CONFIG_CC_KBC);
	assert_string_equal(config.initdata, given.document);
	digest_bytes(DIGEST_SHA256, span_of(given.document), digest);
	assert_int_equal(config.initdata_alg, DIGEST_SHA256);
	assert_memory_equal(config.initdata_digest, digest, 32);
	assert_false(config.initdata_bound);
}

static void takes_a_file_beside_a_document_when_it_is_the_same(void **state)
{
	struct given given = { .document = DOCUMENT(CDH), .cdh = CDH };
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(load(&given, &config, &err), &err);
	given.cdh = OFF;
	assert_int_equal(load(&given, &config, &err), -1);
	assert_non_null(strstr(err.text, "is not the cdh.toml of the init-data document"));
}

static void refuses_to_skip_verification_where_no_hardware_vouches(void **state)
{
	static const struct given given = { .document = DOCUMENT(
							    "skip_sealed_secret_verification = true\n" CDH) };
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(load(&given, &config, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

static void refuses_malformed_documents(void **state)
{
	static const char *const documents[] = { "", "version = 1", "x", (DOCUMENT("x")),
		"version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]\na = \"b\"\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(documents); i++) {
		auto_config struct config config = CONFIG_NONE;
		struct err err = ERR_NONE;
		const struct given given = { .document = documents[i] };
		assert_int_equal(load(&given, &config, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void names_files_that_are_missing_or_too_large(void **state)
{
	struct config_sources sources = { .aa_file = "/nowhere/aa.toml", .cmdline = "" };
	const struct attester_options options = { .kind = "sample" };
	auto_attester struct attester *attester = NULL;
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(attester_open(&options, &attester, &err), &err);
	assert_int_equal(config_load(&sources, attester, &config, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nowhere/aa.toml"));
	sources.aa_file = "/dev/zero";
	assert_int_equal(config_load(&sources, attester, &config, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults_without_any_source),
		cmocka_unit_test(reads_both_files_whole),
		cmocka_unit_test(reads_json_as_it_reads_toml),
		cmocka_unit_test(follows_the_command_line_and_then_the_environment),
		cmocka_unit_test(reads_what_kata_tells_on_the_command_line),
		cmocka_unit_test(refuses_what_contradicts_itself),
		cmocka_unit_test(takes_the_files_of_a_document),
		cmocka_unit_test(takes_a_file_beside_a_document_when_it_is_the_same),
		cmocka_unit_test(refuses_to_skip_verification_where_no_hardware_vouches),
		cmocka_unit_test(refuses_malformed_documents),
		cmocka_unit_test(names_files_that_are_missing_or_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
