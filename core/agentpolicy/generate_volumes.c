/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_volumes.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <assert.h>
#include <string.h>

#define HOST_DATA  "the host reads and writes what is in the volume '%s'"
#define HOST_FILES "what is in the files of the volume '%s' is the host's to choose: no policy sees it"

const char *setting_text(const json_t *settings, const char *member)
{
	const char *text = json_string_value(json_object_get(settings, member));

	assert(text);
	return text;
}

/* ---- mounts and storages ------------------------------------------------------------------------------- */

json_t *placing_options(const struct placing *placing, bool read_only)
{
	return json_pack("[s, s, s]", "rbind", placing->propagation, read_only ? "ro" : "rw");
}

void placing_shared(const struct placing *placing, bool read_only)
{
	auto_free char *source = xasprintf("$(sfprefix)%s$", placing->base);

	mounts_put(placing->mounts,
			mount_new(placing->destination, source, "bind", placing_options(placing, read_only)));
}

json_t *storage_new(const json_t *settings, const char *name)
{
	const char *point = setting_text(settings, "mount_point");
	auto_free char *full = name ? xasprintf("%s%s$", point, name) : xstrdup(point);
	const char *source = json_text_at(settings, "source", NULL);
	json_t *storage = json_object();

	json_object_set_new(storage, "driver", json_string(setting_text(settings, "driver")));
	json_object_set_new(storage, "driver_options",
			json_deep_copy(json_object_get(settings, "driver_options")));
	json_object_set_new(storage, "source", json_string(source ? source : ""));
	json_object_set_new(storage, "fstype", json_string(setting_text(settings, "fstype")));
	json_object_set_new(storage, "options", json_deep_copy(json_object_get(settings, "options")));
	json_object_set_new(storage, "mount_point", json_string(full));
	json_object_set_new(storage, "fs_group", json_null());
	json_object_set_new(
			storage, "shared", json_boolean(json_is_true(json_object_get(settings, "shared"))));
	return storage;
}

/* ---- sources of volumes -------------------------------------------------------------------------------- */

static bool is_at_or_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static void host_path(const struct placing *placing, const json_t *source)
{
	const char *path = json_text_at(source, "path", NULL);

	if (!path || *path != '/' || strstr(path, "/..") || strstr(path, "$(")) {
		part_note(placing->part, AGENT_ERROR, placing->below,
				"the path of the volume '%s' must be absolute, without '..' and '$('",
				placing->name);
	} else if (is_at_or_below(path, "/dev") || is_at_or_below(path, "/sys") ||
			is_at_or_below(path, "/proc")) {
		part_note(placing->part, AGENT_WARNING, placing->below,
				"the volume '%s' is the guest's own %s, not the host's", placing->name, path);
		mounts_put(placing->mounts,
				mount_new(placing->destination, path, "bind",
						placing_options(placing, placing->read_only)));
	} else {
		part_note(placing->part, AGENT_WARNING, placing->below, HOST_DATA, placing->name);
		placing_shared(placing, placing->read_only);
	}
}

/* What a driver of the node mounts: claims of all kinds, and network file systems. */
static void claim(const struct placing *placing, const json_t *source)
{
	bool read_only = placing->read_only || json_is_true(json_object_get(source, "readOnly"));

	part_note(placing->part, AGENT_WARNING, placing->below,
			HOST_DATA ": encrypt in the guest what it must not see", placing->name);
	placing_shared(placing, read_only);
}

/*
 * ConfigMaps and Secrets: read-only whatever the mount says; watched for changes where the settings say so, but for
 * parts, which the runtime does not know for what they are.
 */
static void files(const struct placing *placing, const json_t *source)
{
	const json_t *settings = json_object_get(placing->part->inputs->settings->volumes, "configMap");
	const json_t *watched = json_at(placing->part->inputs->settings->tree, "kata_config",
			"enable_configmap_secret_storages", NULL);
	auto_free char *point = xasprintf("%s%s$", setting_text(settings, "mount_point"), placing->base);

	(void)source;
	part_note(placing->part, AGENT_REMARK, placing->below, HOST_FILES, placing->name);
	if (json_is_true(watched) && !json_object_get(placing->mount, "subPath")) {
		auto_free char *from =
				xasprintf("%s%s$", setting_text(settings, "mount_source"), placing->base);
		json_t *storage = storage_new(settings, placing->base);

		json_object_set_new(storage, "source", json_string(from));
		json_array_append_new(placing->storages, storage);
	}
	mounts_put(placing->mounts,
			mount_new(placing->destination, point, setting_text(settings, "mount_type"),
					placing_options(placing, true)));
}

static void read_only_files(const struct placing *placing, const json_t *source)
{
	(void)source;
	part_note(placing->part, AGENT_REMARK, placing->below, HOST_FILES, placing->name);
	placing_shared(placing, true);
}

static const struct {
	const char *name;
	void (*place)(const struct placing *placing, const json_t *source);
} sources[] = {
	{ "azureFile", claim },
	{ "configMap", files },
	{ "csi", claim },
	{ "downwardAPI", read_only_files },
	{ "emptyDir", generate_empty_dir },
	{ "ephemeral", claim },
	{ "hostPath", host_path },
	{ "nfs", claim },
	{ "persistentVolumeClaim", claim },
	{ "projected", read_only_files },
	{ "secret", files },
	{ "volumeClaimTemplate", claim },
};

static void place_source(const struct placing *placing)
{
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		const json_t *source = json_object_get(placing->volume, sources[i].name);

		if (!source)
			continue;
		sources[i].place(placing, source);
		return;
	}
	part_note(placing->part, AGENT_ERROR, placing->below,
			"no policy can be made for a volume of the kind of '%s': use a persistentVolumeClaim",
			placing->name);
}

/* ---- one mount ----------------------------------------------------------------------------------------- */

static const char *propagation_of(const json_t *mount)
{
	const char *text = json_text_at(mount, "mountPropagation", NULL);

	if (text && strcmp(text, "Bidirectional") == 0)
		return "rshared";
	return text && strcmp(text, "HostToContainer") == 0 ? "rslave" : "rprivate";
}

static bool is_possible(const struct placing *placing)
{
	const char *medium = json_text_at(placing->volume, "emptyDir", "medium", NULL);

	if (!placing->base)
		part_note(placing->part, AGENT_ERROR, placing->below, "nothing can be mounted at '%s'",
				placing->destination);
	else if (strcmp(placing->destination, "/dev/shm") == 0 && !medium)
		part_note(placing->part, AGENT_ERROR, placing->below,
				"only an emptyDir with medium Memory can be mounted at /dev/shm: Kata mounts "
				"the "
				"sandbox's there in the place of any other");
	else
		return true;
	return false;
}

/* The volume that a mount names, or NULL. */
static const json_t *volume_of(const json_t *volumes, const json_t *mount)
{
	const char *wanted = json_text_at(mount, "name", NULL);

	for (size_t i = 0; wanted && i < json_array_size(volumes); i++) {
		const char *name = json_text_at(json_array_get(volumes, i), "name", NULL);

		if (name && strcmp(name, wanted) == 0)
			return json_array_get(volumes, i);
	}
	return NULL;
}

static void place(const struct placing *draft)
{
	const char *destination = json_text_at(draft->mount, "mountPath", NULL);
	struct placing placing = *draft;
	auto_free char *base = destination ? mount_base(destination) : NULL;

	placing.name = json_text_at(draft->volume, "name", NULL);
	placing.destination = destination ? destination : "";
	placing.base = base;
	placing.propagation = propagation_of(draft->mount);
	placing.read_only = json_is_true(json_object_get(draft->mount, "readOnly"));
	if (is_possible(&placing))
		place_source(&placing);
}

void generate_volumes(const struct part *part, json_t *mounts, json_t *storages)
{
	const json_t *volumes = json_object_get(part_pod(part), "volumes");
	const json_t *wanted = json_object_get(part->container, "volumeMounts");

	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const json_t *mount = json_array_get(wanted, i);
		const json_t *volume = volume_of(volumes, mount);
		const char *name = json_text_at(mount, "name", NULL);
		auto_free char *below = xasprintf(".volumeMounts[%zu]", i);
		const struct placing draft = {
			.part = part,
			.mounts = mounts,
			.storages = storages,
			.volume = volume,
			.mount = mount,
			.below = below,
		};

		if (volume)
			place(&draft);
		else
			part_note(part, AGENT_ERROR, below, "the pod has no volume '%s'", name ? name : "");
	}
}
