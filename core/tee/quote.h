/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quote of a TPM as its bytes stand (TPM 2.0 Library, part 2: 10.12.12 TPMS_ATTEST, 11.3.4 TPMT_SIGNATURE), big endian.
 *
 *     ff544347 8018  u16+signer  u16+nonce  clock u64, resets u32, restarts u32, safe u8  firmware u64
 *     00000001 {000b 03 ffffff}  0020+digest                          one bank, SHA-256, and all of its PCRs
 *     0014 000b u16+signature                                         RSASSA with SHA-256
 *
 * Nothing else is taken: the digest of another selection could be split into 24 values, too, which were never PCRs
 * (16 values of a bank of SHA-384 are as long).
 *
 * Bounds: QUOTE_MAX bytes each. Ownership: spans borrow from the bytes. Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_TEE_QUOTE_H
#define COCOON_TEE_QUOTE_H

#include "base/span.h"

#include <stdint.h>

struct buf;
struct err;
struct pkey;

#define QUOTE_MAX 2048 /* a signature of 8192 bits takes half of it */
#define PCR_COUNT 24
#define PCR_SIZE  32

struct quote {
	struct span signer; /* qualified name: hash algorithm and hash */
	struct span nonce;
	uint64_t clock, firmware;
	uint32_t resets, restarts;
	bool safe;
	struct span digest; /* SHA-256 of the PCRs' values, one after the other */
};

int quote_parse(struct span message, struct quote *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The signature's bytes. */
int quote_signature_parse(struct span bytes, struct span *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Is the digest that of these PCRs? */
bool quote_covers(const struct quote *quote, unsigned char pcrs[static PCR_COUNT][PCR_SIZE])
		__attribute__((nonnull));

/* Report data as they stand in a quote: cut to the field, or filled up with zeros. */
#define QUOTE_NONCE 32
void quote_nonce(struct span report_data, unsigned char out[static QUOTE_NONCE]) __attribute__((nonnull));

/* An attestation key as evidence names it, appended: base64 of the DER SubjectPublicKeyInfo, one line. */
int quote_key_text(const struct pkey *key, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
