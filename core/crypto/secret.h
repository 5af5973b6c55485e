/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key material and plaintext: the one type that may carry them. The bytes live on OpenSSL's secure heap (crypto/init.h;
 * on the ordinary heap where a test has not set it up) and are wiped when they go, always.
 *
 * There is no printf form, and a secret is compared by secret_is() alone, whose time does not depend on where the
 * bytes differ.
 *
 * Bounds: SECRET_MAX bytes, which a private key in PEM and a page of plaintext stay far below; the heap as a whole
 * is CRYPTO_HEAP_BYTES. ERR_LIMIT when either is exceeded.
 * Ownership: the caller's struct, started as SECRET_NONE and cleared, or declared auto_secret. One more byte, 0,
 * stands behind the last, so that libraries which want a C string can read it.
 */
#ifndef COCOON_CRYPTO_SECRET_H
#define COCOON_CRYPTO_SECRET_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

#define SECRET_MAX ((size_t)64 * 1024)

struct secret {
	unsigned char *ptr;
	size_t len;
};

#define SECRET_NONE                   \
	{                             \
		.ptr = NULL, .len = 0 \
	}

/* Wipes and releases; the secret is empty and usable again. */
void secret_clear(struct secret *secret) __attribute__((nonnull));
#define auto_secret __attribute__((cleanup(secret_clear)))

/* The functions below that fill `out` clear first what it held. */

/* len zero bytes, to be filled by the caller. */
int secret_alloc(struct secret *out, size_t len, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* A copy of bytes; the original is the caller's to wipe. */
int secret_from_span(struct secret *out, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* len bytes from the private random generator. */
int secret_random(struct secret *out, size_t len, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* The whole file, at most SECRET_MAX bytes; no copy of it stays elsewhere. ERR_NOT_FOUND, ERR_LIMIT, ERR_IO. */
int secret_read_file(struct secret *out, const char *path, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Hands the bytes over; *from is empty afterwards. */
void secret_move(struct secret *out, struct secret *from) __attribute__((nonnull));

/* A borrowed view, good until the secret changes. It must not be kept, logged or put into another type. */
static inline struct span secret_span(const struct secret *secret)
{
	return span_new(secret->ptr, secret->len);
}

/* Equal, in constant time for equal lengths (the length itself is no secret). */
bool secret_is(const struct secret *secret, struct span bytes) __attribute__((nonnull));

#endif
