/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a certificate is, to whom a message is addressed by it (CMS, RFC 5652, 6.2.1): the issuer's name and the serial
 * number exactly as their bytes stand in the certificate (RFC 5280, 4.1), the subject key identifier, and the key.
 * Names are never decoded and written again: peers compare bytes.
 *
 * Read: one X.509 certificate in DER or PEM; of a PEM text the first certificate counts.
 * Bounds: SECRET_MAX bytes, as of every key. Ownership: a heap object of the caller.
 * Errors: ERR_FORMAT, ERR_LIMIT; those of pkey_parse for the key.
 */
#ifndef COCOON_CRYPTO_CERTID_H
#define COCOON_CRYPTO_CERTID_H

#include "base/span.h"

#include <stddef.h>

struct err;
struct pkey;

struct certid {
	struct span issuer; /* the whole Name, its SEQUENCE included */
	struct span serial; /* the body of the INTEGER */
	struct span key_id; /* of the subject key; empty: the certificate does not say */
	struct pkey *key;
	char *der; /* the certificate, on which the spans live */
	size_t der_len;
};

int certid_parse(struct span bytes, struct certid **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

void certid_free(struct certid *id);
static inline void certid_release(struct certid **slot)
{
	certid_free(*slot);
}
#define auto_certid __attribute__((cleanup(certid_release)))

#endif
