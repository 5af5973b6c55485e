/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/line.h"

#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void makes_any_bytes_fit_for_people(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "a\nb\tc\rd\x1b[0m\x7f", "a?b?c?d?[0m?" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92" },
		{ "\xc3", "?" },
		{ "\xe2\x82x", "??x" },
		{ "\xff\xfe\x80", "???" },
		{ "\xed\xa0\x80", "???" },
		{ "\xc0\xaf", "??" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *line = json_line(100, "%s", cases[i].in);
		assert_string_equal(json_string_value(line), cases[i].out);
	}
}

static void cuts_between_characters_and_says_so(void **state)
{
	(void)state;
	for (size_t max = 4; max < 20; max++) {
		auto_json json_t *line =
				json_line(max, "%s%d", "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xc3\xa4", 123);
		const char *text = json_string_value(line);
		size_t len = json_string_length(line);
		assert_true(len <= max);
		assert_true(span_is_utf8(span_new(text, len)));
		if (max < 14)
			assert_string_equal(text + len - 3, "...");
		else
			assert_int_equal(len, 14);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_any_bytes_fit_for_people),
		cmocka_unit_test(cuts_between_characters_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
