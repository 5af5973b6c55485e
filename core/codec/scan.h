/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) read where it lies, value by value: for texts that hold secrets, of which no tree may be made
 * because a tree's memory is not wiped. Everything else is read by codec/json.h.
 *
 *     scan_value(text, &doc, err)            {"a":[1,2],"b":"x"}     the whole text, checked from end to end
 *     scan_member(&doc, &name, &value)       "a" [1,2], then "b" "x", then false
 *     scan_item(&value, &item)               1, 2, then false
 *     scan_text(&item, out)                  the characters of a string, escapes resolved
 *
 * scan_value() does all the checking, so what it gave out can be walked without errors. Strings are well-formed UTF-8
 * without U+0000 and without lone surrogates.
 *
 * Bounds: SCAN_DEPTH_MAX levels. Duplicate members are not noticed here: who looks for names counts them.
 * Ownership: spans into the text. Errors: ERR_FORMAT with the offset and never a byte of the text; ERR_LIMIT.
 */
#ifndef COCOON_CODEC_SCAN_H
#define COCOON_CODEC_SCAN_H

#include "base/span.h"

#include <stdbool.h>

struct err;

#define SCAN_DEPTH_MAX 32

enum scan_kind { SCAN_OBJECT, SCAN_ARRAY, SCAN_STRING, SCAN_NUMBER, SCAN_TRUE, SCAN_FALSE, SCAN_NULL };

/* A checked value: from its first character to its last. */
struct scan {
	enum scan_kind kind;
	struct span text;
	size_t at; /* of the walk through an object or array */
};

/* The one value that the text is, with white space around it. */
int scan_value(struct span text, struct scan *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The next member of an object: the name with its quotes (see scan_is) and the value. False at the end. */
bool scan_member(struct scan *object, struct scan *name, struct scan *value) __attribute__((nonnull));
bool scan_item(struct scan *array, struct scan *value) __attribute__((nonnull));

/* Is it this string? Both may hold escapes for what needs none; words are plain ASCII. */
bool scan_is(const struct scan *string, const char *word) __attribute__((nonnull));

/* Writes the characters of a string, without NUL, and returns their number: at most text.len - 2. */
size_t scan_text(const struct scan *string, char *out) __attribute__((nonnull));

/* A number that is an integer of 0 … max, written as such. */
bool scan_number(const struct scan *number, uint64_t max, uint64_t *out) __attribute__((nonnull));

#endif
