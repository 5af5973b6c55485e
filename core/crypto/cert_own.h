/* SPDX-License-Identifier: Apache-2.0 */
/* What the three files of crypto/cert share; nobody else includes this. */
#ifndef COCOON_CRYPTO_CERT_OWN_H
#define COCOON_CRYPTO_CERT_OWN_H

#include "base/own.h"
#include "crypto/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

struct cert_list {
	size_t count;
	X509 *certs[CERT_LIST_MAX];
};

struct cert_pair {
	struct cert_list *chain; /* certs[0] is the key's */
	EVP_PKEY *key;
};

/* Takes both over. */
struct cert_pair *cert_pair_new(struct cert_list *chain, EVP_PKEY *key)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
