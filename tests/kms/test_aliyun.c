/* SPDX-License-Identifier: Apache-2.0 */
/* The texts alone: what goes over the wire is in test_aliyun_wire.c. */
#include "kms/aliyun.h"

#include "base/b64.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"
#include "kms/kms_own.h"
#include "tests/kms/scene.h"

#define DATE       "Thu, 01 Jan 2026 00:00:00 GMT"
#define ACCESS_KEY "KAAP.cocoon-test"

static void is_hex(const struct buf *bytes, const char *expected)
{
	auto_buf struct buf hex = BUF_MAX(4096);

	hex_encode(&hex, buf_span(bytes));
	assert_string_equal(buf_text(&hex), expected);
}

static void from_hex(const char *hex, struct buf *out)
{
	assert_int_equal(hex_decode(span_of(hex), out, NULL), 0);
}

/* The data key 00 … 1f XOR 0x5a, which plays the ciphertext. */
static void make_cipher(unsigned char out[static 32])
{
	data_key(out);
	for (size_t i = 0; i < 32; i++)
		out[i] ^= 0x5a;
}

static void encrypt_body(struct buf *out)
{
	unsigned char plain[32];

	data_key(plain);
	aliyun_encrypt_body(out, "key-1", span_new(plain, sizeof(plain)));
}

static void decrypt_body(struct buf *out)
{
	static const char iv[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	unsigned char cipher[32];

	make_cipher(cipher);
	aliyun_decrypt_body(out, "key-1", span_new(cipher, sizeof(cipher)), span_new(iv, sizeof(iv)));
}

static void secret_body(struct buf *out)
{
	aliyun_secret_body(out, "db-password", "ACSCurrent", "");
}

static void writes_the_bodies_of_the_vectors(void **state)
{
	static const struct {
		void (*make)(struct buf *out);
		const char *hex, *digest;
	} cases[] = {
		{ encrypt_body,
				"0a056b65792d311220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c"
				"1d1e1f"
				"1a074145535f47434d",
				"2BB41678FF54D9565A99E8AC6CF4A2F81CCD44C7D8E76001BEA068B264CE81AB" },
		{ decrypt_body,
				"0a205a5b58595e5f5c5d52535051565754554a4b48494e4f4c4d4243404146474445"
				"12056b65792d311a074145535f47434d2a0c000102030405060708090a0b",
				"0413D45CFA40988F69D6AAFA10175D4741EDE8895C7CEBA4099D655062920237" },
		{ secret_body, "0a0b64622d70617373776f7264120a41435343757272656e742001",
				"FC2EBA9995355681A20A62FD890B50E44B85392B36F9E9BAEDBD62CEE4610830" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf body = BUF_MAX(1024);
		char digest[ALIYUN_DIGEST_MAX];
		cases[i].make(&body);
		is_hex(&body, cases[i].hex);
		aliyun_digest(buf_span(&body), digest);
		assert_string_equal(digest, cases[i].digest);
	}
}

static void makes_the_text_to_sign_of_the_vectors(void **state)
{
	static const struct {
		const char *api;
		void (*make)(struct buf *out);
		const char *sha256;
	} cases[] = {
		{ "Encrypt", encrypt_body,
				"83418b80ed464dfa5b91a7e77831c7bc0ede1304bec26bdbf4b5199cd27b3aeb" },
		{ "GetSecretValue", secret_body,
				"0335ca0eff3aff8b4ed0243b4d803b64a950969c9f21c10c2c5cfd9a95f394b5" },
	};
	auto_buf struct buf decrypt = BUF_MAX(1024);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf body = BUF_MAX(1024), text = BUF_MAX(1024);
		char digest[ALIYUN_DIGEST_MAX], hex[DIGEST_HEX_MAX];
		cases[i].make(&body);
		aliyun_digest(buf_span(&body), digest);
		aliyun_to_sign(&text, cases[i].api, ACCESS_KEY, DATE, digest);
		digest_hex(DIGEST_SHA256, buf_span(&text), hex);
		assert_string_equal(hex, cases[i].sha256);
	}
	aliyun_to_sign(&decrypt, "Decrypt", ACCESS_KEY, DATE,
			"0413D45CFA40988F69D6AAFA10175D4741EDE8895C7CEBA4099D655062920237");
	assert_string_equal(buf_text(&decrypt),
			"POST\n0413D45CFA40988F69D6AAFA10175D4741EDE8895C7CEBA4099D655062920237\n"
			"application/x-protobuf\nThu, 01 Jan 2026 00:00:00 GMT\n"
			"x-kms-acccesskeyid:KAAP.cocoon-test\nx-kms-apiname:Decrypt\n"
			"x-kms-apiversion:dkms-gcs-0.2\nx-kms-signaturemethod:RSA_PKCS1_SHA_256\n/");
}

static void knows_the_host_of_an_instance(void **state)
{
	auto_buf struct buf url = BUF_MAX(200);

	(void)state;
	aliyun_url(&url, "kst-test");
	assert_string_equal(buf_text(&url), "https://kst-test.cryptoservice.kms.aliyuncs.com/");
}

static void leaves_empty_members_out(void **state)
{
	auto_buf struct buf body = BUF_MAX(100);

	(void)state;
	aliyun_secret_body(&body, "s", "", "");
	is_hex(&body, "0a01732001");
	buf_reset(&body);
	aliyun_secret_body(&body, "s", "", "v");
	is_hex(&body, "0a01731a01762001");
}

/* ---- answers ---- */

#define DECRYPTED                                                                                          \
	"0a056b65792d311220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1a057265712d31" \
	"22074145535f47434d"

static void reads_the_answer_to_decrypt(void **state)
{
	auto_buf struct buf message = BUF_MAX(1024);
	auto_secret struct secret plain = SECRET_NONE;
	unsigned char key[32];

	(void)state;
	from_hex(DECRYPTED, &message);
	data_key(key);
	assert_int_equal(aliyun_decrypt_answer(buf_span(&message), &plain, NULL), 0);
	assert_true(secret_is(&plain, span_new(key, sizeof(key))));
	/* every end but the whole, and those behind a field with the plaintext among the ones before it */
	for (size_t len = 0; len < message.len; len++) {
		int result = aliyun_decrypt_answer(span_new(message.ptr, len), &plain, NULL);
		bool whole = len == 41 || len == 48;
		assert_int_equal(result, whole ? 0 : -1);
	}
}

static void reads_the_answer_to_encrypt(void **state)
{
	static const struct {
		const char *name, *hex, *says;
	} bad[] = {
		{ "empty", "", "no CiphertextBlob" },
		{ "no iv", "12020102", "no Iv" },
		{ "no ciphertext", "1a020102", "no CiphertextBlob" },
		{ "iv as a number", "120201021805", "field 3" },
		{ "a long iv",
				"120101"
				"1a41"
				"0000000000000000000000000000000000000000000000000000000000000000"
				"0000000000000000000000000000000000000000000000000000000000000000"
				"00",
				"Iv has 65 bytes" },
	};
	auto_buf struct buf message = BUF_MAX(1024), cipher = BUF_MAX(1024);
	struct span iv = SPAN_NONE;

	(void)state;
	from_hex("0a016b1203aabbcc1a02010222017229", &message);
	buf_cut(&message, message.len - 1);
	assert_int_equal(aliyun_encrypt_answer(buf_span(&message), &cipher, &iv, NULL), 0);
	is_hex(&cipher, "aabbcc");
	assert_true(span_eq(iv, SPAN_LIT("\x01\x02")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;
		buf_reset(&message);
		from_hex(bad[i].hex, &message);
		buf_reset(&cipher);
		assert_int_equal(aliyun_encrypt_answer(buf_span(&message), &cipher, &iv, &err), -1);
		failed_with(&err, ERR_FORMAT, bad[i].says);
		assert_int_equal(cipher.len, 0);
	}
}

static void reads_the_answer_with_a_secret(void **state)
{
	auto_secret struct secret secret = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(aliyun_secret_answer(SPAN_LIT("\x0a\x01n\x1a\x03p\xc3\xa4\x62\x01x"), &secret, NULL),
			0);
	assert_true(secret_is(&secret, SPAN_LIT("p\xc3\xa4")));
	assert_int_equal(aliyun_secret_answer(SPAN_LIT("\x1a\x02p\xff"), &secret, &err), -1);
	failed_with(&err, ERR_FORMAT, "UTF-8");
	assert_int_equal(aliyun_secret_answer(SPAN_LIT("\x1a\x00"), &secret, &err), -1);
	failed_with(&err, ERR_FORMAT, "no SecretData");
	assert_int_equal(aliyun_secret_answer(SPAN_NONE, &secret, &err), -1);
	failed_with(&err, ERR_FORMAT, "no SecretData");
}

static void reads_the_reason_of_a_refusal(void **state)
{
	auto_buf struct buf message = BUF_MAX(1024);
	struct kms_refusal why = { .code = SPAN_NONE };

	(void)state;
	from_hex("089403121a466f7262696464656e2e5265736f757263654e6f74466f756e641a135265736f75726365206e6f742"
		 "0"
		 "666f756e642e22057265712d32",
			&message);
	assert_true(aliyun_refusal(buf_span(&message), &why));
	assert_true(span_is(why.code, "Forbidden.ResourceNotFound"));
	assert_true(span_is(why.message, "Resource not found."));
	assert_true(span_is(why.request_id, "req-2"));
	assert_false(aliyun_refusal(SPAN_NONE, &why));
	assert_false(aliyun_refusal(SPAN_LIT("<html><body>502</body></html>"), &why));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_bodies_of_the_vectors),
		cmocka_unit_test(makes_the_text_to_sign_of_the_vectors),
		cmocka_unit_test(knows_the_host_of_an_instance),
		cmocka_unit_test(leaves_empty_members_out),
		cmocka_unit_test(reads_the_answer_to_decrypt),
		cmocka_unit_test(reads_the_answer_to_encrypt),
		cmocka_unit_test(reads_the_answer_with_a_secret),
		cmocka_unit_test(reads_the_reason_of_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
