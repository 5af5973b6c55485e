/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include "base/err.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>

int kdf_concat(const struct secret *z, struct span other, size_t key_len, struct secret *out, struct err *err)
{
	auto_secret struct secret key = SECRET_NONE;
	char digest[] = "SHA256";
	/* OpenSSL's parameters have no const form, and change nothing */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, z->ptr, z->len),
		OSSL_PARAM_construct_octet_string(
				OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)other.ptr, other.len),
		OSSL_PARAM_construct_end(),
	};

	if (!z->len || !key_len || key_len > KDF_KEY_MAX)
		return err_set(err, ERR_USAGE, "a key of %zu bytes cannot be derived of %zu", key_len,
				z->len);
	if (secret_alloc(&key, key_len, err) < 0)
		return -1;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	if (!ctx || EVP_KDF_derive(ctx, key.ptr, key.len, params) != 1)
		ossl_abort("deriving a key");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	secret_move(out, &key);
	return 0;
}
