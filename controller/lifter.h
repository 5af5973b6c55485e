/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifts gates: for each pod that waits at cocoon.dev/init-data, reads it, asks profile/decide.h for the patch that
 * completes it, and applies that under a test of its resourceVersion. A pod that may not be completed goes on
 * waiting, with an Event that says why, and is tried again when the catalog changes. One whose agent policy is not there
 * is handed to who prepares it (controller/preparer.h), and is completed when the catalog has it.
 *
 * LIFTER_PARALLEL pods at a time; failures wait as kube/queue.h says. Only a leader's lifter runs.
 */
#ifndef COCOON_CONTROLLER_LIFTER_H
#define COCOON_CONTROLLER_LIFTER_H

#include <stddef.h>
#include <stdint.h>

struct catalog;
struct events;
struct kube;
struct lifter;

#define LIFTER_PARALLEL 16

struct lifter_options {
	struct kube *kube;
	struct events *events;
	void *ctx;
	/* the pod waits for the agent policy of that key; it may be added again before that is there */
	void (*unprepared)(
			void *ctx, const char *namespace, const char *name, const char *uid, const char *key);
};

struct lifter *lifter_new(const struct lifter_options *options) __attribute__((nonnull, returns_nonnull));
void lifter_free(struct lifter *lifter);

/* A pod that waits. */
void lifter_add(struct lifter *lifter, const char *namespace, const char *name) __attribute__((nonnull));

/*
 * The catalog in use is a new one in which agent policies alone are others, and the pod, which waits, gets that profile (or
 * NULL): it is looked at again unless it waits for an agent policy that is still not there.
 */
void lifter_again(struct lifter *lifter, const char *namespace, const char *name, const char *profile)
		__attribute__((nonnull(1, 2, 3)));

/* Whether to work, and by which catalog (borrowed until the next call; NULL: do not work). */
void lifter_use(struct lifter *lifter, const struct catalog *catalog) __attribute__((nonnull(1)));

struct lifter_counts {
	uint64_t lifted;
	uint64_t refused; /* tries that ended in "may not" */
	uint64_t failed;  /* tries that ended in an error */
	size_t waiting;
};
struct lifter_counts lifter_counts(const struct lifter *lifter) __attribute__((nonnull));

#endif
