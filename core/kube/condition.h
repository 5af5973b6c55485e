/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of a status (metav1.Condition), as our custom resources have them:
 *
 *     {"type": "Ready", "status": "True", "reason": "InForce", "message": "…", "lastTransitionTime": "…",
 *      "observedGeneration": 3}
 *
 * lastTransitionTime moves when the status does. Pure. Bounds: CONDITION_MESSAGE_MAX bytes of message, cut.
 */
#ifndef COCOON_KUBE_CONDITION_H
#define COCOON_KUBE_CONDITION_H

#include <jansson.h>
#include <stdbool.h>

#define CONDITION_MESSAGE_MAX 2048

/*
 * Appends one to the array. `resource` is the object that it is about, `before` the status there is, or NULL; `now` is
 * RFC 3339.
 */
void condition_add(json_t *list, const json_t *resource, const json_t *before, const char *now,
		const char *type, bool holds, const char *reason, const char *message)
		__attribute__((nonnull(1, 2, 4, 5, 7, 8)));

#endif
