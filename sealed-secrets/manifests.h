/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes manifests as the commands look at them: every object of a text, also inside Lists, with the steps to it;
 * and the texts in it that may be sealed. The items of a SecretList or ConfigMapList, which need not say their kind, have
 * the list's.
 *
 *     document 1, ["items", 0]    Secret shop/db        data.password                       (decoded)
 *     document 2, []              Deployment shop/web   spec.template.spec.containers[0].env[1].value
 *
 * Ownership: objects borrow from the manifest. Bounds: MANIFEST_TEXT_MAX.
 */
#ifndef COCOON_SEALED_SECRETS_MANIFESTS_H
#define COCOON_SEALED_SECRETS_MANIFESTS_H

#include "pod/manifest.h"

#include <stdbool.h>

struct err;

#define OBJECT_STEPS_MAX 2

struct object {
	size_t document;
	struct yaml_step steps[OBJECT_STEPS_MAX];
	size_t depth;
	const json_t *json;
	const char *kind, *name, *namespace; /* "" when absent */
};

/* Calls for each object that has a kind, in order; a callback that returns -1 ends the walk. */
int manifests_objects(const struct manifest *manifest,
		int (*each)(void *ctx, const struct object *object, struct err *err), void *ctx,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* A text and the place where it stands, as people write it. */
struct candidate {
	const char *where; /* "data.password" */
	struct span text;  /* decoded where the object holds base64; empty when that is broken */
	const char *fault; /* why the base64 is broken, else NULL */
};

/* The entries of a Secret (data, decoded, and stringData) or ConfigMap (data, binaryData). Base64 as Kubernetes reads it:
 * line breaks in it do not count. */
int manifests_entries(const struct object *object,
		int (*each)(void *ctx, const struct candidate *candidate, struct err *err), void *ctx,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* The literal values in the environments of a pod's containers of all three kinds. */
int manifests_env(const struct place *place,
		int (*each)(void *ctx, const struct candidate *candidate, struct err *err), void *ctx,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* The names under which a pod spec lists containers; NULL ends them. */
extern const char *const manifests_containers[];

#endif
