/* SPDX-License-Identifier: Apache-2.0 */
/* The texts alone: what goes over the wire, and the recorded exchanges, are in test_ehsm_wire.c. */
#include "kms/ehsm.h"

#include "base/b64.h"
#include "tests/kms/scene.h"

#define APP       "4eb1a2c3-0000-4000-8000-000000000002"
#define KEY       "a3c2f1d0-0000-4000-8000-000000000001"
#define NONCE     "1234567890123456789"
#define TIMESTAMP "1767225600000"
#define BLOB      "b3BhcXVlIGVoc20gY2lwaGVydGV4dA=="

static void sign(const struct ehsm_ask *ask, const char *to_sign, const char *signature)
{
	auto_buf struct buf text = BUF_MAX(4096), out = BUF_MAX(100);
	auto_secret struct secret api_key = SECRET_NONE;

	assert_int_equal(secret_from_span(&api_key, SPAN_LIT("cocoon-test-api-key-0123456789"), NULL), 0);
	ehsm_to_sign(&text, ask);
	assert_string_equal(buf_text(&text), to_sign);
	assert_int_equal(ehsm_sign(&api_key, buf_span(&text), &out, NULL), 0);
	assert_string_equal(buf_text(&out), signature);
}

static void signs_the_vectors(void **state)
{
	struct ehsm_ask ask = { .app_id = APP, .nonce = NONCE, .timestamp = TIMESTAMP, .key_id = KEY };
	auto_buf struct buf body = BUF_MAX(4096);

	(void)state;
	ask.encrypts = true;
	ask.text = SPAN_LIT("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	sign(&ask,
			"appid=" APP "&nonce=" NONCE "&payload=keyid=" KEY
			"&plaintext=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=&timestamp=" TIMESTAMP,
			"7lBlEmUZk2UtbK+3dm9oIQgvT2rAq8MoX/FAhZfKm18=");
	ask.encrypts = false;
	ask.text = SPAN_LIT(BLOB);
	sign(&ask,
			"appid=" APP "&nonce=" NONCE "&payload=ciphertext=" BLOB "&keyid=" KEY
			"&timestamp=" TIMESTAMP,
			"3I3LH94ow3zrr0/u3PlcJYiDJmEIxrrvcuBb4ZvUVKI=");
	ehsm_body(&body, &ask, "3I3LH94ow3zrr0/u3PlcJYiDJmEIxrrvcuBb4ZvUVKI=");
	assert_string_equal(buf_text(&body),
			"{\"appid\":\"" APP "\",\"nonce\":\"" NONCE "\",\"payload\":{\"ciphertext\":\"" BLOB
			"\",\"keyid\":\"" KEY "\"},\"sign\":\"3I3LH94ow3zrr0/u3PlcJYiDJmEIxrrvcuBb4ZvUVKI=\","
			"\"timestamp\":\"" TIMESTAMP "\"}");
}

static void reads_answers(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *says;
	} bad[] = {
		{ "", ERR_FORMAT, "the answer" },
		{ "<html>", ERR_FORMAT, "the answer" },
		{ "[]", ERR_FORMAT, "" },
		{ "{\"code\":400,\"message\":\"sign error\",\"result\":{}}", ERR_DENIED,
				"code 400: sign error" },
		{ "{\"code\":400}", ERR_DENIED, "code 400: no reason given" },
		{ "{\"code\":404,\"message\":\"API\\u001b[31m\"}", ERR_DENIED, "code 404: API?[31m" },
		{ "{\"code\":500,\"message\":null}", ERR_DENIED, "code 500: no reason given" },
		{ "{\"code\":\"200\",\"result\":{\"plaintext\":\"YQ==\"}}", ERR_FORMAT, "code" },
		{ "{\"code\":200,\"message\":\"success!\"}", ERR_FORMAT, "result" },
		{ "{\"code\":200,\"result\":null}", ERR_FORMAT, "result" },
		{ "{\"code\":200,\"result\":\"x\"}", ERR_FORMAT, "result" },
		{ "{\"code\":200,\"result\":{}}", ERR_FORMAT, "result.plaintext is missing" },
		{ "{\"code\":200,\"result\":{\"plaintext\":1}}", ERR_FORMAT, "not a text" },
		{ "{\"code\":200,\"result\":{\"plaintext\":\"\"}}", ERR_FORMAT, "is empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_json json_t *object = NULL;
		const char *text = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(ehsm_answer(span_of(bad[i].text), "plaintext", &object, &text, &err), -1);
		failed_with(&err, bad[i].kind, bad[i].says);
	}
	auto_json json_t *object = NULL;
	const char *text = NULL;
	assert_int_equal(ehsm_answer(SPAN_LIT("{\"code\":200,\"message\":\"success!\",\"result\":{\"keyid\":"
					      "\"k\","
					      "\"plaintext\":\"YQ==\"}}"),
					 "plaintext", &object, &text, NULL),
			0);
	assert_string_equal(text, "YQ==");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_the_vectors),
		cmocka_unit_test(reads_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
