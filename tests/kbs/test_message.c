/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/message.h"

#include "base/buf.h"
#include "crypto/init.h"
#include "tests/kbs/recordings.h"

#define KEY                                                                   \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":" \
	"\"AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0\",\"y\":"              \
	"\"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q\"}"
#define RUNTIME     "\"runtime-data\":{\"nonce\":\"n\",\"tee-pubkey\":" KEY "}"
#define EVIDENCE    "\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\"},\"additional_evidence\":\"\"}"
#define ATTESTATION "{\"init-data\":null," RUNTIME "," EVIDENCE "}"

/* ---- versions ---- */

static void knows_versions_by_their_first_two_numbers(void **state)
{
	static const struct {
		const char *text;
		int status;
		enum kbs_version version;
		enum err_kind kind;
	} cases[] = {
		{ "0.4.0", 0, KBS_0_4, ERR_OK },
		{ "0.4.1", 0, KBS_0_4, ERR_OK },
		{ "0.4.0+build.1", 0, KBS_0_4, ERR_OK },
		{ "0.3.0", 0, KBS_0_3, ERR_OK },
		{ "0.2.0", 0, KBS_0_2, ERR_OK },
		{ "0.1.0", 0, KBS_0_1, ERR_OK },
		{ "0.1.1", 0, KBS_0_1, ERR_OK },
		{ "0.5.0", -1, KBS_0_4, ERR_DENIED },
		{ "0.0.4", -1, KBS_0_4, ERR_DENIED },
		{ "1.4.0", -1, KBS_0_4, ERR_DENIED },
		{ "0.4.0-alpha", -1, KBS_0_4, ERR_DENIED },
		{ "0.18446744073709551615.0", -1, KBS_0_4, ERR_DENIED },
		{ "", -1, KBS_0_4, ERR_FORMAT },
		{ "abc", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0.0", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0.", -1, KBS_0_4, ERR_FORMAT },
		{ ".4.0", -1, KBS_0_4, ERR_FORMAT },
		{ "0..0", -1, KBS_0_4, ERR_FORMAT },
		{ "v0.4.0", -1, KBS_0_4, ERR_FORMAT },
		{ "00.4.0", -1, KBS_0_4, ERR_FORMAT },
		{ "0.04.0", -1, KBS_0_4, ERR_FORMAT },
		{ " 0.4.0", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0 ", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0-", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0+", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0+a..b", -1, KBS_0_4, ERR_FORMAT },
		{ "0.4.0-a_b", -1, KBS_0_4, ERR_FORMAT },
		{ "0.18446744073709551616.0", -1, KBS_0_4, ERR_FORMAT },
		{ "-0.4.0", -1, KBS_0_4, ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum kbs_version version = KBS_0_1;
		struct err err = ERR_NONE;
		int status = kbs_version_find(span_of(cases[i].text), &version, &err);
		if (status != cases[i].status || (status == 0 && version != cases[i].version) ||
				err.kind != cases[i].kind)
			fail_msg("'%s': %d %s", cases[i].text, status, err.text);
	}
	for (enum kbs_version i = KBS_0_1; i <= KBS_0_4; i++) {
		enum kbs_version version = KBS_0_1;
		assert_int_equal(kbs_version_find(span_of(kbs_version_name(i)), &version, NULL), 0);
		assert_int_equal(version, i);
	}
}

/* ---- request ---- */

static void reads_requests_as_the_real_service_does(void **state)
{
	static const struct {
		const char *name;
		bool reads;
	} cases[] = {
		{ "auth-wrong-version", true },
		{ "auth-newer-version", true },
		{ "auth-version-not-semver", true },
		{ "auth-version-number", false },
		{ "auth-no-extra-params", false },
		{ "auth-extra-params-empty-string", true },
		{ "auth-unknown-member", true },
		{ "auth-unknown-tee", true },
		{ "auth-tee-without-verifier", true },
		{ "auth-malformed-json", false },
		{ "auth-empty-body", false },
		{ "auth-no-content-type", true },
	};
	auto_json json_t *doc = recording_load("auth.json");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *body = recorded_request(recording_exchange(doc, cases[i].name));
		auto_kbs_request struct kbs_request request = KBS_REQUEST_NONE;
		struct err err = ERR_NONE;
		if ((kbs_request_parse(span_of(body), &request, &err) == 0) != cases[i].reads)
			fail_msg("%s: %s", cases[i].name, err.text);
		if (!cases[i].reads) {
			assert_int_equal(err.kind, ERR_FORMAT);
			assert_null(request.extra);
			continue;
		}
		auto_json json_t *sent = json_loads(body, 0, NULL);
		assert_string_equal(request.version, json_text_at(sent, "version", NULL));
		assert_string_equal(request.tee, json_text_at(sent, "tee", NULL));
		assert_true(json_equal(request.extra, json_object_get(sent, "extra-params")));
	}
}

static void refuses_malformed_requests(void **state)
{
	static const struct {
		const char *body;
		enum err_kind kind;
	} cases[] = {
		{ "[]", ERR_FORMAT },
		{ "{}", ERR_FORMAT },
		{ "{\"version\":\"0.4.0\",\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}",
				ERR_FORMAT },
		{ "{\"version\":null,\"tee\":\"sample\",\"extra-params\":\"\"}", ERR_FORMAT },
		{ "{\"version\":\"0.4.0\",\"tee\":[],\"extra-params\":\"\"}", ERR_FORMAT },
		{ "{\"version\":\"0.4.0\",\"extra-params\":\"\"}", ERR_FORMAT },
		{ "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"} x", ERR_FORMAT },
		{ "{\"version\":\"0123456789012345678901234567890.1\",\"tee\":\"sample\",\"extra-params\":"
		  "\"\"}",
				ERR_LIMIT },
		{ "{\"version\":\"0.4.0\",\"tee\":\"01234567890123456789012345678901\",\"extra-params\":"
		  "\"\"}",
				ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_kbs_request struct kbs_request request = KBS_REQUEST_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(kbs_request_parse(span_of(cases[i].body), &request, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].body, err.text);
	}
}

static void writes_requests_that_differ_from_the_recorded_in_the_hash_that_is_not_here(void **state)
{
	auto_json json_t *doc = recording_load("auth.json");
	auto_json json_t *theirs = json_loads(
			recorded_request(recording_exchange(doc, "auth-no-content-type")), 0, NULL);
	auto_buf struct buf body = BUF_MAX(1024);

	(void)state;
	kbs_request_format(KBS_0_4, "sample", &body);
	auto_json json_t *ours = json_loads(buf_text(&body), 0, NULL);
	json_t *hashes =
			json_object_get(json_object_get(theirs, "extra-params"), "supported-hash-algorithms");
	assert_string_equal(json_string_value(json_array_get(hashes, 3)), "sm3");
	json_array_remove(hashes, 3);
	assert_true(json_equal(ours, theirs));
	buf_reset(&body);
	kbs_request_format(KBS_0_1, "tpm", &body);
	assert_string_equal(buf_text(&body), "{\"version\":\"0.1.1\",\"tee\":\"tpm\",\"extra-params\":\"\"}");
}

/* ---- challenge ---- */

static void see_challenge(void *ctx, const json_t *exchange)
{
	const char *body = recorded_answer(exchange);
	struct kbs_challenge challenge;
	auto_buf struct buf again = BUF_MAX(KBS_BODY_MAX);

	if (strcmp(recorded_target(exchange), KBS_PREFIX "/auth") != 0 || recorded_status(exchange) != 200)
		return;
	assert_int_equal(kbs_challenge_parse(span_of(body), &challenge, NULL), 0);
	assert_int_equal(challenge.hash, DIGEST_SHA384);
	assert_int_equal(strlen(challenge.nonce), 44);
	kbs_challenge_format(challenge.nonce, &again);
	assert_string_equal(buf_text(&again), body);
	++*(unsigned *)ctx;
}

static void reads_and_writes_the_recorded_challenges(void **state)
{
	unsigned count = 0;

	(void)state;
	recording_each(see_challenge, &count);
	assert_true(count >= 20);
}

static void takes_the_hash_that_the_broker_selects(void **state)
{
	static const struct {
		const char *extra;
		int hash; /* -1: refused */
	} cases[] = {
		{ "\"\"", DIGEST_SHA384 },
		{ "{}", DIGEST_SHA384 },
		{ "null", DIGEST_SHA384 },
		{ "[]", DIGEST_SHA384 },
		{ "1", DIGEST_SHA384 },
		{ "{\"selected-hash-algorithm\":\"sha256\"}", DIGEST_SHA256 },
		{ "{\"selected-hash-algorithm\":\"SHA256\"}", DIGEST_SHA256 },
		{ "{\"selected-hash-algorithm\":\"sha384\"}", DIGEST_SHA384 },
		{ "{\"selected-hash-algorithm\":\"Sha512\",\"x\":1}", DIGEST_SHA512 },
		{ "{\"selected-hash-algorithm\":\"sm3\"}", -1 },
		{ "{\"selected-hash-algorithm\":\"\"}", -1 },
		{ "{\"selected-hash-algorithm\":\"foo\"}", -1 },
		{ "{\"selected-hash-algorithm\":\"sha256sha256sha256\"}", -1 },
		{ "{\"selected-hash-algorithm\":\"sha-256\"}", -1 },
		{ "{\"selected-hash-algorithm\":[]}", -1 },
		{ "{\"selected-hash-algorithm\":{}}", -1 },
		{ "{\"selected-hash-algorithm\":true}", -1 },
		{ "{\"selected-hash-algorithm\":256}", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *body = xasprintf("{\"nonce\":\"n\",\"extra-params\":%s}", cases[i].extra);
		struct kbs_challenge challenge = { .hash = DIGEST_SHA384 };
		struct err err = ERR_NONE;
		int status = kbs_challenge_parse(span_of(body), &challenge, &err);
		if (status != (cases[i].hash < 0 ? -1 : 0) ||
				(status == 0 && (int)challenge.hash != cases[i].hash))
			fail_msg("%s: %s", cases[i].extra, err.text);
		if (status < 0)
			assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void takes_any_nonce_but_none(void **state)
{
	auto_free char *longest = xmalloc(KBS_NONCE_MAX + 1);
	struct kbs_challenge challenge;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(kbs_challenge_parse(SPAN_LIT("{\"nonce\":\"{\\\"version\\\":\\\"1\\\"}\\n+/=\"}"),
					 &challenge, NULL),
			0);
	assert_string_equal(challenge.nonce, "{\"version\":\"1\"}\n+/=");
	assert_int_equal(kbs_challenge_parse(SPAN_LIT("{\"nonce\":\"\"}"), &challenge, NULL), -1);
	assert_int_equal(kbs_challenge_parse(SPAN_LIT("{\"nonce\":1}"), &challenge, NULL), -1);
	assert_int_equal(kbs_challenge_parse(SPAN_LIT("{\"extra-params\":\"\"}"), &challenge, NULL), -1);
	assert_int_equal(kbs_challenge_parse(SPAN_LIT("{\"nonce\":\"a\\u0000b\"}"), &challenge, NULL), -1);
	memset(longest, 'a', KBS_NONCE_MAX);
	longest[KBS_NONCE_MAX] = '\0';
	auto_free char *over = xasprintf("{\"nonce\":\"%s\"}", longest);
	assert_int_equal(kbs_challenge_parse(span_of(over), &challenge, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	longest[KBS_NONCE_MAX - 1] = '\0';
	auto_free char *full = xasprintf("{\"nonce\":\"%s\"}", longest);
	assert_int_equal(kbs_challenge_parse(span_of(full), &challenge, NULL), 0);
}

/* ---- attestation ---- */

static void see_attestation(void *ctx, const json_t *exchange)
{
	const char *body = recorded_request(exchange);
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
	auto_buf struct buf again = BUF_MAX(KBS_BODY_MAX);
	struct err err = ERR_NONE;

	/* the typed members alone come back */
	if (!json_object_get(exchange, "runtime_data_canonical") || strstr(body, "\"use\""))
		return;
	if (kbs_attestation_parse(span_of(body), KBS_0_4, &attestation, &err) < 0)
		fail_msg("%s", err.text);
	kbs_attestation_format(&attestation, &again);
	assert_string_equal(buf_text(&again), body);
	++*(unsigned *)ctx;
}

static void writes_the_recorded_attestations_byte_for_byte(void **state)
{
	unsigned count = 0;

	(void)state;
	recording_each(see_attestation, &count);
	assert_true(count >= 20);
}

static void refuses_the_attestations_whose_form_the_real_service_refuses(void **state)
{
	static const struct {
		const char *name;
		const char *says; /* NULL: the form is right */
	} cases[] = {
		{ "attest-malformed-json", "" },
		{ "attest-evidence-names-hyphened", "tee-evidence" },
		{ "attest-init-data-format-json", "json" },
		{ "attest-init-data-algorithm-sha-384", NULL },
		{ "attest-wrong-report-data", NULL },
		{ "attest-empty-evidence", NULL },
		{ "attest-key-with-extra-members-hashed", NULL },
	};
	auto_json json_t *doc = recording_load("attest-refused.json");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *body = recorded_request(recording_exchange(doc, cases[i].name));
		auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
		struct err err = ERR_NONE;
		int status = kbs_attestation_parse(span_of(body), KBS_0_4, &attestation, &err);
		if (status != (cases[i].says ? -1 : 0) || (cases[i].says && !strstr(err.text, cases[i].says)))
			fail_msg("%s: %s", cases[i].name, err.text);
	}
}

static void takes_the_parts_of_an_attestation(void **state)
{
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
	static const char body[] = "{" RUNTIME ",\"tee-evidence\":{\"primary_evidence\":[1],"
				   "\"additional_evidence\":\"{\\\"a\\\":{}}\",\"x\":1},"
				   "\"init-data\":{\"format\":\"toml\",\"body\":\"a = 1\\n\"},\"y\":[]}";

	(void)state;
	assert_int_equal(kbs_attestation_parse(SPAN_LIT(body), KBS_0_4, &attestation, NULL), 0);
	assert_int_equal(attestation.version, KBS_0_4);
	assert_string_equal(attestation.nonce, "n");
	assert_string_equal(attestation.initdata, "a = 1\n");
	assert_string_equal(attestation.additional, "{\"a\":{}}");
	assert_int_equal(json_array_size(attestation.evidence), 1);
	assert_int_equal(json_object_size(attestation.pubkey), 5);
	kbs_attestation_clear(&attestation);
	assert_int_equal(kbs_attestation_parse(
					 SPAN_LIT("{" RUNTIME "," EVIDENCE "}"), KBS_0_4, &attestation, NULL),
			0);
	assert_null(attestation.initdata);
	assert_string_equal(attestation.additional, "");
}

static void refuses_malformed_attestations(void **state)
{
	static const char *const cases[] = {
		"[]",
		"{}",
		"{" RUNTIME "}",
		"{" EVIDENCE "}",
		"{\"init-data\":\"a = 1\"," RUNTIME "," EVIDENCE "}",
		"{\"init-data\":{}," RUNTIME "," EVIDENCE "}",
		"{\"init-data\":{\"format\":\"toml\"}," RUNTIME "," EVIDENCE "}",
		"{\"init-data\":{\"format\":\"toml\",\"body\":1}," RUNTIME "," EVIDENCE "}",
		"{\"runtime-data\":[]," EVIDENCE "}",
		"{\"runtime-data\":{\"tee-pubkey\":" KEY "}," EVIDENCE "}",
		"{\"runtime-data\":{\"nonce\":null,\"tee-pubkey\":" KEY "}," EVIDENCE "}",
		"{\"runtime-data\":{\"nonce\":\"n\"}," EVIDENCE "}",
		"{\"runtime-data\":{\"nonce\":\"n\",\"tee-pubkey\":\""
		"\"}," EVIDENCE "}",
		"{\"runtime-data\":{\"nonce\":\"n\",\"nonce\":\"n\",\"tee-pubkey\":" KEY "}," EVIDENCE "}",
		"{" RUNTIME ",\"tee-evidence\":\"\"}",
		"{" RUNTIME ",\"tee-evidence\":{\"primary_evidence\":{}}}",
		"{" RUNTIME ",\"tee-evidence\":{\"additional_evidence\":\"\"}}",
		"{" RUNTIME ",\"tee-evidence\":{\"primary_evidence\":{},\"additional_evidence\":{}}}",
		"{" RUNTIME ",\"tee-evidence\":{\"primary_evidence\":{},\"additional_evidence\":null}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
		struct err err = ERR_NONE;
		if (kbs_attestation_parse(span_of(cases[i]), KBS_0_4, &attestation, &err) == 0 ||
				err.kind != ERR_FORMAT)
			fail_msg("%s: %s", cases[i], err.text);
		assert_null(attestation.nonce);
		assert_null(attestation.pubkey);
	}
}

static void refuses_an_attestation_that_is_cut_anywhere(void **state)
{
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;

	(void)state;
	for (size_t len = 0; len < sizeof(ATTESTATION) - 1; len++)
		assert_int_equal(kbs_attestation_parse(
						 span_new(ATTESTATION, len), KBS_0_4, &attestation, NULL),
				-1);
	assert_int_equal(kbs_attestation_parse(SPAN_LIT(ATTESTATION), KBS_0_4, &attestation, NULL), 0);
}

static void refuses_what_is_deep_or_too_large(void **state)
{
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
	auto_buf struct buf body = BUF_MAX(2 * KBS_BODY_MAX);
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&body, "{" RUNTIME ",\"tee-evidence\":{\"primary_evidence\":");
	for (int i = 0; i < 200; i++)
		buf_putc(&body, '[');
	assert_int_equal(kbs_attestation_parse(buf_span(&body), KBS_0_4, &attestation, &err), -1);
	buf_reset(&body);
	buf_puts(&body, ATTESTATION);
	while (body.len <= KBS_BODY_MAX)
		buf_putc(&body, ' ');
	err_clear(&err);
	assert_int_equal(kbs_attestation_parse(buf_span(&body), KBS_0_4, &attestation, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void reads_and_writes_the_older_forms(void **state)
{
	static const struct {
		enum kbs_version version;
		const char *body;
		bool additional;
	} cases[] = {
		{ KBS_0_1, "{\"tee-pubkey\":" KEY ",\"tee-evidence\":{\"svn\":\"1\"}}", false },
		{ KBS_0_2, "{\"tee-pubkey\":" KEY ",\"tee-evidence\":{\"svn\":\"1\"}}", false },
		{ KBS_0_2, "{\"tee-pubkey\":" KEY ",\"tee-evidence\":\"a text\"}", false },
		{ KBS_0_3,
				"{\"tee-pubkey\":" KEY ",\"tee-evidence\":{\"primary_evidence\":{\"svn\":"
				"\"1\"},\"additional_evidence\":"
				"\"{\\\"x\\\":1}\"}}",
				true },
		{ KBS_0_4, ATTESTATION, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
		auto_buf struct buf again = BUF_MAX(KBS_BODY_MAX);
		struct err err = ERR_NONE;
		if (kbs_attestation_parse(span_of(cases[i].body), cases[i].version, &attestation, &err) < 0)
			fail_msg("%s: %s", cases[i].body, err.text);
		assert_int_equal(attestation.version, cases[i].version);
		assert_int_equal(attestation.nonce != NULL, cases[i].version == KBS_0_4);
		assert_string_equal(attestation.additional, cases[i].additional ? "{\"x\":1}" : "");
		kbs_attestation_format(&attestation, &again);
		assert_string_equal(buf_text(&again), cases[i].body);
		/* no form is taken for another */
		auto_kbs_attestation struct kbs_attestation other = KBS_ATTESTATION_NONE;
		enum kbs_version wrong = cases[i].version == KBS_0_4 ? KBS_0_2 : KBS_0_4;
		assert_int_equal(kbs_attestation_parse(span_of(cases[i].body), wrong, &other, NULL), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_versions_by_their_first_two_numbers),
		cmocka_unit_test(reads_requests_as_the_real_service_does),
		cmocka_unit_test(refuses_malformed_requests),
		cmocka_unit_test(writes_requests_that_differ_from_the_recorded_in_the_hash_that_is_not_here),
		cmocka_unit_test(reads_and_writes_the_recorded_challenges),
		cmocka_unit_test(takes_the_hash_that_the_broker_selects),
		cmocka_unit_test(takes_any_nonce_but_none),
		cmocka_unit_test(writes_the_recorded_attestations_byte_for_byte),
		cmocka_unit_test(refuses_the_attestations_whose_form_the_real_service_refuses),
		cmocka_unit_test(takes_the_parts_of_an_attestation),
		cmocka_unit_test(refuses_malformed_attestations),
		cmocka_unit_test(refuses_an_attestation_that_is_cut_anywhere),
		cmocka_unit_test(refuses_what_is_deep_or_too_large),
		cmocka_unit_test(reads_and_writes_the_older_forms),
	};

	if (crypto_init(false, NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
