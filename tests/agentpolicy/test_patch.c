/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/settings.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A document, a patch, and the document behind it; kind says why there is none. */
struct patch_case {
	const char *before, *patch, *after;
	enum err_kind kind;
	const char *says;
};

static json_t *tree_of(const char *text)
{
	json_t *tree = json_loads(text, JSON_DECODE_ANY, NULL);

	if (!tree)
		fail_msg("'%s' is no JSON", text);
	return tree;
}

static void judge(const struct patch_case *expected)
{
	auto_json json_t *tree = tree_of(expected->before), *patch = tree_of(expected->patch);
	auto_json json_t *before = json_deep_copy(tree), *kept = json_deep_copy(patch);
	const json_t *same = tree;
	struct err err = ERR_NONE;
	int status = agent_patch(&tree, patch, &err);

	if (err.kind != expected->kind)
		fail_msg("%s: kind %s (%s)", expected->patch, err_kind_name(err.kind), err.text);
	assert_int_equal(status, expected->kind == ERR_OK ? 0 : -1);
	assert_true(json_equal(patch, kept));
	if (status < 0) {
		/* nothing of it was done */
		assert_ptr_equal(tree, same);
		assert_true(json_equal(tree, before));
		if (!strstr(err.text, expected->says))
			fail_msg("%s: '%s'", expected->patch, err.text);
		return;
	}
	auto_json json_t *after = tree_of(expected->after);
	auto_free char *text = json_text(tree, false);
	if (!json_equal(tree, after))
		fail_msg("%s: %s", expected->patch, text);
}

static void judge_all(const struct patch_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		judge(&cases[i]);
}
#define JUDGE(cases)                judge_all((cases), sizeof(cases) / sizeof((cases)[0]))

#define OP(name, path)              "[{\"op\":\"" name "\",\"path\":\"" path "\"}]"
#define OP_VALUE(name, path, value) "[{\"op\":\"" name "\",\"path\":\"" path "\",\"value\":" value "}]"
#define OP_FROM(name, from, path)   "[{\"op\":\"" name "\",\"from\":\"" from "\",\"path\":\"" path "\"}]"

static void adds_members_and_items(void **state)
{
	static const struct patch_case cases[] = {
		{ "{}", "[]", "{}", ERR_OK, NULL },
		{ "{}", OP_VALUE("add", "/a", "1"), "{\"a\":1}", ERR_OK, NULL },
		{ "{\"a\":1}", OP_VALUE("add", "/a", "null"), "{\"a\":null}", ERR_OK, NULL },
		{ "{\"a\":[]}", OP_VALUE("add", "/a/-", "1"), "{\"a\":[1]}", ERR_OK, NULL },
		{ "{\"a\":[]}", OP_VALUE("add", "/a/0", "1"), "{\"a\":[1]}", ERR_OK, NULL },
		{ "{\"a\":[1,3]}", OP_VALUE("add", "/a/1", "2"), "{\"a\":[1,2,3]}", ERR_OK, NULL },
		{ "{\"a\":[1,3]}", OP_VALUE("add", "/a/2", "2"), "{\"a\":[1,3,2]}", ERR_OK, NULL },
		{ "{\"a\":[1]}", OP_VALUE("add", "/a/0", "[2]"), "{\"a\":[[2],1]}", ERR_OK, NULL },
		{ "{}", OP_VALUE("add", "/", "1"), "{\"\":1}", ERR_OK, NULL },
		{ "{}", OP_VALUE("add", "/-", "1"), "{\"-\":1}", ERR_OK, NULL },
		{ "{\"a\":{\"\":{}}}", OP_VALUE("add", "/a//b", "1"), "{\"a\":{\"\":{\"b\":1}}}", ERR_OK,
				NULL },
		{ "{}", OP_VALUE("add", "/a~1b~0c", "1"), "{\"a/b~c\":1}", ERR_OK, NULL },
		{ "{}", OP_VALUE("add", "/~01", "1"), "{\"~1\":1}", ERR_OK, NULL },
		{ "{}", OP_VALUE("add", "", "{\"a\":1}"), "{\"a\":1}", ERR_OK, NULL },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1,\"why\":\"passed over\"}]", "{\"a\":1}",
				ERR_OK, NULL },
	};

	(void)state;
	JUDGE(cases);
}

static void removes_replaces_and_tests(void **state)
{
	static const struct patch_case cases[] = {
		{ "{\"a\":1}", OP_VALUE("test", "/a", "1.0"), "{\"a\":1}", ERR_OK, NULL },
		{ "{\"a\":[{\"b\":10}]}", OP_VALUE("test", "", "{\"a\":[{\"b\":1e1}]}"),
				"{\"a\":[{\"b\":10}]}", ERR_OK, NULL },
		{ "{\"a\":1,\"b\":2}", OP("remove", "/a"), "{\"b\":2}", ERR_OK, NULL },
		{ "{\"a\":[1,2,3]}", OP("remove", "/a/1"), "{\"a\":[1,3]}", ERR_OK, NULL },
		{ "{\"a\":1}", OP_VALUE("replace", "/a", "{\"b\":2}"), "{\"a\":{\"b\":2}}", ERR_OK, NULL },
		{ "{\"a\":[1,2]}", OP_VALUE("replace", "/a/1", "3"), "{\"a\":[1,3]}", ERR_OK, NULL },
		{ "{\"a\":1}", OP_VALUE("replace", "", "[]"), "[]", ERR_OK, NULL },
		{ "{\"a\":[{\"b\":null}]}", OP_VALUE("test", "/a", "[{\"b\":null}]"),
				"{\"a\":[{\"b\":null}]}", ERR_OK, NULL },
		{ "{\"a\":{\"b\":1,\"c\":2}}", OP_VALUE("test", "", "{\"a\":{\"c\":2,\"b\":1}}"),
				"{\"a\":{\"b\":1,\"c\":2}}", ERR_OK, NULL },
	};

	(void)state;
	JUDGE(cases);
}

static void moves_and_copies(void **state)
{
	static const struct patch_case cases[] = {
		{ "{\"a\":{\"b\":1},\"c\":{}}", OP_FROM("move", "/a/b", "/c/d"), "{\"a\":{},\"c\":{\"d\":1}}",
				ERR_OK, NULL },
		{ "{\"a\":[1,2,3]}", OP_FROM("move", "/a/0", "/a/2"), "{\"a\":[2,3,1]}", ERR_OK, NULL },
		{ "{\"a\":[1,2,3]}", OP_FROM("move", "/a/2", "/a/0"), "{\"a\":[3,1,2]}", ERR_OK, NULL },
		{ "{\"a\":1}", OP_FROM("move", "/a", "/a"), "{\"a\":1}", ERR_OK, NULL },
		{ "{\"a\":{\"b\":1}}", OP_FROM("move", "/a", ""), "{\"b\":1}", ERR_OK, NULL },
		{ "{\"a\":{\"b\":1}}", OP_FROM("copy", "/a", "/c"), "{\"a\":{\"b\":1},\"c\":{\"b\":1}}",
				ERR_OK, NULL },
		{ "{\"a\":{\"b\":1}}", OP_FROM("copy", "/a", "/a/c"), "{\"a\":{\"b\":1,\"c\":{\"b\":1}}}",
				ERR_OK, NULL },
		{ "{\"a\":[1]}", OP_FROM("copy", "", "/a/-"), "{\"a\":[1,{\"a\":[1]}]}", ERR_OK, NULL },
		/* a copy is one: what happens to it does not happen to the first */
		{ "{\"a\":{\"b\":1}}",
				"[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},"
				"{\"op\":\"replace\",\"path\":\"/c/b\",\"value\":2}]",
				"{\"a\":{\"b\":1},\"c\":{\"b\":2}}", ERR_OK, NULL },
	};

	(void)state;
	JUDGE(cases);
}

static void refuses_what_does_not_apply(void **state)
{
	static const struct patch_case cases[] = {
		{ "{}", OP("remove", "/a"), NULL, ERR_USAGE, "operation 1 (remove '/a'): there is no 'a'" },
		{ "{}", OP("remove", ""), NULL, ERR_USAGE, "cannot be removed" },
		{ "{\"a\":[]}", OP("remove", "/a/0"), NULL, ERR_USAGE, "there is no '0'" },
		{ "{\"a\":[1]}", OP("remove", "/a/-"), NULL, ERR_USAGE, "there is no '-'" },
		{ "{\"a\":[1]}", OP("remove", "/a/00"), NULL, ERR_USAGE, "there is no '00'" },
		{ "{\"a\":[1]}", OP("remove", "/a/1e0"), NULL, ERR_USAGE, "there is no '1e0'" },
		{ "{}", OP_VALUE("replace", "/a", "1"), NULL, ERR_USAGE, "there is no 'a'" },
		{ "{\"a\":[1]}", OP_VALUE("replace", "/a/1", "1"), NULL, ERR_USAGE,
				"no place in an array of 1" },
		{ "{\"a\":[1]}", OP_VALUE("replace", "/a/-", "1"), NULL, ERR_USAGE,
				"no place in an array of 1" },
		{ "{\"a\":[1]}", OP_VALUE("add", "/a/2", "1"), NULL, ERR_USAGE, "no place in an array of 1" },
		{ "{\"a\":[1]}", OP_VALUE("add", "/a/x", "1"), NULL, ERR_USAGE, "no place in an array of 1" },
		{ "{\"a\":[1]}", OP_VALUE("add", "/a/18446744073709551616", "1"), NULL, ERR_USAGE,
				"no place" },
		{ "{\"a\":1}", OP_VALUE("add", "/a/b", "1"), NULL, ERR_USAGE, "no object and no array" },
		{ "{}", OP_VALUE("add", "/a/b", "1"), NULL, ERR_USAGE, "there is no 'a'" },
		{ "{\"a\":1}", OP_VALUE("test", "/a", "2"), NULL, ERR_USAGE, "another value" },
		{ "{\"a\":1}", OP_VALUE("test", "/a", "\"1\""), NULL, ERR_USAGE, "another value" },
		{ "{\"a\":1}", OP_VALUE("test", "/a", "1.5"), NULL, ERR_USAGE, "another value" },
		{ "{\"a\":[1]}", OP_VALUE("test", "/a", "[1,2]"), NULL, ERR_USAGE, "another value" },
		{ "{\"a\":[1]}", OP_VALUE("test", "/a", "{}"), NULL, ERR_USAGE, "another value" },
		{ "{\"a\":{\"b\":1}}", OP_VALUE("test", "/a", "{\"c\":1}"), NULL, ERR_USAGE,
				"another value" },
		{ "{\"a\":{\"b\":1}}", OP_VALUE("test", "/a", "{}"), NULL, ERR_USAGE, "another value" },
		{ "{}", OP_VALUE("test", "/a", "null"), NULL, ERR_USAGE, "there is no 'a'" },
		{ "{\"a\":{}}", OP_FROM("move", "/a", "/a/b"), NULL, ERR_USAGE, "into itself" },
		{ "{\"a\":{}}", OP_FROM("move", "", "/a/b"), NULL, ERR_USAGE, "into itself" },
		{ "{}", OP_FROM("copy", "/b", "/c"), NULL, ERR_USAGE, "from '/b': there is no 'b'" },
		{ "{\"a\":1}", OP_FROM("move", "/a", "/b/c"), NULL, ERR_USAGE, "there is no 'b'" },
	};

	(void)state;
	JUDGE(cases);
}

static void an_operation_that_fails_takes_all_before_it_back(void **state)
{
	static const struct patch_case cases[] = {
		{ "{\"a\":[1,2],\"b\":{\"c\":3}}",
				"[{\"op\":\"remove\",\"path\":\"/a/0\"},{\"op\":\"move\",\"from\":\"/b/"
				"c\",\"path\":\"/d\"},"
				"{\"op\":\"replace\",\"path\":\"\",\"value\":{}},{\"op\":\"test\",\"path\":"
				"\"/d\",\"value\":3}]",
				NULL, ERR_USAGE, "operation 4 (test '/d')" },
		{ "{\"a\":1}",
				"[{\"op\":\"add\",\"path\":\"/b\",\"value\":2},{\"op\":\"none\",\"path\":\"/"
				"b\"}]",
				NULL, ERR_FORMAT, "operation 2 (none '/b')" },
	};

	(void)state;
	JUDGE(cases);
}

static void refuses_what_is_no_patch(void **state)
{
	static const struct patch_case cases[] = {
		{ "{}", "{}", NULL, ERR_FORMAT, "array of operations" },
		{ "{}", "{\"kata_config\":{\"oci_version\":\"1.2.0\"}}", NULL, ERR_FORMAT,
				"array of operations" },
		{ "{}", "\"x\"", NULL, ERR_FORMAT, "array of operations" },
		{ "{}", "[[]]", NULL, ERR_FORMAT, "operation 1" },
		{ "{}", "[null]", NULL, ERR_FORMAT, "operation 1" },
		{ "{}", "[{}]", NULL, ERR_FORMAT, "op" },
		{ "{}", "[{\"op\":\"add\"}]", NULL, ERR_FORMAT, "path" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, ERR_FORMAT, "value: missing" },
		{ "{}", "[{\"op\":\"replace\",\"path\":\"/a\"}]", NULL, ERR_FORMAT, "value: missing" },
		{ "{}", "[{\"op\":\"test\",\"path\":\"/a\"}]", NULL, ERR_FORMAT, "value: missing" },
		{ "{}", "[{\"op\":\"move\",\"path\":\"/a\"}]", NULL, ERR_FORMAT, "from" },
		{ "{}", "[{\"op\":\"copy\",\"path\":\"/a\",\"from\":7}]", NULL, ERR_FORMAT, "from" },
		{ "{}", "[{\"op\":7,\"path\":\"/a\",\"value\":1}]", NULL, ERR_FORMAT, "op" },
		{ "{}", "[{\"op\":\"Add\",\"path\":\"/a\",\"value\":1}]", NULL, ERR_FORMAT, "none of add" },
		{ "{}", "[{\"op\":\"add\",\"path\":7,\"value\":1}]", NULL, ERR_FORMAT, "path" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, ERR_FORMAT,
				"begin with a slash" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a~\",\"value\":1}]", NULL, ERR_FORMAT, "tilde" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a~2\",\"value\":1}]", NULL, ERR_FORMAT, "tilde" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/~/b\",\"value\":1}]", NULL, ERR_FORMAT, "tilde" },
	};

	(void)state;
	JUDGE(cases);
}

/* An array of `count` times the operation. */
static char *repeated(const char *operation, size_t count)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);

	buf_putc(&text, '[');
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s%s", i ? "," : "", operation);
	buf_putc(&text, ']');
	return buf_take(&text);
}

static void counts_operations(void **state)
{
	static const char operation[] = "{\"op\":\"test\",\"path\":\"/a\",\"value\":1}";

	(void)state;
	auto_free char *most = repeated(operation, 1000), *more = repeated(operation, 1001);
	judge(&(struct patch_case){ "{\"a\":1}", most, "{\"a\":1}", ERR_OK, NULL });
	judge(&(struct patch_case){ "{\"a\":1}", more, NULL, ERR_LIMIT, "1000" });
}

/* each copy holds all before it */
static void what_doubles_each_time_ends(void **state)
{
	(void)state;
	auto_free char *wide = repeated("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a/-\"}", 90);

	judge(&(struct patch_case){ "{\"a\":[]}", wide, NULL, ERR_LIMIT, "add too much" });
}

static void keeps_the_depth_that_a_reader_takes(void **state)
{
	(void)state;
	auto_buf struct buf deep = BUF_MAX(1 << 16), patch = BUF_MAX(1 << 16), path = BUF_MAX(1 << 16);

	for (size_t i = 0; i < JSON_DEPTH_MAX - 1; i++)
		buf_puts(&deep, "[");
	for (size_t i = 0; i < JSON_DEPTH_MAX - 1; i++)
		buf_puts(&deep, "]");
	buf_printf(&patch, OP_VALUE("add", "/a", "%s"), buf_text(&deep));
	auto_json json_t *fits = tree_of(buf_text(&patch)), *tree = json_object();
	struct err err = ERR_NONE;
	assert_int_equal(agent_patch(&tree, fits, &err), 0);
	auto_free char *text = json_text(tree, false);
	auto_json json_t *again = NULL;
	assert_int_equal(json_read(span_of(text), 1 << 20, &again, &err), 0);

	buf_reset(&patch);
	buf_printf(&patch, OP_VALUE("add", "/a", "[%s]"), buf_text(&deep));
	judge(&(struct patch_case){ "{}", buf_text(&patch), NULL, ERR_LIMIT, "nested deeper" });

	for (size_t i = 0; i < JSON_DEPTH_MAX + 1; i++)
		buf_puts(&path, "/0");
	buf_reset(&patch);
	buf_printf(&patch, OP("remove", "%s"), buf_text(&path));
	judge(&(struct patch_case){ "{}", buf_text(&patch), NULL, ERR_LIMIT, "pointer of more than" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_patch),
		cmocka_unit_test(refuses_what_does_not_apply),
		cmocka_unit_test(counts_operations),
		cmocka_unit_test(what_doubles_each_time_ends),
		cmocka_unit_test(keeps_the_depth_that_a_reader_takes),
		cmocka_unit_test(an_operation_that_fails_takes_all_before_it_back),
		cmocka_unit_test(adds_members_and_items),
		cmocka_unit_test(removes_replaces_and_tests),
		cmocka_unit_test(moves_and_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
