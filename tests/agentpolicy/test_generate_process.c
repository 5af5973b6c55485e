/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/process_rig.h"

#define AT            "spec.containers[0]"
#define CONTEXT(text) "{\"securityContext\":{" text "}}"
#define CAPS(text)    CONTEXT("\"capabilities\":{" text "}")
#define ENV                                                                 \
	"\"env\":[{\"name\":\"A\",\"value\":\"1 "                           \
	"2\"},{\"name\":\"IP\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":" \
	"\"status.podIP\"}}}]"
#define SECRET                                                                                     \
	"\"env\":[{\"name\":\"PW\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"," \
	"\"optional\":true}}}]"
#define FEW                                                                                        \
	"[{\"op\":\"replace\",\"path\":\"/common/default_caps\",\"value\":[\"CAP_A\",\"CAP_B\"]}," \
	"{\"op\":\"replace\",\"path\":\"/common/"                                                  \
	"privileged_caps\",\"value\":[\"CAP_A\",\"CAP_B\",\"CAP_C\"]}]"

static json_t *make(struct process_rig *p, const struct rig_case *c)
{
	auto_env struct env env = { NULL, NULL };
	auto_json json_t *none = json_array();

	process_rig_open(p, c);
	env_read(&p->rig.part, &env);
	return generate_process(&p->rig.part, &env, none);
}

struct process_case {
	const char *name;
	struct rig_case rig;
	const char *value, *note; /* value: of the member that is looked at */
};

static void run(const char *member, const struct process_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_process_rig struct process_rig p;
		auto_json json_t *process = make(&p, &cases[i].rig);
		auto_json json_t *value = json_pack("[O?]", json_object_get(process, member));
		auto_free char *wanted = xasprintf("[%s]", cases[i].value);

		rig_assert_json(cases[i].name, value, wanted);
		rig_assert_note(&p.rig, cases[i].name, cases[i].note ? cases[i].note : "");
	}
}

static void args_follow_image_and_manifest(void **state)
{
	(void)state;
	static const struct process_case cases[] = {
		{ "the image's", { .entrypoint = { "/app" }, .cmd = { "serve", "-v" } },
				"[\"/app\",\"serve\",\"-v\"]", NULL },
		{ "Cmd alone", { .cmd = { "sh" } }, "[\"sh\"]", NULL },
		{ "command",
				{ .entrypoint = { "/app" },
						.cmd = { "serve" },
						.container = "{\"command\":[\"/x\"]}" },
				"[\"/x\"]", NULL },
		{ "args", { .entrypoint = { "/app" }, .cmd = { "serve" }, .container = "{\"args\":[\"a\"]}" },
				"[\"/app\",\"a\"]", NULL },
		{ "both",
				{ .entrypoint = { "/app" },
						.cmd = { "serve" },
						.container = "{\"command\":[\"/x\"],\"args\":[\"a\"]}" },
				"[\"/x\",\"a\"]", NULL },
		{ "empty lists are none",
				{ .entrypoint = { "/app" },
						.cmd = { "serve" },
						.container = "{\"command\":[],\"args\":[]}" },
				"[\"/app\",\"serve\"]", NULL },
		{ "an entrypoint of nothing", { .entrypoint = { "" }, .cmd = { "serve" } }, "[\"serve\"]",
				NULL },
		{ "empty words stay", { .container = "{\"command\":[\"/x\",\"\"]}" }, "[\"/x\",\"\"]", NULL },
		{ "nothing to run", { 0 }, "null", "error " AT ": write command" },
		{ "the sandbox", { .container = "", .cmd = { "x" } }, "[\"/pause\"]", NULL },
	};

	run("Args", cases, COUNT(cases));
}

static void args_are_expanded_once(void **state)
{
	(void)state;
	static const struct process_case cases[] = {
		{ "references", { .container = "{\"command\":[\"<$(A)>\",\"$(IP):80\",\"$(NO)\"]," ENV "}" },
				"[\"<1 2>\",\"$(pod-ip):80\",\"$(NO)\"]", NULL },
		{ "not in the image's", { .entrypoint = { "$(A)", "$$" }, .container = "{" ENV "}" },
				"[\"$(A)\",\"$$$$\"]", NULL },
		{ "a dollar", { .container = "{\"command\":[\"$HOME $$A $(date) $\"]}" },
				"[\"$HOME $A $(date) $\"]", NULL },
		{ "two are written as four", { .container = "{\"command\":[\"$$$$\"]}" }, "[\"$$$$\"]",
				NULL },
		{ "one before a placeholder is written as two",
				{ .container = "{\"command\":[\"$$$(IP)\"]," ENV "}" }, "[\"$$$(pod-ip)\"]",
				NULL },
		{ "a Service", { .container = "{\"command\":[\"/x\",\"$(DB_SERVICE_HOST):$$(X_PORT)\"]}" },
				"[\"/x\",\"$(DB_SERVICE_HOST):$(X_PORT)\"]",
				"warning " AT ".command[1]: $(DB_SERVICE_HOST)" },
		{ "what looks like one but is known",
				{ .container = "{\"command\":[\"/x\",\"$(DB_PORT)$(SUPPORT)$(_PORT)\"],"
					       "\"env\":[{\"name\":\"DB_PORT\",\"value\":\"1\"}]}" },
				"[\"/x\",\"1$(SUPPORT)$(_PORT)\"]", NULL },
		{ "a placeholder", { .container = "{\"command\":[\"/x\",\"$(node-name)\"]}" }, "[\"/x\"]",
				"error " AT ".command[1]: $(node-name)" },
		{ "an escaped one", { .container = "{\"command\":[\"/x\",\"$$(node-name)\"]}" }, "[\"/x\"]",
				"error " AT ".command[1]: $(node-name)" },
		{ "of the image", { .entrypoint = { "/x", "$(default_caps)" } }, "[\"/x\"]",
				"error " AT ".image: $(default_caps)" },
		{ "a control character", { .container = "{\"command\":[\"/x\",\"\\u0001(pod-ip)\"]}" },
				"[\"/x\"]", "error " AT ".command[1]: U+0001" },
		{ "one of the image", { .entrypoint = { "/x", "\001(pod-ip)" } }, "[\"/x\"]",
				"error " AT ".image: U+0001" },
	};

	run("Args", cases, COUNT(cases));
}

static void an_argument_is_never_open(void **state)
{
	(void)state;
	static const struct rig_case c = { .container = "{\"command\":[\"/x\"],\"args\":[\"$(PW)\"]," SECRET
							"}" };
	auto_process_rig struct process_rig p;
	auto_json json_t *process = make(&p, &c);

	assert_non_null(process);
	assert_int_equal(p.rig.notes.count, 2);
	assert_int_equal(p.rig.notes.items[0].severity, AGENT_WARNING);
	assert_int_equal(p.rig.notes.items[1].severity, AGENT_ERROR);
	assert_string_equal(p.rig.notes.items[1].path, AT ".args[0]");
}

static void the_working_directory(void **state)
{
	(void)state;
	static const struct process_case cases[] = {
		{ "none", { .cmd = { "x" } }, "\"/\"", NULL },
		{ "the image's", { .cmd = { "x" }, .cwd = "/srv" }, "\"/srv\"", NULL },
		{ "the manifest's", { .cmd = { "x" }, .cwd = "/srv", .container = "{\"workingDir\":\"/w\"}" },
				"\"/w\"", NULL },
		{ "the sandbox's", { .container = "" }, "\"/\"", NULL },
	};

	run("Cwd", cases, COUNT(cases));
}

static void terminal_and_privileges(void **state)
{
	(void)state;
	static const struct process_case terminals[] = {
		{ "none", { .cmd = { "x" } }, "false", NULL },
		{ "one", { .cmd = { "x" }, .container = "{\"tty\":true}" }, "true", NULL },
		{ "the sandbox", { .container = "" }, "false", NULL },
	};
	static const struct process_case privileges[] = {
		{ "not said", { .cmd = { "x" } }, "false", NULL },
		{ "refused", { .cmd = { "x" }, .container = CONTEXT("\"allowPrivilegeEscalation\":false") },
				"true", NULL },
		{ "allowed", { .cmd = { "x" }, .container = CONTEXT("\"allowPrivilegeEscalation\":true") },
				"false", NULL },
		{ "the sandbox", { .container = "" }, "true", NULL },
	};

	run("Terminal", terminals, COUNT(terminals));
	run("NoNewPrivileges", privileges, COUNT(privileges));
}

static void capabilities_are_containerds(void **state)
{
	(void)state;
	static const struct {
		const char *name, *container, *list;
		bool privileged;
	} cases[] = {
		{ "default", "{}", "\"$(default_caps)\"", false },
		{ "one dropped", CAPS("\"drop\":[\"A\"]"), "\"CAP_B\"", false },
		{ "all dropped", CAPS("\"drop\":[\"ALL\"]"), "", false },
		{ "all dropped, one added", CAPS("\"drop\":[\"ALL\"],\"add\":[\"C\"]"), "\"CAP_C\"", false },
		{ "one added", CAPS("\"add\":[\"C\"]"), "\"$(privileged_caps)\"", false },
		{ "one that is there", CAPS("\"add\":[\"A\"]"), "\"$(default_caps)\"", false },
		{ "all added", CAPS("\"add\":[\"ALL\"]"), "\"$(privileged_caps)\"", false },
		{ "all added but one", CAPS("\"add\":[\"ALL\"],\"drop\":[\"B\"]"), "\"CAP_A\",\"CAP_C\"",
				false },
		{ "all added and dropped", CAPS("\"add\":[\"ALL\",\"C\"],\"drop\":[\"ALL\"]"), "\"CAP_C\"",
				false },
		{ "added and dropped", CAPS("\"add\":[\"C\"],\"drop\":[\"C\"]"), "\"$(default_caps)\"",
				false },
		{ "one that the settings do not know", CAPS("\"add\":[\"Z\"]"),
				"\"CAP_A\",\"CAP_B\",\"CAP_Z\"", false },
		{ "privileged", "{}", "\"$(privileged_caps)\"", true },
		{ "privileged, dropped in vain", CAPS("\"drop\":[\"ALL\"]"), "\"$(privileged_caps)\"", true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *wanted = xasprintf(
				"{\"Ambient\":[],\"Bounding\":[%s],\"Effective\":[%s],\"Inheritable\":[],"
				"\"Permitted\":[%s]}",
				cases[i].list, cases[i].list, cases[i].list);
		struct process_case c = { cases[i].name,
			{ .cmd = { "x" },
					.container = cases[i].container,
					.patch = FEW,
					.privileged = cases[i].privileged },
			wanted, NULL };

		run("Capabilities", &c, 1);
	}
}

static void exec(const char *name, const char *container, const char *wanted)
{
	struct rig_case c = { .container = container };
	auto_process_rig struct process_rig p;

	process_rig_open(&p, &c);
	auto_json json_t *commands = generate_exec(&p.rig.part);
	rig_assert_json(name, commands, wanted);
	rig_assert_note(&p.rig, name, "");
}

static void probes_and_hooks_are_commands(void **state)
{
	(void)state;
	exec("none", "{}", "[]");
	exec("the sandbox", "", "[]");
	exec("all, in order",
			"{\"lifecycle\":{\"preStop\":{\"exec\":{\"command\":[\"e\"]}},\"postStart\":{"
			"\"exec\":{\"command\":[\"d\"]}}},"
			"\"startupProbe\":{\"exec\":{\"command\":[\"c\"]}},\"readinessProbe\":{\"exec\":{"
			"\"command\":[\"b\",\"x\"]}},"
			"\"livenessProbe\":{\"exec\":{\"command\":[\"a\"]}}}",
			"[[\"a\"],[\"b\",\"x\"],[\"c\"],[\"d\"],[\"e\"]]");
	/* the kubelet expands a probe by what env says literally, and a hook not at all */
	exec("expanded",
			"{\"livenessProbe\":{\"exec\":{\"command\":[\"$(A)\",\"$(IP)\",\"$(NO)\",\"$$\"]}}"
			"," ENV "}",
			"[[\"1 2\",\"\",\"$(NO)\",\"$\"]]");
	exec("a hook", "{\"lifecycle\":{\"postStart\":{\"exec\":{\"command\":[\"$(A)\",\"$$\"]}}}," ENV "}",
			"[[\"$(A)\",\"$$\"]]");
	exec("nothing to run", "{\"livenessProbe\":{\"exec\":{\"command\":[]}}}", "[]");
}

static void sizes_have_ceilings(void **state)
{
	(void)state;
	auto_free char *many = rig_many("{\"command\":[", "\"#\"", 1002, "]}");
	auto_free char *doubling =
			rig_many("{\"env\":[{\"name\":\"A\",\"value\":\"0123456789\"}],\"command\":[\"",
					"$(A),", 4000, "\"]}");
	auto_free char *probe = rig_many("{\"env\":[{\"name\":\"A\",\"value\":\"0123456789\"}],"
					 "\"livenessProbe\":{\"exec\":{\"command\":[\"",
			"$(A),", 4000, "\"]}}}");
	struct rig_case cases[] = { { .container = many }, { .container = doubling } };
	struct rig_case exec_case = { .container = probe };
	auto_process_rig struct process_rig p;

	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_process_rig struct process_rig q;
		auto_json json_t *process = make(&q, &cases[i]);

		assert_true(json_array_size(json_object_get(process, "Args")) <= 1000);
		assert_true(agent_notes_of(&q.rig.notes, AGENT_ERROR) > 0);
	}
	process_rig_open(&p, &exec_case);
	auto_json json_t *commands = generate_exec(&p.rig.part);
	assert_int_equal(json_array_size(commands), 0);
	assert_int_equal(agent_notes_of(&p.rig.notes, AGENT_ERROR), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_ceilings),
		cmocka_unit_test(args_follow_image_and_manifest),
		cmocka_unit_test(args_are_expanded_once),
		cmocka_unit_test(an_argument_is_never_open),
		cmocka_unit_test(the_working_directory),
		cmocka_unit_test(terminal_and_privileges),
		cmocka_unit_test(capabilities_are_containerds),
		cmocka_unit_test(probes_and_hooks_are_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
