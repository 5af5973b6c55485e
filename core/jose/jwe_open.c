/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/zip.h"
#include "crypto/aead.h"
#include "jose/jwe.h"
#include "jose/jwe_own.h"

#include <string.h>

#define WRAPPED_MAX 1024 /* a ciphertext of RSA with 8192 bits */

/* What came of trying a recipient: how far it got says which reason is worth telling. */
enum outcome {
	OTHER_ALG, /* not one of this key's algs */
	MALFORMED, /* the reason is in the error */
	WRONG_KEY, /* tried, and failed */
	OPENED,
};

/* What is the same for all recipients. */
struct opening {
	const struct jwk *key;
	const struct jwe_message *message;
	const struct jwe_enc *enc;
	bool zipped;
};

static const char *header_text(const struct jwe_message *message, size_t index, const char *name)
{
	return json_string_value(jwe_header(message, index, name));
}

/* ---- the content encryption key ---- */

/* apu and apv, which almost nobody sets */
static int read_party(const struct jwe_message *message, size_t index, const char *name, struct buf *out,
		struct err *err)
{
	const json_t *member = jwe_header(message, index, name);

	if (!member)
		return 0;
	if (!json_is_string(member))
		return err_set(err, ERR_FORMAT, "'%s' must be text", name);
	if (b64url_decode(span_of(json_string_value(member)), out, err) < 0)
		return err_wrap(err, "'%s'", name);
	return 0;
}

static int derive(
		const struct opening *of, size_t index, enum jwe_alg alg, struct secret *kek, struct err *err)
{
	auto_pkey struct pkey *peer = NULL;
	auto_buf struct buf apu = BUF_MAX(JWE_MAX), apv = BUF_MAX(JWE_MAX);

	if (jwk_public(jwe_header(of->message, index, "epk"), &peer, err) < 0)
		return err_wrap(err, "'epk'");
	if (pkey_kind(peer) != pkey_kind(of->key->key))
		return err_set(err, ERR_USAGE, "'epk' is on another curve than the key");
	if (read_party(of->message, index, "apu", &apu, err) < 0 ||
			read_party(of->message, index, "apv", &apv, err) < 0)
		return -1;
	return jwe_derive(alg, of->key->key, peer, buf_span(&apu), buf_span(&apv), kek, err);
}

static enum outcome unwrap_rsa(const struct opening *of, enum jwe_alg alg, struct span wrapped,
		struct secret *cek, struct err *err)
{
	auto_secret struct secret substitute = SECRET_NONE;

	/* RFC 7516, 11.5: what cannot be unwrapped goes on with a random key, and fails where all failures do */
	if (secret_random(&substitute, of->enc->key_bytes, err) < 0)
		return MALFORMED;
	int status = alg == JWE_RSA1_5
			? pkey_pkcs1_decrypt(of->key->key, wrapped, of->enc->key_bytes, cek, err)
			: pkey_oaep_decrypt(of->key->key, alg == JWE_RSA_OAEP, wrapped, cek, err);
	if (status < 0 || cek->len != of->enc->key_bytes)
		secret_move(cek, &substitute);
	return OPENED;
}

static enum outcome unwrap(
		const struct opening *of, size_t index, enum jwe_alg alg, struct secret *cek, struct err *err)
{
	auto_buf struct buf wrapped = BUF_MAX(WRAPPED_MAX);
	auto_secret struct secret kek = SECRET_NONE;

	if (b64url_decode(of->message->recipients[index].encrypted_key, &wrapped, err) < 0) {
		err_wrap(err, "'encrypted_key'");
		return MALFORMED;
	}
	if (jwe_alg_is_rsa(alg))
		return unwrap_rsa(of, alg, buf_span(&wrapped), cek, err);
	if (derive(of, index, alg, &kek, err) < 0)
		return MALFORMED;
	if (keywrap_open(&kek, buf_span(&wrapped), cek, NULL) < 0 || cek->len != of->enc->key_bytes)
		return WRONG_KEY;
	return OPENED;
}

/* ---- the content ---- */

static int open_content(
		const struct opening *of, const struct secret *cek, struct secret *plain, struct err *err)
{
	const struct jwe_message *m = of->message;

	if (of->enc->is_gcm)
		return gcm_open(cek, buf_span(&m->iv), buf_span(&m->aad), buf_span(&m->cipher),
				buf_span(&m->tag), plain, err);
	return cbc_hmac_open(cek, buf_span(&m->iv), buf_span(&m->aad), buf_span(&m->cipher),
			buf_span(&m->tag), plain, err);
}

static int inflate(struct secret *plain, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	size_t len = 0;

	if (secret_alloc(&room, SECRET_MAX, err) < 0)
		return -1;
	if (inflate_raw(secret_span(plain), room.ptr, room.len, &len, err) < 0)
		return err_wrap(err, "'zip'");
	return secret_from_span(plain, span_new(room.ptr, len), err);
}

/* ---- recipients ---- */

/*
 * May this key be used for the alg? Its kind alone decides: what a JWK says in its own alg is for who writes, and older
 * writers (ocicrypt 1.0) wrap with RSA-OAEP whatever it says. RSA1_5 has to be asked for.
 */
static bool takes(const struct jwk *key, const char *name, enum jwe_alg *alg)
{
	return name && jwe_alg_find(name, alg) && jwe_alg_fits(*alg, key->key) &&
			(*alg != JWE_RSA1_5 || !strcmp(key->alg, name));
}

static enum outcome try_recipient(
		const struct opening *of, size_t index, struct secret *plain, struct err *err)
{
	auto_secret struct secret cek = SECRET_NONE;
	enum jwe_alg alg = JWE_RSA_OAEP;

	if (!takes(of->key, header_text(of->message, index, "alg"), &alg))
		return OTHER_ALG;
	enum outcome outcome = unwrap(of, index, alg, &cek, err);
	if (outcome != OPENED)
		return outcome;
	return open_content(of, &cek, plain, NULL) < 0 ? WRONG_KEY : OPENED;
}

/* No recipient is for this key: is it the message, whose alg nobody knows, or the key? */
static int no_recipient(const struct jwe_message *message, const struct jwk *key, struct err *err)
{
	enum jwe_alg alg = JWE_RSA_OAEP;
	bool known = false;

	for (size_t i = 0; i < message->count; i++) {
		const char *name = header_text(message, i, "alg");
		known = known || (name && jwe_alg_find(name, &alg));
	}
	if (!known)
		return err_set(err, ERR_FORMAT,
				"alg is none of RSA-OAEP, RSA-OAEP-256, RSA1_5 and ECDH-ES+A128KW, +A192KW, "
				"+A256KW");
	return err_set(err, ERR_USAGE, "no recipient has an alg for this key (%s)",
			pkey_kind_name(pkey_kind(key->key)));
}

static int open_any(const struct opening *of, struct secret *plain, struct err *err)
{
	enum outcome best = OTHER_ALG;
	struct err why = ERR_NONE;

	for (size_t i = 0; i < of->message->count && best != OPENED; i++) {
		struct err own = ERR_NONE;
		enum outcome outcome = try_recipient(of, i, plain, &own);
		if (outcome == MALFORMED && best < MALFORMED)
			why = own;
		best = outcome > best ? outcome : best;
	}
	if (best == OTHER_ALG)
		return no_recipient(of->message, of->key, err);
	if (best == MALFORMED)
		return err_set(err, why.kind, "%s", why.text);
	return best == OPENED ? 0 : err_set(err, ERR_AUTH, "decryption failed");
}

/* ---- the message ---- */

static const struct jwe_enc *enc_of(const struct jwe_message *message, size_t index)
{
	const char *name = header_text(message, index, "enc");

	return name ? jwe_enc_find(name) : NULL;
}

static int read_enc(const struct jwe_message *message, const struct jwe_enc **out, struct err *err)
{
	const struct jwe_enc *enc = enc_of(message, 0);

	if (!enc) {
		err_set(err, ERR_FORMAT,
				"enc is none of A128GCM, A192GCM, A256GCM, A128CBC-HS256, A192CBC-HS384 and "
				"A256CBC-HS512");
		return -1;
	}
	/* where it is in a header of their own they could differ; the ciphertext is one */
	for (size_t i = 1; i < message->count; i++)
		if (enc_of(message, i) != enc) {
			err_set(err, ERR_FORMAT, "the recipients differ in enc");
			return -1;
		}
	if (message->iv.len != enc->iv_bytes || message->tag.len != enc->tag_bytes) {
		err_set(err, ERR_FORMAT, "iv and tag have %zu and %zu bytes; those of %s have %zu and %zu",
				message->iv.len, message->tag.len, enc->name, enc->iv_bytes, enc->tag_bytes);
		return -1;
	}
	if (message->cipher.len > SECRET_MAX) {
		err_set(err, ERR_LIMIT, "the ciphertext has %zu bytes; at most %zu are allowed",
				message->cipher.len, SECRET_MAX);
		return -1;
	}
	*out = enc;
	return 0;
}

static int read_zip(const struct jwe_message *message, bool *out, struct err *err)
{
	const json_t *zip = json_object_get(message->protected, "zip");

	if (zip && (!json_is_string(zip) || strcmp(json_string_value(zip), "DEF") != 0))
		return err_set(err, ERR_FORMAT, "zip is not DEF, which is all there is");
	*out = zip != NULL;
	return 0;
}

static int open_message(const struct jwk *key, const struct jwe_message *message, struct secret *plain,
		struct err *err)
{
	struct opening of = { .key = key, .message = message };
	auto_secret struct secret found = SECRET_NONE;

	if (read_enc(message, &of.enc, err) < 0 || read_zip(message, &of.zipped, err) < 0 ||
			open_any(&of, &found, err) < 0)
		return -1;
	if (of.zipped && inflate(&found, err) < 0)
		return -1;
	secret_move(plain, &found);
	return 0;
}

int jwe_open(const struct jwk *key, struct span text, struct secret *plain, struct err *err)
{
	auto_jwe_message struct jwe_message message = JWE_MESSAGE_NONE;

	if (!pkey_is_private(key->key))
		return err_set(err, ERR_USAGE,
				"opening a JWE needs a private key, and the key is a public one");
	if (jwe_read(text, &message, err) < 0 || open_message(key, &message, plain, err) < 0)
		return err_wrap(err, "the JWE");
	return 0;
}
