/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepares agent policies for pods that wait for one (decision.unprepared), one for each key, however many pods wait.
 *
 *     lifter ──pod, key──▶ preparer ──▶ controller/preparation.h, PREPARER_PARALLEL at a time ──▶ AgentPolicy
 *                             ▲                        │ asks for facts of images
 *                             └──they have come────────┘
 *
 * The AgentPolicy comes back by the watch, with a new catalog, by which the lifter completes the pods. Nothing is kept but in
 * the cluster: after a restart the pods that wait say again what is missing.
 *
 * What waits for a registry holds no place; it is tried again when facts/facts.h has an answer, at the latest after
 * FACTS_FETCH_MAX. What has failed waits PREPARER_PAUSE, and longer each time; what cannot be expressed PREPARER_REFUSED,
 * as what it was read from may change. Events on the pods say what has become of it, once for each change.
 *
 * Bounds: PREPARER_KEYS keys, of which the namespace that has most gives way to others; PREPARER_PODS pods that are told,
 * a key.
 * Threads: that of its struct kube; the callbacks of facts come from others, and wake it.
 * Ownership: kube, events and images are borrowed; images (cluster/images.h) ends before the preparer does.
 */
#ifndef COCOON_CONTROLLER_PREPARER_H
#define COCOON_CONTROLLER_PREPARER_H

#include "facts/facts.h"

struct catalog;
struct events;
struct kube;
struct policy_set;
struct preparer;

#define PREPARER_PARALLEL  4
#define PREPARER_KEYS      4096
#define PREPARER_PODS      64
#define PREPARER_PAUSE     (5 * INT64_C(1000000)) /* microseconds */
#define PREPARER_REFUSED   (60 * INT64_C(1000000))
#define PREPARER_PAUSE_MAX (300 * INT64_C(1000000))

struct preparer_options {
	struct kube *kube;
	struct events *events;
	/* facts of images: images_find() and images_fetch() of cluster/images.h */
	void *images;
	enum facts_found (*find)(void *images, const struct image_want *want, int64_t max_age,
			struct image_facts **out, struct err *why);
	void (*fetch)(void *images, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
			void *ctx);
	/* a pod that does not wait for what it was said to: look again */
	void *ctx;
	void (*again)(void *ctx, const char *namespace, const char *pod);
};

struct preparer *preparer_new(const struct preparer_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* All fetches have called back. Takes NULL. */
void preparer_free(struct preparer *preparer);

/* The pod waits for the agent policy of that key. */
void preparer_add(struct preparer *preparer, const char *namespace, const char *pod, const char *uid,
		const char *key) __attribute__((nonnull));

/* Whether to work, and by what (borrowed until the next call; catalog NULL: do not work). */
void preparer_use(struct preparer *preparer, struct catalog *catalog, const struct policy_set *policies)
		__attribute__((nonnull(1)));

/* Goes on with those whose facts have come; after each turn of the loop. */
void preparer_turn(struct preparer *preparer) __attribute__((nonnull));

struct preparer_counts {
	uint64_t prepared;
	uint64_t refused; /* tries that ended in "there can be none" */
	uint64_t failed;
	size_t waiting; /* keys without a policy */
};
struct preparer_counts preparer_counts(const struct preparer *preparer) __attribute__((nonnull));

#endif
