/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/embedded.h"
#include "agentpolicy/others.h"
#include "agentpolicy/policy.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PATTERNS(LIST)  "\"request_defaults\":{\"CreateContainerRequest\":{\"allow_env_regex\":" LIST "}}"
#define CONTAINER(LIST) "{\"cocoon\":{" LIST "}}"

static json_t *tree_of(const char *text)
{
	json_t *tree = json_loads(text, 0, NULL);

	if (!tree)
		fail_msg("'%s' is no JSON", text);
	return tree;
}

static void variables_of_containers_become_patterns_for_all(void **state)
{
	static const struct {
		const char *data, *patterns;
	} rows[] = {
		{ "{" PATTERNS("[\"^A=1$\"]") ",\"containers\":[]}", "[\"^A=1$\"]" },
		{ "{" PATTERNS("[]") "}", "[]" },
		{ "{" PATTERNS("[]") ",\"containers\":[{}]}", "[]" },
		{ "{" PATTERNS("[\"^A=1$\"]") ",\"containers\":[" CONTAINER("\"any_env\":[\"TOKEN\"]") "]}",
				"[\"^A=1$\",\"^TOKEN=(?s:.*)$\"]" },
		{ "{" PATTERNS("[]") ",\"containers\":[" CONTAINER("\"env_regex\":[\"^I=[0-9]+$\"]") "]}",
				"[\"^I=[0-9]+$\"]" },
		/* a dot is a dot, and what two have is there once */
		{ "{" PATTERNS("[]") ",\"containers\":[" CONTAINER("\"any_env\":[\"a.b\"]") "," CONTAINER(
				  "\"any_env\":[\"a.b\",\"C\"]") "]}",
				"[\"^a\\\\.b=(?s:.*)$\",\"^C=(?s:.*)$\"]" },
		/* what is none is none */
		{ "{" PATTERNS("[]") ",\"containers\":[" CONTAINER("\"any_env\":[1],\"env_regex\":{}") ",2]}",
				"[]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_json json_t *data = tree_of(rows[i].data);
		auto_json json_t *before = json_deep_copy(data);
		auto_json json_t *patterns = tree_of(rows[i].patterns);
		auto_json json_t *made = data_for_others(data);
		const json_t *found =
				json_object_get(json_object_get(json_object_get(made, "request_defaults"),
								"CreateContainerRequest"),
						"allow_env_regex");

		if (!json_equal(found, patterns))
			fail_msg("row %zu", i);
		assert_true(json_equal(data, before));
	}
}

static void data_without_patterns_stays(void **state)
{
	static const char *const rows[] = { "{}", "{\"containers\":[" CONTAINER("\"any_env\":[\"A\"]") "]}",
		"{" PATTERNS("{}") ",\"containers\":[" CONTAINER("\"any_env\":[\"A\"]") "]}", "[]" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_json json_t *data = tree_of(rows[i]);
		auto_json json_t *made = data_for_others(data);

		assert_true(json_equal(made, data));
	}
}

static void only_others_rules_are_served(void **state)
{
	static const char text[] =
			"{" PATTERNS("[]") ",\"containers\":[" CONTAINER("\"any_env\":[\"TOKEN\"]") "]}";
	const struct {
		struct span rules;
		bool served;
	} rows[] = {
		{ SPAN_NONE, false },
		{ agent_rules(), false },
		{ SPAN_LIT("package agent_policy\n"), true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_buf struct buf out = BUF_MAX(AGENT_POLICY_MAX);
		auto_json json_t *data = tree_of(text);
		auto_json json_t *read = NULL;
		struct err err = ERR_NONE;
		struct span rules;

		if (agent_policy_format(rows[i].rules, data, &out, &err) < 0 ||
				agent_policy_split(buf_span(&out), &rules, &read, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(!json_equal(read, data), rows[i].served);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_without_patterns_stays),
		cmocka_unit_test(variables_of_containers_become_patterns_for_all),
		cmocka_unit_test(only_others_rules_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
