/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/manifests.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

const char *const manifests_containers[] = { "initContainers", "containers", "ephemeralContainers", NULL };

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

static void describe(struct object *object)
{
	object->kind = text_or_empty(json_text_at(object->json, "kind", NULL));
	object->name = text_or_empty(json_text_at(object->json, "metadata", "name", NULL));
	object->namespace = text_or_empty(json_text_at(object->json, "metadata", "namespace", NULL));
}

int manifests_objects(const struct manifest *manifest,
		int (*each)(void *ctx, const struct object *object, struct err *err), void *ctx,
		struct err *err)
{
	const json_t *document, *item;
	size_t i, k;

	json_array_foreach (manifest->documents, i, document) {
		struct object whole = { .document = i, .json = document };
		const json_t *items = json_object_get(document, "items");
		describe(&whole);
		if (!*whole.kind)
			continue;
		if (!span_ends(span_of(whole.kind), "List") || !json_is_array(items)) {
			if (each(ctx, &whole, err) < 0)
				return -1;
			continue;
		}
		json_array_foreach (items, k, item) {
			struct object one = { .document = i,
				.json = item,
				.depth = 2,
				.steps = { YAML_KEY("items"), YAML_ITEM(k) } };
			describe(&one);
			if (each(ctx, &one, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Of one member of the object; encoded values are decoded. */
static int entries_of(const struct object *object, const char *member, bool encoded,
		int (*each)(void *ctx, const struct candidate *candidate, struct err *err), void *ctx,
		struct err *err)
{
	const json_t *value;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)json_object_get(object->json, member), key, value) {
		auto_free char *where = xasprintf("%s.%s", member, key);
		auto_wiped_buf struct buf decoded = BUF_MAX(MANIFEST_TEXT_MAX);
		struct candidate candidate = { .where = where };
		if (!json_is_string(value))
			continue;
		candidate.text = span_new(json_string_value(value), json_string_length(value));
		if (encoded) {
			/* all at once: a buffer that grows leaves copies behind */
			(void)buf_room(&decoded, b64_decoded_max(candidate.text.len) + 1);
			if (b64_decode(span_trim(candidate.text), &decoded, err) < 0)
				return err_wrap(err, "%s %s: %s", object->kind, object->name, where);
			candidate.text = buf_span(&decoded);
		}
		if (each(ctx, &candidate, err) < 0)
			return -1;
	}
	return 0;
}

int manifests_entries(const struct object *object,
		int (*each)(void *ctx, const struct candidate *candidate, struct err *err), void *ctx,
		struct err *err)
{
	bool secret = !strcmp(object->kind, "Secret");

	if (!secret && strcmp(object->kind, "ConfigMap") != 0)
		return 0;
	if (entries_of(object, "data", secret, each, ctx, err) < 0)
		return -1;
	return entries_of(object, secret ? "stringData" : "binaryData", !secret, each, ctx, err);
}

int manifests_env(const struct place *place,
		int (*each)(void *ctx, const struct candidate *candidate, struct err *err), void *ctx,
		struct err *err)
{
	const json_t *container, *item;
	size_t i, k;

	for (const char *const *list = manifests_containers; *list; list++)
		json_array_foreach (json_at(place->pod.object, "spec", *list, NULL), i, container)
			json_array_foreach (json_object_get(container, "env"), k, item) {
				const json_t *value = json_object_get(item, "value");
				if (!json_is_string(value))
					continue;
				auto_free char *where = xasprintf("%s[%zu].env[%zu].value", *list, i, k);
				const struct candidate candidate = { where,
					span_new(json_string_value(value), json_string_length(value)) };
				if (each(ctx, &candidate, err) < 0)
					return -1;
			}
	return 0;
}
