/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of crypto/aead share; nobody else includes this. */
#ifndef COCOON_CRYPTO_AEAD_OWN_H
#define COCOON_CRYPTO_AEAD_OWN_H

#include "crypto/aead.h"

#include <openssl/evp.h>

/* OpenSSL counts in int; what is longer is no short message. */
#define AEAD_BYTES_MAX ((size_t)1 << 30)

/* ERR_LIMIT above AEAD_BYTES_MAX. */
int aead_check_length(struct span bytes, struct err *err) __attribute__((warn_unused_result));

/* ERR_AUTH, the same whatever was wrong; empties OpenSSL's queue. */
int aead_failed(struct err *err);

static inline void aead_own_release(EVP_CIPHER_CTX **slot)
{
	EVP_CIPHER_CTX_free(*slot);
}
#define auto_cipher __attribute__((cleanup(aead_own_release)))

#endif
