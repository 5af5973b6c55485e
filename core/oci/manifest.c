/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/manifest.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "oci/store.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA1_TYPE "application/vnd.docker.distribution.manifest.v1+"
#define ENCRYPTED    "+encrypted"

/* ---- which of the two ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum oci_kind kind;
} types[] = {
	{ OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
	{ DOCKER_TYPE_MANIFEST, OCI_KIND_MANIFEST },
	{ OCI_TYPE_INDEX, OCI_KIND_INDEX },
	{ DOCKER_TYPE_LIST, OCI_KIND_INDEX },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

static size_t type_find(const char *name)
{
	size_t i = 0;

	while (i < TYPES && strcmp(types[i].name, name) != 0)
		i++;
	return i;
}

bool oci_type_is_manifest(const char *media_type)
{
	size_t i = type_find(media_type);

	return i < TYPES && types[i].kind == OCI_KIND_MANIFEST;
}

bool oci_type_is_index(const char *media_type)
{
	size_t i = type_find(media_type);

	return i < TYPES && types[i].kind == OCI_KIND_INDEX;
}

static bool says_nothing(const char *type)
{
	return !type || !*type || !strcmp(type, "application/json") || !strcmp(type, "text/plain") ||
			!strcmp(type, "application/octet-stream");
}

static int schema1(struct err *err)
{
	return err_set(err, ERR_FORMAT,
			"is a manifest of docker's schema 1, which names no config and no media types; push "
			"the "
			"image again with a current docker, or convert it: skopeo copy --format oci");
}

/* Both sides' words for the type, and what the members say where nobody has a word. */
static int choose(const json_t *json, const char *given, size_t *type, struct err *err)
{
	const char *inside = NULL;
	bool index = json_object_get(json, "manifests");

	if (json_opt_text(json, "", "mediaType", &inside, err) < 0)
		return -1;
	if (says_nothing(given))
		given = inside;
	if (given && inside && strcmp(given, inside) != 0)
		return err_set(err, ERR_FORMAT,
				"says that it is '%.100s', and was handed out as '%.100s': one of the two is "
				"a "
				"lie",
				inside, given);
	if ((given && !strncmp(given, SCHEMA1_TYPE, sizeof(SCHEMA1_TYPE) - 1)) ||
			json_object_get(json, "fsLayers"))
		return schema1(err);
	*type = type_find(given ? given : index ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST);
	if (*type == TYPES)
		return err_set(err, ERR_FORMAT, "'%.100s' is no media type of an image", given);
	return 0;
}

/* Docker and the OCI have one shape under two names, and one number for it. */
static int check_form(const json_t *json, enum oci_kind kind, struct err *err)
{
	static const char *const names[] = { "schemaVersion", "mediaType", "config", "layers", "manifests",
		"fsLayers", "history", "annotations", "artifactType", "subject", NULL };
	static const char *const foreign[][4] = {
		[OCI_KIND_MANIFEST] = { "manifests", "fsLayers", "history", NULL },
		[OCI_KIND_INDEX] = { "config", "layers", "fsLayers", "history" },
	};
	int64_t version = 0;

	if (oci_names_check(json, "", names, err) < 0 ||
			json_opt_int(json, "", "schemaVersion", 0, INT32_MAX, &version, err) < 0)
		return -1;
	if (version == 1)
		return schema1(err);
	if (version != 2)
		return err_set(err, ERR_FORMAT, "schemaVersion: must be 2");
	for (size_t i = 0; i < 4 && foreign[kind][i]; i++)
		if (json_object_get(json, foreign[kind][i]))
			return err_set(err, ERR_FORMAT,
					"has '%s', which has no place in %s: readers could see two images in "
					"it",
					foreign[kind][i], kind == OCI_KIND_INDEX ? "an index" : "a manifest");
	return 0;
}

static int read_document(struct span bytes, const char *given, json_t **out, size_t *type, struct err *err)
{
	auto_json json_t *json = NULL;

	if (json_check_values(bytes, OCI_VALUES_MAX, err) < 0 ||
			json_read(bytes, OCI_MANIFEST_MAX, &json, err) < 0)
		return -1;
	if (!json_is_object(json))
		return err_set(err, ERR_FORMAT, "must be an object");
	if (choose(json, given, type, err) < 0 || check_form(json, types[*type].kind, err) < 0)
		return -1;
	*out = take(&json);
	return 0;
}

int oci_kind_of(struct span bytes, const char *given, enum oci_kind *kind, const char **media_type,
		struct err *err)
{
	auto_json json_t *json = NULL;
	size_t type = 0;

	if (read_document(bytes, given, &json, &type, err) < 0)
		return err_wrap(err, "the manifest");
	*kind = types[type].kind;
	*media_type = types[type].name;
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int read_descriptors(json_t *json, const char *member, size_t max, struct oci_descriptor **out,
		size_t *count, struct err *err)
{
	json_t *array = NULL, *item = NULL;
	size_t i = 0;
	char path[32];

	if (!json_object_get(json, member))
		return err_set(err, ERR_FORMAT, "%s: is missing", member);
	/* null is what Go writes for a list that was never made: an image without layers */
	if (json_opt_array(json, "", member, max, &array, err) < 0)
		return -1;
	auto_free struct oci_descriptor *found = xcalloc(json_array_size(array) + 1, sizeof(*found));
	json_array_foreach (array, i, item) {
		snprintf(path, sizeof(path), "%s[%zu]", member, i);
		if (oci_descriptor_read(item, path, &found[i], err) < 0)
			return -1;
	}
	*out = take(&found);
	*count = json_array_size(array);
	return 0;
}

static int read_manifest(struct span bytes, const char *given, struct oci_manifest *out, struct err *err)
{
	json_t *config = NULL;
	size_t type = 0;

	if (read_document(bytes, given, &out->json, &type, err) < 0)
		return -1;
	if (types[type].kind != OCI_KIND_MANIFEST)
		return err_set(err, ERR_FORMAT, "is an index of several images, not one image's manifest");
	out->media_type = types[type].name;
	if (json_get_object(out->json, "", "config", &config, err) < 0 ||
			oci_descriptor_read(config, "config", &out->config, err) < 0)
		return -1;
	return read_descriptors(out->json, "layers", OCI_LAYERS_MAX, &out->layers, &out->count, err);
}

int oci_manifest_parse(struct span bytes, const char *given, struct oci_manifest *out, struct err *err)
{
	auto_oci_manifest struct oci_manifest found = OCI_MANIFEST_EMPTY;

	if (read_manifest(bytes, given, &found, err) < 0)
		return err_wrap(err, "the manifest");
	*out = found;
	found = (struct oci_manifest)OCI_MANIFEST_EMPTY;
	return 0;
}

void oci_manifest_clear(struct oci_manifest *manifest)
{
	free(manifest->layers);
	json_decref(manifest->json);
	*manifest = (struct oci_manifest)OCI_MANIFEST_EMPTY;
}

static int read_index(struct span bytes, const char *given, struct oci_index *out, struct err *err)
{
	size_t type = 0;

	if (read_document(bytes, given, &out->json, &type, err) < 0)
		return -1;
	if (types[type].kind != OCI_KIND_INDEX)
		return err_set(err, ERR_FORMAT, "is one image's manifest, not an index");
	out->media_type = types[type].name;
	return read_descriptors(out->json, "manifests", OCI_ENTRIES_MAX, &out->entries, &out->count, err);
}

int oci_index_parse(struct span bytes, const char *given, struct oci_index *out, struct err *err)
{
	auto_oci_index struct oci_index found = OCI_INDEX_EMPTY;

	if (read_index(bytes, given, &found, err) < 0)
		return err_wrap(err, "the index");
	*out = found;
	found = (struct oci_index)OCI_INDEX_EMPTY;
	return 0;
}

void oci_index_clear(struct oci_index *index)
{
	free(index->entries);
	json_decref(index->json);
	*index = (struct oci_index)OCI_INDEX_EMPTY;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

void oci_manifest_format(const struct oci_manifest *manifest, struct buf *out)
{
	auto_free char *text = json_text(manifest->json, false);

	buf_puts(out, text);
}

void oci_index_format(const struct oci_index *index, struct buf *out)
{
	auto_free char *text = json_text(index->json, false);

	buf_puts(out, text);
}

/* ---- docker's types ------------------------------------------------------------------------------------ */

static const struct {
	const char *docker, *oci;
} layer_types[] = {
	{ "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar" },
	{ "application/vnd.docker.image.rootfs.diff.tar.gzip",
			"application/vnd.oci.image.layer.v1.tar+gzip" },
	{ "application/vnd.docker.image.rootfs.diff.tar.zstd",
			"application/vnd.oci.image.layer.v1.tar+zstd" },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar",
			"application/vnd.oci.image.layer.nondistributable.v1.tar" },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
			"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" },
};

static void set_type(struct oci_descriptor *descriptor, const char *media_type)
{
	oci_descriptor_set(descriptor, media_type, descriptor->digest, descriptor->size);
}

/* Some writers have put "+encrypted" behind docker's type: that goes over as well. */
static int layer_to_oci(struct oci_descriptor *layer, size_t i, struct err *err)
{
	struct span base = span_of(layer->media_type);
	bool encrypted = span_ends(base, ENCRYPTED);
	char text[256];

	if (!span_starts(base, "application/vnd.docker."))
		return 0;
	if (encrypted)
		base.len -= sizeof(ENCRYPTED) - 1;
	for (size_t k = 0; k < sizeof(layer_types) / sizeof(layer_types[0]); k++)
		if (span_is(base, layer_types[k].docker)) {
			snprintf(text, sizeof(text), "%s%s", layer_types[k].oci, encrypted ? ENCRYPTED : "");
			set_type(layer, text);
			return 0;
		}
	return err_set(err, ERR_FORMAT, "layers[%zu].mediaType: '%s' has no counterpart in the OCI's types",
			i, layer->media_type);
}

int oci_manifest_to_oci(struct oci_manifest *manifest, struct err *err)
{
	for (size_t i = 0; i < manifest->count; i++)
		if (layer_to_oci(&manifest->layers[i], i, err) < 0)
			return err_wrap(err, "the manifest");
	if (!strcmp(manifest->config.media_type, DOCKER_TYPE_CONFIG))
		set_type(&manifest->config, OCI_TYPE_CONFIG);
	if (strcmp(manifest->media_type, DOCKER_TYPE_MANIFEST) != 0)
		return 0;
	manifest->media_type = OCI_TYPE_MANIFEST;
	json_object_set_new(manifest->json, "mediaType", json_string(OCI_TYPE_MANIFEST));
	return 0;
}

void oci_index_to_oci(struct oci_index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		if (!strcmp(index->entries[i].media_type, DOCKER_TYPE_MANIFEST))
			set_type(&index->entries[i], OCI_TYPE_MANIFEST);
		else if (!strcmp(index->entries[i].media_type, DOCKER_TYPE_LIST))
			set_type(&index->entries[i], OCI_TYPE_INDEX);
	}
	if (strcmp(index->media_type, DOCKER_TYPE_LIST) != 0)
		return;
	index->media_type = OCI_TYPE_INDEX;
	json_object_set_new(index->json, "mediaType", json_string(OCI_TYPE_INDEX));
}
