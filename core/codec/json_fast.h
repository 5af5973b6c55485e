/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick way through JSON that is well-formed and plain, which is what API servers send: private to codec/json.
 * Three to four times as fast as jansson's own reader, which goes byte by byte.
 *
 * It either returns the tree that jansson would make, or NULL for "ask jansson": for everything malformed, so that
 * one reader alone says what is wrong and where, and for what is rare and has subtle rules (numbers with fraction or
 * exponent or more than 18 digits, characters beyond U+FFFF by escape). It never accepts what jansson refuses.
 */
#ifndef COCOON_CODEC_JSON_FAST_H
#define COCOON_CODEC_JSON_FAST_H

#include "base/span.h"

#include <jansson.h>

/* Objects and arrays that are a member named in `skip` (NULL-terminated; NULL for none) are left out, at any depth. */
json_t *json_fast(struct span text, const char *const *skip);

#endif
