/* SPDX-License-Identifier: Apache-2.0 */
/* env and envFrom of a container. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/closest.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* Those that kubelet gives to the environment; labels and annotations beside. */
static const char *const field_paths[] = { "metadata.name", "metadata.namespace", "metadata.uid",
	"spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
	"status.podIPs", NULL };

static bool is_known(const char *field_path)
{
	for (size_t i = 0; field_paths[i]; i++)
		if (!strcmp(field_paths[i], field_path))
			return true;
	return false;
}

static json_t *project_field(const struct projection *projection, const json_t *reference, const char *path)
{
	json_t *out = json_object();

	fields_check(projection, reference, path, fields_field_reference);
	const char *field_path = field_needed(projection, reference, path, "fieldPath");
	if (!field_path)
		return out;
	json_object_set_new(out, "fieldPath", json_string(field_path));
	if (field_path_take(projection, path, field_path) || is_known(field_path))
		return out;
	const char *meant = closest_word(field_path, field_paths);
	agent_note(projection->notes, AGENT_ERROR, path,
			"'%.80s' is no field that the environment can show%s%s%s", field_path,
			meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
	return out;
}

/* The container is this one or another of the pod, and the divisor a unit: the number is the node's in any case. */
static json_t *project_resource(
		const struct projection *projection, const json_t *reference, const char *path)
{
	json_t *out = json_object();

	fields_check(projection, reference, path, fields_resource_reference);
	if (field_needed(projection, reference, path, "resource"))
		take_text(projection, reference, path, "resource", out);
	return out;
}

/* To a ConfigMap or Secret, or to a key of it. */
static json_t *project_reference(const struct projection *projection, const json_t *reference,
		const char *path, const struct field *table)
{
	json_t *out = json_object();

	fields_check(projection, reference, path, table);
	if (field_needed(projection, reference, path, "name"))
		take_text(projection, reference, path, "name", out);
	if (table == fields_key_reference && field_needed(projection, reference, path, "key"))
		take_text(projection, reference, path, "key", out);
	take_flag(projection, reference, path, "optional", true, out);
	return out;
}

static json_t *project_value_from(const struct projection *projection, const json_t *from, const char *path)
{
	static const char *const kinds[] = { "fieldRef", "resourceFieldRef", "configMapKeyRef",
		"secretKeyRef" };
	json_t *out = json_object();

	fields_check(projection, from, path, fields_value_from);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const json_t *reference = field_object(projection, from, path, kinds[i]);
		if (!reference)
			continue;
		auto_free char *where = xasprintf("%s.%s", path, kinds[i]);
		json_t *made = i == 0 ? project_field(projection, reference, where)
				: i == 1
				? project_resource(projection, reference, where)
				: project_reference(projection, reference, where, fields_key_reference);
		json_object_set_new(out, kinds[i], made);
	}
	if (json_object_size(out) != 1)
		agent_note(projection->notes, AGENT_ERROR, path, "names no source, or more than one");
	return out;
}

/* As the API server has it. */
static bool is_variable_name(const char *name)
{
	for (const char *at = name; *at; at++)
		if (*at < ' ' || *at > '~' || *at == '=')
			return false;
	return *name;
}

static json_t *project_item(const struct projection *projection, const json_t *item, const char *path)
{
	json_t *out = json_object();
	const json_t *from = field_object(projection, item, path, "valueFrom");

	const char *name = field_needed(projection, item, path, "name");

	fields_check(projection, item, path, fields_env);
	if (name)
		take_text(projection, item, path, "name", out);
	if (name && !is_variable_name(name))
		agent_note(projection->notes, AGENT_ERROR, path,
				"is no name of a variable: printable characters of ASCII but '='");
	const char *value = field_text(projection, item, path, "value");
	if (!from) {
		json_object_set_new(out, "value", json_string(value ? value : ""));
		return out;
	}
	if (value)
		agent_note(projection->notes, AGENT_ERROR, path, "has both a value and a valueFrom");
	auto_free char *where = xasprintf("%s.valueFrom", path);
	json_object_set_new(out, "valueFrom", project_value_from(projection, from, where));
	return out;
}

#define INDEX_NAME "JOB_COMPLETION_INDEX"
#define INDEX_PATH "metadata.labels['" JOB_COMPLETION_INDEX "']"

/*
 * The controller of an Indexed Job adds this variable, behind all others, to each container that has none of its name; in
 * older releases it reads the annotation of the label's name.
 */
static void add_completion_index(const struct projection *projection, json_t *env)
{
	size_t i;
	json_t *item;

	if (!projection->indexed)
		return;
	json_array_foreach (env, i, item) {
		json_t *field = json_object_get(json_object_get(item, "valueFrom"), "fieldRef");
		const char *name = json_text_at(item, "name", NULL),
			   *path = json_text_at(field, "fieldPath", NULL);
		if (!name || strcmp(name, INDEX_NAME) != 0)
			continue;
		if (path && !strcmp(path, "metadata.annotations['" JOB_COMPLETION_INDEX "']"))
			json_object_set_new(field, "fieldPath", json_string(INDEX_PATH));
		return;
	}
	json_array_append_new(env,
			json_pack("{s:s, s:{s:{s:s}}}", "name", INDEX_NAME, "valueFrom", "fieldRef",
					"fieldPath", INDEX_PATH));
}

static json_t *project_from(const struct projection *projection, const json_t *item, const char *path)
{
	static const char *const kinds[] = { "configMapRef", "secretRef" };
	json_t *out = json_object();
	size_t sources = 0;

	fields_check(projection, item, path, fields_env_from);
	take_text(projection, item, path, "prefix", out);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const json_t *reference = field_object(projection, item, path, kinds[i]);
		if (!reference)
			continue;
		auto_free char *where = xasprintf("%s.%s", path, kinds[i]);
		json_object_set_new(out, kinds[i],
				project_reference(projection, reference, where, fields_reference));
		sources++;
	}
	if (sources != 1)
		agent_note(projection->notes, AGENT_ERROR, path, "names no source, or more than one");
	return out;
}

void env_project(const struct projection *projection, const json_t *container, const char *path, json_t *out)
{
	const json_t *env = field_list(projection, container, path, "env");
	const json_t *from = field_list(projection, container, path, "envFrom");
	json_t *env_out = json_array(), *from_out = json_array();

	for (size_t i = 0; i < json_array_size(env); i++) {
		auto_free char *where = xasprintf("%s.env[%zu]", path, i);
		json_array_append_new(env_out, project_item(projection, json_array_get(env, i), where));
	}
	add_completion_index(projection, env_out);
	for (size_t i = 0; i < json_array_size(from); i++) {
		auto_free char *where = xasprintf("%s.envFrom[%zu]", path, i);
		json_array_append_new(from_out, project_from(projection, json_array_get(from, i), where));
	}
	put_unless_empty(out, "env", env_out);
	put_unless_empty(out, "envFrom", from_out);
}
