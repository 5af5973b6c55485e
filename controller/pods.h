/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confidential pods of the cluster, each as the little that decisions on it need: names, label set, protected
 * annotations, and of its init-data the fingerprint alone. Whole objects are never kept; pods that are not
 * confidential are not kept at all.
 *
 *     a record    ~100 bytes and its name; label and annotation sets, namespaces and classes are shared
 *
 * A pod's class cannot change, but which classes are confidential can: then the caller lists all pods again.
 *
 * Cost: pods_put and pods_delete O(1); pods_rejudge, pods_sweep and pods_tally O(pods).
 * Threads: one.
 */
#ifndef COCOON_CONTROLLER_PODS_H
#define COCOON_CONTROLLER_PODS_H

#include "controller/intern.h"
#include "profile/decide.h"

struct pods;

#define PODS_UID_MAX 37

struct pod_record {
	struct pod_record *next;
	struct interned *namespace;
	struct interned *class;
	struct interned *labels;      /* JSON, or NULL for none */
	struct interned *annotations; /* JSON: the protected ones without init-data, or NULL */
	struct interned *fingerprint; /* 32 bytes, or NULL for no init-data */
	struct interned *profile;     /* name of the one it gets today, or NULL */
	int64_t gated_since;          /* monotonic microseconds; 0: is not gated */
	unsigned char state;          /* enum pod_state */
	bool bound;                   /* to a node */
	bool seen;                    /* by the list that runs */
	char uid[PODS_UID_MAX];
	char name[];
};

/* Told when a pod is new, gone (why is NULL), its state is another than before, or it was put while it waits. `why` says why for POD_DRIFTED and POD_UNPROTECTED. */
struct pods_handler {
	void *ctx;
	void (*changed)(void *ctx, const struct pod_record *record, enum pod_state before, const char *why);
};

struct pods *pods_new(const struct pods_handler *handler) __attribute__((nonnull, returns_nonnull));
void pods_free(struct pods *pods);

/* An object of the watch, listed or changed. Pods that have ended count as gone. */
void pods_put(struct pods *pods, const struct catalog *catalog, const json_t *pod, int64_t now)
		__attribute__((nonnull));
void pods_delete(struct pods *pods, const char *namespace, const char *name) __attribute__((nonnull));

/* A full list: begins with all records unseen, ends with those forgotten that were not put in between. */
void pods_begin(struct pods *pods) __attribute__((nonnull));
void pods_sweep(struct pods *pods) __attribute__((nonnull));

/* Judges every record anew, after the catalog changed. */
void pods_rejudge(struct pods *pods, const struct catalog *catalog) __attribute__((nonnull));

void pods_each(const struct pods *pods, void (*fn)(void *ctx, const struct pod_record *record), void *ctx)
		__attribute__((nonnull(1, 2)));
size_t pods_count(const struct pods *pods) __attribute__((nonnull));

/* Counts by state, all profiles together; index by enum pod_state. oldest: the longest-gated pod's since, or 0. */
struct pods_tally {
	size_t states[POD_UNPROTECTED + 1];
	int64_t oldest_gate;
};
struct pods_tally pods_tally(const struct pods *pods) __attribute__((nonnull));

#endif
