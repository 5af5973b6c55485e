/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods in Kubernetes manifests, YAML or JSON: each Pod and pod template of a text with any number of documents,
 * also inside Lists, with the way to it, so that codec/yamledit can change the text there.
 *
 *     document 0, path ["items", 2, "spec", "template"], label "Deployment shop/web"
 *
 * Ownership: the manifest owns its trees; places borrow from them. Bounds: MANIFEST_TEXT_MAX bytes, MANIFEST_PLACES_MAX pods.
 */
#ifndef COCOON_POD_MANIFEST_H
#define COCOON_POD_MANIFEST_H

#include "base/span.h"
#include "codec/yamledit.h"
#include "pod/view.h"

#include <jansson.h>

struct err;

#define MANIFEST_TEXT_MAX   (4U << 20)
#define MANIFEST_PLACES_MAX 1000
#define MANIFEST_STEPS_MAX  12

struct place {
	size_t document;
	struct yaml_step steps[MANIFEST_STEPS_MAX]; /* to the pod or template */
	size_t depth;
	char *words; /* what the steps' keys point into */
	char *label;
	struct pod_view pod;
};

struct manifest {
	json_t *documents;
	struct place *places;
	size_t count;
};

#define MANIFEST_NONE                                         \
	{                                                     \
		.documents = NULL, .places = NULL, .count = 0 \
	}

/* Documents that hold no pods are passed over. */
int manifest_read(struct span text, struct manifest *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void manifest_clear(struct manifest *manifest) __attribute__((nonnull));
#define auto_manifest __attribute__((cleanup(manifest_clear)))

/* Whether any of the documents looks like a Kubernetes object. */
bool manifest_has_objects(const struct manifest *manifest) __attribute__((nonnull));

#endif
