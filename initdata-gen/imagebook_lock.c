/* SPDX-License-Identifier: Apache-2.0 */
/* The file of what was read of images: names with a digest are true for good, tags as of the day they were read. */
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/imagebook_own.h"
#include "initdata-gen/maker.h"

#include <string.h>

#define LOCK_MAX     ((size_t)64 << 20)
#define LOCK_DEFAULT "layers-cache.json"
#define LOCK_VERSION 1
#define PLATFORM     "linux/amd64" /* where an entry does not say */

static const char *lock_path(const struct imagebook *images)
{
	const struct maker_options *options = images->options;

	return options->lock ? options->lock : options->use_lock ? LOCK_DEFAULT : NULL;
}

static int check_texts(const json_t *object, const char *path, const char *const *keys, struct err *err)
{
	for (; *keys; keys++) {
		json_t *texts = NULL;

		if (json_opt_texts(object, path, *keys, 4096, &texts, err) < 0)
			return -1;
		if (!texts)
			return err_set(err, ERR_FORMAT, "%s.%s is missing", path, *keys);
	}
	return 0;
}

static int check_digests(const json_t *entry, struct err *err)
{
	static const char *const keys[] = { "digest", "manifest", "config_digest" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text;

		if (json_get_text(entry, "", keys[i], &text, err) < 0)
			return -1;
		if (!oci_digest_is(text))
			return err_set(err, ERR_FORMAT, "%s: '%.160s' is no digest", keys[i], text);
	}
	return 0;
}

static int check_entry(const char *name, const json_t *entry, struct err *err)
{
	static const char *const known[] = { "platform", "digest", "manifest", "config_digest", "config",
		"passwd", "group", NULL };
	static const char *const lists[] = { "Env", "Entrypoint", "Cmd", "Volumes", NULL };
	const char *text;
	json_t *config;

	if (json_only_keys(entry, "", known, err) < 0 || check_digests(entry, err) < 0 ||
			json_opt_text(entry, "", "platform", &text, err) < 0 ||
			json_opt_text(entry, "", "passwd", &text, err) < 0 ||
			json_opt_text(entry, "", "group", &text, err) < 0 ||
			json_get_object(entry, "", "config", &config, err) < 0 ||
			json_get_text(config, "config", "User", &text, err) < 0 ||
			json_get_text(config, "config", "WorkingDir", &text, err) < 0 ||
			check_texts(config, "config", lists, err) < 0)
		return err_wrap(err, "image '%s'", name);
	return 0;
}

static int take_entries(struct imagebook *images, const json_t *tree, struct err *err)
{
	json_t *entries = NULL, *entry;
	const char *name;

	if (json_get_object(tree, "", "images", &entries, err) < 0)
		return -1;
	json_object_foreach (entries, name, entry) {
		if (check_entry(name, entry, err) < 0)
			return -1;
		/* what was read for another platform is another image */
		const char *platform = json_text_at(entry, "platform", NULL);
		if (!strcmp(platform ? platform : PLATFORM, images->options->platform))
			json_object_set(images->entries, name, entry);
	}
	return 0;
}

int imagebook_lock_read(struct imagebook *images, struct err *err)
{
	const char *path = lock_path(images);
	auto_json json_t *tree = NULL;
	struct err why = ERR_NONE;

	if (!path)
		return 0;
	if (json_read_file(path, LOCK_MAX, &tree, &why) < 0)
		return why.kind == ERR_NOT_FOUND && !images->options->offline
				? 0
				: err_set(err, why.kind, "%s", why.text);
	if (!json_is_object(tree) || json_integer_value(json_object_get(tree, "version")) != LOCK_VERSION)
		return err_set(err, ERR_USAGE,
				"'%s' is no file of this program's; genpolicy's is of another form: name a "
				"new one by "
				"--layers-cache-file-path",
				path);
	return take_entries(images, tree, err) < 0 ? err_wrap(err, "'%s'", path) : 0;
}

int imagebook_save(struct imagebook *images, struct err *err)
{
	const char *path = lock_path(images);

	if (!path || !images->changed)
		return 0;
	auto_json json_t *tree = json_pack("{s:i,s:O}", "version", LOCK_VERSION, "images", images->entries);
	char *text = json_dumps(tree, JSON_INDENT(1) | JSON_SORT_KEYS);
	int status = fs_write_atomic(path, span_of(text), 0666, err);
	free(text);
	images->changed = status < 0;
	return status;
}
