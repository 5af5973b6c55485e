/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often, and after which waits, a request to a registry or its token server is made again.
 *
 * Worth another try: HTTP 429, 500, 502, 503, 504, a connection that failed or was cut. The wait is what the peer asked
 * for (Retry-After), else 0.2 s, doubled each time.
 *
 * Bounds: RETRY_TRIES tries in all; RETRY_WAIT_MAX ms for one wait, as a peer that asks for more is better asked later
 * by a person; RETRY_TOTAL_MAX ms for all waits of one request.
 * Errors: ERR_RETRY, with retry_after where the peer gave one.
 */
#ifndef COCOON_OCI_RETRY_H
#define COCOON_OCI_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct err;

#define RETRY_TRIES     5
#define RETRY_WAIT_MAX  60000
#define RETRY_TOTAL_MAX 120000

/* Waits so many milliseconds. A function, so that tests need not. */
struct retry_sleep {
	int (*wait)(void *ctx, int ms, struct err *err);
	void *ctx;
	bool never; /* nothing is made again: the first failure counts */
};

struct retry {
	const struct retry_sleep *sleep; /* borrowed */
	int tries;                       /* made so far */
	int waited;                      /* ms */
	int64_t until; /* no wait ends later: monotonic clock, microseconds; 0: no such bound */
};

/* The statuses named above. */
bool retry_status(int status);

/* The seconds to wait after an answer of that status: what the peer said. After a 429 that says nothing some, where
 * nothing is made again and the caller has to know. */
int retry_after_status(const struct retry_sleep *sleep, int status, int said) __attribute__((nonnull));

/*
 * One more try has failed: waits, and succeeds when another is due. Else *err says that there were enough. `cause` is
 * for its text ("HTTP 503").
 */
int retry_again(struct retry *retry, const char *cause, int retry_after, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Milliseconds until then, at most `most`, where either may be 0 for none. ERR_RETRY when the moment has passed. */
int retry_left(int64_t until, int most, int *ms, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

#endif
