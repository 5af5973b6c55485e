/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/scan.h"

#include "base/err.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void takes_what_json_is(void **state)
{
	static const struct {
		const char *text;
		enum scan_kind kind;
	} cases[] = {
		{ "{}", SCAN_OBJECT },
		{ " [ ] ", SCAN_ARRAY },
		{ "\"\"", SCAN_STRING },
		{ "\"a\\n\\u00e4\\ud83d\\udd12\\/\"", SCAN_STRING },
		{ "0", SCAN_NUMBER },
		{ "-0.5e+10", SCAN_NUMBER },
		{ "12E3", SCAN_NUMBER },
		{ "true", SCAN_TRUE },
		{ "false", SCAN_FALSE },
		{ "\t\r\nnull\n", SCAN_NULL },
		{ "[[],{},[{\"a\":[]}],1]", SCAN_ARRAY },
		{ "{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }", SCAN_OBJECT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scan value;
		struct err err = ERR_NONE;
		assert_int_equal(scan_value(span_of(cases[i].text), &value, &err), 0);
		assert_int_equal(value.kind, cases[i].kind);
		assert_true(span_eq(value.text, span_trim(span_of(cases[i].text))));
	}
}

static void refuses_what_is_none(void **state)
{
	static const char *const cases[] = { "", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", "[1 2]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{1:2}", "{\"a\" 1}",
		"{\"a\":1 \"b\":2}", "'a'", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"",
		"\"\\u0000\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\x01\"",
		"\"\n\"", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "01", "-", "+1", ".5", "1.", "1e",
		"1e+", "0x1", "tru", "truex", "nul", "NaN", "1 2", "{}{}", "[]x", "/*x*/1", "[1]//",
		"\xef\xbb\xbf{}" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scan value;
		struct err err = ERR_NONE;
		if (scan_value(span_of(cases[i]), &value, &err) == 0)
			fail_msg("took '%s'", cases[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	struct scan value;
	assert_int_equal(scan_value(span_new("\"a\0b\"", 5), &value, NULL), -1);
	assert_int_equal(scan_value(span_new("1\0", 2), &value, NULL), -1);
}

static void refuses_every_truncation(void **state)
{
	static const char text[] =
			"{\"a\":[1,{\"b\":\"x\\u00e4\\ud83d\\udd12y\"},null],\"c\":-1.5e3,\"d\":true}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct scan value;
		assert_int_equal(scan_value(span_new(text, len), &value, NULL), -1);
	}
}

static void refuses_what_is_too_deep(void **state)
{
	char text[2 * (SCAN_DEPTH_MAX + 1)];

	(void)state;
	for (int depth = SCAN_DEPTH_MAX; depth <= SCAN_DEPTH_MAX + 1; depth++) {
		struct scan value;
		struct err err = ERR_NONE;
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		int result = scan_value(span_new(text, 2 * (size_t)depth), &value, &err);
		assert_int_equal(result, depth > SCAN_DEPTH_MAX ? -1 : 0);
		assert_int_equal(err.kind, depth > SCAN_DEPTH_MAX ? ERR_LIMIT : ERR_OK);
	}
}

static void walks_objects_and_arrays(void **state)
{
	struct scan doc, name, value, item;
	uint64_t number = 0;

	(void)state;
	assert_int_equal(scan_value(SPAN_LIT(" { \"a\" : [ 1 , 22,\"x\" ] ,\"\\u0062\":{}, \"c\":[]} "), &doc,
					 NULL),
			0);
	assert_true(scan_member(&doc, &name, &value));
	assert_true(scan_is(&name, "a"));
	assert_false(scan_is(&name, ""));
	assert_false(scan_is(&name, "ab"));
	assert_true(scan_item(&value, &item));
	assert_true(scan_number(&item, 10, &number) && number == 1);
	assert_true(scan_item(&value, &item));
	assert_false(scan_number(&item, 21, &number));
	assert_true(scan_number(&item, 22, &number) && number == 22);
	assert_true(scan_item(&value, &item));
	assert_int_equal(item.kind, SCAN_STRING);
	assert_false(scan_number(&item, 22, &number));
	assert_false(scan_item(&value, &item));
	assert_false(scan_item(&value, &item));
	assert_false(scan_member(&value, &name, &item));
	assert_true(scan_member(&doc, &name, &value));
	assert_true(scan_is(&name, "b"));
	assert_false(scan_member(&value, &name, &item));
	assert_false(scan_item(&value, &item));
	assert_true(scan_member(&doc, &name, &value));
	assert_false(scan_item(&value, &item));
	assert_false(scan_member(&doc, &name, &value));
	assert_false(scan_member(&doc, &name, &value));
}

static void resolves_escapes_as_jansson_does(void **state)
{
	static const char *const cases[] = { "\"\"", "\"plain\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"\\u0041\\u00e4\\u20ac\\ud83d\\udd12\\uFFFF\"", "\"\xc3\xa4\xf0\x9f\x94\x92\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *peer = json_loads(cases[i], JSON_DECODE_ANY, NULL);
		struct scan value;
		char out[64];
		assert_int_equal(scan_value(span_of(cases[i]), &value, NULL), 0);
		size_t len = scan_text(&value, out);
		assert_int_equal(len, json_string_length(peer));
		assert_memory_equal(out, json_string_value(peer), len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_json_is),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_what_is_too_deep),
		cmocka_unit_test(walks_objects_and_arrays),
		cmocka_unit_test(resolves_escapes_as_jansson_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
