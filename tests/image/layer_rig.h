/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends for layer_run() that a test steers: a source of bytes in memory, cut at will, that can fail; a sink that keeps
 * what it gets and can fail. And the reference, which is OpenSSL's CTR and HMAC over the whole at once.
 */
#ifndef COCOON_TESTS_IMAGE_LAYER_RIG_H
#define COCOON_TESTS_IMAGE_LAYER_RIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "base/random.h"
#include "crypto/digest.h"
#include "image/layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define NEVER    SIZE_MAX
#define RIG_MOST ((size_t)16 * 1024 * 1024)

struct rig_source {
	struct pull pull;
	const unsigned char *bytes;
	size_t len, at;
	size_t piece;   /* at most so many bytes a call; 0: as asked for */
	bool at_random; /* … from 1 on */
	size_t fails_at;
};

static inline int rig_read(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct rig_source *source = (struct rig_source *)self;
	size_t n = source->len - source->at;

	if (source->at >= source->fails_at)
		return err_set(err, ERR_IO, "the source broke");
	if (source->piece && cap > source->piece)
		cap = source->at_random ? 1 + random_below(source->piece) : source->piece;
	if (n > cap)
		n = cap;
	if (n)
		memcpy(out, source->bytes + source->at, n);
	source->at += n;
	*got = n;
	return 0;
}

struct rig_sink {
	struct stream stream;
	struct buf got;
	size_t fails_at;
	int done;
};

static inline int rig_feed(struct stream *self, struct span bytes, struct err *err)
{
	struct rig_sink *sink = (struct rig_sink *)self;

	if (sink->got.len + bytes.len > sink->fails_at)
		return err_set(err, ERR_DENIED, "the sink is full");
	buf_add_span(&sink->got, bytes);
	return buf_check(&sink->got, "the sink", err);
}

static inline int rig_done(struct stream *self, struct err *err)
{
	(void)err;
	((struct rig_sink *)self)->done++;
	return 0;
}

/* A layer, its key, and what must come out. */
struct rig {
	size_t len;
	unsigned char *plain, *cipher;
	struct secret key;
	unsigned char nonce[LAYER_NONCE], mac[LAYER_MAC];
	char plain_digest[136], cipher_digest[136];
	struct rig_source source;
	struct rig_sink sink;
};

static inline void rig_digest(const unsigned char *bytes, size_t len, char out[static 136])
{
	memcpy(out, "sha256:", sizeof("sha256:"));
	digest_hex(DIGEST_SHA256, span_new(bytes, len), out + strlen("sha256:"));
}

static inline void rig_reference(struct rig *rig)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned int size = 0;
	int out = 0;

	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, rig->key.ptr, rig->nonce), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, rig->cipher, &out, rig->plain, (int)rig->len), 1);
	EVP_CIPHER_CTX_free(ctx);
	assert_non_null(HMAC(EVP_sha256(), rig->key.ptr, LAYER_KEY, rig->cipher, rig->len, rig->mac, &size));
	rig_digest(rig->plain, rig->len, rig->plain_digest);
	rig_digest(rig->cipher, rig->len, rig->cipher_digest);
}

/* A layer of noise. */
static inline void rig_init(struct rig *rig, size_t len)
{
	*rig = (struct rig){ .len = len, .key = SECRET_NONE };
	rig->plain = xmalloc(len + 1);
	rig->cipher = xmalloc(len + 1);
	assert_int_equal(secret_random(&rig->key, LAYER_KEY, NULL), 0);
	random_bytes(rig->nonce, sizeof(rig->nonce));
	random_bytes(rig->plain, len);
	buf_init(&rig->sink.got, RIG_MOST);
	rig_reference(rig);
}

static inline void rig_clear(struct rig *rig)
{
	free(rig->plain);
	free(rig->cipher);
	secret_clear(&rig->key);
	buf_clear(&rig->sink.got);
}
#define auto_rig __attribute__((cleanup(rig_clear)))

/* Fresh ends: the source gives the plain or the encrypted bytes. */
static inline void rig_ends(struct rig *rig, enum layer_work work)
{
	rig->source = (struct rig_source){ .pull = { .read = rig_read },
		.bytes = work == LAYER_DECRYPT ? rig->cipher : rig->plain,
		.len = rig->len,
		.fails_at = NEVER };
	buf_reset(&rig->sink.got);
	rig->sink.stream = (struct stream){ .feed = rig_feed, .done = rig_done };
	rig->sink.fails_at = NEVER;
	rig->sink.done = 0;
}

/* A job that must succeed over those ends. */
static inline struct layer_job rig_job(const struct rig *rig, enum layer_work work, unsigned threads)
{
	return (struct layer_job){
		.work = work,
		.key = work == LAYER_COPY ? NULL : &rig->key,
		.nonce = rig->nonce,
		.mac = work == LAYER_DECRYPT ? rig->mac : NULL,
		.digest = work == LAYER_DECRYPT ? rig->cipher_digest : rig->plain_digest,
		.want_digest = true,
		.threads = threads,
	};
}

/* What came out is what had to. */
static inline void rig_check(const struct rig *rig, enum layer_work work, const struct layer_result *result)
{
	const unsigned char *want = work == LAYER_ENCRYPT ? rig->cipher : rig->plain;

	assert_int_equal(result->size, rig->len);
	assert_int_equal(rig->sink.got.len, rig->len);
	if (rig->len)
		assert_memory_equal(rig->sink.got.ptr, want, rig->len);
	assert_string_equal(result->digest, work == LAYER_ENCRYPT ? rig->cipher_digest : rig->plain_digest);
	if (work == LAYER_ENCRYPT)
		assert_memory_equal(result->mac, rig->mac, LAYER_MAC);
	assert_int_equal(rig->sink.done, 0);
}

#endif
