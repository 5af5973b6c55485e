/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol buffers on the wire (protobuf.dev, "Encoding"), for small messages of texts, bytes and integers; there is no
 * schema and no code is generated.
 *
 *     message { bytes input = 1; }     0a 05 'h' 'e' 'l' 'l' 'o'
 *
 *     struct span rest = message, input = SPAN_NONE;
 *     struct pb_field field;
 *     while (rest.len) {
 *             if (pb_next(&rest, &field, err) < 0 || (field.number == 1 && pb_bytes(&field, &input, err) < 0))
 *                     return -1;
 *     }
 *
 * Fields come in any order, unknown ones are stepped over by not looking at them, and of a repeated one that is meant
 * to stand alone the last counts, which is what the assignment above does. Groups, which have been out of use since
 * 2008, are refused.
 *
 * Bounds: a field's length is at most what is left of the message; the message's own ceiling is the caller's.
 * Ownership: spans into the message. Errors: ERR_FORMAT with the field's number.
 */
#ifndef COCOON_CODEC_PB_H
#define COCOON_CODEC_PB_H

#include "base/span.h"

#include <stdint.h>

struct buf;
struct err;

enum pb_type { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

/* The most that a tag and a length, which stand before the bytes of a field, may take. */
#define PB_HEAD_MAX 15

struct pb_field {
	uint32_t number; /* 1 … 2^29 - 1 */
	enum pb_type type;
	uint64_t varint;   /* PB_VARINT */
	struct span bytes; /* all others */
};

/* Cuts the first field off *rest, which must not be empty. */
int pb_next(struct span *rest, struct pb_field *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The field's value; ERR_FORMAT when it is of another type. A text is well-formed UTF-8. */
int pb_bytes(const struct pb_field *field, struct span *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int pb_text(const struct pb_field *field, struct span *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int pb_varint(const struct pb_field *field, uint64_t *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The field of this number in a message that is of no further interest; empty when it is absent. */
int pb_find_bytes(struct span message, uint32_t number, struct span *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* Append a field. pb_put_head() writes what stands before len bytes that the caller appends himself. */
void pb_put_varint(struct buf *out, uint32_t number, uint64_t value) __attribute__((nonnull));
void pb_put_bytes(struct buf *out, uint32_t number, struct span bytes) __attribute__((nonnull));
void pb_put_head(struct buf *out, uint32_t number, size_t len) __attribute__((nonnull));

#endif
