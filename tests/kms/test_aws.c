/* SPDX-License-Identifier: Apache-2.0 */
/* The texts alone: what goes over the wire is in test_aws_wire.c. */
#include "kms/aws.h"

#include "crypto/digest.h"
#include "tests/kms/scene.h"

#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

struct vector {
	struct aws_ask ask;
	const char *body_hash, *canonical_hash, *signature;
};

static void check(const struct vector *vector)
{
	auto_buf struct buf canonical = BUF_MAX(4096);
	auto_secret struct secret key = SECRET_NONE;
	char hash[DIGEST_HEX_MAX], signature[AWS_SIGNATURE_MAX];

	assert_int_equal(secret_from_span(&key, SPAN_LIT(SECRET_KEY), NULL), 0);
	digest_hex(DIGEST_SHA256, vector->ask.body, hash);
	assert_string_equal(hash, vector->body_hash);
	aws_canonical(&canonical, &vector->ask);
	digest_hex(DIGEST_SHA256, buf_span(&canonical), hash);
	assert_string_equal(hash, vector->canonical_hash);
	assert_int_equal(aws_sign(&vector->ask, &key, buf_span(&canonical), signature, NULL), 0);
	assert_string_equal(signature, vector->signature);
}

static void signs_the_vector_of_decrypt(void **state)
{
	auto_json json_t *context = json_of("{\"app\":\"demo\"}");
	auto_buf struct buf body = BUF_MAX(1024);

	(void)state;
	aws_decrypt_body(&body, "alias/demo", SPAN_LIT("opaque-kms-blob"), context);
	assert_string_equal(buf_text(&body),
			"{\"CiphertextBlob\":\"b3BhcXVlLWttcy1ibG9i\",\"EncryptionContext\":{\"app\":"
			"\"demo\"},"
			"\"KeyId\":\"alias/demo\"}");
	struct vector vector = {
		.ask = { .service = "kms",
				.region = "us-east-1",
				.host = "kms.us-east-1.amazonaws.com",
				.date = "20260101T000000Z",
				.target = "TrentService.Decrypt",
				.body = buf_span(&body) },
		.body_hash = "d9112c7713458987b1d073959e49a57ea52dc34ba3ffb1719cf357fbb07b5af7",
		.canonical_hash = "4393e212a285974ad5afd9f27b8d095a552e94d56f2ab0d50405ad0652adf5f1",
		.signature = "c0378833c32211061157fe24d45d6382ec875e52810b4b790ad981e9924f8cff",
	};
	check(&vector);
}

static void signs_the_vector_with_a_session_token(void **state)
{
	auto_buf struct buf body = BUF_MAX(1024);

	(void)state;
	aws_secret_body(&body, "my/secret/name", "", "");
	assert_string_equal(buf_text(&body), "{\"SecretId\":\"my/secret/name\"}");
	struct vector vector = {
		.ask = { .service = "secretsmanager",
				.region = "us-east-1",
				.host = "secretsmanager.us-east-1.amazonaws.com",
				.date = "20260101T000000Z",
				.target = "secretsmanager.GetSecretValue",
				.session_token = "SESSIONTOKEN",
				.body = buf_span(&body) },
		.body_hash = "a0dd35df0280f662c73171a63025987e2a698341f919becd5268d801e86a8e3c",
		.canonical_hash = "9d37e021367c3e56623c48f7e6aa02e8f054fe7fd3706088fc12341c9f4e4c91",
		.signature = "c78909b28e3d2f6feb7782ff72969fc7314ad6dd080262aa836f15c96eca4ca9",
	};
	check(&vector);
}

static void writes_bodies_with_sorted_members(void **state)
{
	auto_json json_t *context = json_of("{\"b\":\"2\",\"a\":\"1\\\"\"}"), *none = json_of("{}");
	auto_buf struct buf body = BUF_MAX(1024);

	(void)state;
	aws_decrypt_body(&body, "k\"", SPAN_LIT("c"), context);
	assert_string_equal(buf_text(&body),
			"{\"CiphertextBlob\":\"Yw==\",\"EncryptionContext\":{\"a\":\"1\\\"\",\"b\":\"2\"},"
			"\"KeyId\":\"k\\\"\"}");
	buf_reset(&body);
	aws_decrypt_body(&body, "k", SPAN_LIT("c"), none);
	assert_string_equal(buf_text(&body), "{\"CiphertextBlob\":\"Yw==\",\"KeyId\":\"k\"}");
	buf_reset(&body);
	aws_encrypt_body(&body, "k", SPAN_LIT("plain"));
	assert_string_equal(buf_text(&body), "{\"KeyId\":\"k\",\"Plaintext\":\"cGxhaW4=\"}");
	buf_reset(&body);
	aws_secret_body(&body, "s", "AWSCURRENT", "v1");
	assert_string_equal(buf_text(&body),
			"{\"SecretId\":\"s\",\"VersionId\":\"v1\",\"VersionStage\":\"AWSCURRENT\"}");
}

static void reads_keys_out_of_answers(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "" },
		{ "[\"x\"]", "" },
		{ "{}", "Plaintext is missing" },
		{ "{\"Plaintext\":7}", "not a text" },
		{ "{\"Plaintext\":\"\"}", "is empty" },
		{ "{\"Plaintext\":\"a\"}", "Plaintext" },
		{ "{\"Plaintext\":\"YQ\"}", "Plaintext" },
		{ "{\"Plaintext\":\"YQ==\",\"Plaintext\":\"Yg==\"}", "" },
	};
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(100);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(aws_decrypt_answer(SPAN_LIT("{\"KeyId\":\"arn\",\"Plaintext\":\"cGxhaW4=\","
						     "\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}"),
					 &plain, NULL),
			0);
	assert_true(secret_is(&plain, SPAN_LIT("plain")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&err);
		assert_int_equal(aws_decrypt_answer(span_of(bad[i].text), &plain, &err), -1);
		failed_with(&err, ERR_FORMAT, bad[i].says);
	}
	assert_int_equal(aws_encrypt_answer(SPAN_LIT("{\"CiphertextBlob\":\"Yw==\"}"), &cipher, NULL), 0);
	assert_string_equal(buf_text(&cipher), "c");
	assert_int_equal(aws_encrypt_answer(SPAN_LIT("{\"CiphertextBlob\":\"\"}"), &cipher, &err), -1);
	failed_with(&err, ERR_FORMAT, "CiphertextBlob is empty");
	assert_int_equal(aws_encrypt_answer(SPAN_LIT("{\"CiphertextBlob\":\"!\"}"), &cipher, &err), -1);
	failed_with(&err, ERR_FORMAT, "CiphertextBlob");
	assert_string_equal(buf_text(&cipher), "c");
}

static void reads_secrets_as_text_or_bytes(void **state)
{
	static const struct {
		const char *text, *secret, *says;
	} cases[] = {
		{ "{\"Name\":\"n\",\"SecretString\":\"p\\u00e4\"}", "p\xc3\xa4", NULL },
		{ "{\"SecretBinary\":\"/wE=\"}", "\xff\x01", NULL },
		{ "{\"SecretBinary\":\"Yg==\",\"SecretString\":\"a\"}", "a", NULL },
		{ "{}", NULL, "neither" },
		{ "{\"SecretString\":\"\",\"SecretBinary\":\"Yg==\"}", NULL, "neither" },
		{ "{\"SecretString\":null,\"SecretBinary\":\"Yg==\"}", NULL, "not a text" },
		{ "{\"SecretBinary\":\"\"}", NULL, "is empty" },
		{ "{\"SecretBinary\":\"Y\"}", NULL, "SecretBinary" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct err err = ERR_NONE;
		int result = aws_secret_answer(span_of(cases[i].text), &secret, &err);
		assert_int_equal(result, cases[i].secret ? 0 : -1);
		if (result < 0)
			failed_with(&err, ERR_FORMAT, cases[i].says);
		else
			assert_true(secret_is(&secret, span_of(cases[i].secret)));
	}
}

static void knows_the_hosts_of_its_services(void **state)
{
	static const struct {
		const char *service, *region, *url;
	} cases[] = {
		{ "kms", "us-east-1", "https://kms.us-east-1.amazonaws.com/" },
		{ "secretsmanager", "eu-central-1", "https://secretsmanager.eu-central-1.amazonaws.com/" },
		{ "kms", "cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf url = BUF_MAX(200);
		aws_url(&url, cases[i].service, cases[i].region);
		assert_string_equal(buf_text(&url), cases[i].url);
	}
}

static void finds_the_name_of_an_error(void **state)
{
	static const struct {
		const char *type, *name;
	} cases[] = {
		{ "NotFoundException", "NotFoundException" },
		{ "com.amazonaws.kms#NotFoundException", "NotFoundException" },
		{ "NotFoundException:http://internal.amazon.com/x#y", "NotFoundException" },
		{ "com.amazonaws.kms#NotFoundException:http://internal", "NotFoundException" },
		{ "NotFoundException:http://internal", "NotFoundException" },
		{ "", "" },
		{ "#", "" },
		{ "a#", "" },
		{ ":", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(span_is(aws_error_name(span_of(cases[i].type)), cases[i].name));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_the_vector_of_decrypt),
		cmocka_unit_test(signs_the_vector_with_a_session_token),
		cmocka_unit_test(writes_bodies_with_sorted_members),
		cmocka_unit_test(reads_keys_out_of_answers),
		cmocka_unit_test(reads_secrets_as_text_or_bytes),
		cmocka_unit_test(knows_the_hosts_of_its_services),
		cmocka_unit_test(finds_the_name_of_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
