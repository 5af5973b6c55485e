/* SPDX-License-Identifier: Apache-2.0 */
/* One container. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "base/span.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define TERMINATION_LOG "/dev/termination-log" /* by default */
#define DEVICES_MAX     999999999              /* of one kind */

static void take_capabilities(
		const struct projection *projection, const json_t *security, const char *path, json_t *out)
{
	static const char *const members[] = { "add", "drop" };
	const json_t *capabilities = field_object(projection, security, path, "capabilities");
	auto_free char *where = xasprintf("%s.capabilities", path);
	json_t *taken = json_object();

	fields_check(projection, capabilities, where, fields_capabilities);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		take_texts(projection, capabilities, where, members[i], taken);
		const json_t *list = json_object_get(taken, members[i]);
		for (size_t k = 0; k < json_array_size(list); k++) {
			const char *name = json_string_value(json_array_get(list, k));
			if (!name[0] || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] ||
					!strncmp(name, "CAP_", 4))
				agent_note(projection->notes, AGENT_ERROR, where,
						"'%.40s': write capabilities in capitals and without CAP_, "
						"such as"
						" NET_ADMIN",
						name);
		}
	}
	put_unless_empty(out, "capabilities", taken);
}

void host_profiles_check(const struct projection *projection, const json_t *security, const char *path)
{
	static const char *const members[] = { "seccompProfile", "appArmorProfile" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *profile = field_object(projection, security, path, members[i]);
		const char *type = json_text_at(profile, "type", NULL);
		auto_free char *where = xasprintf("%s.%s", path, members[i]);
		if (type && !strcmp(type, "Localhost"))
			agent_note(projection->notes, AGENT_ERROR, where, NODE_PROFILE);
	}
}

static json_t *project_security(
		const struct projection *projection, const json_t *container, const char *path)
{
	const json_t *security = field_object(projection, container, path, "securityContext");
	auto_free char *where = xasprintf("%s.securityContext", path);
	json_t *out = json_object();

	fields_check(projection, security, where, fields_security);
	take_number(projection, security, where, "runAsUser", out);
	take_number(projection, security, where, "runAsGroup", out);
	take_flag(projection, security, where, "privileged", true, out);
	take_flag(projection, security, where, "readOnlyRootFilesystem", true, out);
	take_flag(projection, security, where, "allowPrivilegeEscalation", false, out);
	take_capabilities(projection, security, where, out);
	host_profiles_check(projection, security, where);
	const char *proc = field_text(projection, security, where, "procMount");
	if (proc && strcmp(proc, "Default") != 0)
		agent_note(projection->notes, AGENT_ERROR, where,
				"procMount '%.40s' cannot be expressed: leave it out", proc);
	return out;
}

static bool is_device(const char *resource)
{
	static const char *const plain[] = { "cpu", "memory", "storage", "ephemeral-storage", "pods" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(resource, plain[i]))
			return false;
	return strncmp(resource, "hugepages-", 10) != 0;
}

/* How many, or -1: YAML has numbers here, the API server makes texts of them. */
static int64_t count_of(const json_t *value)
{
	uint64_t number;

	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
			json_integer_value(value) <= DEVICES_MAX)
		return json_integer_value(value);
	if (json_is_string(value) &&
			span_number(span_new(json_string_value(value), json_string_length(value)),
					DEVICES_MAX, &number))
		return (int64_t)number;
	return -1;
}

static json_t *project_resources(
		const struct projection *projection, const json_t *container, const char *path)
{
	const json_t *resources = field_object(projection, container, path, "resources");
	auto_free char *where = xasprintf("%s.resources", path);
	const json_t *limits = field_object(projection, resources, where, "limits");
	json_t *out = json_object(), *devices = json_object();
	const char *name;
	json_t *value;

	fields_check(projection, resources, where, fields_resources);
	json_object_foreach ((json_t *)(uintptr_t)limits, name, value) {
		char digits[24];
		int64_t count = is_device(name) ? count_of(value) : 0;
		if (count < 0)
			agent_note(projection->notes, AGENT_ERROR, where,
					"limits: '%.80s' needs a whole number, such as \"1\"", name);
		if (count <= 0)
			continue;
		snprintf(digits, sizeof(digits), "%lld", (long long)count);
		json_object_set_new(devices, name, json_string(digits));
	}
	put_unless_empty(out, "limits", devices);
	return out;
}

/* A probe or a hook: of its kinds only exec is a request to the guest. */
static void take_handler(const struct projection *projection, const json_t *parent, const char *path,
		const char *name, const struct field *table, json_t *out)
{
	const json_t *handler = field_object(projection, parent, path, name);
	auto_free char *where = xasprintf("%s.%s", path, name);
	const json_t *exec = field_object(projection, handler, where, "exec");
	json_t *taken = json_object();

	fields_check(projection, handler, where, table);
	if (exec) {
		auto_free char *deeper = xasprintf("%s.exec", where);
		fields_check(projection, exec, deeper, fields_exec);
		take_texts(projection, exec, deeper, "command", taken);
		if (!json_object_size(taken) && !field_get(exec, "command"))
			agent_note(projection->notes, AGENT_ERROR, deeper, "has no command");
	}
	if (json_object_size(taken))
		json_object_set_new(out, name, json_pack("{s:O}", "exec", taken));
	json_decref(taken);
}

static void take_handlers(
		const struct projection *projection, const json_t *container, const char *path, json_t *out)
{
	const json_t *lifecycle = field_object(projection, container, path, "lifecycle");
	auto_free char *where = xasprintf("%s.lifecycle", path);
	json_t *hooks = json_object();

	take_handler(projection, container, path, "livenessProbe", fields_probe, out);
	take_handler(projection, container, path, "readinessProbe", fields_probe, out);
	take_handler(projection, container, path, "startupProbe", fields_probe, out);
	fields_check(projection, lifecycle, where, fields_lifecycle);
	take_handler(projection, lifecycle, where, "postStart", fields_handler, hooks);
	take_handler(projection, lifecycle, where, "preStop", fields_handler, hooks);
	put_unless_empty(out, "lifecycle", hooks);
}

json_t *container_project(struct projection *projection, const json_t *container, const char *path)
{
	json_t *out = json_object();

	fields_check(projection, container, path, fields_container);
	if (field_needed(projection, container, path, "name"))
		take_text(projection, container, path, "name", out);
	if (field_needed(projection, container, path, "image"))
		take_text(projection, container, path, "image", out);
	take_texts(projection, container, path, "command", out);
	take_texts(projection, container, path, "args", out);
	take_text(projection, container, path, "workingDir", out);
	take_flag(projection, container, path, "tty", true, out);
	take_flag(projection, container, path, "stdin", true, out);
	env_project(projection, container, path, out);
	put_unless_empty(out, "securityContext", project_security(projection, container, path));
	put_unless_empty(out, "resources", project_resources(projection, container, path));
	mounts_project(projection, container, path, out);
	take_handlers(projection, container, path, out);
	const char *log = field_text(projection, container, path, "terminationMessagePath");
	if (log && strcmp(log, TERMINATION_LOG) != 0)
		json_object_set_new(out, "terminationMessagePath", json_string(log));
	return out;
}
