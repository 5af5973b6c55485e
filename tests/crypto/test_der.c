/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void reads_lengths_in_every_form(void **state)
{
	static const struct {
		struct span bytes;
		size_t body, left;
	} cases[] = {
		{ SPAN_LIT("\x04\x00"), 0, 0 },
		{ SPAN_LIT("\x04\x02"
			   "ab"),
				2, 0 },
		{ SPAN_LIT("\x04\x02"
			   "abcd"),
				2, 2 },
		{ SPAN_LIT("\x04\x81\x02"
			   "ab"),
				2, 0 },
		{ SPAN_LIT("\x04\x84\x00\x00\x00\x02"
			   "abc"),
				2, 1 },
		{ SPAN_LIT("\x04\x88\x00\x00\x00\x00\x00\x00\x00\x01"
			   "a"),
				1, 0 },
		{ SPAN_LIT("\x30\x80\x00\x00"), 0, 0 },
		{ SPAN_LIT("\x30\x80\x04\x01"
			   "a\x00\x00z"),
				3, 1 },
		{ SPAN_LIT("\x30\x80\x30\x80\x00\x00\x24\x80\x04\x02\x00\x00\x00\x00\x00\x00"), 12, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct span rest = cases[i].bytes;
		struct der_item item = { .tag = 0 };
		struct err err = ERR_NONE;
		if (der_next(&rest, "it", &item, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(item.tag, (unsigned char)cases[i].bytes.ptr[0]);
		assert_int_equal(item.body.len, cases[i].body);
		assert_int_equal(rest.len, cases[i].left);
		assert_int_equal(item.whole.len, cases[i].bytes.len - cases[i].left);
		for (size_t cut = 0; cut < item.whole.len; cut++) {
			struct span part = span_new(cases[i].bytes.ptr, cut), before = part;
			assert_int_equal(der_next(&part, "it", &item, &err), -1);
			assert_int_equal(err.kind, ERR_FORMAT);
			assert_true(part.ptr == before.ptr && part.len == before.len);
		}
	}
}

static void refuses_what_is_no_value(void **state)
{
	static const struct {
		struct span bytes;
		const char *reason;
	} cases[] = {
		{ SPAN_LIT(""), "the bytes end before it" },
		{ SPAN_LIT("\x1f\x01\x00"), "above 30" },
		{ SPAN_LIT("\xbf\x81\x01\x00"), "above 30" },
		{ SPAN_LIT("\x04\x80\x00\x00"), "primitive but of indefinite length" },
		{ SPAN_LIT("\x00\x00"), "an end mark stands where it must be" },
		{ SPAN_LIT("\x30\x80\x30\x80\x00\x00"), "the bytes end before it" },
		{ SPAN_LIT("\x04\x84\xff\xff\xff\xff"
			   "a"),
				"it is cut: 4294967295 bytes long, 1 are there" },
		{ SPAN_LIT("\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff"
			   "a"),
				"it is cut: 18446744073709551615 bytes long, 1 are there" },
		{ SPAN_LIT("\x30\x80\x04\x88\xff\xff\xff\xff\xff\xff\xff\xf0\x00\x00"), "it is cut" },
		{ SPAN_LIT("\x04\x89\x00\x00\x00\x00\x00\x00\x00\x00\x01"
			   "a"),
				"does not fit" },
		{ SPAN_LIT("\x04\xff"
			   "a"),
				"does not fit" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct span rest = cases[i].bytes;
		struct der_item item = { .tag = 0 };
		struct err err = ERR_NONE;
		assert_int_equal(der_next(&rest, "it", &item, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		if (!strstr(err.text, cases[i].reason))
			fail_msg("case %zu: %s", i, err.text);
	}
}

static void expects_a_tag(void **state)
{
	struct span rest = SPAN_LIT("\x02\x01\x05\x04\x00"), body = SPAN_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(der_expect(&rest, DER_OCTETS, "the key", &body, &err), -1);
	assert_string_equal(err.text, "the key has the tag 0x02, not 0x04");
	assert_int_equal(rest.len, 5);
	assert_true(der_is_next(rest, DER_INTEGER));
	assert_int_equal(der_expect(&rest, DER_INTEGER, "the number", &body, &err), 0);
	assert_true(span_is(body, "\x05"));
	assert_false(der_is_next(rest, DER_INTEGER));
	assert_false(der_is_next(SPAN_NONE, DER_INTEGER));
}

/* Levels of constructed values around an empty OCTET STRING, of indefinite or definite length. */
static void nest(struct buf *out, unsigned char tag, bool indefinite, size_t levels)
{
	if (indefinite) {
		for (size_t i = 0; i < levels; i++)
			buf_printf(out, "%c\x80", tag);
		der_put(out, DER_OCTETS, SPAN_NONE);
		for (size_t i = 0; i < levels; i++)
			buf_add(out, "\0\0", 2);
		return;
	}
	der_put(out, DER_OCTETS, SPAN_NONE);
	for (size_t i = 0; i < levels; i++)
		der_wrap(out, 0, tag);
}

static void the_depth_has_a_bound(void **state)
{
	(void)state;
	for (int indefinite = 0; indefinite < 2; indefinite++) {
		for (size_t levels = DER_DEPTH_MAX; levels < 40000; levels = levels * 200 + 1) {
			auto_buf struct buf bytes = BUF_MAX(1000000), out = BUF_MAX(10);
			struct der_item item = { .tag = 0 };
			struct err err = ERR_NONE;
			nest(&bytes, DER_OCTETS | DER_CONSTRUCTED, indefinite, levels);
			struct span rest = buf_span(&bytes);
			int status = der_next(&rest, "it", &item, &err);
			if (status == 0)
				status = der_octets(&item, "it", &out, &err);
			assert_int_equal(status, levels == DER_DEPTH_MAX ? 0 : -1);
			assert_int_equal(err.kind, levels == DER_DEPTH_MAX ? ERR_OK : ERR_LIMIT);
		}
	}
}

static void joins_the_segments_of_a_string(void **state)
{
	static const struct {
		struct span bytes;
		const char *text; /* NULL: refused */
	} cases[] = {
		{ SPAN_LIT("\x80\x02hi"), "hi" },
		{ SPAN_LIT("\x04\x02hi"), "hi" },
		{ SPAN_LIT("\xa0\x04\x04\x02hi"), "hi" },
		{ SPAN_LIT("\xa0\x80\x04\x01h\x04\x00\x04\x01i\x00\x00"), "hi" },
		{ SPAN_LIT("\xa0\x80\x24\x80\x04\x01h\x00\x00\x24\x03\x04\x01i\x00\x00"), "hi" },
		{ SPAN_LIT("\xa0\x00"), "" },
		{ SPAN_LIT("\xa0\x04\x02\x02hi"), NULL },
		{ SPAN_LIT("\xa0\x04\x0c\x02hi"), NULL },
		{ SPAN_LIT("\xa0\x03\x04\x02h"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf out = BUF_MAX(10);
		struct span rest = cases[i].bytes;
		struct der_item item = { .tag = 0 };
		struct err err = ERR_NONE;
		assert_int_equal(der_next(&rest, "the text", &item, &err), 0);
		assert_int_equal(der_octets(&item, "the text", &out, &err), cases[i].text ? 0 : -1);
		assert_int_equal(err.kind, cases[i].text ? ERR_OK : ERR_FORMAT);
		if (cases[i].text)
			assert_string_equal(buf_text(&out), cases[i].text);
	}
}

static void a_string_has_the_ceiling_of_its_buffer(void **state)
{
	auto_buf struct buf out = BUF_MAX(3);
	struct span rest = SPAN_LIT("\xa0\x80\x04\x02hi\x04\x02ho\x00\x00");
	struct der_item item = { .tag = 0 };
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(der_next(&rest, "it", &item, &err), 0);
	assert_int_equal(der_octets(&item, "it", &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void numbers_are_equal_whatever_leads_them(void **state)
{
	static const struct {
		struct span body, canonical;
	} cases[] = {
		{ SPAN_LIT("\x00"), SPAN_LIT("\x00") },
		{ SPAN_LIT("\x00\x00\x00"), SPAN_LIT("\x00") },
		{ SPAN_LIT("\x00\x7f"), SPAN_LIT("\x7f") },
		{ SPAN_LIT("\x00\x80"), SPAN_LIT("\x00\x80") },
		{ SPAN_LIT("\x00\x00\x80"), SPAN_LIT("\x00\x80") },
		{ SPAN_LIT("\x80"), SPAN_LIT("\x80") },
		{ SPAN_LIT("\xff\x80"), SPAN_LIT("\x80") },
		{ SPAN_LIT("\xff\x7f"), SPAN_LIT("\xff\x7f") },
		{ SPAN_LIT("\xff\xff\xff"), SPAN_LIT("\xff") },
		{ SPAN_LIT(""), SPAN_LIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_true(span_eq(der_integer(cases[i].body), cases[i].canonical));
}

static void small_numbers_are_read(void **state)
{
	uint64_t number = 7;

	(void)state;
	assert_true(der_number(SPAN_LIT("\x00"), 0, &number) && number == 0);
	assert_true(der_number(SPAN_LIT("\x00\x00\xff"), 255, &number) && number == 255);
	assert_true(der_number(SPAN_LIT("\x7f\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX, &number));
	assert_int_equal(number, INT64_MAX);
	assert_false(der_number(SPAN_LIT(""), 9, &number));
	assert_false(der_number(SPAN_LIT("\x0a"), 9, &number));
	assert_false(der_number(SPAN_LIT("\xff"), 9, &number));
	assert_false(der_number(SPAN_LIT("\x01\x00\x00\x00\x00\x00\x00\x00\x00"), UINT64_MAX, &number));
	assert_int_equal(number, INT64_MAX);
}

static void what_is_written_is_read_again(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535, 65536 };
	static char bytes[65536];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		auto_buf struct buf put = BUF_MAX(100000), wrapped = BUF_MAX(100000);
		struct span rest = SPAN_NONE, body = SPAN_NONE;
		memset(bytes, 'x', sizeof(bytes));
		buf_puts(&wrapped, "ahead");
		der_put(&put, DER_OCTETS, span_new(bytes, lengths[i]));
		buf_add(&wrapped, bytes, lengths[i]);
		der_wrap(&wrapped, 5, DER_OCTETS);
		assert_true(span_eq(buf_span(&put), span_from(buf_span(&wrapped), 5)));
		rest = buf_span(&put);
		assert_int_equal(der_expect(&rest, DER_OCTETS, "it", &body, NULL), 0);
		assert_true(span_eq(body, span_new(bytes, lengths[i])) && rest.len == 0);
	}
}

static void a_writer_stops_at_the_ceiling(void **state)
{
	auto_buf struct buf out = BUF_MAX(5);

	(void)state;
	der_put(&out, DER_OCTETS, SPAN_LIT("abc"));
	assert_false(out.over);
	der_wrap(&out, 0, DER_SEQUENCE);
	assert_true(out.over);
	assert_int_equal(out.len, 5);
	der_wrap(&out, 0, DER_SEQUENCE);
	assert_int_equal(out.len, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lengths_in_every_form),
		cmocka_unit_test(refuses_what_is_no_value),
		cmocka_unit_test(expects_a_tag),
		cmocka_unit_test(the_depth_has_a_bound),
		cmocka_unit_test(joins_the_segments_of_a_string),
		cmocka_unit_test(a_string_has_the_ceiling_of_its_buffer),
		cmocka_unit_test(numbers_are_equal_whatever_leads_them),
		cmocka_unit_test(small_numbers_are_read),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_writer_stops_at_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
