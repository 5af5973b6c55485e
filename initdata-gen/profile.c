/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/profile.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "initdata-gen/text.h"

#include <assert.h>
#include <string.h>

/* The struct profile_env of files: ctx is the array of all their documents. */
static const char *find_config_map(void *ctx, const char *name, const char *key)
{
	const json_t *document;
	size_t i;

	json_array_foreach ((const json_t *)ctx, i, document) {
		const char *kind = json_text_at(document, "kind", NULL);
		const char *own = json_text_at(document, "metadata", "name", NULL);

		if (kind && own && !strcmp(kind, "ConfigMap") && !strcmp(own, name))
			return json_text_at(document, "data", key, NULL);
	}
	return NULL;
}

int profile_load_documents(const char *path, json_t *all, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);
	auto_json json_t *documents = NULL;

	if (text_load(path, &text, err) < 0)
		return -1;
	if (yaml_read_all(buf_span(&text), TEXT_FILE_MAX, &documents, err) < 0)
		return err_wrap(err, "'%s'", path);
	json_array_extend(all, documents);
	return 0;
}

static const json_t *find_profile(const char *path, const json_t *documents, struct err *err)
{
	const json_t *document, *found = NULL;
	size_t i;

	json_array_foreach (documents, i, document) {
		const char *kind = json_text_at(document, "kind", NULL);

		if (!kind || strcmp(kind, PROFILE_KIND) != 0)
			continue;
		if (found) {
			err_set(err, ERR_USAGE, "'%s' holds more than one " PROFILE_KIND, path);
			return NULL;
		}
		found = document;
	}
	if (!found)
		err_set(err, ERR_NOT_FOUND, "'%s' holds no " PROFILE_KIND, path);
	return found;
}

int profile_load_any(
		const char *path, const struct opt_list *config_maps, struct profile **out, struct err *err)
{
	auto_json json_t *documents = json_array();
	auto_json json_t *all = json_array();
	auto_profile struct profile *profile = NULL;
	const struct profile_env env = { .ctx = all, .config_map = find_config_map };
	const json_t *resource;

	if (profile_load_documents(path, documents, err) < 0)
		return -1;
	resource = find_profile(path, documents, err);
	if (!resource)
		return -1;
	/* a file may hold the profile together with its ConfigMap */
	json_array_extend(all, documents);
	for (size_t i = 0; config_maps && i < config_maps->count; i++)
		if (profile_load_documents(config_maps->items[i], all, err) < 0)
			return -1;
	if (profile_compile(resource, &env, &profile, err) < 0)
		return err_wrap(err, "'%s'", path);
	if (profile->broken)
		return err_set(err, ERR_FORMAT, "'%s': profile '%s': %s", path, profile->name,
				profile->broken);
	*out = take(&profile);
	return 0;
}

int profile_load(const char *path, const struct opt_list *config_maps, struct profile **out, struct err *err)
{
	auto_profile struct profile *profile = NULL;

	if (profile_load_any(path, config_maps, &profile, err) < 0)
		return -1;
	assert(profile);
	if (profile->source == PROFILE_GENERATED)
		return err_set(err, ERR_USAGE,
				"'%s': profile '%s' has a document for each workload: make them by "
				"'initdata-gen policy "
				"--profile %s MANIFEST'",
				path, profile->name, path);
	if (profile->source != PROFILE_RENDERED)
		return err_set(err, ERR_USAGE, "'%s': profile '%s' makes no document: its pods %s", path,
				profile->name,
				profile->source == PROFILE_AUTHOR ? "bring their own" : "get none");
	*out = take(&profile);
	return 0;
}

int profile_load_generating(const char *path, struct profile **out, struct err *err)
{
	auto_profile struct profile *profile = NULL;

	if (profile_load_any(path, NULL, &profile, err) < 0)
		return -1;
	assert(profile);
	if (profile->source != PROFILE_GENERATED)
		return err_set(err, ERR_USAGE,
				"'%s': profile '%s' does not generate agent policies "
				"(agentPolicy.generated): 'initdata-gen "
				"create --profile %s' makes its document",
				path, profile->name, path);
	*out = take(&profile);
	return 0;
}
