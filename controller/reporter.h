/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the status of every ConfidentialProfile: at most once a second each, and only when it differs from what is
 * there. What is there is read once, when this process begins to lead. Only a leader's reporter runs.
 */
#ifndef COCOON_CONTROLLER_REPORTER_H
#define COCOON_CONTROLLER_REPORTER_H

#include <jansson.h>
#include <stdbool.h>

struct follow;
struct keeper;
struct kube;
struct pods;
struct reporter;

/* All are borrowed. */
struct reporter *reporter_new(struct kube *kube, const struct follow *follow, const struct pods *pods,
		const struct keeper *keeper) __attribute__((nonnull, returns_nonnull));
void reporter_free(struct reporter *reporter);

/* Whether to work. */
void reporter_run(struct reporter *reporter, bool run) __attribute__((nonnull));

/* Something that a status says may have changed. */
void reporter_touch(struct reporter *reporter) __attribute__((nonnull));

/* Names of live webhook replicas whose catalog differs from ours; a reference is taken. */
void reporter_set_differing(struct reporter *reporter, json_t *names) __attribute__((nonnull));

#endif
