/* SPDX-License-Identifier: Apache-2.0 */
/* AES-CBC with HMAC, RFC 7518, 5.2.2: the first half of the key is HMAC's, the second AES's. */
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/aead_own.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#define IV_BYTES 16

static const struct suite {
	size_t half; /* of the key, and the length of the tag */
	const char *digest;
	const EVP_CIPHER *(*cipher)(void);
} suites[] = {
	{ 16, "SHA256", EVP_aes_128_cbc },
	{ 24, "SHA384", EVP_aes_192_cbc },
	{ 32, "SHA512", EVP_aes_256_cbc },
};

static void feed(EVP_MAC_CTX *ctx, struct span bytes)
{
	if (EVP_MAC_update(ctx, (const unsigned char *)bytes.ptr, bytes.len) != 1)
		ossl_abort("HMAC");
}

/* HMAC over aad, iv, ciphertext, and the bits of aad as 64 bits; the whole of it, of which half is the tag. */
static void mac(const struct suite *suite, const struct secret *key, struct span aad, struct span iv,
		struct span cipher, unsigned char out[static EVP_MAX_MD_SIZE])
{
	char digest[16];
	unsigned char bits[8];
	size_t len = 0;

	snprintf(digest, sizeof(digest), "%s", suite->digest);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	for (size_t i = 0; i < sizeof(bits); i++)
		bits[i] = (unsigned char)((uint64_t)aad.len * 8 >> (56 - 8 * i));
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	if (!ctx || EVP_MAC_init(ctx, key->ptr, suite->half, params) != 1)
		ossl_abort("starting HMAC");
	feed(ctx, aad);
	feed(ctx, iv);
	feed(ctx, cipher);
	feed(ctx, span_new(bits, sizeof(bits)));
	if (EVP_MAC_final(ctx, out, &len, EVP_MAX_MD_SIZE) != 1)
		ossl_abort("ending HMAC");
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(hmac);
}

static int decrypt(const struct suite *suite, const struct secret *key, struct span iv, struct span cipher,
		struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	int len = 0, last = 0;

	/* a whole block more than the plaintext can have: CBC's padding ends inside */
	if (secret_alloc(&room, cipher.len, err) < 0)
		return -1;
	auto_cipher EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx ||
			EVP_DecryptInit_ex2(ctx, suite->cipher(), key->ptr + suite->half,
					(const unsigned char *)iv.ptr, NULL) != 1)
		ossl_abort("starting AES-CBC");
	if (EVP_DecryptUpdate(ctx, room.ptr, &len, (const unsigned char *)cipher.ptr, (int)cipher.len) != 1 ||
			EVP_DecryptFinal_ex(ctx, room.ptr + len, &last) != 1)
		return aead_failed(err);
	return secret_from_span(out, span_new(room.ptr, (size_t)len + (size_t)last), err);
}

int cbc_hmac_open(const struct secret *key, struct span iv, struct span aad, struct span cipher,
		struct span tag, struct secret *out, struct err *err)
{
	const struct suite *suite = NULL;
	unsigned char right[EVP_MAX_MD_SIZE];

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (key->len == 2 * suites[i].half)
			suite = &suites[i];
	if (!suite)
		return err_set(err, ERR_USAGE, "a key of %zu bytes for CBC with HMAC; 32, 48 or 64 are right",
				key->len);
	if (iv.len != IV_BYTES)
		return err_set(err, ERR_USAGE, "an AES-CBC IV of %zu bytes; %d are right", iv.len, IV_BYTES);
	if (aead_check_length(aad, err) < 0 || aead_check_length(cipher, err) < 0)
		return -1;
	mac(suite, key, aad, iv, cipher, right);
	if (tag.len != suite->half || CRYPTO_memcmp(right, tag.ptr, tag.len) != 0)
		return aead_failed(err);
	return decrypt(suite, key, iv, cipher, out, err);
}
