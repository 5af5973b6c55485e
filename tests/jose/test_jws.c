/* SPDX-License-Identifier: Apache-2.0 */
/* Signing, verifying, and the claims of time. What is refused is in test_jws_refuse.c. */
#include "tests/jose/tokens.h"

/* ---- what others signed ---- */

static void verifies_the_tokens_of_the_standards_and_makes_them_again(void **state)
{
	static const struct {
		const char *name, *jwk, *token, *header, *payload;
		bool again; /* deterministic there, too */
	} cases[] = {
		{ "RFC 7515, A.3",
				"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
				"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
				"\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}",
				"eyJhbGciOiJFUzI1NiJ9."
				"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
				"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
				"F4GawxaepmXFCgfTjDxw5d"
				"jxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
				"{\"alg\":\"ES256\"}",
				"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
				"\"http://example.com/is_root\":true}",
				false },
		{ "RFC 8037, A.4",
				"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_"
				"9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
				"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
				"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_"
				"MGCjP0JzlnLWG1PPOt7-09"
				"PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
				"{\"alg\":\"EdDSA\"}", "Example of Ed25519 signing", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_jws struct jws jws = JWS_NONE;
		auto_buf struct buf out = BUF_MAX(JWS_MAX);
		struct err err = ERR_NONE;
		assert_int_equal(jwk_parse(span_of(cases[i].jwk), &key, NULL), 0);
		if (jws_read(span_of(cases[i].token), &jws, &err) < 0 || jws_verify(&jws, &key, &err) < 0)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_string_equal(buf_text(&jws.head), cases[i].header);
		assert_string_equal(buf_text(&jws.payload), cases[i].payload);
		assert_null(jws.kid);
		if (!cases[i].again)
			continue;
		assert_int_equal(jws_sign(key.key, span_of(cases[i].header), span_of(cases[i].payload), &out,
						 NULL),
				0);
		assert_string_equal(buf_text(&out), cases[i].token);
	}
}

/* ---- our own ---- */

static void every_alg_signs_and_verifies(void **state)
{
	static const char header[] =
			"{\"typ\":\"JWT\", \"kid\":\"a\\u00e9\\\"b\",\"alg\":\"%s\",\"b64\":true}";

	(void)state;
	for (size_t i = 0; i < COUNT(signers); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_jws struct jws jws = JWS_NONE;
		auto_buf struct buf out = BUF_MAX(JWS_MAX), again = BUF_MAX(JWS_MAX);
		auto_free char *text = xasprintf(header, signers[i].name);
		signer_load(&signers[i], &key);
		buf_puts(&out, "before ");
		assert_int_equal(jws_sign(key.key, span_of(text), SPAN_LIT("pay\0load"), &out, NULL), 0);
		assert_int_equal(jws_read(span_from(buf_span(&out), 7), &jws, NULL), 0);
		assert_int_equal(jws.alg, signers[i].alg);
		assert_string_equal(jws_alg_name(jws.alg), signers[i].name);
		assert_string_equal(jws.kid, "a\u00e9\"b");
		assert_string_equal(buf_text(&jws.head), text);
		assert_true(span_eq(buf_span(&jws.payload), SPAN_LIT("pay\0load")));
		assert_int_equal(jws_verify(&jws, &key, NULL), 0);
		snprintf(key.alg, sizeof(key.alg), "%s", signers[i].name);
		assert_int_equal(jws_verify(&jws, &key, NULL), 0);
		assert_true(signers[i].alg == JWS_PS256 || jws_alg_of(key.key) == signers[i].alg);
		buf_puts(&again, "before ");
		assert_int_equal(jws_sign(key.key, span_of(text), SPAN_LIT("pay\0load"), &again, NULL), 0);
		assert_int_equal(span_eq(buf_span(&out), buf_span(&again)), signers[i].alg != JWS_PS256);
	}
}

static void a_payload_may_be_empty_or_as_large_as_fits(void **state)
{
	const size_t most = (JWS_MAX - 200) / 4 * 3;
	const size_t lengths[] = { 0, 1, 2, 3, most };
	auto_free char *payload = xcalloc(1, JWS_MAX);
	auto_jwk struct jwk key = JWK_NONE;
	struct err err = ERR_NONE;

	(void)state;
	signer_load(&signers[0], &key);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		auto_jws struct jws jws = JWS_NONE;
		auto_buf struct buf out = BUF_MAX(JWS_MAX);
		struct span bytes = span_new(payload, lengths[i]);
		assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), bytes, &out, NULL), 0);
		assert_int_equal(jws_read(buf_span(&out), &jws, NULL), 0);
		assert_int_equal(jws_verify(&jws, &key, NULL), 0);
		assert_true(span_eq(buf_span(&jws.payload), bytes));
	}
	auto_buf struct buf out = BUF_MAX(2 * JWS_MAX);
	assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), span_new(payload, JWS_MAX / 4 * 3), &out, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(out.len, 0);
}

static void a_struct_is_used_again_and_kept_on_failure(void **state)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_jws struct jws jws = JWS_NONE;
	auto_buf struct buf one = BUF_MAX(JWS_MAX), two = BUF_MAX(JWS_MAX);

	(void)state;
	signer_load(&signers[0], &key);
	assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), SPAN_LIT("one"), &one, NULL), 0);
	assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), SPAN_LIT("two"), &two, NULL), 0);
	assert_int_equal(jws_read(buf_span(&one), &jws, NULL), 0);
	assert_int_equal(jws_read(buf_span(&two), &jws, NULL), 0);
	assert_int_equal(jws_read(SPAN_LIT("x.y.z"), &jws, NULL), -1);
	assert_string_equal(buf_text(&jws.payload), "two");
	assert_int_equal(jws_verify(&jws, &key, NULL), 0);
	jws_clear(&jws);
	assert_int_equal(jws_verify(&jws, &key, NULL), -1);
}

static void does_not_sign_what_it_would_not_read(void **state)
{
	static const struct {
		size_t signer;
		const char *header;
	} cases[] = {
		{ 0, "" },
		{ 0, "[]" },
		{ 0, "{}" },
		{ 0, "{\"alg\":\"ES384\"}" },
		{ 0, "{\"alg\":\"RS256\"}" },
		{ 0, "{\"alg\":\"none\"}" },
		{ 0, "{\"alg\":\"HS256\"}" },
		{ 0, "{\"alg\":\"ES256\",\"crit\":[\"exp\"]}" },
		{ 0, "{\"alg\":\"ES256\",\"b64\":false}" },
		{ 0, "{\"alg\":\"ES256\",\"kid\":5}" },
		{ 0, "{\"alg\":\"ES256\",\"alg\":\"ES256\"}" },
		{ 4, "{\"alg\":\"ES256\"}" },
		{ 4, "{\"alg\":\"RS512\"}" },
		{ 3, "{\"alg\":\"ES256\"}" },
	};
	auto_buf struct buf out = BUF_MAX(JWS_MAX);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		struct err err = ERR_NONE;
		signer_load(&signers[cases[i].signer], &key);
		if (jws_sign(key.key, span_of(cases[i].header), SPAN_LIT("x"), &out, &err) == 0)
			fail_msg("signs %s", cases[i].header);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	for (size_t i = 0; i < COUNT(signers); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_pkey struct pkey *public = NULL;
		auto_free char *header = xasprintf("{\"alg\":\"%s\"}", signers[i].name);
		struct err err = ERR_NONE;
		signer_load(&signers[i], &key);
		public = public_half(key.key);
		assert_int_equal(jws_sign(public, span_of(header), SPAN_LIT("x"), &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	assert_int_equal(out.len, 0);
}

/* ---- times ---- */

static void the_times_of_claims_are_kept(void **state)
{
	static const struct {
		const char *claims;
		int64_t leeway;
		int kind; /* ERR_OK: accepted */
		const char *words;
	} cases[] = {
		/* now is 1000 */
		{ "{\"exp\":1001}", 0, ERR_OK, "" },
		{ "{\"exp\":1000}", 0, ERR_AUTH, "has expired" },
		{ "{\"exp\":999}", 0, ERR_AUTH, "has expired" },
		{ "{\"exp\":941}", 60, ERR_OK, "" },
		{ "{\"exp\":940}", 60, ERR_AUTH, "has expired" },
		{ "{\"exp\":1001.5}", 0, ERR_OK, "" },
		{ "{\"exp\":1000.9}", 0, ERR_AUTH, "has expired" },
		{ "{\"exp\":2e3}", 0, ERR_OK, "" },
		{ "{\"exp\":9223372036854775807}", 60, ERR_OK, "" },
		{ "{\"exp\":-9223372036854775808}", 60, ERR_AUTH, "has expired" },
		{ "{\"exp\":1e300}", 0, ERR_FORMAT, "'exp' is no time" },
		{ "{\"exp\":-1e300}", 0, ERR_FORMAT, "'exp' is no time" },
		{ "{}", 0, ERR_FORMAT, "'exp' is missing" },
		{ "{\"nbf\":1}", 0, ERR_FORMAT, "'exp' is missing" },
		{ "{\"exp\":null}", 0, ERR_FORMAT, "'exp' is no time" },
		{ "{\"exp\":\"1001\"}", 0, ERR_FORMAT, "'exp' is no time" },
		{ "{\"exp\":true}", 0, ERR_FORMAT, "'exp' is no time" },
		{ "{\"exp\":[1001]}", 0, ERR_FORMAT, "'exp' is no time" },
		{ "{\"exp\":2000,\"nbf\":1000}", 0, ERR_OK, "" },
		{ "{\"exp\":2000,\"nbf\":1001}", 0, ERR_AUTH, "not valid yet" },
		{ "{\"exp\":2000,\"nbf\":1060}", 60, ERR_OK, "" },
		{ "{\"exp\":2000,\"nbf\":1061}", 60, ERR_AUTH, "not valid yet" },
		{ "{\"exp\":2000,\"nbf\":-5}", 0, ERR_OK, "" },
		{ "{\"exp\":2000,\"nbf\":null}", 0, ERR_FORMAT, "'nbf' is no time" },
		{ "{\"exp\":2000,\"nbf\":\"1\"}", 0, ERR_FORMAT, "'nbf' is no time" },
		{ "{\"exp\":2000}", INT64_MIN, ERR_USAGE, "cannot be" },
		{ "[]", 0, ERR_FORMAT, "must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *claims = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(json_read(span_of(cases[i].claims), 4096, &claims, NULL), 0);
		int status = jws_check_times(claims, 1000, cases[i].leeway, &err);
		if ((status == 0) != (cases[i].kind == ERR_OK) || (int)err.kind != cases[i].kind ||
				!strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].claims, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_the_tokens_of_the_standards_and_makes_them_again),
		cmocka_unit_test(every_alg_signs_and_verifies),
		cmocka_unit_test(a_payload_may_be_empty_or_as_large_as_fits),
		cmocka_unit_test(a_struct_is_used_again_and_kept_on_failure),
		cmocka_unit_test(does_not_sign_what_it_would_not_read),
		cmocka_unit_test(the_times_of_claims_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
