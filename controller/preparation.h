/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try to prepare the agent policy that a gated pod waits for:
 *
 *     GET the pod ─▶ still waiting for that key? ─▶ facts of its images ─▶ GET ConfigMaps, Secrets
 *                 ─▶ controller/draft.h ─▶ apply the AgentPolicy ─▶ its status
 *
 * Images are not waited for: what is not known yet is asked for, all at a time, and the try ends; the next one finds it.
 * ConfigMaps and Secrets are read by their names, where roles allow it (PREPARATION_GRANT).
 *
 * Bounds: PREPARATION_MAX for all requests together, PREPARATION_BYTES of ConfigMaps and Secrets.
 * Threads: that of its struct kube. Ownership: the options are copied, what they point at is borrowed.
 */
#ifndef COCOON_CONTROLLER_PREPARATION_H
#define COCOON_CONTROLLER_PREPARATION_H

#include "controller/draft.h"
#include "facts/facts.h"

struct catalog;
struct kube;
struct preparation;

#define PREPARATION_MAX   (60 * INT64_C(1000000)) /* microseconds */
#define PREPARATION_BYTES ((size_t)4 << 20)
#define PREPARATION_GRANT "manifests/agent-policies"

enum preparation_end {
	PREPARATION_DONE,
	PREPARATION_ASKED,   /* facts were asked for: again when they are there */
	PREPARATION_OVER,    /* the pod is gone, or does not wait for this any more */
	PREPARATION_REFUSED, /* there can be no policy for what is there now */
	PREPARATION_FAILED,
};

/* By what is decided: as it is when it is looked at. */
struct preparation_scene {
	struct catalog *catalog;
	const struct policy_set *policies;
};

struct preparation_options {
	struct kube *kube;
	const struct preparation_scene *scene;
	const char *namespace, *pod, *key;
	void *ctx;
	/* as facts_find(); of what is FACTS_ABSENT the other one fetches, and remembers that */
	enum facts_found (*find)(
			void *ctx, const struct image_want *want, struct image_facts **out, struct err *why);
	/*
	 * Exactly once, unless it is freed before; frees it. The draft is what has come of it; of REFUSED and FAILED *failure
	 * says why.
	 */
	void (*done)(void *ctx, struct preparation *self, enum preparation_end end, const struct draft *draft,
			const struct err *failure);
};

/* `done` is never called from here. */
struct preparation *preparation_start(const struct preparation_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Takes NULL. */
void preparation_free(struct preparation *preparation);

#endif
