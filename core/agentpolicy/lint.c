/* SPDX-License-Identifier: Apache-2.0 */
/* What lets the host do more than run the workload. */
#include "agentpolicy/explain.h"
#include "agentpolicy/explain_own.h"
#include "agentpolicy/pattern.h"
#include "agentpolicy/policy.h"
#include "agentpolicy/stance.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* ---- rules ---- */

static const struct {
	const char *rule, *words;
	enum agent_severity severity;
} always[] = {
	{ "AllowRequestsFailingPolicy", "every request that a rule refuses is obeyed all the same",
			AGENT_ERROR },
	{ "SetPolicyRequest", "the host may replace this policy by any other", AGENT_ERROR },
	{ "CreateContainerRequest", "the host may start any container", AGENT_ERROR },
	{ "ExecProcessRequest", "the host may run any command in any container", AGENT_ERROR },
	{ "CopyFileRequest", "the host may write any file", AGENT_ERROR },
	{ "CreateSandboxRequest", "the host may have hooks run and kernel modules loaded", AGENT_ERROR },
	{ "AddSwapRequest", "the host may have the guest's memory written to its own disk", AGENT_ERROR },
	{ "AddSwapPathRequest", "the host may have the guest's memory written to its own disk", AGENT_ERROR },
	{ "UpdateContainerRequest", "the host may change a container's resources", AGENT_WARNING },
	{ "SetGuestDateTimeRequest", "the host may set the guest's clock, by which certificates are judged",
			AGENT_WARNING },
	{ "ReseedRandomDevRequest", "the host may feed the guest's random numbers", AGENT_WARNING },
	{ "SetIPTablesRequest", "the host may change the guest's firewall", AGENT_WARNING },
	{ "UpdateInterfaceRequest", "the host may change any network interface", AGENT_WARNING },
	{ "UpdateRoutesRequest", "the host may change any route", AGENT_WARNING },
	{ "UpdateEphemeralMountsRequest", "the host may mount over the sandbox's folders", AGENT_WARNING },
	{ "ReadStreamRequest", "the host may read what containers print", AGENT_WARNING },
	{ "WriteStreamRequest", "the host may write to the containers' standard input", AGENT_WARNING },
	{ "GetDiagnosticDataRequest", "the host may read diagnostic data of the guest", AGENT_WARNING },
};

static void lint_rules(struct span rules, struct agent_notes *notes)
{
	char ours[65], theirs[65];

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (stance_of(rules, always[i].rule) == STANCE_ALWAYS)
			agent_note(notes, always[i].severity, always[i].rule, "%s", always[i].words);
	agent_rules_hash(agent_rules(), ours);
	agent_rules_hash(rules, theirs);
	if (strcmp(ours, theirs) != 0)
		agent_note(notes, AGENT_WARNING, "rules",
				"they are not those of this release of Cocoon (sha256 %s): "
				"what they make of the data is not known here",
				theirs);
	if (stance_of(rules, "AllowRequestsFailingPolicy") == STANCE_ABSENT)
		agent_note(notes, AGENT_WARNING, "AllowRequestsFailingPolicy",
				"is not set: write 'default AllowRequestsFailingPolicy := false'");
}

static void lint_lines(struct span text, struct agent_notes *notes)
{
	struct span rest = text, line;

	for (size_t number = 1; span_next(&rest, '\n', &line); number++)
		if (line.len > AGENT_LINE_MAX)
			agent_note(notes, AGENT_ERROR, "",
					"line %zu has %zu bytes: the agent's engine takes %zu, and "
					"the guest would not start",
					number, line.len, AGENT_LINE_MAX);
}

/* ---- data ---- */

/* Whether a pattern of a variable, NAME=VALUE, leaves only the value open; settings' placeholders are names, too. */
static bool names_variable(const char *pattern)
{
	size_t len = strspn(pattern, "^$()|_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

	return pattern[len] == '=';
}

static void lint_env_patterns(const json_t *patterns, const char *path, struct agent_notes *notes)
{
	const json_t *pattern;
	size_t i;

	json_array_foreach (patterns, i, pattern) {
		const char *text = json_string_value(pattern);

		if (text && !pattern_is_anchored(text))
			agent_note(notes, AGENT_WARNING, path,
					"'%s' matches anywhere in a text: the host may set more variables "
					"than it "
					"seems; anchor it by ^ and $",
					text);
		else if (text && !names_variable(text))
			agent_note(notes, AGENT_WARNING, path,
					"'%s': the host chooses names of variables, too", text);
	}
}

static void lint_commands(const json_t *exec, struct agent_notes *notes)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(exec, "regex"), i, item) {
		const char *text = json_string_value(item);

		if (text && !pattern_is_anchored(text))
			agent_note(notes, AGENT_ERROR, "ExecProcessRequest.regex",
					"'%s' matches anywhere in a text: the host may run more than it "
					"seems; "
					"anchor it by ^ and $",
					text);
		else if (text)
			agent_note(notes, AGENT_WARNING, "ExecProcessRequest.regex",
					"the host may run whatever matches '%s' in any container", text);
	}
	json_array_foreach (json_object_get(exec, "allowed_commands"), i, item)
		agent_note(notes, AGENT_WARNING, "ExecProcessRequest.allowed_commands",
				"the host may run '%s …' in any container, whenever it likes",
				json_string_value(json_array_get(item, 0))
						? json_string_value(json_array_get(item, 0))
						: "");
}

static void lint_defaults(const json_t *data, struct agent_notes *notes)
{
	static const struct {
		const char *member, *words;
	} settings[] = { { "ReadStreamRequest", "the host may read what containers print" },
		{ "WriteStreamRequest", "the host may write to the containers' standard input" },
		{ "CloseStdinRequest", "the host may close the containers' standard input" },
		{ "UpdateEphemeralMountsRequest", "the host may mount over the sandbox's folders" },
		{ "GetDiagnosticDataRequest", "the host may read diagnostic data of the guest" },
		{ "GetMetricsRequest", "the host may read the guest's metrics" } };
	const json_t *defaults = json_object_get(data, "request_defaults");

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (json_is_true(json_object_get(defaults, settings[i].member)))
			agent_note(notes, AGENT_WARNING, settings[i].member, "%s", settings[i].words);
	lint_commands(json_object_get(defaults, "ExecProcessRequest"), notes);
	lint_env_patterns(json_at(defaults, "CreateContainerRequest", "allow_env_regex", NULL),
			"CreateContainerRequest.allow_env_regex", notes);
	lint_env_patterns(json_at(data, "cocoon", "env_regex", NULL), "cocoon.env_regex", notes);
}

static bool is_privileged(const json_t *container, const json_t *common)
{
	const json_t *bounding = json_at(container, "OCI", "Process", "Capabilities", "Bounding", NULL);
	const char *first = json_string_value(json_array_get(bounding, 0));

	if (first && !strcmp(first, "$(privileged_caps)"))
		return true;
	const json_t *all = json_object_get(common, "privileged_caps");
	return json_array_size(all) && json_array_size(bounding) >= json_array_size(all);
}

static bool is_listed(const json_t *list, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_string_value(item) && !strcmp(json_string_value(item), word))
			return true;
	return false;
}

/* Those that no container has unless its manifest adds them. */
static void lint_capabilities(
		const json_t *container, const json_t *common, const char *path, struct agent_notes *notes)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_at(container, "OCI", "Process", "Capabilities", "Bounding", NULL), i, item) {
		const char *name = json_string_value(item);

		if (name && strncmp(name, "$(", 2) != 0 &&
				!is_listed(json_object_get(common, "default_caps"), name))
			agent_note(notes, AGENT_WARNING, path, "has the capability %s", name);
	}
}

/* By these variables who sets them chooses what a program is. */
static bool chooses_program(const char *name)
{
	static const char *const names[] = { "PATH", "BASH_ENV", "ENV", "PYTHONPATH", "PYTHONSTARTUP",
		"PERL5LIB", "PERL5OPT", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS",
		"JDK_JAVA_OPTIONS", "GCONV_PATH", NULL };

	for (size_t i = 0; names[i]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strncmp(name, "LD_", 3);
}

static void lint_variable(const char *name, const char *path, struct agent_notes *notes)
{
	if (chooses_program(name))
		agent_note(notes, AGENT_ERROR, path,
				"variable %s: the host chooses the value, and so what the container runs",
				name);
	else
		agent_note(notes, AGENT_WARNING, path, "variable %s: the host chooses the value", name);
}

static void lint_env(const json_t *container, const char *path, struct agent_notes *notes)
{
	const json_t *item;
	size_t i;

	lint_env_patterns(json_at(container, "cocoon", "env_regex", NULL), path, notes);
	json_array_foreach (json_at(container, "cocoon", "any_env", NULL), i, item)
		lint_variable(json_string_value(item) ? json_string_value(item) : "?", path, notes);
	json_array_foreach (json_at(container, "OCI", "Process", "Env", NULL), i, item) {
		const char *text = json_string_value(item), *value = text ? strchr(text, '=') : NULL;
		auto_free char *name = value ? xmemdup0(text, (size_t)(value - text)) : NULL;

		if (value && (!strcmp(value, "=$(todo-annotation)") || !strcmp(value, "=$(resource-field)")))
			lint_variable(name, path, notes);
	}
}

static void lint_mounts(const json_t *container, const char *path, struct agent_notes *notes)
{
	const json_t *mount;
	size_t i;

	json_array_foreach (json_at(container, "OCI", "Mounts", NULL), i, mount) {
		const char *source = json_text_at(mount, "source", NULL),
			   *target = json_text_at(mount, "destination", NULL);
		const char *type = json_text_at(mount, "type_", NULL);

		if (type && source && !strcmp(type, "bind") && *source == '/' &&
				strncmp(source, "/run/kata-containers/", 21) != 0)
			agent_note(notes, AGENT_WARNING, path, "%s is the guest's own %s",
					target ? target : "?", source);
	}
}

static void lint_container(const json_t *container, const json_t *common, struct agent_notes *notes)
{
	auto_free char *path = xasprintf("containers[%s]", explain_container_name(container));
	const char *image = explain_container_image(container);

	if (*image && !strstr(image, "@sha256:"))
		agent_note(notes, AGENT_WARNING, path,
				"'%s' is named by a tag, which may point at another image tomorrow: write "
				"name@sha256:…",
				image);
	if (is_privileged(container, common))
		agent_note(notes, AGENT_WARNING, path,
				"is privileged: it can do anything in the guest, to other containers too");
	else
		lint_capabilities(container, common, path, notes);
	lint_env(container, path, notes);
	lint_mounts(container, path, notes);
}

static void lint_data(const json_t *data, struct agent_notes *notes)
{
	const char *mode = json_text_at(data, "cocoon", "mode", NULL);
	const char *namespace = json_text_at(data, "cocoon", "namespace", NULL);
	const json_t *container;
	size_t i;

	if (mode && !strcmp(mode, "debug"))
		agent_note(notes, AGENT_ERROR, "cocoon.mode",
				"debug: the host may run any command and read what containers print; never "
				"for secrets");
	else if (json_is_true(json_at(data, "cocoon", "any_exec", NULL)))
		agent_note(notes, AGENT_ERROR, "cocoon.any_exec",
				"the host may run any command in any container");
	if (namespace && !*namespace)
		agent_note(notes, AGENT_WARNING, "cocoon.namespace",
				"is not stated: the first container's is taken; write metadata.namespace");
	lint_defaults(data, notes);
	json_array_foreach (json_object_get(data, "containers"), i, container)
		lint_container(container, json_object_get(data, "common"), notes);
}

int agent_lint(struct span policy, struct agent_notes *notes, struct err *err)
{
	struct span rules = policy;
	auto_json json_t *data = NULL;
	struct err why = ERR_NONE;

	if (memchr(policy.ptr, '\0', policy.len) || !span_is_utf8(policy))
		return err_set(err, ERR_FORMAT, "the policy is no text in UTF-8");
	lint_lines(policy, notes);
	if (explain_open(policy, &rules, &data, &why) < 0) {
		agent_note(notes, why.kind == ERR_NOT_FOUND ? AGENT_WARNING : AGENT_ERROR, "policy_data",
				"%s", why.text);
		rules = why.kind == ERR_NOT_FOUND ? policy : rules;
	}
	lint_rules(rules, notes);
	if (data)
		lint_data(data, notes);
	return 0;
}
