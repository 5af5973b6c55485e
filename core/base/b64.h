/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648): the standard alphabet with padding (section 4), and the URL-safe one without (section 5), which
 * JOSE and KBS use.
 *
 *     "fo" → "Zm8="   b64      "\xff\xe0" → "/+A="
 *     "fo" → "Zm8"    b64url   "\xff\xe0" → "_-A"
 *
 * Decoding is strict: there is exactly one text for each run of bytes. Missing or surplus padding, white space,
 * foreign characters, the other alphabet, and trailing bits that are not zero are ERR_FORMAT.
 *
 * Time depends on the length alone, never on the bytes: nothing is looked up by them and nothing branches on them,
 * so keys may pass. The _raw forms write into the caller's memory, which may be that of a struct secret.
 *
 * Bounds: the output buffer's ceiling. Outputs are untouched on failure.
 */
#ifndef COCOON_BASE_B64_H
#define COCOON_BASE_B64_H

#include "base/buf.h"
#include "base/span.h"

struct err;

/* Length of the text for len bytes. */
static inline size_t b64_encoded_len(size_t len)
{
	return (len / 3 + (len % 3 != 0)) * 4;
}

static inline size_t b64url_encoded_len(size_t len)
{
	return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
}

/* The most bytes that a text of this length decodes to, in either alphabet: the room that b64_decode_raw needs. */
static inline size_t b64_decoded_max(size_t len)
{
	return len / 4 * 3 + (len % 4 * 3) / 4;
}

/* Appends; a ceiling that is passed marks the buffer `over`. */
void b64_encode(struct buf *out, struct span bytes) __attribute__((nonnull));
void b64url_encode(struct buf *out, struct span bytes) __attribute__((nonnull));

/* Appends the decoded bytes. ERR_FORMAT; ERR_LIMIT when they do not fit under the ceiling. */
int b64_decode(struct span text, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int b64url_decode(struct span text, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Writes exactly b64_encoded_len() or b64url_encoded_len() characters, and no NUL. */
void b64_encode_raw(char *out, struct span bytes) __attribute__((nonnull));
void b64url_encode_raw(char *out, struct span bytes) __attribute__((nonnull));

/*
 * Writes *len bytes, at most b64_decoded_max(text.len), for which `out` must have room. On failure that room may
 * hold a part of the result; who decodes a secret wipes it.
 */
int b64_decode_raw(struct span text, void *out, size_t *len, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
int b64url_decode_raw(struct span text, void *out, size_t *len, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

#endif
