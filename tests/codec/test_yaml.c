/* SPDX-License-Identifier: Apache-2.0 */
/* What kubectl makes of a scalar is read off Go's yaml.v2 as sigs.k8s.io/yaml carries it (resolve.go). */
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX          ((size_t)4 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *json_of(const char *text)
{
	json_t *value = NULL;
	struct err err = ERR_NONE;

	if (json_read(span_of(text), MAX, &value, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return value;
}

static void reads_documents_as_json(void **state)
{
	static const struct {
		const char *yaml;
		const char *json; /* the array of documents */
	} cases[] = {
		{ "", "[]" },
		{ "# nothing\n", "[]" },
		{ "---\n", "[null]" },
		{ "a: 1\n---\n# none\n---\nb: 2\n...\n", "[{\"a\": 1}, null, {\"b\": 2}]" },
		{ "a:\n- b\n- c: d\n  e: []\n- {f: {}}\n",
				"[{\"a\": [\"b\", {\"c\": \"d\", \"e\": []}, {\"f\": {}}]}]" },
		{ "a: |\n  x\n   y\n\nb: >-\n  p\n  q\n", "[{\"a\": \"x\\n y\\n\", \"b\": \"p q\"}]" },
		{ "a: 'it''s'\nb: \"\\u00e4\\x41\\n\"\n", "[{\"a\": \"it's\", \"b\": \"\u00e4A\\n\"}]" },
		{ "\ufeffa: 1\r\nb: 2\r\n", "[{\"a\": 1, \"b\": 2}]" },
		{ "{\"a\": [1, \"x\", null, true, 2.5]}", "[{\"a\": [1, \"x\", null, true, 2.5]}]" },
		{ "%YAML 1.2\n---\n!!map {a: !!str 5, b: !!seq []}\n", "[{\"a\": \"5\", \"b\": []}]" },
		{ "a: &x [1, {b: 2}]\nc: *x\nd: &x 3\ne: *x\n",
				"[{\"a\": [1, {\"b\": 2}], \"c\": [1, {\"b\": 2}], \"d\": 3, \"e\": 3}]" },
		{ "- &x {a: 1, b: 2}\n- {<<: *x, b: 3}\n- {\"<<\": 4}\n",
				"[[{\"a\": 1, \"b\": 2}, {\"a\": 1, \"b\": 3}, {\"<<\": 4}]]" },
		{ "- &x {a: 1}\n- &z {a: 2, b: 2}\n- {<<: [*x, *z, {c: 3}], d: 4}\n",
				"[[{\"a\": 1}, {\"a\": 2, \"b\": 2}, {\"a\": 1, \"b\": 2, \"c\": 3, \"d\": "
				"4}]]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *got = NULL, *want = json_of(cases[i].json);
		struct err err = ERR_NONE;
		if (yaml_read_all(span_of(cases[i].yaml), MAX, &got, &err) < 0)
			fail_msg("%s: %s", cases[i].yaml, err.text);
		auto_buf struct buf text = BUF_MAX(MAX);
		yaml_write(&text, got);
		if (!json_equal(got, want))
			fail_msg("%s gave\n%s", cases[i].yaml, buf_text(&text));
	}
}

static void types_follow_the_core_schema(void **state)
{
	static const struct {
		const char *plain;
		const char *json;
	} cases[] = {
		{ "~", "null" },
		{ "null", "null" },
		{ "NULL", "null" },
		{ "nUll", "\"nUll\"" },
		{ "true", "true" },
		{ "True", "true" },
		{ "FALSE", "false" },
		{ "tRue", "\"tRue\"" },
		{ "0", "0" },
		{ "12", "12" },
		{ "+12", "12" },
		{ "-12", "-12" },
		{ "0o17", "15" },
		{ "0x1F", "31" },
		{ "-0644", "-420" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "1.5", "1.5" },
		{ "-1.5e-3", "-0.0015" },
		{ ".5", "0.5" },
		{ "2.", "2.0" },
		{ "1e3", "1000.0" },
		{ "1.2.3", "\"1.2.3\"" },
		{ "10.0.0.0/8", "\"10.0.0.0/8\"" },
		{ "100m", "\"100m\"" },
		{ "64Mi", "\"64Mi\"" },
		{ "2001-12-14", "\"2001-12-14\"" },
		{ "12:30:45", "\"12:30:45\"" },
		{ "0o18", "\"0o18\"" },
		{ "0xG", "\"0xG\"" },
		{ "-", "[null]" },
		{ "--x", "\"--x\"" },
		{ "+", "\"+\"" },
		{ "1e", "\"1e\"" },
		{ "e3", "\"e3\"" },
		{ ".", "\".\"" },
		{ "_1", "\"_1\"" },
		{ "1_x", "\"1_x\"" },
		{ "=", "\"=\"" },
		{ "<<", "\"<<\"" },
		{ "Yup", "\"Yup\"" },
		{ "+.INFx", "\"+.INFx\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *got = NULL, *array = NULL;
		char text[100];
		struct err err = ERR_NONE;
		snprintf(text, sizeof(text), "[%s]", cases[i].json);
		array = json_of(text);
		if (yaml_read_one(span_of(cases[i].plain), MAX, &got, &err) < 0)
			fail_msg("%s: %s", cases[i].plain, err.text);
		if (!json_equal(got, json_array_get(array, 0)))
			fail_msg("%s is not %s", cases[i].plain, cases[i].json);
		auto_json json_t *quoted = NULL;
		snprintf(text, sizeof(text), "'%s'", cases[i].plain);
		assert_int_equal(yaml_read_one(span_of(text), MAX, &quoted, &err), 0);
		assert_string_equal(json_string_value(quoted), cases[i].plain);
	}
}

static void refuses_what_kubectl_reads_differently(void **state)
{
	static const char *const cases[] = { "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on",
		"On", "ON", "off", "Off", "OFF", "08", "-09", "0189", "+0_1", "1_000", "-1_0", "0b11",
		"-0b11", "0B1", "0b-1", "-0x1F", "0X1F", "0x_1F", "-0o17", "0O17", "1_0.5", "1_0e3", ".inf",
		"-.INF", ".NaN" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[100];
		json_t *got = NULL;
		struct err err = ERR_NONE;
		snprintf(text, sizeof(text), "a: %s\n", cases[i]);
		if (yaml_read_one(span_of(text), MAX, &got, &err) == 0)
			fail_msg("%s was accepted", cases[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_non_null(strstr(err.text, "line 1, column 4: "));
		assert_non_null(strstr(err.text, "put it in quotes"));
		snprintf(text, sizeof(text), "%s: a\n", cases[i]);
		assert_int_equal(yaml_read_one(span_of(text), MAX, &got, &err), -1);
	}
}

/* A digest in hex that begins with a digit: kubectl writes it plain, and no length makes a number of it. */
static void a_long_text_of_hex_digits_is_text(void **state)
{
	static const size_t lengths[] = { 8, 63, 64, 96, 127, 128, 129, 4096 };
	static const struct {
		const char *begin;
		const char *fill;
		bool is_text;
	} cases[] = {
		{ "0e14129f", "0123456789abcdef", true },
		{ "9b71d224", "bd62f378", true },
		{ "1e5-3e5a", "12", true },
		{ "12_34_5f", "1_2", true },
		{ "1_000_00", "0", false },
		{ "01234568", "89", false },
		{ "0X1f2e3d", "4c5b", false },
		{ "0b101101", "10", false },
		{ "1_0e1234", "5", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases) * COUNT(lengths); i++) {
		size_t len = lengths[i % COUNT(lengths)], from = strlen(cases[i / COUNT(lengths)].begin);
		const char *fill = cases[i / COUNT(lengths)].fill;
		char text[4096];
		auto_json json_t *got = NULL;
		struct err err = ERR_NONE;
		memcpy(text, cases[i / COUNT(lengths)].begin, from);
		for (size_t at = from; at < len; at++)
			text[at] = fill[(at - from) % strlen(fill)];
		int status = yaml_read_one(span_new(text, len), MAX, &got, &err);
		if ((status == 0) != cases[i / COUNT(lengths)].is_text)
			fail_msg("%.*s: %s", (int)len, text, err.text);
		if (status == 0)
			assert_true(span_eq(span_of(json_string_value(got)), span_new(text, len)));
	}
}

static void refuses_with_line_and_column(void **state)
{
	static const struct {
		const char *name;
		struct span yaml;
		const char *why;
	} cases[] = {
		{ "a duplicate key", SPAN_LIT("a: 1\nb: 2\na: 3\n"),
				"line 3, column 1: the key 'a' is there already" },
		{ "a duplicate in quotes", SPAN_LIT("{a: 1, \"a\": 2}"), "line 1, column 8: the key 'a'" },
		{ "a number as a key", SPAN_LIT("1: a\n"), "line 1, column 1: a key must be a string: '1'" },
		{ "a boolean as a key", SPAN_LIT("a:\n  true: b\n"),
				"line 2, column 3: a key must be a string" },
		{ "null as a key", SPAN_LIT("~: a\n"), "a key must be a string" },
		{ "a sequence as a key", SPAN_LIT("? [a]\n: b\n"),
				"line 1, column 3: a key must be a string" },
		{ "an alias as a key", SPAN_LIT("a: &x b\n*x : c\n"),
				"line 2, column 1: a key must be a string" },
		{ "an unknown tag", SPAN_LIT("a: !secret b\n"), "line 1, column 4: the tag '!secret'" },
		{ "a tag of another type", SPAN_LIT("a: !!int \"5\"\n"), "the tag 'tag:yaml.org,2002:int'" },
		{ "a tag on a mapping", SPAN_LIT("a: !!set {b}\n"), "the tag" },
		{ "an alias without anchor", SPAN_LIT("a: *x\n"), "line 1, column 4: the alias 'x'" },
		{ "an alias to what is around it", SPAN_LIT("a: &x [*x]\n"), "no finished anchor" },
		{ "an alias to another document", SPAN_LIT("a: &x 1\n---\nb: *x\n"),
				"line 3, column 4: the alias" },
		{ "a merge of a text", SPAN_LIT("<<: a\n"), "takes a mapping" },
		{ "a merge of texts", SPAN_LIT("<<: [{a: 1}, b]\n"), "takes a mapping" },
		{ "two merges", SPAN_LIT("<<: {a: 1}\n<<: {b: 1}\n"),
				"line 2, column 1: a second merge key" },
		{ "a merge below its key", SPAN_LIT("a: 1\n<<: {a: 2}\n"), "put the merge key first" },
		{ "a duplicate after a merge", SPAN_LIT("<<: {a: 1}\na: 2\na: 3\n"),
				"line 3, column 1: the key 'a'" },
		{ "a large integer", SPAN_LIT("9223372036854775808"), "beyond 64 bits" },
		{ "a large real", SPAN_LIT("1e999"), "beyond what JSON" },
		{ "U+0000", SPAN_LIT("a: \"x\\0\"\n"), "line 1, column 4: a string with U+0000" },
		{ "U+0000 in a key", SPAN_LIT("\"x\\0\": a\n"), "U+0000" },
		{ "a control character", SPAN_LIT("a: 1\n# \x01\n"), "line 2, column 3: control characters" },
		{ "a bare NUL", SPAN_LIT("a: 1\n\0\n"), "control characters" },
		{ "invalid UTF-8", SPAN_LIT("a: \xff\n"), "not UTF-8" },
		{ "UTF-16",
				SPAN_LIT("\xff\xfe"
					 "a\0"),
				"not UTF-8" },
		{ "half a surrogate", SPAN_LIT("\"\\ud800\""), "invalid Unicode" },
		{ "an open bracket", SPAN_LIT("a: [1,\n"), "line 2, column 1: " },
		{ "an open quote", SPAN_LIT("a: \"x\n"), "unexpected end of stream" },
		{ "a tab as indentation", SPAN_LIT("a:\n\tb: 1\n"), "line 2, column 1" },
		{ "wrong indentation", SPAN_LIT("a: 1\n b: 2\n"), "line 2" },
		{ "two %YAML", SPAN_LIT("%YAML 1.1\n%YAML 1.1\n--- a\n"), "duplicate" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *got = NULL;
		struct err err = ERR_NONE;
		if (yaml_read_all(cases[i].yaml, MAX, &got, &err) == 0)
			fail_msg("%s was accepted", cases[i].name);
		if (err.kind != ERR_FORMAT || !strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].name, err.text);
	}
}

static void one_document_is_one(void **state)
{
	json_t *got = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(yaml_read_one(SPAN_LIT(""), MAX, &got, &err), -1);
	assert_string_equal(err.text, "0 documents in the YAML text; it must be one");
	assert_int_equal(yaml_read_one(SPAN_LIT("a\n---\nb\n"), MAX, &got, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static int read_repeated(const char *head, const char *piece, size_t count, const char *tail, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(MAX);
	auto_json json_t *got = NULL;

	buf_puts(&text, head);
	for (size_t i = 0; i < count; i++)
		buf_puts(&text, piece);
	buf_puts(&text, tail);
	return yaml_read_all(buf_span(&text), MAX, &got, err);
}

static void bounds_are_kept(void **state)
{
	static const struct {
		const char *name;
		const char *head, *piece;
		size_t count;
		const char *tail;
		bool good;
	} cases[] = {
		{ "64 levels", "", "[", 64,
				"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", true },
		{ "65 levels", "", "[", 65, "", false },
		{ "levels that made libyaml slow", "", "[", 400000, "", false },
		{ "levels of dashes", "", "- ", 400000, "", false },
		{ "levels of braces", "", "{a: ", 100000, "", false },
		{ "levels through an alias", "a: &x [[[[[[[[[[]]]]]]]]]]\nb: ", "[", 60, "*x", false },
		{ "nodes", "", "- a\n", YAML_NODES_MAX - 1, "", true },
		{ "too many nodes", "", "- a\n", YAML_NODES_MAX, "", false },
		{ "nodes through aliases", "- &x [a, a, a, a, a, a, a, a, a]\n", "- *x\n",
				YAML_NODES_MAX / 10, "", false },
		{ "%TAG lines", "", "%TAG !a! x\n", YAML_TAGS_MAX + 1, "--- a\n", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		int status = read_repeated(
				cases[i].head, cases[i].piece, cases[i].count, cases[i].tail, &err);
		if (status != (cases[i].good ? 0 : -1) || (!cases[i].good && err.kind != ERR_LIMIT))
			fail_msg("%s: %d %s", cases[i].name, status, err.text);
	}
}

static void aliases_do_not_multiply_bytes(void **state)
{
	auto_buf struct buf text = BUF_MAX(MAX);
	auto_json json_t *got = NULL;
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&text, "- &x ");
	for (size_t i = 0; i < YAML_ALIAS_MAX / 10; i++)
		buf_puts(&text, "z");
	for (size_t i = 0; i < 11; i++)
		buf_puts(&text, "\n- *x");
	assert_int_equal(yaml_read_all(buf_span(&text), MAX, &got, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(yaml_read_all(buf_span(&text), text.len - 1, &got, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void a_text_cut_anywhere_is_read_or_refused(void **state)
{
	static const char text[] = "%YAML 1.1\n---\na: &x \"\\u00e4\"\nb: |2+\n  \u20ac\n\nc: [*x, {d: 'e'}, "
				   "!!str 1]\n? f\n: - g\n...\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		auto_json json_t *got = NULL;
		struct err err = ERR_NONE;
		if (yaml_read_all(span_new(text, len), MAX, &got, &err) < 0)
			assert_int_equal(err.kind, ERR_FORMAT);
	}
}

/* ---- the writer ---- */

static void writes_what_people_would(void **state)
{
	static const char want[] = "apiVersion: v1\n"
				   "metadata:\n"
				   "  name: web\n"
				   "  labels: {}\n"
				   "spec:\n"
				   "  containers:\n"
				   "  - name: c\n"
				   "    image: docker.io/library/busybox:1.36\n"
				   "    args:\n"
				   "    - --flag=x\n"
				   "    - \"on\"\n"
				   "    ports: []\n"
				   "  - - nested\n"
				   "    - x\n"
				   "data:\n"
				   "  aa.toml: |\n"
				   "    [a]\n"
				   "    b = 1\n"
				   "\n"
				   "    c = 2\n"
				   "  cut: |-\n"
				   "    a\n"
				   "    b\n"
				   "  kept: |+\n"
				   "    a\n"
				   "\n"
				   "count: 3\n"
				   "r: 1.0e+20\n"
				   "t: true\n"
				   "\"null\": null\n";
	auto_json json_t *doc = json_of("{\"apiVersion\": \"v1\", \"metadata\": {\"name\": \"web\", "
					"\"labels\": {}}, \"spec\": {\"containers\": [{\"name\": "
					"\"c\", \"image\": \"docker.io/library/busybox:1.36\", \"args\": "
					"[\"--flag=x\", \"on\"], \"ports\": []}, [\"nested\", "
					"\"x\"]]}, \"data\": {\"aa.toml\": \"[a]\\nb = 1\\n\\nc = 2\\n\", "
					"\"cut\": \"a\\nb\", \"kept\": \"a\\n\\n\"}, \"count\": 3, "
					"\"r\": 1e20, \"t\": true, \"null\": null}");
	auto_buf struct buf text = BUF_MAX(MAX);
	auto_json json_t *back = NULL;

	(void)state;
	yaml_write(&text, doc);
	assert_string_equal(buf_text(&text), want);
	assert_int_equal(yaml_read_one(buf_span(&text), MAX, &back, NULL), 0);
	assert_true(json_equal(doc, back));
}

static void quotes_exactly_what_needs_it(void **state)
{
	static const char *const plain[] = { "a", "web-1", "a b", "a:b", "a#b", "http://x:80/y?z=1#f", "-x",
		"--x", "a, b", "it's", "x\"y", "/etc", "v1", "100m", "64Mi", "3d", "_", "$(A)", "a{b}",
		"true story", "nullx" };
	static const char *const quoted[] = { "", " a", "a ", "a: b", "a:", "a #b", "#a", "- a", "---",
		"--- a", "...", "-", "?", "*a", "&a", "!a", "%a", "@a", "`a", "'a", "\"a", "[a", "{a", "]",
		"|", ">", ",", "~", "null", "NULL", "true", "False", "yes", "No", "on", "OFF", "y", "N", "=",
		"<<", "0", "-1", "+1", "1.5", ".5", "1e3", "0x1F", "0o17", "017", "0b1", "1_000", "190:20:30",
		"1.2.3", "2001-12-14", "2001-12-14t21:59:43.10-05:00", ".inf", ".NaN", "\t", "a\tb", "\u00e4",
		"\x7f", "\xc2\x85", "\u2028", "\ufeff", "\r", "\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(plain) + COUNT(quoted); i++) {
		bool is_plain = i < COUNT(plain);
		const char *text = is_plain ? plain[i] : quoted[i - COUNT(plain)];
		auto_json json_t *doc = json_pack("{s:[s]}", text, text), *back = NULL;
		auto_buf struct buf out = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		if (yaml_is_plain(span_of(text)) != is_plain)
			fail_msg("'%s' is %s", text, is_plain ? "quoted" : "plain");
		yaml_write(&out, doc);
		if (yaml_read_one(buf_span(&out), MAX, &back, &err) < 0 || !json_equal(doc, back))
			fail_msg("'%s': %s\n%s", text, err.text, buf_text(&out));
	}
}

static void awkward_texts_come_back(void **state)
{
	static const char *const texts[] = { "a\n", "a\n\n", "a\n b\n", " a\nb", "\na", "\n", "\n\n",
		"\ta\nb", "a\n\tb\n", "a\n   \nb", "a\n  ", "a \nb ", "a\r\nb", "a\n#b\n", "---\na\n",
		"a\n...\n", "\u00e4\n\U0001f600\n", "a\n\u2028", "a\n\x01", "\"\\", "a: b\nc: |\n  d\n",
		"- a\n- b\n", "%a\nb" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		auto_json json_t *doc = json_pack(
				"[s {s:s} [s [s]]]", texts[i], texts[i], texts[i], texts[i], texts[i]);
		auto_json json_t *back = NULL, *root = NULL;
		auto_buf struct buf out = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		yaml_write(&out, doc);
		if (yaml_read_one(buf_span(&out), MAX, &back, &err) < 0 || !json_equal(doc, back))
			fail_msg("'%s': %s\n%s", texts[i], err.text, buf_text(&out));
		buf_reset(&out);
		yaml_write(&out, json_array_get(doc, 0));
		assert_int_equal(yaml_read_one(buf_span(&out), MAX, &root, &err), 0);
		assert_string_equal(json_string_value(root), texts[i]);
	}
}

static void a_long_key_comes_back(void **state)
{
	char key[5000] = { 0 };
	auto_buf struct buf out = BUF_MAX(MAX);
	auto_json json_t *back = NULL;

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	auto_json json_t *doc = json_pack("[{s:s s:{s:[i]}}]", key, "a\nb", "x", key, 1);
	yaml_write(&out, doc);
	assert_int_equal(yaml_read_one(buf_span(&out), MAX, &back, NULL), 0);
	assert_true(json_equal(doc, back));
}

static void numbers_come_back(void **state)
{
	static const double reals[] = { 0.0, 0.1, 1.0, -1.5, 1e20, 1e-7, 123456789.123456789,
		1.7976931348623157e308, 5e-324, 2.0 / 3 };

	(void)state;
	for (size_t i = 0; i < COUNT(reals); i++) {
		auto_json json_t *doc = json_pack("[f]", reals[i]), *back = NULL;
		auto_buf struct buf out = BUF_MAX(MAX);
		yaml_write(&out, doc);
		assert_int_equal(yaml_read_one(buf_span(&out), MAX, &back, NULL), 0);
		if (!json_equal(doc, back) || !strchr(buf_text(&out), '.'))
			fail_msg("%s", buf_text(&out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_documents_as_json),
		cmocka_unit_test(types_follow_the_core_schema),
		cmocka_unit_test(refuses_what_kubectl_reads_differently),
		cmocka_unit_test(a_long_text_of_hex_digits_is_text),
		cmocka_unit_test(refuses_with_line_and_column),
		cmocka_unit_test(one_document_is_one),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(aliases_do_not_multiply_bytes),
		cmocka_unit_test(a_text_cut_anywhere_is_read_or_refused),
		cmocka_unit_test(writes_what_people_would),
		cmocka_unit_test(quotes_exactly_what_needs_it),
		cmocka_unit_test(awkward_texts_come_back),
		cmocka_unit_test(a_long_key_comes_back),
		cmocka_unit_test(numbers_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
