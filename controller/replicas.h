/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live webhook replicas, from the Leases in which they say what they serve and decide by. A replica lives until
 * its record has not changed for its lease's duration on our own clock; times of other machines are not compared.
 */
#ifndef COCOON_CONTROLLER_REPLICAS_H
#define COCOON_CONTROLLER_REPLICAS_H

#include <jansson.h>

struct err;
struct kube;
struct replicas;

/* `changed` is called when the list is another one: [{"name", "leaf", "trust", "catalog", "verdicts"}], borrowed. */
int replicas_start(struct kube *kube, const char *namespace, void (*changed)(void *ctx, json_t *live),
		void *ctx, struct replicas **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 5), warn_unused_result));
/* Takes NULL. */
void replicas_stop(struct replicas *replicas);

#endif
