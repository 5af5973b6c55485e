/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/settings_shape.h"

#include "base/alloc.h"
#include "base/closest.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define ITEMS_MAX   1000
/* members of the widest object in the tables */
#define MEMBERS_MAX 24

enum kind { OBJECT, OBJECTS, TEXT, TEXTS, LISTS, NUMBER, NUMBERS, BOOL, MAP, GROUP };
/* FILLED: missing is "false", "none" or "empty", and is written so */
enum need { NEEDED, OPTIONAL, FILLED };

struct shape {
	const char *key;
	enum kind kind;
	enum need need;
	const struct shape *members; /* of OBJECT and the items of OBJECTS; ends with an empty one */
};

/* ---- the tables ---------------------------------------------------------------------------------------- */

#define END                  \
	{                    \
		.key = NULL, \
	}

static const struct shape user_shape[] = {
	{ "UID", NUMBER, OPTIONAL, NULL },
	{ "GID", NUMBER, OPTIONAL, NULL },
	{ "AdditionalGids", NUMBERS, OPTIONAL, NULL },
	{ "Username", TEXT, OPTIONAL, NULL },
	END,
};
static const struct shape process_shape[] = {
	{ "Terminal", BOOL, OPTIONAL, NULL },
	{ "User", OBJECT, OPTIONAL, user_shape },
	{ "Args", TEXTS, OPTIONAL, NULL },
	{ "Env", TEXTS, OPTIONAL, NULL },
	{ "Cwd", TEXT, OPTIONAL, NULL },
	{ "NoNewPrivileges", BOOL, OPTIONAL, NULL },
	END,
};
static const struct shape root_shape[] = {
	{ "Path", TEXT, NEEDED, NULL },
	{ "Readonly", BOOL, OPTIONAL, NULL },
	END,
};
static const struct shape mount_shape[] = {
	{ "destination", TEXT, NEEDED, NULL },
	{ "source", TEXT, OPTIONAL, NULL },
	{ "type_", TEXT, NEEDED, NULL },
	{ "options", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape device_shape[] = {
	{ "Type", TEXT, NEEDED, NULL },
	{ "Path", TEXT, NEEDED, NULL },
	END,
};
static const struct shape linux_shape[] = {
	{ "MaskedPaths", TEXTS, OPTIONAL, NULL },
	{ "ReadonlyPaths", TEXTS, OPTIONAL, NULL },
	{ "Devices", OBJECTS, OPTIONAL, device_shape },
	{ "Sysctl", MAP, OPTIONAL, NULL },
	END,
};
static const struct shape container_shape[] = {
	{ "Process", OBJECT, OPTIONAL, process_shape },
	{ "Root", OBJECT, NEEDED, root_shape },
	{ "Mounts", OBJECTS, FILLED, mount_shape },
	{ "Annotations", MAP, FILLED, NULL },
	{ "Linux", OBJECT, OPTIONAL, linux_shape },
	END,
};
static const struct shape volume_shape[] = {
	{ "mount_type", TEXT, NEEDED, NULL },
	{ "mount_source", TEXT, NEEDED, NULL },
	{ "mount_point", TEXT, NEEDED, NULL },
	{ "driver", TEXT, NEEDED, NULL },
	{ "driver_options", TEXTS, FILLED, NULL },
	{ "source", TEXT, NEEDED, NULL },
	{ "fstype", TEXT, NEEDED, NULL },
	{ "options", TEXTS, NEEDED, NULL },
	{ "shared", BOOL, FILLED, NULL },
	END,
};
static const struct shape config_volume_shape[] = {
	{ "mount_type", TEXT, NEEDED, NULL },
	{ "mount_source", TEXT, NEEDED, NULL },
	{ "mount_point", TEXT, NEEDED, NULL },
	{ "driver", TEXT, NEEDED, NULL },
	{ "driver_options", TEXTS, FILLED, NULL },
	{ "fstype", TEXT, NEEDED, NULL },
	{ "options", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape image_volume_shape[] = {
	{ "mount_type", TEXT, NEEDED, NULL },
	{ "mount_source", TEXT, NEEDED, NULL },
	{ "driver", TEXT, NEEDED, NULL },
	{ "source", TEXT, NEEDED, NULL },
	{ "fstype", TEXT, NEEDED, NULL },
	{ "options", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape volumes_shape[] = {
	{ "emptyDir", OBJECT, NEEDED, volume_shape },
	{ "emptyDir_encrypted", OBJECT, NEEDED, volume_shape },
	{ "emptyDir_plain", OBJECT, NEEDED, volume_shape },
	{ "emptyDir_memory", OBJECT, NEEDED, volume_shape },
	{ "configMap", OBJECT, NEEDED, config_volume_shape },
	{ "image_volume", OBJECT, NEEDED, image_volume_shape },
	END,
};
static const struct shape nvidia_shape[] = {
	{ "gpu_anno_value_regex", TEXT, NEEDED, NULL },
	{ "gpu_gk_device_type", TEXT, NEEDED, NULL },
	{ "pgpu_resource_keys", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape vfio_shape[] = {
	{ "device_path", TEXT, NEEDED, NULL },
	{ "anno_key_regex", TEXT, NEEDED, NULL },
	{ "nvidia", OBJECT, NEEDED, nvidia_shape },
	END,
};
static const struct shape devices_shape[] = {
	{ "vfio", OBJECT, NEEDED, vfio_shape },
	END,
};
static const struct shape storage_shape[] = {
	{ "driver", TEXT, NEEDED, NULL },
	{ "driver_options", TEXTS, FILLED, NULL },
	{ "source", TEXT, NEEDED, NULL },
	{ "fstype", TEXT, NEEDED, NULL },
	{ "options", TEXTS, FILLED, NULL },
	{ "mount_point", TEXT, NEEDED, NULL },
	{ "fs_group", GROUP, FILLED, NULL },
	{ "shared", BOOL, FILLED, NULL },
	END,
};
static const struct shape sandbox_shape[] = {
	{ "storages", OBJECTS, NEEDED, storage_shape },
	END,
};
static const struct shape common_shape[] = {
	{ "cpath", TEXT, NEEDED, NULL },
	{ "root_path", TEXT, NEEDED, NULL },
	{ "sfprefix", TEXT, NEEDED, NULL },
	{ "spath", TEXT, NEEDED, NULL },
	{ "ipv4_a", TEXT, NEEDED, NULL },
	{ "ip_p", TEXT, NEEDED, NULL },
	{ "svc_name_downward_env", TEXT, NEEDED, NULL },
	{ "dns_label", TEXT, NEEDED, NULL },
	{ "default_caps", TEXTS, NEEDED, NULL },
	{ "privileged_caps", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape kata_shape[] = {
	{ "oci_version", TEXT, NEEDED, NULL },
	{ "enable_configmap_secret_storages", BOOL, FILLED, NULL },
	END,
};
static const struct shape cluster_shape[] = {
	{ "pause_container_image", TEXT, NEEDED, NULL },
	{ "guest_pull", BOOL, NEEDED, NULL },
	{ "emptydir_type", TEXT, NEEDED, NULL },
	{ "cgroup_mount_extras_allowed", TEXTS, FILLED, NULL },
	END,
};
static const struct shape create_shape[] = {
	{ "allow_env_regex", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape exec_shape[] = {
	{ "allowed_commands", LISTS, NEEDED, NULL },
	{ "regex", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape routes_shape[] = {
	{ "forbidden_device_names", TEXTS, NEEDED, NULL },
	{ "forbidden_source_regex", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape interface_shape[] = {
	{ "allow_raw_flags", NUMBER, NEEDED, NULL },
	{ "forbidden_names", TEXTS, NEEDED, NULL },
	{ "forbidden_hw_addrs", TEXTS, NEEDED, NULL },
	END,
};
static const struct shape neighbors_shape[] = {
	{ "forbidden_device_names", TEXTS, NEEDED, NULL },
	{ "forbidden_cidrs_regex", TEXTS, NEEDED, NULL },
	{ "allowed_states", NUMBERS, NEEDED, NULL },
	END,
};
static const struct shape requests_shape[] = {
	{ "CreateContainerRequest", OBJECT, NEEDED, create_shape },
	{ "CopyFileRequest", TEXTS, NEEDED, NULL },
	{ "ExecProcessRequest", OBJECT, NEEDED, exec_shape },
	{ "UpdateRoutesRequest", OBJECT, NEEDED, routes_shape },
	{ "UpdateInterfaceRequest", OBJECT, NEEDED, interface_shape },
	{ "AddARPNeighborsRequest", OBJECT, NEEDED, neighbors_shape },
	{ "CloseStdinRequest", BOOL, FILLED, NULL },
	{ "ReadStreamRequest", BOOL, FILLED, NULL },
	{ "UpdateEphemeralMountsRequest", BOOL, FILLED, NULL },
	{ "WriteStreamRequest", BOOL, FILLED, NULL },
	{ "GetDiagnosticDataRequest", BOOL, FILLED, NULL },
	END,
};
static const struct shape settings_shapes[] = {
	{ "kata_config", OBJECT, NEEDED, kata_shape },
	{ "cluster_config", OBJECT, NEEDED, cluster_shape },
	{ "pause_container", OBJECT, NEEDED, container_shape },
	{ "other_container", OBJECT, NEEDED, container_shape },
	{ "mount_destinations", TEXTS, NEEDED, NULL },
	{ "volumes", OBJECT, NEEDED, volumes_shape },
	{ "devices", OBJECT, NEEDED, devices_shape },
	{ "common", OBJECT, NEEDED, common_shape },
	{ "sandbox", OBJECT, NEEDED, sandbox_shape },
	{ "request_defaults", OBJECT, NEEDED, requests_shape },
	END,
};

/* ---- the walk ------------------------------------------------------------------------------------------ */

static const struct shape *member_of(const struct shape *members, const char *key)
{
	for (; members->key; members++)
		if (!strcmp(members->key, key))
			return members;
	return NULL;
}

/* Members that the tables do not know, and that are close to one which is not there. */
static void note_misspelt(const json_t *object, const struct shape *members, const char *path,
		struct agent_notes *notes)
{
	const char *missing[MEMBERS_MAX + 1] = { NULL }, *key;
	size_t count = 0;
	json_t *value;

	for (const struct shape *member = members; member->key && count < MEMBERS_MAX; member++)
		if (!json_object_get(object, member->key))
			missing[count++] = member->key;
	/* jansson's loop takes no const */
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		const char *meant = member_of(members, key) ? NULL : closest_word(key, missing);
		if (!meant)
			continue;
		auto_free char *place = xasprintf("%s%s%s", path, *path ? "." : "", key);
		agent_note(notes, AGENT_WARNING, place,
				"this setting is not known and has no effect: did you mean '%s'?", meant);
	}
}

static json_t *filling(enum kind kind)
{
	if (kind == BOOL)
		return json_false();
	if (kind == GROUP)
		return json_null();
	return kind == MAP ? json_object() : json_array();
}

static bool all_numbers(const json_t *array)
{
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item)
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
				json_integer_value(item) > UINT32_MAX)
			return false;
	return true;
}

static int check_map(const json_t *object, const char *path, const char *key, struct err *err)
{
	json_t *map = NULL, *value;
	const char *name;

	if (json_get_object(object, path, key, &map, err) < 0)
		return -1;
	json_object_foreach (map, name, value)
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "%s.%s: '%s' must be a text", path, key, name);
	return 0;
}

static int check_numbers(const json_t *object, const char *path, const char *key, struct err *err)
{
	json_t *array = NULL;

	if (json_opt_array(object, path, key, ITEMS_MAX, &array, err) < 0)
		return -1;
	if (all_numbers(array))
		return 0;
	return err_set(err, ERR_FORMAT, "%s.%s: all items must be numbers from 0 to 4294967295", path, key);
}

/* Argument vectors. */
static int check_lists(const json_t *object, const char *path, const char *key, struct err *err)
{
	json_t *array = NULL, *list, *word;
	size_t i, j;

	if (json_opt_array(object, path, key, ITEMS_MAX, &array, err) < 0)
		return -1;
	json_array_foreach (array, i, list) {
		if (!json_array_size(list))
			return err_set(err, ERR_FORMAT, "%s.%s[%zu]: must be a list of words", path, key, i);
		json_array_foreach (list, j, word)
			if (!json_is_string(word))
				return err_set(err, ERR_FORMAT, "%s.%s[%zu][%zu]: must be a text", path, key,
						i, j);
	}
	return 0;
}

/* All but those that have members. */
static int check_plain(const json_t *object, const char *path, const struct shape *member, struct err *err)
{
	json_t *value = NULL;
	const char *text;
	int64_t number;
	bool yes;

	switch (member->kind) {
	case TEXT:
		return json_get_text(object, path, member->key, &text, err);
	case TEXTS:
		return json_opt_texts(object, path, member->key, ITEMS_MAX, &value, err);
	case LISTS:
		return check_lists(object, path, member->key, err);
	case NUMBER:
		return json_opt_int(object, path, member->key, 0, UINT32_MAX, &number, err);
	case NUMBERS:
		return check_numbers(object, path, member->key, err);
	case BOOL:
		return json_opt_bool(object, path, member->key, &yes, err);
	case MAP:
		return check_map(object, path, member->key, err);
	case OBJECT:
	case OBJECTS:
	case GROUP:
		break;
	}
	return json_opt_object(object, path, member->key, &value, err);
}

static int check_members(json_t *object, const struct shape *members, const char *path,
		struct agent_notes *notes, struct err *err);

static int check_objects(json_t *value, const struct shape *members, const char *path,
		struct agent_notes *notes, struct err *err)
{
	json_t *item;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) > ITEMS_MAX)
		return err_set(err, ERR_FORMAT, "%s: must be an array of at most %d objects", path,
				ITEMS_MAX);
	json_array_foreach (value, i, item) {
		auto_free char *place = xasprintf("%s[%zu]", path, i);
		if (check_members(item, members, place, notes, err) < 0)
			return -1;
	}
	return 0;
}

static int check_member(json_t *object, const char *path, const struct shape *member,
		struct agent_notes *notes, struct err *err)
{
	auto_free char *place = xasprintf("%s%s%s", path, *path ? "." : "", member->key);
	json_t *value = json_object_get(object, member->key);

	if (!value || json_is_null(value)) {
		if (member->need == NEEDED)
			return err_set(err, ERR_FORMAT,
					"%s: missing: the settings must be those of Kata 4.1 or newer",
					place);
		return member->need == OPTIONAL
				? 0
				: json_object_set_new(object, member->key, filling(member->kind));
	}
	if (member->kind == OBJECT)
		return check_members(value, member->members, place, notes, err);
	if (member->kind == OBJECTS)
		return check_objects(value, member->members, place, notes, err);
	return check_plain(object, path, member, err);
}

static int check_members(json_t *object, const struct shape *members, const char *path,
		struct agent_notes *notes, struct err *err)
{
	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "%s: must be an object", *path ? path : "the settings");
	note_misspelt(object, members, path, notes);
	for (; members->key; members++)
		if (check_member(object, path, members, notes, err) < 0)
			return -1;
	return 0;
}

int settings_shape(json_t *tree, struct agent_notes *notes, struct err *err)
{
	return check_members(tree, settings_shapes, "", notes, err);
}
