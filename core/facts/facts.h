/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about images: fetched from registries by threads, kept by digest, shared by all who ask. Facts alone: what a
 * policy makes of them is computed each time (policy/judge.h).
 *
 *     facts_find     what is there now; never waits
 *     facts_fetch    get it; the callback comes when it is there or cannot be had; several who ask share one fetch
 *     facts_get      both, and waits, for a command line
 *
 * What is kept, and how long:
 *     digest → facts        as long as there is room (least recently used go first). After FACTS_FRESH what is asked for is
 *                           given, and read again behind the caller's back: signatures may have been added
 *     name:tag → digest     FACTS_TAG: a tag may move
 *     failures              FACTS_FAILED (Retry-After where the registry said so, at most FACTS_FAILED_MAX), for the same
 *                           credentials alone: "fixed the secret, still refused" lasts seconds
 *
 * Requests: at most `per_host` at a time to one registry, and none to one that answered 429 or 503 before its time; those
 * who wait in vain get ERR_RETRY. A fetch lasts at most FACTS_FETCH_MAX, whoever still waits; it goes on when nobody
 * does, so that the next one finds it. Several policies and pods that want the same image want one fetch.
 *
 * Bounds: `max_bytes` for all facts together (an image takes 2 to 4 KiB), FACTS_WAITING fetches that wait; beyond, the
 * answer is ERR_RETRY at once.
 * Threads: any; callbacks come from the fetching threads, and must not wait. Errors: those of oci/store.h.
 */
#ifndef COCOON_FACTS_FACTS_H
#define COCOON_FACTS_FACTS_H

#include "crypto/secret.h"
#include "policy/image.h"

struct clock;
struct err;
struct facts;

#define FACTS_FRESH      ((int64_t)300 * 1000000) /* microseconds, as all here */
#define FACTS_TAG        ((int64_t)10 * 1000000)
#define FACTS_FAILED     ((int64_t)3 * 1000000)
#define FACTS_FAILED_MAX ((int64_t)60 * 1000000)
#define FACTS_FETCH_MAX  ((int64_t)60 * 1000000)
#define FACTS_WAITING    4096

/* Texts of docker's config.json, in the order in which they are looked into. */
#define FACTS_LOGINS_MAX 32
struct facts_logins {
	struct secret texts[FACTS_LOGINS_MAX];
	size_t count;
};
void facts_logins_clear(struct facts_logins *logins) __attribute__((nonnull));

struct facts_options {
	const struct clock *clock;
	const char *user_agent;
	size_t max_bytes;
	unsigned threads;
	unsigned per_host;
	bool guard; /* addresses that nobody vouched for: see policy/registry.h */
	/* the program's own: docker's files (oci/authfiles.h), looked into behind what `logins` gives; NULL: none */
	const char *auth_file;
	const char *const *auth_files;
	const char *proxy; /* where a policy's registry entry names none; NULL: none */
	const char *no_proxy;
	/* offline: "oci:path[:name]" places; an image that one of them has is read from it */
	const char *const *layouts;
	size_t layout_count;
	/* whose credentials a want has; called in a fetching thread, may wait. NULL: none. ERR_* fails the fetch */
	void *ctx;
	int (*logins)(void *ctx, const struct image_want *want, struct facts_logins *out, struct err *err);
};

int facts_new(const struct facts_options *options, struct facts **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Waits for the fetches that run; those that wait are failed. Takes NULL. */
void facts_free(struct facts *facts);

enum facts_found { FACTS_KNOWN, FACTS_OLD, FACTS_FAILURE, FACTS_ABSENT };

/*
 * KNOWN, OLD (known, and not asked for since `max_age`; 0: FACTS_FRESH): *out is a new reference. FAILURE: *why says,
 * kept from a fetch not long ago. ABSENT: ask for it.
 */
enum facts_found facts_find(struct facts *facts, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why) __attribute__((nonnull(1, 2, 4)));

/* done is called exactly once, from another thread or at once. What is there and younger than max_age is not fetched. */
void facts_fetch(struct facts *facts, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *ctx) __attribute__((nonnull(1, 2, 4)));

int facts_get(struct facts *facts, const struct image_want *want, struct image_facts **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

struct facts_counts {
	uint64_t hits, misses, shared, failures, evicted, throttled;
	size_t images, bytes, waiting, running;
};
struct facts_counts facts_counts(struct facts *facts) __attribute__((nonnull));

#endif
