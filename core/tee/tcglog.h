/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event logs in the form of the TCG (PC Client Platform Firmware Profile, 10.2: TCG_PCR_EVENT2), which firmware leaves
 * in the ACPI table CCEL and the attestation agent appends to. Little endian.
 *
 *     header   register 0, type 3, 20 zero bytes, size, 24 bytes, count, {algorithm u16, size u16}…, vendor's
 *     entry    register u32, type u32, count u32, {algorithm u16, digest}…, size u32, data
 *     end      8 bytes 0xff, 8 zero bytes, or that of the bytes
 *
 * A log of firmware begins with the header, which says how long digests are; that of the agent has none, and its
 * digests are of SHA-256, SHA-384, SHA-512 or SM3.
 *
 * Bounds: TCG_ALGS_MAX algorithms. Ownership: spans borrow from the bytes. Errors: ERR_FORMAT with the offset; ERR_LIMIT.
 */
#ifndef COCOON_TEE_TCGLOG_H
#define COCOON_TEE_TCGLOG_H

#include "base/span.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

#define TCG_ALGS_MAX     8
#define TCG_EV_EVENT_TAG 6

struct tcglog {
	struct span rest;
	size_t size; /* of all bytes */
	size_t algs;
	struct {
		uint16_t id, size;
	} alg[TCG_ALGS_MAX];
};

struct tcg_event {
	uint32_t index, type, digests;
	struct span digest_list; /* {algorithm, digest}… */
	struct span data;
};

/* A log with its header. */
int tcglog_open(struct span log, struct tcglog *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* A log without one. */
void tcglog_open_bare(struct span log, struct tcglog *out) __attribute__((nonnull));

/* *found is false at the end, where `rest` begins with the end mark or is empty. */
int tcglog_next(struct tcglog *log, struct tcg_event *out, bool *found, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The event's digest of that hash; false when it has none. */
bool tcglog_digest(const struct tcglog *log, const struct tcg_event *event, enum digest_alg alg,
		struct span *out) __attribute__((nonnull));

/* The bytes of a whole log with header, up to its end mark; 0 for a log that was never begun. */
int tcglog_length(struct span log, size_t *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the header for a log that has none, with SHA-384 and SM3; one entry with one digest; the end mark. */
void tcglog_put_header(struct buf *out) __attribute__((nonnull));
void tcglog_put_entry(struct buf *out, uint32_t index, uint32_t type, enum digest_alg alg,
		const unsigned char *digest, struct span data) __attribute__((nonnull));
void tcglog_put_end(struct buf *out) __attribute__((nonnull));
void tcglog_put_u32(struct buf *out, uint32_t value) __attribute__((nonnull));

#endif
