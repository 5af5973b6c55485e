/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/jose/messages.h"

#define MAX (4 * SECRET_MAX)

static const char *const names[] = { "rsa", "p256", "p384", "p521", "ed25519" };

static void reads_what_go_jose_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char jwk_name[60], pem_name[60];
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_buf struct buf pem = BUF_MAX(MAX);
		auto_pkey struct pkey *key = NULL;
		snprintf(jwk_name, sizeof(jwk_name), "keys/%s.jwk", names[i]);
		snprintf(pem_name, sizeof(pem_name), "../crypto/keys/%s.pem", names[i]);
		jwk_of(jwk_name, &jwk);
		load(pem_name, &pem);
		assert_int_equal(pkey_parse(buf_span(&pem), NULL, &key, NULL), 0);
		assert_true(pkey_is_same(jwk.key, key));
		assert_true(pkey_is_private(jwk.key));
		assert_string_equal(jwk.kid, i == 0 ? "the first key" : "");
		assert_string_equal(jwk.alg, "");
	}
}

static void reads_the_keys_of_rfc_7520(void **state)
{
	auto_jwk struct jwk peregrin = JWK_NONE, samwise = JWK_NONE;

	(void)state;
	jwk_of("rfc7520/peregrin.jwk", &peregrin);
	assert_string_equal(peregrin.kid, "peregrin.took@tuckborough.example");
	assert_int_equal(pkey_kind(peregrin.key), PKEY_P384);
	jwk_of("rfc7520/samwise.jwk", &samwise);
	assert_string_equal(samwise.alg, "RSA-OAEP");
	assert_int_equal(pkey_bits(samwise.key), 4096);
}

static void a_public_key_reads_back_as_it_was_written(void **state)
{
	static const char *const members[] = { "{\"kty\":\"RSA\",\"n\":\"",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"", "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"",
		"{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char name[60];
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_json json_t *object = NULL;
		auto_pkey struct pkey *public = NULL;
		struct err err = ERR_NONE;
		snprintf(name, sizeof(name), "keys/%s.jwk", names[i]);
		jwk_of(name, &jwk);
		assert_int_equal(jwk_format_public(jwk.key, &object, &err), 0);
		char *text = json_text(object, false);
		assert_true(span_starts(span_of(text), members[i]));
		free(text);
		assert_null(json_object_get(object, "d"));
		assert_int_equal(jwk_public(object, &public, &err), 0);
		assert_true(pkey_is_same(public, jwk.key));
		assert_false(pkey_is_private(public));
	}
}

/* One point in some thousand begins with a zero byte: such coordinates are written whole, and read without it. */
static void a_short_coordinate_is_padded(void **state)
{
	auto_pkey struct pkey *key = NULL;
	auto_buf struct buf x = BUF_MAX(100), y = BUF_MAX(100);
	auto_json json_t *object = NULL;
	auto_pkey struct pkey *back = NULL;

	(void)state;
	do {
		pkey_free(key);
		buf_clear(&x);
		buf_clear(&y);
		assert_int_equal(pkey_generate(PKEY_P256, 0, &key, NULL), 0);
		assert_int_equal(pkey_public_numbers(key, &x, &y, NULL), 0);
	} while (x.ptr[0]);
	assert_int_equal(jwk_format_public(key, &object, NULL), 0);
	assert_int_equal(json_string_length(json_object_get(object, "x")), b64url_encoded_len(32));
	auto_buf struct buf shorter = BUF_MAX(100);
	b64url_encode(&shorter, span_from(buf_span(&x), 1));
	json_object_set_new(object, "x", json_string(buf_text(&shorter)));
	assert_int_equal(jwk_public(object, &back, NULL), 0);
	assert_true(pkey_is_same(key, back));
}

static void the_public_half_of_a_private_key_is_public(void **state)
{
	static const char *const private[] = { "rsa", "p256", "ed25519" };

	(void)state;
	for (size_t i = 0; i < COUNT(private); i++) {
		char name[60];
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_pkey struct pkey *public = NULL;
		snprintf(name, sizeof(name), "keys/%s.jwk", private[i]);
		jwk_of(name, &jwk);
		auto_json json_t *object = tree_of(name);
		assert_non_null(json_object_get(object, "d"));
		assert_int_equal(jwk_public(object, &public, NULL), 0);
		assert_true(pkey_is_same(public, jwk.key));
		assert_false(pkey_is_private(public));
	}
}

static void a_private_number_is_no_longer_than_the_curve(void **state)
{
	auto_json json_t *object = tree_of("keys/p256.jwk");
	auto_buf struct buf d = BUF_MAX(100), text = BUF_MAX(100);
	auto_jwk struct jwk jwk = JWK_NONE;
	struct err err = ERR_NONE;

	(void)state;
	buf_putc(&d, '\0');
	assert_int_equal(b64url_decode(span_of(json_text_at(object, "d", NULL)), &d, NULL), 0);
	b64url_encode(&text, buf_span(&d));
	json_object_set_new(object, "d", json_string(buf_text(&text)));
	char *whole = json_text(object, false);
	assert_int_equal(jwk_parse(span_of(whole), &jwk, &err), -1);
	assert_non_null(strstr(err.text, "coordinate"));
	free(whole);
}

static void a_jwk_is_known_by_its_looks(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = {
		{ "{\"kty\":\"EC\"}", true },
		{ " \n{ \"crv\" : 1, \"kty\" : 2 }", true },
		{ "", false },
		{ "{}", false },
		{ "[\"kty\"]", false },
		{ "kty", false },
		{ "-----BEGIN PRIVATE KEY-----", false },
		{ "{\"protected\":\"e30\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(jwk_is(span_of(cases[i].text)), cases[i].is);
}

#define X256 "0xTADbqjRMolNMXW8vh1GSDwVpnFJVNUiVrWMbWxR_Y"
#define Y256 "_ub9DgXqwb6xiiWhNT2KIFtD1EtagO_gMxoyHyR2vbU"
#define EC   "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":\"" Y256 "\""

static void refuses_what_is_no_key(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{ "", "empty" },
		{ "[]", "must be an object" },
		{ "{}", "kty: is missing" },
		{ "{\"kty\":1}", "kty: must be text" },
		{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", "symmetric" },
		{ "{\"kty\":\"ec\"}", "none of RSA, EC and OKP" },
		{ "{\"kty\":\"EC\"}", "crv: is missing" },
		{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", "'crv' is none of" },
		{ "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "'crv' is none of" },
		{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}", "'crv' is not Ed25519" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", "'x' is missing" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "32 bytes" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\"}", "'y' is missing" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":\"\"}", "'y' is missing" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" Y256 "\",\"y\":\"" X256 "\"}", "no EC key" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X256 "\",\"y\":\"" Y256 "\"}", "no EC key" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "AAAA\",\"y\":\"" Y256 "\"}",
				"coordinate" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "=\",\"y\":\"" Y256 "\"}", "'x'" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"+/AA\",\"y\":\"" Y256 "\"}", "'x'" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":5,\"y\":\"" Y256 "\"}", "x: must be text" },
		{ EC ",\"x\":\"" X256 "\"}", "not valid JSON" },
		{ EC ",\"d\":\"AQ\"}", "does not belong" },
		{ EC ",\"d\":\"\"}", "'d' is missing or empty" },
		{ EC ",\"d\":7}", "d: must be text" },
		{ EC ",\"kid\":7}", "kid: must be text" },
		{ EC ",\"alg\":[]}", "alg: must be text" },
		{ EC "} x", "not valid JSON" },
		{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "17 bits" },
		{ "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "'e' is missing" },
		{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"d\":\"AQAB\",\"p\":\"AQAB\"}",
				"some are missing" },
		{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"oth\":[]}", "more than two primes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_jwk struct jwk jwk = JWK_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(jwk_parse(span_of(cases[i].text), &jwk, &err), -1);
		if (err.kind != ERR_FORMAT || !strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_null(jwk.key);
	}
	struct pkey *key = NULL;
	assert_int_equal(jwk_public(NULL, &key, NULL), -1);
}

static void bounds_are_kept(void **state)
{
	char kid[JWK_KID_MAX + 1], alg[JWK_ALG_MAX + 1];
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_buf struct buf text = BUF_MAX(MAX);
	struct err err = ERR_NONE;

	(void)state;
	memset(kid, 'k', sizeof(kid));
	memset(alg, 'a', sizeof(alg));
	buf_printf(&text, EC ",\"kid\":\"%.*s\",\"alg\":\"%.*s\"}", JWK_KID_MAX - 1, kid, JWK_ALG_MAX - 1,
			alg);
	assert_int_equal(jwk_parse(buf_span(&text), &jwk, &err), 0);
	assert_int_equal(strlen(jwk.kid), JWK_KID_MAX - 1);
	assert_int_equal(strlen(jwk.alg), JWK_ALG_MAX - 1);
	buf_reset(&text);
	buf_printf(&text, EC ",\"kid\":\"%.*s\"}", JWK_KID_MAX, kid);
	assert_int_equal(jwk_parse(buf_span(&text), &jwk, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	/* what was read before stays */
	assert_int_equal(strlen(jwk.kid), JWK_KID_MAX - 1);
	buf_reset(&text);
	buf_puts(&text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
	for (int i = 0; i < 1400; i++)
		buf_putc(&text, 'A');
	buf_puts(&text, "\"}");
	assert_int_equal(jwk_parse(buf_span(&text), &jwk, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&text);
	for (size_t i = 0; i <= SECRET_MAX; i++)
		buf_putc(&text, ' ');
	assert_int_equal(jwk_parse(buf_span(&text), &jwk, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void refuses_a_key_cut_at_any_byte(void **state)
{
	auto_buf struct buf text = BUF_MAX(MAX);

	(void)state;
	load("keys/p521.jwk", &text);
	for (size_t len = 0; len < text.len; len++) {
		auto_jwk struct jwk jwk = JWK_NONE;
		assert_int_equal(jwk_parse(span_new(text.ptr, len), &jwk, NULL), -1);
	}
}

/* RFC 7515, A.3 and A.4, and RFC 8037, A.4: what others signed, with the keys as they wrote them. */
static void keys_verify_what_the_rfcs_signed(void **state)
{
	static const struct {
		const char *key, *input, *signature;
	} cases[] = {
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
				"eyJhbGciOiJFUzI1NiJ9."
				"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"
				"eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
				"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
				"F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU"
				"1Q" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":"
		  "\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_"
		  "NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-"
		  "x3S1WDhj"
		  "Dly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
				"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
				"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-"
				"KGDKB34XO0aw_"
				"7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9E"
				"RBXukOX"
				"olLzeO_Jn" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
		  "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
				"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
				"hgyY0il_MGCjP0JzlnLWG1PPOt7-"
				"09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0K"
				"Ag" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_buf struct buf signature = BUF_MAX(200);
		struct err err = ERR_NONE;
		if (jwk_parse(span_of(cases[i].key), &jwk, &err) < 0)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(b64url_decode(span_of(cases[i].signature), &signature, NULL), 0);
		if (pkey_verify(jwk.key, span_of(cases[i].input), buf_span(&signature), &err) < 0)
			fail_msg("%zu: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_go_jose_writes),
		cmocka_unit_test(reads_the_keys_of_rfc_7520),
		cmocka_unit_test(a_public_key_reads_back_as_it_was_written),
		cmocka_unit_test(a_short_coordinate_is_padded),
		cmocka_unit_test(the_public_half_of_a_private_key_is_public),
		cmocka_unit_test(a_private_number_is_no_longer_than_the_curve),
		cmocka_unit_test(a_jwk_is_known_by_its_looks),
		cmocka_unit_test(refuses_what_is_no_key),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(refuses_a_key_cut_at_any_byte),
		cmocka_unit_test(keys_verify_what_the_rfcs_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
