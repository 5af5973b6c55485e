/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hexadecimal (RFC 4648 section 8), lower case, two characters a byte: "\x0f\xa0" ↔ "0fa0".
 *
 * Decoding is strict: an odd length, white space, a "0x" and upper case are ERR_FORMAT, because digests are compared
 * as texts and must have one form alone. Time depends on the length alone, never on the bytes.
 *
 * Bounds: the output buffer's ceiling. Outputs are untouched on failure.
 */
#ifndef COCOON_BASE_HEX_H
#define COCOON_BASE_HEX_H

#include "base/buf.h"
#include "base/span.h"

struct err;

/* Appends; a ceiling that is passed marks the buffer `over`. */
void hex_encode(struct buf *out, struct span bytes) __attribute__((nonnull));

/* Writes exactly 2 × bytes.len characters, and no NUL. */
void hex_encode_raw(char *out, struct span bytes) __attribute__((nonnull));

/* Appends the decoded bytes. ERR_FORMAT; ERR_LIMIT when they do not fit under the ceiling. */
int hex_decode(struct span text, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Writes exactly len bytes; ERR_FORMAT as well when the text is not 2 × len characters. */
int hex_decode_raw(struct span text, void *out, size_t len, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
