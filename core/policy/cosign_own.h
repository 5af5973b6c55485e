/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of policy/cosign share, and its tests and fuzzers; nobody else includes this. */
#ifndef COCOON_POLICY_COSIGN_OWN_H
#define COCOON_POLICY_COSIGN_OWN_H

#include "base/buf.h"

#define COSIGN_STATEMENT_TYPE "application/vnd.in-toto+json" /* payloadType of an envelope */
#define COSIGN_PREDICATE      "https://sigstore.dev/cosign/sign/v1"

/* The bytes that a DSSE signature is over (DSSE 1.0, protocol.md): "DSSEv1 28 application/… 213 {…}"; appended. */
void cosign_pae(struct span type, struct span payload, struct buf *out) __attribute__((nonnull));

#endif
