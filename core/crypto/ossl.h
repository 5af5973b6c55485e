/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's error queue as a cause in our chain, for the rooms that may call OpenSSL. The queue belongs to the
 * thread; a function that failed leaves its reasons there, and whoever does not take them out finds them at the next
 * failure.
 */
#ifndef COCOON_CRYPTO_OSSL_H
#define COCOON_CRYPTO_OSSL_H

#include "base/err.h"

/* As err_set, and ends the text with ": " and the first reason in the queue, the deepest one; empties the queue. */
int ossl_fail(struct err *err, enum err_kind kind, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

/* Ends the process with the reason on stderr: for what cannot fail unless memory or OpenSSL itself is broken. */
_Noreturn void ossl_abort(const char *what) __attribute__((nonnull));

#endif
