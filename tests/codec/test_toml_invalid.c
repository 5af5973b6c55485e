/* SPDX-License-Identifier: Apache-2.0 */
/* What TOML 1.0 forbids, one test for each row: the text, the place that must be named, and words of the reason. */
#include "base/err.h"
#include "codec/json.h"
#include "codec/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 4096

struct row {
	const char *name, *toml;
	int line, column;
	const char *words;
};

static const struct row rows[] = {
	/* lines and keys */
	{ "refuses_a_key_alone", "a", 1, 2, "'='" },
	{ "refuses_a_key_and_a_newline", "a\n= 1", 1, 2, "the end of the line" },
	{ "refuses_a_missing_value", "a =\n", 1, 4, "a value" },
	{ "refuses_a_missing_value_at_the_end", "a = ", 1, 5, "the end of the text" },
	{ "refuses_a_comment_for_a_value", "a = # x", 1, 5, "a value" },
	{ "refuses_two_equal_signs", "a == 1", 1, 4, "a value" },
	{ "refuses_a_colon", "a: 1", 1, 2, "'='" },
	{ "refuses_a_second_pair_on_the_line", "a = 1 b = 2", 1, 7, "the end of the line" },
	{ "refuses_a_semicolon", "a = 1;", 1, 6, "the end of the line" },
	{ "refuses_a_missing_key", "= 1", 1, 1, "a key" },
	{ "refuses_an_equal_sign_on_its_own_line", "a = 1\n=\n", 2, 1, "a key" },
	{ "refuses_a_blank_in_a_bare_key", "a b = 1", 1, 3, "'='" },
	{ "refuses_a_letter_beyond_ascii_in_a_bare_key", "\xc3\xa9 = 1", 1, 1, "found '\xc3\xa9'" },
	{ "counts_characters_not_bytes", "\"\xc3\xa9\xc3\xa9\" = ?", 1, 8, "found '?'" },
	{ "refuses_a_leading_dot", ".a = 1", 1, 1, "a key" },
	{ "refuses_a_trailing_dot", "a. = 1", 1, 4, "a key" },
	{ "refuses_two_dots", "a..b = 1", 1, 3, "a key" },
	{ "refuses_a_key_of_many_lines", "\"\"\"a\"\"\" = 1", 1, 1, "many lines" },
	{ "refuses_a_literal_key_of_many_lines", "'''a''' = 1", 1, 1, "many lines" },
	{ "refuses_a_quoted_key_with_more_behind", "\"a\"b = 1", 1, 4, "'='" },
	{ "refuses_an_unclosed_key", "\"a = 1\n", 1, 1, "not closed" },
	{ "refuses_a_newline_in_a_key", "'a\n' = 1", 1, 1, "not closed" },
	{ "refuses_a_value_alone", "\"a\"", 1, 4, "'='" },
	{ "refuses_the_same_key_twice", "a = 1\na = 2", 2, 1, "'a' is set twice" },
	{ "refuses_the_same_key_in_quotes", "a = 1\n\"\\u0061\" = 2", 2, 1, "'a' is set twice" },
	{ "refuses_the_same_key_in_a_table", "[t]\na = 1\nb = 2\n a = 3", 4, 2, "set twice" },
	{ "refuses_a_key_that_is_a_table", "a.b = 1\na = 2", 2, 1, "'a' is set twice" },
	{ "refuses_the_same_dotted_key_twice", "a.b = 1\na . b = 2", 2, 5, "'b' is set twice" },
	{ "refuses_a_dotted_key_through_an_integer", "a = 1\na.b = 2", 2, 1, "has a value already" },
	{ "refuses_a_dotted_key_through_an_array", "a = []\na.b = 2", 2, 1, "has a value already" },
	{ "refuses_a_dotted_key_through_an_inline_table", "a = {}\na.b = 2", 2, 1, "has a value already" },
	{ "refuses_a_dotted_key_into_a_table_with_header", "[a.b]\n[a]\nb.c = 1", 3, 1,
			"a header of its own" },
	{ "refuses_a_dotted_key_through_a_table_with_header", "[a.b.c]\n[a]\nb.c.d = 1", 3, 3,
			"a header of its own" },
	{ "refuses_a_dotted_key_into_an_array_of_tables", "[[a.b]]\n[a]\nb.c = 1", 3, 1, "array of tables" },
	/* strings */
	{ "refuses_an_unclosed_basic_string", "a = \"x\n", 1, 5, "not closed on its line" },
	{ "refuses_a_basic_string_unclosed_at_the_end", "a = \"x", 1, 5, "not closed" },
	{ "refuses_an_unclosed_literal_string", "a = 'x\nb = 'y'", 1, 5, "not closed" },
	{ "refuses_a_quote_alone", "a = \"", 1, 5, "not closed" },
	{ "refuses_an_unclosed_string_of_many_lines", "\na = \"\"\"\nx\n\n", 2, 5, "never closed" },
	{ "refuses_an_unclosed_literal_of_many_lines", "a = '''\nx''", 1, 5, "never closed" },
	{ "refuses_a_string_of_many_lines_closed_by_the_other_quote", "a = '''\nx\"\"\"", 1, 5,
			"never closed" },
	{ "refuses_a_backslash_before_the_last_quotes", "a = \"\"\"x\\\"\"\"", 1, 5, "never closed" },
	{ "refuses_three_quotes_too_many", "a = \"\"\"x\"\"\"\"\"\"", 1, 14, "the end of the line" },
	{ "refuses_three_apostrophes_too_many", "a = '''x''''''", 1, 14, "the end of the line" },
	{ "refuses_text_behind_a_string", "a = \"x\"y", 1, 8, "the end of the line" },
	{ "refuses_an_apostrophe_in_a_literal_string", "a = 'it's'", 1, 9, "the end of the line" },
	{ "refuses_an_unknown_escape", "a = \"x\\y\"", 1, 7, "no such escape" },
	{ "refuses_the_hexadecimal_escape_of_1_1", "a = \"\\x41\"", 1, 6, "no such escape" },
	{ "refuses_the_escape_escape_of_1_1", "a = \"\\e\"", 1, 6, "no such escape" },
	{ "refuses_a_windows_path_in_double_quotes", "a = \"C:\\temp\\Users\"", 1, 13,
			"8 hexadecimal digits" },
	{ "refuses_an_escaped_newline_in_a_string_of_one_line", "a = \"x\\\ny\"", 1, 7, "no such escape" },
	{ "refuses_a_backslash_and_blanks_before_more_text", "a = \"\"\"x\\  y\"\"\"", 1, 9,
			"no such escape" },
	{ "refuses_a_short_escape_of_four", "a = \"\\u00e\"", 1, 6, "4 hexadecimal digits" },
	{ "refuses_a_short_escape_of_eight", "a = \"\\U0001F60\"", 1, 6, "8 hexadecimal digits" },
	{ "refuses_an_escape_cut_by_the_end", "a = \"\\u00", 1, 6, "4 hexadecimal digits" },
	{ "refuses_a_high_surrogate", "a = \"\\uD800\"", 1, 6, "no Unicode character" },
	{ "refuses_a_low_surrogate", "a = \"\\uDFFF\"", 1, 6, "no Unicode character" },
	{ "refuses_a_pair_of_surrogates", "a = \"\\uD83D\\uDE00\"", 1, 6, "no Unicode character" },
	{ "refuses_an_escape_beyond_unicode", "a = \"\\U00110000\"", 1, 6, "no Unicode character" },
	{ "refuses_the_largest_escape", "a = \"\\UFFFFFFFF\"", 1, 6, "no Unicode character" },
	{ "refuses_nul_by_escape", "a = \"\\u0000\"", 1, 6, "U+0000" },
	{ "refuses_nul_by_long_escape_in_a_key", "\"\\U00000000\" = 1", 1, 2, "U+0000" },
	{ "refuses_a_control_character_in_a_basic_string", "a = \"x\x01\"", 1, 7, "U+0001" },
	{ "refuses_a_control_character_in_a_literal_string", "a = 'x\x1f'", 1, 7, "U+001F" },
	{ "refuses_del_in_a_string_of_many_lines", "a = \"\"\"\n\x7f\"\"\"", 2, 1, "U+007F" },
	{ "refuses_a_form_feed_in_a_literal_of_many_lines", "a = '''\nx\x0c'''", 2, 2, "U+000C" },
	{ "refuses_a_lone_cr_in_a_string", "a = \"x\ry\"", 1, 7, "carriage return" },
	{ "refuses_a_lone_cr_in_a_string_of_many_lines", "a = '''x\ry'''", 1, 9, "carriage return" },
	/* bytes */
	{ "refuses_a_control_character_in_a_comment", "# \x02", 1, 3, "U+0002" },
	{ "refuses_del_in_a_comment", "a = 1 #\x7f", 1, 8, "U+007F" },
	{ "refuses_a_lone_cr_in_a_comment", "# x\ra = 1", 1, 4, "carriage return" },
	{ "refuses_a_lone_cr_for_a_newline", "a = 1\rb = 2", 1, 6, "carriage return" },
	{ "refuses_a_lone_cr_at_the_end", "a = 1\n\r", 2, 1, "carriage return" },
	{ "refuses_a_form_feed_for_a_blank", "a =\x0c 1", 1, 4, "U+000C" },
	{ "refuses_a_byte_order_mark",
			"\xef\xbb\xbf"
			"a = 1",
			1, 1, "byte-order mark" },
	{ "refuses_a_byte_order_mark_later", "a = 1\n\xef\xbb\xbf", 2, 1, "a key" },
	{ "refuses_a_no_break_space",
			"a =\xc2\xa0"
			"1",
			1, 4, "a value" },
	{ "refuses_latin_1", "a = 'x\xe9'", 1, 7, "0xe9 is no UTF-8" },
	{ "refuses_an_overlong_form", "# \xc0\xaf", 1, 3, "no UTF-8" },
	{ "refuses_a_surrogate_in_utf8", "a = 1\n# \xed\xa0\x80", 2, 3, "no UTF-8" },
	{ "refuses_a_character_beyond_unicode", "# \xf4\x90\x80\x80", 1, 3, "no UTF-8" },
	{ "refuses_utf8_cut_by_the_end", "# \xe2\x82", 1, 3, "no UTF-8" },
	/* numbers */
	{ "refuses_a_leading_zero", "a = 01", 1, 5, "leading zeros" },
	{ "refuses_a_leading_zero_behind_a_sign", "a = -01", 1, 5, "leading zeros" },
	{ "refuses_two_zeros", "a = 00", 1, 5, "leading zeros" },
	{ "refuses_two_signs", "a = --1", 1, 5, "no value" },
	{ "refuses_a_sign_alone", "a = +", 1, 5, "no value" },
	{ "refuses_a_leading_underscore", "a = _1", 1, 5, "no value" },
	{ "refuses_a_trailing_underscore", "a = 1_", 1, 5, "no number" },
	{ "refuses_two_underscores", "a = 1__0", 1, 5, "no number" },
	{ "refuses_an_underscore_behind_the_base", "a = 0x_1", 1, 5, "no number" },
	{ "refuses_a_base_without_digits", "a = 0b", 1, 5, "no number" },
	{ "refuses_a_digit_beyond_the_base", "a = 0o8", 1, 5, "no number" },
	{ "refuses_a_two_in_binary", "a = 0b102", 1, 5, "no number" },
	{ "refuses_a_base_in_upper_case", "a = 0XFF", 1, 5, "no number" },
	{ "refuses_a_sign_before_a_base", "a = +0xff", 1, 5, "no sign" },
	{ "refuses_a_fraction_in_hexadecimal", "a = 0x1.8", 1, 5, "no number" },
	{ "refuses_one_more_than_the_largest", "a = 9223372036854775808", 1, 5, "64 bits" },
	{ "refuses_one_less_than_the_smallest", "a = -9223372036854775809", 1, 5, "64 bits" },
	{ "refuses_a_hexadecimal_integer_of_65_bits", "a = 0x10000000000000000", 1, 5, "64 bits" },
	{ "refuses_letters_behind_a_number", "a = 12abc", 1, 5, "no number" },
	{ "refuses_a_float_without_whole_part", "a = .5", 1, 5, "no value" },
	{ "refuses_a_float_without_fraction", "a = 5.", 1, 5, "no number" },
	{ "refuses_a_dot_before_the_exponent", "a = 5.e1", 1, 5, "no number" },
	{ "refuses_an_empty_exponent", "a = 1e", 1, 5, "no number" },
	{ "refuses_an_exponent_of_a_sign", "a = 1e+", 1, 5, "no number" },
	{ "refuses_a_fraction_in_the_exponent", "a = 1e1.5", 1, 5, "no number" },
	{ "refuses_two_exponents", "a = 1e1e1", 1, 5, "no number" },
	{ "refuses_two_dots_in_a_float", "a = 1.2.3", 1, 5, "no number" },
	{ "refuses_an_underscore_beside_the_dot", "a = 1_.5", 1, 5, "no number" },
	{ "refuses_an_underscore_behind_the_dot", "a = 1._5", 1, 5, "no number" },
	{ "refuses_a_leading_zero_of_a_float", "a = 03.5", 1, 5, "leading zeros" },
	{ "refuses_a_float_beyond_the_largest", "a = 1e400", 1, 5, "too large" },
	{ "refuses_infinity_in_words", "a = Infinity", 1, 5, "no value" },
	{ "refuses_inf_in_upper_case", "a = Inf", 1, 5, "no value" },
	{ "refuses_more_behind_nan", "a = nano", 1, 5, "no value" },
	/* words */
	{ "refuses_a_word_without_quotes", "a = hello", 1, 5, "needs quotes" },
	{ "refuses_true_in_upper_case", "a = True", 1, 5, "lower case" },
	{ "refuses_more_behind_true", "a = truer", 1, 5, "no value" },
	{ "refuses_null", "a = null", 1, 5, "no value" },
	/* dates and times */
	{ "refuses_month_13", "a = 2006-13-01", 1, 5, "no month 13" },
	{ "refuses_month_0", "a = 2006-00-01", 1, 5, "no month 00" },
	{ "refuses_day_0", "a = 2006-01-00", 1, 5, "no day 00" },
	{ "refuses_february_30", "a = 2024-02-30", 1, 5, "no day 30 in 2024-02" },
	{ "refuses_february_29_of_2100", "a = 2100-02-29T00:00:00Z", 1, 5, "no day 29 in 2100-02" },
	{ "refuses_april_31", "a = 2024-04-31", 1, 5, "no day 31" },
	{ "refuses_hour_24", "a = 2006-01-01T24:00:00Z", 1, 5, "no time 24:00:00" },
	{ "refuses_minute_60", "a = 00:60:00", 1, 5, "no time" },
	{ "refuses_second_61", "a = 23:59:61", 1, 5, "no time" },
	{ "refuses_a_zone_of_24_hours", "a = 2006-01-01T00:00:00+24:00", 1, 5, "no time zone" },
	{ "refuses_a_zone_with_minute_60", "a = 2006-01-01T00:00:00-01:60", 1, 5, "no time zone" },
	{ "refuses_a_zone_without_colon", "a = 2006-01-01T00:00:00+0100", 1, 5, "looks like" },
	{ "refuses_a_time_without_seconds", "a = 2006-01-01T00:00Z", 1, 5, "looks like" },
	{ "refuses_a_local_time_without_seconds", "a = 07:32", 1, 5, "looks like" },
	{ "refuses_an_empty_fraction", "a = 07:32:00.", 1, 5, "looks like" },
	{ "refuses_a_local_time_with_zone", "a = 07:32:00Z", 1, 5, "looks like" },
	{ "refuses_a_date_with_zone", "a = 2006-01-01Z", 1, 5, "looks like" },
	{ "refuses_a_day_of_one_digit", "a = 2006-01-1", 1, 5, "looks like" },
	{ "refuses_a_date_that_ends_in_t", "a = 2006-01-01T", 1, 5, "looks like" },
	{ "refuses_a_year_of_five_digits", "a = 12006-01-01", 1, 5, "no number" },
	{ "refuses_a_year_of_three_digits", "a = 206-01-01", 1, 5, "no number" },
	{ "refuses_two_spaces_before_the_time", "a = 2006-01-01  00:00:00", 1, 17, "the end of the line" },
	/* arrays */
	{ "refuses_an_unclosed_array", "a = [1, 2", 1, 5, "never closed" },
	{ "refuses_an_array_that_runs_into_the_next_pair", "a = [1\nb = 2", 2, 1, "',' or ']'" },
	{ "refuses_an_array_of_a_comma", "a = [,]", 1, 6, "a value" },
	{ "refuses_two_commas_in_an_array", "a = [1,,2]", 1, 8, "a value" },
	{ "refuses_a_missing_comma_in_an_array", "a = [1 2]", 1, 8, "',' or ']'" },
	{ "refuses_an_array_closed_twice", "a = [1]]", 1, 8, "the end of the line" },
	{ "refuses_an_array_closed_by_a_brace", "a = [1}", 1, 7, "',' or ']'" },
	{ "refuses_a_pair_in_an_array", "a = [b = 1]", 1, 6, "no value" },
	/* inline tables */
	{ "refuses_an_unclosed_inline_table", "a = {b = 1", 1, 11, "',' or '}'" },
	{ "refuses_an_inline_table_of_two_lines", "a = {b = 1,\nc = 2}", 1, 12, "stays on one line" },
	{ "refuses_an_inline_table_that_opens_on_its_own_line", "a = {\nb = 1 }", 1, 6, "stays on one line" },
	{ "refuses_an_inline_table_closed_on_the_next_line", "a = {b = 1\n}", 1, 11, "stays on one line" },
	{ "refuses_a_trailing_comma_in_an_inline_table", "a = {b = 1,}", 1, 11, "before the '}'" },
	{ "refuses_an_inline_table_of_a_comma", "a = {,}", 1, 6, "a key" },
	{ "refuses_a_comment_in_an_inline_table", "a = {b = 1 # x\n}", 1, 12, "',' or '}'" },
	{ "refuses_a_key_twice_in_an_inline_table", "a = {b = 1, b = 2}", 1, 13, "'b' is set twice" },
	{ "refuses_a_dotted_key_through_a_value_in_an_inline_table", "a = {b = 1, b.c = 2}", 1, 13,
			"has a value" },
	{ "refuses_to_add_to_an_inline_table_by_header", "a = {}\n[a.b]", 2, 2, "has a value already" },
	{ "refuses_to_redefine_an_inline_table", "a = {}\n[a]", 2, 2, "has a value already" },
	{ "refuses_to_add_to_a_table_inside_an_inline_table", "a = {b.c = 1}\na.b.d = 2", 2, 1,
			"has a value" },
	{ "refuses_to_add_dotted_keys_to_an_inner_inline_table", "a = {b = {c = 1}, b.d = 2}", 1, 19,
			"has a value" },
	/* tables */
	{ "refuses_an_unclosed_header", "[a\nb = 1", 1, 3, "']'" },
	{ "refuses_an_empty_header", "[]", 1, 2, "a key" },
	{ "refuses_an_empty_part_in_a_header", "[a..b]", 1, 4, "a key" },
	{ "refuses_a_header_that_ends_in_a_dot", "[a.]", 1, 4, "a key" },
	{ "refuses_text_behind_a_header", "[a] b = 1", 1, 5, "the end of the line" },
	{ "refuses_a_header_for_a_value", "a = 1\n[a]", 2, 2, "'a' has a value already" },
	{ "refuses_a_header_through_a_value", "a = 1\n[a.b]", 2, 2, "'a' has a value already" },
	{ "refuses_a_table_twice", "[a]\n[b]\n[a]", 3, 2, "'a' is defined twice" },
	{ "refuses_a_table_twice_below_another", "[a.b]\n[a]\n[ a . b ]", 3, 7, "'b' is defined twice" },
	{ "refuses_a_header_for_a_dotted_table", "[a]\nb.c = 1\n[a.b]", 3, 4, "dotted keys" },
	{ "refuses_a_header_for_a_dotted_table_of_the_root", "a.b = 1\n[a]", 2, 2, "dotted keys" },
	{ "refuses_a_key_that_a_table_has", "[a.b]\n[a]\nb = 1", 3, 1, "'b' is set twice" },
	{ "refuses_a_table_for_an_array_of_tables", "[[a]]\n[a]", 2, 2, "its header is [[a]]" },
	{ "refuses_an_array_of_tables_for_a_table", "[a]\n[[a]]", 2, 3, "no array of tables" },
	{ "refuses_an_array_of_tables_for_an_implied_table", "[a.b]\n[[a]]", 2, 3, "no array of tables" },
	{ "refuses_to_append_to_an_array_by_header", "a = []\n[[a]]", 2, 3, "no array of tables" },
	{ "refuses_to_append_to_an_array_of_inline_tables", "a = [{}]\n[[a]]", 2, 3, "no array of tables" },
	{ "refuses_a_table_below_an_array", "a = [{}]\n[a.b]", 2, 2, "has a value already" },
	{ "refuses_a_half_closed_array_header", "[[a]\n", 1, 4, "']]'" },
	{ "refuses_an_array_header_with_a_gap", "[[a] ]", 1, 4, "']]'" },
	{ "refuses_an_opening_with_a_gap", "[ [a]]", 1, 3, "a key" },
	{ "refuses_one_bracket_too_many", "[a]]", 1, 4, "the end of the line" },
	{ "refuses_an_empty_array_header", "[[]]", 1, 3, "a key" },
	{ "refuses_a_newline_in_a_header", "[a.\nb]", 1, 4, "a key" },
};

static void refuses_a_row(void **state)
{
	const struct row *row = *state;
	auto_json json_t *got = NULL;
	struct err err = ERR_NONE;
	char place[64];

	assert_int_equal(toml_parse(span_of(row->toml), TEXT_MAX, &got, &err), -1);
	assert_null(got);
	assert_int_equal(err.kind, ERR_FORMAT);
	snprintf(place, sizeof(place), "line %d, column %d: ", row->line, row->column);
	if (strncmp(err.text, place, strlen(place)) != 0)
		fail_msg("wanted \"%s\", got \"%s\"", place, err.text);
	if (!strstr(err.text, row->words))
		fail_msg("wanted \"%s\" in \"%s\"", row->words, err.text);
}

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int main(void)
{
	struct CMUnitTest tests[ROWS] = { 0 };
	struct row all[ROWS];

	memcpy(all, rows, sizeof(rows));
	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){
			.name = all[i].name, .test_func = refuses_a_row, .initial_state = &all[i]
		};
	return cmocka_run_group_tests_name("toml_invalid", tests, NULL, NULL);
}
