/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of text for people, as a JSON value: a reason, a warning, a message of a status. What is formatted into it
 * may come from outside and may have been cut anywhere, so the result is made fit for JSON and for a terminal: bytes
 * that are not UTF-8 and control characters become '?'.
 *
 * Bounds: at most `max` bytes (4 at least); a longer text is cut between characters and ends in "...".
 * Ownership: a new reference.
 */
#ifndef COCOON_CODEC_LINE_H
#define COCOON_CODEC_LINE_H

#include <jansson.h>
#include <stddef.h>

json_t *json_line(size_t max, const char *fmt, ...)
		__attribute__((format(printf, 2, 3), returns_nonnull, warn_unused_result));

#endif
