/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the ImagePolicies stand: writes the status of each, when it differs from what is there, and an Event on a policy
 * whose text is no good. Counts of images, which the webhook's replicas give in their Leases, are taken over every
 * STANDING_COUNTS at most. Only a leader's works.
 */
#ifndef COCOON_CONTROLLER_STANDING_H
#define COCOON_CONTROLLER_STANDING_H

#include <jansson.h>
#include <stdbool.h>

struct events;
struct follow;
struct keeper;
struct kube;
struct standing;

#define STANDING_COUNTS (30 * INT64_C(1000000)) /* microseconds */

/* All are borrowed. */
struct standing *standing_new(struct kube *kube, const struct follow *follow, const struct keeper *keeper,
		struct events *events) __attribute__((nonnull, returns_nonnull));
/* Takes NULL. */
void standing_free(struct standing *standing);

/* Whether to work. */
void standing_run(struct standing *standing, bool run) __attribute__((nonnull));

/* Something that a status says may have changed. */
void standing_touch(struct standing *standing) __attribute__((nonnull));

/* The live webhook replicas (controller/replicas.h) and the names of those that decide otherwise; references are taken. */
void standing_set_replicas(struct standing *standing, json_t *live, json_t *differing)
		__attribute__((nonnull));

#endif
