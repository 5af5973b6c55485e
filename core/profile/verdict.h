/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod of a known profile judged, and the verdict written into the decision. Private to this room.
 */
#ifndef COCOON_PROFILE_VERDICT_H
#define COCOON_PROFILE_VERDICT_H

#include "profile/decide.h"

/* What the audit log gets: profile and digest. */
void verdict_audit(struct decision *d) __attribute__((nonnull));

/* The pod as it is. */
void verdict_judge(const struct catalog_class *class, const struct pod_view *pod, struct decision *d)
		__attribute__((nonnull));

/* The pod without its agent policy, as it will be but for init-data; `hard` holds what is against it already. */
void verdict_waiting(const struct catalog_class *class, const struct pod_view *pod, json_t *hard,
		struct decision *d) __attribute__((nonnull));

/* The pod's annotations with those added that injection gives: a new object. */
json_t *verdict_annotations(const struct pod_view *pod, json_t *wanted)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
