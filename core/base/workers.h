/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed number of threads that do work which waits (for a key broker, a disk), so that a loop does not.
 *
 *     if (workers_new(8, 256, &workers, err) < 0) …
 *     if (!workers_add(workers, fetch, job)) …             the queue is full: refuse the request
 *
 * Bounds: `queue` jobs that wait, beside one for each thread that is being done; WORKERS_THREADS_MAX, WORKERS_QUEUE_MAX.
 * Order: first come, first served. Threads: any may add. A job may add others, also while workers_free() waits.
 * The threads block all signals, which a program reads through a descriptor.
 * Ownership: a job's ctx is the job's. Errors: ERR_USAGE (no threads, no queue, too many), ERR_IO (no thread to be had).
 */
#ifndef COCOON_BASE_WORKERS_H
#define COCOON_BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct workers;

#define WORKERS_THREADS_MAX 256
#define WORKERS_QUEUE_MAX   65536

int workers_new(unsigned threads, size_t queue, struct workers **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
/* Does what waits, then ends the threads. Takes NULL. Not from within a job. */
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
