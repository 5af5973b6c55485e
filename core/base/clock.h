/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as a value that is passed in: code that asks for the time takes a `const struct clock *`, programs give it
 * &clock_real, tests one of their own.
 *
 * Units: microseconds throughout. `wall` counts from 1970-01-01T00:00:00Z without leap seconds and may jump; `mono`
 * counts from any point and never goes back, so deadlines and durations are measured with it.
 *
 * The text form is RFC 3339 in UTC, as Kubernetes writes it:
 *     "2026-01-02T03:04:05Z"            metav1.Time, certificates, logs
 *     "2026-01-02T03:04:05.000000Z"     metav1.MicroTime (Leases)
 * Years 0000 … 9999; what lies outside is written as the nearest end.
 */
#ifndef COCOON_BASE_CLOCK_H
#define COCOON_BASE_CLOCK_H

#include "base/span.h"

#include <stdint.h>

struct err;

#define CLOCK_SECOND   INT64_C(1000000)
/* room for either text with its NUL */
#define CLOCK_TEXT_MAX 32

struct clock {
	int64_t (*wall)(void *ctx);
	int64_t (*mono)(void *ctx);
	void *ctx;
};

/* The system's clocks; ctx is unused. */
extern const struct clock clock_real;

static inline int64_t clock_wall(const struct clock *clock)
{
	return clock->wall(clock->ctx);
}

static inline int64_t clock_mono(const struct clock *clock)
{
	return clock->mono(clock->ctx);
}

/* The text with whole seconds, rounded down, and with microseconds. Both return `out`. */
const char *clock_format(int64_t wall, char out[CLOCK_TEXT_MAX]) __attribute__((nonnull));
const char *clock_format_micro(int64_t wall, char out[CLOCK_TEXT_MAX]) __attribute__((nonnull));

/*
 * Reads an RFC 3339 time with any offset and up to nine digits of a second, of which six count. ERR_FORMAT for
 * anything else, dates that do not exist and leap seconds among it.
 */
int clock_parse(struct span text, int64_t *wall, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
