/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller's one loop. Everything watches at all times, in every replica; only the holder of the Lease writes:
 *
 *     follow ──catalog──▶ pods ──gated──▶ gates ──▶ patches, AgentPolicies
 *        │                  └──counts──▶ reporter ──▶ profile status
 *        └──classes──▶ keeper ──▶ webhook configurations, certificates
 *     replicas ──leaves, trust, catalogs──▶ keeper, reporter
 *
 * A replica that loses the Lease ends: the next one starts clean.
 */
#ifndef COCOON_CONTROLLER_LOOP_H
#define COCOON_CONTROLLER_LOOP_H

struct err;
struct settings;

/* Runs until a signal ends it (0) or something makes going on senseless (-1). */
int loop_run(const struct settings *settings, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
