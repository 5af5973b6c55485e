/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The single-step key derivation of NIST SP 800-56A (5.8.1, "Concat KDF") with SHA-256, as JOSE's ECDH-ES uses it
 * (RFC 7518, 4.6.2): SHA-256(counter ‖ Z ‖ other information), as many rounds as the key needs.
 *
 * Bounds: keys of 1 … KDF_KEY_MAX bytes. ERR_USAGE for another length or an empty Z.
 */
#ifndef COCOON_CRYPTO_KDF_H
#define COCOON_CRYPTO_KDF_H

#include "base/span.h"
#include "crypto/secret.h"

#include <stddef.h>

struct err;

#define KDF_KEY_MAX 64

int kdf_concat(const struct secret *z, struct span other, size_t key_len, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));

#endif
