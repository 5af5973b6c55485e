/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#define PKCS1_OVERHEAD 11 /* 00 02, eight bytes that are not zero at least, 00 */

typedef int (*start_fn)(EVP_PKEY_CTX *ctx, const OSSL_PARAM params[]);

/* A context for one operation with a padding of OpenSSL's name; digest is OAEP's, else NULL. Never NULL. */
static EVP_PKEY_CTX *start(const struct pkey *key, start_fn init, const char *padding, const char *digest)
{
	char pad[16], hash[16];
	OSSL_PARAM params[4], *at = params;

	snprintf(pad, sizeof(pad), "%s", padding);
	*at++ = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, pad, 0);
	if (digest) {
		snprintf(hash, sizeof(hash), "%s", digest);
		*at++ = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, hash, 0);
		*at++ = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, hash, 0);
	}
	*at = OSSL_PARAM_construct_end();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	if (!ctx || init(ctx, params) != 1)
		ossl_abort("starting RSA");
	return ctx;
}

static size_t modulus_bytes(const struct pkey *key)
{
	return (size_t)EVP_PKEY_get_size(key->evp);
}

static int encrypt(EVP_PKEY_CTX *ctx, const struct pkey *key, struct span plain, struct buf *out,
		struct err *err)
{
	size_t len = modulus_bytes(key);
	unsigned char *room = (unsigned char *)buf_room(out, len);

	if (!room)
		return buf_check(out, "the encrypted key", err);
	if (EVP_PKEY_encrypt(ctx, room, &len, (const unsigned char *)plain.ptr, plain.len) != 1)
		return ossl_fail(err, ERR_USAGE, "encrypting with RSA");
	buf_grew(out, len);
	return 0;
}

static int too_long(const struct pkey *key, struct span plain, size_t overhead, struct err *err)
{
	if (plain.len + overhead <= modulus_bytes(key))
		return 0;
	return err_set(err, ERR_USAGE, "%zu bytes are too many for an RSA key of %u bits, which takes %zu",
			plain.len, pkey_bits(key), modulus_bytes(key) - overhead);
}

static int failed(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_AUTH, "decryption failed");
}

/* ---- OAEP ---- */

int pkey_oaep_encrypt(const struct pkey *key, bool sha1, struct span plain, struct buf *out, struct err *err)
{
	if (pkey_need(key, PKEY_RSA, false, err) < 0 || too_long(key, plain, sha1 ? 42 : 66, err) < 0)
		return -1;
	auto_evp_ctx EVP_PKEY_CTX *ctx = start(
			key, EVP_PKEY_encrypt_init_ex, OSSL_PKEY_RSA_PAD_MODE_OAEP, sha1 ? "SHA1" : "SHA256");
	return encrypt(ctx, key, plain, out, err);
}

int pkey_oaep_decrypt(
		const struct pkey *key, bool sha1, struct span cipher, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;

	if (pkey_need(key, PKEY_RSA, true, err) < 0)
		return -1;
	size_t len = modulus_bytes(key);
	if (cipher.len != len)
		return failed(err);
	if (secret_alloc(&room, len, err) < 0)
		return -1;
	auto_evp_ctx EVP_PKEY_CTX *ctx = start(
			key, EVP_PKEY_decrypt_init_ex, OSSL_PKEY_RSA_PAD_MODE_OAEP, sha1 ? "SHA1" : "SHA256");
	if (EVP_PKEY_decrypt(ctx, room.ptr, &len, (const unsigned char *)cipher.ptr, cipher.len) != 1)
		return failed(err);
	return secret_from_span(out, span_new(room.ptr, len), err);
}

/* ---- PKCS#1 v1.5 ---- */

int pkey_pkcs1_encrypt(const struct pkey *key, struct span plain, struct buf *out, struct err *err)
{
	if (pkey_need(key, PKEY_RSA, false, err) < 0 || too_long(key, plain, PKCS1_OVERHEAD, err) < 0)
		return -1;
	auto_evp_ctx EVP_PKEY_CTX *ctx =
			start(key, EVP_PKEY_encrypt_init_ex, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, NULL);
	return encrypt(ctx, key, plain, out, err);
}

/* 0xff where the byte is 0, else 0; no branch for a compiler to keep. */
static unsigned is_zero(unsigned byte)
{
	return ((byte - 1) >> 8) & 0xff;
}

/* 0xff when the block is 00 02 PS 00 and plain_len bytes, else 0; the same time for either. */
static unsigned is_padded(const unsigned char *block, size_t len, size_t plain_len)
{
	size_t end = len - plain_len - 1;
	unsigned good = is_zero(block[0]) & is_zero(block[1] ^ 2U) & is_zero(block[end]);

	for (size_t i = 2; i < end; i++)
		good &= ~is_zero(block[i]);
	return good & 0xff;
}

int pkey_pkcs1_decrypt(const struct pkey *key, struct span cipher, size_t plain_len, struct secret *out,
		struct err *err)
{
	auto_secret struct secret block = SECRET_NONE, plain = SECRET_NONE;

	if (pkey_need(key, PKEY_RSA, true, err) < 0)
		return -1;
	size_t len = modulus_bytes(key);
	if (plain_len + PKCS1_OVERHEAD > len)
		return err_set(err, ERR_USAGE, "%zu bytes cannot come out of an RSA key of %u bits",
				plain_len, pkey_bits(key));
	if (cipher.len != len)
		return failed(err);
	/* drawn always: whether it was needed must not show */
	if (secret_random(&plain, plain_len, err) < 0 || secret_alloc(&block, len, err) < 0)
		return -1;
	auto_evp_ctx EVP_PKEY_CTX *ctx =
			start(key, EVP_PKEY_decrypt_init_ex, OSSL_PKEY_RSA_PAD_MODE_NONE, NULL);
	/* fails for a number beyond the modulus alone, which everybody can see */
	if (EVP_PKEY_decrypt(ctx, block.ptr, &len, (const unsigned char *)cipher.ptr, cipher.len) != 1)
		return failed(err);
	volatile unsigned mask = is_padded(block.ptr, block.len, plain_len);
	const unsigned char *found = block.ptr + block.len - plain_len;
	for (size_t i = 0; i < plain_len; i++)
		plain.ptr[i] = (unsigned char)((found[i] & mask) | (plain.ptr[i] & ~mask));
	secret_move(out, &plain);
	return 0;
}
