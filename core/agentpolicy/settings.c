/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/settings.h"

#include "agentpolicy/embedded.h"
#include "agentpolicy/notes.h"
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

/* ---- runtimes ------------------------------------------------------------------------------------------ */

/* Classes by their names, the first that matches: as Kata's chart and the operators for peer pods name them. */
static const struct class_name {
	const char *glob;
	enum agent_runtime runtime;
} class_names[] = {
	{ "kata-remote*", AGENT_RUNTIME_REMOTE },
	{ "kata-qemu-coco-dev*", AGENT_RUNTIME_COCO_DEV },
	{ "kata-qemu-*", AGENT_RUNTIME_QEMU },
	{ "kata-clh-*", AGENT_RUNTIME_QEMU },
};

/* Guests of these are not confidential: Kata starts their containers in another way. */
static const char *const plain_classes[] = { "kata", "kata-qemu", "kata-qemu-runtime-rs", "kata-clh",
	"kata-clh-runtime-rs", "kata-clh-azure*", "kata-qemu-nvidia-cpu*", "kata-qemu-nvidia-gpu",
	"kata-qemu-nvidia-gpu-runtime-rs", "kata-fc*", "kata-dragonball*" };

static bool is_plain(struct span class)
{
	for (size_t i = 0; i < sizeof(plain_classes) / sizeof(plain_classes[0]); i++)
		if (span_glob(span_of(plain_classes[i]), class))
			return true;
	return false;
}

static enum agent_runtime by_class(const char *name, struct agent_notes *notes)
{
	struct span class = span_of(name);

	if (is_plain(class)) {
		agent_note(notes, AGENT_WARNING, "",
				"guests of the RuntimeClass '%s' are not confidential, and the settings are "
				"for such as are: take Kata's file with its drop-in 10-non-coco-drop-in.json",
				name);
		return AGENT_RUNTIME_QEMU;
	}
	for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++)
		if (span_glob(span_of(class_names[i].glob), class))
			return class_names[i].runtime;
	if (class.len)
		agent_note(notes, AGENT_REMARK, "",
				"the RuntimeClass '%s' has no name of Kata's: the settings are those for "
				"QEMU, unless the option runtime says otherwise",
				name);
	return AGENT_RUNTIME_QEMU;
}

/*
 * What a runtime changes in the settings built in. Between QEMU with a TEE and coco-dev, which is the same without one,
 * Kata knows no difference; the machine of a peer pod takes no block devices, so that volumes on the node's disk are
 * not among them (emptydir_mode in Kata's configuration-remote.toml).
 */
static int apply_runtime(json_t *tree, enum agent_runtime runtime)
{
	if (runtime != AGENT_RUNTIME_REMOTE)
		return 0;
	return json_object_set_new(
			json_object_get(tree, "cluster_config"), "emptydir_type", json_string("shared-fs"));
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

/* A file is for the node that it was written for: nothing of ours is added to it. */
static int read_base(struct span file, enum agent_runtime runtime, json_t **tree, struct err *err)
{
	if (json_read(file.len ? file : span_of(agent_settings_text), AGENT_SETTINGS_MAX, tree, err) < 0)
		return err_wrap(err, "the settings");
	return file.len ? 0 : apply_runtime(*tree, runtime);
}

static int read_all(const struct agent_settings_source *source, const struct agent_options *options,
		enum agent_runtime runtime, json_t **tree, struct err *err)
{
	if (read_base(source->file, runtime, tree, err) < 0)
		return -1;
	if (source->patch_count > PATCHES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d drop-ins", PATCHES_MAX);
	for (size_t i = 0; i < source->patch_count; i++)
		if (apply(tree, source->patches[i], err) < 0)
			return source->names ? err_wrap(err, "'%s'", source->names[i])
					     : err_wrap(err, "drop-in %zu", i + 1);
	if (options->settings_patch && apply(tree, span_of(options->settings_patch), err) < 0)
		return err_wrap(err, "settingsPatch");
	return 0;
}

int agent_settings_read(const struct agent_settings_source *source, const struct agent_options *options,
		const char *runtime_class, struct agent_settings *out, struct agent_notes *notes,
		struct err *err)
{
	struct agent_settings read = AGENT_SETTINGS_NONE;
	enum agent_runtime runtime = options->runtime;
	auto_json json_t *tree = NULL;

	if (runtime == AGENT_RUNTIME_BY_CLASS && !source->file.len)
		runtime = by_class(runtime_class ? runtime_class : "", notes);
	if (read_all(source, options, runtime, &tree, err) < 0)
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
