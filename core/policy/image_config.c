/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "oci/descriptor.h"
#include "policy/arena.h"
#include "policy/image.h"

#include <stdlib.h>
#include <string.h>

#define PATH "config"

/* One config, and how many bytes its texts have so far. */
struct reading {
	const json_t *config;
	struct arena *memory;
	size_t bytes;
};

static int spend(struct reading *reading, const char *key, size_t len, struct err *err)
{
	if (len > IMAGE_CONFIG_TEXT_MAX)
		return err_set(err, ERR_LIMIT, PATH ".%s: a text of %zu bytes, more than %zu", key, len,
				IMAGE_CONFIG_TEXT_MAX);
	if (len > IMAGE_CONFIG_BYTES_MAX - reading->bytes)
		return err_set(err, ERR_LIMIT, PATH ".%s: with it the texts exceed %zu bytes", key,
				IMAGE_CONFIG_BYTES_MAX);
	reading->bytes += len;
	return 0;
}

static int read_text(struct reading *reading, const char *key, const char **out, struct err *err)
{
	*out = "";
	if (json_opt_text(reading->config, PATH, key, out, err) < 0)
		return -1;
	return spend(reading, key, strlen(*out), err);
}

static int read_list(struct reading *reading, const char *key, const char *const **out, struct err *err)
{
	json_t *list = NULL, *item = NULL;
	size_t i = 0;

	if (json_opt_texts(reading->config, PATH, key, IMAGE_CONFIG_LIST_MAX, &list, err) < 0)
		return -1;
	const char **texts = arena_take(reading->memory, (json_array_size(list) + 1) * sizeof(*texts));
	json_array_foreach (list, i, item) {
		texts[i] = json_string_value(item);
		if (spend(reading, key, strlen(texts[i]), err) < 0)
			return -1;
	}
	*out = texts;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A set is an object, whose values say nothing. */
static int read_volumes(struct reading *reading, const char *const **out, struct err *err)
{
	json_t *set = NULL, *value = NULL;
	const char *path = NULL;
	size_t count = 0;

	if (json_opt_object(reading->config, PATH, "Volumes", &set, err) < 0)
		return -1;
	if (json_object_size(set) > IMAGE_CONFIG_LIST_MAX)
		return err_set(err, ERR_LIMIT, PATH ".Volumes: %zu members, more than %d",
				json_object_size(set), IMAGE_CONFIG_LIST_MAX);
	const char **paths = arena_take(reading->memory, (json_object_size(set) + 1) * sizeof(*paths));
	json_object_foreach (set, path, value) {
		if (!json_is_object(value) && !json_is_null(value))
			return err_set(err, ERR_FORMAT, PATH ".Volumes: a member is no object");
		paths[count++] = path;
		if (spend(reading, "Volumes", strlen(path), err) < 0)
			return -1;
	}
	qsort(paths, count, sizeof(*paths), by_text);
	*out = paths;
	return 0;
}

int image_config_read(const json_t *document, struct arena *memory, struct image_config *out, struct err *err)
{
	static const char *const outer[] = { PATH, NULL };
	static const char *const inner[] = { "User", "WorkingDir", "Env", "Entrypoint", "Cmd", "Volumes",
		NULL };
	struct reading reading = { .memory = memory };
	json_t *config = NULL;

	if (json_opt_object(document, "", PATH, &config, err) < 0 ||
			oci_names_check(document, "", outer, err) < 0)
		return -1;
	if (config && oci_names_check(config, PATH, inner, err) < 0)
		return -1;
	reading.config = config;
	if (read_text(&reading, "User", &out->user, err) < 0 ||
			read_text(&reading, "WorkingDir", &out->cwd, err) < 0 ||
			read_list(&reading, "Env", &out->env, err) < 0 ||
			read_list(&reading, "Entrypoint", &out->entrypoint, err) < 0 ||
			read_list(&reading, "Cmd", &out->cmd, err) < 0)
		return -1;
	return read_volumes(&reading, &out->volumes, err);
}
