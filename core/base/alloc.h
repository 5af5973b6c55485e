/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is always there: out of memory aborts the process with one line on stderr, so that no caller has a
 * branch for it which nobody could test. In return, no size that came from outside reaches these functions without
 * a ceiling checked before (kind ERR_LIMIT).
 *
 * Ownership: the caller frees with free(), or declares the pointer auto_free (base/own.h).
 */
#ifndef COCOON_BASE_ALLOC_H
#define COCOON_BASE_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull, warn_unused_result));

/* Grows an array of `count` elements of `size` bytes; the product is checked. */
void *xreallocarray(void *old, size_t count, size_t size)
		__attribute__((returns_nonnull, warn_unused_result));

char *xstrdup(const char *text) __attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Copies exactly len bytes (which may hold NULs) and adds a NUL. */
char *xmemdup0(const void *bytes, size_t len) __attribute__((returns_nonnull, warn_unused_result));

/* A formatted string of its own. */
char *xasprintf(const char *fmt, ...)
		__attribute__((format(printf, 1, 2), returns_nonnull, warn_unused_result));

#endif
