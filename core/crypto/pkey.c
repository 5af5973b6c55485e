/* SPDX-License-Identifier: Apache-2.0 */
/* Life and looks. Reading texts is in pkey_read.c, numbers in pkey_numbers.c, the arithmetic in pkey_rsa.c and _ec.c. */
#include "crypto/pkey.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey_own.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  8192
#define EXPONENT_BITS 64 /* OpenSSL's own bound for large moduli */
#define GROUP_MAX     80

static const struct {
	const char *name;
	const char *group;
	size_t coordinate;
} kinds[] = {
	[PKEY_RSA] = { "RSA", NULL, 0 },
	[PKEY_P256] = { "P-256", "prime256v1", 32 },
	[PKEY_P384] = { "P-384", "secp384r1", 48 },
	[PKEY_P521] = { "P-521", "secp521r1", PKEY_COORDINATE_MAX },
	[PKEY_ED25519] = { "Ed25519", NULL, 32 },
};

const char *pkey_kind_name(enum pkey_kind kind)
{
	return kinds[kind].name;
}

const char *pkey_group(enum pkey_kind kind)
{
	return kinds[kind].group;
}

size_t pkey_coordinate(enum pkey_kind kind)
{
	return kinds[kind].coordinate;
}

/* ---- life ---- */

static int check_rsa(EVP_PKEY *key, struct err *err)
{
	BIGNUM *n = NULL, *e = NULL;
	int bits = EVP_PKEY_get_bits(key);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(err, ERR_FORMAT, "an RSA key of %d bits; %d to %d are allowed", bits,
				RSA_BITS_MIN, RSA_BITS_MAX);
	bool good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
			EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(n) &&
			BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= EXPONENT_BITS;
	BN_free(n);
	BN_free(e);
	return good ? 0 : ossl_fail(err, ERR_FORMAT, "an RSA key whose modulus or exponent cannot be");
}

static int kind_of_group(EVP_PKEY *key, enum pkey_kind *out, struct err *err)
{
	char group[GROUP_MAX] = "";
	int spelled_out = 0;

	/* RFC 5480, 2.1.1 forbids it, and few readers would take the key from us */
	if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) == 1 &&
			spelled_out)
		return err_set(err, ERR_FORMAT, "an EC key with its curve spelled out instead of named");
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (kinds[i].group && !strcmp(kinds[i].group, group)) {
				*out = (enum pkey_kind)i;
				return 0;
			}
	return ossl_fail(err, ERR_FORMAT, "an EC key on the curve '%s'; P-256, P-384 and P-521 are known",
			group[0] ? group : "without a name");
}

static int kind_of(EVP_PKEY *key, enum pkey_kind *out, struct err *err)
{
	const char *type = EVP_PKEY_get0_type_name(key);

	if (EVP_PKEY_is_a(key, "RSA")) {
		*out = PKEY_RSA;
		return check_rsa(key, err);
	}
	if (EVP_PKEY_is_a(key, "EC"))
		return kind_of_group(key, out, err);
	if (EVP_PKEY_is_a(key, "ED25519")) {
		*out = PKEY_ED25519;
		return 0;
	}
	return err_set(err, ERR_FORMAT, "a key of type %s; RSA, EC and Ed25519 are known",
			type ? type : "unknown");
}

static bool has_number(const EVP_PKEY *key, const char *name)
{
	BIGNUM *number = NULL;
	bool has = EVP_PKEY_get_bn_param(key, name, &number) == 1;

	BN_clear_free(number);
	return has;
}

static bool has_private(const EVP_PKEY *key, enum pkey_kind kind)
{
	unsigned char seed[32];
	size_t len = sizeof(seed);
	bool has = false;

	if (kind == PKEY_RSA)
		has = has_number(key, OSSL_PKEY_PARAM_RSA_D);
	else if (kind != PKEY_ED25519)
		has = has_number(key, OSSL_PKEY_PARAM_PRIV_KEY);
	else
		has = EVP_PKEY_get_raw_private_key(key, seed, &len) == 1;
	OPENSSL_cleanse(seed, sizeof(seed));
	ERR_clear_error();
	return has;
}

/*
 * Points on their curve, and private halves that belong to them; for RSA that would take a second or more. The quick
 * check leaves out whether the point has the curve's order: on these curves all points have it.
 */
static int check_point(EVP_PKEY *key, enum pkey_kind kind, bool is_private, struct err *err)
{
	if (kind == PKEY_RSA || kind == PKEY_ED25519)
		return 0;
	auto_evp_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!ctx)
		ossl_abort("starting the check of a key");
	if (EVP_PKEY_public_check_quick(ctx) != 1)
		return ossl_fail(err, ERR_FORMAT, "the point is not on the curve %s", kinds[kind].name);
	if (is_private && (EVP_PKEY_private_check(ctx) != 1 || EVP_PKEY_pairwise_check(ctx) != 1))
		return ossl_fail(err, ERR_FORMAT, "the private half does not belong to the public one");
	return 0;
}

static struct pkey *pkey_of(EVP_PKEY *key, enum pkey_kind kind, bool is_private)
{
	struct pkey *pkey = xcalloc(1, sizeof(*pkey));

	pkey->evp = key;
	pkey->kind = kind;
	pkey->is_private = is_private;
	return pkey;
}

int pkey_adopt(struct evp_pkey_st *key, struct pkey **out, struct err *err)
{
	enum pkey_kind kind = PKEY_RSA;
	auto_evp EVP_PKEY *own = key;

	if (kind_of(own, &kind, err) < 0)
		return -1;
	bool is_private = has_private(own, kind);
	if (check_point(own, kind, is_private, err) < 0)
		return -1;
	*out = pkey_of(take(&own), kind, is_private);
	return 0;
}

int pkey_generate(enum pkey_kind kind, unsigned bits, struct pkey **out, struct err *err)
{
	EVP_PKEY *key = NULL;

	if (kind == PKEY_RSA && bits != 2048 && bits != 3072 && bits != 4096)
		return err_set(err, ERR_USAGE, "an RSA key of %u bits; make one of 2048, 3072 or 4096", bits);
	if (kind == PKEY_RSA)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	else if (kind == PKEY_ED25519)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[kind].group);
	if (!key)
		return ossl_fail(err, ERR_IO, "making a key %s", kinds[kind].name);
	*out = pkey_of(key, kind, true);
	return 0;
}

void pkey_free(struct pkey *key)
{
	int saved = errno;

	if (!key)
		return;
	EVP_PKEY_free(key->evp);
	free(key);
	errno = saved;
}

/* ---- looking ---- */

enum pkey_kind pkey_kind(const struct pkey *key)
{
	return key->kind;
}

bool pkey_is_private(const struct pkey *key)
{
	return key->is_private;
}

unsigned pkey_bits(const struct pkey *key)
{
	return (unsigned)EVP_PKEY_get_bits(key->evp);
}

bool pkey_is_same(const struct pkey *a, const struct pkey *b)
{
	bool same = EVP_PKEY_eq(a->evp, b->evp) == 1;

	ERR_clear_error();
	return same;
}

struct evp_pkey_st *pkey_evp(const struct pkey *key)
{
	return key->evp;
}

int pkey_need(const struct pkey *key, enum pkey_kind kind, bool private, struct err *err)
{
	if (key->kind != kind)
		return err_set(err, ERR_USAGE, "this needs a key %s, and the key is %s", kinds[kind].name,
				kinds[key->kind].name);
	if (private && !key->is_private)
		return err_set(err, ERR_USAGE, "this needs a private key, and the key is a public one");
	return 0;
}

/* ---- writing ---- */

static int write_pkcs8(BIO *text, const EVP_PKEY *key)
{
	return PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL);
}

static int write_pkcs1(BIO *text, const EVP_PKEY *key)
{
	return PEM_write_bio_PrivateKey_traditional(text, key, NULL, NULL, 0, NULL, NULL);
}

static int write_private(int (*write)(BIO *text, const EVP_PKEY *key), const EVP_PKEY *key,
		struct secret *out, struct err *err)
{
	BIO *text = BIO_new(BIO_s_secmem());
	char *bytes = NULL;

	if (!text)
		ossl_abort("a memory BIO");
	int status = -1;
	if (write(text, key) != 1) {
		ossl_fail(err, ERR_LIMIT, "writing a private key");
	} else {
		long len = BIO_get_mem_data(text, &bytes);
		status = secret_from_span(out, span_new(bytes, (size_t)len), err);
	}
	BIO_free(text);
	return status;
}

int pkey_write_pkcs8(const EVP_PKEY *key, struct secret *out, struct err *err)
{
	return write_private(write_pkcs8, key, out, err);
}

int pkey_format_private(const struct pkey *key, struct secret *out, struct err *err)
{
	if (pkey_need(key, key->kind, true, err) < 0)
		return -1;
	return pkey_write_pkcs8(key->evp, out, err);
}

int pkey_format_pkcs1(const struct pkey *key, struct secret *out, struct err *err)
{
	if (pkey_need(key, PKEY_RSA, true, err) < 0)
		return -1;
	return write_private(write_pkcs1, key->evp, out, err);
}

int pkey_format_public(const struct pkey *key, struct buf *out, struct err *err)
{
	char *bytes = NULL;
	BIO *text = BIO_new(BIO_s_mem());

	if (!text || PEM_write_bio_PUBKEY(text, key->evp) != 1)
		ossl_abort("writing a public key");
	long len = BIO_get_mem_data(text, &bytes);
	buf_add(out, bytes, (size_t)len);
	BIO_free(text);
	return buf_check(out, "the public key", err);
}
