/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void writes_lower_case(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);

	(void)state;
	hex_encode(&out, SPAN_LIT("\x00\x0f\xa0\xff\x9a"));
	assert_string_equal(buf_text(&out), "000fa0ff9a");
}

static void every_byte_comes_back(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		unsigned char byte = (unsigned char)value, back = (unsigned char)~value;
		char text[2];
		hex_encode_raw(text, span_new(&byte, 1));
		assert_int_equal(hex_decode_raw(span_new(text, 2), &back, 1, NULL), 0);
		assert_int_equal(back, byte);
	}
}

static void only_sixteen_characters_pass(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		for (int at = 0; at < 2; at++) {
			char text[2] = { '0', '0' };
			unsigned char byte;
			text[at] = (char)c;
			bool known = c && strchr("0123456789abcdef", c);
			assert_int_equal(hex_decode_raw(span_new(text, 2), &byte, 1, NULL), known ? 0 : -1);
		}
	}
}

static void refuses_what_is_not_lower_case_hex(void **state)
{
	static const char *const wrong[] = { "0", "0g", "0A", "FF", "0x00", " 00", "00 ", "0 0", "000",
		"00\n", "é" };

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		auto_buf struct buf out = BUF_MAX(64);
		struct err err = ERR_NONE;
		buf_puts(&out, "kept");
		assert_int_equal(hex_decode(span_of(wrong[i]), &out, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_string_equal(buf_text(&out), "kept");
	}
}

static void a_wanted_length_is_kept(void **state)
{
	unsigned char bytes[4] = { 9, 9, 9, 9 };
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(hex_decode_raw(SPAN_LIT("0102"), bytes, 4, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(hex_decode_raw(SPAN_LIT("0102030405"), bytes, 4, &err), -1);
	assert_int_equal(bytes[0], 9);
	assert_int_equal(hex_decode_raw(SPAN_LIT("01020304"), bytes, 4, &err), 0);
	assert_int_equal(bytes[3], 4);
	assert_int_equal(hex_decode_raw(SPAN_NONE, bytes, 0, &err), 0);
}

static void keeps_the_ceiling(void **state)
{
	auto_buf struct buf out = BUF_MAX(2);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(hex_decode(SPAN_LIT("010203"), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(hex_decode(SPAN_LIT("0102"), &out, &err), 0);
	assert_int_equal(out.len, 2);
	hex_encode(&out, SPAN_LIT("a"));
	assert_true(out.over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_lower_case),
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(only_sixteen_characters_pass),
		cmocka_unit_test(refuses_what_is_not_lower_case_hex),
		cmocka_unit_test(a_wanted_length_is_kept),
		cmocka_unit_test(keeps_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
