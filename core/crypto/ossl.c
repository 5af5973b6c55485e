/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The deepest reason, "" without one; empties the queue. */
static const char *drain(char *words, size_t cap)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);

	words[0] = '\0';
	if (code) {
		const char *reason = ERR_reason_error_string(code);
		bool more = data && (flags & ERR_TXT_STRING) && data[0];
		snprintf(words, cap, ": %s%s%s%s", reason ? reason : "unknown reason of OpenSSL",
				more ? " (" : "", more ? data : "", more ? ")" : "");
	}
	ERR_clear_error();
	return words;
}

int ossl_fail(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX], words[256];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	return err_set(err, kind, "%s%s", text, drain(words, sizeof(words)));
}

_Noreturn void ossl_abort(const char *what)
{
	char words[256];

	/* not by stdio, whose stderr may lead nowhere (policy/simple.h) */
	dprintf(STDERR_FILENO, "%s failed%s\n", what, drain(words, sizeof(words)));
	abort();
}
