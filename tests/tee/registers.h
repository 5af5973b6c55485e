/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of an attester past its event log: no program has this, tests compare and disturb with it. */
#ifndef COCOON_TESTS_TEE_REGISTERS_H
#define COCOON_TESTS_TEE_REGISTERS_H

#include "tee/attester_own.h"

#include <string.h>

/* What a register of SHA-256 holds once it is extended. */
static inline void register_extended(
		const unsigned char *value, const unsigned char *digest, unsigned char out[static DIGEST_MAX])
{
	unsigned char joined[64];

	memcpy(joined, value, 32);
	memcpy(joined + 32, digest, 32);
	digest_bytes(DIGEST_SHA256, span_new(joined, sizeof(joined)), out);
}

static inline int register_extend(
		struct attester *attester, unsigned pcr, const unsigned char *digest, struct err *err)
{
	attester_lock(attester);
	int result = attester->ops->extend(attester, attester->ops->map(pcr), digest, err);
	attester_unlock(attester);
	return result;
}

static inline int register_read(struct attester *attester, unsigned pcr, unsigned char *out, struct err *err)
{
	attester_lock(attester);
	int result = attester->ops->read(attester, attester->ops->map(pcr), out, err);
	attester_unlock(attester);
	return result;
}

#endif
