/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/check/sources.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "codec/yaml.h"
#include "policy/imagepolicy.h"

#include <string.h>

const char *const check_forms[] = { "table", "json", NULL };
const char *const check_unmatched[] = { "Deny", "Warn", "Allow", NULL };

size_t source_count_stdin(const char *const *files, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += !strcmp(files[i], "-");
	return found;
}

int source_text(const char *file, struct buf *out, struct err *err)
{
	return strcmp(file, "-") ? fs_read(file, out, err) : fs_read_stdin(out, err);
}

static bool is_policy(const json_t *object)
{
	const char *api = json_string_value(json_object_get(object, "apiVersion"));
	const char *kind = json_string_value(json_object_get(object, "kind"));

	return api && kind && !strncmp(api, "cocoon.dev/", 11) && !strcmp(kind, IMAGEPOLICY_KIND);
}

static int add_policy(const json_t *object, struct policy_set *set, struct err *err)
{
	auto_image_policy struct image_policy *policy = NULL;
	const char *name = json_string_value(json_at(object, "metadata", "name", NULL));

	if (image_policy_compile(object, &policy, err) < 0)
		return err_wrap(err, "ImagePolicy '%s'", name ? name : "");
	return policy_set_add(set, policy, err);
}

static int add_objects(const json_t *objects, struct policy_set *set, struct err *err)
{
	const json_t *object;
	size_t i;

	json_array_foreach (objects, i, object) {
		const json_t *items = json_object_get(object, "items");
		if (json_is_array(items) && add_objects(items, set, err) < 0)
			return -1;
		if (is_policy(object) && add_policy(object, set, err) < 0)
			return -1;
	}
	return 0;
}

int source_add_policies(struct span text, struct policy_set *set, struct err *err)
{
	auto_json json_t *documents = NULL;

	if (yaml_read_all(text, SOURCE_MAX, &documents, err) < 0)
		return -1;
	return add_objects(documents, set, err);
}

int source_policies(const struct opt_list *files, int unmatched, struct policy_set **out, struct err *err)
{
	auto_policy_set struct policy_set *set = NULL;
	auto_json json_t *settings = json_pack("{s:s}", "unmatchedImages", check_unmatched[unmatched]);

	if (policy_set_new(settings, &set, err) < 0)
		return -1;
	for (size_t i = 0; i < files->count; i++) {
		auto_buf struct buf text = BUF_MAX(SOURCE_MAX);

		if (source_text(files->items[i], &text, err) < 0)
			return -1;
		if (source_add_policies(buf_span(&text), set, err) < 0)
			return err_wrap(err, "'%s'", files->items[i]);
	}
	if (!set->count)
		return err_set(err, ERR_USAGE, "no file of --policy holds an ImagePolicy");
	*out = take(&set);
	return 0;
}

static const json_t *find_namespace(const json_t *objects, const char *name)
{
	const json_t *object, *found = NULL;
	size_t i;

	json_array_foreach (objects, i, object) {
		const char *kind = json_string_value(json_object_get(object, "kind"));
		const char *its = json_string_value(json_at(object, "metadata", "name", NULL));

		if (kind && its && !strcmp(kind, "Namespace") && !strcmp(its, name))
			return json_at(object, "metadata", "labels", NULL);
		const json_t *items = json_object_get(object, "items");
		if (json_is_array(items) && (found = find_namespace(items, name)))
			return found;
	}
	return NULL;
}

json_t *source_namespace(const json_t *documents, const char *name)
{
	const json_t *labels = find_namespace(documents, name);
	json_t *out = json_is_object(labels) ? json_copy((json_t *)(uintptr_t)labels) : json_object();

	json_object_set_new(out, "kubernetes.io/metadata.name", json_string(name));
	return out;
}
