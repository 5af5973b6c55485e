/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/err.h"

#include <stdio.h>
#include <time.h>

#define DAY          86400
/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds */
#define FIRST        INT64_C(-62167219200)
#define LAST         INT64_C(253402300799)
#define YEAR_DAYS(y) ((int64_t)(y)*365 + (y) / 4 - (y) / 100 + (y) / 400)

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	/* fails for clocks that do not exist alone, and these two do */
	if (clock_gettime(id, &now) < 0)
		return 0;
	return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

static int64_t real_wall(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_REALTIME);
}

static int64_t real_mono(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_real = { .wall = real_wall, .mono = real_mono, .ctx = NULL };

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
	static const signed char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 0000-01-01 to the first of January of year, which is 0 … 10000. */
static int64_t days_before_year(int year)
{
	return year ? YEAR_DAYS(year - 1) + 366 : 0;
}

/* Days from 1970-01-01. */
static int64_t days_from_date(int year, int month, int day)
{
	int64_t days = days_before_year(year) + day - 1;

	for (int m = 1; m < month; m++)
		days += month_days(year, m);
	return days + FIRST / DAY;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
	days -= FIRST / DAY;
	/* the mean year guesses at most one too high or low */
	int y = (int)(days * 400 / 146097);
	while (days_before_year(y) > days)
		y--;
	while (days_before_year(y + 1) <= days)
		y++;
	days -= days_before_year(y);
	int m = 1;
	for (; days >= month_days(y, m); m++)
		days -= month_days(y, m);
	*year = y;
	*month = m;
	*day = (int)days + 1;
}

/* Rounds towards the past, also before 1970. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static const char *format(int64_t wall, bool micro, char *out)
{
	if (wall < FIRST * CLOCK_SECOND)
		wall = FIRST * CLOCK_SECOND;
	if (wall > LAST * CLOCK_SECOND + CLOCK_SECOND - 1)
		wall = LAST * CLOCK_SECOND + CLOCK_SECOND - 1;
	int64_t seconds = floor_div(wall, CLOCK_SECOND);
	int64_t days = floor_div(seconds, DAY);
	int part = (int)(wall - seconds * CLOCK_SECOND);
	int clock = (int)(seconds - days * DAY);
	int year, month, day;

	date_from_days(days, &year, &month, &day);
	int n = snprintf(out, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", year % 10000, month % 100,
			day % 100, clock / 3600 % 24, clock / 60 % 60, clock % 60);
	if (micro)
		snprintf(out + n, (size_t)(CLOCK_TEXT_MAX - n), ".%06dZ", part % 1000000);
	else
		snprintf(out + n, (size_t)(CLOCK_TEXT_MAX - n), "Z");
	return out;
}

const char *clock_format(int64_t wall, char out[CLOCK_TEXT_MAX])
{
	return format(wall, false, out);
}

const char *clock_format_micro(int64_t wall, char out[CLOCK_TEXT_MAX])
{
	return format(wall, true, out);
}

/* Cuts exactly `digits` digits off, a number of min … max. */
static bool cut_number(struct span *text, size_t digits, int min, int max, int *out)
{
	int value = 0;

	if (text->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text->ptr[i] < '0' || text->ptr[i] > '9')
			return false;
		value = value * 10 + (text->ptr[i] - '0');
	}
	*text = span_from(*text, digits);
	*out = value;
	return value >= min && value <= max;
}

static bool cut_char(struct span *text, char c)
{
	if (!text->len || text->ptr[0] != c)
		return false;
	*text = span_from(*text, 1);
	return true;
}

/* ".5" → 500000; nothing at all → 0 */
static bool cut_fraction(struct span *text, int64_t *micro)
{
	int64_t unit = CLOCK_SECOND / 10;
	int digits = 0;

	*micro = 0;
	if (!cut_char(text, '.'))
		return true;
	for (; text->len && text->ptr[0] >= '0' && text->ptr[0] <= '9'; digits++) {
		*micro += (text->ptr[0] - '0') * unit;
		unit /= 10;
		*text = span_from(*text, 1);
	}
	return digits > 0 && digits <= 9;
}

/* "Z" or "+02:00", in seconds east of UTC */
static bool cut_offset(struct span *text, int *seconds)
{
	int hours, minutes;

	*seconds = 0;
	if (cut_char(text, 'Z'))
		return true;
	bool west = cut_char(text, '-');
	if (!west && !cut_char(text, '+'))
		return false;
	if (!cut_number(text, 2, 0, 23, &hours) || !cut_char(text, ':') ||
			!cut_number(text, 2, 0, 59, &minutes))
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

int clock_parse(struct span text, int64_t *wall, struct err *err)
{
	struct span rest = text;
	int year, month, day, hour, minute, second, east;
	int64_t micro;

	if (!cut_number(&rest, 4, 0, 9999, &year) || !cut_char(&rest, '-') ||
			!cut_number(&rest, 2, 1, 12, &month) || !cut_char(&rest, '-') ||
			!cut_number(&rest, 2, 1, month_days(year, month), &day) || !cut_char(&rest, 'T') ||
			!cut_number(&rest, 2, 0, 23, &hour) || !cut_char(&rest, ':') ||
			!cut_number(&rest, 2, 0, 59, &minute) || !cut_char(&rest, ':') ||
			!cut_number(&rest, 2, 0, 59, &second) || !cut_fraction(&rest, &micro) ||
			!cut_offset(&rest, &east) || rest.len)
		return err_set(err, ERR_FORMAT, "'%.*s' is no RFC 3339 time like 2026-01-02T03:04:05Z",
				text.len < CLOCK_TEXT_MAX + 8 ? (int)text.len : CLOCK_TEXT_MAX + 8,
				text.len ? text.ptr : "");
	int64_t seconds = days_from_date(year, month, day) * DAY + hour * 3600 + minute * 60 + second - east;
	*wall = seconds * CLOCK_SECOND + micro;
	return 0;
}
