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

/* What the items of a list are when they do not say; "" for a List of anything. */
static const char *kind_in(const char *list)
{
	static const char *const kinds[] = { "Secret", "ConfigMap" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_starts(span_of(list), kinds[i]) && !strcmp(list + strlen(kinds[i]), "List"))
			return kinds[i];
	return "";
}

static void describe(struct object *object, const char *kind)
{
	object->kind = json_text_at(object->json, "kind", NULL);
	if (!object->kind)
		object->kind = kind;
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
		describe(&whole, "");
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
			describe(&one, kind_in(whole.kind));
			if (each(ctx, &one, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* As Kubernetes does: carriage returns and newlines are passed over. */
static int decode(struct span text, struct buf *out, struct err *err)
{
	auto_wiped_buf struct buf joined = BUF_MAX(MANIFEST_TEXT_MAX);

	/* all at once: a buffer that grows leaves copies behind */
	(void)buf_room(&joined, text.len);
	(void)buf_room(out, b64_decoded_max(text.len) + 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
			buf_putc(&joined, text.ptr[i]);
	return b64_decode(buf_span(&joined), out, err);
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
		struct err why = ERR_NONE;
		if (!json_is_string(value))
			continue;
		candidate.text = span_new(json_string_value(value), json_string_length(value));
		if (encoded) {
			if (decode(candidate.text, &decoded, &why) < 0)
				candidate.fault = why.text;
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
				const struct candidate candidate = { .where = where,
					.text = span_new(json_string_value(value),
							json_string_length(value)) };
				if (each(ctx, &candidate, err) < 0)
					return -1;
			}
	return 0;
}
