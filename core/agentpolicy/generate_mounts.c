/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_volumes.h"

#include "agentpolicy/pattern.h"
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define TERMINATION_LOG "/dev/termination-log"
#define TOKEN_FOLDER    "/var/run/secrets/kubernetes.io/serviceaccount"

/* What containerd mounts into every container (its default specification for Linux). */
static const struct {
	const char *destination, *type, *source;
	const char *options[8];
	bool access;   /* ends with ro, or rw when privileged */
	bool workload; /* not in the sandbox */
} standard[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" }, false, false },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" }, false, false },
	{ "/dev/pts", "devpts", "devpts",
			{ "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" }, false,
			false },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" }, false,
			false },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" }, false, false },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev" }, true, false },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime" }, true, true },
};

json_t *mount_new(const char *destination, const char *source, const char *type, json_t *options)
{
	json_t *mount = json_object();

	json_object_set_new(mount, "destination", json_string(destination));
	json_object_set_new(mount, "source", json_string(source));
	json_object_set_new(mount, "type_", json_string(type));
	json_object_set_new(mount, "options", options);
	return mount;
}

static size_t find_mount(const json_t *mounts, const char *destination)
{
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const char *other = json_text_at(json_array_get(mounts, i), "destination", NULL);

		if (other && strcmp(other, destination) == 0)
			return i;
	}
	return json_array_size(mounts);
}

void mounts_put(json_t *mounts, json_t *mount)
{
	size_t at = find_mount(mounts, json_text_at(mount, "destination", NULL));

	if (at < json_array_size(mounts))
		json_array_set_new(mounts, at, mount);
	else
		json_array_append_new(mounts, mount);
}

char *mount_base(const char *destination)
{
	size_t end = strlen(destination), start;

	while (end > 0 && destination[end - 1] == '/')
		end--;
	for (start = end; start > 0 && destination[start - 1] != '/';)
		start--;
	if (start == end)
		return NULL;
	auto_free char *name = xmemdup0(destination + start, end - start);

	return pattern_escape(name);
}

const json_t *part_pod(const struct part *part)
{
	return part->inputs->workload->spec;
}

static void add_standard(const struct part *part, json_t *mounts)
{
	bool sandbox = part->kind == PART_SANDBOX;
	bool writable = part->privileged || (sandbox && part->any_privileged);

	for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
		json_t *options = json_array();

		for (size_t j = 0; standard[i].options[j]; j++)
			json_array_append_new(options, json_string(standard[i].options[j]));
		if (standard[i].access)
			json_array_append_new(options, json_string(writable ? "rw" : "ro"));
		if (sandbox && standard[i].workload)
			json_decref(options);
		else
			json_array_append_new(mounts,
					mount_new(standard[i].destination, standard[i].source,
							standard[i].type, options));
	}
}

/* Whether one of the container's volumes goes there. */
static bool is_mounted(const struct part *part, const char *destination)
{
	const json_t *all = json_at(part->container, "volumeMounts", NULL);

	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *path = json_text_at(json_array_get(all, i), "mountPath", NULL);

		if (path && strcmp(path, destination) == 0)
			return true;
	}
	return false;
}

/* The settings name mounts that may be there; which of them are is in mount_destinations. */
static bool is_wanted(const struct part *part, const char *destination)
{
	const json_t *wanted = json_object_get(part->inputs->settings->tree, "mount_destinations");

	if (is_mounted(part, destination))
		return true;
	if (strcmp(destination, TOKEN_FOLDER) == 0 &&
			json_is_false(json_object_get(part_pod(part), "automountServiceAccountToken")))
		return false;
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const char *text = json_string_value(json_array_get(wanted, i));

		if (text && strcmp(text, destination) == 0)
			return true;
	}
	return false;
}

/* Where the mount of the settings goes in this container. */
static const char *settled_destination(const struct part *part, const char *destination)
{
	const char *path = json_text_at(part->container, "terminationMessagePath", NULL);

	return path && strcmp(destination, TERMINATION_LOG) == 0 ? path : destination;
}

/* The runtime mounts these writable as the root file system is; the settings leave the last option open. */
static bool follows_root(const struct part *part, const char *destination)
{
	return part->kind != PART_SANDBOX &&
			(strcmp(destination, "/etc/hostname") == 0 ||
					strcmp(destination, "/etc/resolv.conf") == 0);
}

static void add_setting(const struct part *part, const json_t *setting, json_t *mounts)
{
	const char *named = setting_text(setting, "destination");
	const char *type = setting_text(setting, "type_");
	const char *source = json_text_at(setting, "source", NULL);
	const char *destination = settled_destination(part, named);
	auto_free char *base = mount_base(destination);
	auto_free char *shared = base ? xasprintf("$(sfprefix)%s$", base) : NULL;
	json_t *options = json_deep_copy(json_object_get(setting, "options"));

	if ((!source || !*source) && strcmp(type, "bind") == 0)
		source = shared;
	if (follows_root(part, named))
		json_array_append_new(options, json_string(part->read_only_root ? "ro" : "rw"));
	mounts_put(mounts, mount_new(destination, source ? source : "", type, options));
}

/* A path with each run of slashes as one. The caller's. */
static char *single_slashes(const char *path)
{
	char *out = xstrdup(path), *end = out;

	for (; *path; path++)
		if (path[0] != '/' || path[1] != '/')
			*end++ = *path;
	*end = '\0';
	return out;
}

/* An image's VOLUME that the manifest mounts nothing at: containerd keeps a folder of its own for it. */
static void add_image_volume(const struct part *part, const char *volume, json_t *mounts)
{
	const json_t *settings = json_object_get(part->inputs->settings->volumes, "image_volume");
	auto_free char *destination = single_slashes(volume);
	auto_free char *base = mount_base(destination);

	if (find_mount(mounts, destination) < json_array_size(mounts))
		return;
	if (!base) {
		part_note(part, AGENT_ERROR, "", "the image's volume '%s' cannot be mounted", volume);
		return;
	}
	auto_free char *source = xasprintf("%s%s$", setting_text(settings, "mount_source"), base);

	json_array_append_new(mounts,
			mount_new(destination, source, setting_text(settings, "fstype"),
					json_deep_copy(json_object_get(settings, "options"))));
}

void generate_mounts(const struct part *part, json_t **mounts, json_t **storages)
{
	const json_t *settings = json_object_get(part_settings(part), "Mounts");

	*mounts = json_array();
	*storages = json_array();
	add_standard(part, *mounts);
	for (size_t i = 0; i < json_array_size(settings); i++)
		if (is_wanted(part, setting_text(json_array_get(settings, i), "destination")))
			add_setting(part, json_array_get(settings, i), *mounts);
	if (part->kind == PART_SANDBOX)
		return;
	generate_volumes(part, *mounts, *storages);
	for (size_t i = 0; part->image->volumes && part->image->volumes[i]; i++)
		add_image_volume(part, part->image->volumes[i], *mounts);
}
