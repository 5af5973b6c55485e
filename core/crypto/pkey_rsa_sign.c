/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

static void release_md_ctx(EVP_MD_CTX **slot)
{
	EVP_MD_CTX_free(*slot);
}
#define auto_md_ctx __attribute__((cleanup(release_md_ctx)))

typedef int (*start_fn)(EVP_MD_CTX *ctx, EVP_PKEY_CTX **pctx, const char *hash, OSSL_LIB_CTX *library,
		const char *props, EVP_PKEY *key, const OSSL_PARAM params[]);

/* A context for one signature. Never NULL. */
static EVP_MD_CTX *start(const struct pkey *key, start_fn init, bool pss)
{
	/* OpenSSL's parameters have no const form, and change nothing */
	char pss_pad[] = OSSL_PKEY_RSA_PAD_MODE_PSS, pkcs1_pad[] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
	char salt[] = OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST;
	OSSL_PARAM params[3], *at = params;

	*at++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, pss ? pss_pad : pkcs1_pad, 0);
	if (pss)
		*at++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt, 0);
	*at = OSSL_PARAM_construct_end();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || init(ctx, NULL, "SHA256", NULL, NULL, key->evp, params) != 1)
		ossl_abort("starting an RSA signature");
	return ctx;
}

int pkey_rsa_sign(const struct pkey *key, bool pss, struct span message, struct buf *out, struct err *err)
{
	if (pkey_need(key, PKEY_RSA, true, err) < 0)
		return -1;
	size_t len = (size_t)EVP_PKEY_get_size(key->evp);
	unsigned char *room = (unsigned char *)buf_room(out, len);
	if (!room)
		return buf_check(out, "the signature", err);
	auto_md_ctx EVP_MD_CTX *ctx = start(key, EVP_DigestSignInit_ex, pss);
	if (EVP_DigestSign(ctx, room, &len, (const unsigned char *)message.ptr, message.len) != 1)
		return ossl_fail(err, ERR_IO, "signing with RSA");
	buf_grew(out, len);
	return 0;
}

int pkey_rsa_verify(
		const struct pkey *key, bool pss, struct span message, struct span signature, struct err *err)
{
	if (pkey_need(key, PKEY_RSA, false, err) < 0)
		return -1;
	auto_md_ctx EVP_MD_CTX *ctx = start(key, EVP_DigestVerifyInit_ex, pss);
	if (EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
			    (const unsigned char *)message.ptr, message.len) == 1)
		return 0;
	ERR_clear_error();
	return err_set(err, ERR_AUTH, "the signature is wrong");
}
