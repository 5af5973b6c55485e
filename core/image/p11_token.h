/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RSA key in a PKCS#11 token (OASIS PKCS#11 3.0), found by its description (image/p11_key.h) and used through the
 * token's module with CKM_RSA_PKCS_OAEP.
 *
 * p11_token_open() loads the module, which is foreign code in our process, with the environment that the description
 * asks for; it stays set, so this is done before other threads run. A module that is loaded already keeps the one it
 * began with. The token itself is asked, and logged in to, at the first use of the key.
 *
 * Bounds: P11_SLOTS_MAX slots; a result is at most 2048 bytes (RSA of 16384 bits).
 * Ownership: a heap object of the caller; the description is borrowed. Threads: one at a time.
 * Errors: ERR_NOT_FOUND (module, token or key), ERR_AUTH (decryption, uniform), ERR_DENIED (the policy; the PIN, which
 * is given once, because a second try may lock it), ERR_USAGE, ERR_IO with the module's words.
 */
#ifndef COCOON_IMAGE_P11_TOKEN_H
#define COCOON_IMAGE_P11_TOKEN_H

#include "base/span.h"
#include "crypto/secret.h"

#include <stdbool.h>

struct buf;
struct err;
struct p11_key;
struct p11_policy;
struct p11_token;

#define P11_SLOTS_MAX 256

/* With `private`, the private key is meant; else the public one. */
int p11_token_open(const struct p11_key *key, const struct p11_policy *policy, bool private,
		struct p11_token **out, struct err *err)
		__attribute__((nonnull(1, 2, 4), warn_unused_result));
void p11_token_free(struct p11_token *token);
static inline void p11_token_release(struct p11_token **slot)
{
	p11_token_free(*slot);
}
#define auto_p11_token __attribute__((cleanup(p11_token_release)))

/* Bits of the public key's modulus; 0 when the token does not say. */
int p11_token_bits(struct p11_token *token, unsigned *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends. */
int p11_token_encrypt(struct p11_token *token, bool sha1, struct span plain, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));
int p11_token_decrypt(struct p11_token *token, bool sha1, struct span cipher, struct secret *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

#endif
