/* SPDX-License-Identifier: Apache-2.0 */
/* Checking signatures in the forms that there are: JOSE's r‖s, X.509's DER, and over a hash that somebody else made. */
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#define DER_MAX 160 /* of an ECDSA signature on P-521: 139 */

static int wrong(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_AUTH, "the signature is wrong");
}

/* The hash that RFC 7518, 3.4 puts to the curve; Ed25519 has its own inside. */
static const char *hash_of(enum pkey_kind kind)
{
	switch (kind) {
	case PKEY_P256:
		return "SHA256";
	case PKEY_P384:
		return "SHA384";
	case PKEY_P521:
		return "SHA512";
	case PKEY_RSA:
	case PKEY_ED25519:
		break;
	}
	return NULL;
}

/* r‖s as DER; the length, 0 when it cannot be. */
static size_t der_of(struct span signature, unsigned char der[static DER_MAX])
{
	const unsigned char *pair = (const unsigned char *)signature.ptr;
	int half = (int)(signature.len / 2);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(pair, half, NULL), *s = BN_bin2bn(pair + half, half, NULL);

	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1)
		ossl_abort("a signature's numbers");
	int len = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

/* OpenSSL takes of ECDSA's signatures only what is DER, without a byte behind it. */
static int verify(const struct pkey *key, struct span message, struct span signature, struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestVerifyInit_ex(ctx, NULL, hash_of(key->kind), NULL, NULL, key->evp, NULL) != 1)
		ossl_abort("starting the check of a signature");
	int good = EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
			(const unsigned char *)message.ptr, message.len);
	EVP_MD_CTX_free(ctx);
	return good == 1 ? 0 : wrong(err);
}

int pkey_verify(const struct pkey *key, struct span message, struct span signature, struct err *err)
{
	unsigned char der[DER_MAX];

	if (pkey_no_rsa(key, err) < 0)
		return -1;
	if (signature.len != 2 * pkey_coordinate(key->kind))
		return wrong(err);
	if (key->kind != PKEY_ED25519)
		signature = span_new(der, der_of(signature, der));
	return verify(key, message, signature, err);
}

int pkey_verify_der(const struct pkey *key, struct span message, struct span signature, struct err *err)
{
	if (key->kind == PKEY_RSA)
		return pkey_rsa_verify(key, false, message, signature, err);
	return verify(key, message, signature, err);
}

int pkey_verify_hash(const struct pkey *key, struct span hash, struct span signature, struct err *err)
{
	const char *name = key->kind == PKEY_RSA ? "SHA256" : hash_of(key->kind);

	if (!name)
		return err_set(err, ERR_USAGE, "a key %s signs messages, not hashes",
				pkey_kind_name(key->kind));
	auto_evp_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	const EVP_MD *md = EVP_get_digestbyname(name);
	if (!ctx || !md || EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, md) != 1 ||
			(key->kind == PKEY_RSA && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1))
		ossl_abort("starting the check of a signature");
	if (hash.len != (size_t)EVP_MD_get_size(md))
		return err_set(err, ERR_USAGE, "a key %s signs hashes of %d bytes", pkey_kind_name(key->kind),
				EVP_MD_get_size(md));
	int good = EVP_PKEY_verify(ctx, (const unsigned char *)signature.ptr, signature.len,
			(const unsigned char *)hash.ptr, hash.len);
	return good == 1 ? 0 : wrong(err);
}
