/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment as containerd and the kubelet put it together: the default PATH, TERM, HOSTNAME, then what the image
 * says, then the manifest's envFrom, then its env; the later wins. References are to variables of the manifest alone, and
 * to those alone that stand before.
 */
#include "agentpolicy/generate_own.h"

#include "agentpolicy/pattern.h"
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void env_clear(struct env *env)
{
	json_decref(env->runtime);
	json_decref(env->kubelet);
	*env = (struct env){ NULL, NULL };
}

/* "NAME=value" replaces; a name alone removes, as containerd has it. */
static void put_entry(const struct part *part, json_t *vars, const char *entry)
{
	const char *equals = strchr(entry, '=');
	auto_free char *name = xmemdup0(entry, equals ? (size_t)(equals - entry) : strlen(entry));

	if (!equals)
		json_object_del(vars, name);
	else if (text_is_plain(part, ".image", entry) &&
			json_object_set_new(vars, name, json_string(equals + 1)) < 0)
		part_note(part, AGENT_ERROR, ".image", "a variable of the image is no UTF-8");
}

/* The pod's name for itself, where the manifest fixes it. */
static const char *host_name(const struct part *part)
{
	const json_t *spec = part->inputs->workload->spec;
	const char *name = json_text_at(spec, "hostname", NULL);
	bool other = json_is_true(json_object_get(spec, "hostNetwork")) ||
			json_is_true(json_object_get(spec, "setHostnameAsFQDN"));

	return name && !other && text_is_plain(part, ".env", name) ? name : TEXT_MARK "(host-name)";
}

static void read_runtime(const struct part *part, json_t *vars)
{
	size_t i;
	const json_t *entry;

	json_object_set_new(vars, "PATH", json_string(DEFAULT_PATH));
	if (part->container && json_is_true(json_object_get(part->container, "tty")))
		json_object_set_new(vars, "TERM", json_string("xterm"));
	if (part->container)
		json_object_set_new(vars, "HOSTNAME", json_string(host_name(part)));
	for (i = 0; part->image && part->image->env && part->image->env[i]; i++) {
		if (i == ENV_VARS_MAX) {
			part_note(part, AGENT_ERROR, ".image", "the image has more than %d variables",
					ENV_VARS_MAX);
			return;
		}
		put_entry(part, vars, part->image->env[i]);
	}
	json_array_foreach (json_at(part_settings(part), "Process", "Env", NULL), i, entry) {
		const char *text = json_string_value(entry);
		const char *equals = text ? strchr(text, '=') : NULL;

		if (equals && !json_object_getn(vars, text, (size_t)(equals - text)))
			put_entry(part, vars, text);
	}
}

/* A value that names others. */
static json_t *expanded(const struct part *part, const char *below, const char *value, const json_t *vars)
{
	auto_buf struct buf text = BUF_MAX(AGENT_WORD_MAX);

	if (!text_is_plain(part, below, value))
		return NULL;
	text_warn_of_services(part, below, value, vars);
	if (!text_expand(value, vars, &text)) {
		part_note(part, AGENT_WARNING, below,
				"the value is made of one that the host may choose: so may this");
		return json_null();
	}
	if (text.over) {
		part_note(part, AGENT_ERROR, below, "the value is longer than %d bytes", AGENT_WORD_MAX);
		return NULL;
	}
	return json_string(buf_text(&text));
}

static void read_var(const struct part *part, const char *below, const json_t *item, json_t *vars)
{
	const char *name = json_text_at(item, "name", NULL);
	const json_t *from = json_object_get(item, "valueFrom");
	const char *value = json_text_at(item, "value", NULL);

	if (!name || !text_is_plain(part, below, name))
		return;
	if (!value)
		value = "";
	/* the kubelet looks at valueFrom where there is no value */
	json_t *known = from && !*value ? value_from(part, below, from) : expanded(part, below, value, vars);
	if (known)
		json_object_set_new(vars, name, known);
}

static bool is_full(const struct part *part, const json_t *vars)
{
	if (json_object_size(vars) <= ENV_VARS_MAX)
		return false;
	part_note(part, AGENT_ERROR, ".env", "there are more than %d variables", ENV_VARS_MAX);
	return true;
}

/* Values of ConfigMaps and Secrets are not expanded. */
static void read_from(const struct part *part, json_t *vars)
{
	size_t i;
	const json_t *item;

	json_array_foreach (json_object_get(part->container, "envFrom"), i, item) {
		auto_free char *below = xasprintf(".envFrom[%zu]", i);

		values_from(part, below, item, vars);
		if (is_full(part, vars))
			return;
	}
}

void env_read(const struct part *part, struct env *env)
{
	size_t i;
	const json_t *item;

	*env = (struct env){ .runtime = json_object(), .kubelet = json_object() };
	read_runtime(part, env->runtime);
	read_from(part, env->kubelet);
	json_array_foreach (json_object_get(part->container, "env"), i, item) {
		auto_free char *below = xasprintf(".env[%zu]", i);

		read_var(part, below, item, env->kubelet);
		if (is_full(part, env->kubelet))
			return;
	}
}

static void write_pattern(const char *name, const json_t *patterns, json_t *regex)
{
	auto_free char *escaped = pattern_escape(name);
	auto_free char *text = xasprintf("^%s=%s$", escaped, json_string_value(json_array_get(patterns, 0)));

	json_array_append_new(regex, json_string(text));
}

static void write_text(const struct part *part, const char *name, const json_t *value, json_t *list)
{
	auto_free char *entry = xasprintf("%s=%s", name, json_string_value(value));
	auto_free char *below = xasprintf(".env '%.100s'", name);
	json_t *text = text_finish(part, below, entry, false);

	if (text)
		json_array_append_new(list, text);
}

static void write_all(const struct part *part, json_t *vars, const json_t *unless, json_t *list, json_t *any,
		json_t *regex)
{
	const char *name;
	json_t *value;

	json_object_foreach (vars, name, value) {
		if (json_object_get(unless, name))
			continue;
		if (json_is_string(value))
			write_text(part, name, value, list);
		else if (json_is_array(value))
			write_pattern(name, value, regex);
		else
			json_array_append_new(any, json_string(name));
	}
}

void env_write(const struct part *part, const struct env *env, json_t *list, json_t *any, json_t *regex)
{
	write_all(part, env->runtime, env->kubelet, list, any, regex);
	write_all(part, env->kubelet, NULL, list, any, regex);
}
