/* SPDX-License-Identifier: Apache-2.0 */
/* Algorithms and their names. Sealing is in jwe_seal.c; jwe_read.c takes a message apart, jwe_open.c decrypts it. */
#include "jose/jwe.h"

#include "base/err.h"
#include "crypto/kdf.h"
#include "jose/jwe_own.h"

#include <string.h>

#define PARTY_MAX 1024 /* apu and apv; peers leave them out */

static const struct {
	const char *name;
	size_t kek_bytes; /* 0: RSA */
} algs[] = {
	[JWE_RSA_OAEP] = { "RSA-OAEP", 0 },
	[JWE_RSA_OAEP_256] = { "RSA-OAEP-256", 0 },
	[JWE_RSA1_5] = { "RSA1_5", 0 },
	[JWE_ECDH_ES_A128KW] = { "ECDH-ES+A128KW", 16 },
	[JWE_ECDH_ES_A192KW] = { "ECDH-ES+A192KW", 24 },
	[JWE_ECDH_ES_A256KW] = { "ECDH-ES+A256KW", 32 },
};

static const struct jwe_enc encs[] = {
	{ "A128GCM", 16, 12, 16, true },
	{ "A192GCM", 24, 12, 16, true },
	{ "A256GCM", 32, 12, 16, true },
	{ "A128CBC-HS256", 32, 16, 16, false },
	{ "A192CBC-HS384", 48, 16, 24, false },
	{ "A256CBC-HS512", 64, 16, 32, false },
};

const struct jwe_enc *jwe_enc_find(const char *name)
{
	for (size_t i = 0; i < sizeof(encs) / sizeof(encs[0]); i++)
		if (!strcmp(name, encs[i].name))
			return &encs[i];
	return NULL;
}

const char *jwe_alg_name(enum jwe_alg alg)
{
	return algs[alg].name;
}

bool jwe_alg_find(const char *name, enum jwe_alg *out)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (!strcmp(name, algs[i].name)) {
			*out = (enum jwe_alg)i;
			return true;
		}
	return false;
}

bool jwe_alg_is_rsa(enum jwe_alg alg)
{
	return !algs[alg].kek_bytes;
}

bool jwe_alg_fits(enum jwe_alg alg, const struct pkey *key)
{
	enum pkey_kind kind = pkey_kind(key);

	return jwe_alg_is_rsa(alg) ? kind == PKEY_RSA : kind != PKEY_RSA && kind != PKEY_ED25519;
}

int jwe_alg_of(const struct jwk *recipient, enum jwe_alg *out, struct err *err)
{
	enum jwe_alg alg = pkey_kind(recipient->key) == PKEY_RSA ? JWE_RSA_OAEP : JWE_ECDH_ES_A256KW;

	if (recipient->alg[0] && !jwe_alg_find(recipient->alg, &alg))
		return err_set(err, ERR_USAGE,
				"the key's alg '%s' is not supported; RSA-OAEP, RSA-OAEP-256, RSA1_5 and "
				"ECDH-ES+A128KW, +A192KW, +A256KW are",
				recipient->alg);
	if (!jwe_alg_fits(alg, recipient->key))
		return err_set(err, ERR_USAGE, "a key %s is not supported for %s",
				pkey_kind_name(pkey_kind(recipient->key)),
				recipient->alg[0] ? recipient->alg : "encryption");
	*out = alg;
	return 0;
}

/* ---- ECDH-ES ---- */

static void add_number(struct buf *out, size_t number)
{
	unsigned char bytes[4];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(number >> (24 - 8 * i));
	buf_add(out, bytes, sizeof(bytes));
}

static void add_counted(struct buf *out, struct span bytes)
{
	add_number(out, bytes.len);
	buf_add_span(out, bytes);
}

int jwe_derive(enum jwe_alg alg, const struct pkey *own, const struct pkey *peer, struct span apu,
		struct span apv, struct secret *kek, struct err *err)
{
	auto_secret struct secret z = SECRET_NONE;
	auto_buf struct buf other = BUF_MAX(3 * PARTY_MAX);

	if (apu.len > PARTY_MAX || apv.len > PARTY_MAX)
		return err_set(err, ERR_LIMIT, "apu or apv has more than %d bytes", PARTY_MAX);
	add_counted(&other, span_of(algs[alg].name));
	add_counted(&other, apu);
	add_counted(&other, apv);
	add_number(&other, 8 * algs[alg].kek_bytes);
	if (pkey_agree(own, peer, &z, err) < 0)
		return -1;
	return kdf_concat(&z, buf_span(&other), algs[alg].kek_bytes, kek, err);
}
