/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader election with a Lease (coordination.k8s.io/v1), as client-go does it: who holds the lease may write.
 *
 *     "spec":{"holderIdentity":"<pod>_<random>","leaseDurationSeconds":15,"acquireTime":"…Z","renewTime":"…Z",
 *             "leaseTransitions":0}
 *
 * The lease is created if it is not there, taken when its holder is empty or has not changed the record for the
 * holder's duration, and renewed every `retry`. Age is counted on our own monotonic clock from when we last saw the
 * record change, never from the times in it: clocks differ. Writes are merge patches with the resourceVersion, so
 * that of two who try one gets a 409 and has lost. A lease that cannot be renewed within `deadline` is lost, also
 * without any answer; each request ends before then. It is no fence: a request of the old leader may still arrive,
 * so writes carry preconditions.
 *
 * Units: seconds. Must hold: duration > deadline > 1.2 × retry.
 * `lost` is called at most once after each `elected`; election goes on afterwards. From there on nothing may be
 * written; to exit is the simple way.
 * Ownership: options are copied. Threads: that of its struct kube, in kube_turn().
 * Errors: to `failed`, for the log; nothing ends the election but lease_free.
 */
#ifndef COCOON_KUBE_LEASE_H
#define COCOON_KUBE_LEASE_H

#include <stdbool.h>

struct err;
struct kube;
struct lease;

#define LEASE_DURATION 15
#define LEASE_DEADLINE 10
#define LEASE_RETRY    2

struct lease_handler {
	void *ctx;
	void (*elected)(void *ctx);
	void (*lost)(void *ctx, const char *why);
	void (*failed)(void *ctx, const struct err *failure); /* may be NULL */
	void (*released)(void *ctx);                          /* may be NULL; answers lease_release */
};

struct lease_options {
	const char *namespace;
	const char *name;
	const char *identity; /* of this process: pod name and random suffix */
	int duration;         /* 0: LEASE_DURATION */
	int deadline;         /* 0: LEASE_DEADLINE */
	int retry;            /* 0: LEASE_RETRY */
	struct lease_handler handler;
};

/* ERR_USAGE for bad names or times. The first try is made by the next kube_turn(). */
struct lease *lease_new(struct kube *kube, const struct lease_options *options, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Stops at once, without a word to the server or the handler. Takes NULL. */
void lease_free(struct lease *lease);

/* Stops taking part; a lease that is held is given back (empty holder, one second), best effort, and `lost` is
 * called at once. `released` follows when the answer came, failed, or there was nothing to give back. */
void lease_release(struct lease *lease) __attribute__((nonnull));

/* We hold it, judged at this moment: false as soon as the deadline has passed, even before `lost` was called. */
bool lease_is_held(const struct lease *lease) __attribute__((nonnull));
/* The identity in the record last seen; "" when none or not seen yet. */
const char *lease_holder(const struct lease *lease) __attribute__((nonnull, returns_nonnull));

#endif
