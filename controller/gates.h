/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that is done for pods behind the gate cocoon.dev/init-data: the lifter completes them, the preparer makes the agent
 * policies that some of them wait for first, from what core/facts says of their images, and digests keeps their statuses
 * true.
 *
 *     gates_add ──▶ lifter ──waits for a policy──▶ preparer ──▶ AgentPolicy, ──watch──▶ gates_use, gates_add
 *                      └──▶ patches                   └──▶ facts of images
 *
 * Only a leader's work. Threads: that of its struct kube.
 */
#ifndef COCOON_CONTROLLER_GATES_H
#define COCOON_CONTROLLER_GATES_H

#include "controller/lifter.h"
#include "controller/preparer.h"

struct err;
struct gates;
struct settings;

/* `namespace` of the installation. All are borrowed. */
struct gates_options {
	struct kube *kube;
	struct events *events;
	const struct settings *settings;
	const char *namespace;
};

int gates_new(const struct gates_options *options, struct gates **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Takes NULL. */
void gates_free(struct gates *gates);

/* A pod that waits. */
void gates_add(struct gates *gates, const char *namespace, const char *name) __attribute__((nonnull));

/* As lifter_again(). */
void gates_again(struct gates *gates, const char *namespace, const char *name, const char *profile)
		__attribute__((nonnull(1, 2, 3)));

/* Whether to work, and by what (borrowed until the next call; catalog NULL: do not work). */
void gates_use(struct gates *gates, struct catalog *catalog, const struct policy_set *policies)
		__attribute__((nonnull(1)));

/* After each turn of the loop. */
void gates_turn(struct gates *gates) __attribute__((nonnull));

struct gates_counts {
	struct lifter_counts lifter;
	struct preparer_counts preparer;
	struct facts_counts facts;
};
struct gates_counts gates_counts(const struct gates *gates) __attribute__((nonnull));

#endif
