/* SPDX-License-Identifier: Apache-2.0 */
/* The pod spec. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

/* The upstream corpus writes values as numbers, which the API server refuses. */
static json_t *project_sysctl(const struct projection *projection, const json_t *sysctl, const char *path)
{
	json_t *out = json_object();
	const json_t *value = field_get(sysctl, "value");

	fields_check(projection, sysctl, path, fields_sysctl);
	if (field_needed(projection, sysctl, path, "name"))
		take_text(projection, sysctl, path, "name", out);
	if (json_is_integer(value)) {
		auto_free char *digits = xasprintf("%lld", (long long)json_integer_value(value));
		agent_note(projection->notes, AGENT_WARNING, path,
				"the value is a number, which the API server refuses: write it in quotes");
		json_object_set_new(out, "value", json_string(digits));
	} else if (field_needed(projection, sysctl, path, "value")) {
		take_text(projection, sysctl, path, "value", out);
	}
	return out;
}

static void take_sysctls(
		const struct projection *projection, const json_t *security, const char *path, json_t *out)
{
	const json_t *sysctls = field_list(projection, security, path, "sysctls");
	json_t *taken = json_array();

	for (size_t i = 0; i < json_array_size(sysctls); i++) {
		auto_free char *where = xasprintf("%s.sysctls[%zu]", path, i);
		json_array_append_new(taken, project_sysctl(projection, json_array_get(sysctls, i), where));
	}
	put_unless_empty(out, "sysctls", taken);
}

/* A word that counts where it is not the default. */
static void take_word(const struct projection *projection, const json_t *object, const char *path,
		const char *name, const char *preset, json_t *out)
{
	const char *word = field_text(projection, object, path, name);

	if (word && strcmp(word, preset) != 0)
		json_object_set_new(out, name, json_string(word));
}

static json_t *project_security(const struct projection *projection, const json_t *spec, const char *path)
{
	const json_t *security = field_object(projection, spec, path, "securityContext");
	auto_free char *where = xasprintf("%s.securityContext", path);
	json_t *out = json_object();

	fields_check(projection, security, where, fields_pod_security);
	take_number(projection, security, where, "runAsUser", out);
	take_number(projection, security, where, "runAsGroup", out);
	take_number(projection, security, where, "fsGroup", out);
	take_numbers(projection, security, where, "supplementalGroups", out);
	take_word(projection, security, where, "supplementalGroupsPolicy", "Merge", out);
	take_word(projection, security, where, "fsGroupChangePolicy", "Always", out);
	take_sysctls(projection, security, where, out);
	host_profiles_check(projection, security, where);
	return out;
}

static bool is_injected(const struct projection *projection, const json_t *container)
{
	const struct agent_options *options = projection->reading->options;
	const char *name = json_text_at(container, "name", NULL);
	const json_t *injected = options ? options->injected : NULL;

	for (size_t i = 0; name && i < json_array_size(injected); i++) {
		const char *is = json_text_at(json_array_get(injected, i), "name", NULL);
		if (is && !strcmp(is, name))
			return true;
	}
	return false;
}

static void take_container(struct projection *projection, const json_t *container, const char *path,
		bool of_init, json_t *out)
{
	json_t *taken = container_project(projection, container, path);
	const char *name = json_text_at(taken, "name", NULL);
	const char *restart = field_text(projection, container, path, "restartPolicy");

	if (of_init && restart && !strcmp(restart, "Always"))
		json_object_set_new(taken, "restartPolicy", json_string(restart));
	if (name && json_object_get(projection->containers, name))
		agent_note(projection->notes, AGENT_ERROR, path, "there are two containers '%.80s'", name);
	if (name)
		json_object_set_new(projection->containers, name, json_true());
	json_array_append_new(out, taken);
}

static void take_containers(struct projection *projection, const json_t *spec, const char *path,
		const char *member, json_t *out)
{
	const json_t *containers = field_list(projection, spec, path, member);
	bool of_init = !strcmp(member, "initContainers");
	json_t *taken = json_array();

	for (size_t i = 0; i < json_array_size(containers); i++) {
		const json_t *container = json_array_get(containers, i);
		auto_free char *where = xasprintf("%s.%s[%zu]", path, member, i);
		if (json_object_size(projection->containers) >= AGENT_CONTAINERS_MAX) {
			agent_note(projection->notes, AGENT_ERROR, where, "there are more than %d containers",
					AGENT_CONTAINERS_MAX);
			break;
		}
		if (!is_injected(projection, container))
			take_container(projection, container, where, of_init, taken);
	}
	put_unless_empty(out, member, taken);
}

/* What an injected container mounts is its own, or a volume that the pod's containers mount as well. */
static void take_injected(
		struct projection *projection, const json_t *container, const char *path, json_t *out)
{
	auto_json json_t *without = json_copy((json_t *)(uintptr_t)container);
	auto_json json_t *volumes = json_object();
	auto_free char *where = xasprintf("%s.volumes", path);
	const char *name;
	json_t *value;

	json_object_del(without, "volumes");
	volumes_collect(projection, field_list(projection, container, path, "volumes"), where, volumes);
	projection->volumes_read = volumes;
	json_object_foreach (volumes, name, value) {
		const json_t *mounted = json_object_get(projection->volumes, name);
		auto_json json_t *declared = mounted ? volume_project(projection, name) : NULL;
		if (mounted && !json_equal(mounted, declared))
			agent_note(projection->notes, AGENT_ERROR, where,
					"the pod has another volume '%.80s'", name);
	}
	take_container(projection, without, path, true, out);
	projection->volumes_read = NULL;
}

static void take_all_injected(struct projection *projection, json_t *out)
{
	const struct agent_options *options = projection->reading->options;
	const json_t *injected = options ? options->injected : NULL;
	json_t *taken = json_array();

	/* they come after the Job's controller */
	projection->indexed = false;
	for (size_t i = 0; i < json_array_size(injected); i++) {
		auto_free char *where = xasprintf("injected[%zu]", i);
		take_injected(projection, json_array_get(injected, i), where, taken);
	}
	put_unless_empty(out, "injected", taken);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_volumes(const struct projection *projection, json_t *out)
{
	size_t count = json_object_size(projection->volumes), i = 0;
	const char **names = xcalloc(count + 1, sizeof(*names));
	json_t *taken = json_array();
	const char *name;
	json_t *value;

	json_object_foreach (projection->volumes, name, value)
		names[i++] = name;
	qsort(names, count, sizeof(*names), by_text);
	for (i = 0; i < count; i++)
		json_array_append(taken, json_object_get(projection->volumes, names[i]));
	free(names);
	put_unless_empty(out, "volumes", taken);
}

/* What has its place in the result, or in none of a policy's. */
static void take_scalars(
		const struct projection *projection, const json_t *spec, const char *path, json_t *out)
{
	take_flag(projection, spec, path, "hostNetwork", true, out);
	take_flag(projection, spec, path, "shareProcessNamespace", true, out);
	take_flag(projection, spec, path, "enableServiceLinks", false, out);
	take_flag(projection, spec, path, "automountServiceAccountToken", false, out);
	take_flag(projection, spec, path, "setHostnameAsFQDN", true, out);
	take_word(projection, spec, path, "serviceAccountName", "default", out);
	/* the old name, which the API server copies to the new one */
	const char *account = field_text(projection, spec, path, "serviceAccount");
	if (account && strcmp(account, "default") != 0 &&
			!field_text(projection, spec, path, "serviceAccountName"))
		json_object_set_new(out, "serviceAccountName", json_string(account));
	/* these two controllers write over what the template says */
	if (!projection->stateful_set && !projection->indexed)
		take_text(projection, spec, path, "hostname", out);
	if (!projection->stateful_set)
		take_text(projection, spec, path, "subdomain", out);
}

static void check_system(const struct projection *projection, const json_t *spec, const char *path)
{
	const json_t *os = field_object(projection, spec, path, "os");
	const char *name = json_text_at(os, "name", NULL);

	if (name && strcmp(name, "linux") != 0)
		agent_note(projection->notes, AGENT_ERROR, path, "os: guests run linux");
	if (!field_flag(projection, spec, path, "hostUsers", true))
		agent_note(projection->notes, AGENT_ERROR, path,
				"hostUsers: false maps users, which no guest is asked for: leave it out");
}

json_t *spec_project(struct projection *projection, const json_t *spec, const char *path)
{
	auto_free char *where = xasprintf("%s.volumes", path);
	json_t *out = json_object();

	fields_check(projection, spec, path, fields_pod);
	check_system(projection, spec, path);
	volumes_collect(projection, field_list(projection, spec, path, "volumes"), where,
			projection->volumes_read);
	take_scalars(projection, spec, path, out);
	put_unless_empty(out, "securityContext", project_security(projection, spec, path));
	take_containers(projection, spec, path, "initContainers", out);
	take_containers(projection, spec, path, "containers", out);
	if (!json_object_get(out, "containers"))
		agent_note(projection->notes, AGENT_ERROR, path, "has no containers");
	take_all_injected(projection, out);
	take_volumes(projection, out);
	return out;
}
