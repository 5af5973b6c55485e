/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policies see of an init-data document (kbs-protocol.md, 4.2): its [data] table, in which
 *
 *     aa.toml, cdh.toml   are objects where they are TOML, else texts
 *     policy.rego         gives way to "agent_policy_claims" where it ends in "policy_data := {…}" with JSON alone
 *
 * The document is read as the attestation service reads it: any version, any of our hash algorithms, texts alone.
 */
#ifndef COCOON_E2E_KBS_INITDATA_CLAIMS_H
#define COCOON_E2E_KBS_INITDATA_CLAIMS_H

#include "base/span.h"
#include "initdata/document.h"

#include <jansson.h>

struct err;

/* out is initialised. ERR_FORMAT, ERR_LIMIT. */
int initdata_accept(struct span toml, struct initdata *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* A new reference. */
json_t *initdata_claims(const struct initdata *doc) __attribute__((nonnull, warn_unused_result));

#endif
