/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Encryption (RFC 7516, 7518), the profile of encrypted images and of the key broker.
 *
 * Sealed: one recipient, flattened JSON with the members protected, encrypted_key, iv, ciphertext, tag in this order;
 * A256GCM; the protected header's members sorted at every level: alg, enc, epk (crv, kty, x, y), kid. Guests of key
 * brokers write the header anew in this order to authenticate it, and so cannot open any other; a JWK without a kid is
 * what they want.
 * Opened: flattened and general JSON (a stray top-level encrypted_key beside recipients is ignored) and compact form;
 * enc A128GCM, A192GCM, A256GCM and the three CBC-HS; alg as in enum jwe_alg; "zip":"DEF" with a ceiling. A header
 * with "crit", an enc that is not listed, or a member in two headers (RFC 7516, 4) is refused, and so is a message whose
 * recipients all have an alg that is not listed.
 *
 * Which alg a key may be used with is decided by the key's kind, never by the message alone: RSA keys take the two
 * OAEPs, EC keys the ECDH-ES forms. A JWK's own alg is for who seals and does not count here: no reader in Go looks at
 * it, and skopeo 1.9 writes RSA-OAEP for a JWK that asks for RSA-OAEP-256. One alg is taken at a JWK's word alone:
 * RSA1_5, which key brokers have for their oldest guests. Its padding is checked without a trace (RFC 7516, 11.5), yet
 * nobody should use it who did not ask for it.
 *
 * Bounds: JWE_MAX bytes, JWE_RECIPIENTS_MAX recipients, SECRET_MAX bytes of content. Errors: ERR_FORMAT, ERR_LIMIT,
 * ERR_USAGE (no recipient has an alg or curve for the key), ERR_AUTH uniform for everything that depends on key bytes.
 */
#ifndef COCOON_JOSE_JWE_H
#define COCOON_JOSE_JWE_H

#include "base/span.h"
#include "crypto/pkey.h"
#include "jose/jwk.h"

struct buf;
struct err;

#define JWE_MAX            ((size_t)1024 * 1024)
#define JWE_RECIPIENTS_MAX 1024

enum jwe_alg {
	JWE_RSA_OAEP,
	JWE_RSA_OAEP_256,
	JWE_RSA1_5,
	JWE_ECDH_ES_A128KW,
	JWE_ECDH_ES_A192KW,
	JWE_ECDH_ES_A256KW,
};

/* "RSA-OAEP", …; static. */
const char *jwe_alg_name(enum jwe_alg alg) __attribute__((returns_nonnull));

/* The alg of a key: the JWK's own, else RSA-OAEP or ECDH-ES+A256KW by its kind. ERR_USAGE "… is not supported". */
int jwe_alg_of(const struct jwk *recipient, enum jwe_alg *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends the JSON text. */
int jwe_seal(const struct jwk *recipient, const struct secret *plain, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Tries the key on every recipient whose alg is for keys of its kind. */
int jwe_open(const struct jwk *key, struct span text, struct secret *plain, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
