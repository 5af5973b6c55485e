/* SPDX-License-Identifier: Apache-2.0 */
/* Failures, and the tokens of successes. */
#include "kbs/message.h"

#include "base/b64.h"
#include "base/buf.h"
#include "crypto/init.h"
#include "tests/kbs/recordings.h"

/* ---- failures ---- */

static void see_failure(void *ctx, const json_t *exchange)
{
	const char *body = recorded_answer(exchange);
	struct kbs_failure failure;
	auto_buf struct buf again = BUF_MAX(KBS_BODY_MAX);

	if (strncmp(body, "{\"type\"", 7) != 0)
		return;
	assert_true(kbs_failure_parse(span_of(body), &failure));
	assert_int_not_equal(failure.variant, KBS_OTHER_ERROR);
	/* line breaks do not come back */
	if (strchr(body, '\\') && strstr(body, "\\n"))
		return;
	kbs_failure_format(failure.variant, failure.detail, &again);
	assert_string_equal(buf_text(&again), body);
	*(unsigned *)ctx |= 1U << failure.variant;
}

static void reads_and_writes_the_recorded_failures(void **state)
{
	unsigned seen = 0;

	(void)state;
	recording_each(see_failure, &seen);
	assert_true(seen & 1U << KBS_ATTESTATION_ERROR);
	assert_true(seen & 1U << KBS_TOKEN_NOT_FOUND);
	assert_true(seen & 1U << KBS_POLICY_DENY);
	assert_true(seen & 1U << KBS_PLUGIN_INTERNAL_ERROR);
	assert_true(seen & 1U << KBS_JWE_ERROR);
	assert_true(seen & 1U << KBS_PLUGIN_NOT_FOUND);
	assert_true(seen & 1U << KBS_ADMIN_AUTH_ACCESS);
	assert_true(seen & 1U << KBS_ADMIN_AUTH_INITIALIZATION);
	assert_true(seen & 1U << KBS_PARSE_POLICY_ERROR);
	assert_true(seen & 1U << KBS_RVPS_ERROR);
}

static void makes_failures_fit_to_be_shown(void **state)
{
	struct kbs_failure failure;
	auto_buf struct buf body = BUF_MAX(4096);

	(void)state;
	assert_true(kbs_failure_parse(SPAN_LIT("{\"type\":\"" KBS_ERROR_TYPE
					       "PolicyDeny\",\"detail\":\"a\\nb\\u001b[0m\\u202e\"}"),
			&failure));
	assert_int_equal(failure.variant, KBS_POLICY_DENY);
	assert_null(strpbrk(failure.detail, "\n\x1b"));
	buf_puts(&body, "{\"type\":\"x\",\"detail\":\"");
	for (int i = 0; i < 1000; i++)
		buf_puts(&body, "\xc3\xa4");
	buf_puts(&body, "\"}");
	assert_true(kbs_failure_parse(buf_span(&body), &failure));
	assert_int_equal(failure.variant, KBS_OTHER_ERROR);
	assert_int_equal(strlen(failure.detail), sizeof(failure.detail) - 1);
	assert_true(span_is_utf8(span_of(failure.detail)));
}

static void writes_failures_that_can_be_read_whatever_the_detail_is(void **state)
{
	/* a mark that turns the direction of text around, which may not stand in a source */
	static const char turned[] = { 'a', '\n', 'b', 1, '\xe2', '\x80', '\xae', 0 };
	static const struct {
		const char *detail, *read;
	} cases[] = {
		{ "Plugin \xff\xc3 not found", "Plugin ?? not found" },
		{ turned, "a?b????" },
		{ "\"\\\xc3\xa4", "\"\\\xc3\xa4" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf body = BUF_MAX(4096);
		struct kbs_failure failure;
		kbs_failure_format(KBS_PLUGIN_NOT_FOUND, cases[i].detail, &body);
		assert_true(kbs_failure_parse(buf_span(&body), &failure));
		assert_int_equal(failure.variant, KBS_PLUGIN_NOT_FOUND);
		assert_string_equal(failure.detail, cases[i].read);
	}
}

static void takes_no_other_body_for_a_failure(void **state)
{
	static const char *const none[] = { "", "payload reached size limit", "<html>", "{}", "[]",
		"{\"type\":\"x\"}", "{\"type\":1,\"detail\":\"\"}", "{\"type\":\"x\",\"detail\":{}}",
		"{\"type\":\"x\",\"detail\":\"a\",\"detail\":\"b\"}" };
	static const struct {
		const char *body;
		enum kbs_variant variant;
	} some[] = {
		{ "{\"detail\":\"no type\"}", KBS_OTHER_ERROR },
		{ "{\"type\":\"PolicyDeny\",\"detail\":\"\"}", KBS_OTHER_ERROR },
		{ "{\"type\":\"" KBS_ERROR_TYPE "policydeny\",\"detail\":\"\"}", KBS_OTHER_ERROR },
		{ "{\"type\":\"" KBS_ERROR_TYPE "OtherError\",\"detail\":\"\"}", KBS_OTHER_ERROR },
		{ "{\"type\":\"" KBS_ERROR_TYPE "SerdeError\",\"detail\":\"\",\"x\":1}", KBS_SERDE_ERROR },
	};
	struct kbs_failure failure;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(kbs_failure_parse(span_of(none[i]), &failure));
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		assert_true(kbs_failure_parse(span_of(some[i].body), &failure));
		assert_int_equal(failure.variant, some[i].variant);
	}
}

static void finds_the_version_that_a_broker_wants(void **state)
{
	static const struct {
		enum kbs_variant variant;
		const char *detail;
		const char *version;
	} cases[] = {
		{ KBS_ATTESTATION_ERROR,
				"Attestation error: RCAR handshake Auth failed: KBS Client Protocol Version "
				"Mismatch: expect =0.4.0 while the request is 0.1.1",
				"0.4.0" },
		{ KBS_ATTESTATION_ERROR, "Version Mismatch: expect >=0.2.0 while the request is 0.4.0",
				"0.2.0" },
		{ KBS_ATTESTATION_ERROR, "Version Mismatch: expect 0.1.1", "0.1.1" },
		{ KBS_ATTESTATION_ERROR, "Version Mismatch: expect nothing", NULL },
		{ KBS_ATTESTATION_ERROR, "Version Mismatch: expect 01234567890123456789012345678901", NULL },
		{ KBS_ATTESTATION_ERROR, "Attestation error: RCAR handshake Auth failed: deserialize Request",
				NULL },
		{ KBS_POLICY_DENY, "Version Mismatch: expect =0.4.0", NULL },
	};
	auto_json json_t *doc = recording_load("auth.json");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kbs_failure failure = { .variant = cases[i].variant };
		char version[32] = "";
		snprintf(failure.detail, sizeof(failure.detail), "%s", cases[i].detail);
		assert_int_equal(kbs_failure_wants(&failure, version), cases[i].version != NULL);
		assert_string_equal(version, cases[i].version ? cases[i].version : "");
	}
	struct kbs_failure failure;
	char version[32] = "";
	assert_true(kbs_failure_parse(
			span_of(recorded_answer(recording_exchange(doc, "auth-newer-version"))), &failure));
	assert_true(kbs_failure_wants(&failure, version));
	assert_string_equal(version, "0.4.0");
}

/* ---- tokens ---- */

static void see_token(void *ctx, const json_t *exchange)
{
	auto_buf struct buf token = BUF_MAX(KBS_BODY_MAX);
	struct kbs_times times;
	struct err err = ERR_NONE;

	if (strcmp(recorded_target(exchange), KBS_PREFIX "/attest") != 0 || recorded_status(exchange) != 200)
		return;
	if (kbs_response_parse(span_of(recorded_answer(exchange)), &token, &err) < 0 ||
			kbs_token_times(buf_span(&token), &times, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(times.exp - times.iat, 300);
	assert_int_equal(times.nbf, 0);
	++*(unsigned *)ctx;
}

static void reads_the_times_of_recorded_tokens(void **state)
{
	unsigned count = 0;

	(void)state;
	recording_each(see_token, &count);
	assert_true(count >= 20);
}

static void reads_the_times_of_any_token(void **state)
{
	static const struct {
		const char *claims;
		int status;
		struct kbs_times times;
	} cases[] = {
		{ "{\"exp\":10,\"nbf\":5,\"iat\":4}", 0, { .exp = 10, .nbf = 5, .iat = 4 } },
		{ "{}", 0, { .exp = 0 } },
		{ "{\"exp\":null}", 0, { .exp = 0 } },
		{ "{\"exp\":9223372036854775807}", 0, { .exp = INT64_MAX } },
		{ "{\"exp\":9223372036854775808}", -1, { .exp = 0 } },
		{ "{\"exp\":\"10\"}", -1, { .exp = 0 } },
		{ "{\"exp\":-1}", -1, { .exp = 0 } },
		{ "{\"exp\":1,\"exp\":2}", -1, { .exp = 0 } },
		{ "{\"exp\":10.5}", -1, { .exp = 0 } },
		{ "{\"exp\":1e3}", -1, { .exp = 0 } },
		{ "{\"nbf\":[]}", -1, { .exp = 0 } },
		{ "[]", -1, { .exp = 0 } },
		{ "x", -1, { .exp = 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf token = BUF_MAX(1024);
		struct kbs_times times = { .exp = 0 };
		buf_puts(&token, "e30.");
		b64url_encode(&token, span_of(cases[i].claims));
		buf_puts(&token, ".c2ln");
		if (kbs_token_times(buf_span(&token), &times, NULL) != cases[i].status ||
				memcmp(&times, &cases[i].times, sizeof(times)) != 0)
			fail_msg("%s", cases[i].claims);
	}
}

static void takes_no_other_text_for_a_token(void **state)
{
	static const char *const texts[] = { "", ".", "..", "a", "a.b", "e30.e30.", ".e30.c2ln", "e30..c2ln",
		"e30.e30.c2ln.", "e30.e30.c2ln.x", "e30.e30=.c2ln", "e30.e3.c2ln", "e30.####.c2ln",
		/* what would leave the header field or the JSON text that it is put into */
		"e3\r\nX: y.e30.c2ln", "e3\",\"x\":\".e30.c2ln", "e30.e30.c2 ln", "e30.e30.c2ln\n",
		"e30.e30.c\xc3\xa4" };
	struct kbs_times times;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (kbs_token_times(span_of(texts[i]), &times, NULL) == 0)
			fail_msg("%s", texts[i]);
}

static void refuses_malformed_responses(void **state)
{
	static const char *const bodies[] = { "", "{}", "[]", "{\"token\":1}", "{\"token\":\"\"}",
		"{\"token\":\"a.b\"}", "{\"token\":\"a.b.c\",\"token\":\"a.b.c\"}", "a.b.c" };
	auto_buf struct buf token = BUF_MAX(1024), small = BUF_MAX(4);
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(kbs_response_parse(span_of(bodies[i]), &token, NULL), -1);
		assert_int_equal(token.len, 0);
	}
	assert_int_equal(kbs_response_parse(SPAN_LIT("{\"token\":\"e30.e30.eA\",\"x\":1}"), &token, NULL), 0);
	assert_string_equal(buf_text(&token), "e30.e30.eA");
	assert_int_equal(kbs_response_parse(SPAN_LIT("{\"token\":\"e30.e30.eA\"}"), &small, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_the_recorded_failures),
		cmocka_unit_test(makes_failures_fit_to_be_shown),
		cmocka_unit_test(writes_failures_that_can_be_read_whatever_the_detail_is),
		cmocka_unit_test(takes_no_other_body_for_a_failure),
		cmocka_unit_test(finds_the_version_that_a_broker_wants),
		cmocka_unit_test(reads_the_times_of_recorded_tokens),
		cmocka_unit_test(reads_the_times_of_any_token),
		cmocka_unit_test(takes_no_other_text_for_a_token),
		cmocka_unit_test(refuses_malformed_responses),
	};

	if (crypto_init(false, NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
