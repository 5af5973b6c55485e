/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM 2.0, through libtss2-esys: what an attester needs of it. For the room alone.
 *
 * A connection is made for each task and closed after it, because a TPM's device has room for one at a time.
 *
 *     "device:/dev/tpm0"   "/dev/tpm0"   "swtpm:path=/run/tpm"     where: a TCTI of tss2 and its settings, or a device
 *
 * PCRs are those of the SHA-256 bank, authorisations are empty.
 *
 * Ownership: heap object of the caller, one thread. Errors: ERR_NOT_FOUND (no such device, no key at that handle),
 * ERR_IO, ERR_RETRY (the TPM is busy), ERR_FORMAT (a key of another kind, no such PCR).
 */
#ifndef COCOON_TEE_TPM_H
#define COCOON_TEE_TPM_H

#include "base/span.h"
#include "tee/quote.h"

#include <stdint.h>

struct buf;
struct err;
struct tpm;

/* NULL: the first of /dev/tpm0, /dev/tpm1, /dev/tpm2 that is there. */
int tpm_open(const char *where, struct tpm **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void tpm_close(struct tpm *tpm);
static inline void tpm_release(struct tpm **slot)
{
	tpm_close(*slot);
}
#define auto_tpm __attribute__((cleanup(tpm_release)))

/* The RSA key at a persistent handle, appended: base64 of the DER SubjectPublicKeyInfo, one line. */
int tpm_key_public(struct tpm *tpm, uint32_t handle, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* A quote of all PCRs with that key, appended: TPMS_ATTEST and TPMT_SIGNATURE (RSASSA with SHA-256). */
int tpm_quote(struct tpm *tpm, uint32_t handle, struct span nonce, struct buf *message, struct buf *signature,
		struct err *err) __attribute__((nonnull(1, 4, 5), warn_unused_result));

/* The PCRs from `first` on, `count` of them. */
int tpm_read_pcrs(struct tpm *tpm, unsigned first, unsigned count, unsigned char out[][PCR_SIZE],
		struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

int tpm_extend_pcr(struct tpm *tpm, unsigned pcr, const unsigned char digest[static PCR_SIZE],
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

#endif
