/* SPDX-License-Identifier: Apache-2.0 */
/* The writing of free-form objects: one text for each value, the one of the ecosystem's sealer. */
#include "sealed/secret.h"
#include "sealed/tree.h"
#include "tests/sealed/recordings.h"

static void writes_as_the_sealer_does(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		/* recorded (tests/vectors/sealed/seal-vault.json) */
		{ "{\"z\":1,\"a\":{\"y\":true,\"b\":[null,1.0,1e3,-0,18446744073709551615,\"\u00fc\\u0041\\/"
		  "\"]},\"m\":\"\"}",
				"{\"a\":{\"b\":[null,1.0,1000.0,-0.0,18446744073709551615,\"\u00fcA/"
				"\"],\"y\":true},"
				"\"m\":\"\",\"z\":1}" },
		{ "{\"a\":1,\"a\":2}", "{\"a\":2}" },
		{ " { \"a\" : 1 } ", "{\"a\":1}" },
		/* whole numbers */
		{ "{\"a\":[0,-1,9223372036854775807,-9223372036854775808]}",
				"{\"a\":[0,-1,9223372036854775807,-9223372036854775808]}" },
		{ "{\"a\":[9223372036854775808,18446744073709551615]}",
				"{\"a\":[9223372036854775808,18446744073709551615]}" },
		{ "{\"a\":[18446744073709551616,-9223372036854775809]}",
				"{\"a\":[1.8446744073709552e19,-9.223372036854776e18]}" },
		{ "{\"a\":100000000000000000000000000000000}", "{\"a\":1e32}" },
		/* reals: the shortest digits, and where the point goes */
		{ "{\"a\":[0.1,-0.0,0.0,1.5,123456.789]}", "{\"a\":[0.1,-0.0,0.0,1.5,123456.789]}" },
		{ "{\"a\":[1e15,1e16,123456789012345680.0]}",
				"{\"a\":[1000000000000000.0,1e16,1.2345678901234568e17]}" },
		{ "{\"a\":[0.00001,1e-6,1.25e-7]}", "{\"a\":[0.00001,1e-6,1.25e-7]}" },
		{ "{\"a\":[5e-324,1.7976931348623157e308,1E5,1e+2]}",
				"{\"a\":[5e-324,1.7976931348623157e308,100000.0,100.0]}" },
		{ "{\"a\":[0.30000000000000004,2.5e-3]}", "{\"a\":[0.30000000000000004,0.0025]}" },
		/* names sorted by bytes, at every level */
		{ "{\"b\":1,\"B\":2,\"a\":{\"2\":0,\"10\":0},\"\u00e9\":3,\"\":4}",
				"{\"\":4,\"B\":2,\"a\":{\"10\":0,\"2\":0},\"b\":1,\"\u00e9\":3}" },
		{ "{\"a\":[{\"y\":1,\"x\":2}]}", "{\"a\":[{\"x\":2,\"y\":1}]}" },
		{ "{}", "{}" },
		{ "{\"a\":[],\"b\":{}}", "{\"a\":[],\"b\":{}}" },
		/* escapes: the short ones, then hex in lower case, and nothing that need not be */
		{ "{\"a\\u001f\":\"\\b\\f\\n\\r\\t\\u0001\\u000b\\u001B\\u007f\\u2028\\\"\\\\\\/<&\"}",
				"{\"a\\u001f\":"
				"\"\\b\\f\\n\\r\\t\\u0001\\u000b\\u001b\x7f\xe2\x80\xa8\\\"\\\\/<&\"}" },
		{ "{\"a\":\"\\ud83d\\udd11\"}", "{\"a\":\"\xf0\x9f\x94\x91\"}" },
		/* digits in texts are no numbers */
		{ "{\"18446744073709551615\":\"-0 \\\" -0\"}", "{\"18446744073709551615\":\"-0 \\\" -0\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = NULL, *back = NULL;
		auto_buf struct buf out = BUF_MAX(RECORDING_MAX), again = BUF_MAX(RECORDING_MAX);
		struct err err = ERR_NONE;
		if (sealed_tree_parse(span_of(cases[i].text), false, &tree, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		sealed_tree_format(tree, &out);
		assert_string_equal(buf_text(&out), cases[i].wanted);
		assert_int_equal(sealed_tree_parse(buf_span(&out), true, &back, NULL), 0);
		assert_true(json_equal(tree, back));
		sealed_tree_format(back, &again);
		assert_string_equal(buf_text(&again), cases[i].wanted);
	}
}

static void refuses_what_is_no_object(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "", ERR_FORMAT },
		{ "[1]", ERR_FORMAT },
		{ "5", ERR_FORMAT },
		{ "null", ERR_FORMAT },
		{ "{", ERR_FORMAT },
		{ "{\"a\":1}}", ERR_FORMAT },
		{ "{\"a\":1},", ERR_FORMAT },
		{ "{\"a\":01}", ERR_FORMAT },
		{ "{\"a\":-01}", ERR_FORMAT },
		{ "{\"a\":00}", ERR_FORMAT },
		{ "{\"a\":-}", ERR_FORMAT },
		{ "{\"a\":+1}", ERR_FORMAT },
		{ "{\"a\":1.}", ERR_FORMAT },
		{ "{\"a\":.5}", ERR_FORMAT },
		{ "{\"a\":1e}", ERR_FORMAT },
		{ "{\"a\":1e400}", ERR_FORMAT },
		{ "{\"a\":1-1}", ERR_FORMAT },
		{ "{\"a\":0x10}", ERR_FORMAT },
		{ "{\"a\":NaN}", ERR_FORMAT },
		{ "{18446744073709551615:1}", ERR_FORMAT },
		{ "{\"a\":18446744073709551615\"\"}", ERR_FORMAT },
		{ "{\"a\":\"\\u0000\"}", ERR_FORMAT },
		{ "{\"a\":\"\\u000018446744073709551615\"}", ERR_FORMAT },
		{ "{\"\\u0000\":1}", ERR_FORMAT },
		{ "{\"a\":\"\xff\"}", ERR_FORMAT },
		{ "{\"a\":\"\\ud800\"}", ERR_FORMAT },
		{ "{\"a\":'x'}", ERR_FORMAT },
		{ "{\"a\":\"\\", ERR_FORMAT },
	};
	json_t *tree = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		if (sealed_tree_parse(span_of(cases[i].text), false, &tree, &err) == 0)
			fail_msg("%s: is accepted", cases[i].text);
		assert_int_equal(err.kind, cases[i].kind);
	}
	assert_int_equal(sealed_tree_parse(SPAN_LIT("{\"a\":\"x\0y\"}"), false, &tree, NULL), -1);
	assert_null(tree);
}

static void a_backslash_before_an_escape_of_nul_is_a_backslash(void **state)
{
	auto_json json_t *tree = NULL;

	(void)state;
	assert_int_equal(sealed_tree_parse(SPAN_LIT("{\"a\":\"\\\\u0000\"}"), true, &tree, NULL), 0);
	assert_string_equal(json_text_at(tree, "a", NULL), "\\u0000");
}

static void twins_are_refused_where_they_must_be_unique(void **state)
{
	static const char *const texts[] = { "{\"a\":1,\"a\":1}", "{\"a\":{\"b\":1,\"b\":2}}",
		"{\"a\":[{\"b\":1,\"\\u0062\":2}]}" };
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		auto_json json_t *tree = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(sealed_tree_parse(span_of(texts[i]), true, &tree, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_non_null(strstr(err.text, "stands there twice"));
		assert_int_equal(sealed_tree_parse(span_of(texts[i]), false, &tree, NULL), 0);
	}
}

static void depth_and_length_are_bounded(void **state)
{
	auto_buf struct buf text = BUF_MAX(2 * SEALED_PAYLOAD_MAX);
	json_t *tree = NULL;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_puts(&text, "{\"a\":");
	assert_int_equal(sealed_tree_parse(buf_span(&text), false, &tree, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, "{\"a\":\"");
	while (text.len < SEALED_PAYLOAD_MAX - 2)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}");
	assert_int_equal(sealed_tree_parse(buf_span(&text), false, &tree, &err), 0);
	json_decref(tree);
	buf_puts(&text, " ");
	assert_int_equal(sealed_tree_parse(buf_span(&text), false, &tree, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	/* all that grows most */
	buf_reset(&text);
	buf_puts(&text, "{\"a\":[-0");
	while (text.len + 5 < SEALED_PAYLOAD_MAX)
		buf_puts(&text, ",-0");
	buf_puts(&text, "]}");
	auto_json json_t *many = NULL;
	assert_int_equal(sealed_tree_parse(buf_span(&text), false, &many, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_as_the_sealer_does),
		cmocka_unit_test(refuses_what_is_no_object),
		cmocka_unit_test(a_backslash_before_an_escape_of_nul_is_a_backslash),
		cmocka_unit_test(twins_are_refused_where_they_must_be_unique),
		cmocka_unit_test(depth_and_length_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
