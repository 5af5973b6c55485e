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
 *                           given, and facts_find() has it read again behind the caller's back: signatures may have been
 *                           added
 *     name:tag → digest     FACTS_TAG: a tag may move. Then the tag is asked for, and of the image only what is not known
 *     failures              FACTS_FAILED (Retry-After where the registry said so, at most FACTS_FAILED_MAX), for the same
 *                           credentials alone: "fixed the secret, still refused" lasts seconds
 * Found by the registry's settings, host, repository and digest or tag: what one policy's mirror says is nothing to
 * another's registry. Whose credentials have brought it does not count, for a tag's digest as little as for facts: they
 * are about images, and nobody gets the image by them. Who may not read a private image can come to know its digest in
 * this way, and what a verdict says of its keys and signers, while others use it. What was not looked for yet is fetched
 * together with what was, and alone when that fails. The age of facts is counted from the beginning of their fetch, that
 * of a tag's from when it was asked for.
 *
 * Places: layouts of the options, mirrors, the registry; the next when one fails (a layout: when it does not have the
 * image) or asks for patience. With `offline` the last layout is the last place.
 *
 * Requests: at most `per_host` at a time to one registry, and none to one that answered 429 or 503 before its time
 * (in which its token server counts as the registry, and a signature store does not); who would have to wait longer than 10 s
 * is told so at once, ERR_RETRY. Registries with something to do take turns, and those that no policy names take half
 * of the threads and of the room to wait at most (with `guard`), as pods can name any number of slow ones. What may
 * pass (ERR_IO, ERR_RETRY) is tried three times. A fetch lasts at most FACTS_FETCH_MAX with all its waits and tries,
 * whoever still waits; it goes on when nobody does, so that the next one finds it. Several policies and pods that
 * want the same image want one fetch. A connection that was good stays open for a minute, for the next one.
 *
 * Bounds: `max_bytes` for all that is kept, with the table, of which failures take a sixteenth at most (an image
 * takes 2 to 5 KiB; facts that are in use meanwhile come on top); FACTS_WAITING fetches that wait, half of them for
 * one registry; beyond, the answer is ERR_RETRY at once. While it runs, a fetch takes some 100 KiB, and 22 MiB for the
 * most hostile image: `threads` times that must fit beside the rest.
 * Threads: any; callbacks come from the fetching threads, or from facts_fetch() or facts_free() itself, and must not
 * wait.
 * Ownership: the options are copied, what they point at is borrowed.
 * Errors: those of oci/store.h; ERR_LIMIT (fetch.h).
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
	/* "oci:path[:name]" places: an image that one of them has is read from it */
	const char *const *layouts;
	size_t layout_count;
	bool offline; /* layouts alone, of which there must be one: no mirror and no registry is asked */
	/* whose credentials a want has; called in a fetching thread, may wait. NULL: none. ERR_* fails the fetch */
	void *ctx;
	int (*logins)(void *ctx, const struct image_want *want, struct facts_logins *out, struct err *err);
};

int facts_new(const struct facts_options *options, struct facts **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Ends the fetches that run, within a second or so (a name that is being resolved, and `logins`, are waited for), and fails
 * those that wait; all callbacks have been called. Takes NULL. */
void facts_free(struct facts *facts);

enum facts_found { FACTS_KNOWN, FACTS_OLD, FACTS_FAILURE, FACTS_ABSENT };

/*
 * KNOWN, OLD (known, and not asked for since `max_age`; 0: FACTS_FRESH): *out is a new reference. What is older than
 * FACTS_FRESH is being read again then; who wants younger facts than that, or wants to wait for them, calls facts_fetch().
 * FAILURE: *why says, kept from a fetch not long ago. ABSENT: ask for it; where a fetch is under way and has failed so
 * far, *why says how, and is left alone otherwise.
 */
enum facts_found facts_find(struct facts *facts, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why) __attribute__((nonnull(1, 2, 4)));

/*
 * done is called exactly once, from another thread or at once. What is there and younger than max_age (0: FACTS_FRESH) is
 * not fetched, nor is what failed not long ago.
 */
void facts_fetch(struct facts *facts, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *ctx) __attribute__((nonnull(1, 2, 4)));

int facts_get(struct facts *facts, const struct image_want *want, struct image_facts **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The first are events since the start: shared, who joined another's fetch; throttled, answers that asked for patience, and
 * fetches for which there was no room. The others are how it stands. */
struct facts_counts {
	uint64_t hits, misses, shared, failures, evicted, throttled;
	size_t images, bytes, waiting, running;
};
struct facts_counts facts_counts(struct facts *facts) __attribute__((nonnull));

#endif
