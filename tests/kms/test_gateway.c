/* SPDX-License-Identifier: Apache-2.0 */
/* The texts alone: what goes over the wire is in test_gateway_wire.c. */
#include "kms/gateway.h"

#include "tests/kms/scene.h"

#define CANONICAL                                                                                           \
	"AccessKeyId=STS.testkeyid&Action=GetSecretValue&FetchExtendedConfig=true&Format=json&RegionId="    \
	"cn-hangzhou&SecretName=app%2Fdb%20password%2A&SecurityToken=token%2B%2F%3D~&SignatureMethod=HMAC-" \
	"SHA1&SignatureNonce=30313233343536373839414243444546&SignatureType=&SignatureVersion=1.0&"         \
	"Timestamp=2026-01-01T00%3A00%3A00Z&Version=2016-01-20&VersionId=&VersionStage=ACSCurrent"

#define TO_SIGN                                                                                              \
	"POST&%2F&AccessKeyId%3DSTS.testkeyid%26Action%3DGetSecretValue%26FetchExtendedConfig%3Dtrue%"       \
	"26Format%3Djson%26RegionId%3Dcn-hangzhou%26SecretName%3Dapp%252Fdb%2520password%252A%"              \
	"26SecurityToken%3Dtoken%252B%252F%253D~%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%"            \
	"3D30313233343536373839414243444546%26SignatureType%3D%26SignatureVersion%3D1.0%26Timestamp%3D2026-" \
	"01-01T00%253A00%253A00Z%26Version%3D2016-01-20%26VersionId%3D%26VersionStage%3DACSCurrent"

static void signs_the_vector(void **state)
{
	auto_gateway_credential struct gateway_credential credential = { .token = SECRET_NONE };
	struct gateway_ask ask = { .credential = &credential,
		.region = "cn-hangzhou",
		.name = "app/db password*",
		.stage = "ACSCurrent",
		.version = "",
		.timestamp = "2026-01-01T00:00:00Z",
		.nonce = "30313233343536373839414243444546" };
	auto_buf struct buf canonical = BUF_MAX(4096), to_sign = BUF_MAX(4096), signature = BUF_MAX(64);

	(void)state;
	assert_int_equal(gateway_credential_parse(
					 SPAN_LIT("STS.testkeyid:testsecret:token+/=~"), &credential, NULL),
			0);
	gateway_canonical(&canonical, &ask);
	assert_string_equal(buf_text(&canonical), CANONICAL);
	gateway_to_sign(&to_sign, buf_span(&canonical));
	assert_string_equal(buf_text(&to_sign), TO_SIGN);
	assert_int_equal(gateway_sign(&credential.secret_key, buf_span(&to_sign), &signature, NULL), 0);
	assert_string_equal(buf_text(&signature), "668sQszh5iQkhz3lYN22fsX5bbs=");
}

static void knows_the_host_of_a_region(void **state)
{
	auto_buf struct buf url = BUF_MAX(200);

	(void)state;
	gateway_url(&url, "cn-hangzhou");
	assert_string_equal(buf_text(&url), "https://kms.cn-hangzhou.aliyuncs.com/?");
}

static void reads_credentials_of_three_parts(void **state)
{
	static const char *const good[] = { "a:b:c", "a:b:c\n", "a:b:c \r\n\n", "a:b:c\t" };
	static const char *const bad[] = { "", "\n", ":", "::", "a", "a:b", "a:b:", "a::c", ":b:c",
		"a:b:c:", "a:b:c:d", "a:b:\n", "a:b:\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		auto_gateway_credential struct gateway_credential credential = { .token = SECRET_NONE };
		assert_int_equal(gateway_credential_parse(span_of(good[i]), &credential, NULL), 0);
		assert_true(secret_is(&credential.access_key, SPAN_LIT("a")));
		assert_true(secret_is(&credential.secret_key, SPAN_LIT("b")));
		assert_true(secret_is(&credential.token, SPAN_LIT("c")));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_gateway_credential struct gateway_credential credential = { .token = SECRET_NONE };
		struct err err = ERR_NONE;
		assert_int_equal(gateway_credential_parse(span_of(bad[i]), &credential, &err), -1);
		failed_with(&err, ERR_FORMAT, "ak:sk:sts");
	}
}

static void reads_the_credential_of_the_metadata(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "" },
		{ "<html>", "" },
		{ "{}", "AccessKeyId is missing" },
		{ "{\"AccessKeyId\":\"a\",\"SecurityToken\":\"t\"}", "AccessKeySecret is missing" },
		{ "{\"AccessKeyId\":\"a\",\"AccessKeySecret\":\"s\"}", "SecurityToken is missing" },
		{ "{\"AccessKeyId\":7,\"AccessKeySecret\":\"s\",\"SecurityToken\":\"t\"}", "not a text" },
		{ "{\"AccessKeyId\":\"a\",\"AccessKeySecret\":\"\",\"SecurityToken\":\"t\"}", "is empty" },
		{ "{\"AccessKeyId\":\"a\",\"AccessKeyId\":\"b\",\"AccessKeySecret\":\"s\","
		  "\"SecurityToken\":\"t\"}",
				"" },
	};
	auto_gateway_credential struct gateway_credential credential = { .token = SECRET_NONE };

	(void)state;
	assert_int_equal(gateway_credential_read(
					 SPAN_LIT("{\"Code\":\"Success\",\"Expiration\":\"x\","
						  "\"AccessKeyId\":\"a\","
						  "\"AccessKeySecret\":\"s\",\"SecurityToken\":\"t\"}"),
					 &credential, NULL),
			0);
	assert_true(secret_is(&credential.secret_key, SPAN_LIT("s")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;
		assert_int_equal(gateway_credential_read(span_of(bad[i].text), &credential, &err), -1);
		failed_with(&err, ERR_FORMAT, bad[i].says);
	}
}

static void reads_the_secret_of_an_answer(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "" },
		{ "[]", "" },
		{ "{}", "SecretData is missing" },
		{ "{\"SecretData\":null}", "not a text" },
		{ "{\"SecretData\":{}}", "not a text" },
		{ "{\"SecretData\":\"\"}", "is empty" },
		{ "{\"SecretData\":\"x\"", "" },
		{ "{\"SecretData\":\"x\"} y", "" },
	};
	auto_secret struct secret secret = SECRET_NONE;

	(void)state;
	assert_int_equal(gateway_secret_answer(
					 SPAN_LIT("{\"SecretName\":\"s\",\"SecretData\":\"p\\u00e4 \\\"\"}"),
					 &secret, NULL),
			0);
	assert_true(secret_is(&secret, SPAN_LIT("p\xc3\xa4 \"")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;
		assert_int_equal(gateway_secret_answer(span_of(bad[i].text), &secret, &err), -1);
		failed_with(&err, ERR_FORMAT, bad[i].says);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_the_vector),
		cmocka_unit_test(knows_the_host_of_a_region),
		cmocka_unit_test(reads_credentials_of_three_parts),
		cmocka_unit_test(reads_the_credential_of_the_metadata),
		cmocka_unit_test(reads_the_secret_of_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
