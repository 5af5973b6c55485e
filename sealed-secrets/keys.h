/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that sealed secrets are signed and verified with: P-256, as JWK or in any form that crypto/pkey.h reads.
 *
 * For verification a key stands under a kid: that of the JWK, or the one in front of the file's name:
 *
 *     --key signing-public.json
 *     --key kbs:///default/signing-key/team=signing-public.pem
 *
 * Ownership: the caller's struct, KEYS_NONE. Errors: ERR_USAGE, ERR_FORMAT with the file's name.
 */
#ifndef COCOON_SEALED_SECRETS_KEYS_H
#define COCOON_SEALED_SECRETS_KEYS_H

#include "base/opt.h"
#include "crypto/pkey.h"
#include "sealed/lint.h"

struct err;

#define KEYS_JWK_MAX 1024

struct keys {
	struct sealed_key *items; /* public JWKs */
	size_t count;
};
#define KEYS_NONE                         \
	{                                 \
		.items = NULL, .count = 0 \
	}

int keys_load(const struct opt_list *names, struct keys *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void keys_clear(struct keys *keys) __attribute__((nonnull));
#define auto_keys __attribute__((cleanup(keys_clear)))

/* The key for a kid; a single key without a kid of its own serves for all. NULL when there is none. */
const struct sealed_key *keys_find(const struct keys *keys, const char *kid) __attribute__((nonnull));

/* A private P-256 key to sign with and its kid: the given one, else the JWK's own. *kid is the caller's to free. */
int keys_signing(const char *path, const char *kid_given, struct pkey **key, char **kid, struct err *err)
		__attribute__((nonnull(1, 3, 4), warn_unused_result));

/* Appends the public JWK as the ecosystem writes it: alg, crv, kid, kty, use, x, y. */
int keys_format_public(const struct pkey *key, const char *kid, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
