/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/settings.h"

#include "agentpolicy/embedded.h"
#include "agentpolicy/settings_shape.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define PATCHES_MAX 64

void agent_settings_clear(struct agent_settings *settings)
{
	json_decref(settings->tree);
	*settings = (struct agent_settings)AGENT_SETTINGS_NONE;
}

static int apply(json_t **tree, struct span text, struct err *err)
{
	auto_json json_t *patch = NULL;

	if (json_read(text, AGENT_SETTINGS_MAX, &patch, err) < 0)
		return -1;
	return agent_patch(tree, patch, err);
}

/* ---- checks beyond types ------------------------------------------------------------------------------- */

static int check_emptydir(const char *type, struct err *err)
{
	static const char *const types[] = { "block-encrypted", "block-plain", "shared-fs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i]))
			return 0;
	return err_set(err, ERR_FORMAT,
			"cluster_config.emptydir_type: must be \"block-encrypted\", \"block-plain\" or "
			"\"shared-fs\"");
}

/* Kata dropped it for allowed_commands: passing it over would allow less than the file seems to say. */
static int check_commands(const json_t *requests, struct err *err)
{
	if (!json_array_size(json_at(requests, "ExecProcessRequest", "commands", NULL)))
		return 0;
	return err_set(err, ERR_FORMAT,
			"request_defaults.ExecProcessRequest.commands: has no effect any more; write "
			"allowed_commands, where each command is a list of its words");
}

/* Fills the borrowed members of a tree that has its shape. */
static void borrow(struct agent_settings *out)
{
	const json_t *tree = out->tree;

	out->pause = json_object_get(tree, "pause_container");
	out->other = json_object_get(tree, "other_container");
	out->volumes = json_object_get(tree, "volumes");
	out->common = json_object_get(tree, "common");
	out->sandbox = json_object_get(tree, "sandbox");
	out->request_defaults = json_object_get(tree, "request_defaults");
	out->devices = json_object_get(tree, "devices");
	out->cluster = json_object_get(tree, "cluster_config");
	out->oci_version = json_text_at(tree, "kata_config", "oci_version", NULL);
	out->emptydir_type = json_text_at(out->cluster, "emptydir_type", NULL);
	out->guest_pull = json_is_true(json_object_get(out->cluster, "guest_pull"));
}

/* ---- from their sources -------------------------------------------------------------------------------- */

static int read_all(const struct agent_settings_source *source, const struct agent_options *options,
		json_t **tree, struct err *err)
{
	struct span base = source->file.len ? source->file : span_of(agent_settings_text);

	if (json_read(base, AGENT_SETTINGS_MAX, tree, err) < 0)
		return err_wrap(err, "the settings");
	if (source->patch_count > PATCHES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d drop-ins", PATCHES_MAX);
	for (size_t i = 0; i < source->patch_count; i++)
		if (apply(tree, source->patches[i], err) < 0)
			return err_wrap(err, "drop-in %zu", i + 1);
	if (options->settings_patch && apply(tree, span_of(options->settings_patch), err) < 0)
		return err_wrap(err, "settingsPatch");
	return 0;
}

int agent_settings_read(const struct agent_settings_source *source, const struct agent_options *options,
		const char *runtime_class, struct agent_settings *out, struct agent_notes *notes,
		struct err *err)
{
	struct agent_settings read = AGENT_SETTINGS_NONE;
	auto_json json_t *tree = NULL;

	(void)runtime_class;
	if (read_all(source, options, &tree, err) < 0)
		return -1;
	if (settings_shape(tree, notes, err) < 0)
		return err_wrap(err, "the settings");
	read.tree = tree;
	borrow(&read);
	if (check_emptydir(read.emptydir_type, err) < 0 || check_commands(read.request_defaults, err) < 0)
		return err_wrap(err, "the settings");
	tree = NULL;
	*out = read;
	return 0;
}
