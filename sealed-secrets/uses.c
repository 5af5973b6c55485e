/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/uses.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "sealed-secrets/manifests.h"

/* Whom to tell, and of which pod. */
struct teller {
	void (*each)(void *ctx, const struct use *use);
	void *ctx;
	const struct place *place;
};

static void tell(const struct teller *teller, const char *secret, const char *key, const char *where,
		bool pull)
{
	const char *namespace = teller->place->pod.namespace;

	if (secret)
		teller->each(teller->ctx,
				&(struct use){ .secret = secret,
						.namespace = namespace,
						.key = key,
						.where = where,
						.pull = pull });
}

static void of_container(const struct teller *teller, const json_t *container, const char *list, size_t index)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(container, "env"), i, item) {
		auto_free char *where = xasprintf("%s[%zu].env[%zu]", list, index, i);
		tell(teller, json_text_at(item, "valueFrom", "secretKeyRef", "name", NULL),
				json_text_at(item, "valueFrom", "secretKeyRef", "key", NULL), where, false);
	}
	json_array_foreach (json_object_get(container, "envFrom"), i, item) {
		auto_free char *where = xasprintf("%s[%zu].envFrom[%zu]", list, index, i);
		tell(teller, json_text_at(item, "secretRef", "name", NULL), NULL, where, false);
	}
}

static void of_items(const struct teller *teller, const json_t *items, const char *secret, const char *where)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(items))
		tell(teller, secret, NULL, where, false);
	json_array_foreach (items, i, item)
		tell(teller, secret, json_text_at(item, "key", NULL), where, false);
}

static void of_volume(const struct teller *teller, const json_t *volume, size_t index)
{
	const json_t *source;
	size_t i;

	auto_free char *where = xasprintf("volumes[%zu].secret", index);
	of_items(teller, json_at(volume, "secret", "items", NULL),
			json_text_at(volume, "secret", "secretName", NULL), where);
	json_array_foreach (json_at(volume, "projected", "sources", NULL), i, source) {
		auto_free char *projected = xasprintf("volumes[%zu].projected.sources[%zu]", index, i);
		of_items(teller, json_at(source, "secret", "items", NULL),
				json_text_at(source, "secret", "name", NULL), projected);
	}
}

void uses_of(const struct place *place, void (*each)(void *ctx, const struct use *use), void *ctx)
{
	const struct teller teller = { each, ctx, place };
	const json_t *spec = json_object_get(place->pod.object, "spec"), *item;
	size_t i;

	for (const char *const *list = manifests_containers; *list; list++)
		json_array_foreach (json_object_get(spec, *list), i, item)
			of_container(&teller, item, *list, i);
	json_array_foreach (json_object_get(spec, "volumes"), i, item)
		of_volume(&teller, item, i);
	json_array_foreach (json_object_get(spec, "imagePullSecrets"), i, item) {
		auto_free char *where = xasprintf("imagePullSecrets[%zu]", i);
		tell(&teller, json_text_at(item, "name", NULL), NULL, where, true);
	}
}
