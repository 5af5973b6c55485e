/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private key of a PKCS#12 file (RFC 7292). The MAC over the file is checked first; then its safes that are not
 * encrypted are searched for the first key in a shrouded key bag, and that one is decrypted.
 *
 *     PFX ─ AuthenticatedSafe ┬ data: SafeContents ─ shrouded key bag (3DES, PBES2, …)      read
 *                             └ encrypted data: certificates (often 40-bit RC2)              stepped over
 *
 * Encrypted safes hold certificates, which nobody here asks for, under ciphers that OpenSSL has put into its legacy
 * provider; so that provider is not needed.
 *
 * Bounds: SECRET_MAX bytes; PKCS12_ROUNDS_MAX rounds to derive the key of the MAC (2048 are usual), those of
 * crypto/pkey.h for the bag.
 * Ownership: a new key of the caller.
 * Errors: ERR_FORMAT (no PKCS#12, no MAC, a cipher that we do not have, no such key), ERR_LIMIT, ERR_AUTH (the password
 * is wrong or missing, uniform).
 */
#ifndef COCOON_CRYPTO_PKCS12_H
#define COCOON_CRYPTO_PKCS12_H

#include "base/span.h"
#include "crypto/secret.h"

struct err;
struct pkey;

#define PKCS12_ROUNDS_MAX 1000000

int pkcs12_key(struct span der, const struct secret *password, struct pkey **out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

#endif
