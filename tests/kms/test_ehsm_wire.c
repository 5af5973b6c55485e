/* SPDX-License-Identifier: Apache-2.0 */
/* eHSM: the exchanges that were recorded of its real client, the vectors of others, and the answers. */
#include "base/b64.h"
#include "base/hex.h"
#include "tests/kms/double.h"

#define APP        "4eb1a2c3-0000-4000-8000-000000000002"
#define KEY        "a3c2f1d0-0000-4000-8000-000000000001"
#define CREDENTIAL "{\"AppId\":\"" APP "\",\"ApiKey\":\"cocoon-test-api-key-0123456789\"}"
#define BLOB       "b3BhcXVlIGVoc20gY2lwaGVydGV4dA=="

/* What the next random bytes are: a number, as the nonce is made of it. */
static uint64_t nonce;

static void random_nonce(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)out)[i] = (unsigned char)(nonce >> 8 * (7 - i % 8));
}

struct stage {
	struct scene scene;
	struct double_ service;
	struct kms *kms;
};

/* TLS with a certificate of name where that is not NULL; the CA in the file beside the credential. */
static void stage_begin(
		struct stage *stage, const struct reply *reply, const char *name, const char *credential)
{
	*stage = (struct stage){ .service = { .replies = reply, .count = 1 } };
	scene_init(&stage->scene);
	stage->scene.options.random = random_nonce;
	double_start(&stage->service, name);
	if (name)
		double_ca(&stage->service, &stage->scene, "ehsm_ca.pem");
	auto_free char *settings =
			xasprintf("{\"app_id\":\"cocoon-app\",\"endpoint\":\"%s\"}", stage->service.base);
	if (credential)
		scene_file(&stage->scene, "credential_cocoon-app.json", credential);
	nonce = UINT64_C(1234567890123456789);
	stage->kms = scene_open(&stage->scene, "ehsm", settings);
}

static void stage_end(struct stage *stage)
{
	double_clear(&stage->service);
	kms_free(stage->kms);
	scene_clear(&stage->scene);
}

/* ---- recorded exchanges ---- */

static uint64_t number_in(const char *body, const char *name)
{
	auto_json json_t *object = json_of(body);
	const char *text = json_text_at(object, name, NULL);

	assert_non_null(text);
	return strtoull(text, NULL, 10);
}

/* The double's request has this target and this body, byte for byte. */
static void same_request(struct stage *stage, const json_t *exchange)
{
	const char *body = json_text_at(exchange, "body", NULL);

	double_stop(&stage->service);
	auto_free char *expected = xasprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: "
					     "cocoon-kms/" COCOON_VERSION "\r\nAccept: */*\r\nContent-Type: "
					     "application/json\r\nContent-Length: %zu\r\n\r\n%s",
			json_text_at(exchange, "target", NULL), strlen(body), body);
	assert_string_equal(double_request(&stage->service, 0), expected);
}

/* A stage that answers as was recorded, at the time and with the nonce of the recording. */
static void begin_recorded(
		struct stage *stage, struct reply *reply, const json_t *exchange, const json_t *file)
{
	auto_free char *credential = json_text(json_object_get(file, "content"), false);
	const char *body = json_text_at(exchange, "body", NULL);

	*reply = (struct reply){ .status = "200 OK",
		.body = span_of(json_text_at(exchange, "answer", NULL)) };
	stage_begin(stage, reply, NULL, credential);
	nonce = number_in(body, "nonce");
	stage->scene.wall = (int64_t)number_in(body, "timestamp") * 1000;
}

static void encrypts_as_recorded(const json_t *record, const json_t *file)
{
	const json_t *exchange = json_object_get(record, "seal");
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(1024), key = BUF_MAX(64), twice = BUF_MAX(1024);
	auto_json json_t *annotations = NULL;
	struct stage stage;
	struct reply reply;
	struct err err = ERR_NONE;

	assert_int_equal(hex_decode(span_of(json_text_at(record, "data_key_hex", NULL)), &key, NULL), 0);
	assert_int_equal(secret_from_span(&plain, buf_span(&key), NULL), 0);
	begin_recorded(&stage, &reply, exchange, file);
	if (kms_encrypt(stage.kms, json_text_at(record, "key_id", NULL), &plain, &cipher, &annotations,
			    &err) < 0)
		fail_msg("%s", err.text);
	same_request(&stage, exchange);
	b64_encode(&twice, buf_span(&cipher));
	assert_string_equal(buf_text(&twice), json_text_at(record, "encrypted_key", NULL));
	assert_true(json_equal(annotations, json_object_get(record, "annotations")));
	stage_end(&stage);
}

static void decrypts_as_recorded(const json_t *record, const json_t *file)
{
	const json_t *exchange = json_object_get(record, "unseal");
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(1024), key = BUF_MAX(64);
	struct stage stage;
	struct reply reply;
	struct err err = ERR_NONE;

	assert_int_equal(hex_decode(span_of(json_text_at(record, "data_key_hex", NULL)), &key, NULL), 0);
	assert_int_equal(b64_decode(span_of(json_text_at(record, "encrypted_key", NULL)), &cipher, NULL), 0);
	begin_recorded(&stage, &reply, exchange, file);
	if (kms_decrypt(stage.kms, json_text_at(record, "key_id", NULL), buf_span(&cipher),
			    json_object_get(record, "annotations"), &plain, &err) < 0)
		fail_msg("%s", err.text);
	same_request(&stage, exchange);
	assert_true(secret_is(&plain, buf_span(&key)));
	stage_end(&stage);
}

static void says_what_the_real_client_said(void **state)
{
	auto_buf struct buf text = BUF_MAX(0);
	const json_t *record = NULL;
	size_t i = 0;

	(void)state;
	vector_read("envelope-ehsm.json", &text);
	auto_json json_t *records = json_of(buf_text(&text));
	const json_t *file = json_object_get(records, "credential_file");
	assert_true(json_array_size(json_object_get(records, "cases")) >= 3);
	json_array_foreach (json_object_get(records, "cases"), i, record) {
		encrypts_as_recorded(record, file);
		decrypts_as_recorded(record, file);
	}
}

static void emits_the_settings_as_recorded(void **state)
{
	auto_buf struct buf text = BUF_MAX(0);
	const json_t *record = NULL;
	struct scene scene;
	size_t i = 0;

	(void)state;
	scene_init(&scene);
	vector_read("envelope-ehsm.json", &text);
	auto_json json_t *records = json_of(buf_text(&text));
	json_array_foreach (json_object_get(records, "cases"), i, record) {
		auto_json json_t *settings = NULL;
		auto_free char *given = json_text(json_object_get(record, "settings"), false);
		auto_kms struct kms *kms = scene_open(&scene, "ehsm", given);
		assert_int_equal(kms_settings(kms, &settings, NULL), 0);
		auto_free char *written = json_text(settings, false);
		assert_string_equal(written, given);
	}
	scene_clear(&scene);
}

/* ---- vectors and answers ---- */

static void decrypts_the_vector_over_tls(void **state)
{
	static const struct reply reply = { .status = "200 OK",
		.body = SPAN_LIT("{\"code\":200,\"message\":\"success!\",\"result\":{\"plaintext\":\"cGxhaW4="
				 "\"}}") };
	auto_secret struct secret plain = SECRET_NONE;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &reply, "localhost", CREDENTIAL);
	if (kms_decrypt(stage.kms, KEY, SPAN_LIT(BLOB), NULL, &plain, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&plain, SPAN_LIT("plain")));
	double_stop(&stage.service);
	const char *body = strstr(double_request(&stage.service, 0), "\r\n\r\n");
	assert_string_equal(body + 4,
			"{\"appid\":\"" APP
			"\",\"nonce\":\"1234567890123456789\",\"payload\":{\"ciphertext\":"
			"\"" BLOB "\",\"keyid\":\"" KEY "\"},\"sign\":"
			"\"3I3LH94ow3zrr0/u3PlcJYiDJmEIxrrvcuBb4ZvUVKI=\",\"timestamp\":\"1767225600000\"}");
	stage_end(&stage);
}

static void reports_what_the_service_says(void **state)
{
	static const struct {
		struct reply reply;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .status = "200 OK", .body = SPAN_LIT("{\"code\":400,\"message\":\"sign error\"}") },
				ERR_DENIED, "key service ehsm: code 400: sign error" },
		{ { .status = "200 OK", .body = SPAN_LIT("{\"code\":200,\"message\":\"success!\"}") },
				ERR_FORMAT, "result" },
		{ { .status = "200 OK",
				  .body = SPAN_LIT("{\"code\":200,\"result\":{\"plaintext\":\"a b\"}}") },
				ERR_FORMAT, "plaintext" },
		{ { .status = "200 OK" }, ERR_FORMAT, "the answer" },
		{ { .status = "500 Oops", .body = SPAN_LIT("<html>") }, ERR_RETRY, "HTTP 500" },
		{ { .status = "404 Not Found" }, ERR_DENIED, "HTTP 404: the answer (without a type)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &cases[i].reply, NULL, CREDENTIAL);
		assert_int_equal(kms_decrypt(stage.kms, KEY, SPAN_LIT(BLOB), NULL, &plain, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		assert_null(plain.ptr);
		stage_end(&stage);
	}
}

static void refuses_a_ciphertext_that_is_no_text(void **state)
{
	static const struct reply reply = { .status = "200 OK",
		.body = SPAN_LIT("{\"code\":200,\"result\":{\"ciphertext\":\"n\\\"o\"}}") };
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(100);
	json_t *annotations = NULL;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&plain, SPAN_LIT("plain"), NULL), 0);
	stage_begin(&stage, &reply, NULL, CREDENTIAL);
	assert_int_equal(kms_encrypt(stage.kms, KEY, &plain, &cipher, &annotations, &err), -1);
	failed_with(&err, ERR_FORMAT, "the answer's ciphertext");
	assert_int_equal(cipher.len, 0);
	assert_null(annotations);
	stage_end(&stage);
}

static void refuses_before_it_asks(void **state)
{
	static const struct {
		const char *credential, *key_id, *cipher;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ NULL, KEY, BLOB, ERR_NOT_FOUND, "credential_cocoon-app.json" },
		{ "{\"ApiKey\":\"k\"}", KEY, BLOB, ERR_FORMAT, "AppId is missing" },
		{ "{\"AppId\":\"a\"}", KEY, BLOB, ERR_FORMAT, "ApiKey is missing" },
		{ "{\"AppId\":\"a\",\"ApiKey\":\"\"}", KEY, BLOB, ERR_FORMAT, "ApiKey is empty" },
		{ "{\"AppId\":\"a\\\"b\",\"ApiKey\":\"k\"}", KEY, BLOB, ERR_FORMAT, "AppId" },
		{ CREDENTIAL, "a\"b", BLOB, ERR_USAGE, "key_id" },
		{ CREDENTIAL, "a\\b", BLOB, ERR_USAGE, "key_id" },
		{ CREDENTIAL, "a\nb", BLOB, ERR_USAGE, "key_id" },
		{ CREDENTIAL, "", BLOB, ERR_USAGE, "key_id" },
		{ CREDENTIAL, KEY, "", ERR_FORMAT, "the encrypted key is empty" },
		{ CREDENTIAL, KEY, "\xff\xfe", ERR_FORMAT, "the encrypted key is no base64" },
		{ CREDENTIAL, KEY, "a\"b=", ERR_FORMAT, "the encrypted key is no base64" },
	};
	static const struct reply reply = { .status = "200 OK" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply, NULL, cases[i].credential);
		assert_int_equal(kms_decrypt(stage.kms, cases[i].key_id, span_of(cases[i].cipher), NULL,
						 &plain, &err),
				-1);
		failed_with(&err, cases[i].kind, cases[i].says);
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 0);
	}
}

static void checks_the_certificate(void **state)
{
	static const struct reply reply = { .status = "200 OK",
		.body = SPAN_LIT("{\"code\":200,\"result\":{\"plaintext\":\"cGxhaW4=\"}}") };
	static const struct {
		const char *name;
		const char *ca; /* the file that the double's CA moves to; NULL: it stays */
		enum err_kind kind;
	} cases[] = {
		{ "localhost", "elsewhere.pem", ERR_AUTH },
		{ "other.test", NULL, ERR_AUTH },
		{ "localhost", NULL, ERR_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply, cases[i].name, CREDENTIAL);
		auto_free char *from = xasprintf("%s/ehsm_ca.pem", stage.scene.folder);
		auto_free char *to = xasprintf("%s/%s", stage.scene.folder, cases[i].ca ? cases[i].ca : "x");
		if (cases[i].ca)
			assert_int_equal(rename(from, to), 0);
		int result = kms_decrypt(stage.kms, KEY, SPAN_LIT(BLOB), NULL, &plain, &err);
		assert_int_equal(result, cases[i].kind == ERR_OK ? 0 : -1);
		assert_int_equal(err.kind, cases[i].kind);
		stage_end(&stage);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_real_client_said),
		cmocka_unit_test(emits_the_settings_as_recorded),
		cmocka_unit_test(decrypts_the_vector_over_tls),
		cmocka_unit_test(reports_what_the_service_says),
		cmocka_unit_test(refuses_a_ciphertext_that_is_no_text),
		cmocka_unit_test(refuses_before_it_asks),
		cmocka_unit_test(checks_the_certificate),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
