/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short messages under a symmetric key: AES-GCM (NIST SP 800-38D; 128, 192 or 256 bits by the key's length, tag of 16
 * bytes), AES-CTR with the whole block as counter (SP 800-38A), the CBC-with-HMAC composition of JOSE (RFC 7518, 5.2),
 * and AES key wrap (RFC 3394, default initial value). Streams of layers are crypto/layercipher.h's.
 *
 * Bounds: SECRET_MAX for what becomes a secret. Errors: ERR_AUTH, uniform, when a tag does not fit; ERR_USAGE for a
 * key or nonce of a wrong length.
 */
#ifndef COCOON_CRYPTO_AEAD_H
#define COCOON_CRYPTO_AEAD_H

#include "base/span.h"
#include "crypto/secret.h"

struct buf;
struct err;

#define AEAD_TAG_BYTES 16
#define AEAD_GCM_NONCE 12

/* Appends ciphertext, then the tag to tag (to out itself when tag is NULL: ciphertext‖tag). nonce: 1 … 64 bytes. */
int gcm_seal(const struct secret *key, struct span nonce, struct span aad, struct span plain, struct buf *out,
		unsigned char *tag, struct err *err) __attribute__((nonnull(1, 5), warn_unused_result));
/* tag empty: the last 16 bytes of cipher are it. */
int gcm_open(const struct secret *key, struct span nonce, struct span aad, struct span cipher,
		struct span tag, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 6), warn_unused_result));

/* AES-256-CTR over len bytes, in → out, both directions; out may be in. nonce: exactly 16 bytes. */
int ctr_xor(const struct secret *key, struct span nonce, struct span in, unsigned char *out, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));

/* A128CBC-HS256, A192CBC-HS384, A256CBC-HS512 by the key's length (32, 48, 64); opening alone, for JWEs of others. */
int cbc_hmac_open(const struct secret *key, struct span iv, struct span aad, struct span cipher,
		struct span tag, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 6), warn_unused_result));

/* kek of 16, 24, 32 bytes; the wrapped form is 8 bytes longer than the key. */
int keywrap_seal(const struct secret *kek, const struct secret *key, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
int keywrap_open(const struct secret *kek, struct span wrapped, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
