/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container has its volumes. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* The volume is one of the pod's, and from now on one that is mounted. */
static void use_volume(struct projection *projection, const char *name, const char *path)
{
	if (json_object_get(projection->volumes, name))
		return;
	if (!json_object_get(projection->volumes_read, name)) {
		agent_note(projection->notes, AGENT_ERROR, path, "there is no volume '%.80s'", name);
		return;
	}
	if (json_object_size(projection->volumes) >= AGENT_VOLUMES_MAX) {
		agent_note(projection->notes, AGENT_ERROR, path, "the pod mounts more than %d volumes",
				AGENT_VOLUMES_MAX);
		return;
	}
	json_object_set_new(projection->volumes, name, volume_project(projection, name));
}

static void take_propagation(
		const struct projection *projection, const json_t *mount, const char *path, json_t *out)
{
	const char *propagation = field_text(projection, mount, path, "mountPropagation");

	if (!propagation || !strcmp(propagation, "None"))
		return;
	if (strcmp(propagation, "HostToContainer") != 0 && strcmp(propagation, "Bidirectional") != 0)
		agent_note(projection->notes, AGENT_ERROR, path,
				"there is no mountPropagation '%.40s': None, HostToContainer, Bidirectional",
				propagation);
	json_object_set_new(out, "mountPropagation", json_string(propagation));
}

/*
 * Which part of a volume is mounted is not in the request: the runtime shares or copies what the node has there, to the
 * place that any mount at this destination gets. But an emptyDir it keeps in the guest, and where it then looks for a
 * part is not the same in all of its releases.
 */
static void take_part(const struct projection *projection, const json_t *mount, const char *path, json_t *out)
{
	const char *name = json_text_at(out, "name", NULL);

	if (!field_text(projection, mount, path, "subPath") &&
			!field_text(projection, mount, path, "subPathExpr"))
		return;
	if (name && json_at(projection->volumes, name, "emptyDir", NULL))
		agent_note(projection->notes, AGENT_ERROR, path,
				"a subPath of an emptyDir is mounted from a place that differs between "
				"releases of Kata:"
				" mount the whole volume");
	json_object_set_new(out, "subPath", json_true());
}

/* A relative path starts at the root, kubelet says. */
static void take_place(const struct projection *projection, const json_t *mount, const char *path,
		const char *member, json_t *seen, json_t *out)
{
	const char *at = field_needed(projection, mount, path, member);

	if (!at)
		return;
	auto_free char *absolute = xasprintf("%s%s", at[0] == '/' ? "" : "/", at);
	if (json_object_get(seen, absolute))
		agent_note(projection->notes, AGENT_ERROR, path, "there are two at '%.200s'", absolute);
	json_object_set_new(seen, absolute, json_true());
	json_object_set_new(out, member, json_string(absolute));
}

static json_t *project_mount(
		struct projection *projection, const json_t *mount, const char *path, json_t *seen)
{
	json_t *out = json_object();
	const char *name = field_needed(projection, mount, path, "name");

	fields_check(projection, mount, path, fields_mount);
	if (name) {
		take_text(projection, mount, path, "name", out);
		use_volume(projection, name, path);
	}
	take_place(projection, mount, path, "mountPath", seen, out);
	take_flag(projection, mount, path, "readOnly", true, out);
	take_propagation(projection, mount, path, out);
	take_part(projection, mount, path, out);
	const char *recursive = field_text(projection, mount, path, "recursiveReadOnly");
	if (recursive && strcmp(recursive, "Disabled") != 0)
		agent_note(projection->notes, AGENT_ERROR, path,
				"recursiveReadOnly '%.40s' cannot be expressed: leave it out", recursive);
	return out;
}

static json_t *project_device(
		struct projection *projection, const json_t *device, const char *path, json_t *seen)
{
	json_t *out = json_object();
	const char *name = field_needed(projection, device, path, "name");

	fields_check(projection, device, path, fields_device);
	if (name) {
		take_text(projection, device, path, "name", out);
		use_volume(projection, name, path);
	}
	take_place(projection, device, path, "devicePath", seen, out);
	return out;
}

void mounts_project(struct projection *projection, const json_t *container, const char *path, json_t *out)
{
	const json_t *mounts = field_list(projection, container, path, "volumeMounts");
	const json_t *devices = field_list(projection, container, path, "volumeDevices");
	auto_json json_t *seen = json_object();
	json_t *mounts_out = json_array(), *devices_out = json_array();

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const json_t *mount = json_array_get(mounts, i);
		auto_free char *where = xasprintf("%s.volumeMounts[%zu]", path, i);
		if (!mount_is_token(projection, mount))
			json_array_append_new(mounts_out, project_mount(projection, mount, where, seen));
	}
	for (size_t i = 0; i < json_array_size(devices); i++) {
		auto_free char *where = xasprintf("%s.volumeDevices[%zu]", path, i);
		json_array_append_new(devices_out,
				project_device(projection, json_array_get(devices, i), where, seen));
	}
	put_unless_empty(out, "volumeMounts", mounts_out);
	put_unless_empty(out, "volumeDevices", devices_out);
}
