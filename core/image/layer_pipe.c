/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "image/layer_own.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Blocks that are read before threads are started: a smaller layer is done sooner without. */
#define BEFORE_THREADS 2

enum stage { FILL, WRITE, HASH };

struct task {
	enum stage stage;
	size_t number;      /* of the block */
	size_t first, last; /* the chains, for HASH: all but one at once where there is but one thread */
};

/* ---- ring ---- */

void layer_pipe_init(struct layer_pipe *pipe, struct err *err)
{
	const struct layer_job *job = pipe->job;

	/* of the blocks behind the one that is written, the last one may be short, all others are full */
	pipe->behind = job->hold_back ? (job->hold_back + LAYER_BLOCK - 1) / LAYER_BLOCK + 1 : 0;
	pipe->threads = job->threads;
	pipe->ring = pipe->behind + (job->threads > 1 ? LAYER_DEPTH : 1);
	pipe->blocks = xcalloc(pipe->ring, sizeof(*pipe->blocks));
	pipe->err = err;
	pthread_mutex_init(&pipe->lock, NULL);
	pthread_cond_init(&pipe->changed, NULL);
}

void layer_pipe_clear(struct layer_pipe *pipe)
{
	for (size_t i = 0; i < pipe->ring; i++) {
		if (pipe->blocks[i].side[LAYER_SIDE_OUT] != pipe->blocks[i].side[LAYER_SIDE_IN])
			free(pipe->blocks[i].side[LAYER_SIDE_OUT]);
		free(pipe->blocks[i].side[LAYER_SIDE_IN]);
	}
	free(pipe->blocks);
	pthread_mutex_destroy(&pipe->lock);
	pthread_cond_destroy(&pipe->changed);
}

/* A small layer never comes to have memory for a large one's ring. */
static struct layer_block *block_at(struct layer_pipe *pipe, size_t number)
{
	struct layer_block *block = &pipe->blocks[number % pipe->ring];

	if (!block->side[LAYER_SIDE_IN]) {
		block->side[LAYER_SIDE_IN] = xmalloc(LAYER_BLOCK);
		block->side[LAYER_SIDE_OUT] = pipe->job->work == LAYER_COPY ? block->side[LAYER_SIDE_IN]
									    : xmalloc(LAYER_BLOCK);
	}
	return block;
}

/* ---- stages ---- */

static int fill(struct layer_pipe *pipe, struct layer_block *block, struct err *err)
{
	const struct layer_job *job = pipe->job;
	unsigned char *in = block->side[LAYER_SIDE_IN], *out = block->side[LAYER_SIDE_OUT];
	size_t got = 1;

	for (block->len = 0; got && block->len < LAYER_BLOCK; block->len += got) {
		if (job->stop && atomic_load_explicit(job->stop, memory_order_relaxed))
			return err_set(err, ERR_RETRY, "stopped");
		if (pull_read(pipe->source, in + block->len, LAYER_BLOCK - block->len, &got, err) < 0)
			return -1;
		if (got && job->progress)
			job->progress(job->progress_ctx, got);
	}
	if (job->work != LAYER_COPY)
		layer_ctr_apply(&pipe->ctr, in, out, block->len);
	return 0;
}

static void hash(struct layer_pipe *pipe, const struct task *task)
{
	struct layer_block *block = block_at(pipe, task->number);
	struct layer_hash *hashes[2 * LAYER_CHAINS];
	const unsigned char *data[2 * LAYER_CHAINS];
	size_t count = 0;

	for (size_t i = task->first; i <= task->last; i++) {
		const struct layer_chain *chain = &pipe->chains[i];
		for (size_t j = 0; j < chain->count; j++) {
			hashes[count] = chain->hashes[j];
			data[count++] = block->side[chain->side];
		}
		if (chain->other)
			digest_feed(chain->other, span_new(block->side[chain->side], block->len));
	}
	layer_hash_feed(hashes, data, count, block->len);
}

static int stage_run(struct layer_pipe *pipe, const struct task *task, struct err *err)
{
	struct layer_block *block = block_at(pipe, task->number);

	switch (task->stage) {
	case FILL:
		return fill(pipe, block, err);
	case WRITE:
		return stream_feed(pipe->sink, span_new(block->side[LAYER_SIDE_OUT], block->len), err);
	case HASH:
		hash(pipe, task);
	}
	return 0;
}

/* ---- whose turn it is ---- */

static size_t writable(const struct layer_pipe *pipe)
{
	return pipe->filled > pipe->behind ? pipe->filled - pipe->behind : 0;
}

static bool can_fill(const struct layer_pipe *pipe)
{
	size_t oldest = pipe->sink ? pipe->written : pipe->filled;

	for (size_t i = 0; i < pipe->chain_count; i++)
		if (pipe->chains[i].at < oldest)
			oldest = pipe->chains[i].at;
	return !pipe->ended && !pipe->filling && pipe->filled - oldest < pipe->ring;
}

static bool can_write(const struct layer_pipe *pipe)
{
	return pipe->sink && !pipe->writing && pipe->written < writable(pipe);
}

/* The first chain that has work is the longest one, that of the HMAC. */
static bool can_hash(const struct layer_pipe *pipe, size_t *chain)
{
	for (size_t i = 0; i < pipe->chain_count; i++)
		if (!pipe->chains[i].busy && pipe->chains[i].at < pipe->filled) {
			*chain = i;
			return true;
		}
	return false;
}

static bool at_end(const struct layer_pipe *pipe)
{
	for (size_t i = 0; i < pipe->chain_count; i++)
		if (pipe->chains[i].at < pipe->filled)
			return false;
	return pipe->ended && (!pipe->sink || pipe->written == writable(pipe));
}

/* Takes the most urgent stage that has work. */
static bool choose(struct layer_pipe *pipe, struct task *task)
{
	size_t chain = 0;
	bool hashing = can_hash(pipe, &chain);

	/* whoever hashes must never wait for a block */
	if (can_fill(pipe) && (!hashing || pipe->filled < pipe->chains[0].at + 2)) {
		*task = (struct task){ .stage = FILL, .number = pipe->filled };
		pipe->filling = true;
	} else if (hashing) {
		*task = (struct task){
			.stage = HASH, .number = pipe->chains[chain].at, .first = chain, .last = chain
		};
		if (pipe->threads == 1)
			task->last = pipe->chain_count - 1;
		for (size_t i = task->first; i <= task->last; i++)
			pipe->chains[i].busy = true;
	} else if (can_write(pipe)) {
		*task = (struct task){ .stage = WRITE, .number = pipe->written };
		pipe->writing = true;
	} else {
		return false;
	}
	return true;
}

static void finish(struct layer_pipe *pipe, const struct task *task)
{
	size_t len = pipe->blocks[task->number % pipe->ring].len;

	switch (task->stage) {
	case FILL:
		pipe->filling = false;
		pipe->ended = len < LAYER_BLOCK;
		pipe->filled += len > 0;
		pipe->size += len;
		break;
	case WRITE:
		pipe->writing = false;
		pipe->written++;
		break;
	case HASH:
		for (size_t i = task->first; i <= task->last; i++) {
			pipe->chains[i].busy = false;
			pipe->chains[i].at++;
		}
	}
}

/* ---- threads ---- */

/* Under the lock, which it lets go while it works: one stage of one block. The first failure is the one that counts. */
static void step(struct layer_pipe *pipe, const struct task *task)
{
	struct err err = ERR_NONE;

	pthread_mutex_unlock(&pipe->lock);
	int status = stage_run(pipe, task, &err);
	pthread_mutex_lock(&pipe->lock);
	if (status == 0) {
		finish(pipe, task);
	} else if (!pipe->failed) {
		pipe->failed = true;
		if (pipe->err)
			*pipe->err = err;
	}
	if (pipe->waiting)
		pthread_cond_broadcast(&pipe->changed);
}

static void *work(void *arg)
{
	struct layer_pipe *pipe = arg;
	struct task task;

	pthread_mutex_lock(&pipe->lock);
	while (!pipe->failed && !at_end(pipe)) {
		if (choose(pipe, &task)) {
			step(pipe, &task);
			continue;
		}
		pipe->waiting++;
		pthread_cond_wait(&pipe->changed, &pipe->lock);
		pipe->waiting--;
	}
	pthread_mutex_unlock(&pipe->lock);
	return NULL;
}

/* Signals are for the threads that were there before. */
static unsigned start(struct layer_pipe *pipe, pthread_t *threads)
{
	sigset_t all, before;
	unsigned started = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started + 1 < pipe->threads && pthread_create(&threads[started], NULL, work, pipe) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

int layer_pipe_run(struct layer_pipe *pipe)
{
	pthread_t threads[LAYER_THREADS_MAX];
	unsigned started = 0;

	if (pipe->threads > 1) {
		pthread_mutex_lock(&pipe->lock);
		while (!pipe->ended && !pipe->failed && pipe->filled < BEFORE_THREADS)
			step(pipe, &(struct task){ .stage = FILL, .number = pipe->filled });
		pthread_mutex_unlock(&pipe->lock);
		if (pipe->ended || pipe->failed)
			pipe->threads = 1;
	}
	if (pipe->threads > 1)
		started = start(pipe, threads);
	work(pipe);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return pipe->failed ? -1 : 0;
}

int layer_pipe_release(struct layer_pipe *pipe, struct err *err)
{
	for (; pipe->sink && pipe->written < pipe->filled; pipe->written++) {
		const struct layer_block *block = block_at(pipe, pipe->written);
		if (stream_feed(pipe->sink, span_new(block->side[LAYER_SIDE_OUT], block->len), err) < 0)
			return -1;
	}
	return 0;
}
