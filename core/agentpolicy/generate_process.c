/* SPDX-License-Identifier: Apache-2.0 */
/* OCI.Process, and the commands of probes and hooks: all that a container runs. */
#include "agentpolicy/generate_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define ARGS_MAX 1000

/* ---- args ---- */

static void add_arg(const struct part *part, const char *below, const char *text, json_t *args)
{
	json_t *arg = json_array_size(args) < ARGS_MAX ? text_finish(part, below, text, true) : NULL;

	if (arg)
		json_array_append_new(args, arg);
	else if (json_array_size(args) == ARGS_MAX)
		part_note(part, AGENT_ERROR, below, "there are more than %d arguments", ARGS_MAX);
}

static void add_image_args(const struct part *part, const char *const *texts, json_t *args)
{
	for (size_t i = 0; texts && texts[i] && i <= ARGS_MAX; i++)
		if (text_is_plain(part, ".image", texts[i]))
			add_arg(part, ".image", texts[i], args);
}

/* Arguments of the manifest name its variables; those of the image do not. */
static void add_expanded(const struct part *part, const char *member, const struct env *env, json_t *args)
{
	size_t i;
	const json_t *item;

	json_array_foreach (json_object_get(part->container, member), i, item) {
		auto_buf struct buf text = BUF_MAX(AGENT_WORD_MAX + 1);
		auto_free char *below = xasprintf(".%s[%zu]", member, i);
		const char *arg = json_string_value(item);

		if (!arg || !text_is_plain(part, below, arg))
			continue;
		text_warn_of_services(part, below, arg, env->kubelet);
		if (!text_expand(arg, env->kubelet, &text))
			part_note(part, AGENT_ERROR, below,
					"the argument has a value that the host may choose: have the program "
					"read it from its environment");
		else if (text.over)
			part_note(part, AGENT_ERROR, below, "the argument is longer than %d bytes",
					AGENT_WORD_MAX);
		else
			add_arg(part, below, buf_text(&text), args);
		if (i > ARGS_MAX)
			return;
	}
}

static bool is_given(const struct part *part, const char *member)
{
	return json_array_size(json_object_get(part->container, member)) > 0;
}

/* An entrypoint of one empty text is none (containerd, as moby). */
static const char *const *entrypoint(const struct part *part)
{
	const char *const *texts = part->image ? part->image->entrypoint : NULL;

	return texts && texts[0] && !*texts[0] && !texts[1] ? NULL : texts;
}

static json_t *make_args(const struct part *part, const struct env *env)
{
	json_t *args = json_array();

	if (!part->container) {
		const json_t *own = json_at(part_settings(part), "Process", "Args", NULL);

		add_all(args, own);
		return args;
	}
	if (is_given(part, "command"))
		add_expanded(part, "command", env, args);
	else
		add_image_args(part, entrypoint(part), args);
	if (is_given(part, "command") || is_given(part, "args"))
		add_expanded(part, "args", env, args);
	else if (part->image)
		add_image_args(part, part->image->cmd, args);
	if (!is_given(part, "command") && json_array_size(args) == 0)
		part_note(part, AGENT_ERROR, "",
				"neither the manifest nor the image says what to run: write command");
	return args;
}

/* ---- capabilities ---- */

static bool names(const json_t *list, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach (list, i, item)
		if (strcmp(json_string_value(item) ? json_string_value(item) : "", name) == 0)
			return true;
	return false;
}

static void drop_text(json_t *list, const char *text)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			json_array_remove(list, i);
}

static void change(json_t *list, const json_t *changes, bool add)
{
	size_t i;
	const json_t *item;

	json_array_foreach (changes, i, item) {
		const char *name = json_string_value(item);

		if (!name || strcmp(name, "ALL") == 0)
			continue;
		auto_free char *full = xasprintf("CAP_%s", name);
		if (!add)
			drop_text(list, full);
		else if (!names(list, full))
			json_array_append_new(list, json_string(full));
	}
}

/* containerd's order: all, none, those that are added, those that are dropped. A privileged one keeps all. */
static json_t *make_set(const struct part *part)
{
	const json_t *common = part->inputs->settings->common;
	const json_t *wanted = json_at(part->container, "securityContext", "capabilities", NULL);
	const json_t *add = json_object_get(wanted, "add"), *drop = json_object_get(wanted, "drop");
	const char *from = part->privileged || names(add, "ALL") ? "privileged_caps" : "default_caps";
	json_t *list = json_array();

	if (part->privileged || !names(drop, "ALL"))
		add_all(list, json_object_get(common, from));
	if (!part->privileged) {
		change(list, add, true);
		change(list, drop, false);
	}
	return list;
}

static json_t *make_capabilities(const struct part *part)
{
	const json_t *common = part->inputs->settings->common;
	auto_json json_t *list = make_set(part);
	const char *token = json_equal(list, json_object_get(common, "default_caps"))  ? "$(default_caps)"
			: json_equal(list, json_object_get(common, "privileged_caps")) ? "$(privileged_caps)"
										       : NULL;

	if (token) {
		json_array_clear(list);
		json_array_append_new(list, json_string(token));
	}
	return json_pack("{s:[], s:O, s:O, s:[], s:O}", "Ambient", "Bounding", list, "Effective", list,
			"Inheritable", "Permitted", list);
}

/* ---- the rest ---- */

static bool has_no_new_privileges(const struct part *part)
{
	if (!part->container)
		return json_is_true(json_at(part_settings(part), "Process", "NoNewPrivileges", NULL));
	return json_is_false(json_at(part->container, "securityContext", "allowPrivilegeEscalation", NULL));
}

static const char *working_dir(const struct part *part)
{
	const char *own = json_text_at(part->container, "workingDir", NULL);

	if (own && *own)
		return own;
	return part->image && part->image->cwd && *part->image->cwd ? part->image->cwd : "/";
}

json_t *generate_process(const struct part *part, const struct env *env, json_t *env_list)
{
	bool terminal = part->container && json_is_true(json_object_get(part->container, "tty"));
	auto_json json_t *args = make_args(part, env);
	json_t *process = json_pack("{s:b, s:o}", "Terminal", terminal, "User", generate_user(part));

	if (json_array_size(args))
		json_object_set(process, "Args", args);
	if (json_array_size(env_list))
		json_object_set(process, "Env", env_list);
	if (json_object_set_new(process, "Cwd", json_string(working_dir(part))) < 0)
		part_note(part, AGENT_ERROR, ".workingDir", "the working directory is no UTF-8");
	json_object_set_new(process, "Capabilities", make_capabilities(part));
	json_object_set_new(process, "NoNewPrivileges", json_boolean(has_no_new_privileges(part)));
	return process;
}

/* ---- exec_commands ---- */

/* For probes the kubelet knows what env says literally, unexpanded; a variable from elsewhere is empty there. */
static json_t *literal_vars(const struct part *part)
{
	size_t i;
	const json_t *item;
	json_t *vars = json_object();

	json_array_foreach (json_object_get(part->container, "env"), i, item) {
		const char *name = json_text_at(item, "name", NULL),
			   *value = json_text_at(item, "value", NULL);

		if (name)
			json_object_set_new(vars, name, json_string(value ? value : ""));
	}
	return vars;
}

/* `vars` NULL: hooks are taken as they stand. */
static void add_exec(const struct part *part, const char *const *at, const json_t *vars, json_t *commands)
{
	const json_t *words = json_at(part->container, at[0], at[1], at[2], at[3], NULL);
	auto_json json_t *command = json_array();
	size_t i;
	const json_t *item;

	json_array_foreach (words, i, item) {
		auto_buf struct buf text = BUF_MAX(AGENT_WORD_MAX);
		const char *word = json_string_value(item) ? json_string_value(item) : "";

		bool known = vars && text_expand(word, vars, &text); /* all of them are texts */
		if (!known)
			buf_puts(&text, word);
		if (text.over || i == ARGS_MAX || text.len > *part->room) {
			part_note(part, AGENT_ERROR, "", "the command of %s is too long", at[0]);
			return;
		}
		*part->room -= text.len;
		json_array_append_new(command, json_string(buf_text(&text)));
	}
	if (json_array_size(command))
		json_array_append(commands, command);
}

json_t *generate_exec(const struct part *part)
{
	static const char *const probes[][4] = {
		{ "livenessProbe", "exec", "command" },
		{ "readinessProbe", "exec", "command" },
		{ "startupProbe", "exec", "command" },
	};
	static const char *const hooks[][4] = {
		{ "lifecycle", "postStart", "exec", "command" },
		{ "lifecycle", "preStop", "exec", "command" },
	};
	auto_json json_t *vars = literal_vars(part);
	json_t *commands = json_array();

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		add_exec(part, probes[i], vars, commands);
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		add_exec(part, hooks[i], NULL, commands);
	return commands;
}
