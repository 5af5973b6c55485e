/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of images' names. */
#include "base/err.h"
#include "oci/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEN     "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *pattern, *name;
	bool matches;
} rows[] = {
	{ "**", "nginx", true },
	{ "docker.io/library/nginx", "nginx", true },
	{ "docker.io/library/nginx", "index.docker.io/nginx:1", true },
	{ "docker.io/library/nginx", "nginx2", false },
	{ "docker.io/library/nginx", "evil.example/docker.io/library/nginx", false },
	{ "docker.io/library/nginx", "nginx/x", false },
	{ "docker.io/library/b*", "busybox", true },
	{ "docker.io/library/b*", "b", true },
	{ "docker.io/library/b*", "library/b/c", false },
	{ "docker.io/library/*", "team/app", false },
	{ "docker.io/**", "team/app", true },
	{ "docker.io/**", "docker.io.evil.example/app", false },
	{ "docker.io/*", "docker.io/nginx", false },
	{ "docker.io/*/*", "nginx", true },
	{ "registry.example/shop**", "registry.example/shop", true },
	{ "registry.example/shop**", "registry.example/shop/a/b", true },
	{ "registry.example/shop**", "registry.example/shopping/x", true },
	{ "registry.example/shop/**", "registry.example/shop", false },
	{ "registry.example/shop/**", "registry.example/shopping/x", false },
	{ "registry.example/shop/**", "REGISTRY.example:443/shop/x", true },
	{ "registry.example/**", "registry.example:5000/x", false },
	{ "registry.example:5000/**", "registry.example:5000/x", true },
	{ "registry.example:?000/**", "registry.example:5000/x", true },
	{ "registry.example*/**", "registry.example:5000/x", true },
	{ "*.example/**", "registry.example/x", true },
	{ "*.example/**", "a.registry.example/x", true },
	{ "*.example/**", "registry.example.evil/x", false },
	{ "*.example/**", "evil/registry.example/x", false },
	{ "**/app", "registry.example/team/app", true },
	{ "**/app", "registry.example/team/myapp", false },
	{ "**app", "registry.example/team/myapp", true },
	{ "*/**", "nginx", true },
	{ "*/*", "registry.example/app", true },
	{ "*/*", "registry.example/team/app", false },
	{ "registry.example/??p", "registry.example/app", true },
	{ "registry.example/??p", "registry.example/a/p", false },
	{ "registry.example/a**b**c", "registry.example/a/x/b/y/c", true },
	{ "registry.example/a**b**c", "registry.example/a/x/c/y/b", false },
	{ "registry.example/a*b", "registry.example/a-b-b", true },
	{ "[::1]:5000/**", "[0:0::1]:5000/app", true },
	{ "localhost/**", "localhost:443/app", true },
	{ "registry:443/**", "Registry:443/app", true },
	{ "docker.io/**", "registry:443/app", false },
};

static void matches_as_a_person_reads_it(void **state)
{
	struct oci_name name;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (oci_name_parse(rows[i].name, &name, &err) < 0)
			fail_msg("%s", err.text);
		/* the one that can match nothing is refused as a pattern, and matches nothing */
		if (oci_pattern_check(rows[i].pattern, &err) < 0 &&
				strcmp(rows[i].pattern, "docker.io/*") != 0)
			fail_msg("%s", err.text);
		if (oci_pattern_matches(rows[i].pattern, &name) != rows[i].matches)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].name);
	}
}

static const struct {
	const char *pattern, *words;
} bads[] = {
	{ "", "is empty" },
	{ "*", "has no '/'" },
	{ "nginx", "has no '/'" },
	{ "registry.example", "has no '/'" },
	{ "library/nginx", "begins with no host" },
	{ "team/**", "begins with no host" },
	{ "docker.io/nginx", "matches nothing" },
	{ "docker.io/b*", "matches nothing" },
	{ "index.docker.io/**", "is docker.io here" },
	{ "registry-1.docker.io/**", "is docker.io here" },
	{ "registry.example:443/**", "names the port 443" },
	{ "Registry.example/**", "upper-case" },
	{ "registry.example/App", "upper-case" },
	{ "registry.example/app:1", "has a tag" },
	{ "registry.example/app:*", "has a tag" },
	{ "registry.example/app@sha256:0", "has a digest" },
	{ "registry.example/***", "has '***'" },
	{ "registry.example//app", "an empty part" },
	{ "/app", "an empty part" },
	{ "registry.example/", "an empty part" },
	{ "registry.example/a b", "at byte 19" },
	{ "registry.example/{a,b}", "at byte 18" },
	{ "registry.example/\xc3\xa9", "at byte 18" },
	{ "registry.example/a\n", "at byte 19" },
	{ "**" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, "more than" },
};

static void refuses_a_pattern_that_says_something_else_than_it_seems(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct err err = ERR_NONE;
		if (oci_pattern_check(bads[i].pattern, &err) == 0)
			fail_msg("'%s' passes", bads[i].pattern);
		if (!strstr(err.text, bads[i].words))
			fail_msg("'%s': %s", bads[i].pattern, err.text);
	}
}

/* A matcher that tries one way after the other would not end here. */
static void does_not_take_longer_for_a_hostile_pattern(void **state)
{
	char pattern[OCI_PATTERN_MAX + 1] = "";
	struct oci_name name = { .host = "x.y" };

	(void)state;
	memset(name.repository, 'a', sizeof(name.repository) - 6);
	for (size_t i = 0; i + 3 < sizeof(pattern); i += 3)
		memcpy(pattern + i, "**a", 4);
	for (int i = 0; i < 100; i++)
		assert_true(oci_pattern_matches(pattern, &name));
	pattern[strlen(pattern) - 1] = 'b';
	for (int i = 0; i < 100; i++)
		assert_false(oci_pattern_matches(pattern, &name));
	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*?", 3);
	assert_false(oci_pattern_matches(pattern, &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_as_a_person_reads_it),
		cmocka_unit_test(refuses_a_pattern_that_says_something_else_than_it_seems),
		cmocka_unit_test(does_not_take_longer_for_a_hostile_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
