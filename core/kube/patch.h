/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Patch documents (RFC 6902), built operation by operation. A place is written as its segments, unescaped; the
 * builder makes the JSON pointer (RFC 6901: '~' is "~0", '/' is "~1").
 *
 *     json_t *patch = json_array();
 *     patch_add(patch, json_string("x"), "metadata", "annotations", "io.example/key", NULL);
 *     → [{"op":"add","path":"/metadata/annotations/io.example~1key","value":"x"}]
 *
 * An array's index is its decimal text, "-" its end. The API server applies all operations or none; a patch that does
 * not apply is an internal error for the user, so replace and remove only what was seen, and add a map before its
 * first member.
 * Ownership: `value` is stolen. Texts are UTF-8. Bounds: 32 segments.
 */
#ifndef COCOON_KUBE_PATCH_H
#define COCOON_KUBE_PATCH_H

#include "base/span.h"

#include <jansson.h>

struct buf;

void patch_add(json_t *patch, json_t *value, const char *first, ...)
		__attribute__((nonnull(1, 2, 3), sentinel));
void patch_replace(json_t *patch, json_t *value, const char *first, ...)
		__attribute__((nonnull(1, 2, 3), sentinel));
void patch_test(json_t *patch, json_t *value, const char *first, ...)
		__attribute__((nonnull(1, 2, 3), sentinel));
void patch_remove(json_t *patch, const char *first, ...) __attribute__((nonnull(1, 2), sentinel));

/* Appends "/" and the segment, escaped. */
void patch_pointer(struct buf *out, struct span segment) __attribute__((nonnull));

#endif
