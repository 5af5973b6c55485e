/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ties evidence to one handshake and one key (kbs-protocol.md, 1.6): the canonical JSON (RFC 8785) of nonce, TEE
 * key and additional evidence, hashed. The digest is the attester's report data.
 *
 *     primary   {"additional-evidence":"<text as sent>","nonce":"…","tee-pubkey":{…}}
 *     device    {"nonce":"…","tee-pubkey":{…}}
 *
 * The oldest protocol versions hash the device form for primary evidence.
 */
#ifndef COCOON_KBS_BINDING_H
#define COCOON_KBS_BINDING_H

#include "base/span.h"
#include "crypto/digest.h"

#include <jansson.h>

struct buf;
struct err;
struct pkey;

/* Key algorithms of a TEE key, as written in aa.toml. */
enum kbs_key { KBS_KEY_P256, KBS_KEY_P521, KBS_KEY_RSA };
/* "ECDH-ES+A256KW-P256", "ECDH-ES+A256KW-P521", "RSA-OAEP-256"; static. */
const char *kbs_key_name(enum kbs_key key) __attribute__((returns_nonnull));
int kbs_key_find(struct span name, enum kbs_key *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The tee-pubkey of a key: exactly the typed members, alg among them. New reference. ERR_USAGE: no such kind. */
int kbs_tee_pubkey(const struct pkey *key, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/*
 * The typed members alone of a key that a peer sent, without what the types do not know; a new reference. Neither
 * curve nor point are checked, as the real service does not. ERR_FORMAT.
 */
int kbs_tee_pubkey_read(const json_t *sent, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends the canonical text; additional is NULL for the device form. */
void kbs_runtime_text(const char *nonce, const json_t *tee_pubkey, const char *additional, struct buf *out)
		__attribute__((nonnull(1, 2, 4)));
void kbs_runtime_digest(enum digest_alg alg, const char *nonce, const json_t *tee_pubkey,
		const char *additional, unsigned char out[static DIGEST_MAX])
		__attribute__((nonnull(2, 3, 5)));

#endif
