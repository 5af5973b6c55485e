/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/kms.h"

#include "kms/kms_own.h"
#include "tests/kms/scene.h"

#define STS  "{\"client_type\":\"sts_token\",\"token_path\":\"/t\",\"region_id\":\"cn-hangzhou\"}"
#define ECS  "{\"client_type\":\"ecs_ram_role\"}"
#define AWS  "{\"region\":\"us-east-1\"}"
#define EHSM "{\"app_id\":\"app-1\",\"endpoint\":\"https://ehsm.example:9000\"}"

static void knows_the_folders_of_its_providers(void **state)
{
	(void)state;
	assert_string_equal(
			kms_folder("aliyun"), "/run/confidential-containers/cdh/kbs/kms-credential/aliyun");
	assert_string_equal(kms_folder("AWS"), "/run/confidential-containers/cdh/kbs/kms-credential/aws");
	assert_string_equal(kms_folder("eHSM"), "/run/confidential-containers/cdh/kbs/kms-credential/ehsm");
	assert_null(kms_folder("kbs"));
	assert_null(kms_folder(""));
}

static void writes_the_settings_it_reads_sorted(void **state)
{
	static const struct {
		const char *provider, *given, *written;
	} cases[] = {
		{ "Aliyun",
				"{\"z\":1,\"kms_instance_id\":\"kst-1\",\"client_type\":\"client_key\","
				"\"client_key_id\":\"KAAP.1\"}",
				"{\"client_key_id\":\"KAAP.1\",\"client_type\":\"client_key\",\"kms_instance_"
				"id\":"
				"\"kst-1\"}" },
		{ "aliyun", STS,
				"{\"client_type\":\"sts_token\",\"region_id\":\"cn-hangzhou\",\"token_path\":"
				"\"/t\"}" },
		{ "aliyun", "{\"client_type\":\"ecs_ram_role\",\"region_id\":\"x\"}", ECS },
		{ "AWS", "{\"region\":\"us-east-1\",\"a\":null}", AWS },
		{ "ehsm", "{\"endpoint\":\"http://127.0.0.1:18777\",\"app_id\":\"cocoon-app\"}",
				"{\"app_id\":\"cocoon-app\",\"endpoint\":\"http://127.0.0.1:18777\"}" },
	};
	struct scene scene;

	(void)state;
	scene_init(&scene);
	scene.options.endpoint = "https://localhost:1";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_kms struct kms *kms = scene_open(&scene, cases[i].provider, cases[i].given);
		auto_json json_t *settings = NULL;
		assert_int_equal(kms_settings(kms, &settings, NULL), 0);
		auto_free char *text = json_text(settings, false);
		assert_string_equal(text, cases[i].written);
	}
	scene_clear(&scene);
}

static void refuses_what_it_cannot_open(void **state)
{
	static const struct {
		const char *provider, *settings, *says;
	} cases[] = {
		{ "", AWS, "Unsupported provider: " },
		{ "kbs", "{}", "Unsupported provider: kbs" },
		{ "KBS", "{}", "Unsupported provider: KBS" },
		{ "azure", "{}", "Unsupported provider: azure" },
		{ "aws ", AWS, "Unsupported provider: aws " },
		{ "aws", "[]", "provider_settings is no object" },
		{ "aws", "{}", "provider_settings.region is missing" },
		{ "aws", "{\"region\":null}", "provider_settings.region is not a text" },
		{ "aws", "{\"region\":\"\"}", "region" },
		{ "aws", "{\"region\":\"x.evil.example/\"}", "region" },
		{ "aws", "{\"region\":\"a@b\"}", "region" },
		{ "aliyun", "{}", "client_type is missing" },
		{ "aliyun", "{\"client_type\":null}", "client_type is not a text" },
		{ "aliyun", "{\"client_type\":7}", "client_type is not a text" },
		{ "aliyun", "{\"client_type\":\"\"}", "client_type is none of" },
		{ "aliyun", "{\"client_type\":\"CLIENT_KEY\"}", "client_type is none of" },
		{ "aliyun", "{\"client_type\":\"pkcs11\"}", "client_type is none of" },
		{ "aliyun", "{\"client_type\":\"client_key\",\"kms_instance_id\":\"a\"}",
				"client_key_id is missing" },
		{ "aliyun", "{\"client_type\":\"client_key\",\"client_key_id\":\"a\"}",
				"kms_instance_id is missing" },
		{ "aliyun",
				"{\"client_type\":\"client_key\",\"client_key_id\":\"../"
				"x\",\"kms_instance_id\":"
				"\"a\"}",
				"client_key_id" },
		{ "aliyun",
				"{\"client_type\":\"client_key\",\"client_key_id\":\"a\",\"kms_instance_id\":"
				"\"a/b\"}",
				"kms_instance_id" },
		{ "aliyun",
				"{\"client_type\":\"client_key\",\"client_key_id\":\"..\",\"kms_instance_"
				"id\":"
				"\"a\"}",
				"client_key_id" },
		{ "aliyun",
				"{\"client_type\":\"client_key\",\"client_key_id\":\"a\",\"kms_instance_id\":"
				"\"evil.example#\"}",
				"kms_instance_id" },
		{ "aliyun", "{\"client_type\":\"sts_token\",\"region_id\":\"r\"}", "token_path is missing" },
		{ "aliyun", "{\"client_type\":\"sts_token\",\"token_path\":\"/t\"}", "region_id is missing" },
		{ "aliyun", "{\"client_type\":\"sts_token\",\"token_path\":\"/t\",\"region_id\":\"r:1\"}",
				"region_id" },
		{ "ehsm", "{\"app_id\":\"a\"}", "endpoint is missing" },
		{ "ehsm", "{\"endpoint\":\"https://h\"}", "app_id is missing" },
		{ "ehsm", "{\"app_id\":\"../a\",\"endpoint\":\"https://h\"}", "app_id" },
		{ "ehsm", "{\"app_id\":\"a\",\"endpoint\":\"h:9000\"}", "endpoint" },
		{ "ehsm", "{\"app_id\":\"a\",\"endpoint\":\"http://10.0.0.1:9000\"}", "https://" },
		{ "ehsm", "{\"app_id\":\"a\",\"endpoint\":\"https://h/?a=b\"}", "query" },
		{ "ehsm", "{\"app_id\":\"a\",\"endpoint\":\"https://u:p@h\"}", "endpoint" },
	};
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *settings = json_of(cases[i].settings);
		struct kms *kms = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(kms_open(cases[i].provider, settings, &scene.options, &kms, &err), -1);
		assert_null(kms);
		failed_with(&err, ERR_USAGE, cases[i].says);
	}
	scene_clear(&scene);
}

static void says_which_operation_a_provider_does_not_have(void **state)
{
	static const struct {
		const char *provider, *settings;
		bool envelope, vault;
	} cases[] = {
		{ "aliyun", STS, false, true },
		{ "aliyun", ECS, false, true },
		{ "ehsm", EHSM, true, false },
	};
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_kms struct kms *kms = scene_open(&scene, cases[i].provider, cases[i].settings);
		auto_secret struct secret out = SECRET_NONE;
		auto_buf struct buf cipher = BUF_MAX(100);
		json_t *annotations = NULL;
		struct err err = ERR_NONE;
		if (!cases[i].vault) {
			assert_int_equal(kms_get_secret(kms, "s", NULL, &out, &err), -1);
			failed_with(&err, ERR_USAGE, "cannot give secrets");
		}
		if (!cases[i].envelope) {
			assert_int_equal(kms_decrypt(kms, "k", SPAN_LIT("c"), NULL, &out, &err), -1);
			failed_with(&err, ERR_USAGE, "cannot decrypt keys");
			assert_int_equal(kms_encrypt(kms, "k", &out, &cipher, &annotations, &err), -1);
			failed_with(&err, ERR_USAGE, "cannot encrypt keys");
			assert_null(annotations);
		}
	}
	scene_clear(&scene);
}

static void writes_the_dates_of_both_forms(void **state)
{
	static const struct {
		const char *time, *fixdate, *basic;
	} cases[] = {
		{ "2026-01-01T00:00:00Z", "Thu, 01 Jan 2026 00:00:00 GMT", "20260101T000000Z" },
		{ "2026-11-22T02:38:54.9Z", "Sun, 22 Nov 2026 02:38:54 GMT", "20261122T023854Z" },
		{ "2024-02-29T23:59:59Z", "Thu, 29 Feb 2024 23:59:59 GMT", "20240229T235959Z" },
		{ "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "19700101T000000Z" },
		{ "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT", "19691231T235959Z" },
		{ "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT", "19941106T084937Z" },
	};
	char text[KMS_DATE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t wall = 0;
		assert_int_equal(clock_parse(span_of(cases[i].time), &wall, NULL), 0);
		assert_string_equal(kms_date(wall, text), cases[i].fixdate);
		assert_string_equal(kms_date_basic(wall, text), cases[i].basic);
	}
	kms_date(INT64_MAX, text);
	kms_date(INT64_MIN, text);
	kms_date_basic(INT64_MIN, text);
}

/* sealed/tree.h keeps whole numbers beyond jansson's as such a text */
static void a_number_in_disguise_is_no_text(void **state)
{
	auto_json json_t *object = json_pack("{s:s%}", "version_id", "\00018446744073709551615", (size_t)21);
	const char *text = "untouched";
	struct err err = ERR_NONE;

	(void)state;
	assert_non_null(object);
	assert_int_equal(kms_opt_text(object, "annotations", "version_id", &text, &err), -1);
	assert_string_equal(err.text, "annotations.version_id is not a text");
	assert_int_equal(kms_get_text(object, "annotations", "version_id", &text, NULL), -1);
	assert_string_equal(text, "untouched");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_folders_of_its_providers),
		cmocka_unit_test(writes_the_settings_it_reads_sorted),
		cmocka_unit_test(refuses_what_it_cannot_open),
		cmocka_unit_test(says_which_operation_a_provider_does_not_have),
		cmocka_unit_test(writes_the_dates_of_both_forms),
		cmocka_unit_test(a_number_in_disguise_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
