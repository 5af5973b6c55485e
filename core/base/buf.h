/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow, up to a ceiling given at birth. `ptr` is never NULL after the first append and always has a NUL
 * behind the last byte, so that it can be read as text.
 *
 * An append that would pass the ceiling adds nothing and marks the buffer `over`; all later appends are ignored.
 * A writer therefore appends freely and asks once, at the end: buf_check().
 *
 * Not for secrets: those live in struct secret (crypto/secret.h). Bytes that hold a secret on its way through, such as
 * a message, may pass through a buffer that is given its room at once (buf_room) and goes by buf_wipe().
 */
#ifndef COCOON_BASE_BUF_H
#define COCOON_BASE_BUF_H

#include "base/span.h"

#include <stdarg.h>

struct err;

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t max; /* ceiling for len */
	bool over;
};

/* An empty buffer that may grow to max bytes; nothing is allocated yet. */
#define BUF_MAX(max_len)                                                         \
	{                                                                        \
		.ptr = NULL, .len = 0, .cap = 0, .max = (max_len), .over = false \
	}

void buf_init(struct buf *buf, size_t max) __attribute__((nonnull));

/* Releases the bytes; the buffer is empty and usable again, with the same ceiling. */
void buf_clear(struct buf *buf) __attribute__((nonnull));
#define auto_buf __attribute__((cleanup(buf_clear)))

/* Overwrites the bytes, then releases them. What the buffer left behind when it grew is not reached. */
void buf_wipe(struct buf *buf) __attribute__((nonnull));
#define auto_wiped_buf __attribute__((cleanup(buf_wipe)))

/* Forgets the bytes but keeps the memory. */
void buf_reset(struct buf *buf) __attribute__((nonnull));

void buf_add(struct buf *buf, const void *bytes, size_t len) __attribute__((nonnull(1)));
void buf_add_span(struct buf *buf, struct span bytes) __attribute__((nonnull(1)));
void buf_puts(struct buf *buf, const char *text) __attribute__((nonnull));
void buf_putc(struct buf *buf, char c) __attribute__((nonnull));
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull));

/* Room for `len` more bytes, to be filled by the caller, who then calls buf_grew(). NULL when over the ceiling. */
char *buf_room(struct buf *buf, size_t len) __attribute__((nonnull));
void buf_grew(struct buf *buf, size_t len) __attribute__((nonnull));

/* Removes the first `len` bytes; the rest moves to the front. */
void buf_drop(struct buf *buf, size_t len) __attribute__((nonnull));

/* Cuts the end so that len bytes stay; no effect when there are fewer. */
void buf_cut(struct buf *buf, size_t len) __attribute__((nonnull));

/* ERR_LIMIT "… exceeds N bytes" when an append passed the ceiling; `what` names the thing in the text. */
int buf_check(const struct buf *buf, const char *what, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The bytes as a NUL-terminated heap string, which becomes the caller's; the buffer is empty afterwards. */
char *buf_take(struct buf *buf) __attribute__((nonnull, returns_nonnull, warn_unused_result));

static inline struct span buf_span(const struct buf *buf)
{
	return (struct span){ buf->ptr, buf->len };
}

/* The bytes as text: "" when empty. Borrowed until the next change. */
static inline const char *buf_text(const struct buf *buf)
{
	return buf->ptr ? buf->ptr : "";
}

#endif
