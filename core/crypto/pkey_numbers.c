/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made of their numbers, and numbers taken out of keys: what a JWK is made of. */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

#define RSA_NUMBERS 8

/* Numbers on their way into a key; the builder reads them when it ends. */
struct builder {
	OSSL_PARAM_BLD *bld;
	BIGNUM *numbers[RSA_NUMBERS];
	size_t count;
};

static void builder_clear(struct builder *builder)
{
	for (size_t i = 0; i < builder->count; i++)
		BN_clear_free(builder->numbers[i]);
	OSSL_PARAM_BLD_free(builder->bld);
}
#define auto_builder __attribute__((cleanup(builder_clear)))

/* A private number travels on the secure heap. */
static void add_number(struct builder *builder, const char *name, struct span bytes, bool private)
{
	BIGNUM *number = private ? BN_secure_new() : BN_new();

	if (!number || !BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, number))
		ossl_abort("a number of a key");
	builder->numbers[builder->count++] = number;
	if (OSSL_PARAM_BLD_push_BN(builder->bld, name, number) != 1)
		ossl_abort("a number of a key");
}

static int finish(struct builder *builder, const char *type, bool private, EVP_PKEY **out, struct err *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder->bld);
	EVP_PKEY *key = NULL;

	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1)
		ossl_abort("making a key of numbers");
	int good = EVP_PKEY_fromdata(ctx, &key, private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	if (good != 1) {
		ossl_fail(err, ERR_FORMAT, "these numbers are no %s key", type);
		return -1;
	}
	*out = key;
	return 0;
}

static int from_rsa(const struct pkey_numbers *of, EVP_PKEY **out, struct err *err)
{
	const struct {
		const char *name;
		struct span bytes;
	} halves[] = {
		{ OSSL_PKEY_PARAM_RSA_D, of->d },
		{ OSSL_PKEY_PARAM_RSA_FACTOR1, of->p },
		{ OSSL_PKEY_PARAM_RSA_FACTOR2, of->q },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT1, of->dp },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT2, of->dq },
		{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, of->qi },
	};
	auto_builder struct builder builder = { .bld = OSSL_PARAM_BLD_new(), .count = 0 };
	size_t given = 0;

	for (size_t i = 1; i < sizeof(halves) / sizeof(halves[0]); i++)
		given += halves[i].bytes.len > 0;
	if (given && (given < 5 || !of->d.len)) {
		err_set(err, ERR_FORMAT, "of the private numbers of an RSA key some are missing");
		return -1;
	}
	if (!builder.bld)
		ossl_abort("making a key of numbers");
	add_number(&builder, OSSL_PKEY_PARAM_RSA_N, of->n, false);
	add_number(&builder, OSSL_PKEY_PARAM_RSA_E, of->e, false);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		if (halves[i].bytes.len)
			add_number(&builder, halves[i].name, halves[i].bytes, true);
	return finish(&builder, "RSA", of->d.len > 0, out, err);
}

static int from_ec(const struct pkey_numbers *of, EVP_PKEY **out, struct err *err)
{
	unsigned char point[1 + 2 * PKEY_COORDINATE_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t size = pkey_coordinate(of->kind);
	auto_builder struct builder builder = { .bld = OSSL_PARAM_BLD_new(), .count = 0 };

	if (!of->x.len || !of->y.len || of->x.len > size || of->y.len > size || of->d.len > size) {
		err_set(err, ERR_FORMAT, "a coordinate of %s has 1 to %zu bytes", pkey_kind_name(of->kind),
				size);
		return -1;
	}
	memcpy(point + 1 + size - of->x.len, of->x.ptr, of->x.len);
	memcpy(point + 1 + 2 * size - of->y.len, of->y.ptr, of->y.len);
	if (!builder.bld ||
			OSSL_PARAM_BLD_push_utf8_string(builder.bld, OSSL_PKEY_PARAM_GROUP_NAME,
					pkey_group(of->kind), 0) != 1 ||
			OSSL_PARAM_BLD_push_octet_string(
					builder.bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) != 1)
		ossl_abort("making a key of numbers");
	if (of->d.len)
		add_number(&builder, OSSL_PKEY_PARAM_PRIV_KEY, of->d, true);
	return finish(&builder, "EC", of->d.len > 0, out, err);
}

/* The public half of an Ed25519 key that was made of its private half alone must be the one that was told. */
static bool is_public_half(const EVP_PKEY *key, struct span x)
{
	unsigned char own[32];
	size_t len = sizeof(own);

	return EVP_PKEY_get_raw_public_key(key, own, &len) == 1 && len == x.len && !memcmp(own, x.ptr, len);
}

static int from_ed25519(const struct pkey_numbers *of, EVP_PKEY **out, struct err *err)
{
	size_t size = pkey_coordinate(of->kind);
	const unsigned char *x = (const unsigned char *)of->x.ptr, *d = (const unsigned char *)of->d.ptr;

	if (of->x.len != size || (of->d.len && of->d.len != size)) {
		err_set(err, ERR_FORMAT, "each half of an Ed25519 key has %zu bytes", size);
		return -1;
	}
	EVP_PKEY *key = of->d.len ? EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, d, size)
				  : EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, size);
	if (!key) {
		ossl_fail(err, ERR_FORMAT, "these bytes are no Ed25519 key");
		return -1;
	}
	if (!is_public_half(key, of->x)) {
		EVP_PKEY_free(key);
		err_set(err, ERR_FORMAT, "the private half does not belong to the public one");
		return -1;
	}
	*out = key;
	return 0;
}

int pkey_from_numbers(const struct pkey_numbers *numbers, struct pkey **out, struct err *err)
{
	EVP_PKEY *key = NULL;
	int status = -1;

	if (numbers->kind == PKEY_RSA)
		status = from_rsa(numbers, &key, err);
	else if (numbers->kind == PKEY_ED25519)
		status = from_ed25519(numbers, &key, err);
	else
		status = from_ec(numbers, &key, err);
	return status < 0 ? -1 : pkey_adopt(key, out, err);
}

/* ---- the other way ---- */

static void take_number(const EVP_PKEY *key, const char *name, size_t pad, struct buf *out)
{
	BIGNUM *number = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		ossl_abort("a number of a key");
	size_t len = pad ? pad : (size_t)BN_num_bytes(number);
	char *room = buf_room(out, len);
	if (room) {
		if (BN_bn2binpad(number, (unsigned char *)room, (int)len) < 0)
			ossl_abort("a number of a key");
		buf_grew(out, len);
	}
	BN_free(number);
}

static void take_raw(const EVP_PKEY *key, struct buf *out)
{
	unsigned char raw[32];
	size_t len = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(key, raw, &len) != 1)
		ossl_abort("the public half of a key");
	buf_add(out, raw, len);
}

int pkey_public_numbers(const struct pkey *key, struct buf *first, struct buf *second, struct err *err)
{
	size_t pad = pkey_coordinate(key->kind);

	if (key->kind == PKEY_RSA) {
		take_number(key->evp, OSSL_PKEY_PARAM_RSA_N, 0, first);
		take_number(key->evp, OSSL_PKEY_PARAM_RSA_E, 0, second);
	} else if (key->kind == PKEY_ED25519) {
		take_raw(key->evp, first);
	} else {
		take_number(key->evp, OSSL_PKEY_PARAM_EC_PUB_X, pad, first);
		take_number(key->evp, OSSL_PKEY_PARAM_EC_PUB_Y, pad, second);
	}
	return buf_check(first, "the public key", err) < 0 ? -1 : buf_check(second, "the public key", err);
}

int pkey_private_scalar(const struct pkey *key, struct secret *out, struct err *err)
{
	BIGNUM *number = NULL;
	size_t pad = pkey_coordinate(key->kind);

	if (!key->is_private || key->kind == PKEY_RSA || key->kind == PKEY_ED25519)
		return err_set(err, ERR_USAGE, "this is no private key of a curve");
	if (EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1)
		return ossl_fail(err, ERR_BUG, "reading the number of a private key"), -1;
	int result = secret_alloc(out, pad, err);
	if (!result && BN_bn2binpad(number, out->ptr, (int)pad) != (int)pad)
		ossl_abort("a number of a key");
	BN_clear_free(number);
	return result;
}
