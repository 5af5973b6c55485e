/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* kept free for the mark of a cut line, the brace and the newline */
#define LINE_TAIL 32
/* what a pair may take before it is found to be too long: each byte becomes at most \u00xx */
#define PAIR_MAX  (2 * (LOG_VALUE_MAX * 6 + LINE_TAIL))

const char *const log_level_words[] = { "debug", "info", "warn", "error", NULL };

/* The one mutable global of the house, set in main alone. */
static enum log_level lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
	lowest = level;
}

bool log_wants(enum log_level level)
{
	return level >= lowest;
}

const char *log_number(char out[LOG_NUMBER_MAX], int64_t n)
{
	snprintf(out, LOG_NUMBER_MAX, "%" PRId64, n);
	return out;
}

/* Whether a character would steer a terminal: C0, DEL, and C1, whose UTF-8 form is 0xc2 0x80 … 0x9f. */
static bool is_control(struct span c)
{
	unsigned char first = (unsigned char)c.ptr[0];

	return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)c.ptr[1] < 0xa0);
}

static void put_char(struct buf *out, struct span c)
{
	if (c.ptr[0] == '"' || c.ptr[0] == '\\')
		buf_printf(out, "\\%c", c.ptr[0]);
	else if (c.ptr[0] == '\n')
		buf_puts(out, "\\n");
	else if (is_control(c))
		buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c.ptr[c.len - 1]);
	else
		buf_add_span(out, c);
}

static void put_text(struct buf *out, const char *text)
{
	struct span rest = span_of(text);
	bool cut = rest.len > LOG_VALUE_MAX;

	if (cut)
		rest.len = LOG_VALUE_MAX;
	buf_putc(out, '"');
	while (rest.len) {
		size_t n = span_utf8_step(rest);
		if (n)
			put_char(out, span_new(rest.ptr, n));
		else if (!cut || rest.len >= 4) /* else the cut, not the peer, broke the sequence */
			buf_puts(out, "\xef\xbf\xbd");
		rest = span_from(rest, n ? n : 1);
	}
	buf_puts(out, cut ? "…\"" : "\"");
}

static void put_pair(struct buf *out, const char *key, const char *value)
{
	buf_putc(out, ',');
	put_text(out, key);
	buf_putc(out, ':');
	if (value)
		put_text(out, value);
	else
		buf_puts(out, "null");
}

void log_line(struct buf *out, enum log_level level, int64_t wall, const char *msg, va_list pairs)
{
	char ts[CLOCK_TEXT_MAX];
	size_t start = out->len;

	buf_printf(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":", clock_format_micro(wall, ts),
			log_level_words[level]);
	put_text(out, msg);
	for (const char *key; (key = va_arg(pairs, const char *));) {
		const char *value = va_arg(pairs, const char *);
		size_t before = out->len;
		put_pair(out, key, value);
		if (out->len - start > LOG_LINE_MAX - LINE_TAIL) {
			buf_cut(out, before);
			put_pair(out, "cut", "true");
			break;
		}
	}
	buf_puts(out, "}\n");
}

void log_write(enum log_level level, const char *msg, ...)
{
	auto_buf struct buf line = BUF_MAX(LOG_LINE_MAX + PAIR_MAX);
	int saved = errno;
	va_list pairs;

	if (!log_wants(level))
		return;
	va_start(pairs, msg);
	log_line(&line, level, clock_wall(&clock_real), msg, pairs);
	va_end(pairs);
	/* who cannot log cannot report that either */
	ssize_t n = write(STDERR_FILENO, line.ptr, line.len);
	(void)n;
	errno = saved;
}
