/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hmac.h"

#include "crypto/ossl.h"

#include <openssl/evp.h>

static void hmac(const char *digest, struct span key, struct span message, unsigned char *out, size_t size)
{
	size_t len = 0;

	if (!EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key.len ? key.ptr : "", key.len,
			    (const unsigned char *)(message.len ? message.ptr : ""), message.len, out, size,
			    &len) ||
			len != size)
		ossl_abort("HMAC");
}

void hmac_sha1(struct span key, struct span message, unsigned char out[static HMAC_SHA1_SIZE])
{
	hmac("SHA1", key, message, out, HMAC_SHA1_SIZE);
}

void hmac_sha256(struct span key, struct span message, unsigned char out[static HMAC_SHA256_SIZE])
{
	hmac("SHA256", key, message, out, HMAC_SHA256_SIZE);
}
