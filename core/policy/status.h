/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of an ImagePolicy as JSON (crds/imagepolicies.yaml, status): whether it is in force, and what became of
 * images under it. Pure.
 *
 *     {"observedGeneration": 3, "hash": "sha256:…", "replicas": 2,
 *      "counts": {"admitted": 12, "warned": 0, "refused": 3, "unknown": 1},
 *      "conditions": [{"type": "Ready", "status": "False", "reason": "LastGood", "message": "…", …}]}
 *
 * Conditions: Ready (this very text is in force at admission), for the reasons InForce, Invalid (no image that it takes
 * is good), LastGood (an earlier text is in force), NotRegistered; ReplicasAgree (all webhook replicas decide by the
 * same policies).
 *
 * Counts come from the webhook's replicas, each of which says its own in its Lease, since its start:
 *
 *     {"shop": [12, 0, 3, 1]}       admitted, warned, refused, unknown
 *
 * Bounds: a replica's text 256 KiB; counts are no greater than what a status holds (INT64_MAX), and what is no count
 * counts as 0.
 */
#ifndef COCOON_POLICY_STATUS_H
#define COCOON_POLICY_STATUS_H

#include "policy/imagepolicy.h"

struct image_policy_facts {
	const json_t *resource;            /* the object as it is now */
	const struct image_policy *policy; /* the form in force, or NULL */
	const char *problem;               /* what is wrong with the object, or NULL */
	const json_t *before;              /* the status there is, or NULL */
	const json_t *totals;              /* of image_policy_count(), of all replicas */
	size_t replicas;                   /* that were counted */
	bool admission;                    /* the webhook's registration stands */
	const char *admission_problem;     /* why not, or "" */
	const json_t *replicas_differ;     /* array of names of replicas that decide otherwise */
	const char *now;                   /* RFC 3339 */
};

/* Adds a replica's counts to those of others; ERR_FORMAT or ERR_LIMIT when its text is none, and nothing is added. */
int image_policy_count(json_t *totals, struct span text, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* A new object. A null in it takes a member away in a merge patch. */
json_t *image_policy_status(const struct image_policy_facts *facts)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
