/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Keys (RFC 7517) as keys of ours: kty RSA, EC (P-256, P-384, P-521) and OKP (Ed25519), public or private.
 *
 *     {"kty":"EC","crv":"P-256","x":"…","y":"…","d":"…","kid":"…","alg":"ECDH-ES+A256KW"}
 *
 * Coordinates may be shorter than the curve (leading zeros left out); written ones are padded. A point must lie on
 * its curve. Members that are not about the key itself, such as use and key_ops, are not looked at.
 * Bounds: SECRET_MAX bytes. Errors: ERR_FORMAT with the member's name, ERR_LIMIT.
 */
#ifndef COCOON_JOSE_JWK_H
#define COCOON_JOSE_JWK_H

#include "base/span.h"
#include "crypto/pkey.h"

#include <jansson.h>

#define JWK_KID_MAX 512
#define JWK_ALG_MAX 64

struct jwk {
	struct pkey *key;
	char kid[JWK_KID_MAX]; /* "" when absent */
	char alg[JWK_ALG_MAX]; /* "" when absent */
};

#define JWK_NONE                                  \
	{                                         \
		.key = NULL, .kid = "", .alg = "" \
	}

/* True when the text looks like a JWK (an object with a kty), so that a reader of many forms knows whom to ask. */
bool jwk_is(struct span text);

/* Private members pass through JSON's memory: its tree is wiped here, its reader's copies by json_wipe_freed(). */
int jwk_parse(struct span text, struct jwk *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void jwk_clear(struct jwk *jwk) __attribute__((nonnull));
#define auto_jwk __attribute__((cleanup(jwk_clear)))

/* The public half of an object, for epk and the TEE key; NULL is no object. */
int jwk_public(const json_t *object, struct pkey **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* kty, crv, x, y (or n, e) of the public half, in this order. */
int jwk_format_public(const struct pkey *key, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* The same and d, of a private key on a curve of NIST's. For programs that wipe JSON's memory (json_wipe_freed). */
int jwk_format_private(const struct pkey *key, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
