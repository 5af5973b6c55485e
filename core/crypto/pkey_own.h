/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of crypto/pkey share; nobody else includes this. */
#ifndef COCOON_CRYPTO_PKEY_OWN_H
#define COCOON_CRYPTO_PKEY_OWN_H

#include "base/own.h"
#include "crypto/pkey.h"

#include <openssl/err.h>
#include <openssl/evp.h>

struct pkey {
	EVP_PKEY *evp;
	enum pkey_kind kind;
	bool is_private;
};

/* The group in OpenSSL's words, NULL for RSA and Ed25519; the bytes of a coordinate (of RSA 0). */
const char *pkey_group(enum pkey_kind kind);
size_t pkey_coordinate(enum pkey_kind kind);

/* ERR_USAGE unless the key is of that kind, with a private half where private is set. */
int pkey_need(const struct pkey *key, enum pkey_kind kind, bool private, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* ERR_USAGE for RSA keys, whose signatures have several forms. */
int pkey_no_rsa(const struct pkey *key, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* r‖s of an EC key's deterministic signature, twice the curve's coordinate. ERR_LIMIT: no room for secrets. */
int pkey_ecdsa_sign(const struct pkey *key, struct span message, unsigned char *pair, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* ---- reading ---- */

/* What the first elements of a DER say that it is. */
enum pkey_form {
	FORM_NONE,
	FORM_PKCS12, /* not read */
	FORM_SPKI,
	FORM_PKCS1_PUBLIC,
	FORM_CERTIFICATE,
	FORM_PKCS1,
	FORM_SEC1,
	FORM_PKCS8,
	FORM_ENCRYPTED, /* PKCS#8 behind a password */
};
enum pkey_form pkey_form_of(struct span der);

/* One key. was_encrypted: bytes that are none were decrypted with a wrong password, which is ERR_AUTH. */
int pkey_read_der(struct span der, const struct secret *password, bool was_encrypted, struct pkey **out,
		struct err *err) __attribute__((nonnull(4), warn_unused_result));

/* An EncryptedPrivateKeyInfo. */
int pkey_decrypt_pkcs8(struct span der, const struct secret *password, EVP_PKEY **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* The bytes of a PEM block with a DEK-Info; head is written to. */
int pkey_decrypt_pem(char *head, struct span cipher, const struct secret *password, struct secret *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

int pkey_wrong_password(struct err *err);

/* PKCS#8 in PEM of any private key, those of certificates among them. */
int pkey_write_pkcs8(const EVP_PKEY *key, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

static inline void pkey_own_release_evp(EVP_PKEY **slot)
{
	EVP_PKEY_free(*slot);
}

static inline void pkey_own_release_ctx(EVP_PKEY_CTX **slot)
{
	EVP_PKEY_CTX_free(*slot);
}
#define auto_evp     __attribute__((cleanup(pkey_own_release_evp)))
#define auto_evp_ctx __attribute__((cleanup(pkey_own_release_ctx)))

#endif
