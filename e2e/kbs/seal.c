/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/seal.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "crypto/aead.h"
#include "crypto/pkey.h"
#include "crypto/secret.h"
#include "jose/jwe.h"
#include "jose/jwk.h"

#include <string.h>

#define CEK_BYTES   32
#define WRAPPED_MAX 1024 /* RSA of 8192 bits */

static bool is_taken(const char *kty, const char *crv, const char *alg)
{
	static const char *const taken[][3] = { { "EC", "P-256", "ECDH-ES+A256KW" },
		{ "EC", "P-521", "ECDH-ES+A256KW" }, { "RSA", NULL, "RSA-OAEP-256" },
		{ "RSA", NULL, "RSA1_5" } };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(kty, taken[i][0]) == 0 && strcmp(alg, taken[i][2]) == 0 &&
				(!taken[i][1] || strcmp(crv, taken[i][1]) == 0))
			return true;
	return false;
}

static int read_key(const json_t *object, struct jwk *out, struct err *err)
{
	const char *kty = json_text_at(object, "kty", NULL), *crv = json_text_at(object, "crv", NULL);
	const char *alg = json_text_at(object, "alg", NULL);

	if (!is_taken(kty ? kty : "", crv ? crv : "", alg ? alg : ""))
		return err_set(err, ERR_USAGE,
				"no JWE is made for a key of kind %.20s, curve %.20s, alg %.40s",
				kty ? kty : "?", crv ? crv : "none", alg ? alg : "?");
	auto_free char *text = json_text(object, false);
	return jwk_parse(span_of(text), out, err);
}

static void put(struct buf *out, const char *before, struct span bytes)
{
	buf_puts(out, before);
	b64url_encode(out, bytes);
}

/* The header is no part of what is authenticated. */
static int seal_oldest(const struct pkey *key, struct span content, struct buf *out, struct err *err)
{
	auto_buf struct buf wrapped = BUF_MAX(WRAPPED_MAX), cipher = BUF_MAX(SECRET_MAX + AEAD_TAG_BYTES);
	auto_secret struct secret cek = SECRET_NONE;
	unsigned char iv[AEAD_GCM_NONCE];

	random_bytes(iv, sizeof(iv));
	if (secret_random(&cek, CEK_BYTES, err) < 0 ||
			pkey_pkcs1_encrypt(key, secret_span(&cek), &wrapped, err) < 0 ||
			gcm_seal(&cek, span_new(iv, sizeof(iv)), SPAN_NONE, content, &cipher, NULL, err) < 0)
		return -1;
	buf_puts(out, "{\"protected\":\"{\\\"alg\\\":\\\"RSA1_5\\\",\\\"enc\\\":\\\"A256GCM\\\"}");
	put(out, "\",\"encrypted_key\":\"", buf_span(&wrapped));
	put(out, "\",\"iv\":\"", span_new(iv, sizeof(iv)));
	put(out, "\",\"ciphertext\":\"", buf_span(&cipher));
	buf_puts(out, "\",\"tag\":\"\"}");
	return buf_check(out, "the answer", err);
}

int seal_resource(const json_t *key, enum kbs_version version, struct span content, struct buf *out,
		struct err *err)
{
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE;

	if (read_key(key, &jwk, err) < 0)
		return -1;
	if (content.len > SECRET_MAX)
		return err_set(err, ERR_LIMIT, "a resource of more than %zu bytes is kept but not given out",
				SECRET_MAX);
	if (version == KBS_0_1 && jwk.key && strcmp(jwk.alg, "RSA1_5") == 0)
		return seal_oldest(jwk.key, content, out, err);
	if (secret_from_span(&plain, content, err) < 0)
		return -1;
	return jwe_seal(&jwk, &plain, out, err);
}
