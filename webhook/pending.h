/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reviews, and those of them that wait for facts about images.
 *
 *     review ──▶ judged ──▶ all is known ──▶ answered at once
 *                  ▲  └──▶ facts are missing: each is asked for, and the review waits
 *                  └─────────── all that were asked for have come, or its deadline is near
 *
 * A review is judged by the same pure function each time (webhook/review.h), by the catalog and the policies of the
 * moment when it arrived. At its deadline it is judged with what is there; what is not is GATE_FAILED, and the policy's
 * onUnknown says what that means. The fetches go on for those who come later: for an image that somebody has waited for
 * in vain, for PENDING_LONG at least, nobody of the same namespace waits longer than PENDING_PATIENCE in the next
 * PENDING_SILENT; nor does a review that will be refused whatever comes (gate_result.doomed). So the two reviews of one
 * pod, mutating and validating, do not each take their full time for a registry that says nothing.
 * Nobody is refused by facts that are older than PENDING_OLD: they are asked for once more first.
 *
 * It knows neither sockets nor registries: both are callbacks. It keeps no time: its owner calls pending_expire() at
 * pending_next().
 * Bounds: `max` reviews that wait, half of them for one registry, so that a slow one does not take the places of all others,
 * with bodies of `max_bytes` together; further ones are judged at once with what is there.
 * Threads: the owner's. `fetch` may call back from any thread, also before it returns; then `wake` is called from there.
 */
#ifndef COCOON_WEBHOOK_PENDING_H
#define COCOON_WEBHOOK_PENDING_H

#include "base/err.h"
#include "base/metrics.h"
#include "facts/facts.h"
#include "webhook/review.h"

#define PENDING_OLD      (3 * (int64_t)1000000) /* microseconds */
#define PENDING_ROUNDS   8                      /* a tag that moves with every look is judged as it is */
#define PENDING_PATIENCE (3 * (int64_t)1000000) /* three tries of a fetch that fails fit in */
#define PENDING_LONG     (5 * (int64_t)1000000)
#define PENDING_SILENT   (30 * (int64_t)1000000)

struct clock;
struct pending;
struct pending_job;

struct pending_review {
	enum review_path path;
	struct span body;
	struct catalog *catalog;
	struct policy_set *policies;
	const char *controller_user;
	int64_t began, deadline; /* monotonic, microseconds */
};

struct pending_options {
	const struct clock *clock;
	size_t max, max_bytes;
	/* as facts_find() and facts_fetch(); their ctx is `images` */
	void *images;
	enum facts_found (*find)(void *images, const struct image_want *want, int64_t max_age,
			struct image_facts **out, struct err *why);
	void (*fetch)(void *images, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
			void *done_ctx);
	void *ctx;
	/* pending_turn() has something to do; from any thread */
	void (*wake)(void *ctx);
	/* the answer to a review that waited; `later` is pending_keep()'s. It may take the body over */
	void (*answer)(void *ctx, void *later, const struct pending_review *review,
			struct review_result *result, struct buf *body);
};

struct pending *pending_new(const struct pending_options *options)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* All fetches have called back, and no review waits any more (pending_end()). Takes NULL. */
void pending_free(struct pending *pending);

/*
 * Judges. NULL: the answer is in result and out. Else the review waits, which pending_keep() must follow; what it
 * borrowed is copied. *result is cleared by the caller in both cases.
 */
struct pending_job *pending_ask(struct pending *pending, const struct pending_review *review,
		struct review_result *result, struct buf *out) __attribute__((nonnull, warn_unused_result));
void pending_keep(struct pending *pending, struct pending_job *job, void *later) __attribute__((nonnull));

/* Judges those whose facts have come; after `wake`. */
void pending_turn(struct pending *pending) __attribute__((nonnull));

/* When the next one has to be judged, or INT64_MAX; and judges those for whom it is time. */
int64_t pending_next(const struct pending *pending) __attribute__((nonnull));
void pending_expire(struct pending *pending, int64_t now) __attribute__((nonnull));

/* Judges all that wait; from now on nobody waits. */
void pending_end(struct pending *pending) __attribute__((nonnull));

struct pending_counts {
	size_t waiting;
	uint64_t deferred;
	uint64_t late;                   /* judged at the deadline */
	uint64_t crowded;                /* judged at once, as too many waited */
	uint64_t failures[ERR_BUG + 1];  /* look-ups that found a failure, by its kind */
	struct metric_histogram facts;   /* how long reviews waited */
	struct metric_histogram judging; /* their last judgement */
};
const struct pending_counts *pending_counts(const struct pending *pending)
		__attribute__((nonnull, returns_nonnull));

#endif
