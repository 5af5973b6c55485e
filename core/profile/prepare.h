/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a workload and facts about its images to its agent policy, and to the AgentPolicy that carries it: the steps that
 * the controller takes in a cluster and initdata-gen on the owner's machine, so that both come to the same bytes.
 *
 *     workload, images, objects ──prepare_policy()──▶ policy.rego ──prepare_object()──▶ AgentPolicy, profile with it
 *
 * Pure. Ownership: what is given is borrowed, what comes out is the caller's.
 * Errors: those of agentpolicy/settings.h, generate.h, policy.h, and of profile/prepared.h.
 */
#ifndef COCOON_PROFILE_PREPARE_H
#define COCOON_PROFILE_PREPARE_H

#include "agentpolicy/generate.h"
#include "base/buf.h"
#include "profile/prepared.h"

struct preparing {
	const struct agent_options *options;
	const struct agent_workload *workload;
	const struct agent_image *images;             /* in the order of workload->images */
	const json_t *objects;                        /* ConfigMaps and Secrets */
	const struct agent_settings_source *settings; /* NULL: those built in */
	struct span rules;                            /* empty: ours */
};

/* Appends the text. */
int prepare_policy(const struct preparing *preparing, struct buf *policy, struct agent_notes *notes,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* [{"name", "digest"}]: a new reference. */
json_t *prepare_images(const struct agent_image *images, size_t count)
		__attribute__((returns_nonnull, warn_unused_result));

/* The object to be created, as prepared_object() makes it, and the profile as it is with it: new references. */
int prepare_object(struct profile *profile, const struct agent_workload *workload, struct span policy,
		const json_t *images, json_t **object, struct profile **whole, struct err *err)
		__attribute__((nonnull(1, 2, 4, 5, 6), warn_unused_result));

#endif
