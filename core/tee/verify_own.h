/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tee/verify share; nobody else includes this. */
#ifndef COCOON_TEE_VERIFY_OWN_H
#define COCOON_TEE_VERIFY_OWN_H

#include "base/span.h"

#include <jansson.h>

struct err;

/* The kind tpm of evidence_verify(); evidence is an object. */
int verify_tpm(const json_t *evidence, struct span report_data, struct span initdata_digest, json_t **claims,
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

#endif
