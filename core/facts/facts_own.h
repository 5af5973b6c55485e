/* SPDX-License-Identifier: Apache-2.0 */
/* What facts.c (what callers do) and flight.c (what the threads do) share; for them and their tests alone. */
#ifndef COCOON_FACTS_FACTS_OWN_H
#define COCOON_FACTS_FACTS_OWN_H

#include "facts/cache.h"
#include "facts/facts.h"
#include "facts/places.h"
#include "facts/spares.h"
#include "facts/turns.h"

#include <pthread.h>

#define FLIGHT_TRIES    3
#define FLIGHT_PAUSE    ((int64_t)250 * 1000) /* before the second try, and twice that before the third */
#define FACTS_THREADS   64
#define FACTS_BYTES_MIN ((size_t)1024 * 1024)

/* How one try is made; tests have their own. */
typedef int (*facts_fetcher)(const struct facts_options *options, const struct places_try *try,
		struct image_facts **out, struct err *err);

struct facts {
	struct facts_options options;
	facts_fetcher fetch;
	uint64_t seed[2];
	atomic_bool ending;
	struct spares spares;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something may be due; on the system's monotonic clock */
	struct cache cache;
	struct turns turns;
	struct shared_settings *settings;
	struct facts_counts counts; /* the events alone */
	unsigned thread_count;
	pthread_t threads[FACTS_THREADS];
};

int facts_new_with(const struct facts_options *options, facts_fetcher fetch, struct facts **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
/* The clock of the options has been set: threads look at it again. */
void facts_wake(struct facts *facts) __attribute__((nonnull));

/* A thread's life. */
void *flight_main(void *facts) __attribute__((nonnull));
/* Under the lock: waits from now on for a turn at that place, or at a later one when that has asked for patience. */
void flight_go(struct facts *facts, struct flight *flight, size_t place, bool front) __attribute__((nonnull));
/* Under the lock, which is let go meanwhile: gives what waits its failure. */
void flight_fail_waiting(struct facts *facts, bool all) __attribute__((nonnull));

/* ---- under the lock ---- */

/* What is kept of a digest and covers the want, or NULL. */
struct entry *facts_lookup(struct facts *facts, const struct image_want *want, const char *digest)
		__attribute__((nonnull));
/* The same by what the want names; *asked is when the tag was, INT64_MAX without one. */
struct entry *facts_lookup_name(struct facts *facts, const struct image_want *want, int64_t now,
		int64_t *asked) __attribute__((nonnull));

#endif
