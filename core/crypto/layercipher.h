/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an encrypted layer is made of (image-encryption.md, 1.1), piece by piece, for the engine that lays a layer's
 * blocks over threads (image/layer.h): AES-256 in counter mode with a running counter (SP 800-38A, 6.5; the whole
 * 16-byte block counts, big-endian, modulo 2^128), SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) as running hashes.
 *
 *     layer_ctr_apply(&ctr, in, out, len)               out = in XOR the next len bytes of the key stream
 *     layer_hash_feed({ &mac, &digest }, { b, b }, 2, len)    two hashes over the same bytes, at the price of one
 *
 * A SHA-256 alone keeps a core's SHA extensions half idle, as each round waits for the one before. Hashes that are
 * fed in one call run side by side where the machine can (crypto/sha256_lanes.h), else one after the other in OpenSSL.
 *
 * Bounds: a hash takes at most 2^61 - 1 bytes (FIPS 180-4, 5.1.1), which no stream reaches.
 * Ownership: the caller's structs, cleared by their words; key schedules and states are wiped then.
 * Errors: none. Out of memory, or without the algorithms that crypto_init() checks, the process aborts.
 */
#ifndef COCOON_CRYPTO_LAYERCIPHER_H
#define COCOON_CRYPTO_LAYERCIPHER_H

#include "crypto/digest.h"
#include "crypto/sha256_lanes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evp_cipher_ctx_st;

#define LAYER_CTR_KEY    32
#define LAYER_CTR_NONCE  16
#define LAYER_HASH_SIZE  32
#define LAYER_HASH_BLOCK SHA256_LANES_BLOCK

/* ---- cipher ---- */

struct layer_ctr {
	struct evp_cipher_ctx_st *ctx;
};
#define LAYER_CTR_NONE      \
	{                   \
		.ctx = NULL \
	}

void layer_ctr_init(struct layer_ctr *ctr, const unsigned char key[static LAYER_CTR_KEY],
		const unsigned char nonce[static LAYER_CTR_NONCE]) __attribute__((nonnull));
void layer_ctr_clear(struct layer_ctr *ctr) __attribute__((nonnull));
#define auto_layer_ctr __attribute__((cleanup(layer_ctr_clear)))

/* Both directions. in and out are the same or do not overlap. */
void layer_ctr_apply(struct layer_ctr *ctr, const unsigned char *in, unsigned char *out, size_t len)
		__attribute__((nonnull));

/* ---- hashes ---- */

/*
 * Bytes that make no whole block wait in `tail`: hashes that are fed in multiples of LAYER_HASH_BLOCK, but for the
 * last time, run side by side all the way.
 */
struct layer_hash {
	bool lanes; /* `lane` and `tail` count; else `digest` */
	bool keyed;
	uint64_t size;
	struct sha256_lane lane;
	unsigned char tail[SHA256_LANES_BLOCK];
	struct digest digest;
	struct digest outer; /* HMAC's second hash, the key already in it */
};
#define LAYER_HASH_NONE                                                                     \
	{                                                                                   \
		.lanes = false, .keyed = false, .digest = DIGEST_NONE, .outer = DIGEST_NONE \
	}

/* key NULL: SHA-256; else LAYER_CTR_KEY bytes: HMAC. lanes false: in OpenSSL, whatever the machine has. */
void layer_hash_init(struct layer_hash *hash, const unsigned char *key, bool lanes)
		__attribute__((nonnull(1)));
void layer_hash_clear(struct layer_hash *hash) __attribute__((nonnull));
#define auto_layer_hash __attribute__((cleanup(layer_hash_clear)))

/* Feeds len bytes of data[i] to hashes[i], for each i below count, which is at most SHA256_LANES_MAX. */
void layer_hash_feed(struct layer_hash *const hashes[], const unsigned char *const data[], size_t count,
		size_t len) __attribute__((nonnull));

/* Writes the result; the hash may only be cleared afterwards. */
void layer_hash_done(struct layer_hash *hash, unsigned char out[static LAYER_HASH_SIZE])
		__attribute__((nonnull));

/* Equal, in a time that does not depend on where they differ. */
bool layer_hash_same(const unsigned char a[static LAYER_HASH_SIZE],
		const unsigned char b[static LAYER_HASH_SIZE]) __attribute__((nonnull));

#endif
