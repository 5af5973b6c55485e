/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/selector.h"

#include "base/err.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static json_t *value(const char *text)
{
	json_t *read = NULL;

	assert_int_equal(json_read(span_of(text), 65536, &read, NULL), 0);
	return read;
}

#define EXPR(op, values) "{\"matchExpressions\":[{\"key\":\"tier\",\"operator\":\"" op "\"" values "}]}"

static void matches_as_kubernetes_does(void **state)
{
	static const struct {
		const char *selector, *labels;
		bool matches;
	} cases[] = {
		{ "{}", "null", true },
		{ "{}", "{\"a\":\"b\"}", true },
		{ "{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"b\",\"c\":\"d\"}", true },
		{ "{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"c\"}", false },
		{ "{\"matchLabels\":{\"a\":\"\"}}", "{}", false },
		{ "{\"matchLabels\":{\"a\":\"\"}}", "{\"a\":\"\"}", true },
		{ "{\"matchLabels\":{\"a\":\"b\",\"c\":\"d\"}}", "{\"a\":\"b\"}", false },
		{ EXPR("In", ",\"values\":[\"x\",\"y\"]"), "{\"tier\":\"y\"}", true },
		{ EXPR("In", ",\"values\":[\"x\",\"y\"]"), "{\"tier\":\"z\"}", false },
		{ EXPR("In", ",\"values\":[\"x\",\"y\"]"), "null", false },
		{ EXPR("NotIn", ",\"values\":[\"x\"]"), "{\"tier\":\"x\"}", false },
		{ EXPR("NotIn", ",\"values\":[\"x\"]"), "{\"tier\":\"y\"}", true },
		{ EXPR("NotIn", ",\"values\":[\"x\"]"), "{}", true },
		{ EXPR("Exists", ""), "{\"tier\":\"\"}", true },
		{ EXPR("Exists", ",\"values\":[]"), "{}", false },
		{ EXPR("DoesNotExist", ""), "{\"tier\":\"x\"}", false },
		{ EXPR("DoesNotExist", ""), "{\"other\":\"x\"}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *object = value(cases[i].selector);
		auto_json json_t *labels = json_loads(cases[i].labels, JSON_DECODE_ANY, NULL);
		auto_selector struct selector selector = SELECTOR_NONE;
		assert_int_equal(selector_parse(object, "s", &selector, NULL), 0);
		if (selector_matches(&selector, labels) != cases[i].matches)
			fail_msg("%s with %s", cases[i].selector, cases[i].labels);
	}
}

static void refuses_malformed_selectors_naming_the_place(void **state)
{
	static const struct {
		const char *selector, *place;
	} cases[] = {
		{ "[]", "spec" },
		{ "{\"matchLabel\":{}}", "spec.matchLabel" },
		{ "{\"matchLabels\":[]}", "spec.matchLabels" },
		{ "{\"matchLabels\":{\"a b\":\"c\"}}", "spec.matchLabels" },
		{ "{\"matchLabels\":{\"a\":\"c d\"}}", "spec.matchLabels" },
		{ "{\"matchLabels\":{\"a\":1}}", "spec.matchLabels[\"a\"]" },
		{ "{\"matchExpressions\":{}}", "spec.matchExpressions" },
		{ "{\"matchExpressions\":[1]}", "spec.matchExpressions[0]" },
		{ "{\"matchExpressions\":[{\"operator\":\"Exists\"}]}", "spec.matchExpressions[0].key" },
		{ "{\"matchExpressions\":[{\"key\":\"a\"}]}", "spec.matchExpressions[0].operator" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"in\"}]}",
				"spec.matchExpressions[0].operator" },
		{ EXPR("In", ""), "spec.matchExpressions[0].values" },
		{ EXPR("NotIn", ",\"values\":[]"), "spec.matchExpressions[0].values" },
		{ EXPR("Exists", ",\"values\":[\"a\"]"), "spec.matchExpressions[0].values" },
		{ EXPR("In", ",\"values\":[1]"), "spec.matchExpressions[0].values" },
		{ EXPR("In", ",\"values\":[\"a/b\"]"), "spec.matchExpressions[0]" },
		{ EXPR("In", ",\"values\":[\"a\"],\"x\":1"), "spec.matchExpressions[0]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *object = value(cases[i].selector);
		auto_selector struct selector selector = SELECTOR_NONE;
		struct err err = ERR_NONE;
		if (selector_parse(object, "spec", &selector, &err) == 0)
			fail_msg("accepted %s", cases[i].selector);
		assert_int_equal(err.kind, ERR_FORMAT);
		if (strncmp(err.text, cases[i].place, strlen(cases[i].place)) != 0)
			fail_msg("%s: %s", cases[i].selector, err.text);
		assert_false(selector_matches(&selector, NULL));
	}
}

static void refuses_an_absent_selector(void **state)
{
	auto_selector struct selector selector = SELECTOR_NONE;
	auto_json json_t *null = json_null();
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(selector_parse(NULL, "spec", &selector, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(selector_parse(null, "spec", &selector, &err), -1);
	assert_false(selector_matches(&selector, NULL));
}

static void bounds_the_requirements(void **state)
{
	auto_json json_t *labels = json_object(), *object = json_object();
	auto_selector struct selector selector = SELECTOR_NONE;
	struct err err = ERR_NONE;
	char key[16];

	(void)state;
	for (int i = 0; i <= SELECTOR_REQUIREMENTS_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(labels, key, json_string("x"));
	}
	json_object_set(object, "matchLabels", labels);
	assert_int_equal(selector_parse(object, "", &selector, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_as_kubernetes_does),
		cmocka_unit_test(refuses_malformed_selectors_naming_the_place),
		cmocka_unit_test(refuses_an_absent_selector),
		cmocka_unit_test(bounds_the_requirements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
