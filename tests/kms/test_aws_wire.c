/* SPDX-License-Identifier: Apache-2.0 */
/* AWS: every byte of the requests, and the answers. */
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "kms/aws.h"
#include "tests/kms/double.h"

#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define CREDENTIAL "{\"access_key_id\":\"AKIDEXAMPLE\",\"secret_access_key\":\"" SECRET_KEY "\"}"
#define CREDENTIAL_NULL                                                                \
	"{\"access_key_id\":\"AKIDEXAMPLE\",\"secret_access_key\":\"" SECRET_KEY "\"," \
	"\"session_token\":null}"
#define CREDENTIAL_SESSION                                                             \
	"{\"access_key_id\":\"AKIDEXAMPLE\",\"secret_access_key\":\"" SECRET_KEY "\"," \
	"\"session_token\":\"SESSIONTOKEN\"}"

struct stage {
	struct scene scene;
	struct double_ service;
	struct kms *kms;
};

static void stage_begin(struct stage *stage, const struct reply *reply, const char *credential)
{
	*stage = (struct stage){ .service = { .replies = reply, .count = 1 } };
	scene_init(&stage->scene);
	double_start(&stage->service, "localhost");
	stage->scene.options.endpoint = stage->service.base;
	stage->scene.options.ca_file = double_ca(&stage->service, &stage->scene, "ca.pem");
	if (credential)
		scene_file(&stage->scene, "credential.json", credential);
	stage->kms = scene_open(&stage->scene, "aws", "{\"region\":\"us-east-1\"}");
}

static void stage_end(struct stage *stage)
{
	double_clear(&stage->service);
	kms_free(stage->kms);
	scene_clear(&stage->scene);
}

/* HMAC-SHA-256 chained by hand over the double's own host, as a service would check it. */
static void expect_signature(const struct stage *stage, const char *service, const char *fields,
		const char *names, const char *body, char out[static 65])
{
	auto_free char *canonical = NULL, *to_sign = NULL;
	unsigned char key[HMAC_SHA256_SIZE];
	char hash[DIGEST_HEX_MAX];

	digest_hex(DIGEST_SHA256, span_of(body), hash);
	canonical = xasprintf(
			"POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:localhost:%u\n%s\n%s\n%s",
			(unsigned)stage->service.peer.port, fields, names, hash);
	digest_hex(DIGEST_SHA256, span_of(canonical), hash);
	to_sign = xasprintf("AWS4-HMAC-SHA256\n20260101T000000Z\n20260101/us-east-1/%s/aws4_request\n%s",
			service, hash);
	hmac_sha256(SPAN_LIT("AWS4" SECRET_KEY), SPAN_LIT("20260101"), key);
	hmac_sha256(span_new(key, sizeof(key)), SPAN_LIT("us-east-1"), key);
	hmac_sha256(span_new(key, sizeof(key)), span_of(service), key);
	hmac_sha256(span_new(key, sizeof(key)), SPAN_LIT("aws4_request"), key);
	hmac_sha256(span_new(key, sizeof(key)), span_of(to_sign), key);
	hex_encode_raw(out, span_new(key, sizeof(key)));
	out[64] = '\0';
}

/* The whole request: target, service, body, and the session token's field or "". */
static void requested(
		struct stage *stage, const char *service, const char *target, const char *body, bool session)
{
	const char *names = session ? "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
				    : "content-type;host;x-amz-date;x-amz-target";
	const char *token = session ? "x-amz-security-token:SESSIONTOKEN\n" : "";
	auto_free char *fields = xasprintf("x-amz-date:20260101T000000Z\n%sx-amz-target:%s\n", token, target);
	char signature[65];

	expect_signature(stage, service, fields, names, body, signature);
	double_stop(&stage->service);
	auto_free char *expected = xasprintf(
			"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nUser-Agent: cocoon-kms/" COCOON_VERSION
			"\r\nAccept: */*\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Date: "
			"20260101T000000Z\r\nX-Amz-Target: %s\r\nAuthorization: AWS4-HMAC-SHA256 "
			"Credential=AKIDEXAMPLE/20260101/us-east-1/%s/aws4_request, SignedHeaders=%s, "
			"Signature=%s\r\n%sContent-Length: %zu\r\n\r\n%s",
			target, service, names, signature,
			session ? "X-Amz-Security-Token: SESSIONTOKEN\r\n" : "", strlen(body), body);
	assert_string_equal(double_request(&stage->service, 0), expected);
}

static void decrypts_with_a_context(void **state)
{
	static const struct reply reply = { .status = "200 OK",
		.body = SPAN_LIT("{\"KeyId\":\"arn:x\",\"Plaintext\":\"cGxhaW4=\"}") };
	auto_json json_t *annotations = json_of("{\"encryption_context\":{\"app\":\"demo\"}}");
	auto_secret struct secret plain = SECRET_NONE;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &reply, CREDENTIAL);
	if (kms_decrypt(stage.kms, "alias/demo", SPAN_LIT("opaque-kms-blob"), annotations, &plain, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&plain, SPAN_LIT("plain")));
	requested(&stage, "kms", "TrentService.Decrypt",
			"{\"CiphertextBlob\":\"b3BhcXVlLWttcy1ibG9i\",\"EncryptionContext\":{\"app\":"
			"\"demo\"},"
			"\"KeyId\":\"alias/demo\"}",
			false);
	stage_end(&stage);
}

static void encrypts(void **state)
{
	static const struct reply reply = { .status = "200 OK",
		.body = SPAN_LIT("{\"CiphertextBlob\":\"b3BhcXVlLWttcy1ibG9i\",\"KeyId\":\"arn:x\"}") };
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(100);
	auto_json json_t *annotations = NULL;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&plain, SPAN_LIT("plain"), NULL), 0);
	stage_begin(&stage, &reply, CREDENTIAL_NULL);
	if (kms_encrypt(stage.kms, "alias/demo", &plain, &cipher, &annotations, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&cipher), "opaque-kms-blob");
	assert_int_equal(json_object_size(annotations), 0);
	requested(&stage, "kms", "TrentService.Encrypt",
			"{\"KeyId\":\"alias/demo\",\"Plaintext\":\"cGxhaW4=\"}", false);
	stage_end(&stage);
}

static void gets_a_secret_with_a_session(void **state)
{
	static const struct reply reply = { .status = "200 OK",
		.body = SPAN_LIT("{\"Name\":\"n\",\"SecretString\":\"pass\"}") };
	auto_json json_t *annotations = json_of("{\"version_id\":\"v\",\"version_stage\":\"\"}");
	auto_secret struct secret secret = SECRET_NONE;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &reply, CREDENTIAL_SESSION);
	if (kms_get_secret(stage.kms, "my/secret/name", annotations, &secret, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&secret, SPAN_LIT("pass")));
	requested(&stage, "secretsmanager", "secretsmanager.GetSecretValue",
			"{\"SecretId\":\"my/secret/name\",\"VersionId\":\"v\"}", true);
	stage_end(&stage);
}

static void reports_what_the_service_says(void **state)
{
	static const struct {
		struct reply reply;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .status = "400 Bad Request",
				  .body = SPAN_LIT("{\"__type\":\"com.amazonaws.kms#NotFoundException:http://"
						   "x\","
						   "\"message\":\"Alias not found\"}") },
				ERR_DENIED, "HTTP 400: error code: NotFoundException, message: Alias" },
		{ { .status = "400 Bad Request",
				  .body = SPAN_LIT("{\"__type\":\"AccessDeniedException\",\"Message\":"
						   "\"no\"}") },
				ERR_DENIED, "error code: AccessDeniedException, message: no" },
		{ { .status = "500 Oops",
				  .fields = "Retry-After: 7\r\nContent-Type: text/html\r\n",
				  .body = SPAN_LIT("<html>") },
				ERR_RETRY, "HTTP 500: the answer (text/html) does not say why" },
		{ { .status = "200 OK" }, ERR_FORMAT, "the answer" },
		{ { .status = "200 OK", .body = SPAN_LIT("{}") }, ERR_FORMAT, "Plaintext is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &cases[i].reply, CREDENTIAL);
		assert_int_equal(kms_decrypt(stage.kms, "k", SPAN_LIT("c"), NULL, &plain, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		assert_int_equal(err.retry_after, cases[i].reply.fields ? 7 : 0);
		stage_end(&stage);
	}
}

static void refuses_before_it_asks(void **state)
{
	static const struct {
		const char *credential, *annotations;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ NULL, "{}", ERR_NOT_FOUND, "credential.json" },
		{ "", "{}", ERR_FORMAT, "credential.json" },
		{ "{\"secret_access_key\":\"s\"}", "{}", ERR_FORMAT, "access_key_id is missing" },
		{ "{\"access_key_id\":\"a\"}", "{}", ERR_FORMAT, "secret_access_key is missing" },
		{ "{\"access_key_id\":\"a\",\"secret_access_key\":\"\"}", "{}", ERR_FORMAT, "is empty" },
		{ "{\"access_key_id\":\"a b\",\"secret_access_key\":\"s\"}", "{}", ERR_FORMAT,
				"access_key_id" },
		{ "{\"access_key_id\":\"a\",\"secret_access_key\":\"s\",\"session_token\":\"x\\r\\ny\"}",
				"{}", ERR_FORMAT, "session_token" },
		{ "{\"access_key_id\":\"a\",\"secret_access_key\":\"s\",\"session_token\":7}", "{}",
				ERR_FORMAT, "session_token is not a text" },
		{ CREDENTIAL, "{\"encryption_context\":null}", ERR_USAGE, "is no object" },
		{ CREDENTIAL, "{\"encryption_context\":\"app\"}", ERR_USAGE, "is no object" },
		{ CREDENTIAL, "{\"encryption_context\":{\"a\":1}}", ERR_USAGE, "encryption_context.a" },
	};
	static const struct reply reply = { .status = "200 OK" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *annotations = json_of(cases[i].annotations);
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply, cases[i].credential);
		assert_int_equal(kms_decrypt(stage.kms, "k", SPAN_LIT("c"), annotations, &plain, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decrypts_with_a_context),
		cmocka_unit_test(encrypts),
		cmocka_unit_test(gets_a_secret_with_a_session),
		cmocka_unit_test(reports_what_the_service_says),
		cmocka_unit_test(refuses_before_it_asks),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
