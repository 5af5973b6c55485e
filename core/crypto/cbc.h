/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what others enciphered in CBC mode with padding (CMS, RFC 5652, 6.3): AES and triple DES, SP 800-38A. Nothing
 * authenticates it; it is here because `openssl cms` and older tools write it, and there is no writer.
 *
 * Bounds: SECRET_MAX. Errors: ERR_AUTH, uniform, when the padding or the length does not fit; ERR_USAGE for a key or
 * an initial vector of a wrong length.
 */
#ifndef COCOON_CRYPTO_CBC_H
#define COCOON_CRYPTO_CBC_H

#include "base/span.h"
#include "crypto/secret.h"

struct err;

enum cbc_cipher { CBC_AES, CBC_TRIPLE_DES };

/* The key's length says which AES: 16, 24, 32; triple DES has 24. */
int cbc_open(enum cbc_cipher cipher, const struct secret *key, struct span iv, struct span text,
		struct secret *out, struct err *err) __attribute__((nonnull(2, 5), warn_unused_result));

#endif
