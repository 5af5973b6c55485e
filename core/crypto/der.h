/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ASN.1 in its encodings BER and DER (X.690): a reader of both that never copies, and a writer of DER.
 *
 *     30 03            SEQUENCE, 3 bytes        der_next() gives tag 0x30 and the body 02 01 05
 *        02 01 05      INTEGER 5                der_next() on that body gives tag 0x02 and 05
 *
 * A tag is its identifier byte as it stands (class, the constructed bit 0x20, number); numbers above 30 are refused:
 * nothing that we read has them. Lengths may be in any form that BER allows, the indefinite one included, whose body
 * ends before its end mark.
 *
 * Bounds: what is read is bounded by the span; DER_DEPTH_MAX levels of indefinite lengths and of segmented strings,
 * so that time is linear in the bytes for each level that is looked into.
 * Ownership: all spans borrow from the bytes given.
 * Errors: ERR_FORMAT with what was expected; ERR_LIMIT for the depth.
 */
#ifndef COCOON_CRYPTO_DER_H
#define COCOON_CRYPTO_DER_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define DER_DEPTH_MAX    16

#define DER_INTEGER      0x02
#define DER_OCTETS       0x04
#define DER_NULL         0x05
#define DER_OID          0x06
#define DER_SEQUENCE     0x30
#define DER_SET          0x31
#define DER_CONSTRUCTED  0x20
/* context-specific, primitive and constructed */
#define DER_CONTEXT(n)   (0x80U | (n))
#define DER_CONTEXT_C(n) (0xa0U | (n))

struct der_item {
	unsigned tag;
	struct span body;
	struct span whole; /* with identifier, length and end mark */
};

/* Cuts the next value off *rest; `what` names it in the error. */
int der_next(struct span *rest, const char *what, struct der_item *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The same, and the value must have this tag; *body may be the span that *rest was. */
int der_expect(struct span *rest, unsigned tag, const char *what, struct span *body, struct err *err)
		__attribute__((nonnull(1, 3, 4), warn_unused_result));

/* Is a value with this tag next? */
bool der_is_next(struct span rest, unsigned tag);

/*
 * Appends the bytes of a string: its body, or, where the value is constructed (DER_CONSTRUCTED, an implicit tag
 * among them), those of its segments, which are OCTET STRINGs.
 */
int der_octets(const struct der_item *item, const char *what, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The body of an INTEGER without the leading bytes that do not change its value; equal numbers have equal bytes. */
struct span der_integer(struct span body);

/* The body of an INTEGER as a number of 0 … max; false when it is none. */
bool der_number(struct span body, uint64_t max, uint64_t *out) __attribute__((nonnull));

/* Appends one value. */
void der_put(struct buf *out, unsigned tag, struct span body) __attribute__((nonnull));

/* Makes what stands in the buffer from `from` on the body of one value. */
void der_wrap(struct buf *out, size_t from, unsigned tag) __attribute__((nonnull));

#endif
