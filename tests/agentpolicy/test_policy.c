/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/embedded.h"
#include "agentpolicy/notes.h"
#include "agentpolicy/policy.h"
#include "agentpolicy/settings.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char rules_text[] = "package agent_policy\ndefault Yes := true\n";

static json_t *tree_of(const char *text)
{
	json_t *tree = json_loads(text, 0, NULL);

	if (!tree)
		fail_msg("'%s' is no JSON", text);
	return tree;
}

static void has_one_member_or_item_a_line(void **state)
{
	static const char data[] = "{\"b\":[1,\"x\\\"\\\\\\n\\u001fö\",[],{},null,true,-2],\"a\":{\"\\\"k\":{"
				   "\"c\":[]}}}";
	static const char text[] = "package agent_policy\n"
				   "default Yes := true\n"
				   "policy_data := {\n"
				   " \"b\": [\n"
				   "  1,\n"
				   "  \"x\\\"\\\\\\n\\u001Fö\",\n"
				   "  [],\n"
				   "  {},\n"
				   "  null,\n"
				   "  true,\n"
				   "  -2\n"
				   " ],\n"
				   " \"a\": {\n"
				   "  \"\\\"k\": {\n"
				   "   \"c\": []\n"
				   "  }\n"
				   " }\n"
				   "}\n";

	(void)state;
	auto_buf struct buf out = BUF_MAX(AGENT_POLICY_MAX);
	auto_json json_t *tree = tree_of(data);
	struct err err = ERR_NONE;
	if (agent_policy_format(span_of(rules_text), tree, &out, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), text);
}

static void rules_without_an_end_of_line_get_one(void **state)
{
	(void)state;
	auto_buf struct buf out = BUF_MAX(AGENT_POLICY_MAX);
	auto_json json_t *tree = tree_of("{\"a\":1}");

	assert_int_equal(agent_policy_format(SPAN_LIT("package a"), tree, &out, NULL), 0);
	assert_string_equal(buf_text(&out), "package a\npolicy_data := {\n \"a\": 1\n}\n");
}

/* What is written reads back, and is written once more as it was. */
static void round_trip(struct span rules, const json_t *data)
{
	auto_buf struct buf text = BUF_MAX(AGENT_POLICY_MAX), again = BUF_MAX(AGENT_POLICY_MAX);
	auto_json json_t *read = NULL;
	struct err err = ERR_NONE;
	struct span found;

	if (agent_policy_format(rules, data, &text, &err) < 0)
		fail_msg("%s", err.text);
	if (agent_policy_split(buf_span(&text), &found, &read, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(json_equal(read, data));
	assert_true(span_eq(found, rules.len ? rules : agent_rules()));
	assert_int_equal(agent_policy_format(found, read, &again, &err), 0);
	assert_string_equal(buf_text(&text), buf_text(&again));
}

static void reads_back_what_it_writes(void **state)
{
	(void)state;
	auto_agent_settings struct agent_settings settings = AGENT_SETTINGS_NONE;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	struct agent_settings_source source = { .file = SPAN_NONE };
	struct agent_options options = AGENT_OPTIONS_NONE;
	auto_json json_t *odd = tree_of("{\"a\":\"policy_data := \",\"}\":\"{\",\"\":{\"\":[[[1]]]}}");

	assert_int_equal(agent_settings_read(&source, &options, NULL, &settings, &notes, NULL), 0);
	round_trip(SPAN_NONE, settings.tree);
	round_trip(span_of(rules_text), settings.tree);
	round_trip(span_of(rules_text), odd);
	round_trip(SPAN_LIT("\n"), odd);
}

static void our_rules_are_a_package_without_comments(void **state)
{
	(void)state;
	struct span rest = agent_rules(), line;

	assert_true(span_starts(rest, "package agent_policy\n"));
	assert_true(span_ends(rest, "\n"));
	while (span_next(&rest, '\n', &line)) {
		assert_false(span_starts(line, "#"));
		assert_false(span_starts(line, " ") || span_starts(line, "\t"));
	}
}

static void the_hash_is_over_the_rules(void **state)
{
	char hash[65];

	(void)state;
	agent_rules_hash(SPAN_NONE, hash);
	assert_string_equal(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	agent_rules_hash(SPAN_LIT("abc"), hash);
	assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void appends_and_adds_nothing_when_it_fails(void **state)
{
	(void)state;
	auto_buf struct buf out = BUF_MAX(AGENT_POLICY_MAX), small = BUF_MAX(20);
	auto_json json_t *tree = tree_of("{\"a\":1}"), *none = json_object();
	struct err err = ERR_NONE;

	buf_puts(&out, "before;");
	assert_int_equal(agent_policy_format(SPAN_LIT("r\n"), tree, &out, &err), 0);
	assert_string_equal(buf_text(&out), "before;r\npolicy_data := {\n \"a\": 1\n}\n");
	size_t length = out.len;
	assert_int_equal(agent_policy_format(SPAN_LIT("r\n"), none, &out, &err), -1);
	assert_int_equal(out.len, length);
	assert_int_equal(agent_policy_format(SPAN_LIT("r\n"), tree, &small, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void refuses_rules_and_data_that_would_not_read_back(void **state)
{
	static const char nul[] = "package a\0b\n";
	static const struct {
		struct span rules;
		const char *data;
		const char *says;
	} cases[] = {
		{ { "package a\n", 10 }, "{}", "object with members" },
		{ { "package a\n", 10 }, "[1]", "object with members" },
		{ { nul, sizeof(nul) - 1 }, "{\"a\":1}", "no text" },
		{ { "package \xff\n", 10 }, "{\"a\":1}", "no text" },
		{ { "policy_data := {}\n", 18 }, "{\"a\":1}", "hold 'policy_data := {' already" },
		{ { "# policy_data := { \n", 20 }, "{\"a\":1}", "hold 'policy_data := {' already" },
		{ { "package a\n", 10 }, "{\"a\":[\"x policy_data := { y\"]}", "a text in the data" },
		{ { "package a\n", 10 }, "{\"policy_data := {\":1}", "a text in the data" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(AGENT_POLICY_MAX);
		auto_json json_t *tree = tree_of(cases[i].data);
		struct err err = ERR_NONE;

		assert_int_equal(agent_policy_format(cases[i].rules, tree, &out, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_int_equal(out.len, 0);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s'", err.text);
	}
}

/* A text of `length` letters. */
static char *letters(size_t length)
{
	auto_buf struct buf text = BUF_MAX(4 << 20);
	char *room = buf_room(&text, length);

	assert_non_null(room);
	memset(room, 'x', length);
	buf_grew(&text, length);
	return buf_take(&text);
}

static void format_limit(struct span rules, const json_t *data, int status)
{
	auto_buf struct buf out = BUF_MAX(AGENT_POLICY_MAX);
	struct err err = ERR_NONE;

	assert_int_equal(agent_policy_format(rules, data, &out, &err), status);
	if (status < 0)
		assert_int_equal(err.kind, ERR_LIMIT);
}

static void lines_are_as_long_as_the_engine_reads_them(void **state)
{
	(void)state;
	/* ` "a": "` and the quote behind it are of the line; columns count from 1 */
	auto_free char *fits = letters(AGENT_LINE_MAX - 9), *rules = letters(AGENT_LINE_MAX);
	auto_json json_t *most = json_pack("{s:s}", "a", fits), *more = json_pack("{s:s+}", "a", fits, "x");

	format_limit(SPAN_LIT("r\n"), most, 0);
	format_limit(SPAN_LIT("r\n"), more, -1);
	format_limit(span_of(rules), most, -1);
	format_limit(span_from(span_of(rules), 1), most, 0);
	/* a tab is four of them */
	rules[1] = '\t';
	format_limit(span_from(span_of(rules), 1), most, -1);
	rules[4] = '\t';
	format_limit(span_from(span_of(rules), 3), most, -1);
	format_limit(span_from(span_of(rules), 4), most, 0);
}

static void data_is_as_deep_as_the_engine_reads_it_in_time(void **state)
{
	(void)state;
	auto_buf struct buf arrays = BUF_MAX(256), objects = BUF_MAX(256);

	/* the outermost object, and a number at the end */
	for (int i = 0; i < AGENT_DATA_DEPTH_MAX - 1; i++) {
		buf_puts(&arrays, "[");
		buf_puts(&objects, "{\"a\":");
	}
	buf_puts(&arrays, "1");
	buf_puts(&objects, "1");
	for (int i = 0; i < AGENT_DATA_DEPTH_MAX - 1; i++) {
		buf_puts(&arrays, "]");
		buf_puts(&objects, "}");
	}
	const char *const deepest[] = { buf_text(&arrays), buf_text(&objects) };
	for (size_t i = 0; i < 2; i++) {
		auto_json json_t *value = json_loads(deepest[i], 0, NULL);
		auto_json json_t *most = json_pack("{s:O}", "a", value),
				 *more = json_pack("{s:[O]}", "a", value);

		format_limit(SPAN_LIT("r\n"), most, 0);
		format_limit(SPAN_LIT("r\n"), more, -1);
	}
}

static void a_policy_is_as_large_as_init_data_takes_it(void **state)
{
	(void)state;
	auto_json json_t *large = json_pack("{s:[]}", "a"), *many = json_pack("{s:[]}", "a");
	auto_free char *line = letters(1000);

	for (size_t i = 0; i < AGENT_POLICY_MAX / 1000; i++)
		json_array_append_new(json_object_get(large, "a"), json_string(line));
	format_limit(SPAN_LIT("r\n"), large, -1);
	/* 4 bytes an item would fit: the engine counts lines too */
	for (size_t i = 0; i < 200000; i++)
		json_array_append_new(json_object_get(many, "a"), json_integer(1));
	format_limit(SPAN_LIT("r\n"), many, -1);
}

static void split_as(struct span text, enum err_kind kind)
{
	json_t *data = NULL;
	struct span rules = SPAN_NONE;
	struct err err = ERR_NONE;

	assert_int_equal(agent_policy_split(text, &rules, &data, &err), kind == ERR_OK ? 0 : -1);
	if (err.kind != kind)
		fail_msg("%s", err.text);
	json_decref(data);
}

static void finds_the_data_of_others_policies(void **state)
{
	static const char text[] =
			"# of another\npackage agent_policy\n\npolicy_data := {\n  \"a\": [ 1,\n 2 ] }\n\n";

	(void)state;
	auto_json json_t *data = NULL;
	struct span rules;
	assert_int_equal(agent_policy_split(span_of(text), &rules, &data, NULL), 0);
	assert_int_equal(json_array_size(json_object_get(data, "a")), 2);
	assert_true(span_ends(rules, "agent_policy\n\n"));
}

static void refuses_what_holds_no_data(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "", ERR_NOT_FOUND },
		{ "package agent_policy\n", ERR_NOT_FOUND },
		{ "policy_data:={}", ERR_NOT_FOUND },
		{ "policy_data :=\n{}", ERR_NOT_FOUND },
		{ "policy_data := {", ERR_FORMAT },
		{ "policy_data := {\"a\":1}\nx := 1\n", ERR_FORMAT },
		{ "policy_data := {\"a\":1}\n# end\n", ERR_FORMAT },
		{ "policy_data := {\"a\":1,\"a\":2}\n", ERR_FORMAT },
		{ "policy_data := {\"a\":1,}\n", ERR_FORMAT },
		{ "# policy_data := { follows\npolicy_data := {\"a\":1}\n", ERR_FORMAT },
		{ "policy_data := {}", ERR_OK },
	};

	(void)state;
	split_as(SPAN_NONE, ERR_NOT_FOUND);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		split_as(span_of(cases[i].text), cases[i].kind);
}

static void refuses_a_policy_cut_short(void **state)
{
	static const char text[] = "package agent_policy\npolicy_data := {\"a\": [1, {\"b\": \"x\"}]}";
	size_t mark = strlen("package agent_policy\npolicy_data := {");

	(void)state;
	for (size_t cut = 0; cut < sizeof(text) - 1; cut++)
		split_as(span_new(text, cut), cut < mark ? ERR_NOT_FOUND : ERR_FORMAT);
	split_as(span_new(text, sizeof(text) - 1), ERR_OK);
}

static void refuses_too_much_and_too_deep(void **state)
{
	(void)state;
	auto_free char *large = letters(AGENT_POLICY_MAX + 1);
	auto_buf struct buf deep = BUF_MAX(4096);

	split_as(span_of(large), ERR_LIMIT);
	buf_puts(&deep, "policy_data := {\"a\":");
	for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
		buf_putc(&deep, '[');
	split_as(buf_span(&deep), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_holds_no_data),
		cmocka_unit_test(refuses_a_policy_cut_short),
		cmocka_unit_test(refuses_too_much_and_too_deep),
		cmocka_unit_test(refuses_rules_and_data_that_would_not_read_back),
		cmocka_unit_test(lines_are_as_long_as_the_engine_reads_them),
		cmocka_unit_test(data_is_as_deep_as_the_engine_reads_it_in_time),
		cmocka_unit_test(a_policy_is_as_large_as_init_data_takes_it),
		cmocka_unit_test(has_one_member_or_item_a_line),
		cmocka_unit_test(rules_without_an_end_of_line_get_one),
		cmocka_unit_test(reads_back_what_it_writes),
		cmocka_unit_test(our_rules_are_a_package_without_comments),
		cmocka_unit_test(the_hash_is_over_the_rules),
		cmocka_unit_test(appends_and_adds_nothing_when_it_fails),
		cmocka_unit_test(finds_the_data_of_others_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
