/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_volumes.h"

#include "agentpolicy/pattern.h"
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

static json_int_t fs_group(const struct placing *placing)
{
	return json_integer_value(json_at(part_pod(placing->part), "securityContext", "fsGroup", NULL));
}

/* A mount of this volume as the settings describe it, its source ending in `name` where that is not NULL. */
static void put_mount(const struct placing *placing, const json_t *settings, const char *name)
{
	const char *source = setting_text(settings, "mount_source");
	auto_free char *full = name ? xasprintf("%s%s$", source, name) : xstrdup(source);

	mounts_put(placing->mounts,
			mount_new(placing->destination, full, setting_text(settings, "mount_type"),
					placing_options(placing, placing->read_only)));
}

/* A disk of the host's that the guest encrypts with a key of its own, or (plain) does not; one for the whole pod. */
static void block(const struct placing *placing, const json_t *settings)
{
	json_t *storage = storage_new(settings, NULL);
	json_int_t group = fs_group(placing);

	/* 0 is "Always" of the agent's messages: the runtime passes no other for these */
	if (group > 0)
		json_object_set_new(storage, "fs_group",
				json_pack("{s:I, s:i}", "group_id", group, "group_change_policy", 0));
	json_array_append_new(placing->storages, storage);
	put_mount(placing, settings, NULL);
}

static void memory(const struct placing *placing, const json_t *settings)
{
	auto_free char *name = pattern_escape(placing->name);
	json_t *storage = storage_new(settings, name);
	json_int_t group = fs_group(placing);

	if (group > 0) {
		auto_free char *option = xasprintf("fsgid=%" JSON_INTEGER_FORMAT, group);

		json_array_append_new(json_object_get(storage, "options"), json_string(option));
	}
	json_array_append_new(placing->storages, storage);
	put_mount(placing, settings, name);
}

/*
 * The host's folder, shared with the guest. The runtime in Go shares it for each container, the one in Rust once for
 * the sandbox, so that the source may begin with either's id.
 */
static void shared(const struct placing *placing)
{
	const char *prefix = setting_text(placing->part->inputs->settings->common, "sfprefix");
	const char *id = strstr(prefix, "$(bundle-id)");

	part_note(placing->part, AGENT_WARNING, placing->below,
			"with emptydir_type shared-fs the host reads and writes what is in the volume '%s'",
			placing->name);
	placing_shared(placing, placing->read_only);
	if (!id)
		return;
	auto_free char *source = xasprintf("%.*s$(sandbox-id)%s%s$", (int)(id - prefix), prefix,
			id + strlen("$(bundle-id)"), placing->base);

	json_array_append_new(placing->mounts,
			mount_new(placing->destination, source, "bind",
					placing_options(placing, placing->read_only)));
}

void generate_empty_dir(const struct placing *placing, const json_t *source)
{
	const struct agent_settings *settings = placing->part->inputs->settings;
	const char *name = strcmp(settings->emptydir_type, "block-plain") == 0 ? "emptyDir_plain"
									       : "emptyDir_encrypted";

	if (json_object_get(source, "medium"))
		memory(placing, json_object_get(settings->volumes, "emptyDir_memory"));
	else if (strcmp(settings->emptydir_type, "shared-fs") == 0)
		shared(placing);
	else
		block(placing, json_object_get(settings->volumes, name));
}
