/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the webhook knows of images, and how it comes to know it: core/facts, with the credentials that the cluster has
 * (cluster/logins.h), read through a connection of its own, so that neither loop waits for it.
 *
 * Threads: any.
 */
#ifndef COCOON_CLUSTER_IMAGES_H
#define COCOON_CLUSTER_IMAGES_H

#include "facts/facts.h"

struct buf;
struct connect;
struct images;

#define IMAGES_PER_HOST \
	8 /* requests to one registry at the same time, at most; and three in eight of the threads */

struct images_options {
	const char *program; /* "webhook": logins_options */
	const char *grant;
	const struct connect *connect;
	const char *namespace; /* of the installation; NULL: the account's */
	int64_t memory;        /* MiB */
	int64_t threads;
	const char *auth_file; /* docker's config.json, with the helpers it names; NULL: none */
};

int images_new(const struct images_options *options, struct images **out, struct err *err)
		__attribute__((nonnull, warn_unused_result));
/* All fetches have called back afterwards. Takes NULL. */
void images_free(struct images *images);

/* facts_find() and facts_fetch(); ctx is the struct images. A refusal says which credentials could not be read. */
enum facts_found images_find(void *ctx, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why) __attribute__((nonnull));
void images_fetch(void *ctx, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *done_ctx) __attribute__((nonnull(1, 2, 4)));

struct facts_counts images_counts(struct images *images) __attribute__((nonnull));
/* Appends them as text for Prometheus. */
void images_format(const struct facts_counts *counts, struct buf *out) __attribute__((nonnull));

#endif
