/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of policy/simple share; nobody else includes this. */
#ifndef COCOON_POLICY_SIMPLE_OWN_H
#define COCOON_POLICY_SIMPLE_OWN_H

#include "policy/simple.h"

#include <pthread.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <stdint.h>

/* One key of a ring, primary or subkey, as it was before its revocations were taken away. */
struct simple_key {
	char fingerprint[SIMPLE_FINGERPRINT_MAX];
	char primary[SIMPLE_FINGERPRINT_MAX]; /* its own when it is one */
	bool subkey;
	bool revoked;
	bool may_sign;    /* by its key flags, and large enough */
	uint64_t expires; /* seconds since 1970; UINT64_MAX: never */
};

struct simple_ring {
	pthread_mutex_t lock; /* of ffi; the rest does not change */
	rnp_ffi_t ffi;
	struct simple_key *keys;
	size_t key_count;
	size_t primaries;
};

/* The key of a fingerprint; NULL. */
const struct simple_key *simple_ring_find(const struct simple_ring *ring, const char *fingerprint)
		__attribute__((nonnull));

/*
 * The packets of a message, unpacked into *plain where they are compressed: exactly one-pass signature, literal data,
 * signature. *packets borrows from either. The key id that it says goes into `keyid`, 16 upper-case hex digits.
 */
#define SIMPLE_KEYID_MAX 17
int simple_shape(struct span message, struct buf *plain, struct span *packets,
		char keyid[static SIMPLE_KEYID_MAX], struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));

static inline void simple_own_release_text(char **slot)
{
	rnp_buffer_destroy(*slot);
}
static inline void simple_own_release_input(rnp_input_t *slot)
{
	if (*slot)
		rnp_input_destroy(*slot);
}
static inline void simple_own_release_key(rnp_key_handle_t *slot)
{
	if (*slot)
		rnp_key_handle_destroy(*slot);
}
#define auto_rnp_text  __attribute__((cleanup(simple_own_release_text)))
#define auto_rnp_input __attribute__((cleanup(simple_own_release_input)))
#define auto_rnp_key   __attribute__((cleanup(simple_own_release_key)))

#endif
