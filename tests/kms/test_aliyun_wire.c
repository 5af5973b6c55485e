/* SPDX-License-Identifier: Apache-2.0 */
/* The dedicated instance: every byte of its requests, with the signatures that others computed, and its answers. */
#include "base/b64.h"
#include "base/hex.h"
#include "crypto/pkey.h"
#include "kms/aliyun.h"
#include "kms/kms_own.h"
#include "tests/kms/double.h"

#define SETTINGS                                                                                            \
	"{\"client_key_id\":\"KAAP.cocoon-test\",\"client_type\":\"client_key\",\"kms_instance_id\":\"kst-" \
	"test\"}"
#define CA_FILE "PrivateKmsCA_kst-test.pem"

#define HEAD(api)                                                                                         \
	"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nUser-Agent: cocoon-kms/" COCOON_VERSION               \
	"\r\nAccept: application/x-protobuf\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nx-kms-apiversion: " \
	"dkms-gcs-0.2\r\nx-kms-apiname: " api "\r\nx-kms-signaturemethod: RSA_PKCS1_SHA_256\r\n"          \
	"x-kms-acccesskeyid: KAAP.cocoon-test\r\nContent-Type: application/x-protobuf\r\n"

#define ENCRYPT_REQUEST                                                                                  \
	HEAD("Encrypt")                                                                                  \
	"Content-Sha256: 2BB41678FF54D9565A99E8AC6CF4A2F81CCD44C7D8E76001BEA068B264CE81AB\r\n"           \
	"Authorization: Bearer g6EwaAsA8TB63xen+EmgkqzNZjV9xONVIFMKomH6CY/+F7jE9E7bgeB+FNnumeRHtxQ6wpON" \
	"qCXg0IJIx0C0jIrjqe4CxPIOGunFO9ymXMMG/hSGlcy4xyvXY1kbYQ7FhmzLElZW2Ns5EsHeuN83VjZHH7W/+Da89Re6/"  \
	"R7ks+lUAC46OX7mt8V60GB8qjYA0orJgIVy8As7Akfe9UxstcDBpK7n0WB87yQn9fWUQ47CMM/l92oHbjH9PQyE+WKLim"  \
	"2y8wNBSSCQsDu5aZDVuZeTKA2oo97Jwh2gHDHluSo6WNseoZn3khPOoIHtEgTKZaW5kxImY81j8ybt1pah/A==\r\n"     \
	"Content-Length: 50\r\n\r\n"
#define ENCRYPT_BODY                                                                      \
	"0a056b65792d311220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1" \
	"e1f1a074145535f47434d"

#define DECRYPT_REQUEST                                                                                  \
	HEAD("Decrypt")                                                                                  \
	"Content-Sha256: 0413D45CFA40988F69D6AAFA10175D4741EDE8895C7CEBA4099D655062920237\r\n"           \
	"Authorization: Bearer tqMtE5havSpMXIJREUZ9eCFZ70kan/Ibt5HsCbTRZnLg06o3oY/UUIlDGeb1MCfu2d5+jdZp" \
	"vTy/sqvSZWxI0+nrcLEWhqR5zvJP/o4Bd5ZwLYZZeCUXaKJsKzllIMWt3BQTwn7zfOq2b1xmxnkirU2J+wWkuHaobpPdA"  \
	"screp9BfG+ozATsIWmoLw/eJg5o+fWTU0/j5yhVN/w/N5yKDOcg+6PKAHHc7BxrCMR//z/Kp3hKM+telyilx2dPFkGFLg"  \
	"96v7siVGfbE+7QKsBHGRAPEMlwOdFQ0qThN15cpV+wAz5t/dDUHPRi1UavJMaBUKNIwuzjnIOdsOqtFKYzQw==\r\n"     \
	"Content-Length: 64\r\n\r\n"
#define DECRYPT_BODY                                                           \
	"0a205a5b58595e5f5c5d52535051565754554a4b48494e4f4c4d4243404146474445" \
	"12056b65792d311a074145535f47434d2a0c000102030405060708090a0b"
#define DECRYPT_ANSWER                                                                                     \
	"0a056b65792d311220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1a057265712d31" \
	"22074145535f47434d"

struct stage {
	struct scene scene;
	struct double_ service;
	struct kms *kms;
};

static void stage_begin(struct stage *stage, const struct reply *reply)
{
	*stage = (struct stage){ .service = { .replies = reply, .count = 1 } };
	scene_init(&stage->scene);
	double_start(&stage->service, "localhost");
	double_ca(&stage->service, &stage->scene, CA_FILE);
	scene_vector(&stage->scene, "clientKey_KAAP.cocoon-test.json");
	scene_vector(&stage->scene, "password_KAAP.cocoon-test.json");
	stage->scene.options.endpoint = stage->service.base;
	stage->kms = scene_open(&stage->scene, "Aliyun", SETTINGS);
}

static void stage_end(struct stage *stage)
{
	double_clear(&stage->service);
	kms_free(stage->kms);
	scene_clear(&stage->scene);
}

static struct span from_hex(const char *hex, struct buf *out)
{
	assert_int_equal(hex_decode(span_of(hex), out, NULL), 0);
	return buf_span(out);
}

/* The first request is exactly this head and these bytes. */
static void requested(struct stage *stage, const char *head, const char *body_hex)
{
	auto_buf struct buf hex = BUF_MAX(4096);

	double_stop(&stage->service);
	const char *text = double_request(&stage->service, 0);
	struct span whole = buf_span(&stage->service.requests[0]);
	assert_true(whole.len > strlen(head));
	assert_memory_equal(text, head, strlen(head));
	hex_encode(&hex, span_from(whole, strlen(head)));
	assert_string_equal(buf_text(&hex), body_hex);
}

static void sends_the_request_of_the_vector_to_encrypt(void **state)
{
	auto_buf struct buf answer = BUF_MAX(1024), cipher = BUF_MAX(1024);
	struct reply reply = { .status = "200 OK",
		.body = from_hex("0a056b65792d311203aabbcc1a0c000102030405060708090a0b", &answer) };
	auto_secret struct secret plain = SECRET_NONE;
	unsigned char key[32];
	auto_json json_t *annotations = NULL;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	data_key(key);
	assert_int_equal(secret_from_span(&plain, span_new(key, sizeof(key)), NULL), 0);
	stage_begin(&stage, &reply);
	if (kms_encrypt(stage.kms, "key-1", &plain, &cipher, &annotations, &err) < 0)
		fail_msg("%s", err.text);
	requested(&stage, ENCRYPT_REQUEST, ENCRYPT_BODY);
	assert_true(span_eq(buf_span(&cipher), SPAN_LIT("\xaa\xbb\xcc")));
	auto_free char *text = json_text(annotations, false);
	assert_string_equal(text, "{\"iv\":\"AAECAwQFBgcICQoL\"}");
	stage_end(&stage);
}

static int decrypt(struct stage *stage, const char *annotations, struct secret *plain, struct err *err)
{
	auto_json json_t *object = json_of(annotations);
	unsigned char cipher[32];

	data_key(cipher);
	for (size_t i = 0; i < sizeof(cipher); i++)
		cipher[i] ^= 0x5a;
	return kms_decrypt(stage->kms, "key-1", span_new(cipher, sizeof(cipher)), object, plain, err);
}

static void sends_the_request_of_the_vector_to_decrypt(void **state)
{
	auto_buf struct buf answer = BUF_MAX(1024);
	struct reply reply = { .status = "200 OK", .body = from_hex(DECRYPT_ANSWER, &answer) };
	auto_secret struct secret plain = SECRET_NONE;
	unsigned char key[32];
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &reply);
	if (decrypt(&stage, "{\"iv\":\"AAECAwQFBgcICQoL\",\"more\":7}", &plain, &err) < 0)
		fail_msg("%s", err.text);
	requested(&stage, DECRYPT_REQUEST, DECRYPT_BODY);
	data_key(key);
	assert_true(secret_is(&plain, span_new(key, sizeof(key))));
	stage_end(&stage);
}

static void sends_a_signed_request_for_a_secret(void **state)
{
	static const char field[] = "Authorization: Bearer ";
	struct reply reply = { .status = "200 OK", .body = SPAN_LIT("\x1a\x05pa\nss") };
	auto_json json_t *annotations = json_of("{\"version_stage\":\"ACSCurrent\"}");
	auto_secret struct secret secret = SECRET_NONE;
	auto_buf struct buf pem = BUF_MAX(0), signature = BUF_MAX(1024), to_sign = BUF_MAX(1024);
	auto_pkey struct pkey *key = NULL;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &reply);
	if (kms_get_secret(stage.kms, "db-password", annotations, &secret, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&secret, SPAN_LIT("pa\nss")));
	double_stop(&stage.service);
	const char *request = double_request(&stage.service, 0), *body = strstr(request, "\r\n\r\n") + 4;
	assert_memory_equal(request, HEAD("GetSecretValue"), strlen(HEAD("GetSecretValue")));
	assert_memory_equal(body,
			"\x0a\x0b"
			"db-password\x12\x0a"
			"ACSCurrent\x20\x01",
			27);
	/* the signature is checked with the key as the vectors give it in PEM */
	const char *at = strstr(request, field) + strlen(field);
	assert_int_equal(b64_decode(span_new(at, strcspn(at, "\r")), &signature, NULL), 0);
	aliyun_to_sign(&to_sign, "GetSecretValue", "KAAP.cocoon-test", "Thu, 01 Jan 2026 00:00:00 GMT",
			"FC2EBA9995355681A20A62FD890B50E44B85392B36F9E9BAEDBD62CEE4610830");
	buf_init(&pem, SECRET_MAX);
	assert_int_equal(fs_read("tests/vectors/crypto/pkcs12/key-alone.key", &pem, NULL), 0);
	assert_int_equal(pkey_parse(buf_span(&pem), NULL, &key, NULL), 0);
	assert_int_equal(pkey_rsa_verify(key, false, buf_span(&to_sign), buf_span(&signature), NULL), 0);
	stage_end(&stage);
}

static void reports_what_the_service_says(void **state)
{
	static const char refusal[] = "089403121a466f7262696464656e2e5265736f757263654e6f74466f756e641a135265"
				      "736f75726365206e6f7420666f756e642e22057265712d32";
	auto_buf struct buf error = BUF_MAX(1024);
	const struct {
		struct reply reply;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .status = "404 Not Found", .body = from_hex(refusal, &error) }, ERR_DENIED,
				"HTTP 404: request id: req-2, error code: Forbidden.ResourceNotFound, "
				"message: Resource not found." },
		{ { .status = "500 Oops",
				  .fields = "Content-Type: text/html\r\n",
				  .body = SPAN_LIT("<html>oops</html>") },
				ERR_RETRY, "HTTP 500: the answer (text/html) does not say why" },
		{ { .status = "403 Forbidden" }, ERR_DENIED, "HTTP 403" },
		{ { .status = "200 OK" }, ERR_FORMAT, "no Plaintext" },
		{ { .status = "200 OK", .body = SPAN_LIT("<html>login</html>") }, ERR_FORMAT, "the answer" },
		{ { .status = "200 OK", .body = SPAN_LIT("\x12") }, ERR_FORMAT, "the answer" },
		{ { .status = "204 No Content" }, ERR_FORMAT, "no Plaintext" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &cases[i].reply);
		assert_int_equal(decrypt(&stage, "{\"iv\":\"AAECAwQFBgcICQoL\"}", &plain, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		assert_true(strstr(err.text, "key service aliyun: ") == err.text);
		assert_null(plain.ptr);
		stage_end(&stage);
	}
}

static void refuses_before_it_asks(void **state)
{
	static const struct {
		const char *file, *content; /* NULL: it is taken away */
		const char *annotations;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "x", "", "{}", ERR_USAGE, "annotations.iv is missing" },
		{ "x", "", "{\"iv\":null}", ERR_USAGE, "annotations.iv is not a text" },
		{ "x", "", "{\"iv\":\"AAE\"}", ERR_USAGE, "annotations.iv" },
		{ "x", "", "{\"iv\":\"A_E=\"}", ERR_USAGE, "annotations.iv" },
		{ "clientKey_KAAP.cocoon-test.json", NULL, NULL, ERR_NOT_FOUND, "clientKey_" },
		{ "clientKey_KAAP.cocoon-test.json", "", NULL, ERR_FORMAT, "clientKey_" },
		{ "clientKey_KAAP.cocoon-test.json", "{\"PrivateKeyData\":\"YQ==\"}", NULL, ERR_FORMAT,
				"KeyId is missing" },
		{ "clientKey_KAAP.cocoon-test.json", "{\"KeyId\":\"a\\nb\",\"PrivateKeyData\":\"YQ==\"}",
				NULL, ERR_FORMAT, "KeyId" },
		{ "clientKey_KAAP.cocoon-test.json", "{\"KeyId\":\"a\"}", NULL, ERR_FORMAT,
				"PrivateKeyData is missing" },
		{ "clientKey_KAAP.cocoon-test.json", "{\"KeyId\":\"a\",\"PrivateKeyData\":\"YQ\"}", NULL,
				ERR_FORMAT, "PrivateKeyData" },
		{ "clientKey_KAAP.cocoon-test.json", "{\"KeyId\":\"a\",\"PrivateKeyData\":\"YQ==\"}", NULL,
				ERR_FORMAT, "no PKCS#12" },
		{ "password_KAAP.cocoon-test.json", NULL, NULL, ERR_NOT_FOUND, "password_" },
		{ "password_KAAP.cocoon-test.json", "\n", NULL, ERR_FORMAT, "no password" },
		{ "password_KAAP.cocoon-test.json", " cocoon-test-0123", NULL, ERR_AUTH,
				"password is wrong" },
		{ "password_KAAP.cocoon-test.json", "{\"Password\":\"cocoon-test-0123\"}", NULL, ERR_AUTH,
				"password is wrong" },
		{ CA_FILE, NULL, NULL, ERR_NOT_FOUND, CA_FILE },
		{ CA_FILE, "", NULL, ERR_FORMAT, CA_FILE },
		{ CA_FILE, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", NULL, ERR_FORMAT,
				CA_FILE },
	};
	static const struct reply reply = { .status = "200 OK" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		const char *annotations =
				cases[i].annotations ? cases[i].annotations : "{\"iv\":\"AAECAwQFBgcICQoL\"}";
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply);
		auto_free char *path = xasprintf("%s/%s", stage.scene.folder, cases[i].file);
		if (cases[i].content)
			scene_file(&stage.scene, cases[i].file, cases[i].content);
		else
			assert_int_equal(unlink(path), 0);
		assert_int_equal(decrypt(&stage, annotations, &plain, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 0);
	}
}

static void reads_a_password_inside_of_json(void **state)
{
	static const char *const files[] = { "{\"ClientKeyPassword\":\"cocoon-test-0123\"}\n",
		"cocoon-test-0123 \t\r\n\n", "cocoon-test-0123" };
	auto_buf struct buf answer = BUF_MAX(1024);
	struct reply reply = { .status = "200 OK", .body = from_hex(DECRYPT_ANSWER, &answer) };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply);
		scene_file(&stage.scene, "password_KAAP.cocoon-test.json", files[i]);
		if (decrypt(&stage, "{\"iv\":\"AAECAwQFBgcICQoL\"}", &plain, &err) < 0)
			fail_msg("%s", err.text);
		stage_end(&stage);
	}
}

static void trusts_its_ca_file_alone(void **state)
{
	auto_buf struct buf answer = BUF_MAX(1024), both = BUF_MAX(2 * CERT_PEM_MAX);
	struct reply reply = { .status = "200 OK", .body = from_hex(DECRYPT_ANSWER, &answer) };
	struct certs others;

	(void)state;
	certs_make(&others, "localhost");
	for (int with_both = 0; with_both < 2; with_both++) {
		auto_secret struct secret plain = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply);
		/* the option does not count here: a right CA in it changes nothing */
		stage.kms->ca_file = xstrdup(double_ca(&stage.service, &stage.scene, "right.pem"));
		buf_reset(&both);
		buf_add_span(&both, buf_span(&others.ca));
		if (with_both)
			buf_add_span(&both, buf_span(&stage.service.certs.ca));
		scene_bytes(&stage.scene, CA_FILE, buf_span(&both));
		int result = decrypt(&stage, "{\"iv\":\"AAECAwQFBgcICQoL\"}", &plain, &err);
		assert_int_equal(result, with_both ? 0 : -1);
		if (result < 0)
			failed_with(&err, ERR_AUTH, "key service aliyun");
		stage_end(&stage);
		assert_int_equal(stage.service.seen, with_both);
	}
	certs_clear(&others);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_the_request_of_the_vector_to_encrypt),
		cmocka_unit_test(sends_the_request_of_the_vector_to_decrypt),
		cmocka_unit_test(sends_a_signed_request_for_a_secret),
		cmocka_unit_test(reports_what_the_service_says),
		cmocka_unit_test(refuses_before_it_asks),
		cmocka_unit_test(reads_a_password_inside_of_json),
		cmocka_unit_test(trusts_its_ca_file_alone),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
