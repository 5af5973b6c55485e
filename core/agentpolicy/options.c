/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/options.h"

#include "agentpolicy/pattern.h"
#include "base/err.h"
#include "codec/json.h"

#include <string.h>

struct word {
	const char *name;
	int value;
};

static int read_word(const json_t *tree, const char *key, const struct word *words, int *out, struct err *err)
{
	const char *text = NULL;

	if (json_opt_text(tree, "", key, &text, err) < 0)
		return -1;
	for (; text && words->name; words++) {
		if (!strcmp(words->name, text)) {
			*out = words->value;
			return 0;
		}
	}
	if (text)
		return err_set(err, ERR_FORMAT, "%s: there is no '%.60s'", key, text);
	return 0;
}

static int check_length(const char *path, const char *text, struct err *err)
{
	if (strlen(text) > AGENT_WORD_MAX)
		return err_set(err, ERR_LIMIT, "%s exceeds %d bytes", path, AGENT_WORD_MAX);
	return 0;
}

static int check_vector(const json_t *vector, size_t number, struct err *err)
{
	char path[40];
	size_t i = 0;
	json_t *word;

	snprintf(path, sizeof(path), "allow.exec[%zu]", number);
	if (!json_array_size(vector) || json_array_size(vector) > AGENT_LIST_MAX)
		return err_set(err, ERR_FORMAT,
				"%s: is no list of 1 … %d words, such as [\"/bin/ready\", \"-q\"]", path,
				AGENT_LIST_MAX);
	json_array_foreach ((json_t *)(uintptr_t)vector, i, word) {
		if (!json_is_string(word))
			return err_set(err, ERR_FORMAT, "%s[%zu] is not a string", path, i);
		if (check_length(path, json_string_value(word), err) < 0)
			return -1;
	}
	return 0;
}

static int read_exec(const json_t *allow, struct agent_options *out, struct err *err)
{
	json_t *exec = NULL;

	if (json_opt_array(allow, "allow", "exec", AGENT_LIST_MAX, &exec, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(exec); i++)
		if (check_vector(json_array_get(exec, i), i, err) < 0)
			return -1;
	out->exec = json_array_size(exec) ? exec : NULL;
	return 0;
}

static int read_env(const json_t *allow, struct agent_options *out, struct err *err)
{
	json_t *env = NULL;

	if (json_opt_texts(allow, "allow", "env", AGENT_LIST_MAX, &env, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *pattern = json_string_value(json_array_get(env, i));
		char path[40];
		snprintf(path, sizeof(path), "allow.env[%zu]", i);
		if (check_length(path, pattern, err) < 0)
			return -1;
		if (!pattern_is_anchored(pattern))
			return err_set(err, ERR_FORMAT,
					"%s: must begin with ^, end with $ and have no | outside of "
					"parentheses: else it"
					" allows whatever contains a match",
					path);
	}
	out->env = json_array_size(env) ? env : NULL;
	return 0;
}

static int read_injected(const json_t *tree, struct agent_options *out, struct err *err)
{
	auto_json json_t *names = json_object();
	json_t *injected = NULL;

	if (json_opt_array(tree, "", "injected", AGENT_LIST_MAX, &injected, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(injected); i++) {
		const json_t *container = json_array_get(injected, i);
		const char *name = NULL, *image = NULL;
		char path[40];
		snprintf(path, sizeof(path), "injected[%zu]", i);
		if (json_get_text(container, path, "name", &name, err) < 0 ||
				json_get_text(container, path, "image", &image, err) < 0)
			return -1;
		if (!name[0] || !image[0])
			return err_set(err, ERR_FORMAT, "%s: needs a name and an image", path);
		if (json_object_get(names, name))
			return err_set(err, ERR_FORMAT, "%s: there are two of the name '%.80s'", path, name);
		json_object_set_new(names, name, json_true());
	}
	out->injected = json_array_size(injected) ? injected : NULL;
	return 0;
}

static int read_allow(const json_t *tree, struct agent_options *out, struct err *err)
{
	static const char *const known[] = { "exec", "logs", "stdin", "metrics", "diagnostics",
		"ephemeralMounts", "env", NULL };
	json_t *allow = NULL;

	if (json_opt_object(tree, "", "allow", &allow, err) < 0)
		return -1;
	if (!allow)
		return 0;
	if (json_only_keys(allow, "allow", known, err) < 0 || read_exec(allow, out, err) < 0 ||
			read_env(allow, out, err) < 0 ||
			json_opt_bool(allow, "allow", "logs", &out->logs, err) < 0 ||
			json_opt_bool(allow, "allow", "stdin", &out->stdin_, err) < 0 ||
			json_opt_bool(allow, "allow", "metrics", &out->metrics, err) < 0 ||
			json_opt_bool(allow, "allow", "diagnostics", &out->diagnostics, err) < 0)
		return -1;
	return json_opt_bool(allow, "allow", "ephemeralMounts", &out->ephemeral_mounts, err);
}

static int read_scalars(const json_t *tree, struct agent_options *out, struct err *err)
{
	static const struct word modes[] = { { "Strict", AGENT_STRICT }, { "Debug", AGENT_DEBUG },
		{ NULL, 0 } };
	static const struct word runtimes[] = { { "qemu", AGENT_RUNTIME_QEMU },
		{ "coco-dev", AGENT_RUNTIME_COCO_DEV }, { "remote", AGENT_RUNTIME_REMOTE }, { NULL, 0 } };
	int mode = AGENT_STRICT, runtime = AGENT_RUNTIME_BY_CLASS;

	if (read_word(tree, "mode", modes, &mode, err) < 0 ||
			read_word(tree, "runtime", runtimes, &runtime, err) < 0 ||
			json_opt_bool(tree, "", "inlineSecrets", &out->inline_secrets, err) < 0 ||
			json_opt_text(tree, "", "settingsPatch", &out->settings_patch, err) < 0)
		return -1;
	if (out->settings_patch && !out->settings_patch[0])
		out->settings_patch = NULL;
	out->mode = (enum agent_mode)mode;
	out->runtime = (enum agent_runtime)runtime;
	return out->settings_patch ? check_length("settingsPatch", out->settings_patch, err) : 0;
}

/* What says the default says nothing: {"mode": "Strict", "allow": {"logs": false}} has the key of {}. */
static void drop_defaults(json_t *tree)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe (tree, next, name, value) {
		if (json_is_object(value) && !strcmp(name, "allow"))
			drop_defaults(value);
		bool empty = (json_is_object(value) && !json_object_size(value)) ||
				(json_is_array(value) && !json_array_size(value));
		empty = empty || (json_is_string(value) && !json_string_length(value));
		if (empty || json_is_null(value) || json_is_false(value))
			json_object_del(tree, name);
	}
	const char *mode = json_text_at(tree, "mode", NULL);
	if (mode && !strcmp(mode, "Strict"))
		json_object_del(tree, "mode");
}

int agent_options_read(const json_t *tree, struct agent_options *out, struct err *err)
{
	static const char *const known[] = { "mode", "allow", "inlineSecrets", "injected", "runtime",
		"settingsPatch", NULL };
	auto_agent_options struct agent_options options = AGENT_OPTIONS_NONE;

	if (tree && !json_is_null(tree) && !json_is_object(tree))
		return err_set(err, ERR_FORMAT, "options of an agent policy: not an object");
	options.tree = json_is_object(tree) ? json_deep_copy(tree) : json_object();
	if (json_only_keys(options.tree, "", known, err) < 0)
		return err_wrap(err, "options of an agent policy");
	if (read_scalars(options.tree, &options, err) < 0 || read_allow(options.tree, &options, err) < 0 ||
			read_injected(options.tree, &options, err) < 0)
		return err_wrap(err, "options of an agent policy");
	/* after the reading, as {"allow": {"exec": {}}} is wrong and not a default; nothing that goes is borrowed */
	drop_defaults(options.tree);
	*out = options;
	options.tree = NULL;
	return 0;
}

void agent_options_clear(struct agent_options *options)
{
	json_decref(options->tree);
	*options = (struct agent_options)AGENT_OPTIONS_NONE;
}
