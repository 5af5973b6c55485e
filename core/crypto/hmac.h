/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC (RFC 2104) in one call, as the interfaces of cloud services sign their requests. SHA-1 is here because some of
 * them know nothing else; as a key to HMAC its collisions do not matter (RFC 6194, 3.3).
 *
 * Cannot fail, for the same reasons as crypto/digest.h. Keys of any length, an empty one too; out may be where the key
 * is.
 */
#ifndef COCOON_CRYPTO_HMAC_H
#define COCOON_CRYPTO_HMAC_H

#include "base/span.h"

#define HMAC_SHA1_SIZE   20
#define HMAC_SHA256_SIZE 32

void hmac_sha1(struct span key, struct span message, unsigned char out[static HMAC_SHA1_SIZE])
		__attribute__((nonnull));
void hmac_sha256(struct span key, struct span message, unsigned char out[static HMAC_SHA256_SIZE])
		__attribute__((nonnull));

#endif
