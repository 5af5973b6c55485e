/* SPDX-License-Identifier: Apache-2.0 */
/* The client beside a broker that does what it should, and what it makes of refusals. */
#include "kbs/client.h"

#include "base/buf.h"
#include "crypto/init.h"
#include "crypto/pkey.h"
#include "net/http.h"
#include "tests/kbs/broker.h"

/* ---- handshakes ---- */

static void fetches_with_keys_of_every_kind(void **state)
{
	(void)state;
	for (enum kbs_key key = KBS_KEY_P256; key <= KBS_KEY_RSA; key++) {
		auto_broker struct broker broker = { .life = 300 };
		broker.hash = DIGEST_SHA384;
		broker_open(&broker, (struct kbs_client_options){ .key = key });
		broker_gives(&broker);
		broker_gives(&broker);
		assert_int_equal(broker.auths, 1);
		assert_int_equal(broker.gets, 2);
		const struct kbs_client_counts counts = kbs_client_counts(broker.client);
		assert_int_equal(counts.handshakes, 1);
		assert_int_equal(counts.requests, 4);
		assert_int_equal(counts.retries, 0);
	}
}

static void binds_with_the_hash_that_the_broker_selects(void **state)
{
	static const enum digest_alg hashes[] = { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		auto_broker struct broker broker = { .hash = hashes[i] };
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		broker_gives(&broker);
	}
}

static void sends_initdata_and_evidence_of_devices(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384,
		.initdata = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"a\" = '''\"\\'''\n",
		.devices = true };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
}

static void answers_nonces_as_they_were_sent(void **state)
{
	static const char *const nonces[] = { "n", "////++++", "a b", "<&>", "\xc3\xa4" };

	(void)state;
	for (size_t i = 0; i < sizeof(nonces) / sizeof(nonces[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .nonce = nonces[i] };
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		broker_gives(&broker);
	}
}

static void speaks_older_versions_where_it_may(void **state)
{
	(void)state;
	for (enum kbs_version version = KBS_0_2; version <= KBS_0_3; version++) {
		auto_broker struct broker broker = {
			.hash = DIGEST_SHA384, .version = version, .devices = true
		};
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256, .older = true });
		broker_gives(&broker);
		assert_int_equal(broker.auths, 2);
		/* and remembers it */
		broker.forgotten = broker.attests;
		broker_gives(&broker);
		assert_int_equal(broker.auths, 3);
	}
}

static void makes_rsa_keys_for_the_oldest_version(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .version = KBS_0_1, .oldest = true };
	auto_buf struct buf token = BUF_MAX(4096);

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256, .older = true });
	assert_int_equal(kbs_client_token(broker.client, false, &token, NULL, NULL), 0);
	broker_settle(&broker);
	assert_string_equal(json_text_at(broker.pubkey, "alg", NULL), "RSA1_5");
	assert_int_equal(broker.auths, 2);
}

static void names_both_versions_where_it_may_not(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .version = KBS_0_2 };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_refuses(&broker, ERR_DENIED,
			"speaks version 0.2.0 of the protocol, and version 0.4.0 was offered");
	assert_int_equal(broker.auths, 1);
}

static bool wants_the_future(struct broker *broker, const struct asked *asked, struct said *said)
{
	(void)broker;
	(void)asked;
	said_failure(said, 401, KBS_ATTESTATION_ERROR,
			"KBS Client Protocol Version Mismatch: expect =0.5.0 while the request is 0.4.0");
	return true;
}

static void ends_at_a_version_that_nobody_knows(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = wants_the_future };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256, .older = true });
	broker_refuses(&broker, ERR_DENIED, "speaks version 0.5.0");
	assert_int_equal(broker.asked, 1);
}

/* ---- tokens ---- */

static void renews_a_token_before_it_ends(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
	broker.now += 269 * CLOCK_SECOND;
	broker_gives(&broker);
	assert_int_equal(broker.attests, 1);
	broker.now += 2 * CLOCK_SECOND;
	broker_gives(&broker);
	assert_int_equal(broker.attests, 2);
}

static void keeps_tokens_whatever_the_brokers_clock_says(void **state)
{
	static const int64_t skews[] = { -86400, 86400 };

	(void)state;
	for (size_t i = 0; i < sizeof(skews) / sizeof(skews[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .skew = skews[i] };
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		broker_gives(&broker);
		broker.now += 200 * CLOCK_SECOND;
		broker_gives(&broker);
		assert_int_equal(broker.attests, 1);
		broker.now += 100 * CLOCK_SECOND;
		broker_gives(&broker);
		assert_int_equal(broker.attests, 2);
	}
}

static void uses_tokens_that_hardly_live(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .life = 10 };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
	broker.now += 4 * CLOCK_SECOND;
	broker_gives(&broker);
	assert_int_equal(broker.attests, 1);
	broker.now += 2 * CLOCK_SECOND;
	broker_gives(&broker);
	assert_int_equal(broker.attests, 2);
	broker.life = -1;
	broker.now += 10 * CLOCK_SECOND;
	broker_gives(&broker);
	broker_gives(&broker);
	assert_int_equal(broker.attests, 4);
}

static void attests_again_when_the_token_is_not_known_any_more(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
	broker.forgotten = 1;
	broker_gives(&broker);
	assert_int_equal(broker.auths, 2);
	assert_int_equal(broker.gets, 3);
	/* but once only */
	broker.forgotten = 1000;
	broker_refuses(&broker, ERR_AUTH, "TokenNotFound: Attestation Token not found");
	assert_int_equal(broker.auths, 3);
	assert_int_equal(broker.gets, 5);
}

static void hands_out_the_token_and_its_key(void **state)
{
	static const char *const begins[] = { [KBS_KEY_P256] = "-----BEGIN PRIVATE KEY-----\n",
		[KBS_KEY_P521] = "-----BEGIN PRIVATE KEY-----\n",
		[KBS_KEY_RSA] = "-----BEGIN RSA PRIVATE KEY-----\n" };

	(void)state;
	for (enum kbs_key kind = KBS_KEY_P256; kind <= KBS_KEY_RSA; kind++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384 };
		auto_buf struct buf one = BUF_MAX(4096), two = BUF_MAX(4096), three = BUF_MAX(4096);
		auto_secret struct secret pem = SECRET_NONE;
		auto_pkey struct pkey *key = NULL;
		auto_json json_t *pubkey = NULL;
		broker_open(&broker, (struct kbs_client_options){ .key = kind });
		assert_int_equal(kbs_client_token(broker.client, false, &one, NULL, NULL), 0);
		assert_int_equal(kbs_client_token(broker.client, false, &two, &pem, NULL), 0);
		assert_string_equal(buf_text(&one), buf_text(&two));
		assert_true(span_starts(secret_span(&pem), begins[kind]));
		assert_int_equal(pkey_parse(secret_span(&pem), NULL, &key, NULL), 0);
		assert_true(pkey_is_private(key));
		assert_int_equal(kbs_tee_pubkey(key, &pubkey, NULL), 0);
		assert_true(json_equal(pubkey, broker.pubkey));
		assert_int_equal(kbs_client_token(broker.client, true, &three, &pem, NULL), 0);
		assert_string_not_equal(buf_text(&one), buf_text(&three));
		assert_int_equal(broker.attests, 2);
	}
}

/* ---- refusals ---- */

struct refusal {
	int status;
	enum kbs_variant variant;
	const char *body; /* NULL: that variant's */
	enum err_kind kind;
	const char *says;
	unsigned gets;
};

static const struct refusal *refusal;

static bool refuse_resource(struct broker *broker, const struct asked *asked, struct said *said)
{
	if (strcmp(asked->method, "GET") != 0)
		return false;
	broker->gets++;
	said_failure(said, refusal->status, refusal->variant, "the reason");
	if (refusal->body) {
		buf_reset(&said->body);
		buf_puts(&said->body, refusal->body);
	}
	return true;
}

static void tells_refusals_apart(void **state)
{
	static const struct refusal cases[] = {
		{ 401, KBS_POLICY_DENY, NULL, ERR_DENIED,
				"policy denies it: status 401, PolicyDeny: the reason", 1 },
		{ 401, KBS_PLUGIN_INTERNAL_ERROR, NULL, ERR_DENIED, "perhaps there is no such resource", 1 },
		{ 401, KBS_JWE_ERROR, NULL, ERR_DENIED, "JweError: the reason", 1 },
		{ 401, KBS_POLICY_ENGINE_ERROR, NULL, ERR_DENIED, "PolicyEngineError: the reason", 1 },
		{ 401, KBS_SERDE_ERROR, NULL, ERR_DENIED, "SerdeError", 1 },
		{ 401, KBS_TOKEN_NOT_FOUND, NULL, ERR_AUTH, "TokenNotFound", 2 },
		{ 401, KBS_TOKEN_VERIFIER_ERROR, NULL, ERR_AUTH, "TokenVerifierError", 2 },
		{ 403, KBS_TOKEN_VERIFIER_ERROR, NULL, ERR_DENIED, "status 403", 1 },
		{ 404, KBS_PLUGIN_NOT_FOUND, NULL, ERR_NOT_FOUND, "PluginNotFound", 1 },
		{ 404, KBS_OTHER_ERROR, "", ERR_NOT_FOUND, "status 404", 1 },
		{ 413, KBS_OTHER_ERROR, "payload reached size limit", ERR_LIMIT, "status 413", 1 },
		{ 405, KBS_OTHER_ERROR, "", ERR_DENIED, "status 405", 1 },
		{ 401, KBS_OTHER_ERROR, "", ERR_DENIED, "status 401", 1 },
		{ 401, KBS_OTHER_ERROR, "<html>please log in</html>", ERR_DENIED, "status 401", 1 },
		{ 401, KBS_OTHER_ERROR, "{\"detail\":\"words of a proxy\"}", ERR_DENIED,
				"status 401: words of a proxy", 1 },
		{ 401, KBS_OTHER_ERROR, "{\"type\":", ERR_DENIED, "status 401", 1 },
		{ 302, KBS_OTHER_ERROR, "", ERR_DENIED, "status 302", 1 },
		{ 204, KBS_OTHER_ERROR, "", ERR_DENIED, "status 204", 1 },
		{ 200, KBS_OTHER_ERROR, "a resource that is not encrypted", ERR_FORMAT, "answer", 1 },
		{ 200, KBS_OTHER_ERROR, "{}", ERR_FORMAT, "answer", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = refuse_resource };
		refusal = &cases[i];
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		broker_refuses(&broker, cases[i].kind, cases[i].says);
		broker_refuses(&broker, cases[i].kind, "kbs:///default/key/one: ");
		assert_int_equal(broker.gets, 2 * cases[i].gets);
		assert_int_equal(broker.attests, 2 * cases[i].gets - 1);
	}
}

/* Policy or reference values may have changed since the guest was judged. */
static void asks_a_policy_again_with_a_new_token(void **state)
{
	static const struct refusal deny = { 401, KBS_POLICY_DENY, NULL, ERR_DENIED, "PolicyDeny", 0 };
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };

	(void)state;
	refusal = &deny;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
	broker.instead = refuse_resource;
	broker_refuses(&broker, ERR_DENIED, "PolicyDeny");
	assert_int_equal(broker.gets, 2);
	broker.now += KBS_TOKEN_FRESH + 1;
	broker_refuses(&broker, ERR_DENIED, "PolicyDeny");
	assert_int_equal(broker.gets, 4);
	assert_int_equal(broker.attests, 2);
	/* the new one is fresh, and its word is final */
	broker_refuses(&broker, ERR_DENIED, "PolicyDeny");
	assert_int_equal(broker.gets, 5);
	assert_int_equal(broker.attests, 2);
}

static bool refuse_attestation(struct broker *broker, const struct asked *asked, struct said *said)
{
	if (!asks(asked, KBS_PREFIX "/attest"))
		return false;
	broker->attests++;
	said_failure(said, refusal->status, refusal->variant,
			"Attestation error: RCAR handshake Attest failed");
	return true;
}

static void tells_refused_attestations_apart(void **state)
{
	static const struct refusal cases[] = {
		{ 401, KBS_ATTESTATION_ERROR, NULL, ERR_AUTH, "refused the attestation: status 401", 2 },
		{ 413, KBS_OTHER_ERROR, NULL, ERR_LIMIT, "of this size: status 413", 1 },
		{ 404, KBS_PLUGIN_NOT_FOUND, NULL, ERR_DENIED, "status 404", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = refuse_attestation };
		refusal = &cases[i];
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		broker_refuses(&broker, cases[i].kind, cases[i].says);
		assert_int_equal(broker.attests, cases[i].gets);
		assert_int_equal(broker.auths, cases[i].gets);
		assert_int_equal(broker.gets, 0);
	}
}

static bool refuse_first_attestation(struct broker *broker, const struct asked *asked, struct said *said)
{
	return broker->attests == 0 && refuse_attestation(broker, asked, said);
}

static void attests_once_more_as_the_broker_may_have_been_restarted(void **state)
{
	static const struct refusal once = { 401, KBS_ATTESTATION_ERROR, NULL, ERR_OK, NULL, 0 };
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = refuse_first_attestation };

	(void)state;
	refusal = &once;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
	assert_int_equal(broker.auths, 2);
}

/* ---- settings ---- */

static void asks_plugins_where_their_paths_are(void **state)
{
	static const struct {
		const char *uri;
		const char *target;
	} cases[] = {
		{ "kbs:///a/b/c?x=1&y=%2F", KBS_PREFIX "/resource/a/b/c?x=1&y=%2F" },
		{ "kbs+pkcs11://other.example:9/wrap-key/x", KBS_PREFIX "/pkcs11/wrap-key/x" },
		{ "kbs+external:///b/a%20b/%c3%a4?q", KBS_PREFIX "/external/b/a%20b/%c3%a4?q" },
	};
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(broker_get(&broker, cases[i].uri, &out, &err), -1);
		assert_int_equal(err.kind, ERR_DENIED);
		assert_string_equal(broker.target, cases[i].target);
	}
	assert_int_equal(broker.gets, 3);
}

static void refuses_settings_that_cannot_work(void **state)
{
	auto_pkey struct pkey *private = NULL;
	auto_pkey struct pkey *public = NULL;
	auto_buf struct buf pem = BUF_MAX(4096);
	struct clock clock = clock_real;

	(void)state;
	assert_int_equal(pkey_generate(PKEY_P256, 0, &private, NULL), 0);
	assert_int_equal(pkey_format_public(private, &pem, NULL), 0);
	assert_int_equal(pkey_parse(buf_span(&pem), NULL, &public, NULL), 0);
	const struct {
		const char *name;
		struct kbs_client_options options;
		enum err_kind kind;
	} cases[] = {
		{ "no URL", { .url = "kbs.example" }, ERR_USAGE },
		{ "another scheme", { .url = "ftp://kbs.example" }, ERR_USAGE },
		{ "a query", { .url = "https://kbs.example/?a=b" }, ERR_USAGE },
		{ "no certificate", { .url = "https://kbs.example", .cert = SPAN_LIT("x") }, ERR_USAGE },
		{ "no text of a certificate", { .url = "https://kbs.example", .cert = SPAN_LIT("\0x") },
				ERR_USAGE },
		{ "a public key", { .url = "https://kbs.example", .tee_key = public }, ERR_USAGE },
		{ "no text", { .url = "https://kbs.example", .initdata = SPAN_LIT("\xff") }, ERR_USAGE },
		{ "a NUL", { .url = "https://kbs.example", .initdata = SPAN_LIT("a\0b") }, ERR_USAGE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kbs_client_options options = cases[i].options;
		auto_kbs_client struct kbs_client *client = NULL;
		struct err err = ERR_NONE;
		options.clock = &clock;
		if (kbs_client_open(&options, &client, &err) == 0 || err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].name, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetches_with_keys_of_every_kind),
		cmocka_unit_test(binds_with_the_hash_that_the_broker_selects),
		cmocka_unit_test(sends_initdata_and_evidence_of_devices),
		cmocka_unit_test(answers_nonces_as_they_were_sent),
		cmocka_unit_test(speaks_older_versions_where_it_may),
		cmocka_unit_test(makes_rsa_keys_for_the_oldest_version),
		cmocka_unit_test(names_both_versions_where_it_may_not),
		cmocka_unit_test(ends_at_a_version_that_nobody_knows),
		cmocka_unit_test(renews_a_token_before_it_ends),
		cmocka_unit_test(keeps_tokens_whatever_the_brokers_clock_says),
		cmocka_unit_test(uses_tokens_that_hardly_live),
		cmocka_unit_test(attests_again_when_the_token_is_not_known_any_more),
		cmocka_unit_test(hands_out_the_token_and_its_key),
		cmocka_unit_test(tells_refusals_apart),
		cmocka_unit_test(asks_a_policy_again_with_a_new_token),
		cmocka_unit_test(tells_refused_attestations_apart),
		cmocka_unit_test(attests_once_more_as_the_broker_may_have_been_restarted),
		cmocka_unit_test(asks_plugins_where_their_paths_are),
		cmocka_unit_test(refuses_settings_that_cannot_work),
	};

	if (crypto_init(false, NULL) < 0 || http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
