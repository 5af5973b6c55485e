/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/stance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void says_of_a_rule_what_its_lines_say(void **state)
{
	static const struct {
		const char *rules;
		enum stance stance;
	} cases[] = {
		{ "", STANCE_ABSENT },
		{ "default Xyz := true\n", STANCE_ABSENT },
		{ "default X := false\n", STANCE_NEVER },
		{ "default X := false", STANCE_NEVER },
		{ "default X = false\n", STANCE_NEVER },
		{ "default X := true\n", STANCE_ALWAYS },
		{ "default X=true\n", STANCE_ALWAYS },
		{ "X := true\n", STANCE_ALWAYS },
		{ "X = true # for now\n", STANCE_ALWAYS },
		{ "  default   X :=   true\t\r\n", STANCE_ALWAYS },
		{ "X := true if {\n input.y\n}\n", STANCE_WHEN },
		{ "default X := false\nX if {\n input.y\n}\n", STANCE_WHEN },
		{ "X if {\n input.y\n}\ndefault X := false\n", STANCE_WHEN },
		{ "default X := false\nX := {\"allowed\": true} if y\n", STANCE_WHEN },
		{ "default X := false\nX := trueish\n", STANCE_WHEN },
		{ "default X := false\nX := true\n", STANCE_ALWAYS },
		{ "# default X := true\ndefault X := false\n", STANCE_NEVER },
		{ "y if X\n", STANCE_ABSENT },
		{ "default\nX\n", STANCE_WHEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(stance_of(span_of(cases[i].rules), "X"), cases[i].stance);
	assert_string_equal(stance_name(STANCE_ABSENT), "never");
	assert_string_equal(stance_name(STANCE_NEVER), "never");
	assert_string_equal(stance_name(STANCE_WHEN), "when");
	assert_string_equal(stance_name(STANCE_ALWAYS), "always");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_of_a_rule_what_its_lines_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
