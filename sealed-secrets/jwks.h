/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that sealed secrets are signed and verified with: P-256, as JWK or in any form that crypto/pkey.h reads.
 *
 * For verification a key stands under a kid: that of the JWK, or the one in front of the file's name:
 *
 *     --key signing-public.json
 *     --key kbs:///default/signing-key/team=signing-public.pem
 *
 * Ownership: the caller's struct, JWKS_NONE. Errors: ERR_USAGE, ERR_FORMAT with the file's name.
 */
#ifndef COCOON_SEALED_SECRETS_JWKS_H
#define COCOON_SEALED_SECRETS_JWKS_H

#include "base/opt.h"
#include "crypto/pkey.h"
#include "sealed/lint.h"

struct err;

#define JWKS_TEXT_MAX 1024

struct jwks {
	struct sealed_key *items; /* public JWKs */
	size_t count;
};
#define JWKS_NONE                         \
	{                                 \
		.items = NULL, .count = 0 \
	}

int jwks_load(const struct opt_list *names, struct jwks *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void jwks_clear(struct jwks *keys) __attribute__((nonnull));
#define auto_jwks __attribute__((cleanup(jwks_clear)))

/* The key for a kid; a single key without a kid of its own serves for all. NULL when there is none. */
const struct sealed_key *jwks_find(const struct jwks *keys, const char *kid) __attribute__((nonnull));

/* A private P-256 key to sign with and its kid: the given one, else the JWK's own. *kid is the caller's to free. */
int jwks_signing(const char *path, const char *kid_given, struct pkey **key, char **kid, struct err *err)
		__attribute__((nonnull(1, 3, 4), warn_unused_result));

/* Appends the public JWK as the ecosystem writes it: alg, crv, kid, kty, use, x, y. */
int jwks_format_public(const struct pkey *key, const char *kid, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
