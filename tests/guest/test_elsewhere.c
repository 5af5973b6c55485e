/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest fetches from others than a key broker: tokens of an attestation service, keys of a key service. Doubles
 * stand in for both; what goes over the wire to key services is tested in tests/kms. */
#include "jose/jwk.h"
#include "net/http.h"
#include "sealed/token.h"
#include "tests/fault/peer.h"
#include "tests/guest/scene.h"

struct exchange {
	struct peer peer;
	char base[64];
	const char *status;
	struct buf answer;
	char path[128];
	struct buf body; /* of the last request */
	bool stopped;
};

static void answer(struct line *line, void *ctx)
{
	struct exchange *exchange = ctx;
	const char *length = NULL;

	if (!line_read_head(line))
		return;
	sscanf(line->head, "%*s %127s", exchange->path);
	length = strcasestr(line->head, "\r\ncontent-length:");
	buf_reset(&exchange->body);
	for (size_t left = length ? strtoul(length + 17, NULL, 10) : 0; left; left--) {
		char byte = 0;
		if (line_read(line, &byte, 1) != 1)
			return;
		buf_putc(&exchange->body, byte);
	}
	auto_free char *head = xasprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
			exchange->status, exchange->answer.len);
	line_puts(line, head);
	line_write(line, exchange->answer.ptr, exchange->answer.len);
}

static void exchange_start(struct exchange *exchange, const char *status, const char *text)
{
	*exchange = (struct exchange){
		.status = status, .answer = BUF_MAX(SCENE_MAX), .body = BUF_MAX(SCENE_MAX)
	};
	buf_puts(&exchange->answer, text);
	exchange->peer = (struct peer){ .play = answer, .ctx = exchange };
	peer_start(&exchange->peer);
	snprintf(exchange->base, sizeof(exchange->base), "http://127.0.0.1:%u",
			(unsigned)exchange->peer.port);
}

/* Afterwards the request can be looked at. */
static void exchange_stop(struct exchange *exchange)
{
	if (!exchange->stopped)
		peer_stop(&exchange->peer);
	exchange->stopped = true;
}

static void exchange_clear(struct exchange *exchange)
{
	exchange_stop(exchange);
	buf_clear(&exchange->answer);
	buf_clear(&exchange->body);
}

/* ---- an attestation service ---- */

static int ask_for_token(struct exchange *exchange, struct buf *token, struct err *err)
{
	struct scene scene;

	scene_open(&scene, NULL, false);
	/* with a '/' at its end, which goes */
	scene.config.coco_as_url = xasprintf("%s/", exchange->base);
	int result = agent_token(scene.agent, SPAN_LIT("coco_as"), token, err);
	free(scene.config.coco_as_url);
	scene_close(&scene);
	return result;
}

/* The request as it was recorded of the ecosystem's agent. */
static void asks_an_attestation_service_as_recorded(void **state)
{
	auto_buf struct buf token = BUF_MAX(SCENE_MAX);
	struct exchange exchange;
	struct err err = ERR_NONE;

	(void)state;
	exchange_start(&exchange, "200 OK", "a.b.c");
	must(ask_for_token(&exchange, &token, &err), &err);
	exchange_stop(&exchange);
	assert_string_equal(buf_text(&token), "a.b.c");
	assert_string_equal(exchange.path, "/attestation");
	assert_string_equal(buf_text(&exchange.body),
			"{\"policy_ids\":[],\"verification_requests\":[{\"evidence\":"
			"\"eyJyZXBvcnRfZGF0YSI6IiIsInN2biI6IjEifQ\",\"tee\":\"sample\"}]}");
	exchange_clear(&exchange);
}

static void says_what_an_attestation_service_refuses(void **state)
{
	auto_buf struct buf token = BUF_MAX(SCENE_MAX);
	struct exchange exchange;
	struct err err = ERR_NONE;

	(void)state;
	exchange_start(&exchange, "500 Internal Server Error", "no verifier");
	assert_int_equal(ask_for_token(&exchange, &token, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.text, "answered with status 500: no verifier"));
	assert_int_equal(token.len, 0);
	exchange_clear(&exchange);
}

/* ---- a key service ---- */

struct envelope {
	struct scene scene;
	struct exchange exchange;
	char *credential;
	const json_t *recorded;
	json_t *keys, *doc;
};

/* key: what the service gives out as base64; NULL: the right one */
static void envelope_open(struct envelope *envelope, const char *name, const char *key_text)
{
	static const char *const folders[] = { "kbs", "kbs/kms-credential", "kbs/kms-credential/ehsm" };
	auto_buf struct buf key = BUF_MAX(64), text = BUF_MAX(4096);
	const json_t *entry = NULL;
	size_t i = 0;

	envelope->keys = scene_recording("sealed/signing-keys.json");
	envelope->doc = scene_recording("sealed/envelope-ehsm.json");
	json_array_foreach (json_object_get(envelope->doc, "cases"), i, entry)
		if (!strcmp(json_text_at(entry, "name", NULL), name))
			envelope->recorded = entry;
	assert_int_equal(hex_decode(span_of(json_text_at(envelope->recorded, "data_key_hex", NULL)), &key,
					 NULL),
			0);
	buf_puts(&text, "{\"code\":200,\"message\":\"success!\",\"result\":{\"plaintext\":\"");
	if (key_text)
		buf_puts(&text, key_text);
	else
		b64_encode(&text, buf_span(&key));
	buf_puts(&text, "\"}}");
	exchange_start(&envelope->exchange, "200 OK", buf_text(&text));
	scene_open(&envelope->scene, json_object_get(envelope->keys, "resources"), false);
	for (i = 0; i < COUNT(folders); i++) {
		auto_free char *folder = xasprintf("%s/%s", envelope->scene.folder, folders[i]);
		assert_int_equal(mkdir(folder, 0700), 0);
	}
	envelope->credential = xasprintf(
			"%s/kbs/kms-credential/ehsm/credential_cocoon-app.json", envelope->scene.folder);
	scene_write(envelope->credential,
			SPAN_LIT("{\"AppId\":\"cocoon-app\",\"ApiKey\":\"0123456789abcdef\"}"));
}

static void envelope_close(struct envelope *envelope)
{
	static const char *const folders[] = { "kbs/kms-credential/ehsm", "kbs/kms-credential", "kbs" };

	unlink(envelope->credential);
	for (size_t i = 0; i < COUNT(folders); i++) {
		auto_free char *folder = xasprintf("%s/%s", envelope->scene.folder, folders[i]);
		rmdir(folder);
	}
	free(envelope->credential);
	exchange_clear(&envelope->exchange);
	scene_close(&envelope->scene);
	json_decref(envelope->keys);
	json_decref(envelope->doc);
}

/* The recorded payload, with the double's address in it, signed anew. */
static void seal_for(const struct envelope *envelope, struct buf *out)
{
	static const char theirs[] = "http://127.0.0.1:18777";
	const char *payload = json_text_at(envelope->recorded, "payload_text", NULL),
		   *at = strstr(payload, theirs);
	auto_free char *jwk_text = json_text(json_object_get(envelope->keys, "signing_jwk"), false);
	auto_free char *text = xasprintf("%.*s%s%s", (int)(at - payload), payload, envelope->exchange.base,
			at + sizeof(theirs) - 1);
	auto_jwk struct jwk jwk = JWK_NONE;
	struct err err = ERR_NONE;

	must(jwk_parse(span_of(jwk_text), &jwk, &err), &err);
	must(sealed_seal(span_of(text), "kbs:///default/signing-key/cocoon-test", jwk.key, out, &err), &err);
}

static void opens_envelopes_with_a_key_service(void **state)
{
	static const char *const names[] = { "text", "empty", "binary" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		auto_buf struct buf sealed = BUF_MAX(SCENE_MAX), wanted = BUF_MAX(SCENE_MAX);
		auto_secret struct secret plain = SECRET_NONE;
		struct envelope envelope;
		struct err err = ERR_NONE;
		envelope_open(&envelope, names[i], NULL);
		seal_for(&envelope, &sealed);
		must(hub_unseal(envelope.scene.hub, buf_span(&sealed), &plain, &err), &err);
		must(b64_decode(span_of(json_text_at(envelope.recorded, "plain", NULL)), &wanted, &err),
				&err);
		assert_true(secret_is(&plain, buf_span(&wanted)));
		exchange_stop(&envelope.exchange);
		assert_non_null(strstr(buf_text(&envelope.exchange.body), "\"keyid\":\"key-one\""));
		envelope_close(&envelope);
	}
}

static void opens_no_envelope_without_its_key(void **state)
{
	auto_buf struct buf sealed = BUF_MAX(SCENE_MAX);
	auto_secret struct secret plain = SECRET_NONE;
	struct envelope envelope;
	struct err err = ERR_NONE;

	(void)state;
	envelope_open(&envelope, "text", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	seal_for(&envelope, &sealed);
	assert_int_equal(hub_unseal(envelope.scene.hub, buf_span(&sealed), &plain, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	unlink(envelope.credential);
	assert_int_equal(hub_unseal(envelope.scene.hub, buf_span(&sealed), &plain, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(plain.len, 0);
	envelope_close(&envelope);
}

static void unwraps_keys_of_layers_with_a_key_service(void **state)
{
	auto_secret struct secret plain = SECRET_NONE;
	struct envelope envelope;
	struct err err = ERR_NONE;

	(void)state;
	envelope_open(&envelope, "text", NULL);
	auto_free char *packet = xasprintf("{\"version\":\"0.1.0\",\"provider\":\"ehsm\",\"kid\":\"key-two\","
					   "\"wrapped_data\":\"YjNCaGNYVmw=\","
					   "\"provider_settings\":{\"app_id\":\"cocoon-app\",\"endpoint\":\"%"
					   "s\"},\"annotations\":{}}",
			envelope.exchange.base);
	must(hub_unwrap(envelope.scene.hub, span_of(packet), &plain, &err), &err);
	assert_int_equal(plain.len, 32);
	exchange_stop(&envelope.exchange);
	assert_non_null(strstr(buf_text(&envelope.exchange.body), "\"keyid\":\"key-two\""));
	envelope_close(&envelope);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_an_attestation_service_as_recorded),
		cmocka_unit_test(says_what_an_attestation_service_refuses),
		cmocka_unit_test(opens_envelopes_with_a_key_service),
		cmocka_unit_test(opens_no_envelope_without_its_key),
		cmocka_unit_test(unwraps_keys_of_layers_with_a_key_service),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
