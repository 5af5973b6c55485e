/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of jose/jwe share; nobody else includes this. */
#ifndef COCOON_JOSE_JWE_OWN_H
#define COCOON_JOSE_JWE_OWN_H

#include "base/buf.h"
#include "jose/jwe.h"

#include <jansson.h>
#include <stdbool.h>

/* The content encryptions (RFC 7518, 5.1) by their names in "enc". */
struct jwe_enc {
	const char *name;
	size_t key_bytes;
	size_t iv_bytes;
	size_t tag_bytes;
	bool is_gcm;
};
/* NULL for another name. */
const struct jwe_enc *jwe_enc_find(const char *name) __attribute__((nonnull));

/* False for a name that is not one of ours. */
bool jwe_alg_find(const char *name, enum jwe_alg *out) __attribute__((nonnull));
/* RSA-OAEP is the one with SHA-1. */
bool jwe_alg_is_rsa(enum jwe_alg alg);
/* Does the key's kind go with the alg? */
bool jwe_alg_fits(enum jwe_alg alg, const struct pkey *key) __attribute__((nonnull));

/* The key-encryption key of an ECDH-ES alg (RFC 7518, 4.6.2) from own private and peer's public key. */
int jwe_derive(enum jwe_alg alg, const struct pkey *own, const struct pkey *peer, struct span apu,
		struct span apv, struct secret *kek, struct err *err)
		__attribute__((nonnull(2, 3, 6), warn_unused_result));

/* ---- a message as read ---- */

struct jwe_recipient {
	const json_t *header;      /* per recipient; NULL when there is none */
	struct span encrypted_key; /* base64url */
};

/* Texts are borrowed from tree or from the compact form's text. */
struct jwe_message {
	json_t *tree;         /* NULL for the compact form */
	json_t *protected;    /* the decoded header; NULL when there is none */
	const json_t *shared; /* "unprotected" */
	struct buf aad;       /* what the tag covers: base64url of protected, and "." and of aad */
	struct buf iv, cipher, tag;
	struct jwe_recipient *recipients;
	size_t count;
};

#define JWE_MESSAGE_NONE                                                                         \
	{                                                                                        \
		.aad = BUF_MAX(2 * JWE_MAX), .iv = BUF_MAX(JWE_MAX), .cipher = BUF_MAX(JWE_MAX), \
		.tag = BUF_MAX(JWE_MAX),                                                         \
	}

/* All three forms. Headers are checked for crit and for members that stand in two of them. */
int jwe_read(struct span text, struct jwe_message *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void jwe_message_clear(struct jwe_message *message) __attribute__((nonnull));
#define auto_jwe_message __attribute__((cleanup(jwe_message_clear)))

/* A member of the joined header of one recipient: NULL when none has it. */
const json_t *jwe_header(const struct jwe_message *message, size_t recipient, const char *name)
		__attribute__((nonnull));

#endif
