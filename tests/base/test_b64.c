/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef int (*decode_fn)(struct span text, struct buf *out, struct err *err);

/* RFC 4648 section 10, and bytes whose text uses the characters in which the alphabets differ */
static const struct {
	struct span bytes;
	const char *standard, *url;
} vectors[] = {
	{ SPAN_LIT(""), "", "" },
	{ SPAN_LIT("f"), "Zg==", "Zg" },
	{ SPAN_LIT("fo"), "Zm8=", "Zm8" },
	{ SPAN_LIT("foo"), "Zm9v", "Zm9v" },
	{ SPAN_LIT("foob"), "Zm9vYg==", "Zm9vYg" },
	{ SPAN_LIT("fooba"), "Zm9vYmE=", "Zm9vYmE" },
	{ SPAN_LIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
	{ SPAN_LIT("\xff\xe0"), "/+A=", "_-A" },
	{ SPAN_LIT("\xfb\xff\xbf"), "+/+/", "-_-_" },
	{ SPAN_LIT("\0\0\0"), "AAAA", "AAAA" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void encodes_the_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		auto_buf struct buf out = BUF_MAX(64);
		b64_encode(&out, vectors[i].bytes);
		assert_string_equal(buf_text(&out), vectors[i].standard);
		assert_int_equal(out.len, b64_encoded_len(vectors[i].bytes.len));
		buf_reset(&out);
		b64url_encode(&out, vectors[i].bytes);
		assert_string_equal(buf_text(&out), vectors[i].url);
		assert_int_equal(out.len, b64url_encoded_len(vectors[i].bytes.len));
	}
}

static void decodes_the_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		auto_buf struct buf out = BUF_MAX(64);
		assert_int_equal(b64_decode(span_of(vectors[i].standard), &out, NULL), 0);
		assert_true(span_eq(buf_span(&out), vectors[i].bytes));
		buf_reset(&out);
		assert_int_equal(b64url_decode(span_of(vectors[i].url), &out, NULL), 0);
		assert_true(span_eq(buf_span(&out), vectors[i].bytes));
	}
}

static void every_byte_at_every_place_comes_back(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 4; len++) {
		for (unsigned value = 0; value < 256 * len; value++) {
			unsigned char bytes[4] = { 0x5a, 0xa5, 0x3c, 0xc3 };
			auto_buf struct buf text = BUF_MAX(64), back = BUF_MAX(64);
			bytes[value / 256] = (unsigned char)value;
			b64_encode(&text, span_new(bytes, len));
			assert_int_equal(b64_decode(buf_span(&text), &back, NULL), 0);
			assert_true(span_eq(buf_span(&back), span_new(bytes, len)));
			buf_reset(&text);
			buf_reset(&back);
			b64url_encode(&text, span_new(bytes, len));
			assert_int_equal(b64url_decode(buf_span(&text), &back, NULL), 0);
			assert_true(span_eq(buf_span(&back), span_new(bytes, len)));
		}
	}
}

static void refuse(decode_fn decode, struct span text)
{
	auto_buf struct buf out = BUF_MAX(64);
	struct err err = ERR_NONE;

	buf_puts(&out, "kept");
	if (decode(text, &out, &err) == 0)
		fail_msg("'%.*s' was accepted", SPAN_ARG(text));
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_string_equal(buf_text(&out), "kept");
	assert_int_equal(out.len, 4);
}

static void refuses_what_is_not_exactly_standard(void **state)
{
	static const char *const wrong[] = {
		"Z",
		"Zg",
		"Zg=",
		"Zg===",
		"Zm8",
		"Zm9vYg",
		"Zm9v=",
		"Zm9v==",
		"Zm9v====",
		"=",
		"==",
		"====",
		"Zg==Zg==",
		"Z===",
		"Z=g=",
		"=Zg=",
		"Zm=v",
		" Zg==",
		"Zg== ",
		"Zg==\n",
		"Zm9v\nYmFy",
		"Zm 9",
		"Zm9-",
		"Zm9_",
		"Zm9*",
		"Zm9.",
		"Zm9@",
		"Zm9[",
		"Zm9`",
		"Zm9{",
		"Zm9\x80",
		"Zm9\xff",
		/* bits beyond the last byte */
		"Zh==",
		"Zn==",
		"Zo==",
		"Zm9=",
		"Zm+=",
		"//==",
		"///=",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		refuse(b64_decode, span_of(wrong[i]));
	refuse(b64_decode, SPAN_LIT("Zm9\0"));
}

static void refuses_what_is_not_exactly_url_safe(void **state)
{
	static const char *const wrong[] = {
		"Z",
		"Zg==",
		"Zm8=",
		"Zm9vY",
		"Zm9v=",
		"Zm9+",
		"Zm9/",
		"Zm9v Zg",
		"Zg\n",
		"Zh",
		"Zm9",
		"Zm8\xff",
		"__",
		"___",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		refuse(b64url_decode, span_of(wrong[i]));
}

static void no_foreign_character_passes_anywhere(void **state)
{
	static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 4; at++) {
			char text[4] = { 'A', 'A', 'A', 'A' };
			auto_buf struct buf out = BUF_MAX(8);
			text[at] = (char)c;
			bool foreign = !c || !strchr(standard, c);
			/* at the end it is padding, whose bits before are zero here */
			if (c == '=' && at == 3)
				foreign = false;
			assert_int_equal(b64_decode(span_new(text, 4), &out, NULL), foreign ? -1 : 0);
		}
	}
}

static void a_text_cut_anywhere_is_refused_or_shorter(void **state)
{
	static const char text[] = "Zm9vYmFyZm9vYmFyZm8=";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		auto_buf struct buf out = BUF_MAX(64);
		auto_free char *copy = xmemdup0(text, len);
		int status = b64_decode(span_new(copy, len), &out, NULL);
		assert_int_equal(status, len % 4 ? -1 : 0);
		assert_int_equal(out.len, len % 4 ? 0 : len / 4 * 3);
	}
}

static void keeps_the_ceiling(void **state)
{
	auto_buf struct buf out = BUF_MAX(3);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(b64_decode(SPAN_LIT("Zm9v"), &out, &err), 0);
	buf_reset(&out);
	assert_int_equal(b64_decode(SPAN_LIT("Zm9vYg=="), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(b64url_decode(SPAN_LIT("Zm9vYg"), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_false(out.over);
	b64_encode(&out, SPAN_LIT("f"));
	assert_true(out.over);
	assert_int_equal(out.len, 0);
}

static void appends_to_what_is_there(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);

	(void)state;
	buf_puts(&out, "data:");
	b64_encode(&out, SPAN_LIT("foo"));
	assert_string_equal(buf_text(&out), "data:Zm9v");
	assert_int_equal(b64_decode(SPAN_LIT("Zm8="), &out, NULL), 0);
	assert_string_equal(buf_text(&out), "data:Zm9vfo");
}

static void a_large_text_comes_back(void **state)
{
	size_t size = 256 * 1024 + 1;
	auto_free unsigned char *bytes = xmalloc(size);
	auto_buf struct buf text = BUF_MAX(512 * 1024), back = BUF_MAX(512 * 1024);

	(void)state;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 2654435761U >> 24);
	b64_encode(&text, span_new(bytes, size));
	assert_int_equal(b64_decode(buf_span(&text), &back, NULL), 0);
	assert_true(span_eq(buf_span(&back), span_new(bytes, size)));
}

static void the_raw_forms_fit_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		/* heap memory of just the promised size: the sanitizers watch its ends */
		auto_free char *text = malloc(b64_encoded_len(vectors[i].bytes.len) + 1);
		size_t room = b64_decoded_max(strlen(vectors[i].url)), len = 99;
		auto_free char *bytes = malloc(room ? room : 1);
		b64_encode_raw(text, vectors[i].bytes);
		assert_memory_equal(text, vectors[i].standard, strlen(vectors[i].standard));
		b64url_encode_raw(text, vectors[i].bytes);
		assert_int_equal(b64url_decode_raw(span_of(vectors[i].url), bytes, &len, NULL), 0);
		assert_int_equal(len, vectors[i].bytes.len);
		assert_int_equal(room, len);
		assert_true(span_eq(span_new(bytes, len), vectors[i].bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_the_vectors),
		cmocka_unit_test(decodes_the_vectors),
		cmocka_unit_test(every_byte_at_every_place_comes_back),
		cmocka_unit_test(refuses_what_is_not_exactly_standard),
		cmocka_unit_test(refuses_what_is_not_exactly_url_safe),
		cmocka_unit_test(no_foreign_character_passes_anywhere),
		cmocka_unit_test(a_text_cut_anywhere_is_refused_or_shorter),
		cmocka_unit_test(keeps_the_ceiling),
		cmocka_unit_test(appends_to_what_is_there),
		cmocka_unit_test(a_large_text_comes_back),
		cmocka_unit_test(the_raw_forms_fit_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
