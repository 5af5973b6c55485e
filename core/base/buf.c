/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 128

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf)BUF_MAX(max);
}

void buf_clear(struct buf *buf)
{
	free(buf->ptr);
	buf_init(buf, buf->max);
}

void buf_wipe(struct buf *buf)
{
	if (buf->ptr)
		explicit_bzero(buf->ptr, buf->cap);
	buf_clear(buf);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->over = false;
	if (buf->ptr)
		buf->ptr[0] = '\0';
}

char *buf_room(struct buf *buf, size_t len)
{
	if (buf->over || len > buf->max - buf->len) {
		buf->over = true;
		return NULL;
	}
	size_t need = buf->len + len + 1;
	if (need > buf->cap) {
		size_t cap = buf->cap ? buf->cap : FIRST_CAP;
		while (cap < need)
			cap += cap / 2;
		buf->ptr = xrealloc(buf->ptr, cap);
		buf->cap = cap;
		/* also when the room is never used: what is there is a text at all times */
		buf->ptr[buf->len] = '\0';
	}
	return buf->ptr + buf->len;
}

void buf_grew(struct buf *buf, size_t len)
{
	buf->len += len;
	buf->ptr[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *room = buf_room(buf, len);

	if (!room)
		return;
	if (len)
		memcpy(room, bytes, len);
	buf_grew(buf, len);
}

void buf_add_span(struct buf *buf, struct span bytes)
{
	buf_add(buf, bytes.ptr, bytes.len);
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	char *room = buf_room(buf, (size_t)n);
	if (!room)
		return;
	va_start(ap, fmt);
	vsnprintf(room, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_grew(buf, (size_t)n);
}

void buf_drop(struct buf *buf, size_t len)
{
	if (len > buf->len)
		len = buf->len;
	if (!len)
		return;
	memmove(buf->ptr, buf->ptr + len, buf->len - len);
	buf->len -= len;
	buf->ptr[buf->len] = '\0';
}

void buf_cut(struct buf *buf, size_t len)
{
	if (len >= buf->len)
		return;
	buf->len = len;
	buf->ptr[len] = '\0';
}

int buf_check(const struct buf *buf, const char *what, struct err *err)
{
	if (buf->over)
		return err_set(err, ERR_LIMIT, "%s exceeds %zu bytes", what, buf->max);
	return 0;
}

char *buf_take(struct buf *buf)
{
	char *text = buf->ptr ? take(&buf->ptr) : xstrdup("");

	buf_clear(buf);
	return text;
}
