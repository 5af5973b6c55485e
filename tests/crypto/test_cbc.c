/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts are those of: printf 'fifteen letters' | openssl enc -CIPHER -K KEY -iv IV, with the bytes 00, 01, 02, …
 * as key and initial vector.
 */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/cbc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	enum cbc_cipher cipher;
	size_t key_len, block;
	struct span text;
} cases[] = {
	{ CBC_AES, 16, 16, SPAN_LIT("\xd3\xf5\x65\xd9\x72\x77\x62\xf1\x82\xb5\x62\xdb\x16\xf0\xc0\x76") },
	{ CBC_AES, 24, 16, SPAN_LIT("\x03\x7f\x38\xe5\x9f\x9e\xc2\xd3\xbb\x4b\xd9\x5d\x31\xcf\x42\x4d") },
	{ CBC_AES, 32, 16, SPAN_LIT("\x01\x68\x55\xf0\x11\x2a\xca\x90\xc5\x40\x37\x26\x85\xbd\x7d\x72") },
	{ CBC_TRIPLE_DES, 24, 8,
			SPAN_LIT("\x1b\x3c\x2b\xcd\x3f\xf1\x9f\xd2\xf2\xa7\xd6\x03\x72\x97\xc0\x57") },
};

static void count_up(struct secret *key, size_t len)
{
	assert_int_equal(secret_alloc(key, len, NULL), 0);
	for (size_t i = 0; i < len; i++)
		key->ptr[i] = (unsigned char)i;
}

static const char iv[] = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";

static void opens_what_openssl_wrote(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_secret struct secret key = SECRET_NONE, out = SECRET_NONE;
		struct span start = span_new(iv, cases[i].block);
		struct err err = ERR_NONE;
		count_up(&key, cases[i].key_len);
		if (cbc_open(cases[i].cipher, &key, start, cases[i].text, &out, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_true(secret_is(&out, SPAN_LIT("fifteen letters")));
	}
}

static void a_wrong_padding_is_one_text(void **state)
{
	static const size_t lengths[] = { 0, 1, 15, 8, 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		auto_secret struct secret key = SECRET_NONE, out = SECRET_NONE;
		char text[16] = "";
		struct err err = ERR_NONE;
		count_up(&key, 16);
		memcpy(text, cases[0].text.ptr, 16);
		text[15] ^= 1;
		assert_int_equal(cbc_open(CBC_AES, &key, span_new(iv, 16), span_new(text, lengths[i]), &out,
						 &err),
				-1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_string_equal(err.text, "decryption failed");
		assert_int_equal(out.len, 0);
	}
}

static void lengths_have_to_fit(void **state)
{
	static const struct {
		enum cbc_cipher cipher;
		size_t key, iv;
	} wrong[] = { { CBC_AES, 15, 16 }, { CBC_AES, 16, 8 }, { CBC_TRIPLE_DES, 16, 8 },
		{ CBC_TRIPLE_DES, 24, 16 }, { CBC_AES, 0, 16 } };
	auto_secret struct secret out = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		auto_secret struct secret key = SECRET_NONE;
		count_up(&key, wrong[i].key);
		assert_int_equal(cbc_open(wrong[i].cipher, &key, span_new(iv, wrong[i].iv), cases[0].text,
						 &out, &err),
				-1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void the_text_has_a_bound(void **state)
{
	static char much[SECRET_MAX];
	auto_secret struct secret key = SECRET_NONE, out = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	count_up(&key, 16);
	assert_int_equal(cbc_open(CBC_AES, &key, span_new(iv, 16), span_new(much, sizeof(much)), &out, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_openssl_wrote),
		cmocka_unit_test(a_wrong_padding_is_one_text),
		cmocka_unit_test(lengths_have_to_fit),
		cmocka_unit_test(the_text_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
