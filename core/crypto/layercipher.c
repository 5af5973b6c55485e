/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/layercipher.h"

#include "crypto/ossl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define BLOCK 64 /* of SHA-256 */
/* what one call of OpenSSL, whose lengths are int, is given */
#define PIECE ((size_t)1 << 30)

void layer_ctr_init(struct layer_ctr *ctr, const unsigned char key[static LAYER_CTR_KEY],
		const unsigned char nonce[static LAYER_CTR_NONCE])
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);

	ctr->ctx = EVP_CIPHER_CTX_new();
	if (!aes || !ctr->ctx || EVP_EncryptInit_ex2(ctr->ctx, aes, key, nonce, NULL) != 1)
		ossl_abort("starting AES-256-CTR");
	EVP_CIPHER_free(aes);
}

void layer_ctr_clear(struct layer_ctr *ctr)
{
	int saved = errno;

	EVP_CIPHER_CTX_free(ctr->ctx);
	ctr->ctx = NULL;
	errno = saved;
}

void layer_ctr_apply(struct layer_ctr *ctr, const unsigned char *in, unsigned char *out, size_t len)
{
	while (len) {
		size_t piece = len < PIECE ? len : PIECE;
		int got = 0;
		if (EVP_EncryptUpdate(ctr->ctx, out, &got, in, (int)piece) != 1 || (size_t)got != piece)
			ossl_abort("AES-256-CTR");
		in += piece;
		out += piece;
		len -= piece;
	}
}

static void feed_pad(struct digest *digest, const unsigned char *key, unsigned char pad)
{
	unsigned char block[BLOCK];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < LAYER_CTR_KEY; i++)
		block[i] ^= key[i];
	digest_feed(digest, span_new(block, sizeof(block)));
	OPENSSL_cleanse(block, sizeof(block));
}

void layer_hash_init(struct layer_hash *hash, const unsigned char *key)
{
	*hash = (struct layer_hash)LAYER_HASH_NONE;
	digest_init(&hash->digest, DIGEST_SHA256);
	if (!key)
		return;
	hash->keyed = true;
	digest_init(&hash->outer, DIGEST_SHA256);
	feed_pad(&hash->digest, key, 0x36);
	feed_pad(&hash->outer, key, 0x5c);
}

void layer_hash_clear(struct layer_hash *hash)
{
	digest_clear(&hash->digest);
	digest_clear(&hash->outer);
}

void layer_hash_feed(struct layer_hash *const hashes[], const unsigned char *const data[], size_t count,
		size_t len)
{
	for (size_t i = 0; i < count; i++)
		digest_feed(&hashes[i]->digest, span_new(data[i], len));
}

void layer_hash_done(struct layer_hash *hash, unsigned char out[static LAYER_HASH_SIZE])
{
	unsigned char bytes[DIGEST_MAX];

	digest_done(&hash->digest, bytes);
	if (hash->keyed) {
		digest_feed(&hash->outer, span_new(bytes, LAYER_HASH_SIZE));
		digest_done(&hash->outer, bytes);
	}
	memcpy(out, bytes, LAYER_HASH_SIZE);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

bool layer_hash_same(
		const unsigned char a[static LAYER_HASH_SIZE], const unsigned char b[static LAYER_HASH_SIZE])
{
	return CRYPTO_memcmp(a, b, LAYER_HASH_SIZE) == 0;
}
