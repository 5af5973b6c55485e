/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/source.h"

#include "codec/json.h"
#include "image/annotation.h"
#include "image/rewrite.h"

#define MEMBER "annotations"

const char *source_of(const json_t *document)
{
	const char *digest = json_text_at(document, MEMBER, ANNOTATION_SOURCE, NULL);

	return digest && oci_digest_is(digest) ? digest : NULL;
}

static void set(json_t *document, const char *digest)
{
	json_t *annotations = json_object_get(document, MEMBER);

	if (!json_is_object(annotations)) {
		annotations = json_object();
		json_object_set_new(document, MEMBER, annotations);
	}
	json_object_set_new(annotations, ANNOTATION_SOURCE, json_string(digest));
}

static void remove_from(json_t *document)
{
	json_t *annotations = json_object_get(document, MEMBER);

	if (json_object_del(annotations, ANNOTATION_SOURCE) == 0 && !json_object_size(annotations))
		json_object_del(document, MEMBER);
}

/* chosen: count those alone that a command chose, or those that it did not. */
static size_t encrypted_layers(const struct instance *instance, bool chosen)
{
	size_t count = 0;

	for (size_t i = 0; i < instance->manifest.count; i++)
		count += instance->chosen[i] == chosen &&
				rewrite_is_encrypted(instance->manifest.layers[i].media_type);
	return count;
}

void source_record(struct image *image)
{
	bool any = false, before = false;

	for (size_t i = 0; i < image->count; i++) {
		struct instance *instance = &image->instances[i];
		bool others = encrypted_layers(instance, false);
		before |= others;
		if (!encrypted_layers(instance, true))
			continue;
		any = true;
		if (!others || !source_of(instance->manifest.json))
			set(instance->manifest.json, instance->bytes.digest);
	}
	if (image->is_index && any && (!before || !source_of(image->index.json)))
		set(image->index.json, image->root.digest);
}

void source_remove(struct image *image)
{
	bool any = false, left = false;

	for (size_t i = 0; i < image->count; i++) {
		struct instance *instance = &image->instances[i];
		bool encrypted = encrypted_layers(instance, true) || encrypted_layers(instance, false);
		left |= encrypted;
		any |= instance->changed;
		if (instance->changed && !encrypted)
			remove_from(instance->manifest.json);
	}
	if (image->is_index && any && !left)
		remove_from(image->index.json);
}
