/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects of texts, read as the ecosystem's daemons read them, which are written in Rust with serde_json, and refused
 * in the very words that those answer with, because callers see them:
 *
 *     {"domain":"d","operation":"o"}    missing field `content` at line 1 column 30
 *     {"domain":1}                      invalid type: integer `1`, expected a string at line 1 column 11
 *     {                                 EOF while parsing an object at line 1 column 1
 *
 * Unknown members are skipped, whatever they hold. Lines count from 1; columns are the bytes of the line up to where
 * the reader stood. One difference: an array of the texts in order, which serde takes too, is refused.
 *
 * Bounds: SERDE_DEPTH_MAX levels in an unknown member; the ceilings of the buffers. Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_GUEST_SERDE_H
#define COCOON_GUEST_SERDE_H

#include "base/span.h"

#include <stddef.h>

struct buf;
struct err;

#define SERDE_DEPTH_MAX 128

/* Appends the text of names[i] to values[i]. With no names, any object will do. */
int serde_read_texts(struct span json, const char *const *names, size_t count, struct buf *values,
		struct err *err) __attribute__((warn_unused_result));

#endif
