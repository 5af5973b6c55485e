/* SPDX-License-Identifier: Apache-2.0 */
#include "base/closest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void counts_the_edits(void **state)
{
	static const struct {
		const char *a, *b;
		size_t edits;
	} cases[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "same", "same", 0 },
		{ "ab", "ba", 1 },
		{ "abc", "abd", 1 },
		{ "abc", "abcd", 1 },
		{ "abcd", "acd", 1 },
		{ "ca", "abc", 3 },
		{ "kitten", "sitting", 3 },
		{ "abcdef", "badcfe", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(closest_distance(cases[i].a, cases[i].b), cases[i].edits);
}

static void a_word_that_is_too_long_is_close_to_nothing(void **state)
{
	char longest[CLOSEST_WORD_MAX + 1] = "", longer[CLOSEST_WORD_MAX + 2] = "";

	(void)state;
	memset(longest, 'x', CLOSEST_WORD_MAX);
	memset(longer, 'x', CLOSEST_WORD_MAX + 1);
	assert_int_equal(closest_distance(longest, longest), 0);
	assert_true(closest_distance(longer, longest) == SIZE_MAX);
	assert_true(closest_distance("", longer) == SIZE_MAX);
	assert_null(closest_word(longer, (const char *const[]){ longest, NULL }));
}

static void names_the_word_that_was_meant(void **state)
{
	static const char *const known[] = { "create", "show", "digest", "verify", "x", NULL };
	static const struct {
		const char *wrong, *meant;
	} cases[] = {
		{ "creat", "create" },
		{ "craete", "create" },
		{ "sohw", "show" },
		{ "shwo", "show" },
		{ "digset", "digest" },
		{ "verfiy", "verify" },
		{ "VERIFY", NULL },
		{ "delete", NULL },
		{ "", NULL },
		{ "y", NULL },
		{ "hopeless", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *word = closest_word(cases[i].wrong, known);
		if (!cases[i].meant)
			assert_null(word);
		else
			assert_string_equal(word ? word : "", cases[i].meant);
	}
	assert_null(closest_word("a", (const char *const[]){ NULL }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_the_edits),
		cmocka_unit_test(a_word_that_is_too_long_is_close_to_nothing),
		cmocka_unit_test(names_the_word_that_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
