/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work to do, as keys: a key waits at most once, never runs twice at a time, and one that is added while it runs
 * waits again when it is done. Level-triggered: a worker takes a key and looks up what there is to do.
 *
 *     queue_add(queue, "shop/web-0");                  a change arrived
 *     while ((key = queue_take(queue)))
 *             … queue_forget(queue, key) on success, queue_retry(queue, key, 0) on failure …
 *             queue_done(queue, key);                   always, last
 *
 * Waits: queue_retry waits 5 ms, doubling for each failure of that key to 1000 s, at least as long as the caller
 * says (Retry-After), and at least as long as a bucket for all retries together allows (10 a second, 100 at once).
 * No locks, no waiting: the loop asks queue_due() how long it may sleep.
 *
 * Units: microseconds, monotonic. Every operation takes O(log n) in the keys known.
 * Bounds: none for the number of keys: they are those of a store that has its own bounds.
 * Ownership: keys are copied. What queue_take returns is borrowed until queue_done.
 */
#ifndef COCOON_KUBE_QUEUE_H
#define COCOON_KUBE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct queue;

struct queue *queue_new(const struct clock *clock)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
/* Takes NULL. */
void queue_free(struct queue *queue);
static inline void queue_release(struct queue **slot)
{
	queue_free(*slot);
}
#define auto_queue __attribute__((cleanup(queue_release)))

void queue_add(struct queue *queue, const char *key) __attribute__((nonnull));
/* Adds the key after the delay; if it waits for a delay already, the earlier time counts. */
void queue_add_after(struct queue *queue, const char *key, int64_t delay) __attribute__((nonnull));
/* Adds the key after its backoff, and not before `at_least` microseconds. */
void queue_retry(struct queue *queue, const char *key, int64_t at_least) __attribute__((nonnull));
/* The key has no failures any more. */
void queue_forget(struct queue *queue, const char *key) __attribute__((nonnull));

/* The next key, first in first out, or NULL when none is due. It counts as running until queue_done. */
const char *queue_take(struct queue *queue) __attribute__((nonnull));
void queue_done(struct queue *queue, const char *key) __attribute__((nonnull));

/* When the next key is due: now or earlier if one waits already, INT64_MAX if none is known. */
int64_t queue_due(const struct queue *queue) __attribute__((nonnull));

/* Keys that wait, with those that wait for a delay. */
size_t queue_length(const struct queue *queue) __attribute__((nonnull));
/* Failures of the key since it was last forgotten. */
unsigned queue_failures(const struct queue *queue, const char *key) __attribute__((nonnull));

#endif
