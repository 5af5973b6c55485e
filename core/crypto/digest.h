/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-2 (FIPS 180-4), in one call and as a stream.
 *
 * Cannot fail: crypto_init() makes sure that the algorithms are there; without them, or out of memory, the process
 * aborts with a line on stderr, as base/alloc.h does.
 */
#ifndef COCOON_CRYPTO_DIGEST_H
#define COCOON_CRYPTO_DIGEST_H

#include "base/span.h"

#include <stddef.h>

struct err;
struct evp_md_st;
struct evp_md_ctx_st;

enum digest_alg { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

#define DIGEST_MAX     64
#define DIGEST_HEX_MAX (2 * DIGEST_MAX + 1)

/* "sha256", "sha384", "sha512"; static. */
const char *digest_name(enum digest_alg alg) __attribute__((returns_nonnull));

/* The bytes of a digest: 32, 48, 64. */
size_t digest_size(enum digest_alg alg);

/* The algorithm of exactly such a name; ERR_FORMAT for another, naming the three. */
int digest_alg_parse(struct span name, enum digest_alg *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Writes digest_size(alg) bytes. */
void digest_bytes(enum digest_alg alg, struct span data, unsigned char out[static DIGEST_MAX])
		__attribute__((nonnull));

/* Writes lower-case hex with a NUL. */
void digest_hex(enum digest_alg alg, struct span data, char out[static DIGEST_HEX_MAX])
		__attribute__((nonnull));

/* A running digest. Algorithm and context are fetched once: for many messages keep one struct. */
struct digest {
	enum digest_alg alg;
	struct evp_md_st *md;
	struct evp_md_ctx_st *ctx;
};

#define DIGEST_NONE                                           \
	{                                                     \
		.alg = DIGEST_SHA256, .md = NULL, .ctx = NULL \
	}

void digest_init(struct digest *digest, enum digest_alg alg) __attribute__((nonnull));
void digest_clear(struct digest *digest) __attribute__((nonnull));
#define auto_digest __attribute__((cleanup(digest_clear)))

void digest_feed(struct digest *digest, struct span data) __attribute__((nonnull));

/* Writes digest_size bytes; the struct is ready for the next message. */
void digest_done(struct digest *digest, unsigned char out[static DIGEST_MAX]) __attribute__((nonnull));

#endif
