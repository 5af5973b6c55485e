/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier's side of evidence, for the kinds that software alone can produce (evidence.md): sample, sampledevice,
 * tpm. Gives the claims that policies judge; it judges nothing itself but that the evidence is genuine and belongs to
 * this request.
 *
 *     sample   {"svn":"1","report_data":"<b64>","launch_digest":"abcde",…}    genuine by definition: proves nothing
 *     tpm      {"ak_public":"…","pcr00":"…", … "report_data":"…","init_data":"<hex of PCR 8>"}
 *
 * A TPM's attestation key is self-asserted: that it is a known one is for the policy to ask (reference value
 * trusted_aks).
 *
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_AUTH (signature, PCR digest, nonce, report data, init-data), ERR_USAGE (a kind
 * without verifier here: "feature `snp-verifier` is not enabled").
 */
#ifndef COCOON_TEE_VERIFY_H
#define COCOON_TEE_VERIFY_H

#include "base/span.h"
#include "tee/kind.h"

#include <jansson.h>

struct err;

/*
 * report_data: the expected bytes. initdata_digest: the digest of the document that was sent along, empty when none
 * was. *claims is a new object.
 */
int evidence_verify(enum tee_kind kind, const json_t *evidence, struct span report_data,
		struct span initdata_digest, json_t **claims, struct err *err)
		__attribute__((nonnull(2, 5), warn_unused_result));

#endif
