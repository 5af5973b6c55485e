/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPG simple signing (containers-signature(5), image-trust.md 3.2, 7.4): an OpenPGP message that holds the payload and
 * its signature, checked against a ring of public keys.
 *
 *     simple_verify(message, ring) → who signed (fingerprint of the primary key), the payload
 *
 *     one-pass signature, literal data, signature      as gpg --sign writes it, binary, or this in one compressed
 *                                                      packet (ZIP, ZLIB)
 *
 * Only that form is taken, which is the guest's too: one signature, of version 4, over binary data. Detached, armored,
 * clear-signed, encrypted, doubly compressed and doubly signed messages are refused by name before librnp sees them:
 * it would take most of them, unpack compression within compression without a bound, and ask for passwords.
 *
 * Keys and numbers are librnp's (0.16). Two judges build on it: a person's, who expects expired and revoked keys to be
 * refused, and the guest's, which takes the primary key alone and looks at neither. `simple_signer` tells what both
 * need. Where librnp, or we, refuse what the guest takes, the verdict is ERR_AUTH with the reason, for both:
 *
 *     hashes SHA-1, MD5, RIPEMD-160      refused, whatever the date says
 *     keys that may not sign             refused (their own flags), and RSA and DSA keys below 2048 bits
 *     made when the key had expired      refused; made before, it verifies, and `expired` is set
 *     a revoked key                      verifies, and `revoked` is set
 *
 * What is known of librnp: Debian's build has its assertions on and writes its diagnostics to stdio's stderr, with no
 * function to stop it (simple_silence()); the only text of a message among them, names of critical notations, does not
 * reach it. Its function for the key of a signature goes by the key id, which is not signed, and is not used; its
 * function for a signature's handle leaves a freed one where it fails. A ring costs 1 KB and its keys, the first one
 * 1.5 MB, loading it 1 MB of a process's own memory and one descriptor. Exceptions stay inside.
 *
 * Memory only: no keyring, file or agent of the machine is touched. Of time, the system's clock counts when a ring is
 * parsed (a self-signature of the future does not count), and `now` afterwards.
 * Bounds: SIMPLE_RING_MAX, IMAGE_PAYLOAD_MAX for a message and for what comes out of it, SIMPLE_KEYS_MAX keys, four
 * times as many with subkeys.
 * Threads: any; simple_verify() takes the ring's lock.
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_AUTH (no key of the ring verifies it; says which key signed, and why not).
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

/*
 * For programs whose stderr is a log, in main: stdio's stderr writes nowhere from now on. Lines that are written to the
 * descriptor 2, as base/log.h does, stay.
 */
void simple_silence(void);

/* Binary or armored, also in several blocks. Secret keys are ERR_FORMAT. */
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
	bool expired;                             /* key or signature at `now`; or made later */
	bool revoked; /* the key, or its primary key, for whatever reason, whenever */
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
