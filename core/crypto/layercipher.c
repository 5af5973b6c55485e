/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/layercipher.h"

#include "crypto/ossl.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* what one call of OpenSSL, whose lengths are int, is given */
#define PIECE ((size_t)1 << 30)

void layer_ctr_init(struct layer_ctr *ctr, const unsigned char key[static LAYER_CTR_KEY],
		const unsigned char nonce[static LAYER_CTR_NONCE])
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);

	ctr->ctx = EVP_CIPHER_CTX_new();
	if (!aes || !ctr->ctx || EVP_EncryptInit_ex2(ctr->ctx, aes, key, nonce, NULL) != 1)
		ossl_abort("starting AES-256-CTR");
	EVP_CIPHER_free(aes);
}

void layer_ctr_clear(struct layer_ctr *ctr)
{
	int saved = errno;

	EVP_CIPHER_CTX_free(ctr->ctx);
	ctr->ctx = NULL;
	errno = saved;
}

void layer_ctr_apply(struct layer_ctr *ctr, const unsigned char *in, unsigned char *out, size_t len)
{
	while (len) {
		size_t piece = len < PIECE ? len : PIECE;
		int got = 0;
		if (EVP_EncryptUpdate(ctr->ctx, out, &got, in, (int)piece) != 1 || (size_t)got != piece)
			ossl_abort("AES-256-CTR");
		in += piece;
		out += piece;
		len -= piece;
	}
}

/* The first block of either of HMAC's hashes (RFC 2104, 2). */
static void pad_key(const unsigned char *key, unsigned char pad, unsigned char block[static LAYER_HASH_BLOCK])
{
	memset(block, pad, LAYER_HASH_BLOCK);
	for (size_t i = 0; i < LAYER_CTR_KEY; i++)
		block[i] ^= key[i];
}

void layer_hash_init(struct layer_hash *hash, const unsigned char *key, bool lanes)
{
	unsigned char block[LAYER_HASH_BLOCK];

	*hash = (struct layer_hash)LAYER_HASH_NONE;
	hash->lanes = lanes && sha256_lanes_usable();
	hash->lane = sha256_lane_start;
	if (!hash->lanes)
		digest_init(&hash->digest, DIGEST_SHA256);
	if (!key)
		return;
	hash->keyed = true;
	digest_init(&hash->outer, DIGEST_SHA256);
	pad_key(key, 0x5c, block);
	digest_feed(&hash->outer, span_new(block, sizeof(block)));
	pad_key(key, 0x36, block);
	layer_hash_feed(&hash, (const unsigned char *[]){ block }, 1, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

void layer_hash_clear(struct layer_hash *hash)
{
	digest_clear(&hash->digest);
	digest_clear(&hash->outer);
	OPENSSL_cleanse(hash, sizeof(*hash));
	*hash = (struct layer_hash)LAYER_HASH_NONE;
}

/* One hash, wherever its blocks begin. */
static void feed_one(struct layer_hash *hash, const unsigned char *data, size_t len)
{
	struct sha256_lane *lane = &hash->lane;
	size_t used = hash->size % LAYER_HASH_BLOCK, more = LAYER_HASH_BLOCK - used;
	const unsigned char *tail = hash->tail;

	hash->size += len;
	if (!hash->lanes) {
		digest_feed(&hash->digest, span_new(data, len));
		return;
	}
	if (used && len >= more) {
		memcpy(hash->tail + used, data, more);
		sha256_lanes_run(&lane, &tail, 1, 1);
		data += more;
		len -= more;
		used = 0;
	}
	if (len >= LAYER_HASH_BLOCK) {
		sha256_lanes_run(&lane, &data, 1, len / LAYER_HASH_BLOCK);
		data += len - len % LAYER_HASH_BLOCK;
		len %= LAYER_HASH_BLOCK;
	}
	if (len)
		memcpy(hash->tail + used, data, len);
}

void layer_hash_feed(struct layer_hash *const hashes[], const unsigned char *const data[], size_t count,
		size_t len)
{
	struct sha256_lane *lanes[SHA256_LANES_MAX];
	size_t whole = len - len % LAYER_HASH_BLOCK;

	assert(count <= SHA256_LANES_MAX);
	for (size_t i = 0; i < count; i++) {
		lanes[i] = &hashes[i]->lane;
		if (!hashes[i]->lanes || hashes[i]->size % LAYER_HASH_BLOCK)
			whole = 0;
	}
	if (count && whole)
		sha256_lanes_run(lanes, data, count, whole / LAYER_HASH_BLOCK);
	for (size_t i = 0; i < count; i++) {
		hashes[i]->size += whole;
		feed_one(hashes[i], data[i] + whole, len - whole);
	}
}

/* The padding of FIPS 180-4, 5.1.1: a one, zeros, the number of bits. */
static void finish_lane(struct layer_hash *hash, unsigned char out[static LAYER_HASH_SIZE])
{
	unsigned char end[2 * LAYER_HASH_BLOCK] = { 0x80 };
	size_t used = hash->size % LAYER_HASH_BLOCK;
	size_t zeros = (used < LAYER_HASH_BLOCK - 8 ? LAYER_HASH_BLOCK : 2 * LAYER_HASH_BLOCK) - used - 8;
	uint64_t bits = hash->size * 8;

	for (size_t i = 0; i < 8; i++)
		end[zeros + i] = (unsigned char)(bits >> (56 - 8 * i));
	feed_one(hash, end, zeros + 8);
	for (size_t i = 0; i < LAYER_HASH_SIZE; i++)
		out[i] = (unsigned char)(hash->lane.h[i / 4] >> (24 - 8 * (i % 4)));
}

void layer_hash_done(struct layer_hash *hash, unsigned char out[static LAYER_HASH_SIZE])
{
	unsigned char bytes[DIGEST_MAX];

	if (hash->lanes)
		finish_lane(hash, bytes);
	else
		digest_done(&hash->digest, bytes);
	if (hash->keyed) {
		digest_feed(&hash->outer, span_new(bytes, LAYER_HASH_SIZE));
		digest_done(&hash->outer, bytes);
	}
	memcpy(out, bytes, LAYER_HASH_SIZE);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

bool layer_hash_same(
		const unsigned char a[static LAYER_HASH_SIZE], const unsigned char b[static LAYER_HASH_SIZE])
{
	return CRYPTO_memcmp(a, b, LAYER_HASH_SIZE) == 0;
}
