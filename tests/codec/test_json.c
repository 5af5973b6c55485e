/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON loader and writer; the getters are in test_json_get.c. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX (1 << 20)

/* of everything a little */
static const char pod[] = "{\"text\":\"x\",\"yes\":true,\"no\":false,\"int\":42,\"real\":1.5,\"null\":null,"
			  "\"object\":{\"a\":{\"b\":\"deep\"}},\"array\":[1,2,3],\"texts\":[\"p\",\"q\"],"
			  "\"mixed\":[\"p\",7],\"a/b.c\":{\"d\":1},\"empty\":\"\",\"negative\":-1}";

static json_t *must_read(const char *text)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (json_read(span_of(text), TEXT_MAX, &tree, &err) < 0)
		fail_msg("%s", err.text);
	return tree;
}

/* ---- loader -------------------------------------------------------------------------------------------- */

static void reads_documents(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{}",
		"[]",
		" \t\r\n{ }\n ",
		"{\"a\":[1,-2,0.5,1e3,true,false,null,\"x\"]}",
		"[\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
		"{\"\":1}",
		"[9223372036854775807,-9223372036854775808]",
		"[\"]]]]]]{{{{\", \"\\\"[[[[\"]",
		"[\"\x7f\xc3\xa9\"]",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_json json_t *tree = must_read(texts[i]);
		auto_free char *text = json_text(tree, false);
		auto_json json_t *again = must_read(text);
		assert_true(json_equal(tree, again));
	}
}

struct refusal {
	const char *name;
	struct span text;
	int line, column;
	const char *words;
};

static const struct refusal refusals[] = {
	{ "refuses_an_empty_text", { "", 0 }, 0, 0, "empty" },
	{ "refuses_white_space_alone", SPAN_LIT(" \n\t"), 2, 1, "expected" },
	{ "refuses_a_number_as_document", SPAN_LIT("42"), 1, 2, "expected" },
	{ "refuses_a_string_as_document", SPAN_LIT("\"x\""), 1, 3, "expected" },
	{ "refuses_null_as_document", SPAN_LIT("null"), 1, 4, "expected" },
	{ "refuses_two_documents", SPAN_LIT("{}\n{}"), 2, 1, "end of file expected" },
	{ "refuses_a_word_behind_the_document", SPAN_LIT("{} x"), 1, 4, "end of file expected" },
	{ "refuses_nul_behind_the_document", SPAN_LIT("{}\0"), 1, 3, "end of file expected" },
	{ "refuses_a_byte_order_mark", SPAN_LIT("\xef\xbb\xbf{}"), 1, 1, "expected" },
	{ "refuses_a_duplicate_key", SPAN_LIT("{\"a\":1,\n\"a\":2}"), 2, 3, "duplicate object key" },
	{ "refuses_a_duplicate_key_written_by_escape", SPAN_LIT("{\"a\":1,\"\\u0061\":2}"), 1, 15,
			"duplicate" },
	{ "refuses_a_duplicate_key_inside", SPAN_LIT("[{\"b\":{\"a\":1,\"a\":1}}]"), 1, 16, "duplicate" },
	{ "refuses_a_trailing_comma_in_an_object", SPAN_LIT("{\"a\":1,}"), 1, 8, "expected" },
	{ "refuses_a_trailing_comma_in_an_array", SPAN_LIT("[1,]"), 1, 4, "unexpected token" },
	{ "refuses_a_missing_comma", SPAN_LIT("[1 2]"), 1, 4, "']' expected" },
	{ "refuses_a_missing_colon", SPAN_LIT("{\"a\" 1}"), 1, 6, "':' expected" },
	{ "refuses_a_number_as_key", SPAN_LIT("{1:2}"), 1, 2, "string or '}' expected" },
	{ "refuses_an_unclosed_object", SPAN_LIT("{\"a\":1"), 1, 6, "'}' expected" },
	{ "refuses_an_unclosed_array", SPAN_LIT("[[]"), 1, 3, "']' expected" },
	{ "refuses_an_unclosed_string", SPAN_LIT("[\"x"), 1, 3, "premature end" },
	{ "refuses_a_string_cut_in_an_escape", SPAN_LIT("[\"x\\"), 1, 4, "invalid escape" },
	{ "refuses_a_wrong_closing_bracket", SPAN_LIT("[1}"), 1, 3, "']' expected" },
	{ "refuses_a_closing_bracket_alone", SPAN_LIT("]"), 1, 1, "expected" },
	{ "refuses_a_newline_in_a_string", SPAN_LIT("[\"x\ny\"]"), 1, 3, "newline" },
	{ "refuses_a_tab_in_a_string", SPAN_LIT("[\"x\ty\"]"), 1, 3, "control character" },
	{ "refuses_nul_in_a_string", SPAN_LIT("[\"x\0y\"]"), 1, 3, "control character" },
	{ "refuses_nul_by_escape", SPAN_LIT("[\"x\\u0000\"]"), 1, 10, "\\u0000 is not allowed" },
	{ "refuses_nul_in_a_key", SPAN_LIT("{\"x\\u0000\":1}"), 1, 10, "NUL byte in object key" },
	{ "refuses_an_unknown_escape", SPAN_LIT("[\"\\x\"]"), 1, 4, "escape" },
	{ "refuses_a_short_escape", SPAN_LIT("[\"\\u12\"]"), 1, 7, "escape" },
	{ "refuses_a_high_surrogate_alone", SPAN_LIT("[\"\\ud83d\"]"), 1, 9, "Unicode" },
	{ "refuses_a_low_surrogate_alone", SPAN_LIT("[\"\\ude00\"]"), 1, 9, "Unicode" },
	{ "refuses_latin_1", SPAN_LIT("[\"\xe9\"]"), 1, 2, "unable to decode byte 0xe9" },
	{ "refuses_an_overlong_form", SPAN_LIT("[\"\xc0\xaf\"]"), 1, 2, "unable to decode" },
	{ "refuses_a_surrogate_in_utf8", SPAN_LIT("[\"\xed\xa0\x80\"]"), 1, 2, "unable to decode" },
	{ "refuses_single_quotes", SPAN_LIT("['x']"), 1, 2, "invalid token" },
	{ "refuses_a_bare_word", SPAN_LIT("[nul]"), 1, 4, "invalid token" },
	{ "refuses_a_word_in_upper_case", SPAN_LIT("[True]"), 1, 5, "invalid token" },
	{ "refuses_nan", SPAN_LIT("[NaN]"), 1, 4, "invalid token" },
	{ "refuses_a_leading_zero", SPAN_LIT("[01]"), 1, 2, "invalid token" },
	{ "refuses_a_leading_plus", SPAN_LIT("[+1]"), 1, 2, "invalid token" },
	{ "refuses_a_minus_alone", SPAN_LIT("[-]"), 1, 2, "invalid token" },
	{ "refuses_a_fraction_without_digits", SPAN_LIT("[1.]"), 1, 3, "invalid token" },
	{ "refuses_a_leading_dot", SPAN_LIT("[.5]"), 1, 2, "invalid token" },
	{ "refuses_an_integer_of_65_bits", SPAN_LIT("[9223372036854775808]"), 1, 20, "too big integer" },
	{ "refuses_a_negative_integer_of_65_bits", SPAN_LIT("[-9223372036854775809]"), 1, 21,
			"too big negative" },
	{ "refuses_a_real_that_overflows", SPAN_LIT("[1e400]"), 1, 6, "real number overflow" },
	{ "refuses_a_comment", SPAN_LIT("{} // x"), 1, 4, "end of file expected" },
	{ "refuses_utf16", SPAN_LIT("{\0}\0"), 1, 2, "expected" },
	{ "counts_characters_not_bytes", SPAN_LIT("[\"\xc3\xa9\xc3\xa9\", ?]"), 1, 8, "invalid token" },
};

static void refuses_a_row(void **state)
{
	const struct refusal *row = *state;
	struct err err = ERR_NONE;
	json_t *tree = NULL;
	char place[64];

	assert_int_equal(json_read(row->text, TEXT_MAX, &tree, &err), -1);
	assert_null(tree);
	assert_int_equal(err.kind, ERR_FORMAT);
	snprintf(place, sizeof(place), "line %d, column %d: not valid JSON: ", row->line, row->column);
	if (row->line && strncmp(err.text, place, strlen(place)) != 0)
		fail_msg("wanted \"%s\", got \"%s\"", place, err.text);
	if (!strstr(err.text, row->words))
		fail_msg("wanted \"%s\" in \"%s\"", row->words, err.text);
}

static void refuses_truncation_at_every_byte(void **state)
{
	(void)state;

	for (size_t len = 0; len < sizeof(pod) - 1; len++) {
		/* a copy of the exact size, so that a read behind the end is seen by the address sanitizer */
		auto_free char *copy = xmalloc(len + !len);
		struct err err = ERR_NONE;
		json_t *tree = NULL;
		memcpy(copy, pod, len);
		assert_int_equal(json_read(span_new(copy, len), TEXT_MAX, &tree, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void refuses_a_text_beyond_the_ceiling(void **state)
{
	(void)state;
	auto_json json_t *tree = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(json_read(SPAN_LIT("{  }"), 3, &tree, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_string_equal(err.text, "JSON of 4 bytes exceeds 3 bytes");
	assert_int_equal(json_read(SPAN_LIT("{  }"), 4, &tree, &err), 0);
}

static char *nested(const char *open, const char *inner, const char *close, int times)
{
	struct buf text = BUF_MAX(4 * TEXT_MAX);

	for (int i = 0; i < times; i++)
		buf_puts(&text, open);
	buf_puts(&text, inner);
	for (int i = 0; i < times; i++)
		buf_puts(&text, close);
	return buf_take(&text);
}

static void limits_the_depth(void **state)
{
	(void)state;
	static const struct {
		const char *open, *inner, *close, *place;
		int levels;
	} rows[] = {
		{ "[", "", "]", "line 1, column 101: ", 1 },
		{ "\n[\"\\\"]\",", "0", "]", "line 102, column 1: ", 1 },
		{ "{\"a\":[", "", "]}", "line 1, column 301: ", 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int times = JSON_DEPTH_MAX / rows[i].levels;
		auto_free char *good = nested(rows[i].open, rows[i].inner, rows[i].close, times);
		auto_free char *bad = nested(rows[i].open, rows[i].inner, rows[i].close, times + 1);
		auto_json json_t *tree = must_read(good);
		json_t *none = NULL;
		struct err err = ERR_NONE;

		assert_int_equal(json_read(span_of(bad), TEXT_MAX, &none, &err), -1);
		assert_non_null(tree);
		assert_int_equal(err.kind, ERR_LIMIT);
		if (strncmp(err.text, rows[i].place, strlen(rows[i].place)) != 0)
			fail_msg("%s", err.text);
	}
}

static void stands_a_million_brackets(void **state)
{
	(void)state;
	auto_free char *text = nested("[", "", "", TEXT_MAX);
	auto_free char *closing = nested("]", "", "", TEXT_MAX);
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	assert_int_equal(json_read(span_of(text), TEXT_MAX, &tree, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(json_read(span_of(closing), TEXT_MAX, &tree, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void leaves_values_out_of_messages(void **state)
{
	(void)state;
	static const char *const texts[] = { "[\"hunter2\" 1]", "[hunter2]", "{\"a\":1 \"hunter2\"}",
		"[\"hunter2", "\"hunter2\"", "[1] \"hunter2\"" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err err = ERR_NONE;
		json_t *tree = NULL;
		assert_int_equal(json_read(span_of(texts[i]), TEXT_MAX, &tree, &err), -1);
		assert_null(strstr(err.text, "hunter2"));
	}
}

static void needs_no_err(void **state)
{
	(void)state;
	json_t *tree = NULL;

	assert_int_equal(json_read(SPAN_LIT("{"), TEXT_MAX, &tree, NULL), -1);
	assert_int_equal(json_read(SPAN_NONE, TEXT_MAX, &tree, NULL), -1);
	assert_int_equal(json_get_text(NULL, "", "a", &(const char *){ NULL }, NULL), -1);
}

/* ---- files --------------------------------------------------------------------------------------------- */

static void reads_files(void **state)
{
	(void)state;
	char path[] = "/tmp/test_json.XXXXXX";
	auto_fd int fd = mkstemp(path);
	auto_json json_t *tree = NULL;
	json_t *none = NULL;
	struct err err = ERR_NONE;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"a\":1}\n", 8), 8);
	assert_int_equal(json_read_file(path, 8, &tree, &err), 0);
	assert_int_equal(json_integer_value(json_at(tree, "a", NULL)), 1);
	assert_int_equal(json_read_file(path, 7, &none, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(json_read_file(path, 100, &none, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "line 2, column 1: not valid JSON"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(json_read_file(path, 100, &none, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(json_read_file("/", 100, &none, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_null(none);
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static void writes_compact_text(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read("{ \"b\" : [ 1 , \"\\u00e9/\\u0001\\n\" ] , \"a\" : { } }");
	auto_free char *plain = json_text(tree, false);
	auto_free char *sorted = json_text(tree, true);
	auto_free char *leaf = json_text(json_at(tree, "b", NULL), false);

	assert_string_equal(plain, "{\"b\":[1,\"\xc3\xa9/\\u0001\\n\"],\"a\":{}}");
	assert_string_equal(sorted, "{\"a\":{},\"b\":[1,\"\xc3\xa9/\\u0001\\n\"]}");
	assert_string_equal(leaf, "[1,\"\xc3\xa9/\\u0001\\n\"]");
}

static void leaves_out_what_is_not_needed(void **state)
{
	static const char *const skip[] = { "big", NULL };
	static const char *const cases[][2] = {
		{ "{\"a\":1,\"big\":{\"x\":[1,{}]},\"b\":2}", "{\"a\":1,\"b\":2}" },
		{ "{\"a\":[{\"big\":[1,2]},{\"c\":\"\\n\"}]}", "{\"a\":[{},{\"c\":\"\\n\"}]}" },
		{ "{\"big\":\"text stays\",\"n\":{\"big\":7}}",
				"{\"big\":\"text stays\",\"n\":{\"big\":7}}" },
	};
	static const char *const bad[] = { "{\"big\":{\"x\":}}", "{\"big\":[1,]}", "{\"big\":{}",
		"{\"big\":{\"x\":\"\x01\"}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *tree = NULL;
		assert_int_equal(json_read_without(span_of(cases[i][0]), 1000, skip, &tree, NULL), 0);
		auto_free char *text = json_text(tree, false);
		assert_string_equal(text, cases[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *tree = NULL;
		assert_int_equal(json_read_without(span_of(bad[i]), 1000, skip, &tree, NULL), -1);
		assert_null(tree);
	}
}

static void counts_the_values_before_it_reads_them(void **state)
{
	static const struct {
		const char *text;
		size_t values; /* at least as many as there are, and no more than brackets and commas */
	} rows[] = {
		{ "{}", 2 },
		{ "[1,2]", 3 },
		{ "{\"a\":[{},{}]}", 6 },
		{ "[\",[{\\\",[\",1]", 3 },
		{ "\"", 1 },
		{ "", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_NONE;
		assert_int_equal(json_check_values(span_of(rows[i].text), rows[i].values, &err), 0);
		assert_int_equal(json_check_values(span_of(rows[i].text), rows[i].values - 1, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
}

static const struct CMUnitTest plain[] = {
	cmocka_unit_test(reads_documents),
	cmocka_unit_test(refuses_truncation_at_every_byte),
	cmocka_unit_test(refuses_a_text_beyond_the_ceiling),
	cmocka_unit_test(limits_the_depth),
	cmocka_unit_test(stands_a_million_brackets),
	cmocka_unit_test(leaves_values_out_of_messages),
	cmocka_unit_test(needs_no_err),
	cmocka_unit_test(reads_files),
	cmocka_unit_test(writes_compact_text),
	cmocka_unit_test(leaves_out_what_is_not_needed),
	cmocka_unit_test(counts_the_values_before_it_reads_them),
};

#define PLAIN (sizeof(plain) / sizeof(plain[0]))
#define ROWS  (sizeof(refusals) / sizeof(refusals[0]))

int main(void)
{
	struct CMUnitTest tests[PLAIN + ROWS] = { 0 };
	struct refusal rows[ROWS];

	memcpy(tests, plain, sizeof(plain));
	memcpy(rows, refusals, sizeof(refusals));
	for (size_t i = 0; i < ROWS; i++)
		tests[PLAIN + i] = (struct CMUnitTest){
			.name = rows[i].name, .test_func = refuses_a_row, .initial_state = &rows[i]
		};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
