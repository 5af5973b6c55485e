/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/dockerconfig.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "oci/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* u:p, v:q and so on in base64 */
#define UP "dTpw"
#define VQ "djpx"
#define WR "dzpy"

static char folder[] = "/tmp/cocoon-dockerconfig-XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);

	assert_int_equal(fs_write_atomic(path, span_of(text), mode, NULL), 0);
}

/* The helper docker-credential-NAME that runs this script. */
static void put_helper(const char *name, const char *script)
{
	auto_free char *file = xasprintf("docker-credential-%s", name);
	auto_free char *text = xasprintf("#!/bin/sh\nread -r server\n%s\n", script);

	put(file, text, 0700);
}

/* "user:password", "identity <token>" or "none". */
static void describe(const struct oci_login *login, char *out, size_t cap)
{
	if (login->identity.len)
		snprintf(out, cap, "identity %s", (const char *)login->identity.ptr);
	else if (login->user)
		snprintf(out, cap, "%s:%s", login->user,
				login->password.len ? (const char *)login->password.ptr : "");
	else
		snprintf(out, cap, "none");
}

static void assert_finds(const char *config, const char *host, const char *repository, const char *expected)
{
	auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
	struct err err = ERR_NONE;
	char found[200];

	if (dockerconfig_find(span_of(config), host, repository, &login, &err) < 0)
		fail_msg("%s/%s in %s: %s", host, repository, config, err.text);
	describe(&login, found, sizeof(found));
	if (strcmp(found, expected) != 0)
		fail_msg("%s/%s in %s: %s, not %s", host, repository, config, found, expected);
}

static void assert_refuses(const char *config, enum err_kind kind, const char *words)
{
	auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
	struct err err = ERR_NONE;

	if (dockerconfig_find(span_of(config), "h.example", "a/b", &login, &err) == 0)
		fail_msg("accepted %s", config);
	if (err.kind != kind || !strstr(err.text, words) || strstr(err.text, "s3cret"))
		fail_msg("%s: %s %s", config, err_kind_name(err.kind), err.text);
	assert_null(login.user);
}

/* ---- malformed ---- */

static void refuses_what_is_no_configuration(void **state)
{
	static const struct {
		const char *config;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "", ERR_FORMAT, "" },
		{ "[]", ERR_FORMAT, "" },
		{ "{\"auths\":[]}", ERR_FORMAT, "auths" },
		{ "{\"auths\":{\"h.example\":7}}", ERR_FORMAT, "h.example" },
		{ "{\"auths\":{\"h.example\":{\"auth\":7}}}", ERR_FORMAT, "auth" },
		{ "{\"auths\":{\"h.example\":{\"auth\":\"s3cret!\"}}}", ERR_FORMAT, "base64" },
		{ "{\"auths\":{\"h.example\":{\"auth\":\"dXA=\"}}}", ERR_FORMAT, "user:password" },
		{ "{\"auths\":{\"h.example\":{\"auth\":\"OnA=\"}}}", ERR_FORMAT, "user:password" },
		{ "{\"auths\":{\"h.example\":{\"auth\":\"dQ06cA==\"}}}", ERR_FORMAT, "control byte" },
		{ "{\"auths\":{\"h.example\":{\"identitytoken\":[]}}}", ERR_FORMAT, "identitytoken" },
		{ "{\"auths\":{\"h.example\":{\"auth\":\"" UP "\"},\"h.example\":{}}}", ERR_FORMAT, "" },
		{ "{\"credHelpers\":7}", ERR_FORMAT, "credHelpers" },
		{ "{\"credHelpers\":{\"h.example\":7}}", ERR_FORMAT, "credHelpers.h.example" },
		{ "{\"credHelpers\":{\"h.example\":\"../x\"}}", ERR_FORMAT, "'../x'" },
		{ "{\"credsStore\":\"a b\"}", ERR_FORMAT, "'a b'" },
		{ "{\"credsStore\":{}}", ERR_FORMAT, "credsStore" },
		{ "{\"credsStore\":\"is-not-there\"}", ERR_NOT_FOUND, "docker-credential-is-not-there" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refuses(cases[i].config, cases[i].kind, cases[i].words);
}

static void refuses_a_configuration_that_is_cut_anywhere(void **state)
{
	static const char config[] = "{\"auths\":{\"h.example\":{\"auth\":\"" UP "\"}},\"credHelpers\":{}}";

	(void)state;
	for (size_t i = 0; i < sizeof(config) - 1; i++) {
		auto_free char *cut = xmemdup0(config, i);
		assert_refuses(cut, ERR_FORMAT, "");
	}
	assert_finds(config, "h.example", "a", "u:p");
}

static void refuses_a_configuration_that_is_too_large(void **state)
{
	auto_free char *text = xmalloc(DOCKERCONFIG_MAX + 3);

	(void)state;
	memset(text, ' ', DOCKERCONFIG_MAX + 2);
	memcpy(text, "{}", 2);
	text[DOCKERCONFIG_MAX + 2] = '\0';
	assert_refuses(text, ERR_LIMIT, "");
}

/* ---- auths ---- */

static void takes_the_most_specific_entry(void **state)
{
	static const char config[] =
			"{\"auths\":{\"h.example\":{\"auth\":\"" UP "\"},\"h.example/a\":{\"auth\":\"" VQ
			"\"},\"h.example/a/b\":{\"auth\":\"" WR
			"\"},\"h.example:5000\":{\"identitytoken\":\"i\"}}}";

	(void)state;
	assert_finds(config, "h.example", "a/b", "w:r");
	assert_finds(config, "h.example", "a/b/c", "w:r");
	assert_finds(config, "h.example", "a/bc", "v:q");
	assert_finds(config, "h.example", "a", "v:q");
	assert_finds(config, "h.example", "ab", "u:p");
	assert_finds(config, "h.example:5000", "a/b", "identity i");
	assert_finds(config, "h.example:5001", "a/b", "none");
	assert_finds(config, "example", "a/b", "none");
	assert_finds("{}", "h.example", "a", "none");
	assert_finds("{\"auths\":{\"h.example\":{}},\"credsStore\":\"\"}", "h.example", "a", "none");
}

static void knows_dockers_old_keys(void **state)
{
	static const char *const keys[] = { "docker.io", "index.docker.io", "registry-1.docker.io",
		"https://index.docker.io/v1/", "https://docker.io", "http://index.docker.io/v2/" };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		auto_free char *config = xasprintf("{\"auths\":{\"%s\":{\"auth\":\"" UP "\"}}}", keys[i]);
		assert_finds(config, "docker.io", "library/mysql", "u:p");
		assert_finds(config, "docker.example", "library/mysql", "none");
	}
	assert_finds("{\"auths\":{\"https://h.example/v1/\":{\"auth\":\"" UP "\"}}}", "h.example", "a",
			"u:p");
	assert_finds("{\"auths\":{\"https://h.example/v1/\":{\"auth\":\"" UP
		     "\"},\"h.example\":{\"auth\":\"" VQ "\"}}}",
			"h.example", "a", "v:q");
}

static void reads_passwords_as_they_are_kept(void **state)
{
	static const struct {
		const char *plain;
		const char *expected;
	} cases[] = {
		{ "liudalibj:Passw0rd!qaz\n", "liudalibj:Passw0rd!qaz" },
		{ "u:a:b", "u:a:b" },
		{ "u:", "u:" },
		{ "<token>:x", "<token>:x" },
		{ "u: p ", "u: p " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf coded = BUF_MAX(1000);
		b64_encode(&coded, span_of(cases[i].plain));
		auto_free char *config = xasprintf("{\"auths\":{\"h\":{\"auth\":\"%s\"}}}", buf_text(&coded));
		assert_finds(config, "h", "a", cases[i].expected);
	}
}

/* ---- helpers ---- */

#define SAY(user, secret) \
	"printf '{\"ServerURL\":\"x\",\"Username\":\"" user "\",\"Secret\":\"%s\"}' \"" secret "\""

static void asks_the_helper_of_the_host_first(void **state)
{
	static const char config[] = "{\"credHelpers\":{\"h.example\":\"one\",\"other.example\":\"\"},"
				     "\"credsStore\":\"two\","
				     "\"auths\":{\"h.example/a\":{\"auth\":\"" UP
				     "\"},\"other.example\":{\"auth\":\"" UP "\"}}}";

	(void)state;
	put_helper("one", SAY("one $1", "$1 $server"));
	put_helper("two",
			"test \"$server\" = known.example || { echo 'credentials not found in native "
			"keychain'; exit 1; }\n" SAY("<token>", "t"));
	assert_finds(config, "h.example", "a/b", "one $1:get h.example");
	assert_finds(config, "known.example", "a/b", "identity t");
	assert_finds(config, "third.example", "a/b", "none");
	assert_finds(config, "other.example", "a/b", "u:p");
}

static void asks_the_helper_for_docker_hub_by_its_old_name(void **state)
{
	(void)state;
	put_helper("one", SAY("u", "$server"));
	assert_finds("{\"credsStore\":\"one\"}", "docker.io", "library/a", "u:https://index.docker.io/v1/");
	assert_finds("{\"credHelpers\":{\"https://index.docker.io/v1/\":\"one\"}}", "docker.io", "a",
			"u:https://index.docker.io/v1/");
}

static void falls_back_to_the_file_where_the_store_knows_nothing(void **state)
{
	(void)state;
	put_helper("none", "echo 'credentials not found in native keychain'; exit 1");
	assert_finds("{\"credsStore\":\"none\",\"auths\":{\"h.example\":{\"auth\":\"" UP "\"}}}", "h.example",
			"a", "u:p");
}

static void tells_why_a_helper_failed(void **state)
{
	static const struct {
		const char *script;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "echo s3cret; exit 1", ERR_AUTH, "exit code 1" },
		{ "kill -9 $$", ERR_AUTH, "signal 9" },
		{ "true", ERR_FORMAT, "" },
		{ "echo s3cret", ERR_FORMAT, "docker-credential-bad" },
		{ "echo '{\"Username\":\"u\"}'", ERR_FORMAT, "Secret" },
		{ "echo '{\"Secret\":\"s3cret\"}'", ERR_FORMAT, "Username" },
		{ "head -c 70000 /dev/zero", ERR_LIMIT, "65536" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_helper("bad", cases[i].script);
		assert_refuses("{\"credsStore\":\"bad\"}", cases[i].kind, cases[i].words);
	}
}

/* ---- all files ---- */

static void looks_into_the_files_in_their_order(void **state)
{
	auto_free char *missing = xasprintf("%s/missing.json", folder),
		       *one = xasprintf("%s/one.json", folder), *two = xasprintf("%s/two.json", folder),
		       *bad = xasprintf("%s/bad.json", folder);
	const char *const files[] = { missing, one, two, bad, NULL }, *const bad_first[] = { bad, one, NULL };
	struct oci_access access = { .auth_files = files };
	auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
	struct oci_place place = { .host = "two.example", .repository = "a" };
	struct err err = ERR_NONE;

	(void)state;
	put("one.json", "{\"auths\":{\"one.example\":{\"auth\":\"" UP "\"}}}", 0600);
	put("two.json",
			"{\"auths\":{\"one.example\":{\"auth\":\"" WR "\"},\"two.example\":{\"auth\":\"" VQ
			"\"}}}",
			0600);
	put("bad.json", "{", 0600);
	assert_int_equal(oci_login_find(&access, &place, &login, &err), 0);
	assert_string_equal(login.user, "v");
	oci_login_clear(&login);
	snprintf(place.host, sizeof(place.host), "one.example");
	assert_int_equal(oci_login_find(&access, &place, &login, &err), 0);
	assert_string_equal(login.user, "u");
	oci_login_clear(&login);
	access.auth_files = bad_first;
	assert_int_equal(oci_login_find(&access, &place, &login, &err), -1);
	assert_non_null(strstr(err.text, "bad.json"));
	access.auth_file = missing;
	assert_int_equal(oci_login_find(&access, &place, &login, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	access.auth_file = two;
	assert_int_equal(oci_login_find(&access, &place, &login, &err), 0);
	assert_string_equal(login.user, "w");
	access.credentials = "x:y\n";
	assert_int_equal(oci_login_find(&access, &place, &login, &err), 0);
	assert_string_equal(login.user, "x");
	assert_true(secret_is(&login.password, SPAN_LIT("y")));
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	auto_free char *path = xasprintf("%s:%s", folder, getenv("PATH"));
	return setenv("PATH", path, 1);
}

static int tear_down(void **state)
{
	static const char *const files[] = { "one.json", "two.json", "bad.json", "docker-credential-one",
		"docker-credential-two", "docker-credential-none", "docker-credential-bad" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_configuration),
		cmocka_unit_test(refuses_a_configuration_that_is_cut_anywhere),
		cmocka_unit_test(refuses_a_configuration_that_is_too_large),
		cmocka_unit_test(takes_the_most_specific_entry),
		cmocka_unit_test(knows_dockers_old_keys),
		cmocka_unit_test(reads_passwords_as_they_are_kept),
		cmocka_unit_test(asks_the_helper_of_the_host_first),
		cmocka_unit_test(asks_the_helper_for_docker_hub_by_its_old_name),
		cmocka_unit_test(falls_back_to_the_file_where_the_store_knows_nothing),
		cmocka_unit_test(tells_why_a_helper_failed),
		cmocka_unit_test(looks_into_the_files_in_their_order),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
