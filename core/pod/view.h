/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What admission and the controller need to know of a pod, read once from its JSON (Kubernetes core/v1 Pod and the
 * workload kinds that hold a pod template).
 *
 *     {"metadata": {"name", "generateName", "namespace", "labels", "annotations"},
 *      "spec": {"runtimeClassName", "schedulingGates": [{"name"}], "nodeName", "containers": […]}}
 *
 * Ownership: a view borrows everything from the object, which must outlive it.
 * Errors: ERR_FORMAT naming the path when a member has a type that no API server would let through.
 */
#ifndef COCOON_POD_VIEW_H
#define COCOON_POD_VIEW_H

#include "base/span.h"

#include <jansson.h>

struct err;

/* The scheduling gate that holds a pod until the controller has given it its annotations. */
#define POD_GATE              "cocoon.dev/init-data"

/* Under which policies for images the pod was admitted (policy/gate.h). */
#define POD_IMAGES_ANNOTATION "cocoon.dev/image-policies"

struct pod_view {
	const json_t *object;      /* the Pod, or the template: {"metadata", "spec"} */
	const char *namespace;     /* "" when unknown */
	const char *name;          /* "web-1"; for a generated name its stem "web-"; "" when there is none */
	const char *uid;           /* "" before creation */
	const char *runtime_class; /* NULL when the pod names none */
	const char *node;          /* NULL until it is bound */
	const char *phase;         /* "" before creation */
	const json_t *labels;      /* object or NULL */
	const json_t *annotations; /* object or NULL */
	int gate;                  /* index of POD_GATE in spec.schedulingGates, -1 without */
	size_t gates;              /* number of all gates */
	bool deleting;             /* has a deletionTimestamp */
};

/* Reads a Pod. `namespace` is the request's, for objects that do not say theirs yet; may be NULL. */
int pod_view_read(const json_t *pod, const char *namespace, struct pod_view *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/*
 * Reads the pod template of a workload: Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job,
 * CronJob, PodTemplate, or a Pod itself. `path` gets the place of the template ("spec.template"), static.
 * ERR_NOT_FOUND when the kind holds no pod template or has none.
 */
int pod_view_template(const json_t *workload, const char *namespace, struct pod_view *out, const char **path,
		struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));

/* An annotation's text, or NULL. */
const char *pod_annotation(const struct pod_view *pod, const char *key) __attribute__((nonnull));

/* Annotations that decide how the sandbox starts, or that this product keeps its word by: frozen after creation. */
bool pod_annotation_is_protected(const char *key) __attribute__((nonnull));

#endif
