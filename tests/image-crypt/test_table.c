/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "image-crypt/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	auto_table struct table table = { .columns = 3 };
	auto_buf struct buf out = BUF_MAX(4096);
	static const char *const cells[] = { "#", "DIGEST", "SIZE", "0", "sha256:ab", "7", "10", "x", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		table_add(&table, cells[i]);
	table_format(&table, &out);
	assert_string_equal(out.ptr,
			" #      DIGEST   SIZE\n"
			" 0   sha256:ab      7\n"
			"10           x       \n");
}

static void an_empty_table_prints_nothing(void **state)
{
	auto_table struct table table = { .columns = 3 };
	auto_buf struct buf out = BUF_MAX(4096);

	(void)state;
	table_format(&table, &out);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(an_empty_table_prints_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
