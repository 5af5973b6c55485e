/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What image/layer.c and image/layer_pipe.c share: a ring of blocks, and the stages that every block goes through.
 *
 *     fill ──► hash by a chain, hash by another, … ──► free for the next fill
 *         └──► write ─────────────────────────────┘
 *
 * Filling reads a block and ciphers it from one side of the block to the other, so that all other stages can have it
 * at once. Each stage takes the blocks in order and is at one at a time; there are more stages than threads, and a
 * thread that is free takes the most urgent stage that has work. Nothing is bound to a thread: what a machine is slow
 * at gets more of the threads' time by itself.
 *
 * A chain is a run of hashes over one side. Blocks are numbered from 0; number n lies at blocks[n % ring].
 */
#ifndef COCOON_IMAGE_LAYER_OWN_H
#define COCOON_IMAGE_LAYER_OWN_H

#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/layercipher.h"
#include "image/layer.h"

#include <pthread.h>

/*
 * Measured from 64 to 512 KiB: handing a smaller block over costs more than it keeps in the cache, a larger one gains
 * no more.
 */
#define LAYER_BLOCK       ((size_t)256 * 1024)
/*
 * Blocks in the ring beside those held back: how far the stages may drift apart before a thread must wait. On a quiet
 * machine six are enough; where other programs want the cores, and a thread loses its own for milliseconds in the
 * middle of a block, twelve save a quarter of the time.
 */
#define LAYER_DEPTH       12
#define LAYER_CHAINS      3
#define LAYER_THREADS_MAX 8

enum layer_side { LAYER_SIDE_IN, LAYER_SIDE_OUT };

struct layer_block {
	unsigned char *side[2]; /* the same twice where nothing is ciphered */
	size_t len;             /* of the last block alone less than LAYER_BLOCK */
};

struct layer_chain {
	enum layer_side side;
	struct layer_hash *hashes[2];
	size_t count;
	struct digest *other; /* a digest that is no SHA-256; NULL: none */
	size_t at;            /* the next block */
	bool busy;
};

struct layer_pipe {
	const struct layer_job *job;
	struct pull *source;
	struct stream *sink; /* NULL: nothing is written */
	struct layer_ctr ctr;
	struct layer_chain chains[LAYER_CHAINS];
	size_t chain_count;
	struct layer_block *blocks;
	size_t ring;
	size_t behind;    /* blocks that writing stays behind filling, for hold_back */
	unsigned threads; /* at work */

	/* from here on under the lock while there are threads */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned waiting;
	size_t filled, written; /* blocks */
	bool filling, writing;
	bool ended; /* the source is */
	bool failed;
	struct err *err;
	uint64_t size;
};

/* The ring, for a pipe whose job, source, sink and chains are set. */
void layer_pipe_init(struct layer_pipe *pipe, struct err *err) __attribute__((nonnull(1)));
void layer_pipe_clear(struct layer_pipe *pipe) __attribute__((nonnull));

/* Everything up to the verdict: all blocks are hashed, and written but for those held back. */
int layer_pipe_run(struct layer_pipe *pipe) __attribute__((nonnull, warn_unused_result));

/* Those held back. */
int layer_pipe_release(struct layer_pipe *pipe, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
