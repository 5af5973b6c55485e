/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asymmetric keys, public or private: RSA (2048 … 8192 bits), EC on P-256, P-384 and P-521, Ed25519.
 *
 * Read: DER and PEM of SubjectPublicKeyInfo, PKCS#1 (RFC 8017), SEC1 (RFC 5915), PKCS#8 (RFC 5958, also encrypted),
 * PEM encrypted in the old way (Proc-Type, DEK-Info), and X.509 certificates, of which the public key counts. Of a PEM
 * with several blocks the private key counts, then a public one, then the first certificate; labels only tell where to
 * look. JWKs are read by jose/jwk.h. Written: PKCS#8, PKCS#1 and SubjectPublicKeyInfo in PEM.
 *
 * Ownership: heap objects of the caller; private halves leave as struct secret alone.
 * Bounds: SECRET_MAX bytes of text; 10 million rounds to derive a key of a password, some seconds. ERR_LIMIT.
 * Errors: ERR_FORMAT (no key that we read; says what the bytes look like instead), ERR_USAGE (an operation that the
 * key's kind does not have, a size out of range), ERR_AUTH (uniform text: decryption failed, signature wrong, wrong or
 * missing password).
 */
#ifndef COCOON_CRYPTO_PKEY_H
#define COCOON_CRYPTO_PKEY_H

#include "base/span.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct evp_pkey_st;
struct pkey;

enum pkey_kind { PKEY_RSA, PKEY_P256, PKEY_P384, PKEY_P521, PKEY_ED25519 };

#define PKEY_COORDINATE_MAX 66 /* P-521 */

/* ---- life ---- */

/* A new private key; bits for RSA alone (2048, 3072, 4096). */
int pkey_generate(enum pkey_kind kind, unsigned bits, struct pkey **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/*
 * Whatever the bytes hold, private or public. password may be NULL or empty: then an encrypted key is ERR_AUTH "needs a
 * password". The bytes are the caller's to wipe.
 */
int pkey_parse(struct span bytes, const struct secret *password, struct pkey **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

void pkey_free(struct pkey *key);
static inline void pkey_release(struct pkey **slot)
{
	pkey_free(*slot);
}
#define auto_pkey __attribute__((cleanup(pkey_release)))

/* Takes over one reference of an OpenSSL key, also when it fails. ERR_FORMAT for a kind or size that is not ours. */
int pkey_adopt(struct evp_pkey_st *key, struct pkey **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/*
 * A key as the numbers that JWKs are made of, unsigned and big-endian: n and e of RSA, x and y of a point, x alone of
 * Ed25519. d makes it private; of RSA's p, q, dp, dq, qi all are there or none. Coordinates may be shorter than the
 * curve. The bytes are the caller's to wipe.
 */
struct pkey_numbers {
	enum pkey_kind kind;
	struct span n, e, x, y;
	struct span d, p, q, dp, dq, qi;
};
int pkey_from_numbers(const struct pkey_numbers *numbers, struct pkey **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* ---- looking ---- */

/* The public numbers, appended: n and e of RSA, x and y of a point (padded), x alone of Ed25519. */
int pkey_public_numbers(const struct pkey *key, struct buf *first, struct buf *second, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* d of a private key on P-256, P-384 or P-521, padded to the curve's size. ERR_USAGE for other keys. */
int pkey_private_scalar(const struct pkey *key, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

enum pkey_kind pkey_kind(const struct pkey *key) __attribute__((nonnull));
/* "RSA", "P-256", …; static. */
const char *pkey_kind_name(enum pkey_kind kind) __attribute__((returns_nonnull));
bool pkey_is_private(const struct pkey *key) __attribute__((nonnull));
unsigned pkey_bits(const struct pkey *key) __attribute__((nonnull));
/* The same public half. */
bool pkey_is_same(const struct pkey *a, const struct pkey *b) __attribute__((nonnull));
/* Borrowed, for rooms that may include OpenSSL. */
struct evp_pkey_st *pkey_evp(const struct pkey *key) __attribute__((nonnull, returns_nonnull));

/* PEM: PKCS#8 of a private key; SubjectPublicKeyInfo, appended to out. */
int pkey_format_private(const struct pkey *key, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* The same of an RSA key in the old form, PKCS#1, for peers that read nothing else. */
int pkey_format_pkcs1(const struct pkey *key, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int pkey_format_public(const struct pkey *key, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* ---- RSA ---- */

/* RSAES-OAEP (RFC 8017, 7.1), MGF1 with the same hash, empty label. SHA-1 where sha1 says so (alg RSA-OAEP), else SHA-256. */
int pkey_oaep_encrypt(const struct pkey *key, bool sha1, struct span plain, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));
int pkey_oaep_decrypt(const struct pkey *key, bool sha1, struct span cipher, struct secret *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

/*
 * RSAES-PKCS1-v1_5 (RFC 8017, 7.2), for PKCS#7 and JOSE's RSA1_5 alone. Decryption knows the length that it must find
 * and never says that the padding was wrong: where it is, out holds random bytes (RFC 3218, 2.3.2), in the same time.
 */
int pkey_pkcs1_encrypt(const struct pkey *key, struct span plain, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
int pkey_pkcs1_decrypt(const struct pkey *key, struct span cipher, size_t plain_len, struct secret *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

/*
 * Signatures with SHA-256: RSASSA-PKCS1-v1_5 (8.2, RS256), or, where pss says so, RSASSA-PSS with MGF1 of the same hash
 * and a salt of 32 bytes (8.1, PS256). Appended to out; ERR_AUTH, uniform, for one that is wrong.
 */
int pkey_rsa_sign(const struct pkey *key, bool pss, struct span message, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));
int pkey_rsa_verify(const struct pkey *key, bool pss, struct span message, struct span signature,
		struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* ---- EC and Ed25519 ---- */

/* The shared secret Z: the x-coordinate, padded to the curve's size. ERR_USAGE for another curve. */
int pkey_agree(const struct pkey *own, const struct pkey *peer, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * Signatures in JOSE's form: r‖s of ECDSA with the curve's hash, 64 bytes of Ed25519. Appended to out. Both are
 * deterministic, ECDSA as in RFC 6979; either s of a pair verifies.
 */
int pkey_sign(const struct pkey *key, struct span message, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
int pkey_verify(const struct pkey *key, struct span message, struct span signature, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* ---- any kind ---- */

/*
 * Signatures as X.509 and its kin have them: ECDSA in DER with the curve's hash (strictly DER: there is one text for a
 * pair of numbers), 64 bytes of Ed25519, RSASSA-PKCS1-v1_5 with SHA-256. ERR_AUTH, uniform.
 */
int pkey_verify_der(const struct pkey *key, struct span message, struct span signature, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* The same where the message is known by its hash alone. ERR_USAGE for a hash of another size, and for Ed25519. */
int pkey_verify_hash(const struct pkey *key, struct span hash, struct span signature, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
