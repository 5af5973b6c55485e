/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's side, beside what the real broker answered to the same tokens. */
#include "kbs/admin.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "crypto/init.h"
#include "crypto/secret.h"
#include "jose/jws.h"
#include "kbs/message.h"
#include "net/http.h"
#include "tests/kbs/recordings.h"
#include "tests/kbs/replay.h"

#define NOW INT64_C(1800000000)

struct scene {
	struct replay replay;
	char dir[32];
	struct clock clock;
	/* what is answered: a recorded exchange, or a status */
	const json_t *exchange;
	int status;
	/* what was asked */
	unsigned asked;
	char method[16], target[2048], authorization[4096], type[128], length[32];
	struct buf body;
};

static int64_t standing(void *ctx)
{
	(void)ctx;
	return NOW * CLOCK_SECOND;
}

static void answer(void *ctx, const struct asked *asked, struct said *said)
{
	struct scene *scene = ctx;

	scene->asked++;
	memcpy(scene->method, asked->method, sizeof(scene->method));
	memcpy(scene->target, asked->target, sizeof(scene->target));
	asked_field(asked, "Authorization", scene->authorization, sizeof(scene->authorization));
	asked_field(asked, "Content-Type", scene->type, sizeof(scene->type));
	asked_field(asked, "Content-Length", scene->length, sizeof(scene->length));
	buf_reset(&scene->body);
	buf_puts(&scene->body, asked->body);
	said->status = scene->exchange ? recorded_status(scene->exchange) : scene->status;
	said->type = NULL;
	buf_puts(&said->body, scene->exchange ? recorded_answer(scene->exchange) : "");
}

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){ .dir = "/tmp/test-admin-XXXXXX", .status = 200, .body = BUF_MAX(1 << 20) };
	assert_non_null(mkdtemp(scene->dir));
	scene->clock = (struct clock){ standing, standing, NULL };
	scene->replay = (struct replay){ .answer = answer, .ctx = scene };
	replay_start(&scene->replay);
}

static void scene_close(struct scene *scene)
{
	static const char *const names[] = { "key", "token", "claims", "ca" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", scene->dir, names[i]);
		unlink(path);
	}
	rmdir(scene->dir);
	replay_stop(&scene->replay);
	buf_clear(&scene->body);
}
#define auto_scene __attribute__((cleanup(scene_close)))

/* The path of a file with that text; the caller frees. */
static char *scene_file(const struct scene *scene, const char *name, struct span text)
{
	char *path = xasprintf("%s/%s", scene->dir, name);

	assert_int_equal(fs_write_atomic(path, text, 0600, NULL), 0);
	return path;
}

static struct kbs_admin *admin_of(const struct scene *scene, struct kbs_admin_options options)
{
	auto_free char *url = xasprintf("http://127.0.0.1:%u/", (unsigned)scene->replay.port);
	struct kbs_admin *admin = NULL;
	struct err err = ERR_NONE;

	options.url = options.url ? options.url : url;
	options.user_agent = "test/1";
	options.clock = &scene->clock;
	if (kbs_admin_open(&options, &admin, &err) < 0)
		fail_msg("%s", err.text);
	return admin;
}

/* ---- recorded calls ---- */

static void decode_policy(const json_t *sent, struct buf *out)
{
	assert_int_equal(b64url_decode(span_of(json_text_at(sent, "policy", NULL)), out, NULL), 0);
}

static int set_reference_value(struct kbs_admin *admin, const json_t *sent, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(4096);
	auto_json json_t *values = NULL;
	const char *payload = json_text_at(sent, "payload", NULL);

	assert_int_equal(b64_decode(span_of(payload), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 4096, &values, NULL), 0);
	const char *name = json_object_iter_key(json_object_iter(values));
	return kbs_admin_reference_value(admin, name, json_object_get(values, name), err);
}

/* Does with the client what the recorded request did; false: the client has no such call. */
static bool call(struct kbs_admin *admin, const json_t *exchange, int *status, struct err *err)
{
	const char *target = recorded_target(exchange), *body = recorded_request(exchange);
	bool is_get = !strcmp(json_text_at(exchange, "request", "method", NULL), "GET");
	bool is_delete = !strcmp(json_text_at(exchange, "request", "method", NULL), "DELETE");
	auto_buf struct buf policy = BUF_MAX(4096);
	auto_json json_t *sent = json_loads(body, 0, NULL);
	struct kbs_uri uri;

	if (is_get || (!sent && body[0] == '{') || (sent && !json_object_size(sent)))
		return false;
	if (span_starts(span_of(target), KBS_PREFIX "/resource/")) {
		auto_free char *text = xasprintf("kbs:///%s", target + strlen(KBS_PREFIX "/resource/"));
		assert_int_equal(kbs_uri_parse(span_of(text), &uri, NULL), 0);
		*status = is_delete ? kbs_admin_delete(admin, &uri, err)
				    : kbs_admin_put(admin, &uri, span_of(body), err);
	} else if (!strcmp(target, KBS_PREFIX "/resource-policy")) {
		decode_policy(sent, &policy);
		*status = kbs_admin_resource_policy(admin, buf_span(&policy), err);
	} else if (!strcmp(target, KBS_PREFIX "/attestation-policy")) {
		decode_policy(sent, &policy);
		*status = kbs_admin_attestation_policy(
				admin, json_text_at(sent, "policy_id", NULL), buf_span(&policy), err);
	} else {
		*status = set_reference_value(admin, sent, err);
	}
	return true;
}

static const char *recorded_authorization(const json_t *exchange)
{
	size_t i = 0;
	json_t *field = NULL;

	json_array_foreach (json_object_get(json_object_get(exchange, "request"), "headers"), i, field)
		if (!strcasecmp(json_string_value(json_array_get(field, 0)), "Authorization"))
			return json_string_value(json_array_get(field, 1));
	return "";
}

static void check_call(struct scene *scene, const json_t *exchange, unsigned *count)
{
	const char *name = json_text_at(exchange, "name", NULL);
	const char *authorization = recorded_authorization(exchange);
	bool has = authorization[0] != '\0';
	auto_free char *token =
			scene_file(scene, "token", span_of(has ? authorization + strlen("Bearer ") : ""));
	struct err err = ERR_NONE;
	int status = 0;

	/* what is no token, and what is no name of a resource, is found out before it is sent */
	if (strstr(name, "garbage") || strstr(name, "alg-none") || strchr(recorded_target(exchange), '?'))
		return;
	scene->exchange = exchange;
	auto_kbs_admin struct kbs_admin *admin =
			admin_of(scene, (struct kbs_admin_options){ .token_file = has ? token : NULL });
	if (!call(admin, exchange, &status, &err))
		return;
	assert_string_equal(scene->method, json_text_at(exchange, "request", "method", NULL));
	assert_string_equal(scene->target, recorded_target(exchange));
	assert_string_equal(buf_text(&scene->body), recorded_request(exchange));
	assert_string_equal(scene->authorization, authorization);
	if (status != (recorded_status(exchange) == 200 ? 0 : -1))
		fail_msg("%s: %s", name, err.text);
	if (status < 0) {
		auto_json json_t *said = json_loads(recorded_answer(exchange), 0, NULL);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_non_null(strstr(err.text, json_text_at(said, "detail", NULL)));
		assert_non_null(strstr(err.text, "look at the administrator's key"));
	}
	++*count;
}

static void asks_as_the_recorded_clients_and_tells_the_answers(void **state)
{
	auto_json json_t *doc = recording_load("admin-authenticated.json");
	auto_scene struct scene scene;
	unsigned count = 0;
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	scene_open(&scene);
	json_array_foreach (json_object_get(doc, "exchanges"), i, entry)
		check_call(&scene, entry, &count);
	json_array_foreach (json_object_get(doc, "deny_all"), i, entry)
		check_call(&scene, entry, &count);
	assert_true(count >= 25);
}

static void tells_other_refusals_from_those_of_the_administrator(void **state)
{
	static const char *const names[] = { "admin-set-resource-bad-name", "admin-delete-resource-again",
		"admin-reference-value-other-version", "admin-set-resource-policy-syntax-error" };
	auto_json json_t *doc = recording_load("admin-open.json");
	auto_scene struct scene scene;
	struct kbs_uri uri;

	(void)state;
	scene_open(&scene);
	auto_kbs_admin struct kbs_admin *admin = admin_of(&scene, (struct kbs_admin_options){ .role = NULL });
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c"), &uri, NULL), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct err err = ERR_NONE;
		scene.exchange = recording_exchange(doc, names[i]);
		assert_int_equal(kbs_admin_put(admin, &uri, SPAN_LIT("x"), &err), -1);
		if (err.kind != ERR_DENIED || strstr(err.text, "look at"))
			fail_msg("%s: %s", names[i], err.text);
	}
	assert_string_equal(scene.authorization, "");
}

/* ---- tokens ---- */

static char *key_file(const struct scene *scene, const char *name)
{
	auto_json json_t *keys = recording_load("keys.json");
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret pem = SECRET_NONE;

	recorded_key(json_object_get(keys, name), &key);
	assert_int_equal(pkey_format_private(key.key, &pem, NULL), 0);
	return scene_file(scene, "key", secret_span(&pem));
}

static void signs_tokens_that_the_recorded_configuration_takes(void **state)
{
	static const struct {
		const char *key;
		const char *header;
	} cases[] = {
		{ "admin", "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}" },
		{ "tee_p256", "{\"alg\":\"ES256\",\"typ\":\"JWT\"}" },
		{ "tee_p384", "{\"alg\":\"ES384\",\"typ\":\"JWT\"}" },
		{ "tee_p521", "{\"alg\":\"ES512\",\"typ\":\"JWT\"}" },
	};
	auto_json json_t *keys = recording_load("keys.json");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_scene struct scene scene;
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_jws struct jws jws = JWS_NONE;
		auto_json json_t *claims = NULL;
		scene_open(&scene);
		auto_free char *key = key_file(&scene, cases[i].key);
		auto_free char *more = scene_file(&scene, "claims",
				SPAN_LIT("{\"iss\":\"cocoon-test\",\"aud\":\"KBS\",\"exp\":1}"));
		auto_kbs_admin struct kbs_admin *admin = admin_of(&scene,
				(struct kbs_admin_options){
						.key_file = key, .claims_file = more, .role = "publisher" });
		assert_int_equal(kbs_admin_resource_policy(admin, SPAN_LIT("package policy\n"), NULL), 0);
		assert_true(span_starts(span_of(scene.authorization), "Bearer "));
		assert_int_equal(jws_read(span_of(scene.authorization + strlen("Bearer ")), &jws, NULL), 0);
		assert_string_equal(buf_text(&jws.head), cases[i].header);
		recorded_key(json_object_get(keys, cases[i].key), &jwk);
		jwk.alg[0] = '\0';
		assert_int_equal(jws_verify(&jws, &jwk, NULL), 0);
		assert_int_equal(json_read(buf_span(&jws.payload), 4096, &claims, NULL), 0);
		assert_string_equal(json_text_at(claims, "role", NULL), "publisher");
		assert_string_equal(json_text_at(claims, "iss", NULL), "cocoon-test");
		assert_string_equal(json_text_at(claims, "aud", NULL), "KBS");
		assert_int_equal(json_integer_value(json_at(claims, "iat", NULL)), NOW);
		assert_int_equal(json_integer_value(json_at(claims, "nbf", NULL)), NOW);
		assert_int_equal(json_integer_value(json_at(claims, "exp", NULL)), NOW + 7200);
	}
}

/* ---- bodies ---- */

static void sends_resources_as_they_are(void **state)
{
	auto_scene struct scene scene;
	struct kbs_uri uri, plugin;

	(void)state;
	scene_open(&scene);
	auto_kbs_admin struct kbs_admin *admin = admin_of(&scene, (struct kbs_admin_options){ .role = NULL });
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c"), &uri, NULL), 0);
	assert_int_equal(kbs_admin_put(admin, &uri, SPAN_LIT("bytes"), NULL), 0);
	assert_string_equal(scene.type, "application/octet-stream");
	assert_string_equal(buf_text(&scene.body), "bytes");
	assert_int_equal(kbs_admin_put(admin, &uri, SPAN_NONE, NULL), 0);
	assert_string_equal(scene.method, "POST");
	assert_string_equal(scene.length, "0");
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs+provisioner:///provision/x?y=1"), &plugin, NULL), 0);
	assert_int_equal(kbs_admin_delete(admin, &plugin, NULL), 0);
	assert_string_equal(scene.target, KBS_PREFIX "/provisioner/provision/x?y=1");
}

static void keeps_a_path_in_the_url_unless_told_otherwise(void **state)
{
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene);
	auto_free char *url = xasprintf("http://127.0.0.1:%u/behind/a/proxy/", (unsigned)scene.replay.port);
	auto_kbs_admin struct kbs_admin *kept = admin_of(&scene, (struct kbs_admin_options){ .url = url });
	auto_kbs_admin struct kbs_admin *replaced =
			admin_of(&scene, (struct kbs_admin_options){ .url = url, .origin_only = true });
	assert_int_equal(kbs_admin_resource_policy(kept, SPAN_LIT("x"), NULL), 0);
	assert_string_equal(scene.target, "/behind/a/proxy" KBS_PREFIX "/resource-policy");
	assert_int_equal(kbs_admin_resource_policy(replaced, SPAN_LIT("x"), NULL), 0);
	assert_string_equal(scene.target, KBS_PREFIX "/resource-policy");
}

static void refuses_what_no_broker_takes(void **state)
{
	auto_scene struct scene scene;
	auto_free char *large = xmalloc(KBS_BODY_MAX + 1);
	auto_json json_t *one = json_integer(1);
	struct err err = ERR_NONE;
	struct kbs_uri uri, four;

	(void)state;
	scene_open(&scene);
	auto_kbs_admin struct kbs_admin *admin = admin_of(&scene, (struct kbs_admin_options){ .role = NULL });
	memset(large, 'a', KBS_BODY_MAX + 1);
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c"), &uri, NULL), 0);
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c/d"), &four, NULL), 0);
	assert_int_equal(kbs_admin_put(admin, &uri, span_new(large, KBS_BODY_MAX + 1), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(kbs_admin_put(admin, &four, SPAN_LIT("x"), NULL), -1);
	assert_int_equal(kbs_admin_resource_policy(admin, SPAN_LIT("\xff"), &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(kbs_admin_attestation_policy(admin, "default", SPAN_LIT("x"), &err), -1);
	assert_non_null(strstr(err.text, "default_cpu"));
	assert_int_equal(kbs_admin_attestation_policy(admin, "", SPAN_LIT("x"), NULL), -1);
	assert_int_equal(kbs_admin_reference_value(admin, "", one, NULL), -1);
	assert_int_equal(kbs_admin_reference_value(admin, "\xff", one, NULL), -1);
	assert_int_equal(scene.asked, 0);
	assert_int_equal(kbs_admin_put(admin, &uri, span_new(large, KBS_BODY_MAX), NULL), 0);
}

static void takes_no_success_but_2xx_for_one(void **state)
{
	static const struct {
		int status;
		enum err_kind kind;
	} cases[] = { { 200, ERR_OK }, { 204, ERR_OK }, { 302, ERR_DENIED }, { 401, ERR_AUTH },
		{ 403, ERR_AUTH }, { 404, ERR_DENIED }, { 413, ERR_DENIED }, { 500, ERR_DENIED } };
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene);
	auto_kbs_admin struct kbs_admin *admin = admin_of(&scene, (struct kbs_admin_options){ .role = NULL });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		scene.status = cases[i].status;
		int status = kbs_admin_resource_policy(admin, SPAN_LIT("x"), &err);
		assert_int_equal(status, cases[i].kind == ERR_OK ? 0 : -1);
		assert_int_equal(err.kind, cases[i].kind);
	}
}

static void refuses_settings_that_cannot_work(void **state)
{
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene);
	auto_free char *rsa = key_file(&scene, "tee_rsa");
	auto_free char *garbage = scene_file(&scene, "token", SPAN_LIT("garbage"));
	auto_free char *list = scene_file(&scene, "claims", SPAN_LIT("[]"));
	auto_free char *ca = scene_file(&scene, "ca", SPAN_LIT("no certificate"));
	auto_free char *empty = scene_file(&scene, "empty", SPAN_NONE);
	const struct {
		const char *name;
		struct kbs_admin_options options;
		enum err_kind kind;
	} cases[] = {
		{ "an RSA key", { .key_file = rsa }, ERR_USAGE },
		{ "key and token", { .key_file = rsa, .token_file = garbage }, ERR_USAGE },
		{ "no token", { .token_file = garbage }, ERR_USAGE },
		{ "no file", { .token_file = "/nowhere/at/all" }, ERR_NOT_FOUND },
		{ "no object", { .claims_file = list }, ERR_USAGE },
		{ "no certificate", { .ca_file = ca }, ERR_USAGE },
		{ "an empty file of certificates", { .ca_file = empty }, ERR_USAGE },
		{ "a role that is no text", { .role = "\xff" }, ERR_USAGE },
		{ "no URL", { .url = "kbs.example" }, ERR_USAGE },
		{ "a query", { .url = "https://kbs.example?x" }, ERR_USAGE },
		{ "plain http", { .url = "http://kbs.example" }, ERR_USAGE },
		{ "plain http, as asked for", { .url = "http://kbs.example", .plain_http = true }, ERR_OK },
		{ "plain http to ourselves", { .url = "http://[::1]:1" }, ERR_OK },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kbs_admin_options options = cases[i].options;
		auto_kbs_admin struct kbs_admin *admin = NULL;
		struct err err = ERR_NONE;
		options.url = options.url ? options.url : "https://kbs.example";
		options.user_agent = "test/1";
		options.clock = &scene.clock;
		int status = kbs_admin_open(&options, &admin, &err);
		if (err.kind != cases[i].kind || status != (cases[i].kind == ERR_OK ? 0 : -1))
			fail_msg("%s: %s %s", cases[i].name, err_kind_name(err.kind), err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_as_the_recorded_clients_and_tells_the_answers),
		cmocka_unit_test(tells_other_refusals_from_those_of_the_administrator),
		cmocka_unit_test(signs_tokens_that_the_recorded_configuration_takes),
		cmocka_unit_test(sends_resources_as_they_are),
		cmocka_unit_test(keeps_a_path_in_the_url_unless_told_otherwise),
		cmocka_unit_test(refuses_what_no_broker_takes),
		cmocka_unit_test(takes_no_success_but_2xx_for_one),
		cmocka_unit_test(refuses_settings_that_cannot_work),
	};

	if (crypto_init(false, NULL) < 0 || http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
