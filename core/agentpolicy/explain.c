/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/explain.h"

#include "agentpolicy/explain_own.h"
#include "agentpolicy/policy.h"
#include "agentpolicy/request.h"
#include "agentpolicy/stance.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

const char *explain_container_name(const json_t *container)
{
	const char *name = json_text_at(container, "cocoon", "name", NULL);

	if (!name)
		name = json_text_at(
				container, "OCI", "Annotations", "io.kubernetes.cri.container-name", NULL);
	return name && *name ? name : "(sandbox)";
}

const char *explain_container_image(const json_t *container)
{
	const char *image = json_text_at(container, "cocoon", "image", NULL);

	if (!image)
		image = json_text_at(container, "OCI", "Annotations", "io.kubernetes.cri.image-name", NULL);
	return image ? image : "";
}

bool explain_is_sandbox(const json_t *container)
{
	const char *type = json_text_at(
			container, "OCI", "Annotations", "io.kubernetes.cri.container-type", NULL);

	return type && !strcmp(type, "sandbox");
}

int explain_open(struct span policy, struct span *rules, json_t **data, struct err *err)
{
	const json_t *containers, *container;
	auto_json json_t *tree = NULL;
	size_t i;

	if (agent_policy_split(policy, rules, &tree, err) < 0)
		return -1;
	containers = json_object_get(tree, "containers");
	if (!json_is_array(containers))
		return err_set(err, ERR_FORMAT,
				"policy_data.containers is no array: this is no data block of an agent "
				"policy");
	json_array_foreach (containers, i, container)
		if (!json_is_object(json_at(container, "OCI", "Process", NULL)))
			return err_set(err, ERR_FORMAT, "policy_data.containers[%zu].OCI.Process is missing",
					i);
	*data = take(&tree);
	return 0;
}

/* ---- containers ---- */

static json_t *user_of(const json_t *process)
{
	const json_t *user = json_object_get(process, "User"), *gid;
	auto_buf struct buf text = BUF_MAX(4096);
	size_t i;

	buf_printf(&text, "%lld:%lld", (long long)json_integer_value(json_object_get(user, "UID")),
			(long long)json_integer_value(json_object_get(user, "GID")));
	json_array_foreach (json_object_get(user, "AdditionalGids"), i, gid)
		buf_printf(&text, "%s%lld", i ? "," : "+", (long long)json_integer_value(gid));
	return json_stringn(buf_text(&text), text.len);
}

static json_t *mounts_of(const json_t *container)
{
	json_t *out = json_array();
	const json_t *mount, *option;
	size_t i, k;

	json_array_foreach (json_at(container, "OCI", "Mounts", NULL), i, mount) {
		const char *mode = "rw";

		json_array_foreach (json_object_get(mount, "options"), k, option)
			if (json_string_value(option) && !strcmp(json_string_value(option), "ro"))
				mode = "ro";
		json_array_append_new(out,
				json_pack("{s:s*,s:s*,s:s*,s:s}", "destination",
						json_text_at(mount, "destination", NULL), "type",
						json_text_at(mount, "type_", NULL), "source",
						json_text_at(mount, "source", NULL), "mode", mode));
	}
	return out;
}

static json_t *copy_or_empty(const json_t *list)
{
	return json_is_array(list) ? json_incref((json_t *)(uintptr_t)list) : json_array();
}

static json_t *explain_container(const json_t *container)
{
	const json_t *process = json_at(container, "OCI", "Process", NULL);
	const char *kind = json_text_at(container, "cocoon", "kind", NULL);
	const char *digest = json_text_at(container, "cocoon", "digest", NULL);
	const char *cwd = json_text_at(process, "Cwd", NULL);

	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o,s:o,s:o,s:o}", "name",
			explain_container_name(container), "kind",
			kind                                            ? kind
					: explain_is_sandbox(container) ? "sandbox"
									: "container",
			"image", explain_container_image(container), "digest", digest ? digest : "", "user",
			user_of(process), "args", copy_or_empty(json_object_get(process, "Args")), "cwd",
			cwd ? cwd : "/", "env", copy_or_empty(json_object_get(process, "Env")), "anyEnv",
			copy_or_empty(json_at(container, "cocoon", "any_env", NULL)), "mounts",
			mounts_of(container), "exec",
			copy_or_empty(json_object_get(container, "exec_commands")));
}

/* ---- requests ---- */

static void add_commands(json_t *words, const json_t *commands, const char *where)
{
	const json_t *command, *word;
	size_t i, k;

	json_array_foreach (commands, i, command) {
		auto_buf struct buf line = BUF_MAX(SIZE_MAX / 2);

		json_array_foreach (command, k, word)
			buf_printf(&line, "%s%s", k ? " " : "",
					json_string_value(word) ? json_string_value(word) : "");
		buf_printf(&line, " in %s", where);
		json_array_append_new(words, json_stringn(buf_text(&line), line.len));
	}
}

static void exec_words(const json_t *data, json_t *words)
{
	const json_t *container, *pattern;
	size_t i;

	if (json_is_true(json_at(data, "cocoon", "any_exec", NULL)))
		json_array_append_new(words, json_string("any command in any container"));
	add_commands(words, json_at(data, "request_defaults", "ExecProcessRequest", "allowed_commands", NULL),
			"any container");
	json_array_foreach (
			json_at(data, "request_defaults", "ExecProcessRequest", "regex", NULL), i, pattern)
		json_array_append_new(
				words, json_sprintf("commands that match %s", json_string_value(pattern)));
	json_array_foreach (json_object_get(data, "containers"), i, container)
		add_commands(words, json_object_get(container, "exec_commands"),
				explain_container_name(container));
}

static void create_words(const json_t *data, json_t *words)
{
	const json_t *container;
	size_t i;

	json_array_foreach (json_object_get(data, "containers"), i, container)
		json_array_append_new(words,
				json_sprintf("%s%s%s", explain_container_name(container),
						*explain_container_image(container) ? " " : "",
						explain_container_image(container)));
}

/* What a rule that looks into the data comes to with this data. */
static enum stance settle(const char *kind, enum stance stance, const json_t *data, json_t *words)
{
	const json_t *setting = json_at(data, "request_defaults", kind, NULL);

	if (stance != STANCE_WHEN)
		return stance;
	if (!strcmp(kind, "CreateContainerRequest"))
		create_words(data, words);
	if (!strcmp(kind, "ExecProcessRequest")) {
		exec_words(data, words);
		return json_array_size(words) ? STANCE_WHEN : STANCE_NEVER;
	}
	if (json_is_boolean(setting))
		return json_is_true(setting) ? STANCE_ALWAYS : STANCE_NEVER;
	return stance;
}

static json_t *explain_requests(struct span rules, const json_t *data)
{
	json_t *out = json_object();

	for (const char *const *kind = agent_request_kinds(); *kind; kind++) {
		json_t *words = json_array();
		enum stance stance = settle(*kind, stance_of(rules, *kind), data, words);

		json_object_set_new(out, *kind,
				json_pack("{s:s,s:o}", "allowed", stance_name(stance), "words", words));
	}
	return out;
}

int agent_explain(struct span policy, json_t **out, struct err *err)
{
	auto_json json_t *data = NULL, *containers = json_array();
	const json_t *container;
	char ours[65], theirs[65];
	struct span rules;
	size_t i;

	if (explain_open(policy, &rules, &data, err) < 0)
		return -1;
	agent_rules_hash(agent_rules(), ours);
	agent_rules_hash(rules, theirs);
	const char *mode = json_text_at(data, "cocoon", "mode", NULL);
	const char *workload = json_text_at(data, "cocoon", "workload", NULL);
	json_array_foreach (json_object_get(data, "containers"), i, container)
		json_array_append_new(containers, explain_container(container));
	*out = json_pack("{s:s,s:s,s:s,s:s,s:o,s:O}", "rules", strcmp(ours, theirs) ? theirs : "ours",
			"rulesSha256", theirs, "mode", mode ? mode : "", "workload", workload ? workload : "",
			"requests", explain_requests(rules, data), "containers", containers);
	return *out ? 0 : err_set(err, ERR_FORMAT, "the data block holds text that is no UTF-8");
}
