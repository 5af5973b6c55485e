/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int64_t parsed(const char *text)
{
	int64_t wall = -1;
	struct err err = ERR_NONE;

	if (clock_parse(span_of(text), &wall, &err) < 0)
		fail_msg("'%s': %s", text, err.text);
	return wall;
}

static void writes_both_forms(void **state)
{
	char out[CLOCK_TEXT_MAX];
	int64_t wall = INT64_C(1767323045) * CLOCK_SECOND + 123456;

	(void)state;
	assert_string_equal(clock_format(wall, out), "2026-01-02T03:04:05Z");
	assert_string_equal(clock_format_micro(wall, out), "2026-01-02T03:04:05.123456Z");
	assert_string_equal(clock_format_micro(0, out), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(clock_format_micro(-1, out), "1969-12-31T23:59:59.999999Z");
}

static void the_ends_of_time_hold(void **state)
{
	char out[CLOCK_TEXT_MAX];

	(void)state;
	assert_string_equal(clock_format_micro(INT64_MIN, out), "0000-01-01T00:00:00.000000Z");
	assert_string_equal(clock_format_micro(INT64_MAX, out), "9999-12-31T23:59:59.999999Z");
	assert_string_equal(clock_format(parsed("0000-01-01T00:00:00Z"), out), "0000-01-01T00:00:00Z");
	assert_string_equal(clock_format(parsed("9999-12-31T23:59:59Z"), out), "9999-12-31T23:59:59Z");
}

static void agrees_with_the_c_library_on_every_day(void **state)
{
	char out[CLOCK_TEXT_MAX], expected[CLOCK_TEXT_MAX];

	(void)state;
	for (int64_t seconds = -62167219200 + 45296; seconds < 253402300800; seconds += 86400) {
		time_t at = seconds;
		struct tm date;
		assert_non_null(gmtime_r(&at, &date));
		snprintf(expected, sizeof(expected), "%04d-%02d-%02dT12:34:56Z",
				(date.tm_year + 1900) % 10000, (date.tm_mon + 1) % 100, date.tm_mday % 100);
		clock_format(seconds * CLOCK_SECOND, out);
		if (strcmp(out, expected) != 0)
			fail_msg("%s is not %s", out, expected);
		if (parsed(out) != seconds * CLOCK_SECOND)
			fail_msg("%s does not come back", out);
	}
}

static void reads_offsets_and_fractions(void **state)
{
	int64_t wall = INT64_C(1767323045) * CLOCK_SECOND;

	(void)state;
	assert_true(parsed("2026-01-02T03:04:05Z") == wall);
	assert_true(parsed("2026-01-02T03:04:05+00:00") == wall);
	assert_true(parsed("2026-01-02T03:04:05-00:00") == wall);
	assert_true(parsed("2026-01-02T05:04:05+02:00") == wall);
	assert_true(parsed("2026-01-01T21:34:05-05:30") == wall);
	assert_true(parsed("2026-01-02T03:04:05.5Z") == wall + 500000);
	assert_true(parsed("2026-01-02T03:04:05.000001Z") == wall + 1);
	assert_true(parsed("2026-01-02T03:04:05.123456789Z") == wall + 123456);
	assert_true(parsed("2024-02-29T00:00:00Z") == INT64_C(1709164800) * CLOCK_SECOND);
	assert_true(parsed("1969-12-31T23:59:59.999999Z") == -1);
}

static void refuses_what_is_no_time(void **state)
{
	static const char *const wrong[] = {
		"",
		"now",
		"2026-01-02",
		"2026-01-02T03:04:05",
		"2026-01-02 03:04:05Z",
		"2026-01-02t03:04:05Z",
		"2026-01-02T03:04:05z",
		"2026-1-2T03:04:05Z",
		"2026-00-02T03:04:05Z",
		"2026-13-02T03:04:05Z",
		"2026-01-00T03:04:05Z",
		"2026-01-32T03:04:05Z",
		"2026-02-29T03:04:05Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T03:04:05Z",
		"2026-01-02T24:00:00Z",
		"2026-01-02T03:60:05Z",
		"2026-01-02T03:04:60Z",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05.1234567890Z",
		"2026-01-02T03:04:05,5Z",
		"2026-01-02T03:04:05+2:00",
		"2026-01-02T03:04:05+0200",
		"2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05+02:60",
		"2026-01-02T03:04:05ZZ",
		" 2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05Z ",
		"+026-01-02T03:04:05Z",
		"20260-01-02T03:04:05Z",
		"2026-01-02T03:04:0/Z",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct err err = ERR_NONE;
		int64_t wall = 7;
		if (clock_parse(span_of(wrong[i]), &wall, &err) == 0)
			fail_msg("'%s' was accepted", wrong[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_true(wall == 7);
	}
}

static void refuses_a_time_that_is_cut_anywhere(void **state)
{
	static const char text[] = "2026-01-02T03:04:05.123456+02:00";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		auto_free char *copy = xmemdup0(text, len);
		int64_t wall;
		assert_int_equal(clock_parse(span_new(copy, len), &wall, NULL), -1);
	}
}

static void a_long_wrong_text_is_shown_in_part(void **state)
{
	char text[400];
	struct err err = ERR_NONE;
	int64_t wall;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(clock_parse(span_new(text, sizeof(text)), &wall, &err), -1);
	assert_true(strlen(err.text) < 120);
}

static int64_t one_later(void *ctx)
{
	return ++*(int64_t *)ctx;
}

static void a_clock_can_be_replaced(void **state)
{
	int64_t now = 41;
	const struct clock clock = { .wall = one_later, .mono = one_later, .ctx = &now };

	(void)state;
	assert_true(clock_wall(&clock) == 42);
	assert_true(clock_mono(&clock) == 43);
}

static void the_real_clock_goes_forward(void **state)
{
	int64_t first = clock_mono(&clock_real);

	(void)state;
	assert_true(first > 0);
	assert_true(clock_mono(&clock_real) >= first);
	assert_true(clock_wall(&clock_real) > parsed("2024-01-01T00:00:00Z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_both_forms),
		cmocka_unit_test(the_ends_of_time_hold),
		cmocka_unit_test(agrees_with_the_c_library_on_every_day),
		cmocka_unit_test(reads_offsets_and_fractions),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(refuses_a_time_that_is_cut_anywhere),
		cmocka_unit_test(a_long_wrong_text_is_shown_in_part),
		cmocka_unit_test(a_clock_can_be_replaced),
		cmocka_unit_test(the_real_clock_goes_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
