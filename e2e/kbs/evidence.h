/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the attestation that a guest sends to the submodules of its token (evidence.md, 1): init-data, additional
 * evidence and primary evidence are verified, each against what they must be bound to, annotated, and appraised.
 *
 *     annotated   {"init_data":…,"init_data_claims":{…},"report_data":…,"runtime_data_claims":{…},"sample":{…}}
 *
 * Submodules are named by class and number: cpu0, gpu0, gpu1, the primary one first, then by the devices' names.
 *
 * Errors: why the attestation is refused, for log and audit.
 */
#ifndef COCOON_E2E_KBS_EVIDENCE_H
#define COCOON_E2E_KBS_EVIDENCE_H

#include "crypto/digest.h"
#include "kbs/message.h"
#include "tee/kind.h"

#include <jansson.h>
#include <stdbool.h>

struct appraiser;
struct err;

#define EVIDENCE_DEVICES_MAX 8
#define EVIDENCE_DIGEST_MAX  (sizeof("sha512:") + DIGEST_HEX_MAX)

struct evidence_terms {
	struct appraiser *appraiser;
	enum tee_kind tee;
	const char *nonce; /* of the session */
	bool brief;        /* leave the text of additional evidence out of the claims */
};

/*
 * *submods is a new object. initdata is "sha384:<hex>" of the document that was sent, "" when none was, and is set also
 * where the evidence is refused.
 */
int evidence_judge(const struct evidence_terms *terms, const struct kbs_attestation *attestation,
		json_t **submods, char initdata[static EVIDENCE_DIGEST_MAX], struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
