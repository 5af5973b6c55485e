/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "crypto/aead.h"
#include "jose/jwe.h"
#include "jose/jwe_own.h"

#define WRAPPED_MAX 1024 /* a ciphertext of RSA with 8192 bits */
#define HEADER_MAX  8192

/* What differs between the kinds of keys: the encrypted CEK, and the public half of a fresh key or NULL. */
struct envelope {
	struct buf wrapped;
	json_t *epk;
};

static void envelope_clear(struct envelope *envelope)
{
	buf_clear(&envelope->wrapped);
	json_decref(envelope->epk);
}

static int wrap_by_agreement(enum jwe_alg alg, const struct pkey *peer, const struct secret *cek,
		struct envelope *out, struct err *err)
{
	auto_pkey struct pkey *fresh = NULL;
	auto_secret struct secret kek = SECRET_NONE;

	if (pkey_generate(pkey_kind(peer), 0, &fresh, err) < 0 ||
			jwe_derive(alg, fresh, peer, SPAN_NONE, SPAN_NONE, &kek, err) < 0 ||
			jwk_format_public(fresh, &out->epk, err) < 0)
		return -1;
	return keywrap_seal(&kek, cek, &out->wrapped, err);
}

static int wrap(enum jwe_alg alg, const struct pkey *key, const struct secret *cek, struct envelope *out,
		struct err *err)
{
	if (alg == JWE_RSA1_5)
		return pkey_pkcs1_encrypt(key, secret_span(cek), &out->wrapped, err);
	if (jwe_alg_is_rsa(alg))
		return pkey_oaep_encrypt(key, alg == JWE_RSA_OAEP, secret_span(cek), &out->wrapped, err);
	return wrap_by_agreement(alg, key, cek, out, err);
}

/* base64url of the protected header, sorted at every level */
static int add_header(struct buf *out, enum jwe_alg alg, const struct jwe_enc *enc, json_t *epk,
		const char *kid, struct err *err)
{
	auto_json json_t *header = json_object();

	json_object_set_new(header, "alg", json_string(jwe_alg_name(alg)));
	json_object_set_new(header, "enc", json_string(enc->name));
	if (epk)
		json_object_set(header, "epk", epk);
	if (*kid && json_object_set_new(header, "kid", json_string(kid)) < 0)
		return err_set(err, ERR_FORMAT, "the key's kid is not UTF-8");
	auto_free char *text = json_text(header, true);
	b64url_encode(out, span_of(text));
	return buf_check(out, "the header", err);
}

static void add_member(struct buf *out, const char *before, struct span bytes)
{
	buf_puts(out, before);
	b64url_encode(out, bytes);
}

int jwe_seal(const struct jwk *recipient, const struct secret *plain, struct buf *out, struct err *err)
{
	const struct jwe_enc *enc = jwe_enc_find("A256GCM");
	__attribute__((cleanup(envelope_clear))) struct envelope envelope = { .wrapped = BUF_MAX(
											      WRAPPED_MAX) };
	auto_buf struct buf header = BUF_MAX(HEADER_MAX), cipher = BUF_MAX(SECRET_MAX);
	auto_secret struct secret cek = SECRET_NONE;
	unsigned char iv[AEAD_GCM_NONCE], tag[AEAD_TAG_BYTES];
	enum jwe_alg alg = JWE_RSA_OAEP;

	if (jwe_alg_of(recipient, &alg, err) < 0 || secret_random(&cek, enc->key_bytes, err) < 0 ||
			wrap(alg, recipient->key, &cek, &envelope, err) < 0 ||
			add_header(&header, alg, enc, envelope.epk, recipient->kid, err) < 0)
		return -1;
	random_bytes(iv, sizeof(iv));
	if (gcm_seal(&cek, span_new(iv, sizeof(iv)), buf_span(&header), secret_span(plain), &cipher, tag,
			    err) < 0)
		return -1;
	size_t before = out->len;
	buf_printf(out, "{\"protected\":\"%s", buf_text(&header));
	add_member(out, "\",\"encrypted_key\":\"", buf_span(&envelope.wrapped));
	add_member(out, "\",\"iv\":\"", span_new(iv, sizeof(iv)));
	add_member(out, "\",\"ciphertext\":\"", buf_span(&cipher));
	add_member(out, "\",\"tag\":\"", span_new(tag, sizeof(tag)));
	buf_puts(out, "\"}");
	if (buf_check(out, "the JWE", err) == 0)
		return 0;
	buf_cut(out, before);
	return -1;
}
