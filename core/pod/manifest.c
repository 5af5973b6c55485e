/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/manifest.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <string.h>

void manifest_clear(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++) {
		free(manifest->places[i].words);
		free(manifest->places[i].label);
	}
	free(manifest->places);
	json_decref(manifest->documents);
	*manifest = (struct manifest)MANIFEST_NONE;
}

/* Adds a step for each word of "spec.template". */
static void add_path(struct place *place, const char *path)
{
	char *word = place->words = xstrdup(path);

	while (*word && place->depth < MANIFEST_STEPS_MAX) {
		size_t len = strcspn(word, ".");
		bool last = !word[len];

		word[len] = 0;
		place->steps[place->depth++] = (struct yaml_step)YAML_KEY(word);
		word += len + !last;
	}
}

static char *label_of(const json_t *object)
{
	const char *kind = json_text_at(object, "kind", NULL);
	const char *namespace = json_text_at(object, "metadata", "namespace", NULL);
	const char *name = json_text_at(object, "metadata", "name", NULL);

	if (!name)
		name = json_text_at(object, "metadata", "generateName", NULL);
	return xasprintf("%s %s%s%s", kind ? kind : "?", namespace ? namespace : "", namespace ? "/" : "",
			name ? name : "?");
}

/* item: the index in a List, or -1 for the document itself */
static int add_object(
		struct manifest *m, size_t document, ssize_t item, const json_t *object, struct err *err)
{
	struct place place = { .document = document };
	struct err why = ERR_NONE;
	const char *path;

	if (pod_view_template(object, NULL, &place.pod, &path, &why) < 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		return err_set(err, why.kind, "document %zu: %s", document + 1, why.text);
	}
	if (m->count == MANIFEST_PLACES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d pods", MANIFEST_PLACES_MAX);
	if (item >= 0) {
		place.steps[place.depth++] = (struct yaml_step)YAML_KEY("items");
		place.steps[place.depth++] = (struct yaml_step)YAML_ITEM((size_t)item);
	}
	add_path(&place, path);
	place.label = label_of(object);
	m->places = xreallocarray(m->places, m->count + 1, sizeof(*m->places));
	m->places[m->count++] = place;
	return 0;
}

static int add_document(struct manifest *m, size_t index, const json_t *document, struct err *err)
{
	const char *kind = json_text_at(document, "kind", NULL);
	const json_t *items = json_object_get(document, "items"), *item;
	size_t i;

	if (!kind || !span_ends(span_of(kind), "List") || !json_is_array(items))
		return kind ? add_object(m, index, -1, document, err) : 0;
	json_array_foreach (items, i, item)
		if (json_is_object(item) && add_object(m, index, (ssize_t)i, item, err) < 0)
			return -1;
	return 0;
}

int manifest_read(struct span text, struct manifest *out, struct err *err)
{
	auto_manifest struct manifest m = MANIFEST_NONE;
	const json_t *document;
	size_t i;

	if (yaml_read_all(text, MANIFEST_TEXT_MAX, &m.documents, err) < 0)
		return -1;
	json_array_foreach (m.documents, i, document)
		if (add_document(&m, i, document, err) < 0)
			return -1;
	*out = m;
	m = (struct manifest)MANIFEST_NONE;
	return 0;
}

bool manifest_has_objects(const struct manifest *manifest)
{
	const json_t *document;
	size_t i;

	json_array_foreach (manifest->documents, i, document)
		if (json_text_at(document, "kind", NULL) && json_text_at(document, "apiVersion", NULL))
			return true;
	return false;
}
