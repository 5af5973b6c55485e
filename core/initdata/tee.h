/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a document's digest on each platform: the field of the hardware report that holds it, how it is
 * fitted to the field's size, and who compares it.
 *
 *     snp     HOSTDATA      32 bytes    sha256 fits exactly, longer digests lose their tail
 *     tdx     MRCONFIGID    48 bytes    sha384 fits exactly, shorter digests get zeros behind
 *     vtpm    PCR 8         32 bytes    SHA-256(32 zero bytes || digest); the digest must be 32 bytes
 *
 * The rule of guest, host and verifier: left aligned; a longer digest loses its tail, a shorter one gets zero bytes.
 * The vTPM is no field but a register that is extended once from zero.
 *
 * Errors: ERR_USAGE with the reason where a digest has no form on a platform.
 */
#ifndef COCOON_INITDATA_TEE_H
#define COCOON_INITDATA_TEE_H

#include "base/buf.h"
#include "base/span.h"
#include "crypto/digest.h"

#include <stdint.h>

struct err;

enum tee {
	TEE_SNP,
	TEE_TDX,
	TEE_SGX,
	TEE_CCA,
	TEE_SE,
	TEE_VTPM, /* az-snp-vtpm, az-tdx-vtpm, tpm */
	TEE_SAMPLE,
	TEE_COUNT
};

enum tee_encoding { TEE_HEX, TEE_B64 };

struct tee_info {
	const char *name;        /* "snp" */
	const char *field;       /* "HOSTDATA" */
	size_t size;             /* of the field; 0 = the digest as it is */
	enum tee_encoding claim; /* how the attestation service shows it as claim init_data */
	const char *remark;      /* who binds and who compares it, "" when nothing is special */
};

/* Static. */
const struct tee_info *tee_info(enum tee tee) __attribute__((returns_nonnull));

/* By name: those of the table, and "az-snp-vtpm", "az-tdx-vtpm", "tpm". ERR_USAGE with the list. */
int tee_find(struct span name, enum tee *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the field's bytes for a digest of `alg`. */
int tee_form(enum tee tee, enum digest_alg alg, const uint8_t *digest, struct buf *out_bytes, struct err *err)
		__attribute__((nonnull(3, 4), warn_unused_result));

/* Appends the same as text. */
int tee_form_text(enum tee tee, enum digest_alg alg, const uint8_t *digest, enum tee_encoding encoding,
		struct buf *out, struct err *err) __attribute__((nonnull(3, 5), warn_unused_result));

/* What is lost when a digest of `alg` meets this platform, or NULL. Static. */
const char *tee_warning(enum tee tee, enum digest_alg alg);

#endif
