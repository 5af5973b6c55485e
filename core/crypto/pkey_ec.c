/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#define ED25519_BYTES 64

/* ---- agreement ---- */

int pkey_agree(const struct pkey *own, const struct pkey *peer, struct secret *out, struct err *err)
{
	auto_secret struct secret z = SECRET_NONE;

	if (!pkey_group(own->kind))
		return err_set(err, ERR_USAGE, "a key %s cannot agree on a secret; EC keys can",
				pkey_kind_name(own->kind));
	if (pkey_need(own, own->kind, true, err) < 0 || pkey_need(peer, own->kind, false, err) < 0)
		return -1;
	size_t len = pkey_coordinate(own->kind);
	if (secret_alloc(&z, len, err) < 0)
		return -1;
	auto_evp_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own->evp, NULL);
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1)
		ossl_abort("starting ECDH");
	/* the peer's point was checked when it became a key */
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer->evp, 0) != 1 || EVP_PKEY_derive(ctx, z.ptr, &len) != 1 ||
			len != z.len)
		return ossl_fail(err, ERR_FORMAT, "agreeing on a secret");
	secret_move(out, &z);
	return 0;
}

/* ---- signatures ---- */

int pkey_no_rsa(const struct pkey *key, struct err *err)
{
	if (key->kind != PKEY_RSA)
		return 0;
	return err_set(err, ERR_USAGE,
			"an RSA key needs to be told how it signs; EC and Ed25519 keys do not");
}

static int sign_ed25519(const struct pkey *key, struct span message, unsigned char *sig, struct err *err)
{
	size_t len = ED25519_BYTES;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->evp, NULL) != 1)
		ossl_abort("starting a signature");
	int good = EVP_DigestSign(ctx, sig, &len, (const unsigned char *)message.ptr, message.len);
	EVP_MD_CTX_free(ctx);
	return good == 1 ? 0 : ossl_fail(err, ERR_IO, "signing");
}

int pkey_sign(const struct pkey *key, struct span message, struct buf *out, struct err *err)
{
	unsigned char sig[2 * PKEY_COORDINATE_MAX];

	if (pkey_no_rsa(key, err) < 0 || pkey_need(key, key->kind, true, err) < 0)
		return -1;
	int status = key->kind == PKEY_ED25519 ? sign_ed25519(key, message, sig, err)
					       : pkey_ecdsa_sign(key, message, sig, err);
	if (status < 0)
		return -1;
	buf_add(out, sig, 2 * pkey_coordinate(key->kind));
	return buf_check(out, "the signature", err);
}
