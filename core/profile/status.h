/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of a ConfidentialProfile as JSON (crds/confidentialprofiles.yaml, status): what it compiled to, the
 * digest in each TEE's form, counts of its pods, and conditions. Pure.
 *
 *     {"observedGeneration": 3, "digest": "sha256:…", "documentBytes": 812, "annotationBytes": 640,
 *      "teeForms": [{"tee": "snp", "field": "HOSTDATA", "hex": "…", "base64": "…", "remark": "…"}],
 *      "pods": {"injected": 12, "gated": 0, "drifted": 1, "unprotected": 0}, "driftedPods": ["shop/web-1"],
 *      "conditions": [{"type": "Ready", "status": "True", "reason": "Compiled", "message": "…", …}]}
 *
 * Conditions: Compiled (the content compiles), Supported (every class it names does what it asks), Admission (the
 * webhook's registration covers its classes), ReplicasAgree (all webhook replicas decide by the same bytes), and
 * Ready, which is Compiled and Admission. A condition's lastTransitionTime moves when its status does. A profile that
 * generates agent policies has no one digest, and says so in Ready.
 */
#ifndef COCOON_PROFILE_STATUS_H
#define COCOON_PROFILE_STATUS_H

#include "profile/catalog.h"

#define STATUS_DRIFTED_MAX 20

struct status_facts {
	const json_t *resource;        /* the object as it is now */
	const struct profile *profile; /* the form in force, or NULL */
	const char *problem;           /* what is wrong with the object, or NULL */
	const struct catalog *catalog;
	const json_t *before; /* the status there is, or NULL */
	size_t injected, gated, drifted, unprotected;
	const json_t *drifted_pods;    /* array of texts, at most STATUS_DRIFTED_MAX */
	bool admission;                /* the registration stands */
	const char *admission_problem; /* why not, or "" */
	const json_t *replicas_differ; /* array of replica names whose catalog differs */
	const char *now;               /* RFC 3339 */
};

/* A new object. */
json_t *profile_status(const struct status_facts *facts)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* The array "teeForms" for a digest, as status and initdata-gen print it. */
json_t *profile_tee_forms(enum digest_alg alg, const unsigned char *digest)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
