/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what a broker answers: a JWE, or in version 0.1 what looks like one:
 *
 *     {"protected":"{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}","encrypted_key":"…","iv":"…",
 *      "ciphertext":"<with the tag at its end>","tag":""}
 *
 * Its header is not encoded and is not authenticated, so nothing is chosen by it.
 */
#include "base/b64.h"
#include "codec/json.h"
#include "crypto/aead.h"
#include "jose/jwe.h"
#include "kbs/client_own.h"

#define CEK_BYTES 32

static int decode(const json_t *root, const char *name, struct buf *out, struct err *err)
{
	const char *text = NULL;

	if (json_get_text(root, "", name, &text, err) < 0)
		return -1;
	if (b64url_decode(span_of(text), out, err) < 0)
		return err_wrap(err, "%s", name);
	return 0;
}

static int check_header(const json_t *root, struct err *err)
{
	auto_json json_t *header = NULL;
	const char *text = NULL, *alg = NULL, *enc = NULL, *tag = NULL;

	if (json_get_text(root, "", "protected", &text, err) < 0 ||
			json_read(span_of(text), JWE_MAX, &header, err) < 0 ||
			json_get_text(header, "protected", "alg", &alg, err) < 0 ||
			json_get_text(header, "protected", "enc", &enc, err) < 0 ||
			json_get_text(root, "", "tag", &tag, err) < 0)
		return -1;
	if (!span_is(span_of(alg), "RSA1_5") || !span_is(span_of(enc), "A256GCM") || tag[0])
		return err_set(err, ERR_FORMAT, "protected is not that of version 0.1");
	return 0;
}

static int open_oldest(const struct pkey *key, struct span body, struct secret *out, struct err *err)
{
	auto_json json_t *root = NULL;
	auto_buf struct buf wrapped = BUF_MAX(JWE_MAX), iv = BUF_MAX(JWE_MAX), cipher = BUF_MAX(JWE_MAX);
	auto_secret struct secret cek = SECRET_NONE;

	if (json_read(body, JWE_MAX, &root, err) < 0 || check_header(root, err) < 0 ||
			decode(root, "encrypted_key", &wrapped, err) < 0 ||
			decode(root, "iv", &iv, err) < 0 || decode(root, "ciphertext", &cipher, err) < 0)
		return -1;
	if (iv.len != AEAD_GCM_NONCE || cipher.len < AEAD_TAG_BYTES)
		return err_set(err, ERR_FORMAT, "iv or ciphertext have a length that cannot be");
	/* a wrong padding gives a random key, so that nothing but the tag tells */
	if (pkey_pkcs1_decrypt(key, buf_span(&wrapped), CEK_BYTES, &cek, err) < 0)
		return -1;
	return gcm_open(&cek, buf_span(&iv), SPAN_NONE, buf_span(&cipher), SPAN_NONE, out, err);
}

int kbs_open(const struct kbs_session *session, struct span body, struct secret *out, struct err *err)
{
	struct jwk key = JWK_NONE;

	key.key = session->key;
	int status = session->version == KBS_0_1 ? open_oldest(session->key, body, out, err)
						 : jwe_open(&key, body, out, err);
	if (status == 0)
		return 0;
	/* what does not fit the key is the broker's mistake, not the caller's */
	if (err && err->kind == ERR_USAGE)
		err->kind = ERR_FORMAT;
	return err_wrap(err, "the key broker's answer");
}
