/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client beside what the real broker answered: each recorded session is played to it, with the recorded key, and what
 * it sends is held against what was sent then.
 */
#include "kbs/client.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "crypto/init.h"
#include "kbs/message.h"
#include "net/http.h"
#include "tee/attester.h"
#include "tests/kbs/recordings.h"
#include "tests/kbs/replay.h"

struct session {
	struct replay replay;
	const json_t *exchanges[4]; /* in the order in which they must come */
	size_t at;
	char wrong[512]; /* what was not as recorded */
};

static void note(struct session *session, const char *what, const char *sent, const char *expected)
{
	if (!session->wrong[0])
		snprintf(session->wrong, sizeof(session->wrong), "%s: '%.200s', not '%.200s'", what, sent,
				expected);
}

/* Member by member: all but the hashes on offer, of which one is not here, and the order of members. */
static void compare_bodies(struct session *session, const struct asked *asked, const char *recorded)
{
	auto_json json_t *ours = json_loads(asked->body, 0, NULL);
	auto_json json_t *theirs = json_loads(recorded, 0, NULL);
	json_t *extra = json_object_get(theirs, "extra-params");

	json_array_remove(json_object_get(extra, "supported-hash-algorithms"), 3);
	if (asked->body[0] && !json_equal(ours, theirs))
		note(session, "body", asked->body, recorded);
	if (!asked->body[0] && recorded[0])
		note(session, "body", "", recorded);
}

static void compare_cookies(struct session *session, const struct asked *asked)
{
	char sent[512], first[512];
	const char *given = recorded_field(session->exchanges[0], "set-cookie");

	asked_field(asked, "Cookie", sent, sizeof(sent));
	given = given ? given : "";
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(given, ";"), given);
	if (strcmp(sent, session->at ? first : "") != 0)
		note(session, "cookie", sent, first);
}

static void play(void *ctx, const struct asked *asked, struct said *said)
{
	struct session *session = ctx;
	const json_t *exchange = session->at < 4 ? session->exchanges[session->at] : NULL;
	const char *cookie = NULL;

	if (!exchange) {
		note(session, "one request too many", asked->target, "none");
		said->status = 500;
		return;
	}
	if (strcmp(asked->method, json_text_at(exchange, "request", "method", NULL)) != 0)
		note(session, "method", asked->method, json_text_at(exchange, "request", "method", NULL));
	if (strcmp(asked->target, recorded_target(exchange)) != 0)
		note(session, "target", asked->target, recorded_target(exchange));
	compare_bodies(session, asked, recorded_request(exchange));
	compare_cookies(session, asked);
	session->at++;
	said->status = recorded_status(exchange);
	said->type = recorded_field(exchange, "content-type");
	cookie = recorded_field(exchange, "set-cookie");
	if (cookie)
		snprintf(said->fields, sizeof(said->fields), "Set-Cookie: %s\r\n", cookie);
	buf_puts(&said->body, recorded_answer(exchange));
}

/* ---- the sessions ---- */

struct recorded {
	const char *file;
	const char *run; /* of the real client; NULL: the file has exchanges with names */
	const char *auth, *attest, *get;
	const char *key;
	const char *initdata; /* NULL: none */
	bool device;
	const char *uri;
	enum err_kind kind; /* ERR_OK: the plaintext that stands next to the answer */
};

#define ONE "kbs:///default/key/one"

static const struct recorded sessions[] = {
	{ "session-ec-p256.json", NULL, "session-a-auth", "session-a-attest", "session-a-get-resource-cookie",
			"tee_p256", NULL, false, ONE, ERR_OK },
	{ "session-ec-p256.json", NULL, "session-a-auth", "session-a-attest", "session-a-get-resource-bearer",
			"tee_p256", NULL, false, ONE, ERR_OK },
	{ "session-ec-p256.json", NULL, "session-a-auth", "session-a-attest", "session-a-get-resource-empty",
			"tee_p256", NULL, false, "kbs:///default/test/empty", ERR_OK },
	{ "session-ec-p256.json", NULL, "session-a-auth", "session-a-attest", "session-a-get-resource-binary",
			"tee_p256", NULL, false, "kbs:///default/test/binary", ERR_OK },
	{ "session-ec-p256.json", NULL, "session-a-auth", "session-a-attest",
			"session-a-get-resource-unicode", "tee_p256", NULL, false,
			"kbs:///default/test/unicode", ERR_OK },
	{ "session-ec-p256.json", NULL, "session-a-auth", "session-a-attest",
			"session-a-get-resource-overwritten", "tee_p256", NULL, false, ONE, ERR_OK },
	{ "session-other-keys.json", NULL, "session-p521-auth", "session-p521-attest",
			"session-p521-get-resource", "tee_p521", NULL, false, ONE, ERR_OK },
	{ "session-other-keys.json", NULL, "session-rsa-auth", "session-rsa-attest",
			"session-rsa-get-resource", "tee_rsa", NULL, false, ONE, ERR_OK },
	{ "client-kbs-client.json", "kbs-client-get-resource-ec", NULL, NULL, NULL, "tee_p256", NULL, false,
			ONE, ERR_OK },
	{ "client-kbs-client.json", "kbs-client-get-resource-ec-initdata", NULL, NULL, NULL, "tee_p256",
			"version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"note.txt\" = \"hello\"\n",
			false, ONE, ERR_OK },
	{ "client-kbs-client.json", "kbs-client-get-resource-p521", NULL, NULL, NULL, "tee_p521", NULL, false,
			ONE, ERR_OK },
	{ "client-kbs-client.json", "kbs-client-get-resource-rsa", NULL, NULL, NULL, "tee_rsa", NULL, false,
			ONE, ERR_OK },
	{ "client-kbs-client.json", "kbs-client-get-resource-device", NULL, NULL, NULL, "tee_p256", NULL,
			true, ONE, ERR_OK },
};

static void choose_run(struct session *session, const json_t *doc, const char *name)
{
	size_t i = 0;
	json_t *run = NULL;

	json_array_foreach (json_object_get(doc, "runs"), i, run) {
		const json_t *all = json_object_get(run, "exchanges");
		if (strcmp(json_text_at(run, "name", NULL), name) != 0)
			continue;
		/* the real client asks without token first, which we never do */
		for (size_t k = 0; k < 3; k++)
			session->exchanges[k] = json_array_get(all, k + 1);
	}
	assert_non_null(session->exchanges[2]);
}

static void check_plaintext(const json_t *exchange, const struct secret *out)
{
	auto_buf struct buf expected = BUF_MAX(SECRET_MAX);
	const json_t *opened = json_object_get(exchange, "jwe_opened");
	const char *text = json_text_at(opened, "plaintext_text", NULL);
	const char *bytes = json_text_at(opened, "plaintext_base64", NULL);

	assert_true(text || bytes);
	if (text)
		buf_puts(&expected, text);
	else
		assert_int_equal(b64_decode(span_of(bytes), &expected, NULL), 0);
	assert_true(secret_is(out, buf_span(&expected)));
}

static struct kbs_client *client_of(const struct session *session, const struct recorded *recorded,
		struct attester *attester, struct pkey *key)
{
	auto_free char *url = xasprintf("http://127.0.0.1:%u", (unsigned)session->replay.port);
	const struct kbs_client_options options = { .url = url,
		.tee_key = key,
		.attester = attester,
		.initdata = span_of(recorded->initdata),
		.clock = &clock_real,
		.pause = 1 };
	struct kbs_client *client = NULL;
	struct err err = ERR_NONE;

	if (kbs_client_open(&options, &client, &err) < 0)
		fail_msg("%s", err.text);
	return client;
}

/* Plays the session until the client has its resource, or not. */
static void run(const struct recorded *recorded, struct session *session, const json_t *keys)
{
	const struct attester_options options = { .kind = "sample", .sample_device = recorded->device };
	auto_attester struct attester *attester = NULL;
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret out = SECRET_NONE;
	struct kbs_uri uri;
	struct err err = ERR_NONE;

	recorded_key(json_object_get(keys, recorded->key), &key);
	assert_int_equal(attester_open(&options, &attester, NULL), 0);
	session->replay = (struct replay){ .answer = play, .ctx = session };
	replay_start(&session->replay);
	auto_kbs_client struct kbs_client *client = client_of(session, recorded, attester, key.key);
	assert_int_equal(kbs_uri_parse(span_of(recorded->uri), &uri, NULL), 0);
	int status = kbs_client_get(client, &uri, &out, &err);
	replay_stop(&session->replay);
	if (session->wrong[0])
		fail_msg("%s %s: %s", recorded->file, recorded->run ? recorded->run : recorded->get,
				session->wrong);
	if (err.kind != recorded->kind || (status == 0) != (recorded->kind == ERR_OK))
		fail_msg("%s %s: %s", recorded->file, recorded->run ? recorded->run : recorded->get,
				err.text);
	if (status == 0)
		check_plaintext(session->exchanges[2], &out);
	assert_int_equal(session->at, 3);
}

static void has_the_recorded_sessions(void **state)
{
	auto_json json_t *keys = recording_load("keys.json");

	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		const struct recorded *recorded = &sessions[i];
		auto_json json_t *doc = recording_load(recorded->file);
		struct session session = { .at = 0 };
		if (recorded->run) {
			choose_run(&session, doc, recorded->run);
		} else {
			session.exchanges[0] = recording_exchange(doc, recorded->auth);
			session.exchanges[1] = recording_exchange(doc, recorded->attest);
			session.exchanges[2] = recording_exchange(doc, recorded->get);
		}
		run(recorded, &session, keys);
	}
}

/* The refusals of one recording behind the handshake of another. */
static void makes_of_recorded_refusals_what_they_are(void **state)
{
	static const struct {
		const char *file;
		const char *name;
		const char *uri;
		enum err_kind kind;
	} cases[] = {
		{ "resource-errors.json", "resource-denied-by-default-policy", ONE, ERR_DENIED },
		{ "resource-errors.json", "resource-unknown", "kbs:///default/key/none", ERR_DENIED },
		{ "resource-errors.json", "plugin-unknown", "kbs+nosuch:///default/key/one", ERR_NOT_FOUND },
		{ "resource-errors.json", "resource-space", "kbs:///default/key/a%20b", ERR_DENIED },
		{ "resource-errors.json", "resource-with-query", "kbs:///default/key/one?x=1", ERR_OK },
		{ "resource-errors.json", "resource-percent-letter", "kbs:///default/key/%6fne", ERR_OK },
		{ "session-other-keys.json", "session-p384-get-resource", ONE, ERR_DENIED },
	};
	auto_json json_t *keys = recording_load("keys.json");
	auto_json json_t *good = recording_load("session-ec-p256.json");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *doc = recording_load(cases[i].file);
		const struct recorded recorded = { .file = cases[i].file,
			.get = cases[i].name,
			.key = "tee_p256",
			.uri = cases[i].uri,
			.kind = cases[i].kind };
		struct session session = { .exchanges = { recording_exchange(good, "session-a-auth"),
							   recording_exchange(good, "session-a-attest"),
							   recording_exchange(doc, cases[i].name) } };
		run(&recorded, &session, keys);
	}
}

/* What the real service says when a version is not its own. */
static void stops_at_the_recorded_refusal_of_a_version(void **state)
{
	auto_json json_t *doc = recording_load("auth.json");
	auto_attester struct attester *attester = NULL;
	struct session session = { .exchanges = { recording_exchange(doc, "auth-newer-version") } };
	struct buf token = BUF_MAX(1024);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(attester_open(&(struct attester_options){ .kind = "sample" }, &attester, NULL), 0);
	session.replay = (struct replay){ .answer = play, .ctx = &session };
	replay_start(&session.replay);
	auto_free char *url = xasprintf("http://127.0.0.1:%u", (unsigned)session.replay.port);
	auto_kbs_client struct kbs_client *client = NULL;
	assert_int_equal(kbs_client_open(&(struct kbs_client_options){ .url = url,
							 .attester = attester,
							 .clock = &clock_real,
							 .older = true },
					 &client, NULL),
			0);
	assert_int_equal(kbs_client_token(client, false, &token, NULL, &err), -1);
	replay_stop(&session.replay);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(session.at, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_recorded_sessions),
		cmocka_unit_test(makes_of_recorded_refusals_what_they_are),
		cmocka_unit_test(stops_at_the_recorded_refusal_of_a_version),
	};

	if (crypto_init(false, NULL) < 0 || http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
