/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attestation reports of AMD SEV-SNP (SEV Secure Nested Paging Firmware ABI, 56860, table ATTESTATION_REPORT; versions
 * 2 … 5), and how brokers know them: field by field in JSON, bytes as arrays of numbers (evidence.md, 6).
 *
 *     {"version":3,"guest_svn":0,"policy":196608, … "reported_tcb":{"fmc":null,"bootloader":3,"tee":0,"snp":8,
 *      "microcode":115}, … "signature":{"r":[…72],"s":[…72]}}
 *
 * The verifier makes the bytes again to check the signature, with zeros where there is no field. A report that holds
 * something else there would never verify, and is refused here, where the reason can be told.
 *
 * The TCB's bytes depend on the processor: family 0x1a (Turin) has another order than 0x19 (Milan, Genoa). Reports of
 * version 2 do not tell the family; those processors made them that came before Turin.
 *
 * Certificates come as the table that the host gave (GHCB, 56421, 2.7): GUID, offset u32, length u32, until a GUID of
 * zeros; at most SNP_CERTS_MAX.
 *
 * Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_TEE_SNP_REPORT_H
#define COCOON_TEE_SNP_REPORT_H

#include "base/span.h"

#include <jansson.h>

struct err;

#define SNP_REPORT_LEN    1184
#define SNP_SIGNED_LEN    0x2a0
#define SNP_HOST_DATA     0xc0
#define SNP_HOST_DATA_LEN 32
#define SNP_CERTS_MAX     16

/* The report as an object; a new reference. */
int snp_report_json(struct span raw, json_t **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The bytes of such an object. */
int snp_report_raw(const json_t *report, unsigned char out[static SNP_REPORT_LEN], struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The chain: [{"cert_type":"VCEK","data":[…]}, …], or null when the table has no certificates. A new reference. */
int snp_certs_json(struct span table, json_t **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
