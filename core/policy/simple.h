/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPG simple signing (containers-signature(5), image-trust.md 3.2, 7.4): an OpenPGP message that holds the payload and
 * its signature, checked against a ring of public keys. By librnp, which parses and verifies; nothing of ours reads
 * packets.
 *
 *     simple_verify(message, ring) → who signed (fingerprint of the primary key), the payload
 *
 * Two judges: a person's, who expects expired and revoked keys, weak hashes and keys that may not sign to be refused;
 * and the guest's, which takes the primary key alone and looks at neither expiry nor revocation. `simple_signer` tells
 * what both need.
 *
 * Pure (memory only; no keyring of the machine is touched). Bounds: SIMPLE_RING_MAX, IMAGE_PAYLOAD_MAX for a message and for what
 * comes out of it (compressed messages exist), SIMPLE_KEYS_MAX keys.
 * Threads: a ring is used by one thread at a time; simple_verify() takes its lock.
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_AUTH (no key of the ring verifies it; says which key id signed).
 */
#ifndef COCOON_POLICY_SIMPLE_H
#define COCOON_POLICY_SIMPLE_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct simple_ring;

#define SIMPLE_RING_MAX        ((size_t)256 * 1024)
#define SIMPLE_KEYS_MAX        64
#define SIMPLE_FINGERPRINT_MAX 65 /* upper-case hex with the NUL */

/* Binary or armored, any number of keys. */
int simple_ring_parse(struct span text, struct simple_ring **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void simple_ring_free(struct simple_ring *ring);
static inline void simple_ring_release(struct simple_ring **slot)
{
	simple_ring_free(*slot);
}
#define auto_simple_ring __attribute__((cleanup(simple_ring_release)))
size_t simple_ring_count(const struct simple_ring *ring) __attribute__((nonnull));

struct simple_signer {
	char fingerprint[SIMPLE_FINGERPRINT_MAX]; /* of the primary key */
	bool subkey;                              /* a subkey made the signature: guests do not take it */
	bool expired;                             /* key or signature */
	bool revoked;
	struct buf payload;
};
void simple_signer_clear(struct simple_signer *signer) __attribute__((nonnull));
#define auto_simple_signer __attribute__((cleanup(simple_signer_clear)))

/*
 * The message is signed, mathematically right, by a key of the ring: 0, and *out (zeroed before) says the rest: a
 * person's judge goes on to refuse expired and revoked. `now` is seconds since 1970.
 */
int simple_verify(struct simple_ring *ring, struct span message, int64_t now, struct simple_signer *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

#endif
