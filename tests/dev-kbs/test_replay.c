/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that the real service was recorded to be asked is asked of ours, in the order in which it was, with the
 * same challenges at the same times; the replies must be equal: status, the fields that a handler gives, and the body.
 * Tokens are equal byte for byte but for the signature, which must be the recorded key's; answers that are sealed are
 * opened with the recorded key of the TEE.
 *
 * What differs: the words of Rego's compiler (opa's, not regorus's). `connection: close` is the server's matter.
 */
#include "base/b64.h"
#include "base/hex.h"
#include "jose/jwe.h"
#include "jose/jws.h"
#include "kbs/message.h"
#include "tests/dev-kbs/stage.h"
#include "tests/kbs/recordings.h"

#include <time.h>

static struct stage stage;
static unsigned char made_up[48]; /* nonce and id of the next challenge */
static size_t made_up_at = sizeof(made_up);

static void give_made_up(void *out, size_t len)
{
	assert_true(made_up_at + len <= sizeof(made_up));
	memcpy(out, made_up + made_up_at, len);
	made_up_at += len;
}

/* ---- asking ---- */

/* Seconds of "kbs-session-id=…; Expires=Sun, 22 Nov 2026 03:04:35 GMT". */
static int64_t expiry(const char *cookie)
{
	const char *date = strstr(cookie, "Expires=");
	struct tm parts = { .tm_year = 0 };

	assert_non_null(date);
	assert_non_null(strptime(date + strlen("Expires="), "%a, %d %b %Y %H:%M:%S GMT", &parts));
	return timegm(&parts);
}

/* The claims of a JWT. */
static json_t *claims_of(const char *token)
{
	auto_jws struct jws jws = JWS_NONE;
	json_t *claims = NULL;

	assert_int_equal(jws_read(span_of(token), &jws, NULL), 0);
	assert_int_equal(json_read(buf_span(&jws.payload), JWS_MAX, &claims, NULL), 0);
	return claims;
}

/* The recorded challenge and time, where the exchange tells them. */
static void set_scene(const json_t *exchange)
{
	const char *cookie = recorded_field(exchange, "set-cookie");
	json_t *answer = NULL;
	size_t len = 0;

	made_up_at = sizeof(made_up);
	if (!cookie)
		return;
	assert_int_equal(json_read(span_of(recorded_answer(exchange)), RECORDING_MAX, &answer, NULL), 0);
	const char *nonce = json_text_at(answer, "nonce", NULL), *token = json_text_at(answer, "token", NULL);
	if (nonce) {
		const char *id = cookie + strlen("kbs-session-id=");
		stage.now = expiry(cookie) - 300;
		assert_int_equal(b64_decode_raw(span_of(nonce), made_up, &len, NULL), 0);
		assert_int_equal(len, 32);
		assert_int_equal(hex_decode_raw(span_new(id, 32), made_up + 32, 16, NULL), 0);
		made_up_at = 0;
	} else if (token) {
		auto_json json_t *claims = claims_of(token);
		stage.now = json_integer_value(json_object_get(claims, "iat"));
	}
	json_decref(answer);
}

static const char *sent_field(const json_t *exchange, const char *name)
{
	json_t *field = NULL;
	size_t i = 0;

	json_array_foreach (json_at(exchange, "request", "headers", NULL), i, field)
		if (!strcasecmp(json_string_value(json_array_get(field, 0)), name))
			return json_string_value(json_array_get(field, 1));
	return NULL;
}

static void put_body(const json_t *exchange, struct buf *out)
{
	const json_t *repeat = json_at(exchange, "request", "body_repeat", NULL);
	const char *text = json_text_at(exchange, "request", "body_base64", NULL);
	size_t count = (size_t)json_integer_value(json_object_get(repeat, "count"));

	if (text)
		assert_int_equal(b64_decode(span_of(text), out, NULL), 0);
	else if (repeat)
		memset(buf_room(out, count), 'a', count), buf_grew(out, count);
	else
		buf_puts(out, recorded_request(exchange));
}

/* ---- comparing ---- */

static void same_token(const char *name, const char *recorded, const char *ours)
{
	auto_json json_t *keys = recording_load("keys.json");
	auto_jwk struct jwk signer = JWK_NONE;
	auto_jws struct jws jws = JWS_NONE;
	size_t covered = (size_t)(strrchr(recorded, '.') - recorded);

	if (strncmp(recorded, ours, covered + 1) != 0)
		fail_msg("%s: the token differs:\n%s\n%s", name, recorded, ours);
	recorded_key(json_object_get(keys, "token_signer_public"), &signer);
	assert_int_equal(jws_read(span_of(ours), &jws, NULL), 0);
	assert_int_equal(jws_verify(&jws, &signer, NULL), 0);
}

static void same_header(const char *name, const char *recorded, const char *ours)
{
	auto_buf struct buf a = BUF_MAX(4096), b = BUF_MAX(4096);
	auto_json json_t *left = NULL, *right = NULL;

	assert_int_equal(b64url_decode(span_of(recorded), &a, NULL), 0);
	assert_int_equal(b64url_decode(span_of(ours), &b, NULL), 0);
	assert_int_equal(json_read(buf_span(&a), 4096, &left, NULL), 0);
	assert_int_equal(json_read(buf_span(&b), 4096, &right, NULL), 0);
	/* the ephemeral key is new each time; its members' names are not */
	json_t *epk = json_object_get(left, "epk"), *ours_epk = json_object_get(right, "epk");
	for (size_t i = 0; i < 2; i++) {
		const char *member = i ? "y" : "x";
		if (epk && json_object_get(ours_epk, member))
			json_object_set(epk, member, json_object_get(ours_epk, member));
	}
	auto_free char *x = json_text(left, false), *y = json_text(right, false);
	if (strcmp(x, y) != 0)
		fail_msg("%s: the protected header differs: %s instead of %s", name, y, x);
}

/* The recorded answer is a JWE: ours has the same form and opens to the same. */
static void same_sealed(
		const char *name, const json_t *exchange, const json_t *recorded, const json_t *answer)
{
	auto_json json_t *keys = recording_load("keys.json");
	auto_buf struct buf expected = BUF_MAX(4096);
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE;
	const json_t *opened = json_object_get(exchange, "jwe_opened");
	const char *text = json_text_at(opened, "plaintext_text", NULL),
		   *kind = json_text_at(opened, "tee_key", NULL);
	const char *base64 = json_text_at(opened, "plaintext_base64", NULL);
	auto_free char *key_name = xasprintf("tee_%s", kind ? kind : "p256");
	struct err err = ERR_NONE;
	json_t *value;
	const char *member;

	json_object_foreach ((json_t *)(uintptr_t)recorded, member, value)
		assert_non_null(json_object_get(answer, member));
	assert_int_equal(json_object_size(recorded), json_object_size(answer));
	same_header(name, json_text_at(recorded, "protected", NULL), json_text_at(answer, "protected", NULL));
	recorded_key(json_object_get(keys, key_name), &key);
	/* the one alg that a key must ask for */
	if (strstr(name, "rsa15"))
		snprintf(key.alg, sizeof(key.alg), "RSA1_5");
	if (jwe_open(&key, buf_span(&stage.reply.body), &plain, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	if (base64)
		assert_int_equal(b64_decode(span_of(base64), &expected, NULL), 0);
	else
		buf_puts(&expected, text ? text : "");
	assert_true(secret_is(&plain, buf_span(&expected)));
}

static void same_body(const char *name, const json_t *exchange)
{
	static const char compiler[] =
			"{\"type\":\"" KBS_ERROR_TYPE "PolicyEngineError\",\"detail\":\"Policy engine error: "
			"Failed to load policy: ";
	const char *recorded = recorded_answer(exchange), *ours = stage_body(&stage);
	auto_json json_t *left = NULL, *right = NULL;

	if (strncmp(recorded, compiler, strlen(compiler)) == 0 &&
			strncmp(ours, compiler, strlen(compiler)) == 0)
		return;
	if (recorded[0] == '{' && json_read(span_of(recorded), RECORDING_MAX, &left, NULL) == 0 &&
			json_read(span_of(ours), RECORDING_MAX, &right, NULL) == 0) {
		const char *token = json_text_at(left, "token", NULL),
			   *our_token = json_text_at(right, "token", NULL);
		if (token && our_token) {
			same_token(name, token, our_token);
			return;
		}
		if (json_object_get(left, "protected") && json_object_get(right, "protected")) {
			same_sealed(name, exchange, left, right);
			return;
		}
	}
	if (strcmp(recorded, ours) != 0)
		fail_msg("%s: the body is\n%s\ninstead of\n%s", name, ours, recorded);
}

static void same_field(const char *name, const char *field, const json_t *exchange, const char *ours)
{
	const char *recorded = recorded_field(exchange, field);

	if (!recorded != !ours || (recorded && strcmp(recorded, ours) != 0))
		fail_msg("%s: %s is %s instead of %s", name, field, ours ? ours : "absent",
				recorded ? recorded : "absent");
}

static void replay(const json_t *exchange)
{
	const char *name = json_text_at(exchange, "name", NULL), *cookie = stage.reply.set_cookie;
	auto_buf struct buf body = BUF_MAX(RECORDING_MAX * 3);
	const struct stage_fields fields = { .authorization = sent_field(exchange, "authorization"),
		.cookie = sent_field(exchange, "cookie") };

	set_scene(exchange);
	put_body(exchange, &body);
	int status = stage_ask(&stage, json_text_at(exchange, "request", "method", NULL),
			recorded_target(exchange), fields, buf_span(&body));
	if (status != recorded_status(exchange))
		fail_msg("%s: %d instead of %d: %s", name, status, recorded_status(exchange),
				stage_body(&stage));
	same_field(name, "content-type", exchange, stage.reply.content_type);
	same_field(name, "set-cookie", exchange, cookie[0] ? cookie : NULL);
	same_field(name, "allow", exchange, stage.reply.allow);
	same_body(name, exchange);
}

/* From one exchange of a file to another; NULL: from its first, to its last. Returns how many. */
static size_t replay_part(const char *file, const char *list, const char *from, const char *to)
{
	auto_json json_t *doc = recording_load(file);
	size_t i = 0, count = 0;
	json_t *exchange = NULL;
	bool inside = !from;

	json_array_foreach (json_object_get(doc, list), i, exchange) {
		const char *name = json_text_at(exchange, "name", NULL);
		inside = inside || (from && strcmp(name, from) == 0);
		if (!inside)
			continue;
		replay(exchange);
		count++;
		if (to && strcmp(name, to) == 0)
			break;
	}
	assert_true(count > 0);
	return count;
}

/* ---- the runs ---- */

static char *recorded_file(const char *name)
{
	auto_json json_t *files = recording_load("files.json");

	return stage_file(&stage, name, json_text_at(files, name, NULL));
}

static void begin(void)
{
	stage_init(&stage);
	stage.options.random = give_made_up;
	stage.options.opa = stage_opa();
}

/* Opens what it was given and lets go of the paths. */
static void open_with(char *one, char *two, char *three)
{
	stage_open(&stage);
	free(one);
	free(two);
	free(three);
}

static size_t of_main_run(bool storage)
{
	static const struct {
		const char *file, *from, *to;
	} parts[] = {
		{ "general", NULL, NULL },
		{ "auth", NULL, NULL },
		{ "attest-refused", NULL, "attest-key-not-on-curve" },
		{ "session-ec-p256", NULL, "session-a-attest-again-malformed" },
		{ "resource-errors", NULL, "resource-denied-by-default-policy" },
		{ "admin-open", "admin-set-resource-policy", "admin-get-resource-policy" },
		{ "session-ec-p256", "session-a-get-resource-cookie", "session-a-get-resource-bearer" },
		{ "resource-errors", "resource-bad-cookie-and-good-bearer", "resource-options" },
		{ "tokens", NULL, NULL },
		{ "session-other-keys", NULL, NULL },
		{ "session-ec-p256", "admin-set-resource-empty", NULL },
		{ "attest-refused", "attest-body-over-limit", NULL },
		{ "admin-open", "body-at-limit", "admin-set-resource-four-segments" },
		{ "resource-errors", "resource-deleted", NULL },
		{ "session-init-data-and-devices", NULL, "session-device-object-attest" },
		{ "admin-open", "admin-reference-value-get-unknown", "admin-reference-value-malformed" },
		{ "session-init-data-and-devices", "session-affirming-auth", "session-affirming-attest" },
		{ "admin-open", "admin-set-resource-policy-padded-base64",
				"admin-set-attestation-policy-id-default" },
		{ "session-init-data-and-devices", "session-policy-default-auth",
				"session-policy-default-attest" },
		{ "admin-open", "admin-set-attestation-policy-without-trust-claims",
				"admin-set-attestation-policy-without-trust-claims" },
		{ "session-init-data-and-devices", "session-policy-without-trust-claims-auth",
				"session-policy-without-trust-claims-attest" },
		{ "admin-open", "admin-set-attestation-policy", NULL },
		{ "session-init-data-and-devices", "session-policy-auth", NULL },
	};
	size_t count = 0;

	begin();
	stage.options.insecure_admin = true;
	stage.options.insecure_header_jwk = true;
	char *key = recorded_file("signer.pem"), *folder = stage_file(&stage, "storage", NULL);
	stage.options.signer_key = key;
	stage.options.storage = storage ? folder : NULL;
	open_with(NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		auto_free char *file = xasprintf("%s.json", parts[i].file);
		count += replay_part(file, "exchanges", parts[i].from, parts[i].to);
	}
	free(key);
	free(folder);
	stage_close(&stage);
	return count;
}

static void answers_as_the_real_service_did(void **state)
{
	(void)state;
	assert_int_equal(of_main_run(false), 151);
}

static void answers_the_same_with_a_folder_as_storage(void **state)
{
	(void)state;
	assert_int_equal(of_main_run(true), 151);
}

static void lets_administrators_in_as_the_real_service_did(void **state)
{
	const struct opt_list rules = {
		.items = { "admin=^/kbs/.+$", "publisher=^/kbs/v0/resource/team-a/.+$" }, .count = 2
	};

	(void)state;
	begin();
	stage.now = 1795316436; /* when it was recorded: 2026-11-22T03:00:36Z */
	char *key = recorded_file("admin.pub");
	stage.options.admin_keys = (struct opt_list){ .items = { key }, .count = 1 };
	stage.options.admin_rules = rules;
	stage.options.admin_issuer = "cocoon-test";
	stage.options.admin_audience = "KBS";
	open_with(key, NULL, NULL);
	assert_int_equal(replay_part("admin-authenticated.json", "exchanges", NULL, NULL), 34);
	stage_close(&stage);
}

static void lets_nobody_in_without_an_administrators_key(void **state)
{
	(void)state;
	begin();
	open_with(NULL, NULL, NULL);
	assert_int_equal(replay_part("admin-authenticated.json", "deny_all", NULL, NULL), 7);
	stage_close(&stage);
}

static void trusts_tokens_by_certificates_as_the_real_service_did(void **state)
{
	(void)state;
	begin();
	stage.options.insecure_admin = true;
	char *key = recorded_file("signer.pem"), *chain = recorded_file("chain.pem"),
	     *ca = recorded_file("ca.pem");
	stage.options.signer_key = key;
	stage.options.signer_cert = chain;
	stage.options.trust_cert = ca;
	open_with(key, chain, ca);
	assert_int_equal(replay_part("token-trust.json", "x5c", NULL, NULL), 10);
	stage_close(&stage);
}

static void trusts_tokens_by_a_key_set_as_the_real_service_did(void **state)
{
	(void)state;
	begin();
	stage.now = 1795316439; /* 2026-11-22T03:00:39Z */
	stage.options.insecure_admin = true;
	char *key = recorded_file("signer.pem"), *keys = recorded_file("jwks.json");
	stage.options.signer_key = key;
	stage.options.trust_jwks = keys;
	open_with(key, keys, NULL);
	assert_int_equal(replay_part("token-trust.json", "jwks", NULL, NULL), 11);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_the_real_service_did),
		cmocka_unit_test(answers_the_same_with_a_folder_as_storage),
		cmocka_unit_test(lets_administrators_in_as_the_real_service_did),
		cmocka_unit_test(lets_nobody_in_without_an_administrators_key),
		cmocka_unit_test(trusts_tokens_by_certificates_as_the_real_service_did),
		cmocka_unit_test(trusts_tokens_by_a_key_set_as_the_real_service_did),
	};

	return cmocka_run_group_tests(tests, stage_prepare, NULL);
}
