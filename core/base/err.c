/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/span.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Marks a cut text; also the room that is kept free for it. */
#define CUT "..."

static void tidy(char *text, size_t cap, bool cut)
{
	if (cut)
		memcpy(text + cap - sizeof(CUT), CUT, sizeof(CUT));
	span_tidy(text, strlen(text));
}

__attribute__((format(printf, 2, 0))) static void put(struct err *err, const char *fmt, va_list ap)
{
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);

	if (n < 0)
		err->text[0] = '\0';
	tidy(err->text, sizeof(err->text), n >= (int)sizeof(err->text));
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	if (!err)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	put(err, fmt, ap);
	va_end(ap);
	err->kind = kind;
	err->retry_after = 0;
	return -1;
}

int err_errno(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	if (!err)
		return -1;
	int saved = errno;
	char words[128];
	va_list ap;
	va_start(ap, fmt);
	put(err, fmt, ap);
	va_end(ap);
	size_t used = strlen(err->text);
	/* GNU strerror_r: returns the words, which need not be in the buffer */
	const char *why = strerror_r(saved, words, sizeof(words));
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", why);
	err->kind = kind;
	err->retry_after = 0;
	errno = saved;
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	if (!err)
		return -1;
	char context[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	size_t len = strlen(context);
	size_t old = strlen(err->text);
	/* the cause matters more than the context: an overlong context gives way first */
	if (len > sizeof(err->text) / 2)
		len = sizeof(err->text) / 2;
	bool cut = len + 2 + old >= sizeof(err->text);
	if (cut)
		old = sizeof(err->text) - len - 3;
	memmove(err->text + len + 2, err->text, old);
	memcpy(err->text, context, len);
	memcpy(err->text + len, ": ", 2);
	err->text[len + 2 + old] = '\0';
	tidy(err->text, sizeof(err->text), cut);
	return -1;
}

void err_clear(struct err *err)
{
	if (err)
		*err = (struct err)ERR_NONE;
}

const char *err_kind_name(enum err_kind kind)
{
	static const char *const names[] = {
		[ERR_OK] = "ok",
		[ERR_USAGE] = "usage",
		[ERR_FORMAT] = "format",
		[ERR_LIMIT] = "limit",
		[ERR_DENIED] = "denied",
		[ERR_AUTH] = "auth",
		[ERR_NOT_FOUND] = "not-found",
		[ERR_CONFLICT] = "conflict",
		[ERR_RETRY] = "retry",
		[ERR_IO] = "io",
		[ERR_BUG] = "bug",
	};

	if ((unsigned)kind >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[kind];
}

int err_exit_code(enum err_kind kind)
{
	return kind == ERR_USAGE ? 2 : 1;
}
