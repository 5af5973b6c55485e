/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "initdata/document.h"

#include <string.h>

#define HEAD "version = \"0.1.0\"\nalgorithm = \"sha256\"\n"

static void assert_renders(enum digest_alg alg, const json_t *data, const char *expected)
{
	auto_buf struct buf out = BUF_MAX(INITDATA_TEXT_MAX);
	struct err err = ERR_NONE;

	if (initdata_render(alg, data, &out, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), expected);
}

static void renders_vector_a_to_the_byte(void **state)
{
	auto_json json_t *data = json_pack("{s:s}", "aa.toml", VECTOR_A_AA);
	char hex[DIGEST_HEX_MAX];

	(void)state;
	assert_int_equal(strlen(VECTOR_A), 133);
	assert_renders(DIGEST_SHA384, data, VECTOR_A);
	digest_hex(DIGEST_SHA384, SPAN_LIT(VECTOR_A), hex);
	assert_string_equal(hex, VECTOR_A_SHA384);
	digest_hex(DIGEST_SHA256, SPAN_LIT(VECTOR_A), hex);
	assert_string_equal(hex, VECTOR_A_SHA256);
	digest_hex(DIGEST_SHA512, SPAN_LIT(VECTOR_A), hex);
	assert_string_equal(hex, VECTOR_A_SHA512);
}

static void renders_vector_b_to_the_byte(void **state)
{
	auto_json json_t *data = json_pack("{s:s}", "aa.toml", VECTOR_B_AA);
	char hex[DIGEST_HEX_MAX];

	(void)state;
	assert_int_equal(strlen(VECTOR_B), 117);
	assert_renders(DIGEST_SHA256, data, VECTOR_B);
	digest_hex(DIGEST_SHA256, SPAN_LIT(VECTOR_B), hex);
	assert_string_equal(hex, VECTOR_B_SHA256);
}

static void sorts_entries_by_the_bytes_of_their_keys(void **state)
{
	auto_json json_t *data = json_pack(
			"{s:s, s:s, s:s, s:s}", "b", "2\n", "a-b", "1\n", "B", "0\n", "\xc3\xa9", "3\n");

	(void)state;
	assert_renders(DIGEST_SHA256, data,
			HEAD "\n[data]\n\"B\" = '''\n0\n'''\n\"a-b\" = '''\n1\n'''\n\"b\" = '''\n2\n'''\n"
			     "\"\xc3\xa9\" = '''\n3\n'''\n");
}

static void the_order_of_the_input_does_not_matter(void **state)
{
	auto_json json_t *one = json_pack("{s:s, s:s}", "x", "1", "policy.rego", "package agent_policy\n");
	auto_json json_t *two = json_pack("{s:s, s:s}", "policy.rego", "package agent_policy\n", "x", "1");
	auto_buf struct buf a = BUF_MAX(INITDATA_TEXT_MAX), b = BUF_MAX(INITDATA_TEXT_MAX);

	(void)state;
	assert_int_equal(initdata_render(DIGEST_SHA512, one, &a, NULL), 0);
	assert_int_equal(initdata_render(DIGEST_SHA512, two, &b, NULL), 0);
	assert_string_equal(buf_text(&a), buf_text(&b));
}

/* Texts that the quoting rule has to get right. */
static const char *const hard_texts[] = {
	"",
	"\n",
	"\n\n",
	"plain",
	"ends in newline\n",
	"'",
	"''",
	"'''",
	"a'''b",
	"ends in quote '",
	"ends in two ''\n''",
	"\"\"\"",
	"both ''' and \"\"\"\n",
	"back\\slash \\n \\u0041\n",
	"carriage\r\nreturn",
	"lone \r return",
	"tab\tand bell \a and delete \x7f\n",
	"\x1b[0m",
	"umlaut \xc3\xa4 and \xf0\x9f\x94\x92\n",
	"\\",
	"'''\\",
	"\\\n  continued?",
	"trailing space \n \t\n",
	"key = '''\nvalue\n'''\n",
};

static void every_text_reads_back_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hard_texts) / sizeof(hard_texts[0]); i++) {
		auto_json json_t *data =
				json_pack("{s:s, s:s}", "first", hard_texts[i], "z \"'\\.", hard_texts[i]);
		auto_buf struct buf out = BUF_MAX(INITDATA_TEXT_MAX), again = BUF_MAX(INITDATA_TEXT_MAX);
		auto_initdata struct initdata doc;
		struct err err = ERR_NONE;

		initdata_init(&doc);
		assert_int_equal(initdata_render(DIGEST_SHA256, data, &out, &err), 0);
		if (initdata_parse(buf_span(&out), &doc, &err) < 0)
			fail_msg("text %zu: %s\n%s", i, err.text, buf_text(&out));
		assert_true(json_equal(doc.data, data));
		assert_true(span_eq(buf_span(&doc.text), buf_span(&out)));
		assert_string_equal(doc.version, "0.1.0");
		assert_int_equal(doc.alg, DIGEST_SHA256);
		assert_int_equal(initdata_render(doc.alg, doc.data, &again, &err), 0);
		assert_string_equal(buf_text(&out), buf_text(&again));
	}
}

static void refuses_to_render(const json_t *data, const char *part)
{
	auto_buf struct buf out = BUF_MAX(INITDATA_TEXT_MAX);
	struct err err = ERR_NONE;

	assert_int_equal(initdata_render(DIGEST_SHA256, data, &out, &err), -1);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
	assert_int_equal(out.len, 0);
}

static void refuses_what_must_not_be_written(void **state)
{
	auto_json json_t *none = json_object();
	auto_json json_t *list = json_array();
	auto_json json_t *number = json_pack("{s:i}", "x", 1);
	auto_json json_t *nul = json_pack("{s:s#}", "x", "a\0b", 3);
	auto_json json_t *utf8 = json_object();
	auto_json json_t *many = json_object();
	auto_json json_t *toml = json_pack("{s:s}", "aa.toml", "[token_configs\n");
	auto_json json_t *kbc = json_pack("{s:s}", "cdh.toml", "[image]\n");
	auto_json json_t *name = json_pack("{s:s}", "cdh.toml", "[kbc]\nname = \"other\"\n");

	(void)state;
	json_object_set_new(utf8, "x", json_string_nocheck("\xff"));
	for (int i = 0; i <= INITDATA_ENTRIES_MAX; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(many, key, json_string(""));
	}
	refuses_to_render(none, "without entries");
	refuses_to_render(list, "object");
	refuses_to_render(number, "'x' is no text");
	refuses_to_render(nul, "NUL");
	refuses_to_render(utf8, "UTF-8");
	refuses_to_render(many, "at most");
	refuses_to_render(toml, "aa.toml: line 1");
	refuses_to_render(kbc, "cdh.toml: kbc is missing");
	refuses_to_render(name, "cdh.toml: kbc.name 'other'");
}

static void refuses_to_render_more_than_the_limit(void **state)
{
	auto_buf struct buf big = BUF_MAX(INITDATA_TEXT_MAX);
	auto_json json_t *data = json_object();

	(void)state;
	memset(buf_room(&big, INITDATA_TEXT_MAX), 'x', INITDATA_TEXT_MAX);
	buf_grew(&big, INITDATA_TEXT_MAX);
	json_object_set_new(data, "x", json_string(buf_text(&big)));
	refuses_to_render(data, "exceeds");
}

/* ---- reading ---- */

static const struct {
	const char *name, *text, *part;
} bad[] = {
	{ "empty", "", "empty" },
	{ "no version", "algorithm = \"sha256\"\n[data]\n", "version" },
	{ "version 0.1.1", "version = \"0.1.1\"\nalgorithm = \"sha256\"\n[data]\n", "0.1.0" },
	{ "version number", "version = 1\nalgorithm = \"sha256\"\n[data]\n", "version" },
	{ "no algorithm", "version = \"0.1.0\"\n[data]\n", "algorithm" },
	{ "upper case algorithm", "version = \"0.1.0\"\nalgorithm = \"SHA256\"\n[data]\n",
			"sha256, sha384 or sha512" },
	{ "hyphen algorithm", "version = \"0.1.0\"\nalgorithm = \"sha-384\"\n[data]\n",
			"sha256, sha384 or sha512" },
	{ "sm3", "version = \"0.1.0\"\nalgorithm = \"sm3\"\n[data]\n", "sha256, sha384 or sha512" },
	{ "no data", HEAD, "data" },
	{ "data is a text", HEAD "data = \"x\"\n", "data" },
	{ "data is an array", HEAD "data = []\n", "data" },
	{ "integer value", HEAD "[data]\nx = 1\n", "'x' must be a string" },
	{ "table value", HEAD "[data.x]\ny = \"1\"\n", "'x' must be a string" },
	{ "unquoted file name", HEAD "[data]\naa.toml = \"\"\n", "'aa' must be a string" },
	{ "duplicate key", HEAD "[data]\nx = \"\"\nx = \"\"\n", "line 5" },
	{ "duplicate table", HEAD "[data]\n[data]\n", "line 4" },
	{ "invalid UTF-8", HEAD "[data]\nx = \"\xff\"\n", "line 4" },
	{ "NUL escape", HEAD "[data]\nx = \"\\u0000\"\n", "line 4" },
	{ "broken delimiter", HEAD "[data]\nx = '''\na'''b'''\n'''\n", "line" },
};

static void refuses_each_malformed_twin(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_initdata struct initdata doc;
		struct err err = ERR_NONE;

		initdata_init(&doc);
		if (initdata_parse(span_of(bad[i].text), &doc, &err) == 0)
			fail_msg("accepted: %s", bad[i].name);
		if (!strstr(err.text, bad[i].part))
			fail_msg("%s: '%s' is not in '%s'", bad[i].name, bad[i].part, err.text);
		assert_null(doc.data);
		assert_int_equal(doc.text.len, 0);
	}
}

static void no_cut_of_a_document_is_a_whole_one(void **state)
{
	size_t end = strlen(VECTOR_A) - 1; /* the last newline may go: TOML does not need it */

	(void)state;
	for (size_t len = 0; len < end; len++) {
		struct span cut = span_new(VECTOR_A, len);
		auto_initdata struct initdata doc;

		/* an empty data table is one, and '' is an empty text */
		if (span_ends(cut, "[data]") || span_ends(cut, "[data]\n") || span_ends(cut, " ''"))
			continue;
		initdata_init(&doc);
		assert_int_equal(initdata_parse(cut, &doc, NULL), -1);
	}
}

static void refuses_oversize_and_deep_documents(void **state)
{
	auto_buf struct buf text = BUF_MAX(2 * INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc;
	struct err err = ERR_NONE;

	(void)state;
	initdata_init(&doc);
	buf_puts(&text, VECTOR_B "# ");
	while (text.len <= INITDATA_TEXT_MAX)
		buf_puts(&text, "xxxxxxxxxxxxxxxx");
	assert_int_equal(initdata_parse(buf_span(&text), &doc, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, HEAD "[data]\nx = ");
	for (int i = 0; i < 100; i++)
		buf_putc(&text, '[');
	assert_int_equal(initdata_parse(buf_span(&text), &doc, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void accepts_what_others_write(void **state)
{
	static const char *const texts[] = {
		HEAD "[data]\n",
		HEAD "data = {}\n",
		HEAD "unknown = 1\n[data]\n\"aa.toml\" = \"\"\n[more]\nx = 1979-05-27\n",
		("# comment\r\nversion = '0.1.0'\r\nalgorithm = \"\"\"sha512\"\"\"\r\n[data]\r\nx = "
		 "'''\r\ny'''\r\n"),
		"data.x = \"1\"\nalgorithm = \"sha384\"\nversion = \"0.1.0\"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_initdata struct initdata doc;
		struct err err = ERR_NONE;

		initdata_init(&doc);
		if (initdata_parse(span_of(texts[i]), &doc, &err) < 0)
			fail_msg("%zu: %s", i, err.text);
		assert_string_equal(buf_text(&doc.text), texts[i]);
	}
}

/* ---- explaining ---- */

static const struct {
	const char *text;
	size_t warnings;
	const char *part; /* of the first */
	bool hashed;
} odd[] = {
	{ VECTOR_A, 0, NULL, true },
	{ "version = \"0.2.0\"\nalgorithm = \"sha256\"\n[data]\n", 1, "version is \"0.2.0\"", true },
	{ "version = \"0.1.0\"\nalgorithm = \"sm3\"\n[data]\n", 1, "sm3", false },
	{ "version = \"0.1.0\"\nalgorithm = \"SHA384\"\n[data]\n", 1, "exactly this spelling", false },
	{ HEAD "[data]\nx = 1\n", 1, "'x' is no string", true },
	{ HEAD "extra = 1\n[data]\n", 1, "'extra'", true },
	{ "", 0, NULL, false },
	{ "x = 1\n", 4, "no version", false },
	{ "version = 1\nalgorithm = 2\ndata = 3\n", 3, "no version", false },
};

static void explains_what_some_guest_would_refuse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		auto_json json_t *warnings = json_array();
		auto_initdata struct initdata doc;

		initdata_init(&doc);
		assert_int_equal(initdata_inspect(span_of(odd[i].text), &doc, warnings, NULL),
				*odd[i].text ? 0 : -1);
		assert_int_equal(json_array_size(warnings), odd[i].warnings);
		assert_int_equal(doc.hashed, odd[i].hashed);
		if (odd[i].part && !strstr(json_string_value(json_array_get(warnings, 0)), odd[i].part))
			fail_msg("'%s' is not in '%s'", odd[i].part,
					json_string_value(json_array_get(warnings, 0)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renders_vector_a_to_the_byte),
		cmocka_unit_test(renders_vector_b_to_the_byte),
		cmocka_unit_test(sorts_entries_by_the_bytes_of_their_keys),
		cmocka_unit_test(the_order_of_the_input_does_not_matter),
		cmocka_unit_test(every_text_reads_back_as_it_was),
		cmocka_unit_test(refuses_what_must_not_be_written),
		cmocka_unit_test(refuses_to_render_more_than_the_limit),
		cmocka_unit_test(refuses_each_malformed_twin),
		cmocka_unit_test(no_cut_of_a_document_is_a_whole_one),
		cmocka_unit_test(refuses_oversize_and_deep_documents),
		cmocka_unit_test(accepts_what_others_write),
		cmocka_unit_test(explains_what_some_guest_would_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
