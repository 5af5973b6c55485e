/* SPDX-License-Identifier: Apache-2.0 */
/* The TOML writer: exact texts, what it refuses, and that all it writes reads back the same. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX (1 << 20)

static json_t *must_read(struct span text)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (toml_parse(text, TEXT_MAX, &tree, &err) < 0)
		fail_msg("%s: %.*s", err.text, SPAN_ARG(text));
	return tree;
}

/* ---- pieces of a writer -------------------------------------------------------------------------------- */

static void writes_keys_bare_where_allowed(void **state)
{
	(void)state;
	static const struct {
		struct span key;
		const char *text;
	} rows[] = {
		{ SPAN_LIT("a"), "a" },
		{ SPAN_LIT("aZ_9-"), "aZ_9-" },
		{ SPAN_LIT("1"), "1" },
		{ SPAN_LIT(""), "\"\"" },
		{ SPAN_LIT("aa.toml"), "\"aa.toml\"" },
		{ SPAN_LIT("a b"), "\"a b\"" },
		{ SPAN_LIT("\xc3\xa9"), "\"\xc3\xa9\"" },
		{ SPAN_LIT("a\"\\\n"), "\"a\\\"\\\\\\n\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = BUF_MAX(100);
		toml_write_key(&out, rows[i].key);
		assert_string_equal(buf_text(&out), rows[i].text);
	}
}

static void writes_strings_with_escapes(void **state)
{
	(void)state;
	auto_buf struct buf out = BUF_MAX(200);

	toml_write_string(&out, SPAN_LIT("a'\"\\\b\t\n\f\r\x01\x1f\x7f\xc3\xa9"));
	assert_string_equal(buf_text(&out), "\"a'\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001F\\u007F\xc3\xa9\"");
}

static void writes_texts_literally_where_allowed(void **state)
{
	(void)state;
	static const struct {
		struct span text;
		const char *toml;
	} rows[] = {
		{ SPAN_LIT(""), "'''\n'''" },
		{ SPAN_LIT("x"), "'''\nx'''" },
		{ SPAN_LIT("\nx\n"), "'''\n\nx\n'''" },
		{ SPAN_LIT("\\ \"\"\" \t\n"), "'''\n\\ \"\"\" \t\n'''" },
		{ SPAN_LIT("''x''y"), "'''\n''x''y'''" },
		{ SPAN_LIT("it's"), "'''\nit's'''" },
		{ SPAN_LIT("x'"), "\"\"\"\nx'\"\"\"" },
		{ SPAN_LIT("a'''b"), "\"\"\"\na'''b\"\"\"" },
		{ SPAN_LIT("a\r\nb"), "\"\"\"\na\\r\nb\"\"\"" },
		{ SPAN_LIT("a\x01"), "\"\"\"\na\\u0001\"\"\"" },
		{ SPAN_LIT("a\x7f"), "\"\"\"\na\\u007F\"\"\"" },
		{ SPAN_LIT("\"\"\"\"'"), "\"\"\"\n\"\"\\\"\"'\"\"\"" },
		{ SPAN_LIT("'''\""), "\"\"\"\n'''\\\"\"\"\"" },
		{ SPAN_LIT("'''\"\""), "\"\"\"\n'''\"\\\"\"\"\"" },
		{ SPAN_LIT("\\'"), "\"\"\"\n\\\\'\"\"\"" },
		{ SPAN_LIT("\\\n'"), "\"\"\"\n\\\\\n'\"\"\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf out = BUF_MAX(100);
		toml_write_text(&out, rows[i].text);
		assert_string_equal(buf_text(&out), rows[i].toml);
	}
}

static void must_survive(struct span text)
{
	static void (*const writers[])(struct buf *, struct span) = { toml_write_text, toml_write_string };

	for (size_t i = 0; i < 2; i++) {
		auto_buf struct buf doc = BUF_MAX(4096);
		buf_puts(&doc, "a = ");
		writers[i](&doc, text);
		auto_json json_t *tree = must_read(buf_span(&doc));
		const json_t *got = json_object_get(tree, "a");
		assert_true(span_eq(text, span_new(json_string_value(got), json_string_length(got))));
	}
}

static void every_short_text_survives_the_writers(void **state)
{
	(void)state;
	/* all texts of up to five of the bytes that matter */
	static const char bytes[] = "'\"\\\n\r\tu ";
	const size_t kinds = sizeof(bytes) - 1;
	char text[5];

	for (size_t len = 0, count = 1; len <= 5; len++, count *= kinds)
		for (size_t n = 0; n < count; n++) {
			for (size_t i = 0, rest = n; i < len; i++, rest /= kinds)
				text[i] = bytes[rest % kinds];
			must_survive(span_new(text, len));
		}
}

static void every_character_survives_the_writers(void **state)
{
	(void)state;
	char text[] = "a?b";

	for (int c = 1; c < 0x80; c++) {
		text[1] = (char)c;
		must_survive(span_of(text));
		must_survive(span_from(span_of(text), 1));
		must_survive(span_new(text, 2));
	}
	must_survive(SPAN_LIT("\xc2\x85\xe2\x80\xa8\xf4\x8f\xbf\xbf"));
}

/* ---- trees --------------------------------------------------------------------------------------------- */

static void check_written(const char *json, const char *toml)
{
	auto_json json_t *tree = NULL;
	auto_buf struct buf out = BUF_MAX(TEXT_MAX);
	struct err err = ERR_NONE;

	assert_int_equal(json_read(span_of(json), TEXT_MAX, &tree, &err), 0);
	if (toml_write(&out, tree, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), toml);
	auto_json json_t *again = must_read(buf_span(&out));
	assert_true(json_equal(tree, again));
}

static void writes_trees(void **state)
{
	(void)state;
	check_written("{}", "");
	check_written("{\"b\":1,\"a\":\"x\",\"c\":true,\"d\":false}",
			"b = 1\na = \"x\"\nc = true\nd = false\n");
	check_written("{\"t\":{\"b\":{\"c\":1}},\"a\":1}", "a = 1\n\n[t]\n\n[t.b]\nc = 1\n");
	check_written("{\"aa.toml\":{\"k l\":{}}}", "[\"aa.toml\"]\n\n[\"aa.toml\".\"k l\"]\n");
	check_written("{\"a\":[{\"b\":1},{\"c\":{\"d\":2}}]}", "[[a]]\nb = 1\n\n[[a]]\n\n[a.c]\nd = 2\n");
	check_written("{\"a\":[],\"b\":[1,[\"x\"],{}],\"c\":[[{\"d\":1,\"e\":{}}]]}",
			"a = []\nb = [1, [\"x\"], { }]\nc = [[{ d = 1, e = { } }]]\n");
	check_written("{\"a\":\"x\\ny\",\"b\":[\"p\\n\"]}",
			"a = \"\"\"\nx\ny\"\"\"\nb = [\"\"\"\np\n\"\"\"]\n");
	check_written("{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
			"a = 9223372036854775807\nb = -9223372036854775808\n");
}

static void writes_the_shortest_floats_that_read_back(void **state)
{
	(void)state;
	check_written("{\"a\":[0.1,1.0,-2.5,1e22,1e300,5e-324,0.30000000000000004,123456789.0]}",
			"a = [0.1, 1.0, -2.5, 1e+22, 1e+300, 4.94065645841247e-324, 0.30000000000000004, "
			"123456789.0]\n");
}

static void refuses_what_toml_cannot_say(void **state)
{
	(void)state;
	static const struct {
		const char *json, *words;
	} rows[] = {
		{ "{\"a\":null}", "writing TOML: null has no form" },
		{ "{\"a\":{\"b\":{\"c\":null}}}", "below a.b: null" },
		{ "{\"a\":[1,null]}", "null" },
		{ "{\"a\":[{\"b\":null}]}", "below a: null" },
		{ "[]", "must be an object" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_json json_t *tree = NULL;
		auto_buf struct buf out = BUF_MAX(TEXT_MAX);
		struct err err = ERR_NONE;
		assert_int_equal(json_read(span_of(rows[i].json), TEXT_MAX, &tree, &err), 0);
		assert_int_equal(toml_write(&out, tree, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		if (!strstr(err.text, rows[i].words))
			fail_msg("%s", err.text);
	}
}

static void refuses_to_write_nul(void **state)
{
	(void)state;
	struct err err = ERR_NONE;

	for (int in_key = 0; in_key < 3; in_key++) {
		auto_json json_t *tree = json_object();
		auto_buf struct buf out = BUF_MAX(TEXT_MAX);
		json_t *value = in_key == 2 ? json_object() : json_stringn("x\0y", in_key ? 1 : 3);
		assert_int_equal(json_object_setn_new(tree, "k\0l", in_key ? 3 : 1, value), 0);
		assert_int_equal(toml_write(&out, tree, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_non_null(strstr(err.text, "holds NUL"));
	}
}

static void refuses_to_write_beyond_limits(void **state)
{
	(void)state;
	static const struct {
		const char *open, *inner, *close;
	} kinds[] = { { "[", "1", "]" }, { "{\"a\":", "1", "}" }, { "[{\"a\":", "[]", "}]" } };
	auto_json json_t *small = must_read(SPAN_LIT("a = 'xxxxxxxxxx'\n[b.c]\n"));

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int times = kinds[i].open[1] == '{' ? TOML_DEPTH_MAX / 2 : TOML_DEPTH_MAX;
		auto_buf struct buf text = BUF_MAX(TEXT_MAX);
		buf_puts(&text, "{\"a\":");
		for (int n = 0; n < times; n++)
			buf_puts(&text, kinds[i].open);
		buf_puts(&text, kinds[i].inner);
		for (int n = 0; n < times; n++)
			buf_puts(&text, kinds[i].close);
		buf_putc(&text, '}');
		auto_json json_t *tree = NULL;
		auto_buf struct buf out = BUF_MAX(TEXT_MAX);
		struct err err = ERR_NONE;
		assert_int_equal(json_read(buf_span(&text), TEXT_MAX, &tree, &err), 0);
		assert_int_equal(toml_write(&out, tree, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
	const size_t full = strlen("a = \"xxxxxxxxxx\"\n\n[b]\n\n[b.c]\n");
	for (size_t max = 0; max <= full; max++) {
		auto_buf struct buf out = BUF_MAX(max);
		struct err err = ERR_NONE;
		assert_int_equal(toml_write(&out, small, &err), max < full ? -1 : 0);
		assert_int_equal(err.kind, max < full ? ERR_LIMIT : ERR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_keys_bare_where_allowed),
		cmocka_unit_test(writes_strings_with_escapes),
		cmocka_unit_test(writes_texts_literally_where_allowed),
		cmocka_unit_test(every_short_text_survives_the_writers),
		cmocka_unit_test(every_character_survives_the_writers),
		cmocka_unit_test(writes_trees),
		cmocka_unit_test(writes_the_shortest_floats_that_read_back),
		cmocka_unit_test(refuses_what_toml_cannot_say),
		cmocka_unit_test(refuses_to_write_nul),
		cmocka_unit_test(refuses_to_write_beyond_limits),
	};

	return cmocka_run_group_tests_name("toml_write", tests, NULL, NULL);
}
