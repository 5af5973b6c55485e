/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one JSON object a line on standard error, written with one write(2), so that lines of threads and of
 * processes that share it do not mix.
 *
 *     log_info("pod admitted", "pod", name, "took_ms", LOG_NUMBER(took), NULL);
 *     → {"ts":"2026-01-02T03:04:05.000000Z","level":"info","msg":"pod admitted","pod":"a","took_ms":"12"}
 *     log_error("cannot renew the certificate", LOG_ERR(&err), NULL);
 *     → {… "error":"reading …","kind":"io"}
 *
 * The pairs are key, value, key, value, … NULL; a value of NULL is written as null, all others as strings. Keys and
 * messages are ours and constant, values may come from outside: control characters are escaped and bytes that are
 * not UTF-8 become U+FFFD, so that no value can forge a line or steer a terminal. Never pass a secret.
 *
 * Bounds: LOG_VALUE_MAX bytes of a value, then "…"; LOG_LINE_MAX a line, beyond which pairs are left out and
 * "cut":"true" is added.
 * For programs. Rooms report through struct err; above debug they never log.
 */
#ifndef COCOON_BASE_LOG_H
#define COCOON_BASE_LOG_H

#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>

#define LOG_VALUE_MAX 2048
#define LOG_LINE_MAX  16384

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* "debug", "info", "warn", "error", NULL: the words of enum log_level, for an option table (base/opt.h). */
extern const char *const log_level_words[];

/* Lines below the level are dropped; LOG_INFO until set. To be called in main, before there are threads. */
void log_set_level(enum log_level level);

/* Whether lines of the level are written, for values that are costly to make. */
bool log_wants(enum log_level level);

void log_write(enum log_level level, const char *msg, ...) __attribute__((nonnull(2), sentinel));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* As a value: an integer as text; it lives as long as the calling block. */
#define LOG_NUMBER(n)  log_number((char[LOG_NUMBER_MAX]){ 0 }, (n))
#define LOG_NUMBER_MAX 24
const char *log_number(char out[LOG_NUMBER_MAX], int64_t n) __attribute__((nonnull));

/* As two pairs: an error's text and kind. Needs base/err.h. */
#define LOG_ERR(err) "error", (err)->text, "kind", err_kind_name((err)->kind)

/* Appends the line itself, with its newline; wall is its time (base/clock.h). The buffer's ceiling must
 * leave room for a line and for the longest pair, which is tried before it is left out: 4 × LOG_LINE_MAX does. */
void log_line(struct buf *out, enum log_level level, int64_t wall, const char *msg, va_list pairs)
		__attribute__((nonnull(1, 4)));

#endif
