/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption, agreement, signatures and numbers. What the openssl command sealed is in tests/vectors/crypto/keys. */
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/pkey.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VECTORS  "tests/vectors/crypto/keys/"
#define MESSAGE  "0123456789abcdef0123456789abcdef"
#define MAX      4096

static void load(const char *name, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), VECTORS "%s", name);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static struct pkey *key_of(const char *name)
{
	auto_buf struct buf text = BUF_MAX(SECRET_MAX);
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	load(name, &text);
	if (pkey_parse(buf_span(&text), NULL, &key, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return key;
}

/* ---- OAEP ---- */

static void oaep_opens_what_openssl_sealed_and_its_own(void **state)
{
	auto_pkey struct pkey *key = key_of("rsa.pem"), *public = key_of("rsa-public.pem");

	(void)state;
	for (int sha1 = 0; sha1 < 2; sha1++) {
		auto_buf struct buf theirs = BUF_MAX(MAX), ours = BUF_MAX(MAX);
		auto_secret struct secret plain = SECRET_NONE;
		struct err err = ERR_NONE;
		load(sha1 ? "sealed-oaep-sha1" : "sealed-oaep-sha256", &theirs);
		assert_int_equal(pkey_oaep_decrypt(key, sha1, buf_span(&theirs), &plain, &err), 0);
		assert_true(secret_is(&plain, SPAN_LIT(MESSAGE)));
		assert_int_equal(pkey_oaep_encrypt(public, sha1, SPAN_LIT(MESSAGE), &ours, &err), 0);
		assert_int_equal(pkey_oaep_decrypt(key, sha1, buf_span(&ours), &plain, &err), 0);
		assert_true(secret_is(&plain, SPAN_LIT(MESSAGE)));
		/* the other hash is the wrong one */
		assert_int_equal(pkey_oaep_decrypt(key, !sha1, buf_span(&ours), &plain, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_string_equal(err.text, "decryption failed");
	}
}

static void oaep_takes_what_fits_and_no_more(void **state)
{
	auto_pkey struct pkey *key = key_of("rsa.pem");
	static const char plain[256] = { 0 };

	(void)state;
	for (int sha1 = 0; sha1 < 2; sha1++) {
		size_t most = sha1 ? 214 : 190;
		auto_buf struct buf out = BUF_MAX(MAX);
		auto_secret struct secret back = SECRET_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(pkey_oaep_encrypt(key, sha1, span_new(plain, most), &out, &err), 0);
		assert_int_equal(pkey_oaep_decrypt(key, sha1, buf_span(&out), &back, &err), 0);
		assert_int_equal(back.len, most);
		assert_int_equal(pkey_oaep_encrypt(key, sha1, span_new(plain, most + 1), &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void oaep_fails_in_one_way(void **state)
{
	auto_pkey struct pkey *key = key_of("rsa.pem"), *other = NULL;
	auto_buf struct buf sealed = BUF_MAX(MAX);
	auto_secret struct secret plain = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	load("sealed-oaep-sha256", &sealed);
	assert_int_equal(pkey_generate(PKEY_RSA, 2048, &other, &err), 0);
	assert_int_equal(pkey_oaep_decrypt(other, false, buf_span(&sealed), &plain, &err), -1);
	assert_string_equal(err.text, "decryption failed");
	for (size_t at = 0; at < sealed.len; at += 5) {
		sealed.ptr[at] ^= 1;
		assert_int_equal(pkey_oaep_decrypt(key, false, buf_span(&sealed), &plain, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_string_equal(err.text, "decryption failed");
		sealed.ptr[at] ^= 1;
	}
	for (size_t len = 0; len < sealed.len; len += 15) {
		assert_int_equal(pkey_oaep_decrypt(key, false, span_new(sealed.ptr, len), &plain, &err), -1);
		assert_string_equal(err.text, "decryption failed");
	}
}

/* ---- PKCS#1 v1.5 ---- */

static void pkcs1_opens_what_openssl_sealed_and_its_own(void **state)
{
	auto_pkey struct pkey *key = key_of("rsa.pem");
	auto_buf struct buf theirs = BUF_MAX(MAX), ours = BUF_MAX(MAX);
	auto_secret struct secret plain = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	load("sealed-pkcs1", &theirs);
	assert_int_equal(pkey_pkcs1_decrypt(key, buf_span(&theirs), 32, &plain, &err), 0);
	assert_true(secret_is(&plain, SPAN_LIT(MESSAGE)));
	assert_int_equal(pkey_pkcs1_encrypt(key, SPAN_LIT(MESSAGE), &ours, &err), 0);
	assert_int_equal(pkey_pkcs1_decrypt(key, buf_span(&ours), 32, &plain, &err), 0);
	assert_true(secret_is(&plain, SPAN_LIT(MESSAGE)));
}

/* The block as it is, without any padding, under the public key. */
static void seal_block(
		const struct pkey *key, const unsigned char block[static 256], unsigned char out[static 256])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey_evp(key), NULL);
	size_t len = 256;

	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, block, 256), 1);
	EVP_PKEY_CTX_free(ctx);
}

static void good_block(unsigned char block[static 256])
{
	memset(block, 0x5a, 256);
	block[0] = 0;
	block[1] = 2;
	block[223] = 0;
	memcpy(block + 224, MESSAGE, 32);
}

static void pkcs1_gives_random_bytes_for_a_wrong_padding(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		unsigned char byte;
	} cases[] = {
		{ "begins with another byte", 0, 1 },
		{ "is of block type 1", 1, 1 },
		{ "is of block type 0", 1, 0 },
		{ "ends at once", 2, 0 },
		{ "ends after eight bytes", 10, 0 },
		{ "is a byte too short: the plaintext is longer", 222, 0 },
		{ "does not end", 223, 0x5a },
	};
	auto_pkey struct pkey *key = key_of("rsa.pem");
	unsigned char block[256], sealed[256];
	auto_secret struct secret one = SECRET_NONE, two = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	good_block(block);
	seal_block(key, block, sealed);
	assert_int_equal(pkey_pkcs1_decrypt(key, span_new(sealed, 256), 32, &one, &err), 0);
	assert_true(secret_is(&one, SPAN_LIT(MESSAGE)));
	for (size_t i = 0; i < COUNT(cases); i++) {
		good_block(block);
		block[cases[i].at] = cases[i].byte;
		seal_block(key, block, sealed);
		assert_int_equal(pkey_pkcs1_decrypt(key, span_new(sealed, 256), 32, &one, &err), 0);
		assert_int_equal(pkey_pkcs1_decrypt(key, span_new(sealed, 256), 32, &two, &err), 0);
		if (one.len != 32 || secret_is(&one, SPAN_LIT(MESSAGE)) || secret_is(&one, secret_span(&two)))
			fail_msg("a padding that %s", cases[i].name);
	}
}

static void pkcs1_knows_the_length_that_it_must_find(void **state)
{
	static const size_t other[] = { 0, 16, 24, 31, 33, 245 };
	auto_pkey struct pkey *key = key_of("rsa.pem");
	auto_buf struct buf sealed = BUF_MAX(MAX);
	struct err err = ERR_NONE;

	(void)state;
	load("sealed-pkcs1", &sealed);
	for (size_t i = 0; i < COUNT(other); i++) {
		auto_secret struct secret one = SECRET_NONE, two = SECRET_NONE;
		assert_int_equal(pkey_pkcs1_decrypt(key, buf_span(&sealed), other[i], &one, &err), 0);
		assert_int_equal(pkey_pkcs1_decrypt(key, buf_span(&sealed), other[i], &two, &err), 0);
		assert_int_equal(one.len, other[i]);
		assert_true(!other[i] || !secret_is(&one, secret_span(&two)));
	}
	auto_secret struct secret out = SECRET_NONE;
	assert_int_equal(pkey_pkcs1_decrypt(key, buf_span(&sealed), 246, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(pkey_pkcs1_decrypt(key, span_new(sealed.ptr, 255), 32, &out, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	/* beyond every modulus of this size */
	memset(sealed.ptr, 0xff, sealed.len);
	assert_int_equal(pkey_pkcs1_decrypt(key, buf_span(&sealed), 32, &out, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
}

/* ---- agreement ---- */

static struct pkey *key_of_numbers(enum pkey_kind kind, const char *x, const char *y, const char *d)
{
	struct buf bytes[3] = { BUF_MAX(MAX), BUF_MAX(MAX), BUF_MAX(MAX) };
	const char *const texts[] = { x, y, d };
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(b64url_decode(span_of(texts[i]), &bytes[i], NULL), 0);
	const struct pkey_numbers numbers = {
		.kind = kind, .x = buf_span(&bytes[0]), .y = buf_span(&bytes[1]), .d = buf_span(&bytes[2])
	};
	if (pkey_from_numbers(&numbers, &key, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 3; i++)
		buf_clear(&bytes[i]);
	return key;
}

/* RFC 7518, appendix C */
static void agrees_on_the_secret_of_rfc_7518(void **state)
{
	static const unsigned char z[] = { 158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132,
		38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196 };
	auto_pkey struct pkey *alice =
			key_of_numbers(PKEY_P256, "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
					"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
					"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
	auto_pkey struct pkey *bob = key_of_numbers(PKEY_P256, "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
			"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
			"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
	auto_secret struct secret one = SECRET_NONE, two = SECRET_NONE;

	(void)state;
	assert_int_equal(pkey_agree(alice, bob, &one, NULL), 0);
	assert_int_equal(pkey_agree(bob, alice, &two, NULL), 0);
	assert_true(secret_is(&one, span_new(z, sizeof(z))));
	assert_true(secret_is(&two, span_new(z, sizeof(z))));
}

static void a_secret_is_as_long_as_the_curve_also_with_leading_zeros(void **state)
{
	auto_pkey struct pkey *own = key_of("p521.pem");

	(void)state;
	/* on P-521 the first byte is 0 or 1, so that half of the secrets begin with one */
	for (int i = 0; i < 8; i++) {
		auto_pkey struct pkey *peer = NULL;
		auto_secret struct secret z = SECRET_NONE;
		assert_int_equal(pkey_generate(PKEY_P521, 0, &peer, NULL), 0);
		assert_int_equal(pkey_agree(own, peer, &z, NULL), 0);
		assert_int_equal(z.len, PKEY_COORDINATE_MAX);
	}
}

static void operations_refuse_keys_that_cannot(void **state)
{
	auto_pkey struct pkey *rsa = key_of("rsa.pem"), *ed = key_of("ed25519.pem"),
			      *p256 = key_of("p256.pem");
	auto_pkey struct pkey *p384 = key_of("p384.pem"), *open_rsa = key_of("rsa-public.pem");
	auto_pkey struct pkey *open_p256 = key_of("p256-public.pem");
	auto_buf struct buf out = BUF_MAX(MAX);
	auto_secret struct secret secret = SECRET_NONE;
	struct err err[11] = { ERR_NONE };

	(void)state;
	assert_int_equal(pkey_agree(rsa, rsa, &secret, &err[0]), -1);
	assert_int_equal(pkey_agree(ed, ed, &secret, &err[1]), -1);
	assert_int_equal(pkey_agree(p256, p384, &secret, &err[2]), -1);
	assert_int_equal(pkey_agree(open_p256, p256, &secret, &err[3]), -1);
	assert_int_equal(pkey_oaep_encrypt(p256, false, SPAN_LIT("x"), &out, &err[4]), -1);
	assert_int_equal(pkey_oaep_decrypt(open_rsa, false, SPAN_LIT("x"), &secret, &err[5]), -1);
	assert_int_equal(pkey_pkcs1_encrypt(ed, SPAN_LIT("x"), &out, &err[6]), -1);
	assert_int_equal(pkey_pkcs1_decrypt(open_rsa, SPAN_LIT("x"), 1, &secret, &err[7]), -1);
	assert_int_equal(pkey_sign(rsa, SPAN_LIT("x"), &out, &err[8]), -1);
	assert_int_equal(pkey_sign(open_p256, SPAN_LIT("x"), &out, &err[9]), -1);
	assert_int_equal(pkey_verify(rsa, SPAN_LIT("x"), SPAN_LIT("x"), &err[10]), -1);
	for (size_t i = 0; i < COUNT(err); i++)
		assert_int_equal(err[i].kind, ERR_USAGE);
	assert_int_equal(out.len, 0);
}

/* ---- signatures ---- */

static void signatures_verify_and_nothing_else_does(void **state)
{
	static const struct {
		const char *name;
		size_t len;
	} cases[] = { { "p256.pem", 64 }, { "p384.pem", 96 }, { "p521.pem", 132 }, { "ed25519.pem", 64 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_pkey struct pkey *key = key_of(cases[i].name), *other = NULL;
		auto_buf struct buf sig = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		assert_int_equal(pkey_generate(pkey_kind(key), 0, &other, &err), 0);
		assert_int_equal(pkey_sign(key, SPAN_LIT(MESSAGE), &sig, &err), 0);
		assert_int_equal(sig.len, cases[i].len);
		assert_int_equal(pkey_verify(key, SPAN_LIT(MESSAGE), buf_span(&sig), &err), 0);
		assert_int_equal(pkey_verify(key, SPAN_LIT("another"), buf_span(&sig), &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_int_equal(pkey_verify(other, SPAN_LIT(MESSAGE), buf_span(&sig), &err), -1);
		for (size_t at = 0; at < sig.len; at++) {
			sig.ptr[at] ^= 8;
			assert_int_equal(pkey_verify(key, SPAN_LIT(MESSAGE), buf_span(&sig), &err), -1);
			assert_string_equal(err.text, "the signature is wrong");
			sig.ptr[at] ^= 8;
		}
		for (size_t len = 0; len < sig.len; len++)
			assert_int_equal(pkey_verify(key, SPAN_LIT(MESSAGE), span_new(sig.ptr, len), NULL),
					-1);
		memset(sig.ptr, 0, sig.len);
		assert_int_equal(pkey_verify(key, SPAN_LIT(MESSAGE), buf_span(&sig), NULL), -1);
		memset(sig.ptr, 0xff, sig.len);
		assert_int_equal(pkey_verify(key, SPAN_LIT(MESSAGE), buf_span(&sig), NULL), -1);
	}
}

static void signs_nothing_as_well(void **state)
{
	static const char *const names[] = { "p256.pem", "ed25519.pem" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		auto_pkey struct pkey *key = key_of(names[i]);
		auto_buf struct buf sig = BUF_MAX(MAX);
		assert_int_equal(pkey_sign(key, SPAN_NONE, &sig, NULL), 0);
		assert_int_equal(pkey_verify(key, SPAN_NONE, buf_span(&sig), NULL), 0);
	}
}

/* ---- numbers ---- */

static void numbers_make_the_same_key(void **state)
{
	static const char *const names[] = { "rsa.pem", "p256.pem", "p384.pem", "p521.pem", "ed25519.pem" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		auto_pkey struct pkey *key = key_of(names[i]), *made = NULL;
		auto_buf struct buf first = BUF_MAX(MAX), second = BUF_MAX(MAX);
		struct err err = ERR_NONE;
		assert_int_equal(pkey_public_numbers(key, &first, &second, &err), 0);
		struct pkey_numbers numbers = { .kind = pkey_kind(key),
			.n = buf_span(&first),
			.e = buf_span(&second),
			.x = buf_span(&first),
			.y = buf_span(&second) };
		if (pkey_from_numbers(&numbers, &made, &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		assert_true(pkey_is_same(key, made));
		assert_false(pkey_is_private(made));
	}
}

static void refuses_points_that_are_on_no_curve(void **state)
{
	auto_pkey struct pkey *key = key_of("p256.pem"), *other = key_of("p384.pem");
	auto_buf struct buf x = BUF_MAX(MAX), y = BUF_MAX(MAX), x384 = BUF_MAX(MAX), y384 = BUF_MAX(MAX);
	static const char zeros[66] = { 0 }, ones[1] = { 1 };

	(void)state;
	assert_int_equal(pkey_public_numbers(key, &x, &y, NULL), 0);
	assert_int_equal(pkey_public_numbers(other, &x384, &y384, NULL), 0);
	const struct {
		const char *name;
		struct pkey_numbers numbers;
	} cases[] = {
		{ "x and y exchanged", { .kind = PKEY_P256, .x = buf_span(&y), .y = buf_span(&x) } },
		{ "another curve's", { .kind = PKEY_P256, .x = buf_span(&x384), .y = buf_span(&y384) } },
		{ "on a larger curve", { .kind = PKEY_P384, .x = buf_span(&x), .y = buf_span(&y) } },
		{ "zero", { .kind = PKEY_P256, .x = { zeros, 32 }, .y = { zeros, 32 } } },
		{ "without y", { .kind = PKEY_P256, .x = buf_span(&x) } },
		{ "without x", { .kind = PKEY_P256, .y = buf_span(&y) } },
		{ "with another's d",
				{ .kind = PKEY_P256,
						.x = buf_span(&x),
						.y = buf_span(&y),
						.d = { ones, 1 } } },
		{ "with d zero",
				{ .kind = PKEY_P256,
						.x = buf_span(&x),
						.y = buf_span(&y),
						.d = { zeros, 32 } } },
		{ "d too long",
				{ .kind = PKEY_P256,
						.x = buf_span(&x),
						.y = buf_span(&y),
						.d = { zeros, 33 } } },
		{ "RSA of nothing", { .kind = PKEY_RSA } },
		{ "RSA too short", { .kind = PKEY_RSA, .n = buf_span(&x), .e = { ones, 1 } } },
		{ "Ed25519 of nothing", { .kind = PKEY_ED25519 } },
		{ "Ed25519 too long", { .kind = PKEY_ED25519, .x = { zeros, 33 } } },
		{ "Ed25519 with another's d",
				{ .kind = PKEY_ED25519, .x = { zeros, 32 }, .d = { zeros, 32 } } },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pkey *made = NULL;
		struct err err = ERR_NONE;
		if (pkey_from_numbers(&cases[i].numbers, &made, &err) == 0)
			fail_msg("%s", cases[i].name);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void refuses_rsa_numbers_that_cannot_be(void **state)
{
	auto_pkey struct pkey *key = key_of("rsa.pem");
	auto_buf struct buf n = BUF_MAX(MAX), e = BUF_MAX(MAX);
	static const char even[] = { 4 }, one[] = { 1 }, long_e[9] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };

	(void)state;
	assert_int_equal(pkey_public_numbers(key, &n, &e, NULL), 0);
	const struct pkey_numbers cases[] = {
		{ .kind = PKEY_RSA, .n = buf_span(&n) },
		{ .kind = PKEY_RSA, .n = buf_span(&n), .e = { one, 1 } },
		{ .kind = PKEY_RSA, .n = buf_span(&n), .e = { even, 1 } },
		{ .kind = PKEY_RSA, .n = buf_span(&n), .e = { long_e, 9 } },
		{ .kind = PKEY_RSA, .n = buf_span(&n), .e = buf_span(&e), .d = { one, 1 }, .p = { one, 1 } },
		{ .kind = PKEY_RSA,
				.n = buf_span(&n),
				.e = buf_span(&e),
				.p = { one, 1 },
				.q = { one, 1 },
				.dp = { one, 1 },
				.dq = { one, 1 },
				.qi = { one, 1 } },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pkey *made = NULL;
		struct err err = ERR_NONE;
		if (pkey_from_numbers(&cases[i], &made, &err) == 0)
			fail_msg("case %zu", i);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oaep_opens_what_openssl_sealed_and_its_own),
		cmocka_unit_test(oaep_takes_what_fits_and_no_more),
		cmocka_unit_test(oaep_fails_in_one_way),
		cmocka_unit_test(pkcs1_opens_what_openssl_sealed_and_its_own),
		cmocka_unit_test(pkcs1_gives_random_bytes_for_a_wrong_padding),
		cmocka_unit_test(pkcs1_knows_the_length_that_it_must_find),
		cmocka_unit_test(agrees_on_the_secret_of_rfc_7518),
		cmocka_unit_test(a_secret_is_as_long_as_the_curve_also_with_leading_zeros),
		cmocka_unit_test(operations_refuse_keys_that_cannot),
		cmocka_unit_test(signatures_verify_and_nothing_else_does),
		cmocka_unit_test(signs_nothing_as_well),
		cmocka_unit_test(numbers_make_the_same_key),
		cmocka_unit_test(refuses_points_that_are_on_no_curve),
		cmocka_unit_test(refuses_rsa_numbers_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
