/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_buffer_is_an_empty_text(void **state)
{
	auto_buf struct buf buf = BUF_MAX(8);

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_span(&buf).len, 0);
	assert_int_equal(buf_check(&buf, "it", NULL), 0);
}

static void appends_of_every_kind_end_in_a_nul(void **state)
{
	auto_buf struct buf buf = BUF_MAX(64);

	(void)state;
	buf_add(&buf, "ab\0c", 4);
	buf_add_span(&buf, SPAN_LIT("d"));
	buf_puts(&buf, "ef");
	buf_putc(&buf, 'g');
	buf_printf(&buf, "%d%s", 12, "h");
	buf_add(&buf, NULL, 0);
	buf_add_span(&buf, SPAN_NONE);
	assert_true(span_eq(buf_span(&buf), SPAN_LIT("ab\0cdefg12h")));
	assert_int_equal(buf.ptr[buf.len], '\0');
}

static void the_ceiling_is_exact_and_final(void **state)
{
	auto_buf struct buf buf = BUF_MAX(4);
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&buf, "1234");
	assert_int_equal(buf_check(&buf, "the text", &err), 0);
	buf_puts(&buf, "5");
	assert_true(buf.over);
	buf_puts(&buf, "");
	assert_string_equal(buf_text(&buf), "1234");
	assert_int_equal(buf_check(&buf, "the text", &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_string_equal(err.text, "the text exceeds 4 bytes");
	buf_reset(&buf);
	assert_int_equal(buf_check(&buf, "the text", &err), 0);
	buf_puts(&buf, "12345");
	buf_puts(&buf, "1");
	assert_int_equal(buf.len, 0);
}

static void a_length_that_would_overflow_is_over(void **state)
{
	auto_buf struct buf buf = BUF_MAX(16);

	(void)state;
	buf_putc(&buf, 'x');
	assert_null(buf_room(&buf, SIZE_MAX));
	assert_true(buf.over);
	assert_int_equal(buf.len, 1);
}

static void printf_over_the_ceiling_adds_nothing(void **state)
{
	auto_buf struct buf buf = BUF_MAX(8);

	(void)state;
	buf_printf(&buf, "%s", "12345678");
	assert_string_equal(buf_text(&buf), "12345678");
	buf_printf(&buf, "%c", 'x');
	assert_true(buf.over);
	assert_string_equal(buf_text(&buf), "12345678");
}

static void drops_at_the_front_and_cuts_at_the_end(void **state)
{
	auto_buf struct buf buf = BUF_MAX(64);

	(void)state;
	buf_drop(&buf, 3);
	buf_cut(&buf, 0);
	buf_puts(&buf, "abcdef");
	buf_drop(&buf, 0);
	buf_drop(&buf, 2);
	assert_string_equal(buf_text(&buf), "cdef");
	buf_cut(&buf, 9);
	buf_cut(&buf, 3);
	assert_string_equal(buf_text(&buf), "cde");
	buf_drop(&buf, 100);
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf.len, 0);
}

static void room_is_filled_by_the_caller(void **state)
{
	auto_buf struct buf buf = BUF_MAX(1000);

	(void)state;
	char *unused = buf_room(&buf, 10);
	assert_non_null(unused);
	assert_string_equal(buf_text(&buf), "");
	char *room = buf_room(&buf, 500);
	assert_non_null(room);
	memset(room, 'x', 500);
	buf_grew(&buf, 3);
	assert_string_equal(buf_text(&buf), "xxx");
}

static void a_taken_text_is_the_callers(void **state)
{
	auto_buf struct buf buf = BUF_MAX(8);

	(void)state;
	auto_free char *empty = buf_take(&buf);
	assert_string_equal(empty, "");
	buf_puts(&buf, "text");
	auto_free char *text = buf_take(&buf);
	assert_string_equal(text, "text");
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.max, 8);
	buf_puts(&buf, "again");
	assert_string_equal(buf_text(&buf), "again");
}

static void grows_to_its_ceiling_byte_by_byte(void **state)
{
	auto_buf struct buf buf = BUF_MAX(5000);

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_putc(&buf, (char)('a' + i % 26));
	assert_false(buf.over);
	assert_int_equal(buf.len, 5000);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf.ptr[i], 'a' + i % 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(appends_of_every_kind_end_in_a_nul),
		cmocka_unit_test(the_ceiling_is_exact_and_final),
		cmocka_unit_test(a_length_that_would_overflow_is_over),
		cmocka_unit_test(printf_over_the_ceiling_adds_nothing),
		cmocka_unit_test(drops_at_the_front_and_cuts_at_the_end),
		cmocka_unit_test(room_is_filled_by_the_caller),
		cmocka_unit_test(a_taken_text_is_the_callers),
		cmocka_unit_test(grows_to_its_ceiling_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
