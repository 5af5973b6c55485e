/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two documents that make up an image: the manifest of one platform (OCI image-spec manifest.md, docker's "image
 * manifest version 2, schema 2") and the index of several (image-index.md, docker's "manifest list").
 *
 *     {"schemaVersion":2,"mediaType":"…","config":{descriptor},"layers":[{descriptor}, …],"annotations":{…}}
 *     {"schemaVersion":2,"mediaType":"…","manifests":[{descriptor with "platform"}, …],"annotations":{…}}
 *
 * The tree is kept whole, so that members unknown to us are written back, in their order; changes are made by
 * oci_descriptor_set() and oci_descriptor_annotate(). Numbers with a fraction, which no manifest has, may be written
 * with other digits.
 *
 * The kind is what the document says (mediaType), what its giver says (Content-Type, a descriptor), or without either
 * what its members are; they must not contradict. Refused, because two readers could see two images in it: a document
 * with "manifests" beside "layers", "config" or "fsLayers", and members whose names differ in their case alone.
 *
 * Bounds: OCI_MANIFEST_MAX bytes (oci/store.h), OCI_VALUES_MAX values of JSON, which is three times what the largest
 * image needs and keeps a tree below 16 MiB; OCI_LAYERS_MAX layers (overlayfs mounts at most 500, docker makes 127);
 * OCI_ENTRIES_MAX entries (each costs a request; the widest public images have some dozens).
 * Ownership: the struct owns the tree and the array; the descriptors borrow from the tree.
 * Errors: ERR_FORMAT with the path; ERR_LIMIT. Docker's schema 1 is ERR_FORMAT that says how to get a newer form.
 */
#ifndef COCOON_OCI_MANIFEST_H
#define COCOON_OCI_MANIFEST_H

#include "base/span.h"
#include "oci/descriptor.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

#define OCI_VALUES_MAX  65536
#define OCI_LAYERS_MAX  1000
#define OCI_ENTRIES_MAX 1000

struct oci_manifest {
	json_t *json;
	const char *media_type; /* OCI_TYPE_MANIFEST or DOCKER_TYPE_MANIFEST, static */
	struct oci_descriptor config;
	struct oci_descriptor *layers;
	size_t count;
};
#define OCI_MANIFEST_EMPTY                                                                             \
	{                                                                                              \
		.json = NULL, .media_type = "", .config = { .json = NULL }, .layers = NULL, .count = 0 \
	}

struct oci_index {
	json_t *json;
	const char *media_type; /* OCI_TYPE_INDEX or DOCKER_TYPE_LIST, static */
	struct oci_descriptor *entries;
	size_t count;
};
#define OCI_INDEX_EMPTY                                                     \
	{                                                                   \
		.json = NULL, .media_type = "", .entries = NULL, .count = 0 \
	}

enum oci_kind { OCI_KIND_MANIFEST, OCI_KIND_INDEX };

/*
 * What the bytes are, and their media type (one of the four, static). `given` is what their giver calls them; NULL, ""
 * and the types that say nothing ("application/json", "text/plain", "application/octet-stream") leave it to the bytes.
 */
int oci_kind_of(struct span bytes, const char *given, enum oci_kind *kind, const char **media_type,
		struct err *err) __attribute__((nonnull(3, 4), warn_unused_result));
/* Is a media type (of a descriptor) that of a manifest or an index, OCI's or docker's? */
bool oci_type_is_manifest(const char *media_type) __attribute__((nonnull));
bool oci_type_is_index(const char *media_type) __attribute__((nonnull));

/* ---- one platform ---- */

int oci_manifest_parse(struct span bytes, const char *given, struct oci_manifest *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
void oci_manifest_clear(struct oci_manifest *manifest) __attribute__((nonnull));
#define auto_oci_manifest __attribute__((cleanup(oci_manifest_clear)))

/* Appends compact JSON. */
void oci_manifest_format(const struct oci_manifest *manifest, struct buf *out) __attribute__((nonnull));

/*
 * Rewrites docker's media types as OCI's, of the manifest, its config and its layers, since encrypted layers exist in
 * OCI form alone. Blobs stay as they are. Nothing changes in an OCI manifest, but for layers of docker's types that
 * some writers put there. ERR_FORMAT for a layer of docker's that OCI has no type for.
 */
int oci_manifest_to_oci(struct oci_manifest *manifest, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* ---- several platforms ---- */

int oci_index_parse(struct span bytes, const char *given, struct oci_index *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
void oci_index_clear(struct oci_index *index) __attribute__((nonnull));
#define auto_oci_index __attribute__((cleanup(oci_index_clear)))

void oci_index_format(const struct oci_index *index, struct buf *out) __attribute__((nonnull));

/* The same for an index and its entries' types; digest and size of each are then those of the rewritten manifests,
 * which the caller sets. */
void oci_index_to_oci(struct oci_index *index) __attribute__((nonnull));

#endif
