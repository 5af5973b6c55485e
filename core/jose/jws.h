/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Signatures (RFC 7515, 7518, 8037) in compact form, and the claims of tokens (RFC 7519) that depend on time.
 *
 *     eyJhbGciOiJFUzI1NiJ9 . eyJleHAiOjF9 . <signature>       HEADER "." PAYLOAD "." SIGNATURE, base64url, no padding
 *
 * Written: the header's bytes are the caller's, since peers compare them; its alg must be the key's. ECDSA is
 * deterministic (RFC 6979), so that equal inputs give equal tokens.
 *
 * Read in two steps, because the key is often found by the header: jws_read() splits, decodes and applies the header
 * policy; jws_verify() checks the signature with one key. Policy: alg is there once and is one of the list below
 * (never none, never HS256); crit and b64:false are refused; duplicate members are refused; kid is a text. The alg
 * must be the one for the key's kind, and must agree with the alg of the JWK when that has one: a message never
 * chooses how a key is used.
 *
 *     ES256 P-256   ES384 P-384   ES512 P-521   EdDSA Ed25519   RS256, PS256 RSA
 *
 * Bounds: JWS_MAX bytes of text; header JWS_HEADER_MAX.
 * Ownership: the caller's struct, JWS_NONE; payload and header are its own. Nothing of a payload counts before
 * jws_verify() has returned 0.
 * Errors: ERR_FORMAT, ERR_LIMIT; ERR_DENIED (refused by the header policy; alg and key disagree), ERR_AUTH uniform.
 */
#ifndef COCOON_JOSE_JWS_H
#define COCOON_JOSE_JWS_H

#include "base/buf.h"
#include "base/span.h"
#include "jose/jwk.h"

#include <jansson.h>

struct err;

#define JWS_MAX        ((size_t)256 * 1024)
#define JWS_HEADER_MAX ((size_t)16 * 1024)

enum jws_alg { JWS_ES256, JWS_ES384, JWS_ES512, JWS_EDDSA, JWS_RS256, JWS_PS256 };

/* "ES256", …; static. */
const char *jws_alg_name(enum jws_alg alg) __attribute__((returns_nonnull));
/* The alg that a key signs with: by its kind, RS256 for RSA. */
enum jws_alg jws_alg_of(const struct pkey *key) __attribute__((nonnull));

struct jws {
	json_t *header;     /* object */
	struct buf head;    /* its text as it was sent */
	struct buf payload; /* decoded; may be empty */
	struct buf signature;
	struct buf covered; /* HEADER "." PAYLOAD as sent */
	enum jws_alg alg;
	const char *kid; /* of the header; NULL when absent */
};
#define JWS_NONE                                                                                          \
	{                                                                                                 \
		.head = BUF_MAX(JWS_HEADER_MAX), .payload = BUF_MAX(JWS_MAX), .signature = BUF_MAX(2048), \
		.covered = BUF_MAX(JWS_MAX)                                                               \
	}

int jws_read(struct span text, struct jws *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void jws_clear(struct jws *jws) __attribute__((nonnull));
#define auto_jws __attribute__((cleanup(jws_clear)))

/* key's alg is looked at when it is not "". */
int jws_verify(const struct jws *jws, const struct jwk *key, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends the compact form. header is JSON text with an alg that the private key has; ERR_USAGE otherwise. */
int jws_sign(const struct pkey *key, struct span header, struct span payload, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

/*
 * The times of a token's claims: exp must be there and lie after now - leeway, nbf, when there, before now + leeway.
 * now and leeway in seconds. ERR_AUTH "the token has expired", "… is not valid yet"; ERR_FORMAT.
 */
int jws_check_times(const json_t *claims, int64_t now, int64_t leeway, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
