/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far evidence is to be trusted (kbs-protocol.md, 4.3, 4.5): evidence in, the submodule of a token out.
 *
 *     {"ear.status":"affirming","ear.trustworthiness-vector":{…},"ear.appraisal-policy-id":"default",
 *      "ear.veraison.annotated-evidence":{…},"ear.trustee.identifiers":{"validated":{}}}
 *
 * The policy of a class (cpu, gpu, …) is the text with the id default_CLASS that was posted, else our own: in Rego where
 * opa is there, else the same rules in C (appraisal_native.h). A policy with another id is kept and has no effect, as in
 * the real service. A policy that does not define trust_claims gives a vector of zeros and the status none.
 *
 * Ownership: heap object of the caller; store and references are borrowed. Threads: one.
 * Errors: those of rego.h and store.h; ERR_FORMAT where a policy's answers have no form that a token can carry.
 */
#ifndef COCOON_E2E_KBS_APPRAISAL_H
#define COCOON_E2E_KBS_APPRAISAL_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct appraiser;
struct err;
struct references;
struct store;

/* opa NULL: there is none. Policies that the store has are loaded; without opa that is ERR_NOT_FOUND. */
int appraiser_open(const char *opa, struct store *store, const struct references *references,
		struct appraiser **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
void appraiser_free(struct appraiser *appraiser);

/* A policy as it is posted; it is in force when this returns 0, and the old one stays otherwise. */
int appraiser_set(struct appraiser *appraiser, const char *id, struct span text, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* class: of tee/kind.h. evidence: the annotated claims. A new object. */
int appraise(struct appraiser *appraiser, const char *class, json_t *evidence, json_t **submod,
		struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

/* A copy whose objects, at every depth, have their members sorted, as claims stand in tokens. */
json_t *appraisal_sorted(const json_t *value);

#endif
