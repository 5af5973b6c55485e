/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to registries that are kept open from one fetch to the next, with the roots that their certificates were
 * checked by: the handshakes of a new one take several round trips, and parsing the system's roots 30 ms. A tag is asked
 * for every FACTS_TAG.
 *
 * A client is lent to one fetch at a time, and only to those that speak to the same host in the same way.
 *
 * Private to core/facts. Bounds: SPARES_MAX clients that nobody uses (each up to 2 MiB, for the roots); those idle for
 * longer than SPARES_IDLE go at the next fetch.
 * Threads: any.
 */
#ifndef COCOON_FACTS_SPARES_H
#define COCOON_FACTS_SPARES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct http;
struct image_want;

#define SPARES_MAX  4
#define SPARES_IDLE ((int64_t)60 * 1000000)

/* What must be the same. */
struct spare_key {
	unsigned char identity[32]; /* of the registry's settings */
	bool stranger;
	char host[256];
};

struct spare {
	struct spare_key key;
	struct http *http; /* NULL: free */
	int64_t since;
};

struct spares {
	pthread_mutex_t lock;
	struct spare idle[SPARES_MAX];
};

void spares_init(struct spares *spares) __attribute__((nonnull));
void spares_clear(struct spares *spares) __attribute__((nonnull));

void spare_key_make(const struct image_want *want, const char *host, bool stranger, struct spare_key *out)
		__attribute__((nonnull));

/* The caller's from now on; NULL: there is none. */
struct http *spares_take(struct spares *spares, const struct spare_key *key, int64_t now)
		__attribute__((nonnull));
/* Takes it back, or closes it, or one that has been idle for longer. */
void spares_give(struct spares *spares, const struct spare_key *key, struct http *http, int64_t now)
		__attribute__((nonnull));

#endif
