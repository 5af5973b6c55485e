/* SPDX-License-Identifier: Apache-2.0 */
/* What a workload names: images, ConfigMaps, Secrets. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "codec/json.h"

#include <stdlib.h>

/* Texts, each once, in the order in which they came. */
struct names {
	json_t *seen;
	const char **items;
	size_t count;
};

static void add(struct names *names, const char *name)
{
	if (!name || json_object_get(names->seen, name))
		return;
	json_object_set_new(names->seen, name, json_true());
	names->items = xreallocarray(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++] = name;
}

static void add_of_container(
		const json_t *container, struct names *images, struct names *maps, struct names *secrets)
{
	const json_t *env = json_object_get(container, "env"), *from = json_object_get(container, "envFrom");

	add(images, json_text_at(container, "image", NULL));
	for (size_t i = 0; i < json_array_size(env); i++) {
		const json_t *value = json_object_get(json_array_get(env, i), "valueFrom");
		add(maps, json_text_at(value, "configMapKeyRef", "name", NULL));
		add(secrets, json_text_at(value, "secretKeyRef", "name", NULL));
	}
	for (size_t i = 0; i < json_array_size(from); i++) {
		const json_t *source = json_array_get(from, i);
		add(maps, json_text_at(source, "configMapRef", "name", NULL));
		add(secrets, json_text_at(source, "secretRef", "name", NULL));
	}
}

static void give(struct names *names, const char ***items, size_t *count)
{
	*items = names->items;
	*count = names->count;
	json_decref(names->seen);
}

void names_collect(struct agent_workload *workload)
{
	static const char *const members[] = { "initContainers", "containers", "injected" };
	struct names images = { .seen = json_object() }, maps = { .seen = json_object() },
		     secrets = { .seen = json_object() };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *containers = json_object_get(workload->spec, members[i]);
		for (size_t k = 0; k < json_array_size(containers); k++)
			add_of_container(json_array_get(containers, k), &images, &maps, &secrets);
	}
	give(&images, &workload->images, &workload->image_count);
	give(&maps, &workload->config_maps, &workload->config_map_count);
	give(&secrets, &workload->secrets, &workload->secret_count);
}
