/* SPDX-License-Identifier: Apache-2.0 */
/* What TOML 1.0 allows, one test for each row: the text, and the JSON it reads as (with ' for "). */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 4096

struct row {
	const char *name, *toml, *json;
};

static const struct row rows[] = {
	/* documents */
	{ "reads_an_empty_text", "", "{}" },
	{ "reads_white_space_alone", " \t\n \r\n", "{}" },
	{ "reads_a_comment_without_newline", "# only this", "{}" },
	{ "reads_a_comment_with_tab_and_unicode", "#\tgrüße\n", "{}" },
	{ "reads_a_last_line_without_newline", "a = 1", "{'a': 1}" },
	{ "reads_lines_that_end_in_crlf", "a = 1\r\n\r\n[b]\r\nc = 2\r\n", "{'a': 1, 'b': {'c': 2}}" },
	{ "reads_a_comment_behind_a_value", "a = 1 # one\n", "{'a': 1}" },
	{ "reads_a_hash_inside_a_string", "a = \"#\" # \"\n", "{'a': '#'}" },
	/* keys */
	{ "reads_a_bare_key_of_all_kinds_of_characters", "aZ_09-x = 1", "{'aZ_09-x': 1}" },
	{ "reads_a_bare_key_of_digits", "1234 = 1", "{'1234': 1}" },
	{ "reads_a_bare_key_that_looks_like_a_float", "3.14 = 1", "{'3': {'14': 1}}" },
	{ "reads_a_bare_key_that_looks_like_a_word", "true = 1\ninf = 2\nnan = 3",
			"{'true':1,'inf':2,'nan':3}" },
	{ "reads_a_key_of_one_dash", "- = 1\n-- = 2", "{'-': 1, '--': 2}" },
	{ "reads_a_quoted_key_with_dots", "\"aa.toml\" = 1", "{'aa.toml': 1}" },
	{ "reads_a_literal_key", "'a \\n b' = 1", "{'a \\\\n b': 1}" },
	{ "reads_an_empty_quoted_key", "\"\" = 1\n[a]\n'' = 2", "{'': 1, 'a': {'': 2}}" },
	{ "reads_escapes_in_a_key", "\"\\u00e9\\t\" = 1", "{'é\\t': 1}" },
	{ "reads_the_same_key_with_other_case", "a = 1\nA = 2", "{'a': 1, 'A': 2}" },
	{ "reads_dotted_keys", "a.b.c = 1\na.b.d = 2\na.e = 3", "{'a': {'b': {'c': 1, 'd': 2}, 'e': 3}}" },
	{ "reads_blanks_around_dots", "a . \"b\"\t.c = 1", "{'a': {'b': {'c': 1}}}" },
	{ "reads_dotted_keys_out_of_order", "a.b = 1\nc.d = 2\na.e = 3",
			"{'a': {'b': 1, 'e': 3}, 'c': {'d': 2}}" },
	{ "reads_a_pair_without_blanks", "a=1", "{'a': 1}" },
	{ "reads_an_indented_pair", "\t  a\t=\t1", "{'a': 1}" },
	/* strings */
	{ "reads_an_empty_basic_string", "a = \"\"", "{'a': ''}" },
	{ "reads_every_short_escape", "a = \"\\b\\t\\n\\f\\r\\\"\\\\\"",
			"{'a': '\\b\\t\\n\\f\\r\\u0022\\\\'}" },
	{ "reads_four_and_eight_digit_escapes", "a = \"\\u00E9\\U0001F600\\u007f\"", "{'a': 'é😀\\u007f'}" },
	{ "reads_the_characters_beside_the_surrogates", "a = \"\\uD7FF\\uE000\"", "{'a': '\\ud7ff\\ue000'}" },
	{ "reads_the_last_character", "a = \"\\U0010FFFF\"", "{'a': '\\udbff\\udfff'}" },
	{ "reads_a_tab_in_a_basic_string", "a = \"x\ty\"", "{'a': 'x\\ty'}" },
	{ "reads_a_literal_string", "a = 'C:\\temp\\\"x\"'", "{'a': 'C:\\\\temp\\\\\\u0022x\\u0022'}" },
	{ "reads_an_empty_literal_string", "a = ''", "{'a': ''}" },
	{ "reads_an_empty_string_of_many_lines", "a = \"\"\"\"\"\"\nb = ''''''", "{'a': '', 'b': ''}" },
	{ "drops_the_first_newline", "a = \"\"\"\nx\n\"\"\"", "{'a': 'x\\n'}" },
	{ "drops_a_first_crlf", "a = '''\r\nx'''", "{'a': 'x'}" },
	{ "keeps_a_second_newline", "a = '''\n\nx'''", "{'a': '\\nx'}" },
	{ "keeps_a_crlf_in_a_string_of_many_lines", "a = '''x\r\ny'''\nb = \"\"\"x\r\ny\"\"\"",
			"{'a': 'x\\r\\ny', 'b': 'x\\r\\ny'}" },
	{ "continues_a_line_behind_a_backslash", "a = \"\"\"x \\\n   y\"\"\"", "{'a': 'x y'}" },
	{ "continues_over_blank_lines_and_crlf", "a = \"\"\"x\\ \t\r\n \n\r\n\ty\"\"\"", "{'a': 'xy'}" },
	{ "continues_to_the_closing_quotes", "a = \"\"\"x\\\n  \"\"\"", "{'a': 'x'}" },
	{ "keeps_an_escaped_backslash_at_the_end_of_a_line", "a = \"\"\"x\\\\\ny\"\"\"",
			"{'a': 'x\\\\\\ny'}" },
	{ "keeps_quotes_inside_a_string_of_many_lines", "a = \"\"\"a \"\"b\"\" c\"\"\"",
			"{'a': 'a \\u0022\\u0022b\\u0022\\u0022 c'}" },
	{ "keeps_one_quote_before_the_closing_ones", "a = \"\"\"x\"\"\"\"", "{'a': 'x\\u0022'}" },
	{ "keeps_two_quotes_before_the_closing_ones", "a = \"\"\"x\"\"\"\"\"", "{'a': 'x\\u0022\\u0022'}" },
	{ "keeps_two_apostrophes_before_the_closing_ones", "a = '''x'''''", "{'a': 'x\\u0027\\u0027'}" },
	{ "keeps_quotes_alone", "a = \"\"\"\"\"\"\"\"", "{'a': '\\u0022\\u0022'}" },
	{ "keeps_an_escaped_quote_among_three", "a = \"\"\"\"\"\\\"\"\"\"",
			"{'a': '\\u0022\\u0022\\u0022'}" },
	{ "keeps_backslashes_in_a_literal_of_many_lines", "a = '''\n\\d \\\n'''", "{'a': '\\\\d \\\\\\n'}" },
	/* integers */
	{ "reads_integers_with_signs", "a = +1\nb = -1\nc = 0\nd = -0\ne = +0",
			"{'a':1,'b':-1,'c':0,'d':0,'e':0}" },
	{ "reads_underscores_between_digits", "a = 1_000\nb = 1_2_3", "{'a': 1000, 'b': 123}" },
	{ "reads_the_largest_and_the_smallest_integer", "a = 9223372036854775807\nb = -9223372036854775808",
			"{'a': 9223372036854775807, 'b': -9223372036854775808}" },
	{ "reads_hexadecimal", "a = 0xDEAD_beef\nb = 0x0000ff", "{'a': 3735928559, 'b': 255}" },
	{ "reads_octal_and_binary", "a = 0o755\nb = 0b1101_0110\nc = 0o0", "{'a': 493, 'b': 214, 'c': 0}" },
	{ "reads_the_largest_hexadecimal_integer", "a = 0x7fffffffffffffff", "{'a': 9223372036854775807}" },
	/* floats */
	{ "reads_fractions_and_exponents", "a = 3.14\nb = -0.01\nc = 5e+22\nd = 6.626e-34\ne = 1E06",
			"{'a': 3.14, 'b': -0.01, 'c': 5e22, 'd': 6.626e-34, 'e': 1e6}" },
	{ "reads_underscores_in_floats", "a = 1_0.0_1e1_0", "{'a': 10.01e10}" },
	{ "reads_zero_with_exponent", "a = 0e0\nb = 0.0", "{'a': 0.0, 'b': 0.0}" },
	{ "reads_inf_and_nan_as_texts", "a = inf\nb = -inf\nc = +nan",
			"{'a': 'inf', 'b': '-inf', 'c': '+nan'}" },
	/* booleans */
	{ "reads_booleans", "a = true\nb = false", "{'a': true, 'b': false}" },
	/* dates and times */
	{ "reads_a_date_and_time_with_zone", "a = 1979-05-27T07:32:00Z", "{'a': '1979-05-27T07:32:00Z'}" },
	{ "keeps_the_spelling_of_a_date", "a = 1979-05-27 07:32:00.50z", "{'a': '1979-05-27 07:32:00.50z'}" },
	{ "reads_an_offset", "a = 1979-05-27t00:32:00.999999-07:00",
			"{'a': '1979-05-27t00:32:00.999999-07:00'}" },
	{ "reads_a_local_date_and_time", "a = 1979-05-27T07:32:00", "{'a': '1979-05-27T07:32:00'}" },
	{ "reads_a_local_date_and_a_comment", "a = 1979-05-27 # spring", "{'a': '1979-05-27'}" },
	{ "reads_a_local_time", "a = 00:32:00.123456789012", "{'a': '00:32:00.123456789012'}" },
	{ "reads_leap_days", "a = 2000-02-29\nb = 2024-02-29", "{'a': '2000-02-29', 'b': '2024-02-29'}" },
	{ "reads_a_leap_second", "a = 1990-12-31T23:59:60Z", "{'a': '1990-12-31T23:59:60Z'}" },
	{ "reads_dates_in_an_array", "a = [1979-05-27 ,1979-05-28 07:32:00]",
			"{'a': ['1979-05-27', '1979-05-28 07:32:00']}" },
	/* arrays */
	{ "reads_an_empty_array", "a = []\nb = [ # none\n]", "{'a': [], 'b': []}" },
	{ "reads_an_array_of_many_lines", "a = [ # c\n 1, # one\n\n 2\r\n , 3,\n]", "{'a': [1, 2, 3]}" },
	{ "reads_an_array_of_mixed_types", "a = [1, 'x', true, 2.5, [], {}]",
			"{'a': [1, 'x', true, 2.5, [], {}]}" },
	{ "reads_nested_arrays", "a = [[1, 2], ['x'], [[[]]]]", "{'a': [[1, 2], ['x'], [[[]]]]}" },
	{ "reads_an_array_of_inline_tables", "a = [{b = 1}, {b = 2}]", "{'a': [{'b': 1}, {'b': 2}]}" },
	/* inline tables */
	{ "reads_an_empty_inline_table", "a = {}\nb = { }", "{'a': {}, 'b': {}}" },
	{ "reads_dotted_keys_in_an_inline_table", "a = { b.c = 1, b.d = 2 }",
			"{'a': {'b': {'c': 1, 'd': 2}}}" },
	{ "reads_newlines_inside_values_of_an_inline_table", "a = { b = [\n1,\n], c = '''\n\n''' }",
			"{'a': {'b': [1], 'c': '\\n'}}" },
	{ "reads_nested_inline_tables", "a = {b = {c = {}}}", "{'a': {'b': {'c': {}}}}" },
	/* tables */
	{ "reads_an_empty_table", "[a]", "{'a': {}}" },
	{ "reads_a_header_with_blanks_and_quotes", "[ a . \"b.c\" . 'd' ] # x\ne = 1",
			"{'a': {'b.c': {'d': {'e': 1}}}}" },
	{ "reads_a_table_before_the_one_above_it", "[a.b]\nc = 1\n[a]\nd = 2",
			"{'a': {'b': {'c': 1}, 'd': 2}}" },
	{ "reads_tables_out_of_order", "[a.b]\n[c]\n[a.d]", "{'a': {'b': {}, 'd': {}}, 'c': {}}" },
	{ "reads_a_subtable_of_a_dotted_table", "[a]\nb.c = 1\n[a.b.d]\ne = 2",
			"{'a': {'b': {'c': 1, 'd': {'e': 2}}}}" },
	{ "reads_dotted_keys_into_an_implied_table", "[a.b.c]\nd = 1\n[a]\nb.e = 2",
			"{'a': {'b': {'c': {'d': 1}, 'e': 2}}}" },
	{ "reads_an_array_of_tables", "[[a]]\nb = 1\n[[a]]\n[[a]]\nb = 3",
			"{'a': [{'b': 1}, {}, {'b': 3}]}" },
	{ "reads_tables_below_items_of_an_array", "[[a]]\n[a.b]\nc = 1\n[[a]]\n[a.b]\nc = 2",
			"{'a': [{'b': {'c': 1}}, {'b': {'c': 2}}]}" },
	{ "reads_arrays_of_tables_in_arrays_of_tables",
			"[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\n[[a]]\n[[a.b]]\nc = 3",
			"{'a': [{'b': [{'c': 1}, {}]}, {'b': [{'c': 3}]}]}" },
	{ "reads_an_array_of_tables_below_an_implied_table", "[[a.b]]\n[a]\nc = 1",
			"{'a': {'b': [{}], 'c': 1}}" },
	{ "reads_an_initdata_document",
			"version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n\"aa.toml\" = "
			"'''\n[t]\n'''\n",
			"{'version': '0.1.0', 'algorithm': 'sha256', 'data': {'aa.toml': '[t]\\n'}}" },
};

static const struct row tagged[] = {
	{ "tags_integers_in_decimal", "a = 0xff", "{'a': {'type': 'integer', 'value': '255'}}" },
	{ "tags_floats", "a = 1e3", "{'a': {'type': 'float', 'value': '1000'}}" },
	{ "tags_inf_without_plus", "a = +inf", "{'a': {'type': 'float', 'value': 'inf'}}" },
	{ "tags_nan_without_sign", "a = -nan", "{'a': {'type': 'float', 'value': 'nan'}}" },
	{ "tags_booleans", "a = false", "{'a': {'type': 'bool', 'value': 'false'}}" },
	{ "tags_strings", "a = 'x'", "{'a': {'type': 'string', 'value': 'x'}}" },
	{ "tags_dates_in_one_spelling", "a = 1979-05-27 07:32:00z",
			"{'a': {'type': 'datetime', 'value': '1979-05-27T07:32:00Z'}}" },
	{ "tags_local_dates_and_times", "a = 1979-05-27t07:32:00",
			"{'a': {'type': 'datetime-local', 'value': '1979-05-27T07:32:00'}}" },
	{ "tags_local_dates", "a = 1979-05-27", "{'a': {'type': 'date-local', 'value': '1979-05-27'}}" },
	{ "tags_local_times", "a = 07:32:00", "{'a': {'type': 'time-local', 'value': '07:32:00'}}" },
	{ "tags_no_tables_and_arrays", "a.b = []", "{'a': {'b': []}}" },
	{ "tells_a_table_from_a_tag", "a.type = 'x'\na.b = 1\n[c]\ntype = 1",
			"{'a': {'type': {'type': 'string', 'value': 'x'}, 'b': {'type': 'integer', 'value': "
			"'1'}},"
			" 'c': {'type': {'type': 'integer', 'value': '1'}}}" },
};

static json_t *expected(const char *json)
{
	auto_free char *text = xstrdup(json);
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (json_read(span_of(text), TEXT_MAX, &tree, &err) < 0)
		fail_msg("the row's JSON: %s", err.text);
	return tree;
}

static void compare(const struct row *row, int (*parse)(struct span, size_t, json_t **, struct err *))
{
	auto_json json_t *wanted = expected(row->json);
	auto_json json_t *got = NULL;
	struct err err = ERR_NONE;

	if (parse(span_of(row->toml), TEXT_MAX, &got, &err) < 0)
		fail_msg("%s", err.text);
	auto_free char *shown = json_text(got, false);
	if (!json_equal(wanted, got))
		fail_msg("read as %s", shown);
}

static void reads_a_row(void **state)
{
	compare(*state, toml_parse);
}

static void tags_a_row(void **state)
{
	compare(*state, toml_parse_tagged);
}

#define ROWS   (sizeof(rows) / sizeof(rows[0]))
#define TAGGED (sizeof(tagged) / sizeof(tagged[0]))

int main(void)
{
	struct CMUnitTest tests[ROWS + TAGGED] = { 0 };
	struct row all[ROWS + TAGGED];

	memcpy(all, rows, sizeof(rows));
	memcpy(all + ROWS, tagged, sizeof(tagged));
	for (size_t i = 0; i < ROWS + TAGGED; i++)
		tests[i] = (struct CMUnitTest){ .name = all[i].name,
			.test_func = i < ROWS ? reads_a_row : tags_a_row,
			.initial_state = &all[i] };
	return cmocka_run_group_tests_name("toml_valid", tests, NULL, NULL);
}
