/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose attestation tokens open resources (kbs-protocol.md, 4.3). A token counts when its signature is good, it has not
 * ended (60 s of leeway), and its key is one of these:
 *
 *     header jwk   any key with insecure_header_jwk; one whose certificate, the first of its x5c, leads to a trusted
 *                  certificate; the broker's own key, where nothing else is said
 *     header kid   without a jwk: that key of a trusted key set
 *
 * The JWK must name its alg, and the header must name the same.
 *
 * Ownership: heap object of the caller; own is borrowed. Errors: ERR_USAGE (files), ERR_AUTH, ERR_DENIED and ERR_FORMAT
 * of tokens.
 */
#ifndef COCOON_E2E_KBS_TRUST_H
#define COCOON_E2E_KBS_TRUST_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct pkey;
struct trust;

struct trust_options {
	const struct pkey *own;
	const char *cert_file; /* trusted certificates in PEM; NULL: none */
	const char *jwks_file; /* {"keys":[…]}; NULL: none */
	bool insecure_header_jwk;
};

int trust_open(const struct trust_options *options, struct trust **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void trust_free(struct trust *trust);

/* The claims of a good token, a new reference. now in seconds since 1970. */
int trust_check(const struct trust *trust, struct span token, int64_t now, json_t **claims, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));

#endif
