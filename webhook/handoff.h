/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two threads of the webhook pass each other, as owned values under one lock: the follower gives catalogs,
 * policies and certificates, the server takes them; the server tells which certificate it serves, for the follower to
 * acknowledge, and what it has to say of images, which the follower makes Events of.
 *
 * Bounds: HANDOFF_NOTICES notices wait; further ones are dropped and counted.
 */
#ifndef COCOON_WEBHOOK_HANDOFF_H
#define COCOON_WEBHOOK_HANDOFF_H

#include "base/buf.h"
#include "cluster/follow.h"
#include "crypto/secret.h"
#include "kube/watch.h"
#include "policy/imagepolicy.h"
#include "webhook/verdicts.h"

#include <pthread.h>

#define HANDOFF_NOTICES 256

struct notice;

struct handoff {
	pthread_mutex_t lock;
	struct catalog *catalog;     /* newer than the server's, or NULL */
	struct policy_set *policies; /* likewise */
	struct buf cert;             /* newer than the server's, when key is not empty */
	struct secret key;
	char serving[65];  /* fingerprint of the leaf that the server serves; "" before the first */
	int64_t not_after; /* of that leaf, seconds since 1970 */
	struct follow_counts counts;
	bool failed; /* the follower gave up */
	struct notice *notices, *last_notice;
	size_t notice_count;
	uint64_t notices_dropped;
	struct verdicts verdicts; /* has a lock of its own */
};

void handoff_init(struct handoff *handoff) __attribute__((nonnull));
void handoff_clear(struct handoff *handoff) __attribute__((nonnull));

/* Takes a new reference of the catalog. */
void handoff_give_catalog(struct handoff *handoff, struct catalog *catalog) __attribute__((nonnull));
/* The newest catalog, the caller's, or NULL when there is none since the last call. */
struct catalog *handoff_take_catalog(struct handoff *handoff) __attribute__((nonnull));

/* The same for the policies. */
void handoff_give_policies(struct handoff *handoff, struct policy_set *set) __attribute__((nonnull));
struct policy_set *handoff_take_policies(struct handoff *handoff) __attribute__((nonnull));

/* Moves key; copies cert. */
void handoff_give_cert(struct handoff *handoff, struct span cert, struct secret *key)
		__attribute__((nonnull));
/* False when there is none since the last call. */
bool handoff_take_cert(struct handoff *handoff, struct buf *cert, struct secret *key)
		__attribute__((nonnull));

void handoff_tell_serving(struct handoff *handoff, const char *fingerprint) __attribute__((nonnull));
void handoff_serving(struct handoff *handoff, char out[static 65]) __attribute__((nonnull));

/* Takes the notice over. */
void handoff_give_notice(struct handoff *handoff, struct notice *notice) __attribute__((nonnull));
/* The oldest, the caller's (webhook/report.h), or NULL. */
struct notice *handoff_take_notice(struct handoff *handoff) __attribute__((nonnull));
uint64_t handoff_notices_dropped(struct handoff *handoff) __attribute__((nonnull));

/* What the follower has counted, for metrics; and that it gave up. */
void handoff_tell_counts(struct handoff *handoff, struct follow_counts counts) __attribute__((nonnull));
struct follow_counts handoff_counts(struct handoff *handoff) __attribute__((nonnull));
void handoff_tell_failed(struct handoff *handoff) __attribute__((nonnull));
bool handoff_failed(struct handoff *handoff) __attribute__((nonnull));

#endif
