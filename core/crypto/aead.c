/* SPDX-License-Identifier: Apache-2.0 */
/* GCM and CTR. The composition with CBC is in aead_cbc.c, key wrap in aead_wrap.c. */
#include "crypto/aead.h"

#include "base/buf.h"
#include "base/err.h"
#include "crypto/aead_own.h"
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <string.h>

#define GCM_NONCE_MAX 64
#define CTR_KEY       32
#define CTR_NONCE     16

int aead_check_length(struct span bytes, struct err *err)
{
	if (bytes.len <= AEAD_BYTES_MAX)
		return 0;
	return err_set(err, ERR_LIMIT, "%zu bytes in one message; at most %zu are allowed", bytes.len,
			AEAD_BYTES_MAX);
}

int aead_failed(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_AUTH, "decryption failed");
}

/* ---- GCM ---- */

static const EVP_CIPHER *gcm_of(size_t key_len)
{
	switch (key_len) {
	case 16:
		return EVP_aes_128_gcm();
	case 24:
		return EVP_aes_192_gcm();
	case 32:
		return EVP_aes_256_gcm();
	}
	return NULL;
}

/* A context that has taken key, nonce and aad; the caller's. NULL with *err filled. */
static EVP_CIPHER_CTX *gcm_start(
		const struct secret *key, struct span nonce, struct span aad, bool seal, struct err *err)
{
	const EVP_CIPHER *cipher = gcm_of(key->len);
	int len = 0;

	if (!cipher) {
		err_set(err, ERR_USAGE, "an AES-GCM key of %zu bytes; 16, 24 or 32 are right", key->len);
		return NULL;
	}
	if (!nonce.len || nonce.len > GCM_NONCE_MAX) {
		err_set(err, ERR_USAGE, "an AES-GCM nonce of %zu bytes; 1 to %d are right", nonce.len,
				GCM_NONCE_MAX);
		return NULL;
	}
	if (aead_check_length(aad, err) < 0)
		return NULL;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx || EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, seal, NULL) != 1 ||
			EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) != 1 ||
			EVP_CipherInit_ex2(ctx, NULL, key->ptr, (const unsigned char *)nonce.ptr, seal,
					NULL) != 1)
		ossl_abort("starting AES-GCM");
	if (aad.len && EVP_CipherUpdate(ctx, NULL, &len, (const unsigned char *)aad.ptr, (int)aad.len) != 1)
		ossl_abort("AES-GCM");
	return ctx;
}

int gcm_seal(const struct secret *key, struct span nonce, struct span aad, struct span plain, struct buf *out,
		unsigned char *tag, struct err *err)
{
	unsigned char own_tag[AEAD_TAG_BYTES];
	int len = 0;

	if (aead_check_length(plain, err) < 0)
		return -1;
	auto_cipher EVP_CIPHER_CTX *ctx = gcm_start(key, nonce, aad, true, err);
	if (!ctx)
		return -1;
	unsigned char *room = (unsigned char *)buf_room(out, plain.len + (tag ? 0 : AEAD_TAG_BYTES));
	if (!room)
		return buf_check(out, "the ciphertext", err);
	if ((plain.len &&
			    EVP_EncryptUpdate(ctx, room, &len, (const unsigned char *)plain.ptr,
					    (int)plain.len) != 1) ||
			EVP_EncryptFinal_ex(ctx, room + plain.len, &len) != 1 ||
			EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, own_tag) != 1)
		ossl_abort("AES-GCM");
	memcpy(tag ? tag : room + plain.len, own_tag, AEAD_TAG_BYTES);
	buf_grew(out, plain.len + (tag ? 0 : AEAD_TAG_BYTES));
	return 0;
}

int gcm_open(const struct secret *key, struct span nonce, struct span aad, struct span cipher,
		struct span tag, struct secret *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	unsigned char own_tag[AEAD_TAG_BYTES];
	int len = 0;

	auto_cipher EVP_CIPHER_CTX *ctx = gcm_start(key, nonce, aad, false, err);
	if (!ctx)
		return -1;
	if (!tag.len && cipher.len >= AEAD_TAG_BYTES) {
		cipher.len -= AEAD_TAG_BYTES;
		tag = span_new(cipher.ptr + cipher.len, AEAD_TAG_BYTES);
	}
	if (tag.len != AEAD_TAG_BYTES)
		return aead_failed(err);
	if (secret_alloc(&plain, cipher.len, err) < 0)
		return -1;
	memcpy(own_tag, tag.ptr, AEAD_TAG_BYTES);
	if ((cipher.len &&
			    EVP_DecryptUpdate(ctx, plain.ptr, &len, (const unsigned char *)cipher.ptr,
					    (int)cipher.len) != 1) ||
			EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, own_tag) != 1 ||
			EVP_DecryptFinal_ex(ctx, plain.ptr + cipher.len, &len) != 1)
		return aead_failed(err);
	secret_move(out, &plain);
	return 0;
}

/* ---- CTR ---- */

int ctr_xor(const struct secret *key, struct span nonce, struct span in, unsigned char *out, struct err *err)
{
	int len = 0;

	if (key->len != CTR_KEY || nonce.len != CTR_NONCE)
		return err_set(err, ERR_USAGE,
				"AES-CTR with a key of %zu and a nonce of %zu bytes; %d and %d are right",
				key->len, nonce.len, CTR_KEY, CTR_NONCE);
	if (aead_check_length(in, err) < 0)
		return -1;
	auto_cipher EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx ||
			EVP_EncryptInit_ex2(ctx, EVP_aes_256_ctr(), key->ptr,
					(const unsigned char *)nonce.ptr, NULL) != 1)
		ossl_abort("starting AES-CTR");
	if (in.len && EVP_EncryptUpdate(ctx, out, &len, (const unsigned char *)in.ptr, (int)in.len) != 1)
		ossl_abort("AES-CTR");
	return 0;
}
