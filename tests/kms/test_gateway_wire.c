/* SPDX-License-Identifier: Apache-2.0 */
/* The shared gateway and the instance metadata: every byte of the requests, and the answers. */
#include "tests/kms/double.h"

#define CREDENTIAL "STS.testkeyid:testsecret:token+/=~"

#define REQUEST                                                                                        \
	"POST /?AccessKeyId=STS.testkeyid&Action=GetSecretValue&FetchExtendedConfig=true&Format=json&" \
	"RegionId=cn-hangzhou&SecretName=app%2Fdb%20password%2A&SecurityToken=token%2B%2F%3D~&"        \
	"SignatureMethod=HMAC-SHA1&SignatureNonce=30313233343536373839414243444546&SignatureType=&"    \
	"SignatureVersion=1.0&Timestamp=2026-01-01T00%3A00%3A00Z&Version=2016-01-20&VersionId=&"       \
	"VersionStage=ACSCurrent&Signature=668sQszh5iQkhz3lYN22fsX5bbs%3D HTTP/1.1\r\n"                \
	"Host: localhost:PORT\r\nUser-Agent: cocoon-kms/" COCOON_VERSION "\r\nAccept: */*\r\n"         \
	"x-acs-version: 2016-01-20\r\nx-acs-action: GetSecretValue\r\nx-sdk-invoke-type: normal\r\n"   \
	"x-sdk-client: python/2.0.0\r\nContent-Length: 0\r\n\r\n"

static const struct reply good = { .status = "200 OK", .body = SPAN_LIT("{\"SecretData\":\"pass\"}") };

static const struct reply role = { .status = "200 OK",
	.body = SPAN_LIT("{\"AccessKeyId\":\"STS.testkeyid\",\"AccessKeySecret\":\"testsecret\","
			 "\"Expiration\":\"2026-01-01T06:00:00Z\",\"SecurityToken\":\"token+/=~\","
			 "\"Code\":\"Success\"}") };

/* Gateway and metadata are two doubles, as they are two services. */
struct stage {
	struct scene scene;
	struct double_ service;
	struct double_ metadata;
	struct kms *kms;
};

static void stage_begin(struct stage *stage, const struct reply *reply, const struct reply *metadata)
{
	*stage = (struct stage){ .service = { .replies = reply, .count = 1 },
		.metadata = { .replies = metadata, .count = 1 } };
	scene_init(&stage->scene);
	double_start(&stage->service, "localhost");
	double_start(&stage->metadata, NULL);
	stage->scene.options.endpoint = stage->service.base;
	stage->scene.options.metadata = stage->metadata.base;
	stage->scene.options.ca_file = double_ca(&stage->service, &stage->scene, "ca.pem");
}

static void open_sts(struct stage *stage, const char *token_path)
{
	auto_free char *settings = xasprintf("{\"client_type\":\"sts_token\",\"region_id\":\"cn-hangzhou\","
					     "\"token_path\":\"%s\"}",
			token_path);

	stage->kms = scene_open(&stage->scene, "aliyun", settings);
}

/* Where the token lies in most tests. */
static void open_sts_with(struct stage *stage, const char *content)
{
	auto_free char *path = xasprintf("%s/token", stage->scene.folder);

	scene_file(&stage->scene, "token", content);
	open_sts(stage, path);
}

static void open_ecs_with(struct stage *stage, const char *content)
{
	if (content)
		scene_file(&stage->scene, "ecsRamRole.json", content);
	stage->kms = scene_open(&stage->scene, "aliyun", "{\"client_type\":\"ecs_ram_role\"}");
}

static void stage_end(struct stage *stage)
{
	double_clear(&stage->service);
	double_clear(&stage->metadata);
	kms_free(stage->kms);
	scene_clear(&stage->scene);
}

static int get(struct stage *stage, struct secret *out, struct err *err)
{
	auto_json json_t *annotations = json_of("{\"version_stage\":\"ACSCurrent\"}");

	return kms_get_secret(stage->kms, "app/db password*", annotations, out, err);
}

static void sends_the_request_of_the_vector(void **state)
{
	static const char *const files[] = { CREDENTIAL, CREDENTIAL "\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &good, &role);
		open_sts_with(&stage, files[i]);
		if (get(&stage, &secret, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(secret_is(&secret, SPAN_LIT("pass")));
		double_stop(&stage.service);
		assert_string_equal(double_request(&stage.service, 0), REQUEST);
		assert_int_equal(stage.metadata.seen, 0);
		stage_end(&stage);
	}
}

static void asks_the_metadata_for_the_role(void **state)
{
	auto_secret struct secret secret = SECRET_NONE;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &good, &role);
	open_ecs_with(&stage, "{\"ecs_ram_role_name\":\"my-role\",\"region_id\":\"cn-hangzhou\"}");
	if (get(&stage, &secret, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&secret, SPAN_LIT("pass")));
	double_stop(&stage.service);
	double_stop(&stage.metadata);
	assert_string_equal(double_request(&stage.service, 0), REQUEST);
	assert_string_equal(double_request(&stage.metadata, 0),
			"GET /latest/meta-data/ram/security-credentials/my-role HTTP/1.1\r\n"
			"Host: 127.0.0.1:PORT\r\nUser-Agent: cocoon-kms/" COCOON_VERSION "\r\n"
			"Accept: */*\r\n\r\n");
	stage_end(&stage);
}

static void reports_what_the_metadata_says(void **state)
{
	static const struct {
		struct reply reply;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .status = "404 Not Found" }, ERR_DENIED, "instance metadata: HTTP 404" },
		{ { .status = "200 OK" }, ERR_FORMAT, "instance metadata" },
		{ { .status = "200 OK", .body = SPAN_LIT("{\"Code\":\"Failed\"}") }, ERR_FORMAT,
				"AccessKeyId is missing" },
		{ { .status = "302 Found", .fields = "Location: http://127.0.0.1:1/\r\n" }, ERR_DENIED,
				"redirects" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &good, &cases[i].reply);
		open_ecs_with(&stage, "{\"ecs_ram_role_name\":\"r\",\"region_id\":\"cn-hangzhou\"}");
		assert_int_equal(get(&stage, &secret, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 0);
	}
}

static void refuses_a_role_that_is_none(void **state)
{
	static const struct {
		const char *file; /* NULL: there is none */
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ NULL, ERR_NOT_FOUND, "ecsRamRole.json" },
		{ "", ERR_FORMAT, "ecsRamRole.json" },
		{ "{\"region_id\":\"r\"}", ERR_FORMAT, "ecs_ram_role_name is missing" },
		{ "{\"ecs_ram_role_name\":\"r\"}", ERR_FORMAT, "region_id is missing" },
		{ "{\"ecs_ram_role_name\":\"r\",\"region_id\":\"x/y\"}", ERR_FORMAT, "region_id" },
		{ "{\"ecs_ram_role_name\":\"\",\"region_id\":\"x\"}", ERR_FORMAT, "ecs_ram_role_name" },
		{ "{\"ecs_ram_role_name\":\"a\\nb\",\"region_id\":\"x\"}", ERR_FORMAT, "ecs_ram_role_name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &good, &role);
		open_ecs_with(&stage, cases[i].file);
		assert_int_equal(get(&stage, &secret, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		stage_end(&stage);
		assert_int_equal(stage.metadata.seen, 0);
	}
}

static void reports_what_the_gateway_says(void **state)
{
	static const struct {
		struct reply reply;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .status = "403 Forbidden",
				  .body = SPAN_LIT("{\"HttpStatus\":403,\"RequestId\":\"req-9\",\"Code\":"
						   "\"InvalidAccessKeyId.NotFound\",\"Message\":\"no such "
						   "key\"}") },
				ERR_DENIED,
				"HTTP 403: request id: req-9, error code: InvalidAccessKeyId.NotFound, "
				"message: no such key" },
		{ { .status = "429 Too Many",
				  .body = SPAN_LIT("{\"Code\":\"Throttling\",\"Message\":\"m\"}") },
				ERR_RETRY, "Throttling" },
		{ { .status = "502 Bad",
				  .fields = "Content-Type: text/html\r\n",
				  .body = SPAN_LIT("<html></html>") },
				ERR_RETRY, "HTTP 502: the answer (text/html) does not say why" },
		{ { .status = "200 OK" }, ERR_FORMAT, "" },
		{ { .status = "200 OK", .body = SPAN_LIT("{\"RequestId\":\"r\"}") }, ERR_FORMAT,
				"SecretData is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &cases[i].reply, &role);
		open_sts_with(&stage, CREDENTIAL);
		assert_int_equal(get(&stage, &secret, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		assert_null(strstr(err.text, "testsecret"));
		assert_null(strstr(err.text, "token"));
		stage_end(&stage);
	}
}

static void refuses_tokens_of_another_form(void **state)
{
	static const char *const files[] = { "STS.id:secret", "a:b:c:d", "", "\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &good, &role);
		open_sts_with(&stage, files[i]);
		assert_int_equal(get(&stage, &secret, &err), -1);
		failed_with(&err, ERR_FORMAT, "ak:sk:sts");
		assert_null(strstr(err.text, "secret"));
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 0);
	}
}

static void reads_no_token_outside_of_the_guests_folder(void **state)
{
	static const struct {
		const char *path; /* %s: the folder */
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "token", ERR_USAGE, "not absolute" },
		{ "", ERR_USAGE, "not absolute" },
		{ "/etc/passwd", ERR_USAGE, "does not lie below" },
		{ "%s/../../etc/passwd", ERR_USAGE, "does not lie below" },
		{ "%s/link", ERR_USAGE, "does not lie below" },
		{ "%s", ERR_USAGE, "does not lie below" },
		{ "/", ERR_USAGE, "does not lie below" },
		{ "%s/nothing", ERR_NOT_FOUND, "nothing" },
		{ "%s/token/x", ERR_IO, "token/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret secret = SECRET_NONE;
		struct stage stage;
		struct err err = ERR_NONE;
		const char *rest = cases[i].path;
		stage_begin(&stage, &good, &role);
		scene_file(&stage.scene, "token", CREDENTIAL);
		auto_free char *link = xasprintf("%s/link", stage.scene.folder);
		assert_int_equal(symlink("/etc/passwd", link), 0);
		bool below = strncmp(rest, "%s", 2) == 0;
		auto_free char *path =
				xasprintf("%s%s", below ? stage.scene.folder : "", below ? rest + 2 : rest);
		open_sts(&stage, path);
		assert_int_equal(get(&stage, &secret, &err), -1);
		failed_with(&err, cases[i].kind, cases[i].says);
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 0);
	}
}

static void refuses_a_token_too_long_for_a_url(void **state)
{
	auto_free char *file = xcalloc(1, 10000);
	auto_secret struct secret secret = SECRET_NONE;
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	memset(file, 'x', 9999);
	memcpy(file, "a:b:", 4);
	stage_begin(&stage, &good, &role);
	open_sts_with(&stage, file);
	assert_int_equal(get(&stage, &secret, &err), -1);
	failed_with(&err, ERR_LIMIT, "the request");
	stage_end(&stage);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_the_request_of_the_vector),
		cmocka_unit_test(asks_the_metadata_for_the_role),
		cmocka_unit_test(reports_what_the_metadata_says),
		cmocka_unit_test(refuses_a_role_that_is_none),
		cmocka_unit_test(reports_what_the_gateway_says),
		cmocka_unit_test(refuses_tokens_of_another_form),
		cmocka_unit_test(reads_no_token_outside_of_the_guests_folder),
		cmocka_unit_test(refuses_a_token_too_long_for_a_url),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
