/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From ImagePolicy objects to the set that is in force; pure. What cluster/follow.h does for its watch.
 *
 *     good                             its own form
 *     no good, but was before          the last good form, and a problem
 *     no good, and never was           a broken form (policy/imagepolicy.h), and a problem
 *
 * A set is all or nothing: one that would lack a policy is not made, and the one before stays in force.
 */
#ifndef COCOON_CLUSTER_POLICIES_H
#define COCOON_CLUSTER_POLICIES_H

#include "policy/imagepolicy.h"

/*
 * `objects` name → resource; `settings` as policy_set_new() wants them; `before` the set in force, or NULL; `problems`
 * is filled anew, name → text. *out is a new reference. ERR_LIMIT: there are too many, which is everyone's problem.
 */
int policies_build(json_t *objects, const json_t *settings, const struct policy_set *before, json_t *problems,
		struct policy_set **out, struct err *err)
		__attribute__((nonnull(1, 4, 5), warn_unused_result));

/* The policy of that name, borrowed, or NULL. `set` may be NULL. */
struct image_policy *policies_find(const struct policy_set *set, const char *name)
		__attribute__((nonnull(2)));

/* Adds to an object what tells two sets apart: "policy/<name>" → generation, hash, whether it is broken. */
void policies_describe(const struct policy_set *set, json_t *out) __attribute__((nonnull));

#endif
