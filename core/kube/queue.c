/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/queue.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "kube/timer.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MIN INT64_C(5000)
#define BACKOFF_MAX (1000 * CLOCK_SECOND)
#define BUCKET_EACH (CLOCK_SECOND / 10)
#define BUCKET_SIZE 100

/* A key that waits, runs, or has failed. */
struct item {
	char *key; /* first: the tree compares items by it */
	struct item *next;
	struct timer delay;
	struct queue *queue;
	unsigned failures;
	bool dirty;   /* to be taken */
	bool running; /* taken and not done */
};

struct queue {
	const struct clock *clock;
	void *tree; /* of items, by key */
	struct item *first;
	struct item **last;
	size_t ready;
	struct timers delays;
	int64_t bucket; /* when the retries so far would be used up at the bucket's rate */
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->key, ((const struct item *)b)->key);
}

struct queue *queue_new(const struct clock *clock)
{
	struct queue *queue = xcalloc(1, sizeof(*queue));

	queue->clock = clock;
	queue->last = &queue->first;
	return queue;
}

static void item_free(void *item)
{
	free(((struct item *)item)->key);
	free(item);
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	timers_clear(&queue->delays);
	tdestroy(queue->tree, item_free);
	free(queue);
}

static struct item *find(const struct queue *queue, const char *key)
{
	struct item wanted = { .key = (char *)(uintptr_t)key };
	struct item *const *node = tfind(&wanted, &queue->tree, compare);

	return node ? *node : NULL;
}

static struct item *find_or_add(struct queue *queue, const char *key)
{
	struct item *item = find(queue, key);

	if (item)
		return item;
	item = xcalloc(1, sizeof(*item));
	item->key = xstrdup(key);
	item->queue = queue;
	item->delay.ctx = item;
	void *node = tsearch(item, &queue->tree, compare);
	assert(node);
	return item;
}

/* A key of which there is nothing to remember goes. */
static void settle(struct queue *queue, struct item *item)
{
	if (item->dirty || item->running || item->failures || timer_is_set(&item->delay))
		return;
	tdelete(item, &queue->tree, compare);
	item_free(item);
}

static void append(struct queue *queue, struct item *item)
{
	item->next = NULL;
	*queue->last = item;
	queue->last = &item->next;
	queue->ready++;
}

static void make_dirty(struct queue *queue, struct item *item)
{
	if (item->dirty)
		return;
	item->dirty = true;
	if (!item->running)
		append(queue, item);
}

void queue_add(struct queue *queue, const char *key)
{
	make_dirty(queue, find_or_add(queue, key));
}

void queue_add_after(struct queue *queue, const char *key, int64_t delay)
{
	struct item *item = find_or_add(queue, key);
	int64_t at = clock_mono(queue->clock) + delay;

	if (delay <= 0)
		make_dirty(queue, item);
	else if (!timer_is_set(&item->delay) || at < item->delay.at)
		timer_set(&queue->delays, &item->delay, at);
}

/* The wait until the bucket for all keys has a token, which is then taken. */
static int64_t take_token(struct queue *queue)
{
	int64_t now = clock_mono(queue->clock);

	if (queue->bucket < now)
		queue->bucket = now;
	queue->bucket += BUCKET_EACH;
	int64_t wait = queue->bucket - now - BUCKET_SIZE * BUCKET_EACH;
	return wait > 0 ? wait : 0;
}

void queue_retry(struct queue *queue, const char *key, int64_t at_least)
{
	struct item *item = find_or_add(queue, key);
	int64_t wait = BACKOFF_MIN, token = take_token(queue);

	for (unsigned i = 0; i < item->failures && wait < BACKOFF_MAX; i++)
		wait *= 2;
	if (wait > BACKOFF_MAX)
		wait = BACKOFF_MAX;
	item->failures++;
	wait = wait < at_least ? at_least : wait;
	queue_add_after(queue, key, wait < token ? token : wait);
}

void queue_forget(struct queue *queue, const char *key)
{
	struct item *item = find(queue, key);

	if (!item)
		return;
	item->failures = 0;
	settle(queue, item);
}

const char *queue_take(struct queue *queue)
{
	int64_t now = clock_mono(queue->clock);

	for (struct timer *due; (due = timers_take(&queue->delays, now));)
		make_dirty(queue, due->ctx);
	struct item *item = queue->first;
	if (!item)
		return NULL;
	queue->first = item->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->ready--;
	item->dirty = false;
	item->running = true;
	return item->key;
}

void queue_done(struct queue *queue, const char *key)
{
	struct item *item = find(queue, key);

	if (!item || !item->running)
		return;
	item->running = false;
	if (item->dirty)
		append(queue, item);
	else
		settle(queue, item);
}

int64_t queue_due(const struct queue *queue)
{
	return queue->first ? clock_mono(queue->clock) : timers_next(&queue->delays);
}

size_t queue_length(const struct queue *queue)
{
	return queue->ready + queue->delays.count;
}

unsigned queue_failures(const struct queue *queue, const char *key)
{
	const struct item *item = find(queue, key);

	return item ? item->failures : 0;
}
