/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the cluster and keeps a catalog of it current: watches profiles, agent policies, image policies,
 * RuntimeClasses, namespaces (metadata alone) and the ConfigMaps of the installation's namespace, compiles what changed, and hands out a new
 * catalog and a new set of policies. Webhook and controller each have one, so that both decide by the same code on the
 * same objects.
 *
 *     API server ──watch──▶ follow ──set──▶ policies(ctx, set), ──catalog──▶ changed(ctx, catalog)
 *
 * A profile or a policy that no longer compiles keeps its last good form in force as long as this process lives, and its
 * problem is told (follow_each_profile, follow_each_policy). Settings that cannot be read keep the last good ones.
 * Where the definition of ImagePolicy, or of AgentPolicy, is not installed, there are none; where it is and they cannot
 * be listed, nothing is handed out at all.
 * Both come FOLLOW_SETTLE µs after the last change of a burst, and not before everything was listed once.
 *
 * Ownership: what the callbacks are given is borrowed; who keeps it takes a reference and may hand it to threads.
 * Threads: that of its struct kube, in kube_turn().
 */
#ifndef COCOON_CLUSTER_FOLLOW_H
#define COCOON_CLUSTER_FOLLOW_H

#include "policy/imagepolicy.h"
#include "profile/catalog.h"

#include <stdint.h>

struct err;
struct follow;
struct kube;

/* How a webhook replica says in its Lease what it decides by: follow_fingerprint(). */
#define FOLLOW_CATALOG_ANNOTATION  "cocoon.dev/catalog"
#define FOLLOW_COMPONENT_LABEL     "cocoon.dev/component"
/* What became of images under each policy, since the replica started: policy/status.h. */
#define FOLLOW_VERDICTS_ANNOTATION "cocoon.dev/image-verdicts"

#define FOLLOW_SETTLE              20000

struct follow_options {
	struct kube *kube;
	const char *namespace;  /* of the installation */
	const char *config_map; /* that holds the settings, key config.yaml; it may not exist */
	void *ctx;
	/* before `changed`, of the same moment; may be NULL */
	void (*policies)(void *ctx, struct policy_set *set);
	void (*changed)(void *ctx, struct catalog *catalog);
	void (*failed)(void *ctx, const char *what, const struct err *why); /* for the log */
};

int follow_start(const struct follow_options *options, struct follow **out, struct err *err)
		__attribute__((nonnull, warn_unused_result));
/* Takes NULL. */
void follow_stop(struct follow *follow);

/* Everything was listed, and policies and a catalog were handed out. */
bool follow_ready(const struct follow *follow) __attribute__((nonnull));

/* The current catalog, borrowed; NULL before the first. */
struct catalog *follow_catalog(const struct follow *follow) __attribute__((nonnull));

/* The policies in force, borrowed; NULL before the first catalog. */
struct policy_set *follow_policies(const struct follow *follow) __attribute__((nonnull));

/* Why the settings could not be read, or NULL. */
const char *follow_settings_problem(const struct follow *follow) __attribute__((nonnull));

/*
 * Calls fn for each profile object: the resource, the form in force (NULL when it never could be read), and what is
 * wrong with the object as it is now (NULL when the form in force is its own).
 */
void follow_each_profile(const struct follow *follow,
		void (*fn)(void *ctx, const json_t *resource, const struct profile *profile,
				const char *problem),
		void *ctx) __attribute__((nonnull(1, 2)));

/* The same for each ImagePolicy object. A form in force that is `broken` refuses what it takes. */
void follow_each_policy(const struct follow *follow,
		void (*fn)(void *ctx, const json_t *resource, const struct image_policy *policy,
				const char *problem),
		void *ctx) __attribute__((nonnull(1, 2)));

/*
 * A text that two followers share when they decide alike: profiles in force by name, generation and bytes, policies by
 * name, generation and hash, and settings. Agent policies do not count: they come all the time, to one follower a moment
 * before the other, and who has one not yet lets its pod wait, which is no other decision but a later one.
 */
void follow_fingerprint(const struct catalog *catalog, const struct policy_set *policies, char out[static 65])
		__attribute__((nonnull));

/* For metrics: events seen and errors met, all watches together. */
struct follow_counts {
	uint64_t events;
	uint64_t relists;
	uint64_t errors;
};
struct follow_counts follow_counts(const struct follow *follow) __attribute__((nonnull));

#endif
