/* SPDX-License-Identifier: Apache-2.0 */
/* The packed forms are from gzip(1) 1.12 and from RFC 1952 by hand; how, stands beside each. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(s) SPAN_LIT(s)
/* printf 'hello\n' | gzip -9n */
#define HELLO    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
#define BODY                                           \
	"\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a" \
	"\x36\x06\x00\x00\x00"

static void unpacks_what_gzip_packs(void **state)
{
	static const struct {
		const char *name;
		struct span packed;
	} cases[] = {
		{ "gzip -9n", BYTES(HELLO BODY) },
		{ "with a name (gzip -9 hello)",
				BYTES("\x1f\x8b\x08\x08\x5a\x5a\x5a\x65\x02\x03hello\0" BODY) },
		{ "with a comment",
				BYTES("\x1f\x8b\x08\x10\0\0\0\0\x02\xff"
				      "by hand\0" BODY) },
		{ "with an extra field", BYTES("\x1f\x8b\x08\x04\0\0\0\0\x02\xff\x04\0abcd" BODY) },
		{ "with all of them", BYTES("\x1f\x8b\x08\x1c\0\0\0\0\x02\xff\x02\0xyn\0c\0" BODY) },
		{ "stored",
				BYTES("\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x06\0\xf9\xffhello\n\x20\x30\x3a\x36"
				      "\x06\0\0\0") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf plain = BUF_MAX(100);
		struct err err = ERR_NONE;
		if (gzip_unpack(cases[i].packed, 6, &plain, &err) < 0)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_string_equal(buf_text(&plain), "hello\n");
	}
}

static void refuses_what_is_damaged(void **state)
{
	static const struct {
		const char *name;
		struct span packed;
		const char *why;
	} cases[] = {
		{ "nothing", BYTES(""), "ends early" },
		{ "text", BYTES("hello hello hello"), "not gzip" },
		{ "zlib", BYTES("\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15"), "not gzip" },
		{ "another method", BYTES("\x1f\x8b\x07\0\0\0\0\0\x02\x03" BODY), "not gzip" },
		{ "a reserved flag", BYTES("\x1f\x8b\x08\x20\0\0\0\0\x02\x03" BODY), "not gzip" },
		{ "another CRC", BYTES(HELLO "\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x21\x30\x3a\x36\x06\0\0\0"),
				"damaged" },
		{ "another length", BYTES(HELLO "\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20\x30\x3a\x36\x07\0\0\0"),
				"damaged" },
		{ "a byte behind", BYTES(HELLO BODY "\0"), "1 bytes behind" },
		{ "two members", BYTES(HELLO BODY HELLO BODY), "26 bytes behind" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf plain = BUF_MAX(100);
		struct err err = ERR_NONE;
		if (gzip_unpack(cases[i].packed, 100, &plain, &err) == 0)
			fail_msg("%s was accepted", cases[i].name);
		assert_int_equal(err.kind, ERR_FORMAT);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_int_equal(plain.len, 0);
	}
}

static void refuses_a_member_cut_at_any_byte(void **state)
{
	struct span whole = BYTES(HELLO BODY);

	(void)state;
	for (size_t len = 0; len < whole.len; len++) {
		auto_buf struct buf plain = BUF_MAX(100);
		assert_int_equal(gzip_unpack(span_new(whole.ptr, len), 100, &plain, NULL), -1);
	}
}

static void takes_input_in_any_pieces(void **state)
{
	struct span whole = BYTES(HELLO BODY);

	(void)state;
	for (size_t cut = 0; cut <= whole.len; cut++) {
		auto_buf struct buf plain = BUF_MAX(100);
		struct buf_sink sink;
		buf_sink_init(&sink, &plain, "it");
		auto_gunzip struct gunzip *gunzip = gunzip_new(&sink.stream, 6);
		struct stream *stream = gunzip_stream(gunzip);
		assert_int_equal(stream_feed(stream, span_new(whole.ptr, cut), NULL), 0);
		assert_int_equal(stream_feed(stream, span_from(whole, cut), NULL), 0);
		assert_int_equal(stream_done(stream, NULL), 0);
		assert_string_equal(buf_text(&plain), "hello\n");
		assert_int_equal(stream_feed(stream, BYTES("x"), NULL), -1);
	}
}

static void a_bomb_stops_at_the_ceiling(void **state)
{
	auto_buf struct buf zeros = BUF_MAX(10 << 20), packed = BUF_MAX(1 << 20), plain = BUF_MAX(10 << 20);
	struct err err = ERR_NONE;

	(void)state;
	memset(buf_room(&zeros, 10 << 20), 0, 10 << 20);
	buf_grew(&zeros, 10 << 20);
	assert_int_equal(gzip_pack(buf_span(&zeros), &packed, NULL), 0);
	assert_true(packed.len < 20000);
	assert_int_equal(gzip_unpack(buf_span(&packed), (10 << 20) - 1, &plain, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(plain.len, 0);
	assert_int_equal(gzip_unpack(buf_span(&packed), 10 << 20, &plain, &err), 0);
	assert_int_equal(plain.len, 10 << 20);
}

static void packing_has_a_fixed_header_and_no_other_choice(void **state)
{
	auto_buf struct buf once = BUF_MAX(1000), twice = BUF_MAX(1000);

	(void)state;
	assert_int_equal(gzip_pack(BYTES("hello\n"), &once, NULL), 0);
	assert_int_equal(gzip_pack(BYTES("hello\n"), &twice, NULL), 0);
	assert_true(span_eq(buf_span(&once), buf_span(&twice)));
	assert_true(span_eq(buf_span(&once), BYTES("\x1f\x8b\x08\0\0\0\0\0\x02\xff" BODY)));
}

static void packing_respects_the_ceiling_of_the_output(void **state)
{
	auto_buf struct buf out = BUF_MAX(10);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(gzip_pack(BYTES("hello\n"), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void nothing_packs_and_unpacks(void **state)
{
	auto_buf struct buf packed = BUF_MAX(100), plain = BUF_MAX(100);

	(void)state;
	assert_int_equal(gzip_pack(SPAN_NONE, &packed, NULL), 0);
	assert_int_equal(gzip_unpack(buf_span(&packed), 0, &plain, NULL), 0);
	assert_int_equal(plain.len, 0);
}

static void unpacking_appends_or_leaves_the_output_alone(void **state)
{
	auto_buf struct buf out = BUF_MAX(8);
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&out, "a");
	assert_int_equal(gzip_unpack(BYTES(HELLO BODY), 100, &out, &err), 0);
	assert_string_equal(buf_text(&out), "ahello\n");
	assert_int_equal(gzip_unpack(BYTES(HELLO BODY), 100, &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_string_equal(buf_text(&out), "ahello\n");
}

/* The deflate data inside a gzip member: without its header of 10 bytes and its end of 8. */
static struct span bare(const struct buf *packed)
{
	return span_new(packed->ptr + 10, packed->len - 18);
}

static void bare_deflate_data_unpacks_into_given_memory(void **state)
{
	static const size_t sizes[] = { 0, 1, 193, 65536 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		auto_buf struct buf plain = BUF_MAX(1 << 20), packed = BUF_MAX(1 << 20);
		size_t len = 99;
		for (size_t j = 0; j < sizes[i]; j++)
			buf_putc(&plain, (char)(j * j >> 3));
		assert_int_equal(gzip_pack(buf_span(&plain), &packed, NULL), 0);
		char *room = xmalloc(sizes[i] + 1);
		assert_int_equal(inflate_raw(bare(&packed), room, sizes[i] + 1, &len, NULL), 0);
		assert_true(span_eq(span_new(room, len), buf_span(&plain)));
		/* to the last byte, and one too little */
		assert_int_equal(inflate_raw(bare(&packed), room, sizes[i], &len, NULL), 0);
		assert_int_equal(len, sizes[i]);
		struct err err = ERR_NONE;
		if (sizes[i])
			assert_int_equal(inflate_raw(bare(&packed), room, sizes[i] - 1, &len, &err), -1);
		assert_int_equal(err.kind, sizes[i] ? ERR_LIMIT : ERR_OK);
		free(room);
	}
}

static void bare_deflate_data_ends_where_it_ends(void **state)
{
	auto_buf struct buf packed = BUF_MAX(1 << 20);
	char room[100];
	size_t len = 0;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(gzip_pack(BYTES("the same, the same, the same again"), &packed, NULL), 0);
	for (size_t cut = 0; cut < packed.len - 18; cut++) {
		assert_int_equal(inflate_raw(span_new(packed.ptr + 10, cut), room, sizeof(room), &len, &err),
				-1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	/* the checks of gzip, which do not belong here */
	assert_int_equal(inflate_raw(span_new(packed.ptr + 10, packed.len - 10), room, sizeof(room), &len,
					 &err),
			-1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(inflate_raw(buf_span(&packed), room, sizeof(room), &len, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks_what_gzip_packs),
		cmocka_unit_test(refuses_what_is_damaged),
		cmocka_unit_test(refuses_a_member_cut_at_any_byte),
		cmocka_unit_test(takes_input_in_any_pieces),
		cmocka_unit_test(a_bomb_stops_at_the_ceiling),
		cmocka_unit_test(packing_has_a_fixed_header_and_no_other_choice),
		cmocka_unit_test(packing_respects_the_ceiling_of_the_output),
		cmocka_unit_test(nothing_packs_and_unpacks),
		cmocka_unit_test(unpacking_appends_or_leaves_the_output_alone),
		cmocka_unit_test(bare_deflate_data_unpacks_into_given_memory),
		cmocka_unit_test(bare_deflate_data_ends_where_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
