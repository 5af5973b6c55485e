/* SPDX-License-Identifier: Apache-2.0 */
/* Deterministic signatures. The vectors are those of RFC 6979, A.2.5 to A.2.7, with the hash that JOSE gives the curve. */
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX      4096

static const char d256[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char d384[] = "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
			   "96d5724e4c70a825f872c9ea60d2edf5";
static const char d521[] = "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75"
			   "caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b8"
			   "3538";

static const struct vector {
	const char *name;
	enum pkey_kind kind;
	const char *d, *message, *r, *s;
} vectors[] = {
	{ "A.2.5 with SHA-256, sample", PKEY_P256, d256, "sample",
			"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
			"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ "A.2.5 with SHA-256, test", PKEY_P256, d256, "test",
			"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
			"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
	{ "A.2.6 with SHA-384, sample", PKEY_P384, d384, "sample",
			"94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
			"81a648152e44acf96e36dd1e80fabe46",
			"99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
			"a329c145786e679e7b82c71a38628ac8" },
	{ "A.2.6 with SHA-384, test", PKEY_P384, d384, "test",
			"8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb"
			"0542a7f0812998da8f1dd3ca3cf023db",
			"ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e0"
			"6a739f040649a667bf3b828246baa5a5" },
	{ "A.2.7 with SHA-512, sample", PKEY_P521, d521, "sample",
			"00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f"
			"174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e3"
			"77fa",
			"00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af"
			"282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4"
			"a67a" },
	{ "A.2.7 with SHA-512, test", PKEY_P521, d521, "test",
			"013e99020abf5cee7525d16b69b229652ab6bdf2affcaef38773b4b7d08725f1"
			"0cdb93482fdcc54edcee91eca4166b2a7c6265ef0ce2bd7051b7cef945babd47"
			"ee6d",
			"01fbd0013c674aa79cb39849527916ce301c66ea7ce8b80682786ad60f98f7e7"
			"8a19ca69eff5c57400e3b3a0ad66ce0978214d13baf4e9ac60752f7b155e2de4"
			"dce3" },
};

/* The key whose private number this is; its point is computed by OpenSSL. */
static struct pkey *key_of(enum pkey_kind kind, const char *d_hex)
{
	static const int curves[] = {
		[PKEY_P256] = NID_X9_62_prime256v1, [PKEY_P384] = NID_secp384r1, [PKEY_P521] = NID_secp521r1
	};
	auto_buf struct buf d = BUF_MAX(MAX), x = BUF_MAX(MAX), y = BUF_MAX(MAX);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curves[kind]);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *number = NULL, *bx = BN_new(), *by = BN_new();
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(hex_decode(span_of(d_hex), &d, NULL), 0);
	number = BN_bin2bn((unsigned char *)d.ptr, (int)d.len, NULL);
	assert_int_equal(EC_POINT_mul(group, point, number, NULL, NULL, NULL), 1);
	assert_int_equal(EC_POINT_get_affine_coordinates(group, point, bx, by, NULL), 1);
	assert_true(BN_bn2binpad(bx, (unsigned char *)buf_room(&x, d.len), (int)d.len) > 0);
	assert_true(BN_bn2binpad(by, (unsigned char *)buf_room(&y, d.len), (int)d.len) > 0);
	buf_grew(&x, d.len);
	buf_grew(&y, d.len);
	const struct pkey_numbers numbers = {
		.kind = kind, .x = buf_span(&x), .y = buf_span(&y), .d = buf_span(&d)
	};
	if (pkey_from_numbers(&numbers, &key, &err) < 0)
		fail_msg("%s", err.text);
	BN_free(number);
	BN_free(bx);
	BN_free(by);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return key;
}

static void signs_as_rfc_6979_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		auto_pkey struct pkey *key = key_of(vectors[i].kind, vectors[i].d);
		auto_buf struct buf sig = BUF_MAX(MAX), wanted = BUF_MAX(MAX);
		assert_int_equal(pkey_sign(key, span_of(vectors[i].message), &sig, NULL), 0);
		assert_int_equal(hex_decode(span_of(vectors[i].r), &wanted, NULL), 0);
		assert_int_equal(hex_decode(span_of(vectors[i].s), &wanted, NULL), 0);
		if (!span_eq(buf_span(&sig), buf_span(&wanted)))
			fail_msg("%s", vectors[i].name);
		assert_int_equal(pkey_verify(key, span_of(vectors[i].message), buf_span(&sig), NULL), 0);
	}
}

/* The smallest and the largest private number that there are, and one with leading zeros. */
static void signs_with_numbers_at_the_edges(void **state)
{
	static const struct {
		enum pkey_kind kind;
		const char *d;
	} cases[] = {
		{ PKEY_P256, "0000000000000000000000000000000000000000000000000000000000000001" },
		{ PKEY_P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550" },
		{ PKEY_P256, "00000000000000000000000000000000ffffffffffffffffffffffffffffffff" },
		{ PKEY_P384,
				"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
				"581a0db248b0a77aecec196accc52972" },
		{ PKEY_P521,
				"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
				"fffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e9138"
				"6408" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_pkey struct pkey *key = key_of(cases[i].kind, cases[i].d);
		auto_buf struct buf one = BUF_MAX(MAX), two = BUF_MAX(MAX);
		assert_int_equal(pkey_sign(key, SPAN_LIT("message"), &one, NULL), 0);
		assert_int_equal(pkey_sign(key, SPAN_LIT("message"), &two, NULL), 0);
		assert_true(span_eq(buf_span(&one), buf_span(&two)));
		assert_int_equal(pkey_verify(key, SPAN_LIT("message"), buf_span(&one), NULL), 0);
	}
}

/* Each curve signs many messages of many lengths, all verify, and no nonce comes twice: r tells. */
static void many_messages_have_many_nonces(void **state)
{
	static const enum pkey_kind kinds[] = { PKEY_P256, PKEY_P384, PKEY_P521 };
	char message[200], seen[64][PKEY_COORDINATE_MAX];

	(void)state;
	memset(message, 'm', sizeof(message));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		auto_pkey struct pkey *key = NULL;
		assert_int_equal(pkey_generate(kinds[i], 0, &key, NULL), 0);
		for (size_t n = 0; n < COUNT(seen); n++) {
			auto_buf struct buf sig = BUF_MAX(MAX);
			struct span text = span_new(message, n * 3);
			assert_int_equal(pkey_sign(key, text, &sig, NULL), 0);
			assert_int_equal(pkey_verify(key, text, buf_span(&sig), NULL), 0);
			memcpy(seen[n], sig.ptr, sig.len / 2);
			for (size_t before = 0; before < n; before++)
				assert_memory_not_equal(seen[before], seen[n], sig.len / 2);
		}
	}
}

/* ---- what verifies ---- */

static const char order256[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void either_s_of_a_pair_verifies(void **state)
{
	auto_pkey struct pkey *key = key_of(PKEY_P256, d256);
	auto_buf struct buf sig = BUF_MAX(MAX);
	BIGNUM *order = NULL;

	(void)state;
	assert_true(BN_hex2bn(&order, order256) > 0);
	assert_int_equal(pkey_sign(key, SPAN_LIT("sample"), &sig, NULL), 0);
	unsigned char *half = (unsigned char *)sig.ptr + 32;
	BIGNUM *s = BN_bin2bn(half, 32, NULL);
	assert_int_equal(BN_sub(s, order, s), 1);
	assert_true(BN_bn2binpad(s, half, 32) > 0);
	assert_int_equal(pkey_verify(key, SPAN_LIT("sample"), buf_span(&sig), NULL), 0);
	BN_free(s);
	BN_free(order);
}

static void numbers_out_of_range_do_not_verify(void **state)
{
	static const char zero[65] = "0000000000000000000000000000000000000000000000000000000000000000";
	static const char more[65] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552";
	static const char most[65] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
	static const char *const numbers[] = { zero, order256, more, most };
	auto_pkey struct pkey *key = key_of(PKEY_P256, d256);
	auto_buf struct buf good = BUF_MAX(MAX);

	(void)state;
	assert_int_equal(pkey_sign(key, SPAN_LIT("sample"), &good, NULL), 0);
	for (size_t i = 0; i < COUNT(numbers) * 3; i++) {
		auto_buf struct buf number = BUF_MAX(MAX), sig = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		assert_int_equal(hex_decode(span_of(numbers[i / 3]), &number, NULL), 0);
		buf_add_span(&sig, i % 3 == 1 ? span_new(good.ptr, 32) : buf_span(&number));
		buf_add_span(&sig, i % 3 == 0 ? span_new(good.ptr + 32, 32) : buf_span(&number));
		assert_int_equal(pkey_verify(key, SPAN_LIT("sample"), buf_span(&sig), &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
	}
}

/* ---- RSA and PKCS#1, of which pkey has the writers ---- */

static void rsa_signs_in_both_ways_and_neither_is_the_other(void **state)
{
	auto_pkey struct pkey *key = NULL, *other = NULL, *ec = NULL;

	(void)state;
	assert_int_equal(pkey_generate(PKEY_RSA, 2048, &key, NULL), 0);
	assert_int_equal(pkey_generate(PKEY_RSA, 2048, &other, NULL), 0);
	assert_int_equal(pkey_generate(PKEY_P256, 0, &ec, NULL), 0);
	for (int pss = 0; pss < 2; pss++) {
		auto_buf struct buf sig = BUF_MAX(MAX), twice = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		assert_int_equal(pkey_rsa_sign(key, pss, SPAN_LIT("message"), &sig, NULL), 0);
		assert_int_equal(pkey_rsa_sign(key, pss, SPAN_LIT("message"), &twice, NULL), 0);
		assert_int_equal(span_eq(buf_span(&sig), buf_span(&twice)), !pss);
		assert_int_equal(pkey_rsa_verify(key, pss, SPAN_LIT("message"), buf_span(&sig), NULL), 0);
		assert_int_equal(pkey_rsa_verify(key, !pss, SPAN_LIT("message"), buf_span(&sig), &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_int_equal(pkey_rsa_verify(other, pss, SPAN_LIT("message"), buf_span(&sig), NULL), -1);
		assert_int_equal(pkey_rsa_verify(key, pss, SPAN_LIT("other"), buf_span(&sig), NULL), -1);
		for (size_t len = 0; len < sig.len; len += 51)
			assert_int_equal(pkey_rsa_verify(key, pss, SPAN_LIT("message"),
							 span_new(sig.ptr, len), NULL),
					-1);
		assert_int_equal(pkey_rsa_sign(ec, pss, SPAN_LIT("message"), &sig, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_int_equal(pkey_rsa_verify(ec, pss, SPAN_LIT("message"), buf_span(&sig), &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void an_rsa_key_leaves_in_pkcs1_and_comes_back(void **state)
{
	auto_pkey struct pkey *key = NULL, *back = NULL, *ec = NULL;
	auto_secret struct secret text = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(pkey_generate(PKEY_RSA, 2048, &key, NULL), 0);
	assert_int_equal(pkey_format_pkcs1(key, &text, NULL), 0);
	assert_true(span_starts(secret_span(&text), "-----BEGIN RSA PRIVATE KEY-----\n"));
	assert_true(span_ends(secret_span(&text), "-----END RSA PRIVATE KEY-----\n"));
	assert_int_equal(pkey_parse(secret_span(&text), NULL, &back, NULL), 0);
	assert_true(pkey_is_private(back) && pkey_is_same(key, back));
	assert_int_equal(pkey_generate(PKEY_P256, 0, &ec, NULL), 0);
	assert_int_equal(pkey_format_pkcs1(ec, &text, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_rfc_6979_does),
		cmocka_unit_test(signs_with_numbers_at_the_edges),
		cmocka_unit_test(many_messages_have_many_nonces),
		cmocka_unit_test(either_s_of_a_pair_verifies),
		cmocka_unit_test(numbers_out_of_range_do_not_verify),
		cmocka_unit_test(rsa_signs_in_both_ways_and_neither_is_the_other),
		cmocka_unit_test(an_rsa_key_leaves_in_pkcs1_and_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
