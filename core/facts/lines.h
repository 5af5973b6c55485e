/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to registries that are kept open from one fetch to the next, with the roots that their certificates were
 * checked by: the handshakes of a new one take several round trips, and parsing the system's roots 30 ms. A tag is asked
 * for every FACTS_TAG.
 *
 * A client is lent to one fetch at a time, and only to those that speak to the same host in the same way.
 *
 * Private to core/facts. Bounds: LINES_MAX clients that nobody uses (each up to 2 MiB, for the roots), for LINES_IDLE.
 * Threads: any.
 */
#ifndef COCOON_FACTS_LINES_H
#define COCOON_FACTS_LINES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct http;
struct image_want;

#define LINES_MAX  4
#define LINES_IDLE ((int64_t)60 * 1000000)

/* What must be the same. */
struct line_key {
	unsigned char identity[32]; /* of the registry's settings */
	bool stranger;
	char host[256];
};

struct idle_line {
	struct line_key key;
	struct http *http; /* NULL: free */
	int64_t since;
};

struct wires {
	pthread_mutex_t lock;
	struct idle_line idle[LINES_MAX];
};

void wires_init(struct wires *lines) __attribute__((nonnull));
void wires_clear(struct wires *lines) __attribute__((nonnull));

void line_key_make(const struct image_want *want, const char *host, bool stranger, struct line_key *out)
		__attribute__((nonnull));

/* The caller's from now on; NULL: there is none. */
struct http *wires_take(struct wires *lines, const struct line_key *key, int64_t now)
		__attribute__((nonnull));
/* Takes it back, or closes it, or one that has been idle for longer. */
void wires_give(struct wires *lines, const struct line_key *key, struct http *http, int64_t now)
		__attribute__((nonnull));

#endif
