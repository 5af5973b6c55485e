/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource as it goes to a guest: a JWE to the TEE's key (kbs-protocol.md, 1.9), which guests of protocol 0.1 know in
 * another form:
 *
 *     {"protected":"eyJ…","encrypted_key":"…","iv":"…","ciphertext":"…","tag":"…"}
 *     {"protected":"{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}", … "ciphertext":"<with the tag at its end>","tag":""}
 *
 * The keys are those of the real service: EC on P-256 and P-521 with ECDH-ES+A256KW, RSA with RSA-OAEP-256 or RSA1_5.
 * Bounds: SECRET_MAX bytes, as all sealing here. Errors: ERR_USAGE (another key), ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_E2E_KBS_SEAL_H
#define COCOON_E2E_KBS_SEAL_H

#include "base/span.h"
#include "kbs/message.h"

#include <jansson.h>

struct buf;
struct err;

/* key: the tee-pubkey of a token. version: that of the guest. Appends. */
int seal_resource(const json_t *key, enum kbs_version version, struct span content, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

#endif
