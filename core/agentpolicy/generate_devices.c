/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "base/span.h"
#include "codec/json.h"

#include <string.h>

/* {"id", "type_", "vm_path", "container_path", "options"}: the agent's Device with all its fields */
static json_t *device_new(const char *type, const char *container_path)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:[]}", "id", "", "type_", type, "vm_path", "",
			"container_path", container_path, "options");
}

static void add_oci_device(json_t *oci_devices, const char *type, const char *path)
{
	json_array_append_new(oci_devices, json_pack("{s:s, s:s}", "Type", type, "Path", path));
}

/* volumeDevices: block volumes that are devices in the container; the runtime names their type, "b", in OCI alone. */
static void add_volumes(const struct part *part, json_t *devices, json_t *oci_devices)
{
	const json_t *all = json_at(part->container, "volumeDevices", NULL);
	const char *reserved = json_text_at(part->inputs->settings->devices, "vfio", "device_path", NULL);

	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *path = json_text_at(json_array_get(all, i), "devicePath", NULL);
		auto_free char *below = xasprintf(".volumeDevices[%zu]", i);

		if (!path || *path != '/' || strncmp(path, reserved, strlen(reserved)) == 0) {
			part_note(part, AGENT_ERROR, below,
					"a device must have an absolute path that does not begin as those of "
					"passed-through devices do (%s)",
					reserved);
			continue;
		}
		json_array_append_new(devices, device_new("", path));
		add_oci_device(oci_devices, "b", path);
	}
}

/* The settings' devices of every container. */
static void add_settings(const struct part *part, json_t *oci_devices)
{
	const json_t *all = json_at(part_settings(part), "Linux", "Devices", NULL);

	for (size_t i = 0; i < json_array_size(all); i++)
		json_array_append_new(oci_devices, json_deep_copy(json_array_get(all, i)));
}

static bool is_listed(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* How many devices the container is given; notes what is no device that the settings know. */
static uint64_t count_gpus(const struct part *part)
{
	const json_t *limits = json_at(part->container, "resources", "limits", NULL);
	const json_t *known = json_at(
			part->inputs->settings->devices, "vfio", "nvidia", "pgpu_resource_keys", NULL);
	uint64_t sum = 0, count = 0;
	const char *key;
	json_t *value;

	/* jansson's loop takes no const */
	json_object_foreach ((json_t *)(uintptr_t)limits, key, value) {
		auto_free char *below = xasprintf(".resources.limits['%s']", key);

		if (!is_listed(known, key))
			part_note(part, AGENT_ERROR, below,
					"the settings do not say what devices this brings into the guest: "
					"name it in "
					"devices.vfio.nvidia.pgpu_resource_keys if it passes whole GPUs "
					"through, or "
					"leave it out");
		else if (!span_number(span_of(json_string_value(value)), AGENT_LIST_MAX - sum, &count))
			part_note(part, AGENT_ERROR, below, "must be a whole number, at most %d in all",
					AGENT_LIST_MAX);
		else
			sum += count;
	}
	return sum;
}

static void add_gpus(const struct part *part, json_t *devices, json_t *patterns)
{
	const json_t *vfio = json_object_get(part->inputs->settings->devices, "vfio");
	uint64_t count = count_gpus(part);

	for (uint64_t i = 0; i < count; i++)
		json_array_append_new(devices,
				device_new(json_text_at(vfio, "nvidia", "gpu_gk_device_type", NULL),
						json_text_at(vfio, "device_path", NULL)));
	if (count)
		json_object_set_new(patterns, json_text_at(vfio, "anno_key_regex", NULL),
				json_string(json_text_at(vfio, "nvidia", "gpu_anno_value_regex", NULL)));
}

/* The kubelet's words on the termination message, which containerd passes on where its settings say so. */
static void add_termination(json_t *patterns)
{
	json_object_set_new(patterns, "^io\\.kubernetes\\.container\\.terminationMessagePath$",
			json_string("^/.*$"));
	json_object_set_new(patterns, "^io\\.kubernetes\\.container\\.terminationMessagePolicy$",
			json_string("^(File|FallbackToLogsOnError)$"));
}

void generate_devices(const struct part *part, json_t **devices, json_t **oci_devices, json_t **patterns)
{
	*devices = json_array();
	*oci_devices = json_array();
	*patterns = json_object();
	if (part->kind != PART_SANDBOX) {
		add_volumes(part, *devices, *oci_devices);
		add_gpus(part, *devices, *patterns);
		add_termination(*patterns);
	}
	add_settings(part, *oci_devices);
}
