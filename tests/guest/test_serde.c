/* SPDX-License-Identifier: Apache-2.0 */
/* The words in which serde_json refuses; those with (*) stand in the recordings of the real daemons. */
#include "guest/serde.h"
#include "tests/guest/scene.h"

static const char *const names[] = { "domain", "operation", "content" };

static int read_three(struct span json, struct buf values[3], struct err *err)
{
	for (size_t i = 0; i < 3; i++)
		buf_init(&values[i], 64);
	return serde_read_texts(json, names, 3, values, err);
}

static void clear_three(struct buf values[3])
{
	for (size_t i = 0; i < 3; i++)
		buf_clear(&values[i]);
}

#define WHOLE "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\""

static void reads_texts_among_other_members(void **state)
{
	static const struct {
		const char *json, *content;
	} cases[] = {
		{ WHOLE "}", "c" },
		{ " \n\t\r" WHOLE " } \n", "c" },
		{ WHOLE ",\"x\":{\"a\":[1,-2.5e3,null,true,false,{},[],\"\\u0041\"]}}", "c" },
		{ "{\"content\":\"\",\"operation\":\"\",\"domain\":\"\"}", "" },
		{ "{\"domain\":\"\",\"operation\":\"\",\"content\":\"\\\"\\\\\\/"
		  "\\b\\f\\n\\r\\t\\u00fc\\ud83d\\ude00\\u20ac\"}",
				"\"\\/\b\f\n\r\t\xc3\xbc\xf0\x9f\x98\x80\xe2\x82\xac" },
		{ "{\"d\\u006fmain\":\"\",\"operation\":\"\",\"content\":\"x\"}", "x" },
		{ WHOLE ",\"x\":1,\"x\":2}", "c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		struct buf values[3];
		must(read_three(span_of(cases[i].json), values, &err), &err);
		assert_string_equal(buf_text(&values[2]), cases[i].content);
		clear_three(values);
	}
}

static void refuses_in_the_words_of_serde(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "", "EOF while parsing a value at line 1 column 0" },    /* (*) */
		{ "{", "EOF while parsing an object at line 1 column 1" }, /* (*) */
		{ "\xff\xfe", "expected value at line 1 column 1" },       /* (*) */
		{ "{\"domain\":\"d\",\"operation\":\"o\"}",
				"missing field `content` at line 1 column 30" }, /* (*) */
		{ "{\"domain\":\"d\",\"operation\":\"o\",\"content\":1}",
				"invalid type: integer `1`, expected a string at line 1 "
				"column 41" }, /* (*) */
		{ "{}", "missing field `domain` at line 1 column 2" },
		{ "{\n}", "missing field `domain` at line 2 column 1" },
		{ "{,", "key must be a string at line 1 column 2" },
		{ "{1", "key must be a string at line 1 column 2" },
		{ "{\"a\"", "EOF while parsing an object at line 1 column 4" },
		{ "{\"a\" 1", "expected `:` at line 1 column 6" },
		{ "{\"a\":", "EOF while parsing a value at line 1 column 5" },
		{ "{\"a\":1", "EOF while parsing an object at line 1 column 6" },
		{ "{\"a\":1 2", "expected `,` or `}` at line 1 column 8" },
		{ "{\"a\":1,", "EOF while parsing a value at line 1 column 7" },
		{ "{\"a\":1,}", "trailing comma at line 1 column 8" },
		{ "{\"a", "EOF while parsing a string at line 1 column 3" },
		{ "{\"a\\", "EOF while parsing a string at line 1 column 4" },
		{ "{\"\\x", "invalid escape at line 1 column 4" },
		{ "{\"\\u12", "EOF while parsing a string at line 1 column 6" },
		{ "{\"\\u12g4", "invalid escape at line 1 column 8" },
		{ "{\"\\ud800\"", "unexpected end of hex escape at line 1 column 9" },
		{ "{\"\\ud800\\ud800", "lone leading surrogate in hex escape at line 1 column 14" },
		{ "{\"\\udc00", "lone leading surrogate in hex escape at line 1 column 8" },
		{ "{\"\xff\":", "invalid unicode code point at line 1 column 4" },
		{ "{\"\n",
				"control character (\\u0000-\\u001F) found while parsing a "
				"string at line 2 column 0" },
		{ "{\"a\":tru3", "expected ident at line 1 column 9" },
		{ "{\"a\":nul", "EOF while parsing a value at line 1 column 8" },
		{ "{\"a\":-x", "invalid number at line 1 column 7" },
		{ "{\"a\":01", "invalid number at line 1 column 7" },
		{ "{\"a\":1.x", "invalid number at line 1 column 8" },
		{ "{\"a\":1e", "EOF while parsing a value at line 1 column 7" },
		{ "{\"a\":[1", "EOF while parsing a list at line 1 column 7" },
		{ "{\"a\":[1 2", "expected `,` or `]` at line 1 column 9" },
		{ "{\"a\":{1", "key must be a string at line 1 column 7" },
		{ "{\"a\":x", "expected value at line 1 column 6" },
		{ "{\"domain\":null", "invalid type: null, expected a string at line 1 column 14" },
		{ "{\"domain\":true",
				"invalid type: boolean `true`, expected a string at line 1 "
				"column 14" },
		{ "{\"domain\":-1.5",
				"invalid type: floating point `-1.5`, expected a string at "
				"line 1 column 14" },
		{ "{\"domain\":[",
				"invalid type: sequence, expected a string at line 1 column "
				"10" },
		{ "{\"domain\":{", "invalid type: map, expected a string at line 1 column 10" },
		{ "{\"domain\":\"\",\"domain\":", "duplicate field `domain` at line 1 column 21" },
		{ WHOLE "}}", "trailing characters at line 1 column 45" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		struct buf values[3];
		if (read_three(span_of(cases[i].json), values, &err) == 0)
			fail_msg("'%s' is taken", cases[i].json);
		if (strcmp(err.text, cases[i].words) != 0)
			fail_msg("%s: '%s' instead of '%s'", cases[i].json, err.text, cases[i].words);
		clear_three(values);
	}
}

static void refuses_a_text_cut_anywhere(void **state)
{
	static const char json[] = WHOLE ",\"x\":[{\"y\":[1.5e-7,\"\\ud83d\\ude00\"]}]}";

	(void)state;
	for (size_t len = 0; len < sizeof(json) - 1; len++) {
		struct buf values[3];
		/* memory of its own, so that a read beyond the end is found */
		auto_free char *copy = xmemdup0(json, len);
		assert_int_equal(read_three(span_new(copy, len), values, NULL), -1);
		clear_three(values);
	}
}

static void bounds_depth_and_length(void **state)
{
	auto_buf struct buf json = BUF_MAX(4096);
	struct err err = ERR_NONE;
	struct buf values[3];

	(void)state;
	buf_puts(&json, "{\"x\":");
	for (int i = 0; i < SERDE_DEPTH_MAX + 1; i++)
		buf_putc(&json, '[');
	assert_int_equal(read_three(buf_span(&json), values, &err), -1);
	assert_non_null(strstr(err.text, "recursion limit exceeded"));
	clear_three(values);
	buf_reset(&json);
	buf_puts(&json, "{\"domain\":\"");
	for (int i = 0; i < 65; i++)
		buf_putc(&json, 'x');
	buf_puts(&json, "\",\"operation\":\"o\",\"content\":\"c\"}");
	assert_int_equal(read_three(buf_span(&json), values, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	clear_three(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_texts_among_other_members),
		cmocka_unit_test(refuses_in_the_words_of_serde),
		cmocka_unit_test(refuses_a_text_cut_anywhere),
		cmocka_unit_test(bounds_depth_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
