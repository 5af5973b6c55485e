/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/explain.h"
#include "base/own.h"
#include "tests/agentpolicy/policies.h"

static json_t *explained(const char *rules, json_t *data)
{
	auto_buf struct buf policy = BUF_MAX(AGENT_POLICY_MAX);
	struct err err = ERR_NONE;
	json_t *out = NULL;

	policy_of(rules, data, &policy);
	if (agent_explain(buf_span(&policy), &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static const char *allowed(const json_t *tree, const char *request)
{
	return json_text_at(tree, "requests", request, "allowed", NULL);
}

static void says_who_judges_and_what_for(void **state)
{
	auto_json json_t *ours = explained("", data_of(base_data)),
			 *other = explained(STOCK_RULES, data_of(base_data));

	(void)state;
	assert_string_equal(json_text_at(ours, "rules", NULL), "ours");
	assert_string_equal(json_text_at(ours, "mode", NULL), "strict");
	assert_string_equal(json_text_at(ours, "workload", NULL), "Deployment shop/web");
	assert_int_equal(strlen(json_text_at(other, "rules", NULL)), 64);
	assert_string_equal(json_text_at(other, "rules", NULL), json_text_at(other, "rulesSha256", NULL));
}

static void shows_each_container(void **state)
{
	auto_json json_t *tree = explained("", data_of(base_data));
	const json_t *containers = json_object_get(tree, "containers"), *app = json_array_get(containers, 1);

	(void)state;
	assert_int_equal(json_array_size(containers), 2);
	assert_string_equal(json_text_at(json_array_get(containers, 0), "kind", NULL), "sandbox");
	assert_string_equal(json_text_at(app, "name", NULL), "app");
	assert_string_equal(json_text_at(app, "image", NULL), "registry.example/app@sha256:00");
	assert_string_equal(json_text_at(app, "user", NULL), "1000:2000+2000,3000");
	assert_string_equal(json_text_at(app, "cwd", NULL), "/srv");
	assert_string_equal(
			json_text_at(json_array_get(json_object_get(app, "mounts"), 1), "mode", NULL), "ro");
	assert_string_equal(
			json_text_at(json_array_get(json_object_get(app, "mounts"), 0), "mode", NULL), "rw");
}

static void a_block_of_genpolicy_is_read_too(void **state)
{
	json_t *data = changed("", "cocoon", NULL);

	(void)state;
	json_object_del(member(data, "containers[1]"), "cocoon");
	auto_json json_t *tree = explained(STOCK_RULES, data);
	const json_t *app = json_array_get(json_object_get(tree, "containers"), 1);
	assert_string_equal(json_text_at(app, "name", NULL), "app");
	assert_string_equal(json_text_at(app, "digest", NULL), "");
	assert_string_equal(json_text_at(tree, "mode", NULL), "");
}

static void a_request_that_looks_into_the_data_is_what_that_says(void **state)
{
	static const char rules[] =
			"package agent_policy\ndefault ReadStreamRequest := false\nReadStreamRequest if x\n"
			"default ExecProcessRequest := false\nExecProcessRequest if y\n"
			"default GetOOMEventRequest := true\ndefault SetPolicyRequest := false\n";
	json_t *silent = data_of(base_data), *open = changed("request_defaults", "ReadStreamRequest", "true");

	(void)state;
	json_object_del(member(silent, "containers[1]"), "exec_commands");
	json_object_set_new(json_object_get(open, "cocoon"), "any_exec", json_true());
	auto_json json_t *first = explained(rules, silent), *second = explained(rules, open);
	assert_string_equal(allowed(first, "ReadStreamRequest"), "never");
	assert_string_equal(allowed(second, "ReadStreamRequest"), "always");
	assert_string_equal(allowed(first, "ExecProcessRequest"), "never");
	assert_string_equal(allowed(second, "ExecProcessRequest"), "when");
	assert_string_equal(allowed(first, "GetOOMEventRequest"), "always");
	assert_string_equal(allowed(first, "SetPolicyRequest"), "never");
	assert_string_equal(allowed(first, "AddSwapRequest"), "never");
}

static void the_text_names_what_the_host_may_choose(void **state)
{
	static const char *const parts[] = { "Deployment shop/web, mode strict", "app (container)",
		"1000:2000+2000,3000", "/app serve", "LEVEL=debug", "NAME=(name of the pod)",
		"TOKEN=(whatever the host says)", "/data ro", "/bin/check -q" };
	auto_json json_t *tree = explained("", changed("containers[1].cocoon", "any_env", "[\"TOKEN\"]"));
	auto_buf struct buf text = BUF_MAX(1 << 20);

	(void)state;
	agent_explain_text(tree, &text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(buf_text(&text), parts[i]))
			fail_msg("'%s' is not in: %s", parts[i], buf_text(&text));
}

static void the_text_has_no_control_characters(void **state)
{
	auto_json json_t *tree =
			explained("", changed("containers[1].OCI.Process", "Args", "[\"a\\u001b[2Jb\\nc\"]"));
	auto_buf struct buf text = BUF_MAX(1 << 20);

	(void)state;
	agent_explain_text(tree, &text);
	assert_null(strchr(buf_text(&text), 0x1b));
	assert_non_null(strstr(buf_text(&text), "a?[2Jb?c"));
}

static void the_text_shows_names_and_words_as_they_are(void **state)
{
	static const struct {
		const char *member, *value, *shown;
	} cases[] = {
		{ "Env", "[\"A\\n    exec\\u202e=$(sandbox-name)\"]", "A?    exec?\?\?=(name of the pod)" },
		{ "Env", "[\"A=\\u009b2J\"]", "A=?\?2J" },
		{ "Args", "[\"sh\", \"-c\", \"a b\", \"\"]", "sh -c 'a b' ''" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *tree = explained(
				"", changed("containers[1].OCI.Process", cases[i].member, cases[i].value));
		auto_buf struct buf text = BUF_MAX(1 << 20);
		agent_explain_text(tree, &text);
		if (!strstr(buf_text(&text), cases[i].shown))
			fail_msg("'%s' is not in: %s", cases[i].shown, buf_text(&text));
	}
}

static void refuses_what_is_no_policy(void **state)
{
	static const struct {
		const char *text, *words;
		enum err_kind kind;
	} cases[] = {
		{ "", "no data block", ERR_NOT_FOUND },
		{ "package agent_policy\n", "no data block", ERR_NOT_FOUND },
		{ "policy_data := {", "data block", ERR_FORMAT },
		{ "policy_data := {}", "containers", ERR_FORMAT },
		{ "policy_data := {\"containers\": {}}", "containers", ERR_FORMAT },
		{ "policy_data := {\"containers\": [1]}", "containers[0].OCI.Process", ERR_FORMAT },
		{ "policy_data := {\"containers\": []}\n# behind", "last thing", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		json_t *out = NULL;
		assert_int_equal(agent_explain(span_of(cases[i].text), &out, &err), -1);
		assert_int_equal(err.kind, cases[i].kind);
		if (!strstr(err.text, cases[i].words))
			fail_msg("'%s' is not in: %s", cases[i].words, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_policy),
		cmocka_unit_test(says_who_judges_and_what_for),
		cmocka_unit_test(shows_each_container),
		cmocka_unit_test(a_block_of_genpolicy_is_read_too),
		cmocka_unit_test(a_request_that_looks_into_the_data_is_what_that_says),
		cmocka_unit_test(the_text_names_what_the_host_may_choose),
		cmocka_unit_test(the_text_has_no_control_characters),
		cmocka_unit_test(the_text_shows_names_and_words_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
