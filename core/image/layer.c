/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer.h"

#include "base/err.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/layercipher.h"
#include "image/layer_own.h"

#include <assert.h>
#include <string.h>

/* With that many threads every hash gets its own: none of them waits for another's turn. */
#define THREADS_FOR_EACH 4

_Static_assert((LAYER_MEMORY_MAX / 4 / LAYER_BLOCK + 1 + LAYER_DEPTH) * 2 * LAYER_BLOCK <= LAYER_MEMORY_MAX,
		"the ring with the most that can be held back");

struct run {
	struct layer_pipe pipe;
	struct layer_hash mac;
	struct layer_hash digests[2]; /* SHA-256 of what comes in and of what goes out, where wanted */
	struct digest other;          /* of what comes in, where it is not SHA-256 */
	enum digest_alg in_alg;
};

static void run_clear(struct run *run)
{
	layer_pipe_clear(&run->pipe);
	layer_ctr_clear(&run->pipe.ctr);
	layer_hash_clear(&run->mac);
	layer_hash_clear(&run->digests[LAYER_SIDE_IN]);
	layer_hash_clear(&run->digests[LAYER_SIDE_OUT]);
	digest_clear(&run->other);
}

/* ---- which hashes there are, and how they are laid into chains ---- */

static int find_alg(const char *digest, enum digest_alg *alg, struct err *err)
{
	struct span rest = span_of(digest), name = SPAN_NONE;

	span_next(&rest, ':', &name);
	return digest_alg_parse(name, alg, err);
}

/* A chain of its own, or one more hash on the chain before. */
static void lay(struct layer_pipe *pipe, enum layer_side side, struct layer_hash *hash, bool own)
{
	struct layer_chain *chain = pipe->chains + pipe->chain_count - (own ? 0 : 1);

	if (own)
		pipe->chain_count++;
	chain->side = side;
	chain->hashes[chain->count++] = hash;
}

static void lay_cipher(struct run *run, enum layer_side side, bool digest)
{
	struct layer_pipe *pipe = &run->pipe;
	const struct layer_job *job = pipe->job;

	layer_ctr_init(&pipe->ctr, job->key->ptr, job->nonce);
	layer_hash_init(&run->mac, job->key->ptr, true);
	lay(pipe, side, &run->mac, true);
	if (digest)
		lay(pipe, side, &run->digests[side], !run->mac.lanes || job->threads >= THREADS_FOR_EACH);
}

static void lay_out(struct run *run)
{
	struct layer_pipe *pipe = &run->pipe;
	const struct layer_job *job = pipe->job;
	bool want[2] = { job->digest && run->in_alg == DIGEST_SHA256, job->want_digest };
	enum layer_side cipher = job->work == LAYER_DECRYPT ? LAYER_SIDE_IN : LAYER_SIDE_OUT;
	enum layer_side plain = cipher == LAYER_SIDE_IN ? LAYER_SIDE_OUT : LAYER_SIDE_IN;

	/* of a copy both digests are the same */
	if (job->work == LAYER_COPY) {
		want[LAYER_SIDE_IN] |= want[LAYER_SIDE_OUT];
		want[LAYER_SIDE_OUT] = false;
	}
	for (int i = 0; i < 2; i++)
		if (want[i])
			layer_hash_init(&run->digests[i], NULL, true);
	if (job->work != LAYER_COPY)
		lay_cipher(run, cipher, want[cipher]);
	if (want[plain])
		lay(pipe, plain, &run->digests[plain], true);
	if (job->digest && run->in_alg != DIGEST_SHA256) {
		digest_init(&run->other, run->in_alg);
		pipe->chains[pipe->chain_count++] =
				(struct layer_chain){ .side = LAYER_SIDE_IN, .other = &run->other };
	}
}

/* ---- verdict ---- */

static void digest_text(enum digest_alg alg, const unsigned char *bytes, char out[static 136])
{
	size_t size = digest_size(alg), at = strlen(digest_name(alg));

	memcpy(out, digest_name(alg), at);
	out[at] = ':';
	hex_encode_raw(out + at + 1, span_new(bytes, size));
	out[at + 1 + 2 * size] = '\0';
}

/* The digest that was expected of what came in. */
static int judge_digest(struct run *run, char digest[static 136], struct err *err)
{
	unsigned char bytes[DIGEST_MAX];

	if (run->in_alg == DIGEST_SHA256)
		layer_hash_done(&run->digests[LAYER_SIDE_IN], bytes);
	else
		digest_done(&run->other, bytes);
	digest_text(run->in_alg, bytes, digest);
	if (strcmp(digest, run->pipe.job->digest) != 0)
		return err_set(err, ERR_AUTH, "the blob's digest is wrong");
	return 0;
}

static int verdict(struct run *run, struct layer_result *result, struct err *err)
{
	const struct layer_job *job = run->pipe.job;
	enum layer_side out = job->work == LAYER_COPY ? LAYER_SIDE_IN : LAYER_SIDE_OUT;
	unsigned char bytes[LAYER_HASH_SIZE];
	char digest[136] = "";

	if (job->digest && judge_digest(run, digest, err) < 0)
		return -1;
	if (job->work != LAYER_COPY)
		layer_hash_done(&run->mac, bytes);
	if (job->work == LAYER_DECRYPT && !layer_hash_same(bytes, job->mac))
		return err_set(err, ERR_AUTH, "the layer's HMAC is wrong");
	if (job->work == LAYER_ENCRYPT)
		memcpy(result->mac, bytes, sizeof(result->mac));
	result->size = run->pipe.size;
	if (!job->want_digest)
		return 0;
	if (out == LAYER_SIDE_IN && job->digest && run->in_alg == DIGEST_SHA256) {
		memcpy(result->digest, digest, sizeof(result->digest));
		return 0;
	}
	layer_hash_done(&run->digests[out], bytes);
	digest_text(DIGEST_SHA256, bytes, result->digest);
	return 0;
}

int layer_run(const struct layer_job *job, struct pull *in, struct stream *out, struct layer_result *result,
		struct err *err)
{
	enum digest_alg in_alg = DIGEST_SHA256;

	assert(job->hold_back <= LAYER_MEMORY_MAX / 4);
	assert(job->threads >= 1 && job->threads <= LAYER_THREADS_MAX);
	assert(job->work == LAYER_COPY || job->key->len == LAYER_CTR_KEY);
	if (job->digest && find_alg(job->digest, &in_alg, err) < 0)
		return -1;

	__attribute__((cleanup(run_clear))) struct run run = {
		.pipe = { .job = job, .source = in, .sink = out, .ctr = LAYER_CTR_NONE },
		.mac = LAYER_HASH_NONE,
		.digests = { LAYER_HASH_NONE, LAYER_HASH_NONE },
		.other = DIGEST_NONE,
		.in_alg = in_alg,
	};
	struct layer_result found = { .size = 0, .mac = { 0 }, .digest = "" };
	lay_out(&run);
	layer_pipe_init(&run.pipe, err);
	if (layer_pipe_run(&run.pipe) < 0 || verdict(&run, &found, err) < 0 ||
			layer_pipe_release(&run.pipe, err) < 0)
		return -1;
	*result = found;
	return 0;
}
