/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed string: form, header policy, signature, and the mode without verification. */
#include "sealed/token.h"
#include "tests/sealed/recordings.h"

#define KID "kbs:///default/signing-key/cocoon-test"
#define PLAIN                                                                     \
	"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///default/db/" \
	"password\",\"provider\":\"kbs\","                                        \
	"\"provider_settings\":{},\"annotations\":{}}"
/* the key of sealed-secrets.md, 12.1, as it is in the recordings, and its public half */
static const char private_jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\","
				  "\"d\":\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM\","
				  "\"x\":\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\","
				  "\"y\":\"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE\"}";
#define PUBLIC_JWK(alg)                                                                                   \
	"{\"kty\":\"EC\",\"crv\":\"P-256\"," alg "\"x\":\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\"," \
	"\"y\":\"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE\"}"

/* Any header and payload under the key above: policy alone may refuse it. */
static void signed_text(const char *header, struct span payload, struct buf *out)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf jws = BUF_MAX(JWS_MAX), sig = BUF_MAX(200);

	assert_int_equal(jwk_parse(span_of(private_jwk), &key, NULL), 0);
	b64url_encode(&jws, span_of(header));
	buf_putc(&jws, '.');
	b64url_encode(&jws, payload);
	assert_int_equal(pkey_sign(key.key, buf_span(&jws), &sig, NULL), 0);
	buf_reset(out);
	buf_printf(out, SEALED_PREFIX "%s.", buf_text(&jws));
	b64url_encode(out, buf_span(&sig));
}

static int open_text(struct span text, const char *jwk, struct err *err)
{
	auto_sealed struct sealed sealed = SEALED_NONE;

	return sealed_read(text, &sealed, err) < 0 ? -1 : sealed_verify(&sealed, span_of(jwk), err);
}

/* ---- the specification's ---- */

static void verifies_the_strings_of_the_specification(void **state)
{
	/* sealed-secrets.md, 12.2; the key of the ecosystem's own tests */
	static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"QT3_"
				  "slJmispaOwnAo6hxebXGLRuiveFuRCLpS4j4S4k\","
				  "\"y\":\"jcDn4N4nRBQ-a7_D3qjqtb6hwOAXh_ve1wvibPSi1G0\"}";
	static const struct {
		const char *kid, *text;
	} cases[] = {
		{ "kbs:///default/signing-key/sealed-secret",
				"sealed."
				"eyJiNjQiOnRydWUsImFsZyI6IkVTMjU2Iiwia2lkIjoia2JzOi8vL2RlZmF1bHQvc2lnbmluZy1r"
				"ZXkvc2VhbGVk"
				"LXNlY3JldCJ9."
				"eyJ2ZXJzaW9uIjoiMC4xLjAiLCJ0eXBlIjoidmF1bHQiLCJuYW1lIjoia2JzOi8vL2RlZmF1bHQv"
				"dHlwZS"
				"90YWciLCJwcm92aWRlciI6ImticyIsInByb3ZpZGVyX3NldHRpbmdzIjp7fSwiYW5ub3RhdGlvbn"
				"MiOnt9fQ.L5Q0vRyzZ0"
				"aqzDRQxHROQRxVJ6npFk86dKUdwdQ2S5Ks6ZDddkkhi4fKGJdCZXW6rmSCiA1YUfltHpnaTSkYe"
				"g" },
		{ "test-key",
				"sealed.eyJiNjQiOnRydWUsImFsZyI6IkVTMjU2Iiwia2lkIjoidGVzdC1rZXkifQ."
				"eyJ2ZXJzaW9uIjoiMC4xLjAi"
				"LCJ0eXBlIjoidmF1bHQiLCJuYW1lIjoia2JzOi8vL29uZS8yL3Ryb2lzIiwicHJvdmlkZXIiOiJr"
				"YnMiLCJwcm92aW"
				"Rlcl9zZXR0aW5ncyI6e30sImFubm90YXRpb25zIjp7fX0.Yktcx2fRWHvD9cV-"
				"2OqbwtaALJgaEfdLjGMkkeqvmAAR"
				"-pyqdPPnuIbeicCjnMRJRPIXGSl1IpUr-GRD5ZNbeg" },
		{ "kbs:///default/signing-key/sealed-secret",
				"sealed."
				"eyJiNjQiOnRydWUsImFsZyI6IkVTMjU2Iiwia2lkIjoia2JzOi8vL2RlZmF1bHQvc2lnbmluZy1r"
				"ZXkvc2VhbGVk"
				"LXNlY3JldCJ9."
				"eyJ2ZXJzaW9uIjoiMC4xLjAiLCJ0eXBlIjoiZW52ZWxvcGUiLCJrZXlfaWQiOiJhbGlhcy9kZW1v"
				"IiwiZW"
				"5jcnlwdGVkX2tleSI6ImIzQmhjWFZsTFd0dGN5MWliRzlpIiwiZW5jcnlwdGVkX2RhdGEiOiJOR2"
				"UxYWFDUjRtM3NMZUx1e"
				"FFBMW5MejVVWk1HZmI4cjBkUXhPZz09Iiwid3JhcF90eXBlIjoiQTI1NkdDTSIsIml2IjoiQUFFQ"
				"0F3UUZCZ2NJQ1FvTCIs"
				"InByb3ZpZGVyIjoiYXdzIiwicHJvdmlkZXJfc2V0dGluZ3MiOnsicmVnaW9uIjoidXMtZWFzdC0x"
				"In0sImFubm90YXRpb25"
				"zIjp7ImVuY3J5cHRpb25fY29udGV4dCI6eyJhcHAiOiJkZW1vIn19fQ.Nhu_"
				"v0W2BUGU9wiBWGPzxQ8uQG38yKp_jrrHMnq"
				"LdTvhDDOt2fjk9Wemt38PhJ_mrMlVVm1nv7wCr8-XPXj11A" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_sealed struct sealed sealed = SEALED_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(sealed_read(span_of(cases[i].text), &sealed, &err), 0);
		assert_string_equal(sealed.kid, cases[i].kid);
		assert_false(sealed.verified);
		if (sealed_verify(&sealed, span_of(jwk), &err) < 0)
			fail_msg("%zu: %s", i, err.text);
		assert_true(sealed.verified);
	}
}

/* The ecosystem's own test: one character at 50, 200 or 250 replaced. */
static void refuses_a_string_with_another_character_anywhere(void **state)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf out = BUF_MAX(JWS_MAX);

	(void)state;
	assert_int_equal(jwk_parse(span_of(private_jwk), &key, NULL), 0);
	assert_int_equal(sealed_seal(SPAN_LIT(PLAIN), KID, key.key, &out, NULL), 0);
	assert_int_equal(open_text(buf_span(&out), private_jwk, NULL), 0);
	assert_null(strchr(buf_text(&out), '='));
	for (size_t at = 0; at < out.len; at++) {
		char kept = out.ptr[at];
		out.ptr[at] = kept == 'X' ? 'Y' : 'X';
		assert_int_equal(open_text(buf_span(&out), private_jwk, NULL), -1);
		out.ptr[at] = kept;
	}
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(open_text(span_new(out.ptr, len), private_jwk, NULL), -1);
}

/* ---- header policy ---- */

static void the_header_says_what_we_know_and_no_more(void **state)
{
	static const struct {
		const char *header;
		int kind; /* ERR_OK: accepted */
		const char *words;
	} cases[] = {
		{ "{\"b64\":true,\"alg\":\"ES256\",\"kid\":\"k\"}", ERR_OK, "" },
		{ "{\"kid\":\"k\",\"alg\":\"ES256\"}", ERR_OK, "" },
		{ "{\"kid\":\"k\",\"alg\":\"ES256\",\"typ\":\"JWT\"}", ERR_OK, "" },
		{ "{\"kid\":\"\",\"alg\":\"ES256\"}", ERR_OK, "" },
		{ "{\"alg\":\"ES256\"}", ERR_FORMAT, "no kid" },
		{ "{\"kid\":7,\"alg\":\"ES256\"}", ERR_FORMAT, "kid: must be text" },
		{ "{\"kid\":\"k\"}", ERR_FORMAT, "alg: is missing" },
		{ "{\"kid\":\"k\",\"alg\":\"ES384\"}", ERR_DENIED, "must be ES256" },
		{ "{\"kid\":\"k\",\"alg\":\"RS256\"}", ERR_DENIED, "must be ES256" },
		{ "{\"kid\":\"k\",\"alg\":\"EdDSA\"}", ERR_DENIED, "must be ES256" },
		{ "{\"kid\":\"k\",\"alg\":\"HS256\"}", ERR_DENIED, "alg is none of" },
		{ "{\"kid\":\"k\",\"alg\":\"none\"}", ERR_DENIED, "alg is none of" },
		{ "{\"b64\":false,\"alg\":\"ES256\",\"kid\":\"k\"}", ERR_DENIED, "b64" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[\"b64\"],\"b64\":true}", ERR_DENIED, "crit" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[\"exp\"],\"exp\":1}", ERR_DENIED, "crit" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"jku\":\"https://example.com\"}", ERR_DENIED, "jku" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"jwk\":{}}", ERR_DENIED, "jwk" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"x5c\":[]}", ERR_DENIED, "x5c" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"zip\":\"DEF\"}", ERR_DENIED, "zip" },
		{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"kid\":\"l\"}", ERR_FORMAT, "the header" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf text = BUF_MAX(JWS_MAX);
		struct err err = ERR_NONE;
		signed_text(cases[i].header, SPAN_LIT(PLAIN), &text);
		int status = open_text(buf_span(&text), PUBLIC_JWK(""), &err);
		if ((status == 0) != (cases[i].kind == ERR_OK) || (int)err.kind != cases[i].kind ||
				!strstr(err.text, cases[i].words))
			fail_msg("%s: %s: %s", cases[i].header, err_kind_name(err.kind), err.text);
	}
}

/* ---- keys ---- */

static void verifies_with_a_key_of_p256_whose_alg_agrees(void **state)
{
	static const struct {
		const char *jwk;
		int kind;
	} cases[] = {
		{ PUBLIC_JWK(""), ERR_OK },
		{ PUBLIC_JWK("\"alg\":\"ES256\","), ERR_OK },
		{ PUBLIC_JWK("\"kid\":\"another\",\"use\":\"enc\",\"x5c\":1,"), ERR_OK },
		{ private_jwk, ERR_OK },
		{ PUBLIC_JWK("\"alg\":\"ES384\","), ERR_DENIED },
		{ PUBLIC_JWK("\"alg\":\"HS256\","), ERR_DENIED },
		{ PUBLIC_JWK("\"alg\":\"ECDH-ES+A256KW\","), ERR_DENIED },
		{ PUBLIC_JWK("\"alg\":5,"), ERR_FORMAT },
		{ PUBLIC_JWK("\"x\":\"\","), ERR_FORMAT },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
		  "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
				ERR_DENIED },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"V-l39tt-M8P-es8oQu2YcAnK9W1FhoL8pEe309diqzQ\","
		  "\"y\":\"xas3cLpXO9_1QUBlZA_7WzRt-oTexNtNaOX1nMRxwuw\"}",
				ERR_AUTH },
		{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", ERR_FORMAT },
		{ "{\"keys\":[" PUBLIC_JWK("") "]}", ERR_FORMAT },
		{ "-----BEGIN PUBLIC KEY-----", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};
	auto_buf struct buf text = BUF_MAX(JWS_MAX);

	(void)state;
	signed_text("{\"alg\":\"ES256\",\"kid\":\"k\"}", SPAN_LIT(PLAIN), &text);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		int status = open_text(buf_span(&text), cases[i].jwk, &err);
		if ((status == 0) != (cases[i].kind == ERR_OK) || (int)err.kind != cases[i].kind)
			fail_msg("%s: %s: %s", cases[i].jwk, err_kind_name(err.kind), err.text);
	}
}

/* ---- form ---- */

static void prefixes_are_counted_as_guests_count_them(void **state)
{
	static const struct {
		const char *prefix;
		bool is_sealed, is_fake, opens;
	} cases[] = {
		{ "", false, false, true },
		{ "sealed.", true, false, true },
		{ "sealed.sealed.", true, false, true },
		{ "Sealed.", false, false, false },
		{ "sealed", false, false, false },
		{ " sealed.", false, false, false },
		{ "sealed.fakejwsheader.", true, true, false },
		{ "sealed.fakejwsheader", true, false, false },
	};
	auto_buf struct buf good = BUF_MAX(JWS_MAX);

	(void)state;
	signed_text("{\"alg\":\"ES256\",\"kid\":\"k\"}", SPAN_LIT(PLAIN), &good);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf text = BUF_MAX(JWS_MAX);
		buf_puts(&text, cases[i].prefix);
		buf_puts(&text, buf_text(&good) + strlen(SEALED_PREFIX));
		assert_int_equal(sealed_is(buf_span(&text)), cases[i].is_sealed);
		assert_int_equal(sealed_is_fake(buf_span(&text)), cases[i].is_fake);
		assert_int_equal(open_text(buf_span(&text), private_jwk, NULL) == 0, cases[i].opens);
	}
	buf_puts(&good, "\n");
	assert_int_equal(open_text(buf_span(&good), private_jwk, NULL), -1);
}

static void what_is_signed_must_be_a_secret_of_our_version(void **state)
{
	static const struct {
		const char *payload, *words;
	} cases[] = {
		{ "", "the sealed secret" },
		{ "hello", "the sealed secret" },
		{ "{}", "version: is missing" },
		{ "{\"version\":\"0.2.0\",\"type\":\"vault\",\"name\":\"n\",\"provider\":\"kbs\","
		  "\"provider_settings\":{},\"annotations\":{}}",
				"version not supported, only 0.1.0 supported" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf text = BUF_MAX(JWS_MAX);
		auto_sealed struct sealed sealed = SEALED_NONE;
		struct err err = ERR_NONE;
		signed_text("{\"alg\":\"ES256\",\"kid\":\"k\"}", span_of(cases[i].payload), &text);
		assert_int_equal(sealed_read(buf_span(&text), &sealed, NULL), 0);
		assert_int_equal(sealed_verify(&sealed, span_of(private_jwk), &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_non_null(strstr(err.text, cases[i].words));
		assert_false(sealed.verified);
		assert_null(sealed.secret.version);
		assert_int_equal(sealed_read_unsigned(buf_span(&text), &sealed, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_non_null(strstr(err.text, cases[i].words));
	}
}

static void a_struct_is_used_again_and_kept_on_failure(void **state)
{
	auto_buf struct buf text = BUF_MAX(JWS_MAX);
	auto_sealed struct sealed sealed = SEALED_NONE;

	(void)state;
	signed_text("{\"alg\":\"ES256\",\"kid\":\"one\"}", SPAN_LIT(PLAIN), &text);
	assert_int_equal(sealed_read(buf_span(&text), &sealed, NULL), 0);
	assert_int_equal(sealed_verify(&sealed, span_of(private_jwk), NULL), 0);
	assert_int_equal(sealed_read(SPAN_LIT("sealed.x"), &sealed, NULL), -1);
	assert_true(sealed.verified);
	/* another string is not verified by the one before */
	assert_int_equal(sealed_read(buf_span(&text), &sealed, NULL), 0);
	assert_false(sealed.verified);
	assert_null(sealed.secret.version);
	assert_string_equal(sealed.kid, "one");
	assert_int_equal(sealed_verify(&sealed, span_of(private_jwk), NULL), 0);
	assert_int_equal(sealed_read_unsigned(buf_span(&text), &sealed, NULL), 0);
	assert_false(sealed.verified);
	assert_null(sealed.kid);
}

static void a_string_without_signature_is_read_where_its_owner_says_so(void **state)
{
	static const struct {
		const char *before, *after;
		bool opens;
	} cases[] = {
		{ "sealed.fakejwsheader.", ".fakesignature", true },
		{ "...", "", false },
		{ "a.b.", ".", true },
		{ "..", ".", true },
		{ "sealed.a.", "", false },
		{ "sealed.a.", ".b.c", false },
		{ "sealed.a.", "=.b", false },
		{ "sealed.a.", "\n.b", false },
		{ "sealed.a. ", ".b", false },
	};
	auto_buf struct buf payload = BUF_MAX(JWS_MAX);

	(void)state;
	b64url_encode(&payload, SPAN_LIT(PLAIN));
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text =
				xasprintf("%s%s%s", cases[i].before, buf_text(&payload), cases[i].after);
		auto_sealed struct sealed sealed = SEALED_NONE;
		if ((sealed_read_unsigned(span_of(text), &sealed, NULL) == 0) != cases[i].opens)
			fail_msg("%s…%s", cases[i].before, cases[i].after);
		assert_false(sealed.verified);
	}
}

static void lengths_are_bounded(void **state)
{
	auto_buf struct buf text = BUF_MAX(2 * SEALED_MAX);
	auto_sealed struct sealed sealed = SEALED_NONE;
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&text, "sealed.a.b.");
	while (text.len <= SEALED_MAX + 20)
		buf_putc(&text, 'A');
	assert_int_equal(sealed_read(buf_span(&text), &sealed, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(sealed_read_unsigned(buf_span(&text), &sealed, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- sealing ---- */

static void seals_with_private_keys_of_p256_alone(void **state)
{
	static const enum pkey_kind kinds[] = { PKEY_RSA, PKEY_P384, PKEY_P521, PKEY_ED25519 };
	auto_jwk struct jwk public = JWK_NONE, private = JWK_NONE;
	auto_buf struct buf out = BUF_MAX(JWS_MAX), small = BUF_MAX(100);
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		auto_pkey struct pkey *key = NULL;
		assert_int_equal(pkey_generate(kinds[i], 2048, &key, NULL), 0);
		assert_int_equal(sealed_seal(SPAN_LIT(PLAIN), KID, key, &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	assert_int_equal(jwk_parse(SPAN_LIT(PUBLIC_JWK("")), &public, NULL), 0);
	assert_int_equal(sealed_seal(SPAN_LIT(PLAIN), KID, public.key, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(jwk_parse(span_of(private_jwk), &private, NULL), 0);
	assert_int_equal(sealed_seal(SPAN_LIT(PLAIN), "\xff", private.key, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(out.len, 0);
	assert_int_equal(sealed_seal(SPAN_LIT(PLAIN), KID, private.key, &small, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(small.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_the_strings_of_the_specification),
		cmocka_unit_test(refuses_a_string_with_another_character_anywhere),
		cmocka_unit_test(the_header_says_what_we_know_and_no_more),
		cmocka_unit_test(verifies_with_a_key_of_p256_whose_alg_agrees),
		cmocka_unit_test(prefixes_are_counted_as_guests_count_them),
		cmocka_unit_test(what_is_signed_must_be_a_secret_of_our_version),
		cmocka_unit_test(a_struct_is_used_again_and_kept_on_failure),
		cmocka_unit_test(a_string_without_signature_is_read_where_its_owner_says_so),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(seals_with_private_keys_of_p256_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
