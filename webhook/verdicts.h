/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many images each policy admitted, warned of, refused and could not judge, since the program started. Counted by
 * the server's thread, and told to the cluster in this replica's Lease by the follower's (FOLLOW_VERDICTS_ANNOTATION):
 *
 *     cocoon.dev/image-verdicts: {"shop":[12,0,3,1]}       admitted, warned, refused, unknown
 *
 * The policy of an image that none takes is "". Dry runs do not count.
 * Bounds: VERDICTS_POLICIES names; what comes later counts under VERDICTS_OTHER, and is not in the Lease.
 * Threads: any.
 */
#ifndef COCOON_WEBHOOK_VERDICTS_H
#define COCOON_WEBHOOK_VERDICTS_H

#include "policy/gate.h"

#include <pthread.h>

#define VERDICTS_POLICIES 100
#define VERDICTS_OTHER    "(other)"
#define VERDICT_KINDS     (GATE_UNKNOWN + 1)

struct verdict_row {
	char policy[254]; /* a name of Kubernetes */
	uint64_t counts[VERDICT_KINDS];
};

struct verdicts {
	pthread_mutex_t lock;
	struct verdict_row *rows; /* the last is VERDICTS_OTHER, when there is one */
	size_t count;
};

void verdicts_init(struct verdicts *verdicts) __attribute__((nonnull));
void verdicts_clear(struct verdicts *verdicts) __attribute__((nonnull));

void verdicts_add(struct verdicts *verdicts, const char *policy, enum gate_verdict verdict)
		__attribute__((nonnull));

/* All rows, as a copy: *out is the caller's. */
size_t verdicts_copy(struct verdicts *verdicts, struct verdict_row **out) __attribute__((nonnull));

/* The annotation's text: a heap string, the caller's. */
char *verdicts_text(struct verdicts *verdicts) __attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
