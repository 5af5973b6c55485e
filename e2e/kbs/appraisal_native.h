/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own attestation policy twice: in Rego, and in C for where there is no opa. Both must give the same answers
 * (tests/dev-kbs/test_appraisal.c), and give for the sample TEE and for TPMs what the real service's give.
 *
 *     sample   executables 3 where launch_digest is a reference value; hardware 2 where svn is, major_version is equal
 *              and minimum_minor_version is reached; configuration 2 without debug
 *     tpm      hardware 2, configuration 0; executables 3 where PCR 11 is in tpm_pcr11 and the key in trusted_aks
 *     else     executables 33, hardware 97, configuration 36, which makes them contraindicated
 */
#ifndef COCOON_E2E_KBS_APPRAISAL_NATIVE_H
#define COCOON_E2E_KBS_APPRAISAL_NATIVE_H

#include <jansson.h>

/* The text in Rego of a class: that of cpu also names the workload in ear.trustee.identifiers. */
const char *appraisal_text(const char *class) __attribute__((nonnull, returns_nonnull));

/* {"trust_claims":{…},"extensions":[…]}, a new reference; references is name → value. */
json_t *appraisal_native(const char *class, const json_t *evidence, const json_t *references)
		__attribute__((nonnull, returns_nonnull));

#endif
