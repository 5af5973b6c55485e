/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign, one for each alg, and tokens made by hand. */
#ifndef COCOON_TESTS_JOSE_TOKENS_H
#define COCOON_TESTS_JOSE_TOKENS_H

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "jose/jws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ES256    "{\"alg\":\"ES256\"}"

static const struct signer {
	enum jws_alg alg;
	const char *name, *key;
} signers[] = {
	{ JWS_ES256, "ES256", "p256" },
	{ JWS_ES384, "ES384", "p384" },
	{ JWS_ES512, "ES512", "p521" },
	{ JWS_EDDSA, "EdDSA", "ed25519" },
	{ JWS_RS256, "RS256", "rsa" },
	{ JWS_PS256, "PS256", "rsa" },
};

/* The private key, without an alg of its own. */
static inline void signer_load(const struct signer *signer, struct jwk *out)
{
	auto_free char *path = xasprintf("tests/vectors/jose/keys/%s.jwk", signer->key);
	auto_buf struct buf text = BUF_MAX(SECRET_MAX);
	struct err err = ERR_NONE;

	if (fs_read(path, &text, &err) < 0 || jwk_parse(buf_span(&text), out, &err) < 0)
		fail_msg("%s: %s", path, err.text);
	out->alg[0] = '\0';
}

static inline struct pkey *public_half(const struct pkey *key)
{
	auto_json json_t *object = NULL;
	struct pkey *public = NULL;

	assert_int_equal(jwk_format_public(key, &object, NULL), 0);
	assert_int_equal(jwk_public(object, &public, NULL), 0);
	return public;
}

/* Three parts, encoded; no library of ours looks at what they hold. */
static inline void token_of(struct span header, struct span payload, struct span signature, struct buf *out)
{
	buf_reset(out);
	b64url_encode(out, header);
	buf_putc(out, '.');
	b64url_encode(out, payload);
	buf_putc(out, '.');
	b64url_encode(out, signature);
}

#endif
