/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer through the layer cipher AES_256_CTR_HMAC_SHA256 (image-encryption.md, 1): AES-256-CTR, and an HMAC-SHA256
 * under the same key over the ciphertext. One pass over every byte does the cipher, the HMAC, the digest of what came
 * in and the digest of what goes out, block by block while it is in the cache, spread over the cores.
 *
 *     struct pull ──► blocks ──► cipher, HMAC, digests ──► struct stream
 *
 * The verdict comes at the end: layer_run() fails with ERR_AUTH when the HMAC or the digest of the input is wrong, and
 * whoever wrote the output throws it away (oci_writer_free). `hold_back` bytes of output are never fed before the
 * verdict, for who cannot take back what he wrote (a pipe).
 *
 * Units: bytes. Bounds: memory of LAYER_MEMORY_MAX whatever the size of the layer; of a small layer, little more than
 * its size.
 * Errors: ERR_AUTH (uniform: "the layer's HMAC is wrong", "the blob's digest is wrong"; the digest counts first), and
 * those of source and sink; ERR_FORMAT for a digest of an algorithm that crypto/digest.h does not have.
 * Threads: layer_run() starts up to threads - 1 of its own, for layers above half a MiB alone, and joins them before it
 * returns, so that a read that waits holds up a failure of the sink. They take no signals. Source, sink and progress
 * are each called by one thread at a time, not always the same. The sink's done is never called. Keys are wiped.
 *
 * What bounds it: three SHA-256 over every byte, and the SHA extensions of a core hash 1.96 GB/s at the very most
 * (crypto/sha256_lanes.h).
 */
#ifndef COCOON_IMAGE_LAYER_H
#define COCOON_IMAGE_LAYER_H

#include "codec/stream.h"
#include "image/options.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

#define LAYER_MEMORY_MAX ((size_t)16 * 1024 * 1024)

enum layer_work {
	LAYER_ENCRYPT,
	LAYER_DECRYPT, /* sink may be NULL: verify alone */
	LAYER_COPY,    /* the digest alone is checked, bytes pass */
};

struct layer_job {
	enum layer_work work;
	const struct secret *key;   /* LAYER_KEY bytes; NULL for LAYER_COPY */
	const unsigned char *nonce; /* LAYER_NONCE bytes */
	const unsigned char *mac;   /* LAYER_DECRYPT: LAYER_MAC bytes, the expected HMAC */
	const char *digest;         /* expected digest of the input; NULL: not checked nor computed */
	bool want_digest;           /* compute the digest of the output */
	size_t hold_back;           /* at most LAYER_MEMORY_MAX / 4 */
	unsigned threads;           /* 1 … 8 */
	void (*progress)(void *ctx, uint64_t more); /* bytes taken in since the last call; NULL: none */
	void *progress_ctx;
	const atomic_bool *stop; /* becomes true: ends with ERR_RETRY "stopped"; NULL: never */
};

struct layer_result {
	uint64_t size;                /* of the output, and of the input */
	unsigned char mac[LAYER_MAC]; /* LAYER_ENCRYPT */
	char digest[136];             /* of the output, "sha256:…"; "" unless wanted */
};

int layer_run(const struct layer_job *job, struct pull *in, struct stream *out, struct layer_result *result,
		struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));

#endif
