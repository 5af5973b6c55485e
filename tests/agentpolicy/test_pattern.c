/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/pattern.h"

#include "tests/agentpolicy/workload_rig.h"

#include <regex.h>

static void escapes_all_that_means_something(void **state)
{
	static const struct {
		const char *text, *pattern;
	} cases[] = {
		{ "", "" },
		{ "web-1", "web-1" },
		{ "web.1", "web\\.1" },
		{ "\\.+*?()|[]{}^$", "\\\\\\.\\+\\*\\?\\(\\)\\|\\[\\]\\{\\}\\^\\$" },
		{ "größe /a_b:c@d#e", "größe /a_b:c@d#e" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *pattern = pattern_escape(cases[i].text);
		assert_string_equal(pattern, cases[i].pattern);
	}
}

static void what_is_escaped_matches_itself_alone(void **state)
{
	static const char *const texts[] = { "a.b", "a+b", "(a|b)", "[ab]", "a{2}", "^a$", "a\\b", "a*?" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		auto_free char *escaped = pattern_escape(texts[i]);
		auto_free char *pattern = xasprintf("^%s$", escaped);
		regex_t regex;
		assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
		for (size_t k = 0; k < COUNT(texts); k++)
			assert_int_equal(regexec(&regex, texts[k], 0, NULL, 0), i == k ? 0 : REG_NOMATCH);
		regfree(&regex);
	}
}

static void knows_what_is_anchored(void **state)
{
	static const char *const anchored[] = { "^$", "^a$", "^(a|b)$", "^a\\|b$", "^[|]$", "^[]|]$",
		"^[^]|]$", "^[[:alpha:]|]$", "^a\\$$", "^(?:a|b)$", "^((a|b)|c)$", "^a\\\\$", "^[$]$",
		"^a(^b$|c)$", "^(?P<n>a|b)$" };
	static const char *const loose[] = { "", "^", "$", "a", "^a", "a$", "^a|b$", "^(a)|b$", "^a\\$",
		"^a$b", "^a[$]", "^(a$", "^a)$", "^(a|b$)", "(^a$)", "^[a$", "^[]$", "(?m)^a$", "^(?m)a$",
		"^(?im:a)$", "^a\\", "^a$|" };

	(void)state;
	for (size_t i = 0; i < COUNT(anchored); i++)
		if (!pattern_is_anchored(anchored[i]))
			fail_msg("%s is anchored", anchored[i]);
	for (size_t i = 0; i < COUNT(loose); i++)
		if (pattern_is_anchored(loose[i]))
			fail_msg("%s is not anchored", loose[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_all_that_means_something),
		cmocka_unit_test(what_is_escaped_matches_itself_alone),
		cmocka_unit_test(knows_what_is_anchored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
