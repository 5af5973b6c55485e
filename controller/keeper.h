/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps what the API server needs to call the webhook: the certificates in their Secret (cluster/rotation.h), and in
 * the two webhook configurations the CA bundle and the names of confidential RuntimeClasses in every match condition
 * called "confidential-class":
 *
 *     object.spec.runtimeClassName in ["kata-qemu-snp", …]        the list between the brackets is ours
 *
 * Looks every KEEPER_EVERY seconds, and at once when told; writes only what differs, under a test of the
 * resourceVersion. A configuration that is not there is an installation without webhook and stands as it is. Only a
 * leader's keeper runs. With certificates managed by somebody else (cert-manager) it leaves
 * Secret and bundle alone.
 */
#ifndef COCOON_CONTROLLER_KEEPER_H
#define COCOON_CONTROLLER_KEEPER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct keeper;
struct kube;

#define KEEPER_EVERY 10

struct keeper_options {
	struct kube *kube;
	const char *namespace;
	const char *service;
	const char *secret;
	const char *configuration; /* of both kinds */
	bool certificates;         /* ours to manage */
	void *ctx;
	void (*changed)(void *ctx); /* what keeper_state or keeper_covers say may have changed */
};

struct keeper *keeper_new(const struct keeper_options *options) __attribute__((nonnull, returns_nonnull));
void keeper_free(struct keeper *keeper);

/* Whether to work. */
void keeper_run(struct keeper *keeper, bool run) __attribute__((nonnull));

/* The RuntimeClass names that the conditions must list: sorted; a reference is taken. */
void keeper_set_classes(struct keeper *keeper, json_t *names) __attribute__((nonnull));

/* Live webhook replicas: [{"name", "leaf", "trust", "catalog"}]; a reference is taken. */
void keeper_set_replicas(struct keeper *keeper, json_t *replicas) __attribute__((nonnull));

/* True when the configurations stand: bundle and all class names are in them. */
bool keeper_stands(const struct keeper *keeper) __attribute__((nonnull));
/* Why they do not, or what the certificates wait for; "" when all is well. */
const char *keeper_problem(const struct keeper *keeper) __attribute__((nonnull, returns_nonnull));

/* When the leaf in the Secret ends, seconds since 1970; 0 unknown. */
int64_t keeper_leaf_expiry(const struct keeper *keeper) __attribute__((nonnull));

#endif
