/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches that wait for their turn, and those that run. A host has `per_host` turns at a time, and none before the time
 * that it named (Retry-After); hosts with something to do take turns, so that a slow one, or one with a thousand images,
 * delays nobody else. No thread waits for a host: who is free takes what is due.
 *
 * Two fetches of one image do not run together, also when their credentials differ: the second may find that it has
 * nothing left to do.
 *
 * Private to core/facts: values in, values out; the caller locks and says what time it is. Bounds: `most` that wait;
 * half of that at one host, and half of that, and of the threads, at hosts that nobody has named.
 */
#ifndef COCOON_FACTS_TURNS_H
#define COCOON_FACTS_TURNS_H

#include "facts/held.h"
#include "facts/key.h"

struct host;

struct waiter {
	struct waiter *next;
	void (*done)(void *ctx);
	void *ctx;
	/* who waits in facts_get() takes it with him; NULL: nobody does */
	struct image_facts **out;
	struct err *err;
};

struct flight {
	struct flight *next;  /* of its host */
	struct flight *same;  /* of its bucket */
	struct host *host;    /* where it waits or runs */
	struct held held;     /* what is wanted */
	struct key key;       /* without credentials */
	uint64_t credentials; /* key_credentials() */
	struct waiter *waiters;
	int64_t max_age;  /* of what would do instead */
	int64_t deadline; /* for all of it */
	int64_t ready;    /* not before */
	int64_t started;  /* this time; while it runs */
	size_t place;     /* which of places.h is asked */
	char *said;       /* why the last try failed; NULL: none has */
	unsigned tries;   /* at that place */
	bool running;
	bool narrow;   /* looks for nothing but what was asked for */
	bool stranger; /* nobody has named its host */
};

#define TURNS_BUCKETS 1024

struct turns {
	struct host *first, *last; /* who was served last stands last */
	struct flight *buckets[TURNS_BUCKETS];
	size_t waiting, running, most;
	size_t waiting_strangers;
	unsigned per_host;
	unsigned strangers, most_strangers; /* that run; 0: any number */
	int64_t soonest;                    /* no deadline of those that wait is before */
};

void turns_init(struct turns *turns, size_t most, unsigned per_host, unsigned most_strangers)
		__attribute__((nonnull));
/* Nothing waits or runs any more. */
void turns_clear(struct turns *turns) __attribute__((nonnull));

/*
 * A flight that would do for somebody who wants this, no older than max_age: one that waits (its want can be widened), or one
 * that runs, has not begun before that, and looks for enough.
 */
struct flight *turns_find(const struct turns *turns, const struct key *key, uint64_t credentials,
		const struct image_want *want, int64_t now, int64_t max_age) __attribute__((nonnull));

/* Has it room for one more at that host ("" for none: files)? */
bool turns_has_room(const struct turns *turns, const char *host, bool stranger) __attribute__((nonnull));
/* Waits from now on at that host; `front`: it has waited before. */
void turns_add(struct turns *turns, struct flight *flight, const char *host, bool front)
		__attribute__((nonnull));

/* Takes what is due; it runs from now on. NULL: nothing is, and *wake is when to ask again (INT64_MAX: after a change). */
struct flight *turns_next(struct turns *turns, int64_t now, int64_t *wake) __attribute__((nonnull));
/* One that waited beyond its deadline, or any when `all`: it is out of the queue. NULL: none. */
struct flight *turns_expired(struct turns *turns, int64_t now, bool all) __attribute__((nonnull));
/* It runs no longer, and is out of the queue. */
void turns_done(struct turns *turns, struct flight *flight) __attribute__((nonnull));

/* The flight's host is not asked before then. */
void turns_hold(const struct flight *flight, int64_t until) __attribute__((nonnull));
/* One that waits at the flight's host, the first: it is out of the queue. NULL: none. */
struct flight *turns_leave(struct turns *turns, const struct flight *flight) __attribute__((nonnull));
/* Until when a host is not asked; 0 for a host that may be. */
int64_t turns_held(const struct turns *turns, const char *host) __attribute__((nonnull));

#endif
