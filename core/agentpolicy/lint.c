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

static void lint_patterns(const json_t *patterns, const char *path, const char *words,
		enum agent_severity severity, struct agent_notes *notes)
{
	const json_t *pattern;
	size_t i;

	json_array_foreach (patterns, i, pattern) {
		const char *text = json_string_value(pattern);

		if (text && !pattern_is_anchored(text))
			agent_note(notes, severity, path,
					"'%s' matches anywhere in a text: %s; anchor it by ^ and $", text,
					words);
	}
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
	const json_t *defaults = json_object_get(data, "request_defaults"), *command;
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (json_is_true(json_object_get(defaults, settings[i].member)))
			agent_note(notes, AGENT_WARNING, settings[i].member, "%s", settings[i].words);
	lint_patterns(json_at(defaults, "ExecProcessRequest", "regex", NULL), "ExecProcessRequest.regex",
			"the host may run more than it seems", AGENT_ERROR, notes);
	lint_patterns(json_at(defaults, "CreateContainerRequest", "allow_env_regex", NULL),
			"CreateContainerRequest.allow_env_regex",
			"the host may set more variables than it seems", AGENT_WARNING, notes);
	lint_patterns(json_at(data, "cocoon", "env_regex", NULL), "cocoon.env_regex",
			"the host may set more variables than it seems", AGENT_WARNING, notes);
	json_array_foreach (json_at(defaults, "ExecProcessRequest", "allowed_commands", NULL), i, command)
		agent_note(notes, AGENT_WARNING, "ExecProcessRequest.allowed_commands",
				"the host may run '%s …' in any container, whenever it likes",
				json_string_value(json_array_get(command, 0))
						? json_string_value(json_array_get(command, 0))
						: "");
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

static void lint_env(const json_t *container, const char *path, struct agent_notes *notes)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_at(container, "cocoon", "any_env", NULL), i, item)
		agent_note(notes, AGENT_WARNING, path, "variable %s: the host chooses the value",
				json_string_value(item) ? json_string_value(item) : "?");
	json_array_foreach (json_at(container, "OCI", "Process", "Env", NULL), i, item) {
		const char *text = json_string_value(item), *value = text ? strchr(text, '=') : NULL;

		if (value && (!strcmp(value, "=$(todo-annotation)") || !strcmp(value, "=$(resource-field)")))
			agent_note(notes, AGENT_WARNING, path, "variable %.*s: the host chooses the value",
					(int)(value - text), text);
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
