/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first half of every decision: whose pod it is, which profile it gets, and, where that one generates agent policies,
 * what is prepared for it. Private to this room.
 */
#ifndef COCOON_PROFILE_RESOLVE_H
#define COCOON_PROFILE_RESOLVE_H

#include "profile/decide.h"

/* Refuses, and begins the message; reasons follow. */
void decision_refuse(struct decision *d, const struct pod_view *pod) __attribute__((nonnull));
/* Appends reasons, a line each. */
void decision_lines(struct buf *out, const json_t *reasons) __attribute__((nonnull));

/*
 * Finds the class and the profile. True when there is a profile to judge the pod by; else the decision is made.
 */
bool decision_resolve(const struct catalog *catalog, const struct pod_view *pod, struct catalog_class *class,
		struct decision *d) __attribute__((nonnull));

enum agent_found {
	AGENT_NOT_ASKED,  /* the profile is not one that generates */
	AGENT_PREPARED,   /* d->profile is derived now */
	AGENT_MISSING,    /* d->unprepared: it can be prepared and is not */
	AGENT_IMPOSSIBLE, /* there can be none for this pod */
};

/*
 * Looks up the agent policy of a resolved pod. `workload`: the object that holds the template, NULL for the pod itself.
 * `reasons` gets why there can be none, `warnings` what is to be said of one: arrays of texts.
 */
enum agent_found decision_find_agent(const struct catalog *catalog, const json_t *workload,
		const struct pod_view *pod, struct decision *d, json_t *reasons, json_t *warnings)
		__attribute__((nonnull(1, 3, 4, 5, 6)));

/* Why a pod without a prepared agent policy cannot be let in ungated, and what to do: a text. */
json_t *decision_unprepared(const struct pod_view *pod, const struct decision *d)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
