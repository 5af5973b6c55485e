/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fills_all_bytes(void **state)
{
	/* a byte that stays zero in 64 draws is one chance in 2^512 */
	unsigned char sum[300] = { 0 };

	(void)state;
	for (int draw = 0; draw < 64; draw++) {
		unsigned char bytes[302] = { [0] = 0xaa, [301] = 0xbb };
		random_bytes(bytes + 1, 300);
		assert_int_equal(bytes[0], 0xaa);
		assert_int_equal(bytes[301], 0xbb);
		for (size_t i = 0; i < 300; i++)
			sum[i] |= bytes[i + 1];
	}
	for (size_t i = 0; i < 300; i++)
		assert_int_not_equal(sum[i], 0);
}

static void stays_below_and_reaches_all(void **state)
{
	unsigned seen[7] = { 0 };

	(void)state;
	for (int draw = 0; draw < 7000; draw++) {
		uint64_t value = random_below(7);
		assert_true(value < 7);
		seen[value]++;
	}
	/* expected 1000 each; 700 is ten standard deviations away */
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 700, 1300);
	assert_true(random_below(0) == 0);
	assert_true(random_below(1) == 0);
	for (int draw = 0; draw < 100; draw++)
		assert_true(random_below((UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void jitter_keeps_its_bounds(void **state)
{
	bool below = false, above = false;

	(void)state;
	for (int draw = 0; draw < 1000; draw++) {
		int64_t value = random_jitter(1000, 20);
		assert_true(value >= 800 && value <= 1200);
		below |= value < 1000;
		above |= value > 1000;
	}
	assert_true(below && above);
}

static void jitter_takes_any_number(void **state)
{
	(void)state;
	assert_true(random_jitter(0, 50) == 0);
	assert_true(random_jitter(-5, 50) == -5);
	assert_true(random_jitter(1000, 0) == 1000);
	for (int draw = 0; draw < 1000; draw++) {
		assert_true(random_jitter(INT64_MAX, 100) >= 0);
		int64_t whole = random_jitter(10, 1000);
		assert_true(whole >= 0 && whole <= 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_all_bytes),
		cmocka_unit_test(stays_below_and_reaches_all),
		cmocka_unit_test(jitter_keeps_its_bounds),
		cmocka_unit_test(jitter_takes_any_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
