/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets what: the policies in C, the allow-list in the form of each TEE, administrators' rules, claims of init-data. */
#include "codec/json.h"
#include "e2e/kbs/admin_auth.h"
#include "e2e/kbs/initdata_claims.h"
#include "e2e/kbs/release.h"
#include "e2e/kbs/release_allow.h"
#include "e2e/kbs/store.h"
#include "tests/dev-kbs/stage.h"

static json_t *json_of(const char *text)
{
	json_t *value = NULL;

	assert_int_equal(json_read(span_of(text), 65536, &value, NULL), 0);
	return value;
}

#define CLAIMS(status, evidence)                           \
	"{\"submods\":{\"cpu0\":{\"ear.status\":\"" status \
	"\",\"ear.veraison.annotated-evidence\":" evidence "}}}"
#define TWO(a, b) "{\"submods\":{\"cpu0\":{\"ear.status\":\"" a "\"},\"gpu0\":{\"ear.status\":\"" b "\"}}}"

static void the_built_in_policies_are_what_they_are_called(void **state)
{
	static const struct {
		enum release_policy policy;
		const char *plugin, *claims;
		bool allowed;
	} table[] = {
		{ RELEASE_DEFAULT, "resource", CLAIMS("warning", "{\"tpm\":{}}"), true },
		{ RELEASE_DEFAULT, "resource", CLAIMS("affirming", "{\"sample\":{}}"), false },
		{ RELEASE_DEFAULT, "resource", "{}", false },
		{ RELEASE_DEFAULT, "other", CLAIMS("affirming", "{\"tpm\":{}}"), false },
		{ RELEASE_ALLOW_ALL, "resource", "{}", true },
		{ RELEASE_ALLOW_ALL, "other", "{}", false },
		{ RELEASE_DENY_ALL, "resource", CLAIMS("affirming", "{\"tpm\":{}}"), false },
		{ RELEASE_AFFIRMING, "resource", CLAIMS("affirming", "{\"sample\":{}}"), true },
		{ RELEASE_AFFIRMING, "resource", CLAIMS("warning", "{\"tpm\":{}}"), false },
		{ RELEASE_AFFIRMING, "resource", TWO("affirming", "affirming"), true },
		{ RELEASE_AFFIRMING, "resource", TWO("affirming", "contraindicated"), false },
		{ RELEASE_AFFIRMING, "resource", "{\"submods\":{}}", false },
		{ RELEASE_AFFIRMING, "resource", "{\"submods\":[]}", false },
		{ RELEASE_AFFIRMING, "resource", "{\"submods\":{\"cpu0\":1}}", false },
		{ RELEASE_AFFIRMING, "resource", "{}", false },
	};
	const struct opt_list none = { .count = 0 };
	struct store *store = NULL;

	(void)state;
	assert_int_equal(store_open(NULL, &store, NULL), 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct release_options options = {
			.policy = table[i].policy, .allow = &none, .store = store
		};
		auto_json json_t *claims = json_of(table[i].claims), *path = json_array(),
				 *query = json_object();
		const struct release_question question = { .claims = claims,
			.plugin = table[i].plugin,
			.path = path,
			.query = query,
			.name = "a/b/c" };
		struct release *release = NULL;
		struct release_verdict verdict;
		assert_int_equal(release_open(&options, &release, NULL), 0);
		assert_int_equal(release_judge(release, &question, &verdict, NULL), 0);
		if (verdict.allowed != table[i].allowed)
			fail_msg("%s of %s: %s", release_policy_words[table[i].policy], table[i].claims,
					verdict.rule);
		release_free(release);
	}
	store_free(store);
}

/* SHA-256, SHA-384 and SHA-512 of the empty text, and what becomes of them */
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA384 \
	"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"
#define SHA512                                                                                               \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63" \
	"b931bd"                                                                                             \
	"47417a81a538327af927da3e"
#define EVIDENCE(tee, value) "{\"" tee "\":{},\"init_data\":\"" value "\"}"

static void the_allow_list_compares_in_the_form_of_the_tee(void **state)
{
	static const struct {
		const char *entry, *evidence, *path;
		bool matches;
	} table[] = {
		{ SHA256, EVIDENCE("sample", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "a/b/c", true },
		{ SHA256, EVIDENCE("sample", SHA256), "a/b/c", false },
		{ SHA256, EVIDENCE("snp", SHA256), "a/b/c", true },
		/* 48 bytes lose their tail in 32 */
		{ SHA384, EVIDENCE("snp", "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"),
				"a/b/c", true },
		{ SHA384, EVIDENCE("tdx", SHA384), "a/b/c", true },
		/* 32 bytes get zeros in 48 */
		{ SHA256, EVIDENCE("tdx", SHA256 "00000000000000000000000000000000"), "a/b/c", true },
		{ SHA512, EVIDENCE("sgx", SHA512), "a/b/c", true },
		{ SHA256, EVIDENCE("tpm", SHA256), "a/b/c", true }, /* as the TPM's own form */
		{ SHA256, EVIDENCE("tpm", "00" SHA256), "a/b/c", false },
		{ SHA384, EVIDENCE("tpm", SHA256), "a/b/c", false },
		{ SHA256, EVIDENCE("snp", SHA384), "a/b/c", false },
		{ SHA256, "{\"snp\":{}}", "a/b/c", false },
		{ SHA256, "{\"init_data\":\"" SHA256 "\"}", "a/b/c", false },
		{ SHA256, "{\"snp\":1,\"init_data\":\"" SHA256 "\"}", "a/b/c", false },
		{ SHA256, "{\"snp\":{},\"init_data\":1}", "a/b/c", false },
		{ SHA256 "=a/b/*", EVIDENCE("snp", SHA256), "a/b/c", true },
		{ SHA256 "=a/b/?", EVIDENCE("snp", SHA256), "a/b/cc", false },
		{ SHA256 "=b/*", EVIDENCE("snp", SHA256), "a/b/c", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		auto_json json_t *evidence = json_of(table[i].evidence);
		struct release_entry entry;
		assert_int_equal(release_entry_parse(table[i].entry, &entry, NULL), 0);
		if (release_entry_matches(&entry, evidence, table[i].path) != table[i].matches)
			fail_msg("%s by %s", table[i].evidence, table[i].entry);
	}
	static const char *const bad[] = { "", "=", "x", "e3b0", SHA256 "=", SHA256 "00", "E" SHA256,
		" " SHA256, "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct release_entry entry;
		struct err err = ERR_NONE;
		assert_int_equal(release_entry_parse(bad[i], &entry, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

/* ---- administrators ---- */

static void rules_that_could_let_too_much_in_are_refused(void **state)
{
	static const char *const bad[] = { "", "admin", "=^/kbs$", "admin=", "admin=/kbs/.*$",
		"admin=^/kbs/.*", "admin=^/kbs/($", "admin=^/other$" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct opt_list none = { .count = 0 }, rules = { .items = { bad[i] }, .count = 1 };
		const struct admin_auth_options options = { .public_keys = &none, .rules = &rules };
		struct admin_auth *auth = NULL;
		struct err err = ERR_NONE;
		if (admin_auth_open(&options, &auth, &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void an_open_door_and_a_key_exclude_each_other(void **state)
{
	const struct opt_list none = { .count = 0 }, keys = { .items = { "x" }, .count = 1 };
	const struct admin_auth_options both = { .insecure = true, .public_keys = &keys, .rules = &none };
	const struct admin_auth_options missing = { .public_keys = &keys, .rules = &none };
	struct admin_auth *auth = NULL;

	(void)state;
	assert_int_equal(admin_auth_open(&both, &auth, NULL), -1);
	assert_int_equal(admin_auth_open(&missing, &auth, NULL), -1);
}

/* ---- claims of init-data ---- */

static void shows_policies_what_the_document_holds(void **state)
{
#define HEAD "version = \"7\"\nalgorithm = \"sha256\"\n[data]\n"
	static const struct {
		const char *data, *claims;
	} table[] = {
		{ "", "{}" },
		{ "a = \"b\"\n", "{\"a\":\"b\"}" },
		{ "\"aa.toml\" = \"x = 1\"\n", "{\"aa.toml\":{\"x\":1}}" },
		{ "\"cdh.toml\" = \"no toml\"\n", "{\"cdh.toml\":\"no toml\"}" },
		{ "\"other.toml\" = \"x = 1\"\n", "{\"other.toml\":\"x = 1\"}" },
		{ "\"policy.rego\" = \"package p\"\n", "{\"policy.rego\":\"package p\"}" },
		{ "\"policy.rego\" = \"\"\"package p\npolicy_data := {\"a\": 1}\n\"\"\"\n",
				"{\"agent_policy_claims\":{\"a\":1}}" },
		{ "\"policy.rego\" = \"\"\"policy_data := {\"a\": 1}\nx := 1\n\"\"\"\n",
				"{\"policy.rego\":\"policy_data := {\\\"a\\\": 1}\\nx := 1\\n\"}" },
		{ "\"policy.rego\" = \"\"\"policy_data := [1]\"\"\"\n",
				"{\"policy.rego\":\"policy_data := [1]\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		auto_free char *text = xasprintf(HEAD "%s", table[i].data);
		auto_initdata struct initdata doc;
		initdata_init(&doc);
		assert_int_equal(initdata_accept(span_of(text), &doc, NULL), 0);
		auto_json json_t *claims = initdata_claims(&doc);
		auto_free char *shown = json_text(claims, true);
		assert_string_equal(shown, table[i].claims);
	}
}

static void takes_the_documents_that_the_attestation_service_takes(void **state)
{
	static const char *const bad[] = { "", "x", "version = \"1\"\nalgorithm = \"sha-384\"\n[data]\n",
		"version = \"1\"\nalgorithm = \"SHA256\"\n[data]\n",
		"version = 1\nalgorithm = \"sha256\"\n[data]\n", "algorithm = \"sha256\"\n[data]\n",
		"version = \"1\"\n[data]\n", "version = \"1\"\nalgorithm = \"sha256\"\n",
		"version = \"1\"\nalgorithm = \"sha256\"\ndata = 1\n",
		"version = \"1\"\nalgorithm = \"sha256\"\n[data]\na = 1\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_initdata struct initdata doc;
		initdata_init(&doc);
		if (initdata_accept(span_of(bad[i]), &doc, NULL) == 0)
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_built_in_policies_are_what_they_are_called),
		cmocka_unit_test(the_allow_list_compares_in_the_form_of_the_tee),
		cmocka_unit_test(rules_that_could_let_too_much_in_are_refused),
		cmocka_unit_test(an_open_door_and_a_key_exclude_each_other),
		cmocka_unit_test(shows_policies_what_the_document_holds),
		cmocka_unit_test(takes_the_documents_that_the_attestation_service_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
