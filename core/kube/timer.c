/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/timer.h"

#include "base/alloc.h"

#include <stdlib.h>

void timers_clear(struct timers *timers)
{
	for (size_t i = 1; i <= timers->count; i++)
		timers->heap[i]->slot = 0;
	free(timers->heap);
	*timers = (struct timers)TIMERS_NONE;
}

static void place(struct timers *timers, struct timer *timer, size_t slot)
{
	timers->heap[slot] = timer;
	timer->slot = slot;
}

static void rise(struct timers *timers, struct timer *timer)
{
	size_t slot = timer->slot;

	for (; slot > 1 && timers->heap[slot / 2]->at > timer->at; slot /= 2)
		place(timers, timers->heap[slot / 2], slot);
	place(timers, timer, slot);
}

static void sink(struct timers *timers, struct timer *timer)
{
	size_t slot = timer->slot;

	for (;;) {
		size_t child = slot * 2;
		if (child > timers->count)
			break;
		if (child < timers->count && timers->heap[child + 1]->at < timers->heap[child]->at)
			child++;
		if (timers->heap[child]->at >= timer->at)
			break;
		place(timers, timers->heap[child], slot);
		slot = child;
	}
	place(timers, timer, slot);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
	size_t slot = timer->slot;

	if (!slot)
		return;
	struct timer *last = timers->heap[timers->count--];
	timer->slot = 0;
	if (last == timer)
		return;
	place(timers, last, slot);
	rise(timers, last);
	sink(timers, last);
}

void timer_set(struct timers *timers, struct timer *timer, int64_t at)
{
	timer_stop(timers, timer);
	timer->at = at;
	/* slot 0 of the heap stays unused */
	if (timers->count + 2 > timers->room) {
		timers->room = timers->room ? timers->room * 2 : 16;
		timers->heap = xreallocarray(timers->heap, timers->room, sizeof(*timers->heap));
	}
	place(timers, timer, ++timers->count);
	rise(timers, timer);
}

int64_t timers_next(const struct timers *timers)
{
	return timers->count ? timers->heap[1]->at : INT64_MAX;
}

struct timer *timers_take(struct timers *timers, int64_t now)
{
	if (!timers->count || timers->heap[1]->at > now)
		return NULL;
	struct timer *due = timers->heap[1];
	timer_stop(timers, due);
	return due;
}

void timers_run(struct timers *timers, int64_t now)
{
	/* a callback that sets its timer to "now" again must not keep us here */
	size_t most = timers->count;

	for (size_t i = 0; i < most; i++) {
		struct timer *due = timers_take(timers, now);
		if (!due)
			return;
		due->fn(due->ctx);
	}
}
