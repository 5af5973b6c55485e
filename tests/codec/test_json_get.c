/* SPDX-License-Identifier: Apache-2.0 */
/* Typed members of JSON objects: types, defaults, limits, and the places in messages. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 4096

/* a document for the getters */
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

/* All getters in one shape; the values they give are looked at elsewhere. */
static int get(const char *getter, const json_t *tree, const char *path, const char *key, struct err *err)
{
	const char *text = NULL;
	json_t *child = NULL;
	int64_t number = 0;
	bool flag = false;

	if (!strcmp(getter, "get_text"))
		return json_get_text(tree, path, key, &text, err);
	if (!strcmp(getter, "opt_text"))
		return json_opt_text(tree, path, key, &text, err);
	if (!strcmp(getter, "opt_bool"))
		return json_opt_bool(tree, path, key, &flag, err);
	if (!strcmp(getter, "opt_int"))
		return json_opt_int(tree, path, key, 0, 100, &number, err);
	if (!strcmp(getter, "get_object"))
		return json_get_object(tree, path, key, &child, err);
	if (!strcmp(getter, "opt_object"))
		return json_opt_object(tree, path, key, &child, err);
	if (!strcmp(getter, "opt_array"))
		return json_opt_array(tree, path, key, 3, &child, err);
	assert_string_equal(getter, "opt_texts");
	return json_opt_texts(tree, path, key, 3, &child, err);
}

static void getters_take_their_type_alone(void **state)
{
	(void)state;
	static const char *const getters[] = { "get_text", "opt_text", "opt_bool", "opt_int", "get_object",
		"opt_object", "opt_array", "opt_texts" };
	static const char *const members[] = { "text", "yes", "int", "object", "array", "texts", "real",
		"null", "absent" };
	/* one row for each getter, one letter for each member: y(es), n(o) */
	static const char *const expected[] = {
		"ynnnnnnnn",
		"ynnnnnnyy",
		"nynnnnnyy",
		"nnynnnnyy",
		"nnnynnnnn",
		"nnnynnnyy",
		"nnnnyynyy",
		"nnnnnynyy",
	};
	auto_json json_t *tree = must_read(pod);

	for (size_t g = 0; g < sizeof(getters) / sizeof(getters[0]); g++)
		for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++) {
			struct err err = ERR_NONE;
			int got = get(getters[g], tree, "", members[m], &err);
			if (got != (expected[g][m] == 'y' ? 0 : -1))
				fail_msg("%s of %s: %d %s", getters[g], members[m], got, err.text);
			assert_int_equal(err.kind, got < 0 ? ERR_FORMAT : ERR_OK);
			if (got < 0)
				assert_int_equal(strncmp(err.text, members[m], strlen(members[m])), 0);
		}
}

static void getters_give_the_values(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read(pod);
	const char *text = NULL;
	json_t *child = NULL;
	int64_t number = 0;
	bool flag = true;

	assert_int_equal(json_get_text(tree, "", "text", &text, NULL), 0);
	assert_string_equal(text, "x");
	assert_int_equal(json_get_text(tree, "", "empty", &text, NULL), 0);
	assert_string_equal(text, "");
	assert_int_equal(json_opt_bool(tree, "", "no", &flag, NULL), 0);
	assert_false(flag);
	assert_int_equal(json_opt_int(tree, "", "negative", -1, 1, &number, NULL), 0);
	assert_int_equal(number, -1);
	assert_int_equal(json_get_object(tree, "", "object", &child, NULL), 0);
	assert_ptr_equal(child, json_object_get(tree, "object"));
	assert_int_equal(json_opt_texts(tree, "", "texts", 2, &child, NULL), 0);
	assert_ptr_equal(child, json_object_get(tree, "texts"));
}

static void getters_keep_the_default(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read(pod);
	const json_t *const nothing[] = { tree, NULL };
	const char *text = "default";
	json_t *child = tree;
	int64_t number = 7;
	bool flag = true;

	for (size_t i = 0; i < 2; i++) {
		const char *key = i ? "absent" : "null";
		assert_int_equal(json_opt_text(nothing[i], "", key, &text, NULL), 0);
		assert_int_equal(json_opt_bool(nothing[i], "", key, &flag, NULL), 0);
		assert_int_equal(json_opt_int(nothing[i], "", key, 0, 9, &number, NULL), 0);
		assert_int_equal(json_opt_object(nothing[i], "", key, &child, NULL), 0);
		assert_int_equal(json_opt_array(nothing[i], "", key, 9, &child, NULL), 0);
		assert_int_equal(json_opt_texts(nothing[i], "", key, 9, &child, NULL), 0);
	}
	/* and failures leave it as well */
	assert_int_equal(json_get_text(tree, "", "int", &text, NULL), -1);
	assert_int_equal(json_opt_int(tree, "", "int", 0, 9, &number, NULL), -1);
	assert_int_equal(json_opt_texts(tree, "", "mixed", 9, &child, NULL), -1);
	assert_int_equal(json_opt_array(tree, "", "array", 2, &child, NULL), -1);
	assert_string_equal(text, "default");
	assert_ptr_equal(child, tree);
	assert_int_equal(number, 7);
	assert_true(flag);
}

static void messages_name_the_place(void **state)
{
	(void)state;
	static const struct {
		const char *getter, *path, *key, *text;
		enum err_kind kind;
	} rows[] = {
		{ "get_text", "", "int", "int: must be text, not a whole number", ERR_FORMAT },
		{ "get_text", "spec.kbs", "int", "spec.kbs.int: must be text, not a whole number",
				ERR_FORMAT },
		{ "get_text", "spec", "absent", "spec.absent: is missing; it must be text", ERR_FORMAT },
		{ "get_text", "spec", "null", "spec.null: is missing; it must be text", ERR_FORMAT },
		{ "get_object", "", "absent", "absent: is missing; it must be an object", ERR_FORMAT },
		{ "opt_text", "metadata.annotations", "a/b.c",
				"metadata.annotations[\"a/b.c\"]: must be text, not an object", ERR_FORMAT },
		{ "opt_bool", "", "null2", "", ERR_OK },
		{ "opt_bool", "x", "real", "x.real: must be true or false, not a number with a fraction",
				ERR_FORMAT },
		{ "opt_int", "x", "real", "x.real: must be a whole number, not a number with a fraction",
				ERR_FORMAT },
		{ "opt_int", "x", "negative", "x.negative: -1 is not between 0 and 100", ERR_LIMIT },
		{ "opt_array", "x", "text", "x.text: must be an array, not text", ERR_FORMAT },
		{ "opt_texts", "x", "mixed", "x.mixed[1]: must be text, not a whole number", ERR_FORMAT },
		{ "opt_object", "x", "yes", "x.yes: must be an object, not true or false", ERR_FORMAT },
		{ "opt_object", "x", "array", "x.array: must be an object, not an array", ERR_FORMAT },
	};
	auto_json json_t *tree = must_read(pod);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_NONE;
		int got = get(rows[i].getter, tree, rows[i].path, rows[i].key, &err);
		assert_int_equal(got, rows[i].kind == ERR_OK ? 0 : -1);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(err.kind, rows[i].kind);
	}
}

static void getters_refuse_what_is_no_object(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read("[1]");
	static const char *const known[] = { "a", NULL };
	struct err err = ERR_NONE;

	assert_int_equal(get("opt_text", tree, "", "a", &err), -1);
	assert_string_equal(err.text, "the document: must be an object, not an array");
	assert_int_equal(get("opt_bool", json_array_get(tree, 0), "spec", "a", &err), -1);
	assert_string_equal(err.text, "spec: must be an object, not a whole number");
	assert_int_equal(json_only_keys(tree, "spec", known, &err), -1);
	assert_string_equal(err.text, "spec: must be an object, not an array");
}

static void limits_numbers_and_items_at_the_edge(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read("{\"i\":5,\"a\":[\"x\",\"y\"],\"top\":9223372036854775807}");
	json_t *array = NULL;
	int64_t number = 0;
	struct err err = ERR_NONE;

	assert_int_equal(json_opt_int(tree, "", "i", 5, 5, &number, &err), 0);
	assert_int_equal(json_opt_int(tree, "", "i", 6, 9, &number, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(json_opt_int(tree, "", "i", 0, 4, &number, &err), -1);
	assert_int_equal(json_opt_int(tree, "", "top", INT64_MIN, INT64_MAX, &number, &err), 0);
	assert_true(number == INT64_MAX);
	assert_int_equal(json_opt_array(tree, "", "a", 2, &array, &err), 0);
	assert_int_equal(json_opt_texts(tree, "s", "a", 1, &array, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_string_equal(err.text, "s.a: has 2 items, more than 1");
}

static void cuts_a_long_place(void **state)
{
	(void)state;
	char path[9000];
	auto_json json_t *tree = must_read("{\"a\":1}");
	struct err err = ERR_NONE;

	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(get("get_text", tree, path, "a", &err), -1);
	assert_non_null(strstr(err.text, "must be text, not a whole number"));
	assert_true(strlen(err.text) < 400);
}

static void only_keys_names_the_stranger(void **state)
{
	(void)state;
	static const char *const known[] = { "initData", "kbs", "policy", NULL };
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "{}", NULL },
		{ "{\"policy\":1,\"kbs\":2}", NULL },
		{ "{\"kbs\":1,\"initdata\":2}", "spec.initdata: is not known; did you mean 'initData'?" },
		{ "{\"zzzzzz\":1,\"yyyyyy\":2}",
				"spec.zzzzzz: is not known; known here: initData, kbs, policy" },
		{ "{\"a b\":1}", "spec[\"a b\"]: is not known; known here: initData, kbs, policy" },
		{ "{\"\":1}", "spec[\"\"]: is not known; known here: initData, kbs, policy" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_json json_t *tree = must_read(rows[i].json);
		struct err err = ERR_NONE;
		int got = json_only_keys(tree, "spec", known, &err);
		assert_int_equal(got, rows[i].text ? -1 : 0);
		assert_string_equal(err.text, rows[i].text ? rows[i].text : "");
	}
	assert_int_equal(json_only_keys(NULL, "spec", known, NULL), 0);
}

static void quick_looks_need_no_care(void **state)
{
	(void)state;
	auto_json json_t *tree = must_read(pod);

	assert_string_equal(json_text_at(tree, "object", "a", "b", NULL), "deep");
	assert_ptr_equal(json_at(tree, NULL), tree);
	assert_null(json_at(tree, "object", "x", "b", NULL));
	assert_null(json_at(tree, "text", "a", NULL));
	assert_null(json_at(tree, "array", "0", NULL));
	assert_null(json_text_at(tree, "object", "a", NULL));
	assert_null(json_text_at(tree, "null", NULL));
	assert_null(json_at(NULL, "a", NULL));
	assert_null(json_text_at(NULL, "a", "b", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(getters_take_their_type_alone),
		cmocka_unit_test(getters_give_the_values),
		cmocka_unit_test(getters_keep_the_default),
		cmocka_unit_test(messages_name_the_place),
		cmocka_unit_test(getters_refuse_what_is_no_object),
		cmocka_unit_test(limits_numbers_and_items_at_the_edge),
		cmocka_unit_test(cuts_a_long_place),
		cmocka_unit_test(only_keys_names_the_stranger),
		cmocka_unit_test(quick_looks_need_no_care),
	};

	return cmocka_run_group_tests_name("json_get", tests, NULL, NULL);
}
