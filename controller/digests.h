/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps true what the status of each AgentPolicy says of its digest: a profile that changes gives its workloads other
 * documents, from the same agent policies. Owners take the digest from there (`kubectl get agentpolicies`).
 *
 *     {"status": {"digest": "sha256:…", "teeForms": […], "profileGeneration": 4}}
 *
 * Looks through all of them after each change of the catalog, DIGESTS_EVERY at most, a few milliseconds at a time, and writes
 * what this process has not written yet, DIGESTS_PARALLEL at a time. One whose profile is gone stays as it is. Only a leader's
 * works. Threads: that of its struct kube.
 */
#ifndef COCOON_CONTROLLER_DIGESTS_H
#define COCOON_CONTROLLER_DIGESTS_H

#include <stdint.h>

struct catalog;
struct digests;
struct kube;

#define DIGESTS_EVERY    INT64_C(1000000)     /* microseconds */
#define DIGESTS_AGAIN    (30 * DIGESTS_EVERY) /* after a failure */
#define DIGESTS_PARALLEL 4

struct digests *digests_new(struct kube *kube) __attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Takes NULL. */
void digests_free(struct digests *digests);

/* Whether to work, and by what (borrowed until the next call; NULL: do not work). */
void digests_use(struct digests *digests, struct catalog *catalog) __attribute__((nonnull(1)));

#endif
