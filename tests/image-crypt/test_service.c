/* SPDX-License-Identifier: Apache-2.0 */
/* long: wrapping, unwrapping and registering are replayed from the same recordings in the same scene. */
/* Our key provider beside the recordings of the ecosystem's, where it deviates on purpose. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/keyfile.h"
#include "crypto/pkey.h"
#include "image-crypt/service.h"
#include "image/packet.h"
#include "image/provider.h"
#include "kbs/admin.h"
#include "kbs/offline.h"
#include "net/http.h"
#include "tests/fault/peer.h"
#include "tests/image/recordings.h"

#include <unistd.h>

#define RECORDED_DIR "/srv/test/kp/"
#define ANSWER_MAX   ((size_t)64 * 1024)

/* ---- a folder with the files that the recordings name, and the keys of their store ---- */

struct scene {
	char dir[64];
	struct offline keys;
	struct secret kek, sample;
};

static void scene_put(const struct scene *scene, const char *name, struct span bytes)
{
	auto_free char *path = xasprintf("%s/%s", scene->dir, name);

	assert_int_equal(keyfile_write(path, bytes, KEYFILE_PRIVATE, true, NULL), 0);
}

static void scene_open(struct scene *scene)
{
	auto_json json_t *keys = recording_load("keys.json");
	auto_free char *store = json_text(json_object_get(keys, "resources"), false);
	auto_buf struct buf bytes = BUF_MAX(64);

	*scene = (struct scene){ .keys = OFFLINE_NONE };
	snprintf(scene->dir, sizeof(scene->dir), "/tmp/cocoon-service-XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	assert_int_equal(offline_parse(span_of(store), &scene->keys, NULL), 0);
	recording_hex(json_text_at(keys, "kek_hex", NULL), &bytes);
	assert_int_equal(secret_from_span(&scene->kek, buf_span(&bytes), NULL), 0);
	assert_int_equal(packet_sample_kek(&scene->sample, NULL), 0);
	scene_put(scene, "kek", buf_span(&bytes));
	scene_put(scene, "kek31", span_new(bytes.ptr, 31));
	scene_put(scene, "kek-text", span_of(json_text_at(keys, "kek_hex", NULL)));
}

static void scene_close(struct scene *scene)
{
	static const char *const names[] = { "kek", "kek31", "kek-text", "auth", "claims" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", scene->dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(scene->dir), 0);
	offline_clear(&scene->keys);
	secret_clear(&scene->kek);
	secret_clear(&scene->sample);
}
#define auto_scene __attribute__((cleanup(scene_close)))

/* The base64 of a parameter string, with our folder in the place of the recording's. */
static char *move_parameter(const struct scene *scene, const char *text)
{
	auto_buf struct buf plain = BUF_MAX(4096), moved = BUF_MAX(4096), out = BUF_MAX(8192);
	struct span rest;

	if (b64_decode(span_of(text), &plain, NULL) < 0)
		return xstrdup(text);
	for (rest = buf_span(&plain); rest.len;) {
		bool here = span_starts(rest, RECORDED_DIR);
		if (here)
			buf_printf(&moved, "%s/", scene->dir);
		else
			buf_putc(&moved, rest.ptr[0]);
		rest = span_from(rest, here ? strlen(RECORDED_DIR) : 1);
	}
	b64_encode(&out, buf_span(&moved));
	return buf_take(&out);
}

/* A recorded request, for our folder; as it is when it is no JSON. */
static char *move_request(const struct scene *scene, const char *text)
{
	auto_json json_t *doc = json_loads(text, 0, NULL);
	json_t *list = json_object_get(
			json_object_get(json_object_get(json_object_get(doc, "keywrapparams"), "ec"),
					"Parameters"),
			PACKET_PROVIDER);
	size_t i = 0;
	json_t *item = NULL;

	if (!json_is_array(list))
		return xstrdup(text);
	json_array_foreach (list, i, item) {
		auto_free char *moved = move_parameter(scene, json_string_value(item));
		json_array_set_new(list, i, json_string(moved));
	}
	return json_text(doc, false);
}

static char *request_for(const struct scene *scene, const char *parameters)
{
	auto_free char *text = xasprintf("%s", parameters);
	auto_buf struct buf encoded = BUF_MAX(8192);

	b64_encode(&encoded, span_of(text));
	auto_free char *request = xasprintf(
			"{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":{\"Parameters\":{\"" PACKET_PROVIDER
			"\":[\"%s\"]}},\"optsdata\":\"e30=\"}}",
			buf_text(&encoded));
	return move_request(scene, request);
}

/* The packet of an answer must be one that every guest reads, and opens with one of the two keys. */
static void assert_packet(const struct scene *scene, const char *name, struct span answer, struct span want)
{
	auto_secret struct secret element = SECRET_NONE, plain = SECRET_NONE;
	auto_packet struct packet packet = PACKET_NONE;
	struct err err = ERR_NONE;

	if (provider_answer_parse(answer, false, &element, &err) < 0 ||
			packet_parse(secret_span(&element), &packet, &err) < 0 ||
			packet_guest_reads(&packet, PACKET_GUEST_NATIVE, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	if (packet_open(&packet, &scene->kek, &plain, NULL) < 0 &&
			packet_open(&packet, &scene->sample, &plain, NULL) < 0)
		fail_msg("%s: neither key opens the packet", name);
	assert_true(secret_is(&plain, want));
	assert_true(span_starts(span_of(packet.kid), "kbs:///") ||
			span_starts(span_of(packet.kid), "kbs+pkcs11:///"));
}

/* ---- wrapping ---- */

/* Where we answer otherwise than the ecosystem's provider. */
static const struct {
	const char *name;
	enum grpc_status status;
} deviations[] = {
	/* a new key that nobody would ever know */
	{ "keyid-only", GRPC_INTERNAL },
	{ "empty", GRPC_INTERNAL },
	{ "no-equals", GRPC_INTERNAL },
	{ "no-parameters", GRPC_INTERNAL },
	{ "spaces", GRPC_INTERNAL },
	/* an algorithm that nobody knows; theirs takes another */
	{ "algorithm-unknown", GRPC_INTERNAL },
	/* resources that no broker serves */
	{ "keyid-four-segments-uri", GRPC_INTERNAL },
	{ "keyid-two-segments-uri", GRPC_INTERNAL },
	{ "keyid-equals", GRPC_INTERNAL },
	{ "keyid-unicode", GRPC_INTERNAL },
	{ "keyid-query", GRPC_INTERNAL },
	/* the separator inside of an address */
	{ "keyid-ipv6", GRPC_OK },
	/* null for absent */
	{ "decryptconfig-null", GRPC_OK },
	{ "decryptconfig-parameters-null", GRPC_OK },
	{ "decryptconfig-absent", GRPC_OK },
	{ "keyunwrapparams-null", GRPC_OK },
	{ "keyunwrapparams-absent", GRPC_OK },
	{ "op-absent", GRPC_OK },
	/* what Rust's library sends */
	{ "optsdata-raw-json", GRPC_OK },
};

static enum grpc_status wanted_status(const json_t *entry)
{
	const char *name = json_text_at(entry, "name", NULL);

	for (size_t i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++)
		if (!strcmp(deviations[i].name, name))
			return deviations[i].status;
	return (enum grpc_status)json_integer_value(json_array_get(json_object_get(entry, "grpc_status"), 0));
}

static void wraps_as_the_ecosystems_provider_does(void **state)
{
	auto_scene struct scene scene;
	auto_json json_t *doc = recording_load("wrap.json"), *keys = recording_load("keys.json");
	const struct service service = { .keys = NULL };
	unsigned seen = 0;
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	scene_open(&scene);
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		const char *name = json_text_at(entry, "name", NULL),
			   *text = json_text_at(entry, "request_json", NULL);
		const char *method = json_text_at(entry, "grpc_method", NULL);
		auto_buf struct buf answer = BUF_MAX(ANSWER_MAX), want = BUF_MAX(4096);
		struct err err = ERR_NONE;
		if (!text || strcmp(method, PROVIDER_GRPC_WRAP) != 0)
			continue;
		auto_free char *request = move_request(&scene, text);
		enum grpc_status status = service_wrap(&service, span_of(request), &answer, NULL, &err);
		if (status != wanted_status(entry))
			fail_msg("%s: %s: %s", name, grpc_status_name(status), err.text);
		seen++;
		if (status != GRPC_OK) {
			assert_int_equal(answer.len, 0);
			continue;
		}
		const char *plain = json_text_at(entry, "plaintext_base64", NULL);
		if (plain)
			assert_int_equal(b64_decode(span_of(plain), &want, NULL), 0);
		else
			buf_puts(&want, json_text_at(keys, "private_options", NULL));
		assert_packet(&scene, name, buf_span(&answer), buf_span(&want));
	}
	assert_true(seen > 45);
}

static void makes_the_sample_packet_byte_for_byte_in_both_forms_of_answer(void **state)
{
	auto_json json_t *doc = recording_load("wrap.json");
	const json_t *entry = recording_case(doc, "sample-true");

	(void)state;
	for (unsigned numbers = 0; numbers < 2; numbers++) {
		const struct service service = { .numbers = numbers };
		auto_buf struct buf answer = BUF_MAX(ANSWER_MAX);
		auto_secret struct secret element = SECRET_NONE;
		assert_int_equal(service_wrap(&service, span_of(json_text_at(entry, "request_json", NULL)),
						 &answer, NULL, NULL),
				GRPC_OK);
		if (numbers)
			assert_string_equal(buf_text(&answer), json_text_at(entry, "response_json", NULL));
		assert_int_equal(provider_answer_parse(buf_span(&answer), false, &element, NULL), 0);
		assert_true(secret_is(&element, span_of(json_text_at(entry, "packet", NULL))));
	}
}

static void takes_the_key_of_a_key_id_from_the_set(void **state)
{
	static const struct {
		const char *parameters;
		enum grpc_status status;
		const char *why;
	} cases[] = {
		{ "keyid=kbs:///default/key/kek1", GRPC_OK, NULL },
		{ "keyid=/default/key/kek1", GRPC_OK, NULL },
		{ "keyid=host:80/default/key/kek1::algorithm=A256CTR", GRPC_OK, NULL },
		{ "keyid=kbs:///default/key/kek1::keypath=" RECORDED_DIR "kek", GRPC_OK, NULL },
		{ "keyid=kbs:///default/key/other::keypath=" RECORDED_DIR "kek", GRPC_INTERNAL,
				"is not the key that" },
		{ "keyid=kbs:///default/key/short", GRPC_INTERNAL, "no key-encryption key" },
		{ "keyid=kbs:///default/key/none", GRPC_INTERNAL, "nobody could ever open" },
	};
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene);
	const struct service service = { .keys = &scene.keys };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf answer = BUF_MAX(ANSWER_MAX);
		auto_free char *request = request_for(&scene, cases[i].parameters);
		struct err err = ERR_NONE;
		enum grpc_status status = service_wrap(&service, span_of(request), &answer, NULL, &err);
		if (status != cases[i].status || (cases[i].why && !strstr(err.text, cases[i].why)))
			fail_msg("%s: %s: %s", cases[i].parameters, grpc_status_name(status), err.text);
		if (status == GRPC_OK)
			assert_packet(&scene, cases[i].parameters, buf_span(&answer), SPAN_LIT("{}"));
	}
}

/* ---- unwrapping ---- */

/* What we unwrap and the hub does not: null for absent, and key ids that the ecosystem's provider writes. */
static bool is_ours_alone(const char *name)
{
	static const char *const names[] = { "keywrapparams-null", "keywrapparams-absent", "dc-empty-object",
		"dc-parameters-null", "ours-kid-path-only", "made-by-provider-keyid-path",
		"made-by-provider-keyid-host-path", NULL };

	for (size_t i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void unwraps_what_the_hub_unwraps(void **state)
{
	auto_scene struct scene scene;
	auto_json json_t *doc = recording_load("unwrap.json");
	unsigned seen = 0;
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	scene_open(&scene);
	const struct service service = { .keys = &scene.keys };
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		const char *name = json_text_at(entry, "name", NULL),
			   *text = json_text_at(entry, "request_json", NULL);
		const char *options = json_text_at(entry, "optsdata_base64", NULL);
		auto_buf struct buf answer = BUF_MAX(ANSWER_MAX), want = BUF_MAX(4096);
		auto_secret struct secret got = SECRET_NONE;
		struct err err = ERR_NONE;
		if (!text || !strcmp(name, "wrapkey"))
			continue;
		enum grpc_status status = service_unwrap(&service, span_of(text), &answer, NULL, &err);
		if ((status == GRPC_OK) != (options || is_ours_alone(name)))
			fail_msg("%s: %s: %s", name, grpc_status_name(status), err.text);
		seen++;
		if (!options || !*options)
			continue;
		assert_int_equal(b64_decode(span_of(options), &want, NULL), 0);
		assert_int_equal(provider_answer_parse(buf_span(&answer), true, &got, NULL), 0);
		assert_true(secret_is(&got, buf_span(&want)));
	}
	assert_true(seen > 50);
}

static void unwraps_nothing_without_a_set_of_keys(void **state)
{
	const struct service service = { .keys = NULL };
	auto_buf struct buf answer = BUF_MAX(ANSWER_MAX);

	(void)state;
	assert_int_equal(service_unwrap(&service, SPAN_LIT("{}"), &answer, NULL, NULL), GRPC_UNIMPLEMENTED);
}

/* ---- registration ---- */

struct broker {
	struct peer peer;
	int status;
	unsigned calls;
	char head[8192];
	char body[64];
	size_t body_len;
};

static void broker_play(struct line *line, void *ctx)
{
	struct broker *broker = ctx;
	auto_free char *answer =
			xasprintf("HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: application/json\r\n"
				  "Content-Length: 20\r\n\r\n{\"detail\":\"refused\"}",
					broker->status);

	if (!line_read_head(line))
		return;
	broker->calls++;
	snprintf(broker->head, sizeof(broker->head), "%.8000s", line->head);
	broker->body_len = 0;
	while (broker->body_len < 32) {
		ssize_t n = line_read(line, broker->body + broker->body_len, 32 - broker->body_len);
		if (n <= 0)
			return;
		broker->body_len += (size_t)n;
	}
	line_puts(line, answer);
	line_drain(line);
}

static struct kbs_admin *admin_for(const struct scene *scene, const struct broker *broker, const char *claims)
{
	auto_free char *url = xasprintf("http://127.0.0.1:%u/some/path", (unsigned)broker->peer.port);
	auto_free char *auth = xasprintf("%s/auth", scene->dir), *file = xasprintf("%s/claims", scene->dir);
	struct kbs_admin_options options = { .url = url,
		.origin_only = true,
		.key_file = auth,
		.user_agent = "test/1",
		.clock = &clock_real,
		.timeout = 20000 };
	auto_secret struct secret pem = SECRET_NONE;
	auto_pkey struct pkey *key = NULL;
	struct kbs_admin *admin = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(pkey_generate(PKEY_ED25519, 0, &key, NULL), 0);
	assert_int_equal(pkey_format_private(key, &pem, NULL), 0);
	scene_put(scene, "auth", secret_span(&pem));
	if (claims) {
		scene_put(scene, "claims", span_of(claims));
		options.claims_file = file;
	}
	if (kbs_admin_open(&options, &admin, &err) < 0)
		fail_msg("%s", err.text);
	return admin;
}

/* One part of the token that the broker was shown. */
static json_t *token_part(const struct broker *broker, unsigned part)
{
	const char *at = strstr(broker->head, "Authorization: Bearer ");
	auto_buf struct buf text = BUF_MAX(4096);
	json_t *out = NULL;

	assert_non_null(at);
	at += strlen("Authorization: Bearer ");
	for (unsigned i = 0; i < part; i++)
		at = strchr(at, '.') + 1;
	assert_int_equal(b64url_decode(span_new(at, strcspn(at, ".\r")), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 4096, &out, NULL), 0);
	return out;
}

static void registers_keys_as_the_ecosystems_provider_does(void **state)
{
	auto_scene struct scene scene;
	auto_json json_t *doc = recording_load("register.json");
	struct broker broker = { .peer = { .play = broker_play, .ctx = &broker } };
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	scene_open(&scene);
	peer_start(&broker.peer);
	auto_kbs_admin struct kbs_admin *admin = admin_for(&scene, &broker, NULL);
	const struct service service = { .admin = admin };
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		const char *name = json_text_at(entry, "name", NULL);
		const json_t *known = json_array_get(json_object_get(entry, "registrations"), 0);
		auto_free char *request = request_for(&scene, json_text_at(entry, "parameter_string", NULL));
		auto_buf struct buf answer = BUF_MAX(ANSWER_MAX);
		struct err err = ERR_NONE;
		broker.calls = 0;
		broker.status = known ? (int)json_integer_value(json_at(known, "response", "status", NULL))
				      : 200;
		/* they register keys of plugins where guests do not look for them; and their refusals are not seen */
		bool plugin = !strcmp(name, "plugin");
		bool good = !plugin && broker.status == 200 && strcmp(name, "plain-keyid") != 0;
		enum grpc_status status = service_wrap(&service, span_of(request), &answer, NULL, &err);
		if ((status == GRPC_OK) != good)
			fail_msg("%s: %s: %s", name, grpc_status_name(status), err.text);
		assert_int_equal(broker.calls, known && !plugin ? 1 : 0);
		if (!known || plugin)
			continue;
		if (broker.status != 200) {
			assert_int_equal(answer.len, 0);
			assert_non_null(strstr(err.text, "refused"));
		}
		const char *target = json_text_at(known, "request", "target", NULL);
		auto_free char *line = xasprintf("POST %.*s",
				(int)(strcmp(name, "random-key") ? strlen(target)
								 : strlen("/kbs/v0/resource/default/"
									  "image-kek/")),
				target);
		if (!span_starts(span_of(broker.head), line))
			fail_msg("%s: %s", name, broker.head);
		assert_non_null(strstr(broker.head, "Content-Type: application/octet-stream\r\n"));
		if (strstr(json_text_at(entry, "parameter_string", NULL), "keypath"))
			assert_true(secret_is(&scene.kek, span_new(broker.body, broker.body_len)));
		auto_json json_t *head = token_part(&broker, 0), *claims = token_part(&broker, 1);
		auto_free char *head_text = json_text(head, false);
		assert_string_equal(head_text, json_text_at(entry, "jwt_header", NULL));
		assert_string_equal(json_text_at(claims, "role", NULL), "admin");
		assert_int_equal(json_integer_value(json_at(claims, "exp", NULL)) -
						json_integer_value(json_at(claims, "iat", NULL)),
				7200);
	}
	peer_stop(&broker.peer);
}

static void lets_the_owner_say_more_in_the_token(void **state)
{
	auto_scene struct scene scene;
	struct broker broker = { .peer = { .play = broker_play, .ctx = &broker }, .status = 200 };
	struct kbs_uri uri;

	(void)state;
	scene_open(&scene);
	peer_start(&broker.peer);
	auto_kbs_admin struct kbs_admin *admin =
			admin_for(&scene, &broker, "{\"role\":\"writer\",\"iss\":\"me\",\"exp\":1}");
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c"), &uri, NULL), 0);
	assert_int_equal(kbs_admin_put(admin, &uri, secret_span(&scene.kek), NULL), 0);
	auto_json json_t *claims = token_part(&broker, 1);
	assert_string_equal(json_text_at(claims, "role", NULL), "writer");
	assert_string_equal(json_text_at(claims, "iss", NULL), "me");
	assert_true(json_integer_value(json_at(claims, "exp", NULL)) > 1);
	peer_stop(&broker.peer);
}

static void refuses_to_send_keys_in_the_clear_over_a_network(void **state)
{
	static const char *const urls[] = { "http://kbs.example:8080", "ftp://h", "kbs.example" };
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct kbs_admin_options options = {
			.url = urls[i], .key_file = "/nowhere", .user_agent = "test/1", .clock = &clock_real
		};
		struct kbs_admin *admin = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(kbs_admin_open(&options, &admin, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_as_the_ecosystems_provider_does),
		cmocka_unit_test(makes_the_sample_packet_byte_for_byte_in_both_forms_of_answer),
		cmocka_unit_test(takes_the_key_of_a_key_id_from_the_set),
		cmocka_unit_test(unwraps_what_the_hub_unwraps),
		cmocka_unit_test(unwraps_nothing_without_a_set_of_keys),
		cmocka_unit_test(registers_keys_as_the_ecosystems_provider_does),
		cmocka_unit_test(lets_the_owner_say_more_in_the_token),
		cmocka_unit_test(refuses_to_send_keys_in_the_clear_over_a_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
