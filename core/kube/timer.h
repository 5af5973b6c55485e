/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things to do at a time: a heap of timers that their owners embed in their own structs. It knows no clock and
 * never waits; who turns the loop asks for the next time and runs what is due.
 *
 *     struct lease { struct timer retry; … };
 *     lease->retry = (struct timer){ .fn = try_again, .ctx = lease };
 *     timer_set(timers, &lease->retry, now + 2 * CLOCK_SECOND);      again before it ran: moves it
 *
 * Units: microseconds of the monotonic clock (base/clock.h). Setting and stopping take O(log n).
 * Ownership: the timer is its owner's, who stops it before it goes. A callback may set and stop any timer.
 */
#ifndef COCOON_KUBE_TIMER_H
#define COCOON_KUBE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	void (*fn)(void *ctx);
	void *ctx;
	int64_t at;
	size_t slot; /* place in the heap, from 1; 0: not set */
};

struct timers {
	struct timer **heap;
	size_t count;
	size_t room;
};

#define TIMERS_NONE                                 \
	{                                           \
		.heap = NULL, .count = 0, .room = 0 \
	}

/* Forgets all timers without running them. */
void timers_clear(struct timers *timers) __attribute__((nonnull));

void timer_set(struct timers *timers, struct timer *timer, int64_t at) __attribute__((nonnull));
void timer_stop(struct timers *timers, struct timer *timer) __attribute__((nonnull));

static inline bool timer_is_set(const struct timer *timer)
{
	return timer->slot > 0;
}

/* The time of the earliest timer, or INT64_MAX. */
int64_t timers_next(const struct timers *timers) __attribute__((nonnull));

/* The earliest timer if it is due, no longer set; NULL when none is. */
struct timer *timers_take(struct timers *timers, int64_t now) __attribute__((nonnull));

/* Runs what is due now, in order of time; a timer that a callback sets waits for the next call. */
void timers_run(struct timers *timers, int64_t now) __attribute__((nonnull));

#endif
