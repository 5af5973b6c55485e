/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects as the ecosystem's sealer writes them, so that equal secrets are equal bytes (sealed-secrets.md, 2):
 * members sorted by name at every level, no white space, the shortest escapes, and numbers in one form:
 *
 *     {"b":1e3,"a":[-0,18446744073709551615,"\u0041\/\u001B"]}
 *     {"a":[-0.0,18446744073709551615,"A/\u001b"],"b":1000.0}
 *
 * The tree is jansson's, whose whole numbers have 63 bits and a sign. One of 64 bits stands in it as a text that no
 * document can hold, a NUL and its digits; who reads it as a text finds an empty one. Larger ones become reals, as they
 * do there.
 *
 * Bounds: SEALED_PAYLOAD_MAX bytes, JSON_DEPTH_MAX levels. Ownership: a new reference. Errors: ERR_FORMAT (with the
 * line), ERR_LIMIT. U+0000 is refused.
 */
#ifndef COCOON_SEALED_TREE_H
#define COCOON_SEALED_TREE_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

/* One object. Of members with the same name the last counts, as for a sealer's settings; unique: they are refused. */
int sealed_tree_parse(struct span text, bool unique, json_t **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* Append a value; a text with its quotes. */
void sealed_tree_format(const json_t *value, struct buf *out) __attribute__((nonnull));
void sealed_tree_format_text(const char *text, struct buf *out) __attribute__((nonnull));

#endif
