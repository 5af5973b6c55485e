/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/options.h"

#include "tests/agentpolicy/workload_rig.h"

static const char everything[] =
		"{mode: Debug, allow: {exec: [[/bin/healthcheck, -q], ['']], logs: true, stdin: true, "
		"metrics: true,"
		" diagnostics: true, ephemeralMounts: true, env: ['^FEATURE_[A-Z]+=(on|off)$']}, "
		"inlineSecrets: true,"
		" injected: [{name: proxy, image: proxy}], runtime: coco-dev, settingsPatch: '[]'}";

static void is_strict_where_nothing_is_said(void **state)
{
	static const char *const cases[] = { NULL, "null", "{}", "{mode: Strict}",
		"{mode: null, allow: null}", "{allow: {}}",
		"{allow: {exec: [], logs: false, env: null, stdin: false}, inlineSecrets: false}",
		"{injected: [], settingsPatch: ''}" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = cases[i] ? yaml(cases[i]) : NULL;
		auto_agent_options struct agent_options options = AGENT_OPTIONS_NONE;
		assert_int_equal(agent_options_read(tree, &options, NULL), 0);
		assert_int_equal(options.mode, AGENT_STRICT);
		assert_int_equal(options.runtime, AGENT_RUNTIME_BY_CLASS);
		assert_false(options.logs || options.stdin_ || options.metrics || options.diagnostics ||
				options.ephemeral_mounts || options.inline_secrets);
		assert_null(options.exec);
		assert_null(options.env);
		assert_null(options.injected);
		assert_null(options.settings_patch);
		assert_int_equal(json_object_size(options.tree), 0);
	}
}

static void reads_everything(void **state)
{
	auto_json json_t *tree = yaml(everything);
	auto_agent_options struct agent_options options = AGENT_OPTIONS_NONE;

	(void)state;
	assert_int_equal(agent_options_read(tree, &options, NULL), 0);
	assert_int_equal(options.mode, AGENT_DEBUG);
	assert_int_equal(options.runtime, AGENT_RUNTIME_COCO_DEV);
	assert_true(options.logs && options.stdin_ && options.metrics && options.diagnostics &&
			options.ephemeral_mounts && options.inline_secrets);
	assert_int_equal(json_array_size(options.exec), 2);
	assert_int_equal(json_array_size(options.env), 1);
	assert_int_equal(json_array_size(options.injected), 1);
	assert_string_equal(options.settings_patch, "[]");
	/* what was read is its own */
	assert_true(json_equal(options.tree, tree));
	json_object_clear(tree);
	assert_int_equal(json_array_size(options.exec), 2);
}

static void refuses_what_is_wrong_and_says_where(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "[]", "not an object" },
		{ "{mod: Strict}", "mode" },
		{ "{mode: strict}", "mode: there is no 'strict'" },
		{ "{mode: 1}", "mode" },
		{ "{runtime: clh}", "runtime: there is no 'clh'" },
		{ "{allow: []}", "allow" },
		{ "{allow: {log: true}}", "allow.log" },
		{ "{allow: {logs: 'true'}}", "allow.logs" },
		{ "{allow: {stdin: 1}}", "allow.stdin" },
		{ "{allow: {metrics: x}}", "allow.metrics" },
		{ "{allow: {diagnostics: x}}", "allow.diagnostics" },
		{ "{allow: {ephemeralMounts: x}}", "allow.ephemeralMounts" },
		{ "{allow: {exec: {}}}", "allow.exec" },
		{ "{allow: {exec: [sh]}}", "allow.exec[0]" },
		{ "{allow: {exec: [[a], []]}}", "allow.exec[1]" },
		{ "{allow: {exec: [[a, 1]]}}", "allow.exec[0][1]" },
		{ "{allow: {env: [A=1]}}", "allow.env[0]: must begin with ^" },
		{ "{allow: {env: ['^A=1$', '^B=1|C$']}}", "allow.env[1]" },
		{ "{allow: {env: ['^A=1$', 5]}}", "allow.env[1]" },
		{ "{inlineSecrets: x}", "inlineSecrets" },
		{ "{injected: {}}", "injected" },
		{ "{injected: [x]}", "injected[0]" },
		{ "{injected: [{name: a}]}", "injected[0].image" },
		{ "{injected: [{image: a}]}", "injected[0].name" },
		{ "{injected: [{name: '', image: a}]}", "injected[0]: needs a name" },
		{ "{injected: [{name: a, image: b}, {name: a, image: c}]}", "injected[1]: there are two" },
		{ "{settingsPatch: []}", "settingsPatch" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = yaml(cases[i].text);
		auto_agent_options struct agent_options options = AGENT_OPTIONS_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(agent_options_read(tree, &options, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		if (!strstr(err.text, cases[i].part))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_null(options.tree);
	}
}

/* {"allow": {MEMBER: [item, item, …]}} */
static json_t *many(const char *member, const json_t *item, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_deep_copy(item));
	return json_pack("{s:{s:o}}", "allow", member, list);
}

static void has_bounds(void **state)
{
	auto_free char *word = xmalloc(AGENT_WORD_MAX + 2);
	auto_json json_t *env = json_string("^A=1$");
	auto_json json_t *vector = json_pack("[s]", "a");

	(void)state;
	memset(word, 'a', AGENT_WORD_MAX + 1);
	word[AGENT_WORD_MAX + 1] = '\0';
	auto_json json_t *full = many("env", env, AGENT_LIST_MAX);
	auto_json json_t *over = many("env", env, AGENT_LIST_MAX + 1);
	auto_json json_t *execs = many("exec", vector, AGENT_LIST_MAX + 1);
	auto_json json_t *patch = json_pack("{s:s}", "settingsPatch", word);
	auto_json json_t *argument = json_pack("{s:{s:[[s]]}}", "allow", "exec", word);
	const json_t *const too_much[] = { over, execs, patch, argument };
	auto_agent_options struct agent_options options = AGENT_OPTIONS_NONE;

	assert_int_equal(agent_options_read(full, &options, NULL), 0);
	for (size_t i = 0; i < COUNT(too_much); i++) {
		struct err err = ERR_NONE;
		agent_options_clear(&options);
		assert_int_equal(agent_options_read(too_much[i], &options, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
	word[AGENT_WORD_MAX] = '\0';
	auto_json json_t *fits = json_pack("{s:s}", "settingsPatch", word);
	assert_int_equal(agent_options_read(fits, &options, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_strict_where_nothing_is_said),
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(refuses_what_is_wrong_and_says_where),
		cmocka_unit_test(has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
