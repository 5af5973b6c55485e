/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "crypto/aead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX      4096

static void unhex(const char *text, struct buf *out)
{
	assert_int_equal(hex_decode(span_of(text), out, NULL), 0);
}

static void secret_of(const char *text, struct secret *out)
{
	auto_buf struct buf bytes = BUF_MAX(MAX);

	unhex(text, &bytes);
	assert_int_equal(secret_from_span(out, buf_span(&bytes), NULL), 0);
}

/* ---- GCM: the test cases that were handed in with the mode, by number ---- */

#define GCM_PLAIN                                                                                 \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2" \
	"449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"

static const struct gcm_case {
	const char *name;
	const char *key, *nonce, *aad, *plain, *cipher, *tag;
} gcm_cases[] = {
	{ "1", "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
			"58e2fccefa7e3061367f1d57a4e7455a" },
	{ "2", "00000000000000000000000000000000", "000000000000000000000000", "",
			"00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78",
			"ab6e47d42cec13bdf53a67b21257bddf" },
	{ "4", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", GCM_AAD, GCM_PLAIN,
			"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f"
			"6a5aac84aa051ba30b396a0aac973d58e091",
			"5bc94fbc3221a5db94fae95ae7121a47" },
	{ "5, a nonce of 8 bytes", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbad", GCM_AAD, GCM_PLAIN,
			"61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b09"
			"7544d4896b424989b5e1ebac0f07c23f4598",
			"3612d2e79e3b0785561be14aaca2fccb" },
	{ "13", "0000000000000000000000000000000000000000000000000000000000000000",
			"000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
			"cafebabefacedbaddecaf888", GCM_AAD, GCM_PLAIN,
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b0"
			"8b1056828838c5f61e6393ba7a0abcc9f662",
			"76fc6ece0f4e1768cddf8853bb2d551b" },
};

struct gcm_bytes {
	struct secret key;
	struct buf nonce, aad, plain, cipher, tag;
};

static void gcm_load(const struct gcm_case *from, struct gcm_bytes *to)
{
	*to = (struct gcm_bytes){ .nonce = BUF_MAX(MAX),
		.aad = BUF_MAX(MAX),
		.plain = BUF_MAX(MAX),
		.cipher = BUF_MAX(MAX),
		.tag = BUF_MAX(MAX) };
	secret_of(from->key, &to->key);
	unhex(from->nonce, &to->nonce);
	unhex(from->aad, &to->aad);
	unhex(from->plain, &to->plain);
	unhex(from->cipher, &to->cipher);
	unhex(from->tag, &to->tag);
}

static void gcm_clear(struct gcm_bytes *bytes)
{
	secret_clear(&bytes->key);
	buf_clear(&bytes->nonce);
	buf_clear(&bytes->aad);
	buf_clear(&bytes->plain);
	buf_clear(&bytes->cipher);
	buf_clear(&bytes->tag);
}
#define auto_gcm __attribute__((cleanup(gcm_clear)))

static void gcm_gives_the_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(gcm_cases); i++) {
		auto_gcm struct gcm_bytes b;
		auto_buf struct buf out = BUF_MAX(MAX);
		auto_secret struct secret back = SECRET_NONE;
		unsigned char tag[AEAD_TAG_BYTES];
		gcm_load(&gcm_cases[i], &b);
		assert_int_equal(gcm_seal(&b.key, buf_span(&b.nonce), buf_span(&b.aad), buf_span(&b.plain),
						 &out, tag, NULL),
				0);
		if (!span_eq(buf_span(&out), buf_span(&b.cipher)) ||
				!span_eq(span_new(tag, sizeof(tag)), buf_span(&b.tag)))
			fail_msg("case %s", gcm_cases[i].name);
		assert_int_equal(gcm_open(&b.key, buf_span(&b.nonce), buf_span(&b.aad), buf_span(&out),
						 buf_span(&b.tag), &back, NULL),
				0);
		assert_true(secret_is(&back, buf_span(&b.plain)));
	}
}

static void a_tag_may_stand_behind_the_ciphertext(void **state)
{
	auto_gcm struct gcm_bytes b;
	auto_buf struct buf out = BUF_MAX(MAX);
	auto_secret struct secret back = SECRET_NONE;

	(void)state;
	gcm_load(&gcm_cases[2], &b);
	assert_int_equal(gcm_seal(&b.key, buf_span(&b.nonce), buf_span(&b.aad), buf_span(&b.plain), &out,
					 NULL, NULL),
			0);
	assert_int_equal(out.len, b.plain.len + AEAD_TAG_BYTES);
	assert_int_equal(gcm_open(&b.key, buf_span(&b.nonce), buf_span(&b.aad), buf_span(&out), SPAN_NONE,
					 &back, NULL),
			0);
	assert_true(secret_is(&back, buf_span(&b.plain)));
}

static void gcm_refuses_a_flip_of_any_bit(void **state)
{
	auto_gcm struct gcm_bytes b;
	auto_secret struct secret back = SECRET_NONE;

	(void)state;
	gcm_load(&gcm_cases[2], &b);
	struct buf *const parts[] = { &b.nonce, &b.aad, &b.cipher, &b.tag };
	for (size_t i = 0; i < COUNT(parts); i++)
		for (size_t bit = 0; bit < 8 * parts[i]->len; bit++) {
			struct err err = ERR_NONE;
			parts[i]->ptr[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(gcm_open(&b.key, buf_span(&b.nonce), buf_span(&b.aad),
							 buf_span(&b.cipher), buf_span(&b.tag), &back, &err),
					-1);
			assert_int_equal(err.kind, ERR_AUTH);
			assert_string_equal(err.text, "decryption failed");
			assert_null(back.ptr);
			parts[i]->ptr[bit / 8] ^= (char)(1 << bit % 8);
		}
}

static void gcm_refuses_tags_of_other_lengths(void **state)
{
	auto_gcm struct gcm_bytes b;
	auto_secret struct secret back = SECRET_NONE;

	(void)state;
	gcm_load(&gcm_cases[2], &b);
	for (size_t len = 1; len < AEAD_TAG_BYTES; len++) {
		struct err err = ERR_NONE;
		assert_int_equal(gcm_open(&b.key, buf_span(&b.nonce), buf_span(&b.aad), buf_span(&b.cipher),
						 span_new(b.tag.ptr, len), &back, &err),
				-1);
		assert_int_equal(err.kind, ERR_AUTH);
		/* too short to hold a tag at its end */
		assert_int_equal(gcm_open(&b.key, buf_span(&b.nonce), buf_span(&b.aad),
						 span_new(b.cipher.ptr, len), SPAN_NONE, &back, &err),
				-1);
		assert_int_equal(err.kind, ERR_AUTH);
	}
}

static void refuses_keys_and_nonces_of_other_lengths(void **state)
{
	static const struct {
		size_t key, nonce;
	} cases[] = { { 0, 12 }, { 15, 12 }, { 17, 12 }, { 33, 12 }, { 32, 0 }, { 32, 65 } };
	static const char zeros[80] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_secret struct secret key = SECRET_NONE, back = SECRET_NONE;
		auto_buf struct buf out = BUF_MAX(MAX);
		struct span nonce = span_new(zeros, cases[i].nonce);
		struct err err = ERR_NONE;
		assert_int_equal(secret_from_span(&key, span_new(zeros, cases[i].key), NULL), 0);
		assert_int_equal(gcm_seal(&key, nonce, SPAN_NONE, SPAN_LIT("x"), &out, NULL, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_int_equal(out.len, 0);
		assert_int_equal(
				gcm_open(&key, nonce, SPAN_NONE, span_new(zeros, 32), SPAN_NONE, &back, &err),
				-1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void sealing_respects_the_ceiling(void **state)
{
	auto_gcm struct gcm_bytes b;
	auto_buf struct buf out = BUF_MAX(20);
	struct err err = ERR_NONE;

	(void)state;
	gcm_load(&gcm_cases[2], &b);
	assert_int_equal(
			gcm_seal(&b.key, buf_span(&b.nonce), SPAN_NONE, buf_span(&b.plain), &out, NULL, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- CTR: SP 800-38A, F.5.5, and the counter that wraps ---- */

static void ctr_gives_the_known_answers(void **state)
{
	static const struct {
		const char *key, *nonce, *plain, *cipher;
	} cases[] = {
		{ "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
				"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "6bc1bee22e409f96e93d7e117393172a",
				"601ec313775789a5b7a7f504bbf3d228" },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
				"ffffffffffffffffffffffffffffffff",
				"6161616161616161616161616161616161616161616161616161616161616161616161616161"
				"6161",
				"88f8857c2dc611bb32e6701a3cee368f93f161d74b28feb1c892fb0bbc4f16e1913c17cf2bd8"
				"fe84" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_secret struct secret key = SECRET_NONE;
		auto_buf struct buf nonce = BUF_MAX(MAX), plain = BUF_MAX(MAX), cipher = BUF_MAX(MAX);
		secret_of(cases[i].key, &key);
		unhex(cases[i].nonce, &nonce);
		unhex(cases[i].plain, &plain);
		unhex(cases[i].cipher, &cipher);
		unsigned char *in_place = (unsigned char *)plain.ptr;
		assert_int_equal(ctr_xor(&key, buf_span(&nonce), buf_span(&plain), in_place, NULL), 0);
		assert_true(span_eq(buf_span(&plain), buf_span(&cipher)));
	}
}

static void ctr_refuses_keys_and_nonces_of_other_lengths(void **state)
{
	static const struct {
		size_t key, nonce;
	} cases[] = { { 16, 16 }, { 32, 12 }, { 32, 17 }, { 0, 0 } };
	static const char zeros[80] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_secret struct secret key = SECRET_NONE;
		unsigned char out[4];
		struct err err = ERR_NONE;
		assert_int_equal(secret_from_span(&key, span_new(zeros, cases[i].key), NULL), 0);
		assert_int_equal(ctr_xor(&key, span_new(zeros, cases[i].nonce), SPAN_LIT("four"), out, &err),
				-1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

/* ---- CBC with HMAC: RFC 7518, appendix B ---- */

#define CBC_PLAIN                                                                                           \
	"A cipher system must not be required to be secret, and it must be able to fall into the hands of " \
	"the enemy without inconvenience"
#define CBC_AAD "The second principle of Auguste Kerckhoffs"
#define CBC_IV  "1af38c2dc2b96ffdd86694092341bc04"

static const struct {
	size_t key_len; /* 00 01 02 … */
	const char *cipher, *tag;
} cbc_cases[] = {
	{ 32,
			"c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10"
			"f9aef71427e2fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314"
			"c54019e8ca7980dfa4b9cf1b384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427"
			"ade54b8851ffb598f7f80074b9473c82e2db",
			"652c3fa36b0a7c5b3219fab3a30bc1c4" },
	{ 48,
			"ea65da6b59e61edb419be62d19712ae5d303eeb50052d0dfd6697f77224c8edb000d279bdc14c1072654"
			"bd30944230c657bed4ca0c9f4a8466f22b226d1746214bf8cfc2400add9f5126e479663fc90b3bed787a"
			"2f0ffcbf3904be2a641d5c2105bfe591bae23b1d7449e532eef60a9ac8bb6c6b01d35d49787bcd57ef48"
			"4927f280adc91ac0c4e79c7b11efc60054e3",
			"8490ac0e58949bfe51875d733f93ac2075168039ccc733d7" },
	{ 64,
			"4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb5"
			"84ad3e9279c2e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5"
			"370dc80bfecbad28c73f09b3a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51"
			"950bbe2638d09dd7a4930930806d0703b1f6",
			"4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5" },
};

static void counted_key(size_t len, struct secret *out)
{
	assert_int_equal(secret_alloc(out, len, NULL), 0);
	for (size_t i = 0; i < len; i++)
		out->ptr[i] = (unsigned char)i;
}

static void cbc_hmac_gives_the_answers_of_rfc_7518(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cbc_cases); i++) {
		auto_secret struct secret key = SECRET_NONE, back = SECRET_NONE;
		auto_buf struct buf iv = BUF_MAX(MAX), cipher = BUF_MAX(MAX), tag = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		counted_key(cbc_cases[i].key_len, &key);
		unhex(CBC_IV, &iv);
		unhex(cbc_cases[i].cipher, &cipher);
		unhex(cbc_cases[i].tag, &tag);
		if (cbc_hmac_open(&key, buf_span(&iv), SPAN_LIT(CBC_AAD), buf_span(&cipher), buf_span(&tag),
				    &back, &err) < 0)
			fail_msg("%zu: %s", i, err.text);
		assert_true(secret_is(&back, SPAN_LIT(CBC_PLAIN)));
	}
}

static void cbc_hmac_refuses_a_flip_of_any_byte_and_every_cut(void **state)
{
	auto_secret struct secret key = SECRET_NONE, back = SECRET_NONE;
	auto_buf struct buf iv = BUF_MAX(MAX), cipher = BUF_MAX(MAX), tag = BUF_MAX(MAX);

	(void)state;
	counted_key(cbc_cases[0].key_len, &key);
	unhex(CBC_IV, &iv);
	unhex(cbc_cases[0].cipher, &cipher);
	unhex(cbc_cases[0].tag, &tag);
	struct buf *const parts[] = { &iv, &cipher, &tag };
	for (size_t i = 0; i < COUNT(parts); i++)
		for (size_t at = 0; at < parts[i]->len; at++) {
			struct err err = ERR_NONE;
			parts[i]->ptr[at] ^= 4;
			assert_int_equal(cbc_hmac_open(&key, buf_span(&iv), SPAN_LIT(CBC_AAD),
							 buf_span(&cipher), buf_span(&tag), &back, &err),
					-1);
			assert_string_equal(err.text, "decryption failed");
			parts[i]->ptr[at] ^= 4;
		}
	for (size_t len = 0; len < cipher.len; len++)
		assert_int_equal(cbc_hmac_open(&key, buf_span(&iv), SPAN_LIT(CBC_AAD),
						 span_new(cipher.ptr, len), buf_span(&tag), &back, NULL),
				-1);
	for (size_t len = 0; len < tag.len; len++)
		assert_int_equal(cbc_hmac_open(&key, buf_span(&iv), SPAN_LIT(CBC_AAD), buf_span(&cipher),
						 span_new(tag.ptr, len), &back, NULL),
				-1);
}

static void cbc_hmac_refuses_other_keys_and_ivs(void **state)
{
	static const struct {
		size_t key, iv;
	} cases[] = { { 16, 16 }, { 31, 16 }, { 128, 16 }, { 32, 12 }, { 32, 0 } };
	static const char zeros[128] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_secret struct secret key = SECRET_NONE, back = SECRET_NONE;
		struct err err = ERR_NONE;
		counted_key(cases[i].key, &key);
		assert_int_equal(cbc_hmac_open(&key, span_new(zeros, cases[i].iv), SPAN_NONE,
						 span_new(zeros, 16), span_new(zeros, 16), &back, &err),
				-1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

/* ---- key wrap: RFC 3394, section 4 ---- */

static void keywrap_gives_the_answers_of_rfc_3394(void **state)
{
	static const struct {
		size_t kek_len; /* 00 01 02 … */
		const char *key, *wrapped;
	} cases[] = {
		{ 16, "00112233445566778899aabbccddeeff",
				"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5" },
		{ 24, "00112233445566778899aabbccddeeff",
				"96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d" },
		{ 32, "00112233445566778899aabbccddeeff",
				"64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7" },
		{ 32, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
				"28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02"
				"dd21" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_secret struct secret kek = SECRET_NONE, key = SECRET_NONE, back = SECRET_NONE;
		auto_buf struct buf wrapped = BUF_MAX(MAX), out = BUF_MAX(MAX);
		counted_key(cases[i].kek_len, &kek);
		secret_of(cases[i].key, &key);
		unhex(cases[i].wrapped, &wrapped);
		assert_int_equal(keywrap_seal(&kek, &key, &out, NULL), 0);
		assert_true(span_eq(buf_span(&out), buf_span(&wrapped)));
		assert_int_equal(keywrap_open(&kek, buf_span(&wrapped), &back, NULL), 0);
		assert_true(secret_is(&back, secret_span(&key)));
	}
}

static void keywrap_refuses_flips_and_cuts_alike(void **state)
{
	auto_secret struct secret kek = SECRET_NONE, key = SECRET_NONE, back = SECRET_NONE;
	auto_buf struct buf wrapped = BUF_MAX(MAX);

	(void)state;
	counted_key(32, &kek);
	counted_key(48, &key);
	assert_int_equal(keywrap_seal(&kek, &key, &wrapped, NULL), 0);
	for (size_t bit = 0; bit < 8 * wrapped.len; bit++) {
		struct err err = ERR_NONE;
		wrapped.ptr[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(keywrap_open(&kek, buf_span(&wrapped), &back, &err), -1);
		assert_string_equal(err.text, "decryption failed");
		wrapped.ptr[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < wrapped.len; len++) {
		struct err err = ERR_NONE;
		assert_int_equal(keywrap_open(&kek, span_new(wrapped.ptr, len), &back, &err), -1);
		assert_string_equal(err.text, "decryption failed");
	}
}

static void keywrap_refuses_lengths_that_cannot_be(void **state)
{
	static const struct {
		size_t kek, key;
	} cases[] = { { 0, 16 }, { 15, 16 }, { 33, 16 }, { 16, 0 }, { 16, 8 }, { 16, 20 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_secret struct secret kek = SECRET_NONE, key = SECRET_NONE;
		auto_buf struct buf out = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		counted_key(cases[i].kek, &kek);
		counted_key(cases[i].key, &key);
		assert_int_equal(keywrap_seal(&kek, &key, &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gcm_gives_the_known_answers),
		cmocka_unit_test(a_tag_may_stand_behind_the_ciphertext),
		cmocka_unit_test(gcm_refuses_a_flip_of_any_bit),
		cmocka_unit_test(gcm_refuses_tags_of_other_lengths),
		cmocka_unit_test(refuses_keys_and_nonces_of_other_lengths),
		cmocka_unit_test(sealing_respects_the_ceiling),
		cmocka_unit_test(ctr_gives_the_known_answers),
		cmocka_unit_test(ctr_refuses_keys_and_nonces_of_other_lengths),
		cmocka_unit_test(cbc_hmac_gives_the_answers_of_rfc_7518),
		cmocka_unit_test(cbc_hmac_refuses_a_flip_of_any_byte_and_every_cut),
		cmocka_unit_test(cbc_hmac_refuses_other_keys_and_ivs),
		cmocka_unit_test(keywrap_gives_the_answers_of_rfc_3394),
		cmocka_unit_test(keywrap_refuses_flips_and_cuts_alike),
		cmocka_unit_test(keywrap_refuses_lengths_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
