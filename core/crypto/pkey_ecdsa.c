/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA whose nonce comes of key and message (RFC 6979, 3.2), so that no bad random number can give a key away and
 * equal messages have equal signatures. OpenSSL 3.0 draws its nonces at random and cannot be told otherwise, which is
 * why the two equations of the signature stand here; points are multiplied by OpenSSL, in constant time.
 */
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/pkey_own.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <string.h>

#define HALF_MAX PKEY_COORDINATE_MAX

/* What the arithmetic needs; all numbers live on the secure heap and go with ctx. */
struct scene {
	BN_CTX *ctx;
	EC_GROUP *group;
	EC_POINT *point;
	BN_MONT_CTX *mont; /* of the order */
	const BIGNUM *order;
	BIGNUM *less; /* order - 2 */
	BIGNUM *d, *z, *k, *r, *s, *blind, *sum, *hand;
	size_t half; /* bytes of the order */
};

static void scene_clear(struct scene *scene)
{
	BN_MONT_CTX_free(scene->mont);
	EC_POINT_clear_free(scene->point);
	EC_GROUP_free(scene->group);
	if (scene->ctx)
		BN_CTX_end(scene->ctx);
	BN_CTX_free(scene->ctx);
}

static const struct {
	int curve;
	enum digest_alg hash; /* that RFC 7518, 3.4 puts to it */
} signings[] = {
	[PKEY_P256] = { NID_X9_62_prime256v1, DIGEST_SHA256 },
	[PKEY_P384] = { NID_secp384r1, DIGEST_SHA384 },
	[PKEY_P521] = { NID_secp521r1, DIGEST_SHA512 },
};

static bool scene_open(struct scene *scene, const struct pkey *key)
{
	BIGNUM **const numbers[] = { &scene->d, &scene->z, &scene->k, &scene->r, &scene->s, &scene->less,
		&scene->blind, &scene->sum, &scene->hand };

	scene->half = pkey_coordinate(key->kind);
	scene->ctx = BN_CTX_secure_new();
	if (!scene->ctx)
		return false;
	BN_CTX_start(scene->ctx);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		*numbers[i] = BN_CTX_get(scene->ctx);
		if (!*numbers[i])
			return false;
		BN_set_flags(*numbers[i], BN_FLG_CONSTTIME);
	}
	scene->group = EC_GROUP_new_by_curve_name(signings[key->kind].curve);
	scene->point = scene->group ? EC_POINT_new(scene->group) : NULL;
	scene->mont = BN_MONT_CTX_new();
	scene->order = scene->group ? EC_GROUP_get0_order(scene->group) : NULL;
	return scene->point && scene->mont && BN_MONT_CTX_set(scene->mont, scene->order, scene->ctx) == 1 &&
			BN_copy(scene->less, scene->order) && BN_sub_word(scene->less, 2) == 1 &&
			EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_PRIV_KEY, &scene->d) == 1;
}

/* ---- the nonce ---- */

/* HMAC_DRBG without anything random (RFC 6979, 3.2, steps b to h). */
struct nonces {
	const char *hash;
	size_t len; /* of the hash */
	unsigned char key[DIGEST_MAX];
	unsigned char value[DIGEST_MAX];
};

static void mac(struct nonces *nonces, const unsigned char *data, size_t len, unsigned char *out)
{
	unsigned char result[DIGEST_MAX];
	size_t got = 0;

	if (!EVP_Q_mac(NULL, "HMAC", NULL, nonces->hash, NULL, nonces->key, nonces->len, data, len, result,
			    sizeof(result), &got) ||
			got != nonces->len)
		ossl_abort("an HMAC");
	memcpy(out, result, got);
	OPENSSL_cleanse(result, sizeof(result));
}

static void stir(struct nonces *nonces, unsigned char round, const unsigned char *seed, size_t seed_len)
{
	unsigned char data[DIGEST_MAX + 1 + 2 * HALF_MAX];

	memcpy(data, nonces->value, nonces->len);
	data[nonces->len] = round;
	if (seed_len)
		memcpy(data + nonces->len + 1, seed, seed_len);
	mac(nonces, data, nonces->len + 1 + seed_len, nonces->key);
	mac(nonces, nonces->value, nonces->len, nonces->value);
	OPENSSL_cleanse(data, sizeof(data));
}

static bool nonces_open(struct nonces *nonces, const struct scene *scene, enum digest_alg hash)
{
	unsigned char seed[2 * HALF_MAX];
	size_t half = scene->half;

	nonces->hash = digest_name(hash);
	nonces->len = digest_size(hash);
	memset(nonces->key, 0, sizeof(nonces->key));
	memset(nonces->value, 1, sizeof(nonces->value));
	bool good = BN_bn2binpad(scene->d, seed, (int)half) > 0 &&
			BN_bn2binpad(scene->z, seed + half, (int)half) > 0;
	if (good) {
		stir(nonces, 0, seed, 2 * half);
		stir(nonces, 1, seed, 2 * half);
	}
	OPENSSL_cleanse(seed, sizeof(seed));
	return good;
}

/* The next number of 1 … order - 1, into scene->k. */
static bool nonces_next(struct nonces *nonces, struct scene *scene)
{
	unsigned char bytes[2 * DIGEST_MAX];
	int bits = BN_num_bits(scene->order);
	bool good = true;

	do {
		size_t len = 0;
		for (; len < scene->half; len += nonces->len) {
			mac(nonces, nonces->value, nonces->len, nonces->value);
			memcpy(bytes + len, nonces->value, nonces->len);
		}
		good = BN_bin2bn(bytes, (int)len, scene->k) &&
				BN_rshift(scene->k, scene->k, (int)(8 * len) - bits) == 1;
		/* for the case that this number does not do */
		stir(nonces, 0, NULL, 0);
	} while (good && (BN_is_zero(scene->k) || BN_cmp(scene->k, scene->order) >= 0));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return good;
}

/* ---- the two equations ---- */

/* out = a · b modulo the order; a and b are below it. */
static bool multiply(struct scene *scene, BIGNUM *out, const BIGNUM *a, const BIGNUM *b)
{
	return BN_to_montgomery(scene->hand, a, scene->mont, scene->ctx) == 1 &&
			BN_mod_mul_montgomery(out, scene->hand, b, scene->mont, scene->ctx) == 1;
}

/* s = (z + r·d) / k, with numerator and denominator multiplied by a random number, so that no step has d or k alone. */
static bool divide(struct scene *scene)
{
	do
		if (BN_priv_rand_range(scene->blind, scene->order) != 1)
			return false;
	while (BN_is_zero(scene->blind));
	return multiply(scene, scene->sum, scene->blind, scene->d) &&
			multiply(scene, scene->sum, scene->sum, scene->r) &&
			multiply(scene, scene->s, scene->blind, scene->z) &&
			BN_mod_add_quick(scene->sum, scene->sum, scene->s, scene->order) == 1 &&
			multiply(scene, scene->s, scene->blind, scene->k) &&
			/* Fermat: the power of order - 2 is the inverse */
			BN_mod_exp_mont_consttime(scene->s, scene->s, scene->less, scene->order, scene->ctx,
					scene->mont) == 1 &&
			multiply(scene, scene->s, scene->s, scene->sum);
}

static bool equations(struct scene *scene)
{
	return EC_POINT_mul(scene->group, scene->point, scene->k, NULL, NULL, scene->ctx) == 1 &&
			EC_POINT_get_affine_coordinates(
					scene->group, scene->point, scene->r, NULL, scene->ctx) == 1 &&
			BN_nnmod(scene->r, scene->r, scene->order, scene->ctx) == 1 && divide(scene);
}

static bool sign(struct scene *scene, const struct pkey *key, struct span message, unsigned char *pair)
{
	enum digest_alg hash = signings[key->kind].hash;
	unsigned char digest[DIGEST_MAX];
	struct nonces nonces = { .hash = NULL, .len = 0 };

	digest_bytes(hash, message, digest);
	bool good = scene_open(scene, key) && BN_bin2bn(digest, (int)digest_size(hash), scene->z) &&
			BN_nnmod(scene->z, scene->z, scene->order, scene->ctx) == 1 &&
			nonces_open(&nonces, scene, hash);
	do
		good = good && nonces_next(&nonces, scene) && equations(scene);
	while (good && (BN_is_zero(scene->r) || BN_is_zero(scene->s)));
	OPENSSL_cleanse(&nonces, sizeof(nonces));
	return good && BN_bn2binpad(scene->r, pair, (int)scene->half) > 0 &&
			BN_bn2binpad(scene->s, pair + scene->half, (int)scene->half) > 0;
}

int pkey_ecdsa_sign(const struct pkey *key, struct span message, unsigned char *pair, struct err *err)
{
	__attribute__((cleanup(scene_clear))) struct scene scene = { .ctx = NULL };

	return sign(&scene, key, message, pair) ? 0 : ossl_fail(err, ERR_LIMIT, "signing");
}
