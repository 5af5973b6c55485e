/* SPDX-License-Identifier: Apache-2.0 */
/* What all providers have in common: broken connections, redirects, silence, answers without end. */
#include "kms/kms_own.h"
#include "tests/kms/double.h"

#define AWS_CREDENTIAL  "{\"access_key_id\":\"AKID\",\"secret_access_key\":\"hidden-key\"}"
#define EHSM_CREDENTIAL "{\"AppId\":\"app\",\"ApiKey\":\"hidden-key\"}"
#define BLOB            "b3BhcXVl"

static const struct reply broken = { .status = NULL };
static const struct reply silent = { .silent = true };
static const struct reply plain_answer = { .status = "200 OK",
	.body = SPAN_LIT("{\"code\":200,\"result\":{\"plaintext\":\"cGxhaW4=\",\"ciphertext\":\"Y2lwaGVy\"},"
			 "\"SecretString\":\"plain\"}") };

/* Random bytes that are others each time. */
static unsigned char turn;

static void random_turn(void *out, size_t len)
{
	memset(out, ++turn, len);
}

struct stage {
	struct scene scene;
	struct double_ service;
	struct kms *ehsm;
	struct kms *aws;
};

static void stage_begin(struct stage *stage, const struct reply *replies, size_t count)
{
	*stage = (struct stage){ .service = { .replies = replies, .count = count } };
	scene_init(&stage->scene);
	stage->scene.options.random = random_turn;
	double_start(&stage->service, NULL);
	stage->scene.options.endpoint = stage->service.base;
	scene_file(&stage->scene, "credential.json", AWS_CREDENTIAL);
	scene_file(&stage->scene, "credential_app.json", EHSM_CREDENTIAL);
	stage->ehsm = scene_open(&stage->scene, "ehsm", "{\"app_id\":\"app\",\"endpoint\":\"https://h\"}");
	stage->aws = scene_open(&stage->scene, "aws", "{\"region\":\"us-east-1\"}");
}

static void stage_end(struct stage *stage)
{
	double_clear(&stage->service);
	kms_free(stage->ehsm);
	kms_free(stage->aws);
	scene_clear(&stage->scene);
}

typedef int (*operation)(struct stage *stage, struct err *err);

static int decrypt(struct stage *stage, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	int result = kms_decrypt(stage->ehsm, "k", SPAN_LIT(BLOB), NULL, &plain, err);

	assert_true(result < 0 || secret_is(&plain, SPAN_LIT("plain")));
	return result;
}

static int encrypt(struct stage *stage, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(100);
	auto_json json_t *annotations = NULL;

	assert_int_equal(secret_from_span(&plain, SPAN_LIT("hidden-plain"), NULL), 0);
	int result = kms_encrypt(stage->ehsm, "k", &plain, &cipher, &annotations, err);
	assert_string_equal(buf_text(&cipher), result < 0 ? "" : "Y2lwaGVy");
	assert_true(result < 0 ? !annotations : json_object_size(annotations) == 0);
	return result;
}

static int get_secret(struct stage *stage, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	int result = kms_get_secret(stage->aws, "s", NULL, &plain, err);

	assert_true(result < 0 || secret_is(&plain, SPAN_LIT("plain")));
	return result;
}

static const operation operations[] = { decrypt, encrypt, get_secret };
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void asks_once_more_when_the_connection_broke(void **state)
{
	const struct reply replies[] = { broken, plain_answer };

	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, replies, 2);
		if (operations[i](&stage, &err) < 0)
			fail_msg("%s", err.text);
		double_stop(&stage.service);
		assert_int_equal(stage.service.seen, 2);
		/* a service that keeps nonces would refuse the same one again; AWS has none */
		if (operations[i] != get_secret)
			assert_string_not_equal(
					double_request(&stage.service, 0), double_request(&stage.service, 1));
		stage_end(&stage);
	}
}

static void asks_twice_at_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &broken, 1);
		assert_int_equal(operations[i](&stage, &err), -1);
		failed_with(&err, ERR_IO, "key service ");
		assert_null(strstr(err.text, "hidden"));
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 2);
	}
}

static void follows_no_redirect(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		static const struct reply elsewhere = { .status = "200 OK" };
		struct double_ other = { .replies = &elsewhere, .count = 1 };
		struct stage stage;
		struct err err = ERR_NONE;
		double_start(&other, NULL);
		auto_free char *field = xasprintf("Location: %s/\r\n", other.base);
		struct reply redirect = { .status = "307 Temporary Redirect", .fields = field };
		stage_begin(&stage, &redirect, 1);
		assert_int_equal(operations[i](&stage, &err), -1);
		failed_with(&err, ERR_DENIED, "HTTP 307: the service redirects, which is not followed");
		stage_end(&stage);
		double_stop(&other);
		assert_int_equal(atomic_load(&other.peer.connections), 0);
		double_clear(&other);
		assert_int_equal(stage.service.seen, 1);
	}
}

static void waits_no_longer_than_its_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &silent, 1);
		/* of 30 seconds, 100 milliseconds are left when the request goes out */
		stage.scene.step = 29900 * CLOCK_SECOND / 1000;
		assert_int_equal(operations[i](&stage, &err), -1);
		failed_with(&err, ERR_RETRY, "key service ");
		stage_end(&stage);
		assert_true(stage.service.seen <= 1);
	}
}

static void does_not_ask_again_when_its_time_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &broken, 1);
		stage.scene.step = 20 * CLOCK_SECOND;
		assert_int_equal(operations[i](&stage, &err), -1);
		failed_with(&err, ERR_RETRY, "within the time");
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 1);
	}
}

static void takes_no_answer_without_end(void **state)
{
	auto_free char *big = xcalloc(1, 400 * 1024);
	struct reply reply = { .status = "200 OK", .body = { big, 400 * 1024 } };

	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct stage stage;
		struct err err = ERR_NONE;
		stage_begin(&stage, &reply, 1);
		assert_int_equal(operations[i](&stage, &err), -1);
		failed_with(&err, ERR_LIMIT, "exceeds");
		stage_end(&stage);
		assert_int_equal(stage.service.seen, 1);
	}
}

static void says_when_nobody_is_there(void **state)
{
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &plain_answer, 1);
	double_stop(&stage.service);
	assert_int_equal(decrypt(&stage, &err), -1);
	failed_with(&err, ERR_IO, "key service ehsm: POST http://127.0.0.1:");
	stage_end(&stage);
}

static void sends_nothing_in_the_clear_to_others(void **state)
{
	struct stage stage;

	(void)state;
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct err err = ERR_NONE;
		stage_begin(&stage, &plain_answer, 1);
		free(stage.ehsm->endpoint);
		free(stage.aws->endpoint);
		stage.ehsm->endpoint = xstrdup("http://192.0.2.1:8080");
		stage.aws->endpoint = xstrdup("http://kms.example");
		assert_int_equal(operations[i](&stage, &err), -1);
		failed_with(&err, ERR_USAGE, "needs https://");
		stage_end(&stage);
	}
}

static void reads_its_credentials_anew_each_time(void **state)
{
	struct stage stage;
	struct err err = ERR_NONE;

	(void)state;
	stage_begin(&stage, &plain_answer, 1);
	assert_int_equal(decrypt(&stage, &err), 0);
	scene_file(&stage.scene, "credential_app.json", "{\"AppId\":\"other\",\"ApiKey\":\"k\"}");
	assert_int_equal(decrypt(&stage, &err), 0);
	double_stop(&stage.service);
	assert_non_null(strstr(double_request(&stage.service, 0), "\"appid\":\"app\""));
	assert_non_null(strstr(double_request(&stage.service, 1), "\"appid\":\"other\""));
	stage_end(&stage);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_once_more_when_the_connection_broke),
		cmocka_unit_test(asks_twice_at_most),
		cmocka_unit_test(follows_no_redirect),
		cmocka_unit_test(waits_no_longer_than_its_time),
		cmocka_unit_test(does_not_ask_again_when_its_time_is_over),
		cmocka_unit_test(takes_no_answer_without_end),
		cmocka_unit_test(says_when_nobody_is_there),
		cmocka_unit_test(sends_nothing_in_the_clear_to_others),
		cmocka_unit_test(reads_its_credentials_anew_each_time),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
