/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed number of threads that do work which waits (for a key broker, a disk), so that a loop does not.
 *
 *     struct workers *workers = workers_new(8, 256);
 *     if (!workers_add(workers, fetch, job)) …             the queue is full: refuse the request
 *
 * Bounds: `queue` jobs that wait. Order: first come, first served. Threads: any may add. A job may add others.
 * The threads block all signals, which a program reads through a descriptor.
 */
#ifndef COCOON_BASE_WORKERS_H
#define COCOON_BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct workers;

int workers_new(unsigned threads, size_t queue, struct workers **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
/* Does what waits, then ends the threads. Takes NULL. */
void workers_free(struct workers *workers);
static inline void workers_release(struct workers **slot)
{
	workers_free(*slot);
}
#define auto_workers __attribute__((cleanup(workers_release)))

/* False, and the job is not taken, when the queue is full. */
bool workers_add(struct workers *workers, void (*job)(void *ctx), void *ctx)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
