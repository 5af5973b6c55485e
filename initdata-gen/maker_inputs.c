/* SPDX-License-Identifier: Apache-2.0 */
/* What a maker is opened with: options as one tree, settings with their drop-ins, rules, the base document, objects. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "initdata-gen/maker_own.h"
#include "initdata-gen/profile.h"
#include "initdata-gen/rego.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "kube/name.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

const char *const maker_modes[] = { "strict", "debug", NULL };
const char *const maker_runtimes[] = { "auto", "qemu", "coco-dev", "remote", NULL };

/* ---- options ---- */

/* "exec=/bin/true -q" or exec=["/bin/true", "-q"] */
static int add_exec(json_t *exec, const char *command, struct err *err)
{
	json_t *words = NULL;

	if (*command == '[') {
		if (json_read(span_of(command), AGENT_WORD_MAX, &words, err) < 0)
			return err_wrap(err, "--allow exec=");
	} else {
		struct span rest = span_of(command), word;
		words = json_array();
		while (span_next(&rest, ' ', &word))
			if (word.len)
				json_array_append_new(words, json_stringn((const char *)word.ptr, word.len));
	}
	json_array_append_new(exec, words);
	if (!json_array_size(words))
		return err_set(err, ERR_USAGE, "--allow exec=: write the command behind it");
	return 0;
}

static int add_allowed(json_t *allow, const char *what, struct err *err)
{
	static const struct {
		const char *word, *member;
	} switches[] = { { "logs", "logs" }, { "stdin", "stdin" }, { "metrics", "metrics" },
		{ "diagnostics", "diagnostics" }, { "ephemeral-mounts", "ephemeralMounts" } };

	if (!strncmp(what, "exec=", 5)) {
		json_t *exec = json_object_get(allow, "exec");
		if (!exec)
			json_object_set_new(allow, "exec", exec = json_array());
		return add_exec(exec, what + 5, err);
	}
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcmp(what, switches[i].word) != 0)
			continue;
		json_object_set_new(allow, switches[i].member, json_true());
		return 0;
	}
	return err_set(err, ERR_USAGE,
			"--allow '%s': it takes exec=COMMAND, logs, stdin, metrics, diagnostics and "
			"ephemeral-mounts",
			what);
}

static int add_injected(json_t *tree, const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);
	json_t *containers = NULL;

	if (!path)
		return 0;
	if (text_load(path, &text, err) < 0 ||
			yaml_read_one(buf_span(&text), TEXT_FILE_MAX, &containers, err) < 0)
		return err_wrap(err, "--injected '%s'", path);
	json_object_set_new(tree, "injected", containers);
	return 0;
}

static int options_tree(const struct maker_options *options, json_t **out, struct err *err)
{
	static const char *const runtimes[] = { NULL, "qemu", "coco-dev", "remote" };
	auto_json json_t *tree = json_object();
	json_t *allow = json_object();

	*out = NULL;
	json_object_set_new(tree, "allow", allow);
	for (size_t i = 0; i < options->allow.count; i++)
		if (add_allowed(allow, options->allow.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < options->allow_env.count; i++) {
		json_t *env = json_object_get(allow, "env");
		if (!env)
			json_object_set_new(allow, "env", env = json_array());
		json_array_append_new(env, json_string(options->allow_env.items[i]));
	}
	if (!json_object_size(allow))
		json_object_del(tree, "allow");
	if (options->mode)
		json_object_set_new(tree, "mode", json_string("Debug"));
	if (options->inline_secrets)
		json_object_set_new(tree, "inlineSecrets", json_true());
	if (options->runtime)
		json_object_set_new(tree, "runtime", json_string(runtimes[options->runtime]));
	if (add_injected(tree, options->injected, err) < 0)
		return -1;
	*out = take(&tree);
	return 0;
}

static int read_options(struct maker *maker, struct err *err)
{
	auto_json json_t *tree = NULL;

	if (options_tree(maker->options, &tree, err) < 0)
		return -1;
	if (!maker->options->profile)
		return agent_options_read(tree, &maker->wanted, err);
	if (json_object_size(tree) || maker->options->initdata || maker->options->algorithm ||
			maker->options->rules || maker->options->settings ||
			maker->options->settings_patches.count)
		return err_set(err, ERR_USAGE,
				"--profile settles what is allowed, settings, rules and the document: leave "
				"out the options "
				"for them");
	if (profile_load_generating(maker->options->profile, &maker->profile, err) < 0)
		return -1;
	return agent_options_read(maker->profile->generated->tree, &maker->wanted, err);
}

/* ---- settings ---- */

static int add_patch(struct maker *maker, const char *path, struct err *err)
{
	size_t at = maker->patch_count++;

	maker->patches = xreallocarray(maker->patches, at + 1, sizeof(*maker->patches));
	maker->patches[at] = (struct buf)BUF_MAX(AGENT_SETTINGS_MAX);
	maker->patch_names = xreallocarray(maker->patch_names, at + 1, sizeof(*maker->patch_names));
	maker->patch_names[at] = xstrdup(path);
	return fs_read(path, &maker->patches[at], err);
}

static int is_json(const struct dirent *entry)
{
	return span_ends(span_of(entry->d_name), ".json");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* genpolicy-settings.d, in the order of its names; it need not be there. */
static int add_drop_ins(struct maker *maker, const char *folder, struct err *err)
{
	auto_free char *path = xasprintf("%s/genpolicy-settings.d", folder);
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_json, by_bytes), status = 0;

	if (count < 0)
		return errno == ENOENT ? 0 : err_errno(err, ERR_IO, "reading the folder '%s'", path);
	for (int i = 0; i < count; i++) {
		auto_free char *file = xasprintf("%s/%s", path, entries[i]->d_name);
		if (status == 0)
			status = add_patch(maker, file, err);
		free(entries[i]);
	}
	free(entries);
	return status;
}

static int read_settings_files(struct maker *maker, struct err *err)
{
	const char *path = maker->options->settings;
	struct stat info;

	if (path && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
		auto_free char *file = xasprintf("%s/genpolicy-settings.json", path);
		if (fs_read(file, &maker->settings, err) < 0 || add_drop_ins(maker, path, err) < 0)
			return -1;
	} else if (path && fs_read(path, &maker->settings, err) < 0) {
		return -1;
	}
	if (path && !maker->settings.len)
		return err_set(err, ERR_FORMAT, "--json-settings-path '%s': the file is empty", path);
	for (size_t i = 0; i < maker->options->settings_patches.count; i++)
		if (add_patch(maker, maker->options->settings_patches.items[i], err) < 0)
			return -1;
	return 0;
}

static void name_source(struct maker *maker)
{
	maker->spans = xcalloc(maker->patch_count + 1, sizeof(*maker->spans));
	for (size_t i = 0; i < maker->patch_count; i++)
		maker->spans[i] = buf_span(&maker->patches[i]);
	maker->source = (struct agent_settings_source){ .file = buf_span(&maker->settings),
		.patches = maker->spans,
		.names = (const char *const *)maker->patch_names,
		.patch_count = maker->patch_count };
}

/* What is wrong with them is said before anything is asked of a registry. */
static int check_settings(struct maker *maker, struct err *err)
{
	auto_agent_settings struct agent_settings settings = AGENT_SETTINGS_NONE;
	auto_agent_notes struct agent_notes said_later = AGENT_NOTES_NONE;

	name_source(maker);
	if (agent_settings_read(&maker->source, &maker->wanted, NULL, &settings, &said_later, err) == 0)
		return 0;
	return maker->options->settings ? err_wrap(err, "--json-settings-path '%s'", maker->options->settings)
					: -1;
}

/* ---- documents ---- */

static int read_base(struct maker *maker, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc;

	maker->alg = (enum digest_alg)maker->options->algorithm;
	if (!maker->options->initdata)
		return 0;
	initdata_init(&doc);
	if (source_load_one(maker->options->initdata, SOURCE_AUTO, &text, err) < 0 ||
			initdata_parse(buf_span(&text), &doc, err) < 0)
		return err_wrap(err, "--initdata-path '%s'", maker->options->initdata);
	maker->base = json_copy(doc.data);
	maker->alg = doc.alg;
	return 0;
}

static int know_files(struct maker *maker, const struct opt_list *files, struct err *err)
{
	for (size_t i = 0; i < files->count; i++) {
		auto_json json_t *documents = json_array();

		if (profile_load_documents(files->items[i], documents, err) < 0)
			return -1;
		maker_know(maker, documents);
	}
	return 0;
}

/* The agent asks for data.agent_policy, whatever else a file has. */
static int read_rules(struct maker *maker, struct err *err)
{
	const char *path = maker->options->rules;

	if (!path)
		return 0;
	if (fs_read(path, &maker->rules, err) < 0)
		return -1;
	if (span_is(rego_package(buf_span(&maker->rules)), "agent_policy"))
		return 0;
	return err_set(err, ERR_FORMAT,
			"--rego-rules-path '%s': these are no rules for an agent: the first line must be "
			"'package agent_policy'",
			path);
}

int maker_read_inputs(struct maker *maker, struct err *err)
{
	const char *namespace = maker->options->namespace;

	if (namespace && !name_is_label(span_of(namespace)))
		return err_set(err, ERR_USAGE,
				"--namespace '%s': a namespace has small letters, digits and '-'", namespace);
	if (read_options(maker, err) < 0 || read_settings_files(maker, err) < 0 ||
			check_settings(maker, err) < 0 || read_base(maker, err) < 0 ||
			know_files(maker, &maker->options->config_files, err) < 0 ||
			know_files(maker, &maker->options->config_maps, err) < 0)
		return -1;
	return read_rules(maker, err);
}
