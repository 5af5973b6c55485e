/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "crypto/digest.h"
#include "crypto/layercipher.h"

#include <assert.h>
#include <string.h>

#define BLOCK ((size_t)64 * 1024)

/* One pass on the caller's thread. */
struct run {
	const struct layer_job *job;
	struct pull *in;
	struct stream *out;
	struct layer_ctr ctr;
	struct layer_hash mac;
	struct digest in_digest, out_digest;
	bool has_in, has_out;
	unsigned char *held; /* hold_back + BLOCK bytes */
	size_t held_len;
};

static void run_clear(struct run *run)
{
	layer_ctr_clear(&run->ctr);
	layer_hash_clear(&run->mac);
	digest_clear(&run->in_digest);
	digest_clear(&run->out_digest);
	free(run->held);
}

static int digest_start(struct digest *digest, const char *expected, struct err *err)
{
	struct span rest = span_of(expected), name = SPAN_NONE;
	enum digest_alg alg = DIGEST_SHA256;

	span_next(&rest, ':', &name);
	if (digest_alg_parse(name, &alg, err) < 0)
		return -1;
	digest_init(digest, alg);
	return 0;
}

static void digest_text(struct digest *digest, char out[static 136])
{
	unsigned char bytes[DIGEST_MAX];
	size_t size = digest_size(digest->alg), at = strlen(digest_name(digest->alg));

	digest_done(digest, bytes);
	memcpy(out, digest_name(digest->alg), at);
	out[at] = ':';
	hex_encode_raw(out + at + 1, span_new(bytes, size));
	out[at + 1 + 2 * size] = '\0';
}

static int feed_held(struct run *run, size_t keep, struct err *err)
{
	size_t give = run->held_len > keep ? run->held_len - keep : 0;

	if (!give)
		return 0;
	if (run->out && stream_feed(run->out, span_new(run->held, give), err) < 0)
		return -1;
	memmove(run->held, run->held + give, run->held_len - give);
	run->held_len -= give;
	return 0;
}

static int work_block(struct run *run, unsigned char *block, size_t len, struct err *err)
{
	struct layer_hash *mac[] = { &run->mac };
	const unsigned char *data[] = { block };

	if (run->has_in)
		digest_feed(&run->in_digest, span_new(block, len));
	if (run->job->work == LAYER_DECRYPT)
		layer_hash_feed(mac, data, 1, len);
	if (run->job->work != LAYER_COPY)
		layer_ctr_apply(&run->ctr, block, block, len);
	if (run->job->work == LAYER_ENCRYPT)
		layer_hash_feed(mac, data, 1, len);
	if (run->has_out)
		digest_feed(&run->out_digest, span_new(block, len));
	run->held_len += len;
	return feed_held(run, run->job->hold_back, err);
}

static int work_all(struct run *run, uint64_t *size, struct err *err)
{
	const struct layer_job *job = run->job;

	for (;;) {
		size_t got = 0;
		if (job->stop && __atomic_load_n(job->stop, __ATOMIC_RELAXED))
			return err_set(err, ERR_RETRY, "stopped");
		unsigned char *block = run->held + run->held_len;
		if (pull_read(run->in, block, BLOCK, &got, err) < 0)
			return -1;
		if (!got)
			return 0;
		*size += got;
		if (job->progress)
			job->progress(job->progress_ctx, got);
		if (work_block(run, block, got, err) < 0)
			return -1;
	}
}

static int verdict(struct run *run, struct layer_result *result, struct err *err)
{
	unsigned char mac[LAYER_MAC] = { 0 };
	char digest[136] = "";

	if (run->has_in) {
		digest_text(&run->in_digest, digest);
		if (strcmp(digest, run->job->digest) != 0)
			return err_set(err, ERR_AUTH, "the blob's digest is wrong");
	}
	if (run->job->work != LAYER_COPY)
		layer_hash_done(&run->mac, mac);
	if (run->job->work == LAYER_DECRYPT && !layer_hash_same(mac, run->job->mac))
		return err_set(err, ERR_AUTH, "the layer's HMAC is wrong");
	if (run->job->work == LAYER_ENCRYPT)
		memcpy(result->mac, mac, sizeof(result->mac));
	if (run->has_out)
		digest_text(&run->out_digest, result->digest);
	return 0;
}

int layer_run(const struct layer_job *job, struct pull *in, struct stream *out, struct layer_result *result,
		struct err *err)
{
	__attribute__((cleanup(run_clear))) struct run run = {
		.job = job,
		.in = in,
		.out = out,
		.ctr = LAYER_CTR_NONE,
		.mac = LAYER_HASH_NONE,
		.in_digest = DIGEST_NONE,
		.out_digest = DIGEST_NONE,
		.has_in = job->digest,
		.has_out = job->want_digest,
	};

	assert(job->hold_back <= LAYER_MEMORY_MAX / 4);
	*result = (struct layer_result){ .size = 0, .mac = { 0 }, .digest = "" };
	if (run.has_in && digest_start(&run.in_digest, job->digest, err) < 0)
		return -1;
	if (run.has_out)
		digest_init(&run.out_digest, DIGEST_SHA256);
	if (job->work != LAYER_COPY) {
		layer_ctr_init(&run.ctr, job->key->ptr, job->nonce);
		layer_hash_init(&run.mac, job->key->ptr);
	}
	run.held = xmalloc(job->hold_back + BLOCK);
	if (work_all(&run, &result->size, err) < 0 || verdict(&run, result, err) < 0)
		return -1;
	return feed_held(&run, 0, err);
}
