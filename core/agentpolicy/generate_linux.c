/* SPDX-License-Identifier: Apache-2.0 */
/* OCI.Linux: namespaces, paths that are hidden, parameters of the kernel. */
#include "agentpolicy/generate_own.h"

#include "codec/json.h"

#include <string.h>

/* containerd's own, where the settings have none */
static const char *const masked[] = { "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", NULL };
static const char *const readonly[] = { "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
	"/proc/sysrq-trigger", NULL };

static bool has_host_network(const struct part *part)
{
	return json_is_true(json_object_get(part->inputs->workload->spec, "hostNetwork"));
}

static json_t *make_namespaces(const struct part *part)
{
	static const char *const types[] = { "ipc", "uts", "mount" };
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (part->kind == PART_SANDBOX && has_host_network(part) && strcmp(types[i], "uts") == 0)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:s}", "Type", types[i], "Path", ""));
	}
	return list;
}

/* A privileged container sees all of its guest's. */
static json_t *make_paths(const struct part *part, const char *member, const char *const *defaults)
{
	const json_t *own = json_at(part_settings(part), "Linux", member, NULL);
	json_t *list = json_array();

	if (part->privileged)
		return list;
	add_all(list, own);
	for (size_t i = 0; json_array_size(own) == 0 && defaults[i]; i++)
		json_array_append_new(list, json_string(defaults[i]));
	return list;
}

static json_t *make_sysctls(const struct part *part)
{
	const json_t *context = json_object_get(part->inputs->workload->spec, "securityContext");
	json_t *all = json_object();
	size_t i;
	const json_t *item;

	json_object_update(all, json_object_get(json_object_get(part_settings(part), "Linux"), "Sysctl"));
	json_array_foreach (json_object_get(context, "sysctls"), i, item) {
		const char *name = json_text_at(item, "name", NULL);

		if (name)
			json_object_set(all, name, json_object_get(item, "value"));
	}
	return all;
}

json_t *generate_linux(const struct part *part, json_t *devices)
{
	auto_json json_t *sysctls = make_sysctls(part);
	json_t *all = json_pack("{s:o, s:o, s:o, s:O}", "Namespaces", make_namespaces(part), "MaskedPaths",
			make_paths(part, "MaskedPaths", masked), "ReadonlyPaths",
			make_paths(part, "ReadonlyPaths", readonly), "Devices", devices);

	if (json_object_size(sysctls))
		json_object_set_new(all, "Sysctl", sorted_object(sysctls));
	return all;
}
