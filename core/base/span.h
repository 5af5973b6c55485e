/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed bytes: a pointer and a length that travel together, by value. The bytes belong to somebody else and must
 * outlive the span; they may hold NULs and need not end in one. The empty span is {NULL or any pointer, 0}.
 */
#ifndef COCOON_BASE_SPAN_H
#define COCOON_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *ptr;
	size_t len;
};

#define SPAN_NONE   ((struct span){ NULL, 0 })
#define SPAN_LIT(s) ((struct span){ (s), sizeof(s) - 1 })
/* for printf's %.*s */
#define SPAN_ARG(s) ((int)(s).len), ((s).len ? (s).ptr : "")

/* The span of a NUL-terminated text; NULL gives the empty span. */
struct span span_of(const char *text);

static inline struct span span_new(const void *ptr, size_t len)
{
	return (struct span){ ptr, len };
}

bool span_eq(struct span a, struct span b);
bool span_is(struct span a, const char *text) __attribute__((nonnull));
bool span_starts(struct span a, const char *prefix) __attribute__((nonnull));
bool span_ends(struct span a, const char *suffix) __attribute__((nonnull));

/* The part from `from` on; empty when from is beyond the end. */
struct span span_from(struct span a, size_t from);

/* Without leading and trailing space, tab, CR and LF. */
struct span span_trim(struct span a);

/* Index of the first byte c, or a.len when there is none. */
size_t span_find(struct span a, char c);

/*
 * Cuts the next piece off *rest at the first separator: true with *piece set, false when nothing is left. An empty
 * text has no pieces; "a," has two, the second empty.
 */
bool span_next(struct span *rest, char separator, struct span *piece) __attribute__((nonnull));

/* An unsigned decimal number without sign, space or leading zeros; false when it is not one or exceeds max. */
bool span_number(struct span a, uint64_t max, uint64_t *out) __attribute__((nonnull));

/* True when the bytes are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool span_is_utf8(struct span a);

/* Length (1 … 4) of the well-formed UTF-8 sequence that the bytes start with; 0 when they start with none. */
size_t span_utf8_step(struct span a);

/*
 * Makes bytes fit to be shown, in place: what is not UTF-8, control characters (C0, DEL, and C1, which terminals obey
 * too) and characters that turn the direction of writing become '?'s. The length stays.
 */
void span_tidy(char *text, size_t len) __attribute__((nonnull));

/* Where the byte at `at` stands, for messages: line and column from 1; the column counts characters. */
void span_place(struct span text, size_t at, int *line, int *column) __attribute__((nonnull));

/*
 * Glob match anchored at both ends: '*' stands for any run of bytes, '?' for one, all else for itself. Runs in
 * pattern × text time at worst, without recursion.
 */
bool span_glob(struct span pattern, struct span text);

#endif
