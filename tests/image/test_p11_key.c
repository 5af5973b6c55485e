/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/own.h"
#include "image/p11_key.h"
#include "tests/image/p11_place.h"
#include "tests/image/wrapping.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(place));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- descriptions ---- */

static void knows_a_description_when_it_sees_one(void **state)
{
	static const struct {
		const char *text;
		bool is, parses;
	} cases[] = {
		{ "pkcs11:\n  uri: pkcs11:token=a\n", true, true },
		{ "# key\nmodule:\n  env: {A: b, C: 7}\npkcs11: {uri: 'pkcs11:token=a'}\n", true, true },
		{ "{\"pkcs11\": {\"uri\": \"pkcs11:token=a\"}}", true, true },
		{ "pkcs11:\n", true, false },
		{ "pkcs11:\n  uri: http://a\n", true, false },
		{ "pkcs11:\n  uri: pkcs11:token=a\nmodule: 7\n", true, false },
		{ "pkcs11:\n  uri: pkcs11:token=a\nmodule:\n  env: {A: [b]}\n", true, false },
		{ "pkcs11:\n  uri: pkcs11:token=a\nmodule:\n  env: {A=B: b}\n", true, false },
		{ "pkcs11:\n\turi: pkcs11:token=a\n", true, false },
		{ "{\"pkcs11\": 7}", false, false },
		{ "uri: pkcs11:token=a\n", false, false },
		{ "", false, false },
		{ "-----BEGIN PUBLIC KEY-----\n", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_p11_key struct p11_key *key = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(p11_key_is(span_of(cases[i].text)), cases[i].is);
		assert_int_equal(p11_key_parse(span_of(cases[i].text), &key, &err), cases[i].parses ? 0 : -1);
		assert_int_equal(!err.text[0], cases[i].parses);
	}
}

static void the_text_of_a_key_is_without_its_pin(void **state)
{
	auto_p11_key struct p11_key *key = NULL;
	auto_secret struct secret pin = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(
			p11_key_parse(SPAN_LIT("pkcs11:\n  uri: pkcs11:token=a;object=b?pin-value=12%2634\n"),
					&key, &err),
			0);
	assert_string_equal(key->text, "pkcs11:token=a;object=b");
	assert_int_equal(p11_key_pin(key, &pin, &err), 0);
	assert_true(secret_is(&pin, SPAN_LIT("12&34")));
}

/* ---- the policy ---- */

static void the_policy_says_which_module_is_loaded(void **state)
{
	static const struct {
		const char *policy, *query;
		const char *found; /* in the test's folder; NULL: refused */
		enum err_kind kind;
	} cases[] = {
		{ "module-directories: [@/m]\n  allowed-module-paths: [@/m/]", "module-name=hsm2",
				"m/libHSM2.so.1", ERR_OK },
		{ "module-directories: [@/none, @/m/]\n  allowed-module-paths: [@/m/]", "module-name=HSM2",
				"m/libHSM2.so.1", ERR_OK },
		{ "module-directories: [@/m/]\n  allowed-module-paths: [@/m/libHSM2.so.1]",
				"module-name=hsm2", "m/libHSM2.so.1", ERR_OK },
		{ "module-directories: [@/m/]\n  allowed-module-paths: [@/m]", "module-name=hsm2", NULL,
				ERR_DENIED },
		{ "module-directories: [@/m/]\n  allowed-module-paths: [@/]", "module-name=hsm2", NULL,
				ERR_DENIED },
		{ "module-directories: [@/m/]", "module-name=hsm2", NULL, ERR_DENIED },
		{ "module-directories: [@/m/]\n  allowed-module-paths: [@/m/]", "module-name=hsm", NULL,
				ERR_NOT_FOUND },
		{ "allowed-module-paths: [@/m/]", "module-name=hsm2", NULL, ERR_NOT_FOUND },
		{ "allowed-module-paths: [@/m/]", "module-path=@/m/libHSM2.so.1", "m/libHSM2.so.1", ERR_OK },
		{ "allowed-module-paths: [@/m/]", "module-path=@/m&module-name=hsm2", "m/libHSM2.so.1",
				ERR_OK },
		{ "allowed-module-paths: [@/m/]", "module-path=@/m", NULL, ERR_USAGE },
		{ "allowed-module-paths: [@/m/]", "module-path=@/m&module-name=none", NULL, ERR_NOT_FOUND },
		{ "allowed-module-paths: [@/m/]", "module-path=@/m/../secret.so", NULL, ERR_DENIED },
	};

	(void)state;
	assert_int_equal(mkdir(at("m"), 0700), 0);
	assert_int_equal(mkdir(at("m/hsm2"), 0700), 0);
	put("m/libHSM2.so.1", "no module");
	put("secret.so", "no module");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf policy_text = BUF_MAX(4096), key_text = BUF_MAX(4096);
		auto_p11_policy struct p11_policy policy = P11_POLICY_NONE;
		auto_p11_key struct p11_key *key = NULL;
		auto_free char *path = NULL;
		struct err err = ERR_NONE;
		buf_printf(&policy_text, "pkcs11:\n  ");
		buf_printf(&key_text, "pkcs11:\n  uri: pkcs11:token=a?");
		for (const char *c = cases[i].policy; *c; c++)
			buf_printf(&policy_text, "%.*s", *c == '@' ? (int)strlen(place) : 1,
					*c == '@' ? place : c);
		for (const char *c = cases[i].query; *c; c++)
			buf_printf(&key_text, "%.*s", *c == '@' ? (int)strlen(place) : 1,
					*c == '@' ? place : c);
		put("policy.yaml", "%s\n", buf_text(&policy_text));
		assert_int_equal(p11_policy_load(at("policy.yaml"), &policy, &err), 0);
		assert_int_equal(p11_key_parse(buf_span(&key_text), &key, &err), 0);
		assert_int_equal(p11_module_find(key, &policy, &path, &err), cases[i].found ? 0 : -1);
		if (err.kind != cases[i].kind)
			fail_msg("case %zu: %s", i, err.text);
		if (cases[i].found)
			assert_string_equal(path, at(cases[i].found));
	}
}

static void a_policy_has_its_form(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "", ERR_FORMAT },
		{ "module-directories: []\n", ERR_FORMAT },
		{ "pkcs11: []\n", ERR_FORMAT },
		{ "pkcs11: {module-directories: /usr/lib}\n", ERR_FORMAT },
		{ "pkcs11: {allowed-module-paths: [7]}\n", ERR_FORMAT },
		{ "pkcs11: {}\n", ERR_OK },
	};
	auto_p11_policy struct p11_policy policy = P11_POLICY_NONE;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err_clear(&err);
		put("policy.yaml", "%s", cases[i].text);
		assert_int_equal(p11_policy_load(at("policy.yaml"), &policy, &err), cases[i].kind ? -1 : 0);
		assert_int_equal(err.kind, cases[i].kind);
	}
	assert_int_equal(p11_policy_load(at("none.yaml"), &policy, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(p11_policy_load(NULL, &policy, &err), 0);
	assert_true(json_equal(policy.allowed, policy.directories));
	assert_string_equal(json_string_value(json_array_get(policy.allowed, 3)), "/usr/lib/softhsm/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_a_description_when_it_sees_one),
		cmocka_unit_test(the_text_of_a_key_is_without_its_pin),
		cmocka_unit_test(the_policy_says_which_module_is_loaded),
		cmocka_unit_test(a_policy_has_its_form),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
