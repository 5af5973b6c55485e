/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cbc.h"

#include "base/err.h"
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static const char *cipher_name(enum cbc_cipher cipher, size_t key)
{
	if (cipher == CBC_TRIPLE_DES)
		return key == 24 ? "DES-EDE3-CBC" : NULL;
	switch (key) {
	case 16:
		return "AES-128-CBC";
	case 24:
		return "AES-192-CBC";
	case 32:
		return "AES-256-CBC";
	default:
		return NULL;
	}
}

/* The length of the text without its padding, or -1. */
static int decipher(EVP_CIPHER_CTX *ctx, struct span text, unsigned char *out)
{
	int len = 0, tail = 0;

	if (EVP_DecryptUpdate(ctx, out, &len, (const unsigned char *)text.ptr, (int)text.len) != 1 ||
			EVP_DecryptFinal_ex(ctx, out + len, &tail) != 1)
		return -1;
	return len + tail;
}

int cbc_open(enum cbc_cipher cipher, const struct secret *key, struct span iv, struct span text,
		struct secret *out, struct err *err)
{
	const char *name = cipher_name(cipher, key->len);
	size_t block = cipher == CBC_AES ? 16 : 8;

	if (!name || iv.len != block)
		return err_set(err, ERR_USAGE, "a key or initial vector of a wrong length");
	if (text.len > SECRET_MAX - EVP_MAX_BLOCK_LENGTH)
		return err_set(err, ERR_LIMIT, "an enciphered text of %zu bytes", text.len);
	if (!text.len || text.len % block)
		return err_set(err, ERR_AUTH, "decryption failed");
	auto_secret struct secret plain = SECRET_NONE;
	if (secret_alloc(&plain, text.len + EVP_MAX_BLOCK_LENGTH, err) < 0)
		return -1;
	EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!fetched || !ctx ||
			EVP_DecryptInit_ex2(ctx, fetched, key->ptr, (const unsigned char *)iv.ptr, NULL) != 1)
		ossl_abort(name);
	int len = decipher(ctx, text, plain.ptr);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(fetched);
	ERR_clear_error();
	if (len < 0)
		return err_set(err, ERR_AUTH, "decryption failed");
	return secret_from_span(out, span_new(plain.ptr, (size_t)len), err);
}
