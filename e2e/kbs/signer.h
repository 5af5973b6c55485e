/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs attestation tokens, and the tokens (kbs-protocol.md, 4.3): the EAR profile of JWT, with the members in the
 * order of the real service.
 *
 *     header  {"typ":"JWT","alg":"ES256","jwk":{"alg":"ES256"[,"x5c":[…]],"kty":"EC","crv":"P-256","x":…,"y":…}}
 *     claims  {"eat_profile":…,"iat":…,"ear.verifier-id":{…},"submods":{…},"exp":…,"iss":…}
 *
 * Without a key file the key is made at the start, and tokens end with the process.
 *
 * Ownership: heap object of the caller. Errors: ERR_USAGE (the key is none of P-256; the certificate is another key's),
 * those of crypto/pkey.h and crypto/cert.h.
 */
#ifndef COCOON_E2E_KBS_SIGNER_H
#define COCOON_E2E_KBS_SIGNER_H

#include <jansson.h>
#include <stdint.h>

struct buf;
struct err;
struct pkey;
struct signer;

/* key_file: private, P-256, NULL: a new one. cert_file: its certificate and those above it, PEM; NULL: none. */
int signer_open(const char *key_file, const char *cert_file, struct signer **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
void signer_free(struct signer *signer);

/* Borrowed. */
const struct pkey *signer_key(const struct signer *signer) __attribute__((nonnull, returns_nonnull));

/* Appends a token. now in seconds since 1970, lifetime in seconds. */
int signer_issue(const struct signer *signer, json_t *submods, int64_t now, int64_t lifetime, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 2, 5), warn_unused_result));

#endif
