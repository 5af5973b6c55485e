/* SPDX-License-Identifier: Apache-2.0 */
/* AES key wrap, RFC 3394. */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/aead_own.h"
#include "crypto/ossl.h"

#define OVERHEAD 8
#define KEY_MIN  16 /* two blocks of RFC 3394 */

static const EVP_CIPHER *wrap_of(size_t key_len)
{
	switch (key_len) {
	case 16:
		return EVP_aes_128_wrap();
	case 24:
		return EVP_aes_192_wrap();
	case 32:
		return EVP_aes_256_wrap();
	}
	return NULL;
}

static EVP_CIPHER_CTX *start(const struct secret *kek, bool seal, struct err *err)
{
	const EVP_CIPHER *cipher = wrap_of(kek->len);

	if (!cipher) {
		err_set(err, ERR_USAGE, "a key-encryption key of %zu bytes; 16, 24 or 32 are right",
				kek->len);
		return NULL;
	}
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		ossl_abort("starting AES key wrap");
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_CipherInit_ex2(ctx, cipher, kek->ptr, NULL, seal, NULL) != 1)
		ossl_abort("starting AES key wrap");
	return ctx;
}

int keywrap_seal(const struct secret *kek, const struct secret *key, struct buf *out, struct err *err)
{
	int len = 0, last = 0;

	if (key->len < KEY_MIN || key->len % OVERHEAD)
		return err_set(err, ERR_USAGE,
				"a key of %zu bytes cannot be wrapped: 16 or more, and whole 8s", key->len);
	auto_cipher EVP_CIPHER_CTX *ctx = start(kek, true, err);
	if (!ctx)
		return -1;
	unsigned char *room = (unsigned char *)buf_room(out, key->len + OVERHEAD);
	if (!room)
		return buf_check(out, "the wrapped key", err);
	if (EVP_EncryptUpdate(ctx, room, &len, key->ptr, (int)key->len) != 1 ||
			EVP_EncryptFinal_ex(ctx, room + len, &last) != 1)
		ossl_abort("AES key wrap");
	buf_grew(out, (size_t)len + (size_t)last);
	return 0;
}

int keywrap_open(const struct secret *kek, struct span wrapped, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	int len = 0, last = 0;

	auto_cipher EVP_CIPHER_CTX *ctx = start(kek, false, err);
	if (!ctx)
		return -1;
	if (wrapped.len < KEY_MIN + OVERHEAD || wrapped.len % OVERHEAD || wrapped.len > SECRET_MAX)
		return aead_failed(err);
	/* OpenSSL works in the place of the result, and needs the whole length there */
	if (secret_alloc(&room, wrapped.len, err) < 0)
		return -1;
	if (EVP_DecryptUpdate(ctx, room.ptr, &len, (const unsigned char *)wrapped.ptr, (int)wrapped.len) !=
					1 ||
			EVP_DecryptFinal_ex(ctx, room.ptr + len, &last) != 1 ||
			(size_t)len + (size_t)last != wrapped.len - OVERHEAD)
		return aead_failed(err);
	return secret_from_span(out, span_new(room.ptr, (size_t)len + (size_t)last), err);
}
