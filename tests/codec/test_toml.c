/* SPDX-License-Identifier: Apache-2.0 */
/* The TOML reader as a whole: broken and oversized texts, messages, limits. The grammar is in test_toml_valid.c and
 * test_toml_invalid.c, the writer in test_toml_write.c. */
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

#define TEXT_MAX (4 << 20)

/* something of everything */
static const char whole[] =
		"# all of it\n"
		"a = 1 # one\r\n"
		"'b c'.\"d\\u00e9\" = [ 0xff, -1_0, # c\n 2.5e-3, [], {x = {y.z = true}, w = 'v'}, ]\n"
		"e = \"\"\"\n\\\n  q\\\\\"\" \xc3\xa9\\n\"\"\"\"\n"
		"f = '''\n'' \\ ''''\n"
		"g = 1979-05-27 07:32:00.5+01:00\n"
		"h = [inf, nan, 07:32:00, 1979-05-27]\n"
		"[t.u]\nk = 'l'\n"
		"[[t.v]]\n[t.v.w]\nm.n = ''\n"
		"[[t.v]]\n";

static json_t *must_read(struct span text)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (toml_parse(text, TEXT_MAX, &tree, &err) < 0)
		fail_msg("%s: %.*s", err.text, SPAN_ARG(text));
	return tree;
}

/* Either the text is read and survives the writer, or it is refused with its place. */
static bool reads_or_says_where(struct span text)
{
	auto_json json_t *tree = NULL;
	auto_json json_t *again = NULL;
	auto_buf struct buf written = BUF_MAX(TEXT_MAX);
	struct err err = ERR_NONE;

	if (toml_parse(text, TEXT_MAX, &tree, &err) < 0) {
		assert_null(tree);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_int_equal(strncmp(err.text, "line ", 5), 0);
		return false;
	}
	assert_int_equal(toml_write(&written, tree, NULL), 0);
	again = must_read(buf_span(&written));
	assert_true(json_equal(tree, again));
	return true;
}

/* ---- broken texts -------------------------------------------------------------------------------------- */

static void reads_the_whole_example(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read(SPAN_LIT(whole));

	assert_int_equal(json_object_size(tree), 7);
	assert_string_equal(json_text_at(tree, "e", NULL), "q\\\"\" \xc3\xa9\n\"");
	assert_string_equal(json_text_at(tree, "f", NULL), "'' \\ '");
	assert_int_equal(json_array_size(json_at(tree, "t", "v", NULL)), 2);
	assert_true(reads_or_says_where(SPAN_LIT(whole)));
}

static void stands_truncation_at_every_byte(void **state)
{
	(void)state;
	int refused = 0;

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		/* a copy of the exact size, so that a read behind the end is seen by the address sanitizer */
		auto_free char *copy = xmalloc(len + !len);
		memcpy(copy, whole, len);
		refused += !reads_or_says_where(span_new(copy, len));
	}
	assert_true(refused > 200);
}

static void stands_every_byte_replaced(void **state)
{
	(void)state;
	static const char bytes[] = "\0\n\r\t \"'\\[]{}=.,#-_0e\x7f\xc3\xff";
	auto_free char *copy = xmemdup0(whole, sizeof(whole) - 1);

	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
			copy[i] = bytes[k];
			(void)reads_or_says_where(span_new(copy, sizeof(whole) - 1));
		}
		copy[i] = whole[i];
	}
}

static void refuses_a_text_beyond_the_ceiling(void **state)
{
	(void)state;
	auto_json json_t *tree = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(toml_parse(SPAN_LIT("a = 1"), 4, &tree, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(strstr(err.text, "5 bytes exceeds 4 bytes"));
	assert_int_equal(toml_parse(SPAN_LIT("a = 1"), 5, &tree, &err), 0);
}

static void needs_no_err(void **state)
{
	(void)state;
	auto_json json_t *tree = NULL;

	assert_int_equal(toml_parse(SPAN_LIT("a ="), TEXT_MAX, &tree, NULL), -1);
	assert_int_equal(toml_parse_tagged(SPAN_LIT("a = \""), TEXT_MAX, &tree, NULL), -1);
	assert_int_equal(toml_parse(SPAN_NONE, 0, &tree, NULL), 0);
}

static void leaves_values_out_of_messages(void **state)
{
	(void)state;
	static const char *const texts[] = { "a = hunter2", "a = \"hunter2", "a = 'hunter2'x",
		"a = '''hunter2", "a = \"hunter2\\q\"", "a = ['hunter2' 'x']",
		"a = 'hunter2'\na = 'hunter2'" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *tree = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(toml_parse(span_of(texts[i]), TEXT_MAX, &tree, &err), -1);
		assert_null(strstr(err.text, "hunter2"));
	}
}

static void cuts_a_long_key_in_messages_between_characters(void **state)
{
	(void)state;
	auto_buf struct buf text = BUF_MAX(4096);
	json_t *tree = NULL;
	struct err err = ERR_NONE;

	for (int twice = 0; twice < 2; twice++) {
		buf_puts(&text, "'x");
		for (int i = 0; i < 200; i++)
			buf_puts(&text, "\xc3\xa9");
		buf_puts(&text, "' = 1\n");
	}
	assert_int_equal(toml_parse(buf_span(&text), 4096, &tree, &err), -1);
	assert_true(span_is_utf8(span_of(err.text)));
	assert_true(strlen(err.text) < 120);
	assert_non_null(strstr(err.text, "line 2, column 1: the key 'x\xc3\xa9"));
}

static void keeps_the_order_of_the_text(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read(SPAN_LIT("z = 1\ny.b = 2\n[x]\n[w.v]\n[a]\n"));
	auto_free char *text = json_text(tree, false);

	assert_string_equal(text, "{\"z\":1,\"y\":{\"b\":2},\"x\":{},\"w\":{\"v\":{}},\"a\":{}}");
}

/* ---- limits -------------------------------------------------------------------------------------------- */

/* `open` and `close` repeated `times` around `inner`, behind `head` */
static char *nested(const char *head, const char *open, const char *inner, const char *close, int times)
{
	struct buf text = BUF_MAX(TEXT_MAX);

	buf_puts(&text, head);
	for (int i = 0; i < times; i++)
		buf_puts(&text, open);
	buf_puts(&text, inner);
	for (int i = 0; i < times; i++)
		buf_puts(&text, close);
	return buf_take(&text);
}

static void limits_every_kind_of_depth(void **state)
{
	(void)state;
	/* each open adds one container; `already` stand around it, the document among them */
	static const struct {
		const char *head, *open, *inner, *close;
		int already;
	} kinds[] = {
		{ "a = ", "[", "1", "]", 1 },
		{ "a = ", "{a = ", "1", "}", 1 },
		{ "", "a.", "a = 1", "", 1 },
		{ "[", "a.", "a]", "", 2 },
		{ "[[", "a.", "a]]", "", 3 },
		{ "[[a]]\n[a.b]\nc = ", "[", "1", "]", 4 },
		{ "a.b.c = ", "[", "{}", "]", 4 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int room = TOML_DEPTH_MAX - kinds[i].already;
		auto_free char *good =
				nested(kinds[i].head, kinds[i].open, kinds[i].inner, kinds[i].close, room);
		auto_free char *bad = nested(
				kinds[i].head, kinds[i].open, kinds[i].inner, kinds[i].close, room + 1);
		auto_json json_t *tree = must_read(span_of(good));
		auto_buf struct buf written = BUF_MAX(TEXT_MAX);
		json_t *none = NULL;
		struct err err = ERR_NONE;

		assert_int_equal(toml_write(&written, tree, NULL), 0);
		assert_int_equal(toml_parse(span_of(bad), TEXT_MAX, &none, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
		assert_non_null(strstr(err.text, "line "));
		assert_non_null(strstr(err.text, "deeper than 64 levels"));
	}
}

static void stands_a_million_brackets(void **state)
{
	(void)state;
	static const char *const opens[] = { "[", "{a=", "[[", "a." };
	json_t *tree = NULL;

	for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		auto_free char *text = nested("a = ", opens[i], "", "", 1000000);
		struct err err = ERR_NONE;
		assert_int_equal(toml_parse(span_of(text), TEXT_MAX, &tree, &err), -1);
	}
}

static void limits_the_number_of_keys(void **state)
{
	(void)state;
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	auto_json json_t *tree = NULL;
	json_t *none = NULL;
	struct err err = ERR_NONE;

	for (int i = 0; i < TOML_KEYS_MAX; i++)
		buf_printf(&text, "k%d=1\n", i);
	assert_int_equal(toml_parse(buf_span(&text), TEXT_MAX, &tree, &err), 0);
	assert_int_equal(json_object_size(tree), TOML_KEYS_MAX);
	buf_puts(&text, "[[a]]\n");
	assert_int_equal(toml_parse(buf_span(&text), TEXT_MAX, &none, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(strstr(err.text, "line 100001, column 3: the text has more than 100000 keys"));
}

static void limits_the_number_of_headers(void **state)
{
	(void)state;
	auto_free char *good = nested("", "[[a]]\n", "", "", TOML_KEYS_MAX);
	auto_free char *bad = nested("", "[[a]]\n", "", "", TOML_KEYS_MAX + 1);
	auto_json json_t *tree = must_read(span_of(good));
	json_t *none = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(json_array_size(json_at(tree, "a", NULL)), TOML_KEYS_MAX);
	assert_int_equal(toml_parse(span_of(bad), TEXT_MAX, &none, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_whole_example),
		cmocka_unit_test(stands_truncation_at_every_byte),
		cmocka_unit_test(stands_every_byte_replaced),
		cmocka_unit_test(refuses_a_text_beyond_the_ceiling),
		cmocka_unit_test(needs_no_err),
		cmocka_unit_test(leaves_values_out_of_messages),
		cmocka_unit_test(cuts_a_long_key_in_messages_between_characters),
		cmocka_unit_test(keeps_the_order_of_the_text),
		cmocka_unit_test(limits_every_kind_of_depth),
		cmocka_unit_test(stands_a_million_brackets),
		cmocka_unit_test(limits_the_number_of_keys),
		cmocka_unit_test(limits_the_number_of_headers),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
