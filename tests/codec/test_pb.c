/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/pb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

/* What pb_next makes of the bytes: 0 when every field could be cut off. */
static int walk(struct span message, struct err *err)
{
	struct pb_field field;

	while (message.len)
		if (pb_next(&message, &field, err) < 0)
			return -1;
	return 0;
}

static void reads_fields_of_every_type_in_any_order(void **state)
{
	struct span rest = SPAN_LIT("\x12\x02hi\x08\x96\x01\x19"
				    "12345678"
				    "\x25"
				    "1234");
	struct pb_field field;
	struct span text = SPAN_NONE;
	uint64_t number = 0;

	(void)state;
	assert_int_equal(pb_next(&rest, &field, NULL), 0);
	assert_int_equal(field.number, 2);
	assert_int_equal(pb_text(&field, &text, NULL), 0);
	assert_true(span_is(text, "hi"));
	assert_int_equal(pb_next(&rest, &field, NULL), 0);
	assert_int_equal(pb_varint(&field, &number, NULL), 0);
	assert_int_equal(number, 150);
	assert_int_equal(pb_next(&rest, &field, NULL), 0);
	assert_int_equal(field.type, PB_FIXED64);
	assert_true(span_is(field.bytes, "12345678"));
	assert_int_equal(pb_next(&rest, &field, NULL), 0);
	assert_int_equal(field.type, PB_FIXED32);
	assert_int_equal(rest.len, 0);
}

static void finds_the_last_of_repeated_fields_and_passes_over_others(void **state)
{
	struct span found = SPAN_NONE;

	(void)state;
	assert_int_equal(pb_find_bytes(SPAN_LIT("\x0a\x01"
						"a\x10\x07\x0a\x02"
						"bc\x1a\x01x"),
					 1, &found, NULL),
			0);
	assert_true(span_is(found, "bc"));
	assert_int_equal(pb_find_bytes(SPAN_LIT("\x10\x07"), 1, &found, NULL), 0);
	assert_int_equal(found.len, 0);
	assert_int_equal(pb_find_bytes(SPAN_NONE, 1, &found, NULL), 0);
}

static void writes_what_it_reads(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX };
	auto_buf struct buf out = BUF_MAX(4096);
	struct pb_field field;
	uint64_t number = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		pb_put_varint(&out, (UINT32_C(1) << 29) - 1, numbers[i]);
	pb_put_bytes(&out, 1, SPAN_LIT("a\0b"));
	struct span rest = buf_span(&out);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(pb_next(&rest, &field, NULL), 0);
		assert_int_equal(field.number, (1 << 29) - 1);
		assert_int_equal(pb_varint(&field, &number, NULL), 0);
		assert_true(number == numbers[i]);
	}
	assert_int_equal(pb_next(&rest, &field, NULL), 0);
	assert_true(span_eq(field.bytes, SPAN_LIT("a\0b")));
	assert_true(span_eq(span_new(out.ptr + out.len - 5, 5),
			SPAN_LIT("\x0a\x03"
				 "a\0b")));
}

static void refuses_a_message_cut_anywhere_inside_a_field(void **state)
{
	static const char whole[] = "\x0a\x03"
				    "abc\x10\x96\x01\x19"
				    "12345678";
	const size_t ends[] = { 0, 5, 8, 17 };

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		bool at_end = false;
		auto_free char *copy = xmemdup0(whole, len);
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			at_end = at_end || ends[i] == len;
		assert_int_equal(walk(span_new(copy, len), NULL), at_end ? 0 : -1);
	}
}

static void refuses_what_is_no_field(void **state)
{
	static const struct {
		const char *name;
		struct span bytes;
	} cases[] = {
		{ "field number 0", { "\x02\x01x", 3 } },
		{ "field number above 2^29-1", { "\x82\x80\x80\x80\x80\x01\x00", 7 } },
		{ "start of a group", { "\x0b\x0c", 2 } },
		{ "end of a group", { "\x0c", 1 } },
		{ "type 6", { "\x0e", 1 } },
		{ "type 7", { "\x0f", 1 } },
		{ "integer of 11 bytes", { "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12 } },
		{ "integer of 65 bits", { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11 } },
		{ "length beyond the end", { "\x0a\xff\xff\xff\xff\x0f", 6 } },
		{ "length of 2^64-1", { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		if (walk(cases[i].bytes, &err) == 0)
			fail_msg("%s was taken", cases[i].name);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void refuses_values_of_another_type(void **state)
{
	struct span integer = SPAN_LIT("\x08\x01"), bytes = SPAN_LIT("\x0a\x01\xff"), found = SPAN_NONE;
	struct err err = ERR_NONE;
	struct pb_field field;
	uint64_t number = 0;

	(void)state;
	assert_int_equal(pb_find_bytes(integer, 1, &found, &err), -1);
	assert_string_equal(err.text, "protobuf field 1: holds no bytes");
	assert_int_equal(pb_next(&bytes, &field, NULL), 0);
	assert_int_equal(pb_varint(&field, &number, NULL), -1);
	assert_int_equal(pb_text(&field, &found, NULL), -1);
}

static void refuses_to_write_beyond_the_ceiling(void **state)
{
	auto_buf struct buf out = BUF_MAX(4);

	(void)state;
	pb_put_bytes(&out, 1, SPAN_LIT("abc"));
	assert_int_equal(buf_check(&out, "it", NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_fields_of_every_type_in_any_order),
		cmocka_unit_test(finds_the_last_of_repeated_fields_and_passes_over_others),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(refuses_a_message_cut_anywhere_inside_a_field),
		cmocka_unit_test(refuses_what_is_no_field),
		cmocka_unit_test(refuses_values_of_another_type),
		cmocka_unit_test(refuses_to_write_beyond_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
