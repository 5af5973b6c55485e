/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: one normal form for all ways to write one, and what has two readings has none. */
#include "oci/name.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEX     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256  "sha256:" HEX
#define SHA512  "sha512:" HEX HEX
#define TEN     "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *text, *form;
	bool default_tag;
} forms[] = {
	{ "nginx", "docker.io/library/nginx:latest", true },
	{ "nginx:latest", "docker.io/library/nginx:latest", false },
	{ "nginx:1.27", "docker.io/library/nginx:1.27", false },
	{ "library/nginx", "docker.io/library/nginx:latest", true },
	{ "docker.io/nginx", "docker.io/library/nginx:latest", true },
	{ "docker.io/library/nginx", "docker.io/library/nginx:latest", true },
	{ "DOCKER.io/nginx", "docker.io/library/nginx:latest", true },
	{ "docker.io:443/nginx", "docker.io/library/nginx:latest", true },
	{ "Docker.IO:443/library/nginx:1", "docker.io/library/nginx:1", false },
	{ "index.docker.io/nginx", "docker.io/library/nginx:latest", true },
	{ "INDEX.docker.io:443/team/app", "docker.io/team/app:latest", true },
	{ "registry-1.docker.io/library/nginx", "docker.io/library/nginx:latest", true },
	{ "registry-1.docker.io:443/team/app", "docker.io/team/app:latest", true },
	{ "team/app", "docker.io/team/app:latest", true },
	{ "docker.io:5000/nginx", "docker.io:5000/nginx:latest", true },
	{ "Registry.Example:443/app:1.2", "registry.example/app:1.2", false },
	{ "REGISTRY.EXAMPLE/app", "registry.example/app:latest", true },
	{ "registry.example:5000/a/b/c:V_1.2-x", "registry.example:5000/a/b/c:V_1.2-x", false },
	{ "registry.example:80/app", "registry.example:80/app:latest", true },
	{ "localhost/app", "localhost/app:latest", true },
	{ "localhost:443/app", "localhost/app:latest", true },
	{ "LocalHost:5000/app", "localhost:5000/app:latest", true },
	{ "registry:5000/app", "registry:5000/app:latest", true },
	/* without its port this would be docker.io/registry/app */
	{ "Registry:443/app", "registry:443/app:latest", true },
	{ "registry.example/app@" SHA256, "registry.example/app@" SHA256, false },
	{ "registry.example/app:1@" SHA256, "registry.example/app:1@" SHA256, false },
	{ "registry.example:5000/app@" SHA512, "registry.example:5000/app@" SHA512, false },
	{ "nginx@" SHA256, "docker.io/library/nginx@" SHA256, false },
	{ "127.0.0.1:5000/app", "127.0.0.1:5000/app:latest", true },
	{ "10.0.0.1/app", "10.0.0.1/app:latest", true },
	{ "[::1]:5000/app", "[::1]:5000/app:latest", true },
	{ "[0:0:0:0:0:0:0:1]:443/app", "[::1]/app:latest", true },
	{ "[2001:DB8:0::A]/app:1", "[2001:db8::a]/app:1", false },
	{ "1.2.3.4.example/app", "1.2.3.4.example/app:latest", true },
	{ "xn--bcher-kva.example/app", "xn--bcher-kva.example/app:latest", true },
	{ "x.y/" HEX, "x.y/" HEX ":latest", true },
	{ "docker.io/" HEX, "docker.io/library/" HEX ":latest", true },
	{ "x.y/sha256:" HEX, "x.y/sha256:" HEX, false },
	{ "a__b/c---d", "docker.io/a__b/c---d:latest", true },
};

static void has_one_form_for_all_ways_to_write_it(void **state)
{
	struct oci_name name, again;
	char form[OCI_NAME_MAX], twice[OCI_NAME_MAX];
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (oci_name_parse(forms[i].text, &name, &err) < 0)
			fail_msg("%s", err.text);
		oci_name_format(&name, form);
		assert_string_equal(form, forms[i].form);
		if (name.default_tag != forms[i].default_tag)
			fail_msg("%s: default_tag", forms[i].text);
		if (oci_name_parse(form, &again, &err) < 0)
			fail_msg("%s", err.text);
		oci_name_format(&again, twice);
		assert_string_equal(twice, form);
	}
}

static const struct {
	const char *text, *words;
} bads[] = {
	{ "", "names no repository" },
	{ " nginx", "no part of a repository" },
	{ "nginx ", "no part of a repository" },
	{ "nginx:1 ", "a tag has" },
	{ "nginx\n", "no part of a repository" },
	{ "\tnginx", "no part of a repository" },
	{ "registry.example /app", "is no host" },
	{ "registry.example/ app", "no part of a repository" },
	{ "ngi\x01nx", "no part of a repository" },
	{ "ngi\x7fnx", "no part of a repository" },
	{ "nginx\xc3\xa9", "no part of a repository" },
	{ "b\xc3\xbc"
	  "cher.example/app",
			"is no host" },
	{ "registry\xe2\x80\xa4"
	  "example/app:1",
			"no part of a repository" },
	{ "docker.io\xe2\x88\x95library/nginx", "is no host" },
	{ "Nginx", "'Nginx' is no part" },
	{ "docker.io/Library/nginx", "'Library' is no part" },
	{ "registry.example/App", "'App' is no part" },
	{ "TEAM/app", "'TEAM' is no part" },
	{ "LOCALHOST/app", "'LOCALHOST' is no part" },
	{ "docker://nginx", "is no host" },
	{ "https://registry.example/app", "is no host" },
	{ "user:pass@registry.example/app", "behind the '@'" },
	{ "registry.example:/app", "is no host" },
	{ "registry.example:0/app", "is no host" },
	{ "registry.example:65536/app", "is no host" },
	{ "registry.example:0443/app", "is no host" },
	{ "registry.example:+443/app", "is no host" },
	{ "registry.example:443:443/app", "is no host" },
	{ "registry.example./app", "is no host" },
	{ "registry.example.:443/app", "is no host" },
	{ ".registry.example/app", "is no host" },
	{ "registry..example/app", "is no host" },
	{ "-registry.example/app", "is no host" },
	{ "registry_x.example/app", "is no host" },
	{ "/nginx", "no part of a repository" },
	{ "//nginx", "no part of a repository" },
	{ "nginx/", "ends in '/'" },
	{ "docker.io/", "names no repository" },
	{ "docker.io//nginx", "no part of a repository" },
	{ "docker.io/../x", "no part of a repository" },
	{ "docker.io/./x", "no part of a repository" },
	{ "registry.example/a/../../b", "no part of a repository" },
	{ "registry.example/a..b", "no part of a repository" },
	{ "registry.example/a%2fb", "no part of a repository" },
	{ "registry.example/a?b", "no part of a repository" },
	{ "registry.example/a#b", "no part of a repository" },
	{ "registry.example/a\\b", "no part of a repository" },
	{ HEX, "64 hex digits" },
	{ HEX ":1", "64 hex digits" },
	{ SHA256, "is a digest without a repository" },
	{ "sha512:" HEX, "is a digest without a repository" },
	{ "@" SHA256, "names no repository" },
	{ "nginx@", "behind the '@'" },
	{ "nginx@sha256:", "behind the '@'" },
	{ "nginx@sha256:" TEN, "behind the '@'" },
	{ "nginx@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "behind the '@'" },
	{ "nginx@SHA256:" HEX, "behind the '@'" },
	{ "nginx@" SHA256 "@" SHA256, "behind the '@'" },
	{ "nginx@" SHA256 ":1", "behind the '@'" },
	{ "nginx@" SHA256 " ", "behind the '@'" },
	{ "nginx:", "a tag has" },
	{ "nginx:-1", "a tag has" },
	{ "nginx:.1", "a tag has" },
	{ "nginx:1:2", "no part of a repository" },
	{ "nginx:1@2", "behind the '@'" },
	{ "nginx:" HUNDRED TEN TEN TEN, "a tag has" },
	{ "127.1:5000/app", "four decimal numbers" },
	{ "10.1:5000/app", "four decimal numbers" },
	{ "2130706433:5000/app", "four decimal numbers" },
	{ "0x7f.1/app", "four decimal numbers" },
	{ "0X7F.0.0.1/app", "four decimal numbers" },
	{ "127.0.0.0x1/app", "four decimal numbers" },
	{ "010.0.0.1/app", "four decimal numbers" },
	{ "1.2.3.4.5/app", "four decimal numbers" },
	{ "256.0.0.1/app", "four decimal numbers" },
	{ "[::ffff:7f00:1]/app", "write that one" },
	{ "[::7f00:1]/app", "write that one" },
	{ "[::1/app", "is no host" },
	{ "[]/app", "no part of a repository" },
	{ "[::1%25lo]/app", "is no host" },
	{ "[1]/app", "no part of a repository" },
	{ "[1:2]/app", "is no IPv6 address" },
	{ "[:::::::::]/app", "is no IPv6 address" },
	{ "[::1]x/app", "is no host" },
	{ "[::1]:/app", "is no host" },
};

static void refuses_what_could_be_read_in_two_ways(void **state)
{
	struct oci_name name = { .host = "untouched" };

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct err err = ERR_NONE;
		if (oci_name_parse(bads[i].text, &name, &err) == 0)
			fail_msg("'%s' passes as %s/%s", bads[i].text, name.host, name.repository);
		if (err.kind != ERR_FORMAT || !strstr(err.text, bads[i].words))
			fail_msg("'%s': %s", bads[i].text, err.text);
		for (const char *c = err.text; *c; c++)
			assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
	}
	assert_string_equal(name.host, "untouched");
}

static void bounds_what_it_keeps(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		/* 255 bytes of host and repository, with what is made up */
		{ "x.y/" HUNDRED HUNDRED TEN TEN TEN TEN TEN "a", true },
		{ "x.y/" HUNDRED HUNDRED TEN TEN TEN TEN TEN "ab", false },
		{ HUNDRED HUNDRED TEN TEN TEN "abcdefg", true },
		{ HUNDRED HUNDRED TEN TEN TEN "abcdefgh", false },
		{ "docker.io/" HUNDRED HUNDRED TEN TEN TEN "abcdefg", true },
		{ "docker.io/" HUNDRED HUNDRED TEN TEN TEN "abcdefgh", false },
		{ HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, false },
		{ "x.y/a:" HUNDRED TEN TEN "abcdefgh@" SHA512, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oci_name name;
		struct err err = ERR_NONE;
		int result = oci_name_parse(rows[i].text, &name, &err);
		if ((result == 0) != rows[i].good || (result < 0 && err.kind != ERR_LIMIT))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void refuses_a_name_that_is_cut_anywhere_or_reads_it_whole(void **state)
{
	static const char whole[] = "registry.example:5000/team/app:1.2@" SHA256;
	struct oci_name name;
	char form[OCI_NAME_MAX];

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		auto_free char *text = xmemdup0(whole, len);
		if (oci_name_parse(text, &name, NULL) < 0)
			continue;
		oci_name_format(&name, form);
		/* what is left is its own name, but for the implied tag */
		assert_true(strstr(form, text) || name.host[0] == 'd');
		assert_true(!name.digest[0] || len == sizeof(whole) - 1);
	}
}

static void is_fetched_by_its_digest_else_its_tag(void **state)
{
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	struct oci_name name;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(oci_name_parse(forms[i].text, &name, &err), 0);
		if (oci_name_place(&name, place, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(place->transport, OCI_DOCKER);
		assert_string_equal(place->host, name.host);
		assert_string_equal(place->repository, name.repository);
		assert_string_equal(place->tag, name.tag);
		assert_string_equal(place->digest, name.digest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_one_form_for_all_ways_to_write_it),
		cmocka_unit_test(refuses_what_could_be_read_in_two_ways),
		cmocka_unit_test(bounds_what_it_keeps),
		cmocka_unit_test(refuses_a_name_that_is_cut_anywhere_or_reads_it_whole),
		cmocka_unit_test(is_fetched_by_its_digest_else_its_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
