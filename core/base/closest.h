/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": which of some known words a wrong one was most likely meant to be. The measure is the number of
 * letters inserted, left out, changed, or swapped with their neighbour.
 *
 * Bounds: words longer than CLOSEST_WORD_MAX are never close to anything.
 */
#ifndef COCOON_BASE_CLOSEST_H
#define COCOON_BASE_CLOSEST_H

#include <stddef.h>

#define CLOSEST_WORD_MAX 64

/* Number of edits between a and b; SIZE_MAX when one is too long. */
size_t closest_distance(const char *a, const char *b) __attribute__((nonnull));

/* The known word (NULL-terminated list) that is close enough to be worth naming, the first of equals, or NULL. */
const char *closest_word(const char *wrong, const char *const *known) __attribute__((nonnull));

#endif
