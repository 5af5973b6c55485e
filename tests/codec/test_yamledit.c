/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "codec/yamledit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX          ((size_t)1 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "a/2/b" is key a, item 2, key b; "//" in a key would be no example worth having */
static size_t path_of(const char *words, char *copy, struct yaml_step *steps)
{
	size_t count = 0;
	char *rest = copy, *word = NULL;

	memcpy(copy, words, strlen(words) + 1);
	while ((word = strsep(&rest, "/"))) {
		bool item = *word >= '0' && *word <= '9';
		steps[count++] = (struct yaml_step){ item ? NULL : word, item ? (size_t)(*word - '0') : 0 };
	}
	return count;
}

/* value NULL removes */
static int edit(const char *text, size_t document, const char *words, const char *value, struct buf *out,
		struct err *err)
{
	struct yaml_step steps[16];
	char copy[200];
	size_t count = path_of(words, copy, steps);

	if (value)
		return yamledit_set(span_of(text), MAX, document, steps, count, value, out, err);
	return yamledit_remove(span_of(text), MAX, document, steps, count, out, err);
}

struct edit_case {
	const char *name;
	const char *before;
	const char *path;
	const char *value;
	const char *after;
};

static void run(const struct edit_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf out = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		if (edit(cases[i].before, 0, cases[i].path, cases[i].value, &out, &err) < 0)
			fail_msg("%s: %s", cases[i].name, err.text);
		if (strcmp(buf_text(&out), cases[i].after) != 0)
			fail_msg("%s:\n%s", cases[i].name, buf_text(&out));
	}
}

static void replaces_a_scalar_of_any_style(void **state)
{
	static const struct edit_case cases[] = {
		{ "plain", "a: x # why\nb: 1\n", "a", "z", "a: z # why\nb: 1\n" },
		{ "a value that needs quotes", "a: x\n", "a", "no", "a: \"no\"\n" },
		{ "a value of two lines", "a: x\n", "a", "one\ntwo", "a: \"one\\ntwo\"\n" },
		{ "quotes stay quotes", "a: 'x'\n", "a", "z", "a: \"z\"\n" },
		{ "a number becomes a text", "a: 1\n", "a", "2", "a: \"2\"\n" },
		{ "of several lines", "a: one\n  two\n\n  three # c\nb: 1\n", "a", "z", "a: z # c\nb: 1\n" },
		{ "on the next line", "a:\n  # c\n  x\nb: 1\n", "a", "z", "a:\n  # c\n  z\nb: 1\n" },
		{ "literal", "a: |\n  one\n  two\n\nb: 1\n", "a", "z", "a: z\n\nb: 1\n" },
		{ "literal with a comment", "a: |- # c\n  one\nb: 1\n", "a", "z", "a: z # c\nb: 1\n" },
		{ "literal at the end", "a: >+\n  one\n\n", "a", "z", "a: z\n" },
		{ "nothing", "a:\nb: 1\n", "a", "z", "a: z\nb: 1\n" },
		{ "nothing with a comment", "a: # c\nb: 1\n", "a", "z", "a: z # c\nb: 1\n" },
		{ "null", "a: null\n", "a", "z", "a: z\n" },
		{ "tagged", "a: !!str 5\n", "a", "z", "a: z\n" },
		{ "in flow", "a: {b: x, c: 1}\n", "a/b", "z", "a: {b: \"z\", c: 1}\n" },
		{ "nothing in flow", "{a, b: }\n", "a", "z", "{a: \"z\", b: }\n" },
		{ "nothing behind a colon in flow", "{a, b: }\n", "b", "z", "{a, b: \"z\"}\n" },
		{ "JSON", "{\"a\": {\"b\": \"x\"}}", "a/b", "q\"\\\n\u00e4",
				"{\"a\": {\"b\": \"q\\\"\\\\\\n\u00e4\"}}" },
		{ "an item", "a:\n- x\n- z # c\n", "a/1", "w", "a:\n- x\n- w # c\n" },
		{ "an item of nothing", "a:\n-\n- z\n", "a/0", "w", "a:\n- w\n- z\n" },
		{ "below items", "items:\n- kind: A\n- kind: B\n  m:\n    k: v\n", "items/1/m/k", "w",
				"items:\n- kind: A\n- kind: B\n  m:\n    k: w\n" },
		{ "behind characters of several bytes", "# \u00e4\U0001f600\n\u00fc: \u00df\na: x # \u20ac\n",
				"a", "z", "# \u00e4\U0001f600\n\u00fc: \u00df\na: z # \u20ac\n" },
		{ "with a BOM", "\ufeffa: x\n", "a", "z", "\ufeffa: z\n" },
		{ "a quoted key", "\"a\": x\n", "a", "z", "\"a\": z\n" },
		{ "with tabs", "a:\tx\t# c\n", "a", "z", "a:\tz\t# c\n" },
	};

	(void)state;
	run(cases, COUNT(cases));
}

static void inserts_with_the_indentation_of_its_siblings(void **state)
{
	static const struct edit_case cases[] = {
		{ "at the end", "a:\n  b: 1\n  # end of a\nc: 1\n", "a/k", "v",
				"a:\n  b: 1\n  k: v\n  # end of a\nc: 1\n" },
		{ "four spaces", "a:\n    b:\n        c: 1\n", "a/k/l", "v",
				"a:\n    b:\n        c: 1\n    k:\n        l: v\n" },
		{ "missing parents", "m:\n  name: x\n", "m/p/o", "v", "m:\n  name: x\n  p:\n    o: v\n" },
		{ "all parents missing", "x: 1\n", "a/b/c", "v", "x: 1\na:\n  b:\n    c: v\n" },
		{ "below a deep last member", "a:\n  b:\n    - c:\n        - 1 # c\n", "a/k", "v",
				"a:\n  b:\n    - c:\n        - 1 # c\n  k: v\n" },
		{ "behind a literal", "a:\n  b: |\n    one\n\n\nc: 1\n", "a/k", "v",
				"a:\n  b: |\n    one\n  k: v\n\n\nc: 1\n" },
		{ "behind a literal that keeps its blank lines", "a:\n  b: |+\n    one\n\n\nc: 1\n", "a/k",
				"v", "a:\n  b: |+\n    one\n\n\n  k: v\nc: 1\n" },
		{ "behind a literal without a last break", "a:\n  b: |\n    one", "a/k", "v",
				"a:\n  k: v\n  b: |\n    one" },
		{ "without a last break", "a:\n  b: 1", "a/k", "v", "a:\n  b: 1\n  k: v" },
		{ "parent of nothing", "a: # c\nb: 1\n", "a/k", "v", "a: # c\n  k: v\nb: 1\n" },
		{ "null parent", "a: null # c\nb: 1\n", "a/k/l", "v", "a: # c\n  k:\n    l: v\nb: 1\n" },
		{ "~ parent at the end", "m:\n   a: ~", "m/a/k", "v", "m:\n   a:\n      k: v" },
		{ "an item", "items:\n- kind: A\n  m:\n    x: 1\n- kind: B\n", "items/1/m/k", "v",
				"items:\n- kind: A\n  m:\n    x: 1\n- kind: B\n  m:\n    k: v\n" },
		{ "a key that needs quotes", "a: 1\n", "on", "off", "a: 1\n\"on\": \"off\"\n" },
		{ "CRLF", "a:\r\n  b: 1\r\nc: 1\r\n", "a/k/l", "v",
				"a:\r\n  b: 1\r\n  k:\r\n    l: v\r\nc: 1\r\n" },
		{ "into braces", "a: {b: 1} # c\n", "a/k", "v", "a: {b: 1, \"k\": \"v\"} # c\n" },
		{ "into empty braces", "a: {}\nb: 1\n", "a/k/l", "v", "a: {\"k\": {\"l\": \"v\"}}\nb: 1\n" },
		{ "with a trailing comma", "{a: 1,}\n", "k", "v", "{a: 1, \"k\": \"v\",}\n" },
		{ "null in flow", "{a: null, b: }\n", "a/k", "v", "{a: {\"k\": \"v\"}, b: }\n" },
		{ "nothing in flow", "{a: null, b: }\n", "b/k", "v", "{a: null, b: {\"k\": \"v\"}}\n" },
		{ "JSON on lines", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "a/k", "v",
				"{\n  \"a\": {\n    \"b\": 1,\n    \"k\": \"v\"\n  }\n}\n" },
		{ "JSON with a parent", "{\n  \"a\": 1\n}\n", "k/l", "v",
				"{\n  \"a\": 1,\n  \"k\": {\"l\": \"v\"}\n}\n" },
		{ "before the end of the document", "a: 1\n...\n---\nb: 1\n", "k", "v",
				"a: 1\nk: v\n...\n---\nb: 1\n" },
	};

	(void)state;
	run(cases, COUNT(cases));
}

static void removes_a_member_and_nothing_else(void **state)
{
	static const struct edit_case cases[] = {
		{ "in the middle", "a: 1\n# of b\nb: 2 # c\nc: 3\n", "b", NULL, "a: 1\n# of b\nc: 3\n" },
		{ "the last", "a: 1\nb: 2\n", "b", NULL, "a: 1\n" },
		{ "without a last break", "a: 1\nb: 2", "b", NULL, "a: 1\n" },
		{ "a tree", "a:\n  b:\n    c: [1,\n      2]\n  d: 1\n", "a/b", NULL, "a:\n  d: 1\n" },
		{ "a literal", "a: |\n  x\n\nb: 1\n", "a", NULL, "\nb: 1\n" },
		{ "below a literal that keeps", "a: |+\n  x\nb: 1\n\n\nc: 1\n", "b", NULL,
				"a: |+\n  x\nc: 1\n" },
		{ "the only one", "a:\n  b: 1 # c\nd: 1\n", "a/b", NULL, "a:\n  {} # c\nd: 1\n" },
		{ "the only one of all", "a: 1\n", "a", NULL, "{}\n" },
		{ "the first of an item", "- a: 1\n  b: 2\n", "0/a", NULL, "- b: 2\n" },
		{ "the first of an item, a comment behind", "- a: 1\n  # of b\n  b: 2\n", "0/a", NULL,
				"- # of b\n  b: 2\n" },
		{ "the only one of an item", "- a: 1\n- x\n", "0/a", NULL, "- {}\n- x\n" },
		{ "the first in braces", "{a: 1, b: 2}\n", "a", NULL, "{b: 2}\n" },
		{ "the last in braces", "{a: 1, b: 2 }\n", "b", NULL, "{a: 1 }\n" },
		{ "the last with a trailing comma", "{a: 1, b: 2,}\n", "b", NULL, "{a: 1}\n" },
		{ "the only one in braces", "{a: 1,}\n", "a", NULL, "{}\n" },
		{ "in braces, a comment at the comma", "{a: 1,#c\n b: 2}\n", "b", NULL, "{a: 1 #c\n }\n" },
		{ "in braces between comments", "{a: 1, # a\n b: 2, # b\n c: 3 # c\n}\n", "b", NULL,
				"{a: 1, # a\n  # b\n c: 3 # c\n}\n" },
		{ "the last in braces between comments", "{a: 1, # a\n b: 2 # b\n}\n", "b", NULL,
				"{a: 1 # a\n  # b\n}\n" },
		{ "JSON", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b", NULL, "{\n  \"a\": 1\n}\n" },
		{ "CRLF", "a: 1\r\nb: 2\r\nc: 3\r\n", "b", NULL, "a: 1\r\nc: 3\r\n" },
	};

	(void)state;
	run(cases, COUNT(cases));
}

static void edits_the_document_it_is_told(void **state)
{
	static const char text[] = "a: 1\n---\na: 2 # two\n---\n# nothing\n";
	auto_buf struct buf out = BUF_MAX(MAX), none = BUF_MAX(MAX);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(edit(text, 1, "a", "x", &out, &err), 0);
	assert_string_equal(buf_text(&out), "a: 1\n---\na: x # two\n---\n# nothing\n");
	assert_int_equal(edit(text, 2, "a", "x", &none, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(edit(text, 3, "a", "x", &none, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_string_equal(err.text, "no document number 4; the text has 3");
	assert_int_equal(none.len, 0);
}

static void refuses_what_it_cannot_do_safely(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *path;
		const char *value;
		enum err_kind kind;
		const char *why;
	} cases[] = {
		{ "an anchor on the way", "a: &x {b: 1}\nc: *x\n", "a/b", "v", ERR_FORMAT,
				"'a.b' in document 1: an anchor" },
		{ "an alias on the way", "a: &x {b: 1}\nc: *x\n", "c/b", "v", ERR_FORMAT,
				"an anchor or alias" },
		{ "an anchored scalar", "a: &x 1\nc: *x\n", "a", "v", ERR_FORMAT, "anchor" },
		{ "an alias", "a: &x 1\nc: *x\n", "c", "v", ERR_FORMAT, "anchor" },
		{ "an anchor inside what goes", "a: {b: &x 1}\nc: *x\n", "a", NULL, ERR_FORMAT,
				"anchor in it" },
		{ "a merge key", "x: &x {b: 1}\na:\n  <<: *x\n", "a/k", "v", ERR_FORMAT, "merge key" },
		{ "an explicit key", "? a\n: x\n", "a", "v", ERR_FORMAT, "'? key'" },
		{ "an explicit key in braces", "{? a : x}\n", "a", "v", ERR_FORMAT, "'? key'" },
		{ "an explicit key below its mark", "{?\n # c\n a : x}\n", "a", "v", ERR_FORMAT, "'? key'" },
		{ "a pair in brackets", "[a: 1]\n", "0/b", "v", ERR_FORMAT, "without braces" },
		{ "a mapping", "a: {b: 1}\n", "a", "v", ERR_FORMAT, "not a text" },
		{ "a sequence", "a: [b]\n", "a", "v", ERR_FORMAT, "not a text" },
		{ "below a text", "a: x\n", "a/b", "v", ERR_FORMAT, "no mapping" },
		{ "below a sequence", "a: [x]\n", "a/b", "v", ERR_FORMAT, "no mapping" },
		{ "an item of a mapping", "a: {b: 1}\n", "a/0", "v", ERR_FORMAT, "no sequence" },
		{ "an item too far", "a: [x]\n", "a/1", "v", ERR_NOT_FOUND, "shorter" },
		{ "an item of nothing", "a:\n", "a/0", "v", ERR_FORMAT, "no sequence" },
		{ "an item of what is missing", "a: 1\n", "b/0", "v", ERR_NOT_FOUND, "no sequence" },
		{ "below an empty item", "a:\n-\n", "a/0/b", "v", ERR_FORMAT, "not a mapping" },
		{ "an empty document", "--- ~\n", "a", "v", ERR_FORMAT, "not a mapping" },
		{ "a missing member, to remove", "a: 1\n", "b", NULL, ERR_NOT_FOUND,
				"'b' in document 1: it is not there" },
		{ "an item, to remove", "a: [1]\n", "a/0", NULL, ERR_USAGE, "only a member" },
		{ "a lone CR", "a: 1\rb: 2\n", "a", "v", ERR_FORMAT, "CR without LF" },
		{ "a line separator", "a: 1 # \u2028b: 2\n", "a", "v", ERR_FORMAT, "uncommon" },
		{ "a BOM inside", "a: 1\n---\n\ufeffb: 2\n", "a", "v", ERR_FORMAT, "BOM" },
		{ "no YAML", "a: [\n", "a", "v", ERR_FORMAT, "line 2, column 1" },
		{ "two of a key", "a: 1\na: 2\n", "a", "v", ERR_FORMAT, "there already" },
		{ "a value that is not UTF-8", "a: 1\n", "a", "\xff", ERR_USAGE, "not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf out = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		if (edit(cases[i].text, 0, cases[i].path, cases[i].value, &out, &err) == 0)
			fail_msg("%s:\n%s", cases[i].name, buf_text(&out));
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].why))
			fail_msg("%s: %s: %s", cases[i].name, err_kind_name(err.kind), err.text);
		assert_int_equal(out.len, 0);
	}
}

static void refuses_paths_and_sizes_beyond_its_bounds(void **state)
{
	static const struct yaml_step one[] = { YAML_KEY("a") };
	char key[200] = { 0 };
	const struct yaml_step far[] = { { key, 0 } };
	struct yaml_step deep[70];
	auto_buf struct buf out = BUF_MAX(MAX);
	struct err err = ERR_NONE;

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	for (size_t i = 0; i < 70; i++)
		deep[i] = one[0];
	assert_int_equal(yamledit_set(SPAN_LIT("a: 1\n"), MAX, 0, one, 0, "v", &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(yamledit_set(SPAN_LIT("a: 1\n"), MAX, 0, far, 1, "v", &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(yamledit_set(SPAN_LIT("b: 1\n"), MAX, 0, deep, 70, "v", &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(yamledit_set(SPAN_LIT("a: 1\n"), 4, 0, one, 1, "v", &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(yamledit_set(SPAN_LIT("a: 1\n"), 8, 0, one, 1, "123456", &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(out.len, 0);
}

static void an_edit_of_an_edit_gives_the_text_back(void **state)
{
	static const char text[] = "# top\nkind: Deployment\nspec:\n  template:\n    metadata:\n      "
				   "labels: {app: web} # l\n"
				   "    spec: {}\n";
	auto_buf struct buf with = BUF_MAX(MAX), back = BUF_MAX(MAX);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(edit(text, 0, "spec/template/metadata/annotations/k", "v", &with, &err), 0);
	assert_string_equal(buf_text(&with),
			"# top\nkind: Deployment\nspec:\n  template:\n    metadata:\n      labels: {app: "
			"web} # l\n"
			"      annotations:\n        k: v\n    spec: {}\n");
	assert_int_equal(
			edit(buf_text(&with), 0, "spec/template/metadata/annotations", NULL, &back, &err), 0);
	assert_string_equal(buf_text(&back), text);
}

struct one {
	size_t document;
	const char *words, *value;
};

static int set_all(const char *text, const struct one *ones, size_t count, struct buf *out, struct err *err)
{
	struct yaml_step steps[8][16];
	struct yaml_set sets[8];
	char copies[8][200];

	assert_true(count <= COUNT(sets));
	for (size_t i = 0; i < count; i++) {
		size_t depth = path_of(ones[i].words, copies[i], steps[i]);
		sets[i] = (struct yaml_set){ ones[i].document, steps[i], depth, ones[i].value };
	}
	return yamledit_set_all(span_of(text), MAX, sets, count, out, err);
}

#define MANY_TEXT "a: 1 # one\nb: {c: x, d: 'y'}\n---\ne:\n- |\n  long\n  text\n- null # n\n"

static void sets_many_members_as_if_one_after_the_other(void **state)
{
	/* from behind, so that order is not what the text has */
	static const struct one ones[] = { { 1, "e/1", "five" }, { 1, "e/0", "four" }, { 0, "b/d", "three" },
		{ 0, "b/c", "two" }, { 0, "a", "1" } };
	auto_buf struct buf out = BUF_MAX(MAX), text = BUF_MAX(MAX);
	struct err err = ERR_NONE;

	(void)state;
	if (set_all(MANY_TEXT, ones, COUNT(ones), &out, &err) < 0)
		fail_msg("%s", err.text);
	buf_puts(&text, MANY_TEXT);
	for (size_t i = 0; i < COUNT(ones); i++) {
		auto_buf struct buf next = BUF_MAX(MAX);
		assert_int_equal(edit(buf_text(&text), ones[i].document, ones[i].words, ones[i].value, &next,
						 &err),
				0);
		buf_reset(&text);
		buf_add_span(&text, buf_span(&next));
	}
	assert_string_equal(buf_text(&out), buf_text(&text));
	assert_string_equal(buf_text(&out),
			"a: \"1\" # one\nb: {c: \"two\", d: \"three\"}\n---\ne:\n- four\n- five # n\n");
}

static void sets_none_of_many_where_one_cannot_be(void **state)
{
	static const struct {
		struct one ones[2];
		enum err_kind kind;
	} cases[] = {
		{ { { 0, "a", "x" }, { 0, "a", "x" } }, ERR_USAGE },
		{ { { 0, "a", "x" }, { 0, "z", "x" } }, ERR_NOT_FOUND },
		{ { { 0, "a", "x" }, { 0, "b/z", "x" } }, ERR_NOT_FOUND },
		{ { { 0, "a", "x" }, { 1, "e/2", "x" } }, ERR_NOT_FOUND },
		{ { { 0, "a", "x" }, { 2, "a", "x" } }, ERR_NOT_FOUND },
		{ { { 0, "a", "x" }, { 0, "b", "x" } }, ERR_FORMAT },
		{ { { 0, "a", "x" }, { 0, "b/c", "\xff" } }, ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf out = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		if (set_all(MANY_TEXT, cases[i].ones, 2, &out, &err) == 0 || err.kind != cases[i].kind)
			fail_msg("%zu: %s: %s", i, err_kind_name(err.kind), err.text);
		assert_int_equal(out.len, 0);
	}
}

static void setting_nothing_gives_the_text(void **state)
{
	auto_buf struct buf out = BUF_MAX(MAX);

	(void)state;
	assert_int_equal(yamledit_set_all(SPAN_LIT("\xef\xbb\xbf" MANY_TEXT), MAX, NULL, 0, &out, NULL), 0);
	assert_string_equal(buf_text(&out), "\xef\xbb\xbf" MANY_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces_a_scalar_of_any_style),
		cmocka_unit_test(inserts_with_the_indentation_of_its_siblings),
		cmocka_unit_test(removes_a_member_and_nothing_else),
		cmocka_unit_test(edits_the_document_it_is_told),
		cmocka_unit_test(refuses_what_it_cannot_do_safely),
		cmocka_unit_test(refuses_paths_and_sizes_beyond_its_bounds),
		cmocka_unit_test(an_edit_of_an_edit_gives_the_text_back),
		cmocka_unit_test(sets_many_members_as_if_one_after_the_other),
		cmocka_unit_test(sets_none_of_many_where_one_cannot_be),
		cmocka_unit_test(setting_nothing_gives_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
