/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/explain.h"
#include "base/own.h"
#include "tests/agentpolicy/policies.h"

static json_t *differences(const char *old_rules, json_t *old, const char *new_rules, json_t *new)
{
	auto_buf struct buf before = BUF_MAX(AGENT_POLICY_MAX), after = BUF_MAX(AGENT_POLICY_MAX);
	struct err err = ERR_NONE;
	json_t *out = NULL;

	policy_of(old_rules, old, &before);
	policy_of(new_rules, new, &after);
	if (agent_diff(buf_span(&before), buf_span(&after), &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static void a_policy_is_as_itself(void **state)
{
	auto_json json_t *none = differences("", data_of(base_data), "", data_of(base_data));

	(void)state;
	assert_int_equal(json_array_size(none), 0);
}

static void the_order_of_sets_says_nothing(void **state)
{
	auto_json json_t *none = differences("", data_of(base_data), "",
			changed("containers[1].OCI.Process", "Env",
					"[\"NAME=$(sandbox-name)\", \"LEVEL=debug\", \"PATH=/bin\"]"));

	(void)state;
	assert_int_equal(json_array_size(none), 0);
}

static void says_where_and_whether_it_allows_more(void **state)
{
	static const struct {
		const char *path, *key, *value, *where, *effect;
		size_t count;
	} cases[] = {
		{ "containers[1].OCI.Process", "Args", "[\"/app\", \"other\"]",
				"containers[app].OCI.Process.Args[1]", "other", 1 },
		{ "containers[1].OCI.Process", "Env", "[\"PATH=/bin\"]", "containers[app].OCI.Process.Env",
				"narrower", 2 },
		{ "containers[1].OCI.Process", "NoNewPrivileges", "false",
				"containers[app].OCI.Process.NoNewPrivileges", "wider", 1 },
		{ "containers[1].OCI.Linux", "MaskedPaths", "[\"/proc/keys\"]",
				"containers[app].OCI.Linux.MaskedPaths", "wider", 1 },
		{ "containers[1]", "exec_commands", "[]", "containers[app].exec_commands", "narrower", 1 },
		{ "containers[1]", "exec_commands", NULL, "containers[app].exec_commands", "narrower", 1 },
		{ "request_defaults", "ReadStreamRequest", "true", "request_defaults.ReadStreamRequest",
				"wider", 1 },
		{ "cocoon", "any_exec", "true", "cocoon.any_exec", "wider", 1 },
		{ "containers[1].cocoon", "digest", "\"sha256:11\"", "containers[app].cocoon.digest", "other",
				1 },
		{ "", "containers", "[]", "containers[(sandbox)]", "narrower", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *one = differences("", data_of(base_data), "",
				changed(cases[i].path, cases[i].key, cases[i].value));
		const json_t *first = json_array_get(one, 0);
		assert_int_equal(json_array_size(one), cases[i].count);
		assert_string_equal(json_text_at(first, "path", NULL), cases[i].where);
		assert_string_equal(json_text_at(first, "effect", NULL), cases[i].effect);
	}
}

static void the_other_way_round_has_the_opposite_effect(void **state)
{
	auto_json json_t *more = differences(
			"", changed("containers[1]", "exec_commands", "[]"), "", data_of(base_data));
	auto_json json_t *new = differences("", changed("", "containers", "[]"), "", data_of(base_data));

	(void)state;
	assert_string_equal(json_text_at(json_array_get(more, 0), "effect", NULL), "wider");
	assert_string_equal(json_text_at(json_array_get(new, 0), "effect", NULL), "wider");
	assert_null(json_object_get(json_array_get(new, 0), "before"));
}

static void other_rules_are_a_difference(void **state)
{
	auto_json json_t *one = differences("", data_of(base_data), STOCK_RULES, data_of(base_data));
	auto_buf struct buf text = BUF_MAX(1 << 20);

	(void)state;
	assert_int_equal(json_array_size(one), 1);
	assert_string_equal(json_text_at(json_array_get(one, 0), "path", NULL), "rules");
	agent_diff_text(one, &text);
	assert_non_null(strstr(buf_text(&text), "rules\n  - \""));
}

static void the_text_says_more_or_less(void **state)
{
	auto_json json_t *one = differences(
			"", data_of(base_data), "", changed("request_defaults", "ReadStreamRequest", "true"));
	auto_buf struct buf text = BUF_MAX(1 << 20);

	(void)state;
	agent_diff_text(one, &text);
	assert_string_equal(buf_text(&text),
			"request_defaults.ReadStreamRequest (allows more)\n  - false\n  + true\n");
}

static void refuses_what_is_no_policy_and_says_which(void **state)
{
	auto_buf struct buf good = BUF_MAX(AGENT_POLICY_MAX);
	struct err err = ERR_NONE;
	json_t *out = NULL;

	(void)state;
	policy_of("", data_of(base_data), &good);
	assert_int_equal(agent_diff(span_of("x"), buf_span(&good), &out, &err), -1);
	assert_non_null(strstr(err.text, "the first policy"));
	assert_int_equal(agent_diff(buf_span(&good), span_of("x"), &out, &err), -1);
	assert_non_null(strstr(err.text, "the second policy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_policy_and_says_which),
		cmocka_unit_test(a_policy_is_as_itself),
		cmocka_unit_test(the_order_of_sets_says_nothing),
		cmocka_unit_test(says_where_and_whether_it_allows_more),
		cmocka_unit_test(the_other_way_round_has_the_opposite_effect),
		cmocka_unit_test(other_rules_are_a_difference),
		cmocka_unit_test(the_text_says_more_or_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
