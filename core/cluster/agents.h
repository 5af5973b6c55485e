/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AgentPolicies of all namespaces, as they are watched: read once, when they come, and put into each catalog.
 * Private to this room; core/cluster/follow.h has one.
 *
 * Where their definition is not installed, or they may not be listed, there are none. One that cannot be read is told (failed) and is as one that is
 * not there: its pods wait. What only says how it stands, such as a status, is no change.
 *
 * Bounds: those of profile/shelf.h. That there are too many is told once a list; what had to go comes back with the next.
 */
#ifndef COCOON_CLUSTER_AGENTS_H
#define COCOON_CLUSTER_AGENTS_H

#include "kube/watch.h"
#include "profile/catalog.h"

struct agents;

struct agents_options {
	struct kube *kube;
	void *ctx;
	void (*changed)(void *ctx);
	void (*failed)(void *ctx, const struct err *why);
};

int agents_start(const struct agents_options *options, struct agents **out, struct err *err)
		__attribute__((nonnull, warn_unused_result));
/* Takes NULL. */
void agents_stop(struct agents *agents);

/* They were listed once, or may not be. */
bool agents_synced(const struct agents *agents) __attribute__((nonnull));
void agents_fill(const struct agents *agents, struct catalog *catalog) __attribute__((nonnull));
struct watch_state agents_state(const struct agents *agents) __attribute__((nonnull));

#endif
