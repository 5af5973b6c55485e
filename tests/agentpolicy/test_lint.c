/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/explain.h"
#include "base/own.h"
#include "tests/agentpolicy/policies.h"

static bool has(const struct agent_notes *notes, enum agent_severity severity, const char *path,
		const char *words)
{
	for (size_t i = 0; i < notes->count; i++)
		if (notes->items[i].severity == severity && !strcmp(notes->items[i].path, path) &&
				strstr(notes->items[i].text, words))
			return true;
	return false;
}

static void lint(const char *rules, json_t *data, struct agent_notes *notes)
{
	auto_buf struct buf policy = BUF_MAX(AGENT_POLICY_MAX);
	struct err err = ERR_NONE;

	policy_of(rules, data, &policy);
	if (agent_lint(buf_span(&policy), notes, &err) < 0)
		fail_msg("%s", err.text);
}

static void finds_nothing_in_a_good_policy(void **state)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;

	(void)state;
	lint("", data_of(base_data), &notes);
	for (size_t i = 0; i < notes.count; i++)
		print_message("%s: %s\n", notes.items[i].path, notes.items[i].text);
	assert_int_equal(notes.count, 0);
}

static void finds_each_danger_in_the_data(void **state)
{
	static const struct {
		const char *path, *key, *value;
		enum agent_severity severity;
		const char *where, *words;
	} cases[] = {
		{ "cocoon", "mode", "\"debug\"", AGENT_ERROR, "cocoon.mode", "any command" },
		{ "cocoon", "any_exec", "true", AGENT_ERROR, "cocoon.any_exec", "any command" },
		{ "cocoon", "namespace", "\"\"", AGENT_WARNING, "cocoon.namespace", "not stated" },
		{ "cocoon", "env_regex", "[\"A=\"]", AGENT_WARNING, "cocoon.env_regex", "anywhere" },
		{ "request_defaults", "ReadStreamRequest", "true", AGENT_WARNING, "ReadStreamRequest",
				"print" },
		{ "request_defaults", "WriteStreamRequest", "true", AGENT_WARNING, "WriteStreamRequest",
				"input" },
		{ "request_defaults.ExecProcessRequest", "regex", "[\"ls\"]", AGENT_ERROR,
				"ExecProcessRequest.regex", "anywhere" },
		{ "request_defaults.ExecProcessRequest", "regex", "[\"^.*$\"]", AGENT_WARNING,
				"ExecProcessRequest.regex", "whatever matches '^.*$'" },
		{ "request_defaults.ExecProcessRequest", "allowed_commands", "[[\"sh\"]]", AGENT_WARNING,
				"ExecProcessRequest.allowed_commands", "'sh" },
		{ "request_defaults.CreateContainerRequest", "allow_env_regex", "[\"^A=|B$\"]", AGENT_WARNING,
				"CreateContainerRequest.allow_env_regex", "anywhere" },
		{ "containers[1].cocoon", "image", "\"registry.example/app:1\"", AGENT_WARNING,
				"containers[app]", "tag" },
		{ "containers[1].cocoon", "any_env", "[\"TOKEN\"]", AGENT_WARNING, "containers[app]",
				"TOKEN" },
		{ "containers[1].cocoon", "any_env", "[\"LD_PRELOAD\"]", AGENT_ERROR, "containers[app]",
				"what the container runs" },
		{ "containers[1].cocoon", "any_env", "[\"PATH\"]", AGENT_ERROR, "containers[app]",
				"what the container runs" },
		{ "containers[1].cocoon", "env_regex", "[\"^.*=.*$\"]", AGENT_WARNING, "containers[app]",
				"names of variables" },
		{ "containers[1].OCI.Process.Capabilities", "Bounding", "[\"CAP_BPF\"]", AGENT_WARNING,
				"containers[app]", "CAP_BPF" },
		{ "request_defaults.CreateContainerRequest", "allow_env_regex",
				"[\"^$(svc_name_downward_env)_PORT=.*$\", \"^[A-Z]+=1$\"]", AGENT_WARNING,
				"CreateContainerRequest.allow_env_regex", "^[A-Z]+=1$" },
		{ "containers[1].OCI.Process", "Env", "[\"A=$(todo-annotation)\"]", AGENT_WARNING,
				"containers[app]", "variable A" },
		{ "containers[1].OCI.Process.Capabilities", "Bounding", "[\"$(privileged_caps)\"]",
				AGENT_WARNING, "containers[app]", "privileged" },
		{ "containers[1].OCI", "Mounts",
				"[{\"destination\": \"/h\", \"source\": \"/dev/sda\", \"type_\": \"bind\", "
				"\"options\": []}]",
				AGENT_WARNING, "containers[app]", "/dev/sda" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		lint("", changed(cases[i].path, cases[i].key, cases[i].value), &notes);
		if (!has(&notes, cases[i].severity, cases[i].where, cases[i].words))
			fail_msg("nothing is said of %s.%s", cases[i].path, cases[i].key);
		assert_int_equal(notes.count, 1);
	}
}

static void finds_each_danger_in_the_rules(void **state)
{
	static const struct {
		const char *rule;
		enum agent_severity severity;
	} cases[] = { { "AllowRequestsFailingPolicy", AGENT_ERROR }, { "SetPolicyRequest", AGENT_ERROR },
		{ "CreateContainerRequest", AGENT_ERROR }, { "ExecProcessRequest", AGENT_ERROR },
		{ "CopyFileRequest", AGENT_ERROR }, { "ReadStreamRequest", AGENT_WARNING },
		{ "SetGuestDateTimeRequest", AGENT_WARNING } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		char rules[256];
		snprintf(rules, sizeof(rules), "package agent_policy\ndefault %s := true\n", cases[i].rule);
		lint(rules, data_of(base_data), &notes);
		assert_true(has(&notes, cases[i].severity, cases[i].rule, ""));
		assert_true(has(&notes, AGENT_WARNING, "rules", "not those"));
	}
}

static void takes_rego_without_data(void **state)
{
	static const char allow_all[] = "package agent_policy\ndefault AllowRequestsFailingPolicy := true\n";
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;

	(void)state;
	assert_int_equal(agent_lint(span_of(allow_all), &notes, NULL), 0);
	assert_true(has(&notes, AGENT_ERROR, "AllowRequestsFailingPolicy", "every request"));
	assert_true(has(&notes, AGENT_WARNING, "policy_data", "no data block"));
}

static void finds_a_line_that_the_engine_does_not_read(void **state)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;

	(void)state;
	buf_puts(&text, "package agent_policy\n# ");
	for (size_t i = 0; i < AGENT_LINE_MAX; i++)
		buf_putc(&text, 'x');
	assert_int_equal(agent_lint(buf_span(&text), &notes, NULL), 0);
	assert_true(has(&notes, AGENT_ERROR, "", "line 2"));
}

static void refuses_what_is_no_text(void **state)
{
	struct err err = ERR_NONE;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;

	(void)state;
	assert_int_equal(agent_lint(span_new("a\0b", 3), &notes, &err), -1);
	assert_int_equal(agent_lint(span_of("\xff"), &notes, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_text),
		cmocka_unit_test(finds_nothing_in_a_good_policy),
		cmocka_unit_test(finds_each_danger_in_the_data),
		cmocka_unit_test(finds_each_danger_in_the_rules),
		cmocka_unit_test(takes_rego_without_data),
		cmocka_unit_test(finds_a_line_that_the_engine_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
