/* SPDX-License-Identifier: Apache-2.0 */
/* Which recipient a key opens, whose epk it believes, and how large a message may be. */
#include "codec/zip.h"
#include "tests/jose/messages.h"

/* ---- epk ---- */

/* go-jose's message to P-256, its epk changed; the header is not authentic then, but the epk is looked at before. */
static void with_epk(
		const struct jwk *key, const char *name, json_t *value, enum err_kind kind, const char *words)
{
	auto_json json_t *tree = tree_of("go-jose/p256.A256GCM.json"), *header = NULL;
	auto_buf struct buf text = BUF_MAX(4096), encoded = BUF_MAX(4096);

	assert_int_equal(b64url_decode(span_of(json_text_at(tree, "protected", NULL)), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 4096, &header, NULL), 0);
	json_t *epk = json_object_get(header, "epk");
	if (!name)
		json_object_set_new(header, "epk", value);
	else if (value)
		json_object_set_new(epk, name, value);
	else
		json_object_del(epk, name);
	char *changed = json_text(header, false);
	b64url_encode(&encoded, span_of(changed));
	free(changed);
	json_object_set_new(tree, "protected", json_string(buf_text(&encoded)));
	tree_refused(key, tree, kind, words);
}

static void refuses_an_epk_that_is_no_point_of_the_keys_curve(void **state)
{
	auto_jwk struct jwk p256 = JWK_NONE, p384 = JWK_NONE;
	json_t *other = NULL;

	(void)state;
	jwk_of("keys/p256.jwk", &p256);
	jwk_of("keys/p384.jwk", &p384);
	with_epk(&p256, "y", json_string("AQAB"), ERR_FORMAT, "'epk'");
	with_epk(&p256, "x", json_string("0xTADbqjRMolNMXW8vh1GSDwVpnFJVNUiVrWMbWxR_Y"), ERR_FORMAT, "'epk'");
	with_epk(&p256, "x", json_string(""), ERR_FORMAT, "'x' is missing or empty");
	with_epk(&p256, "x", NULL, ERR_FORMAT, "'x' is missing or empty");
	with_epk(&p256, "y", NULL, ERR_FORMAT, "'y' is missing or empty");
	with_epk(&p256, "kty", NULL, ERR_FORMAT, "kty: is missing");
	with_epk(&p256, "kty", json_string("oct"), ERR_FORMAT, "symmetric");
	with_epk(&p256, "crv", json_string("P-384"), ERR_FORMAT, "no EC key");
	with_epk(&p256, "crv", json_string("secp256k1"), ERR_FORMAT, "'crv'");
	with_epk(&p256, NULL, json_string("x"), ERR_FORMAT, "must be an object");
	with_epk(&p256, NULL, json_null(), ERR_FORMAT, "must be an object");
	assert_int_equal(jwk_format_public(p384.key, &other, NULL), 0);
	with_epk(&p256, NULL, other, ERR_USAGE, "another curve");
	/* a point that is right, and another one's */
	assert_int_equal(jwk_format_public(p256.key, &other, NULL), 0);
	with_epk(&p256, NULL, other, ERR_AUTH, "decryption failed");
	auto_json json_t *whole = tree_of("go-jose/p256.A256GCM.json");
	tree_refused(&p384, whole, ERR_USAGE, "another curve");
}

static void parties_are_part_of_the_derivation(void **state)
{
	static const struct {
		const char *value;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "\"QWxpY2U\"", ERR_AUTH, "decryption failed" },
		{ "\"A\"", ERR_FORMAT, "'apu'" },
		{ "[]", ERR_FORMAT, "'apu' must be text" },
	};
	auto_jwk struct jwk p256 = JWK_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &p256);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = tree_of("latchset/p256.A256GCM.json");
		json_object_set_new(json_object_get(tree, "header"), "apu",
				json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		tree_refused(&p256, tree, cases[i].kind, cases[i].words);
	}
	auto_json json_t *tree = tree_of("latchset/p256.A256GCM.json");
	char long_text[2001] = { 0 };
	memset(long_text, 'A', 2000);
	json_object_set_new(json_object_get(tree, "header"), "apv", json_string(long_text));
	tree_refused(&p256, tree, ERR_LIMIT, "apu or apv");
}

/* ---- recipients ---- */

/* `before` recipients of nobody, then ours */
static json_t *crowd(size_t before)
{
	json_t *tree = tree_of("latchset/p256.A256GCM.json"), *list = json_array(), *ours = json_object();

	for (size_t i = 0; i < before; i++)
		json_array_append_new(list,
				json_pack("{s:{s:s},s:s}", "header", "alg", "A256KW", "encrypted_key",
						"AAAA"));
	json_object_set(ours, "header", json_object_get(tree, "header"));
	json_object_set(ours, "encrypted_key", json_object_get(tree, "encrypted_key"));
	json_array_append_new(list, ours);
	json_object_del(tree, "header");
	json_object_set_new(tree, "recipients", list);
	return tree;
}

static void looks_through_as_many_recipients_as_may_be(void **state)
{
	auto_jwk struct jwk p256 = JWK_NONE;
	auto_json json_t *most = crowd(JWE_RECIPIENTS_MAX - 1), *more = crowd(JWE_RECIPIENTS_MAX);
	auto_secret struct secret plain = SECRET_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &p256);
	char *text = json_text(most, false);
	assert_int_equal(jwe_open(&p256, span_of(text), &plain, NULL), 0);
	free(text);
	tree_refused(&p256, more, ERR_LIMIT, "recipients: has 1025 items");
}

static void a_recipient_that_is_damaged_does_not_hide_ours(void **state)
{
	static const char *const damaged[] = { "{\"header\":{\"alg\":\"ECDH-ES+A256KW\"}}",
		"{\"header\":{\"alg\":\"ECDH-ES+A256KW\",\"epk\":5},\"encrypted_key\":\"AAAA\"}",
		"{\"header\":{\"alg\":\"RSA-OAEP\"},\"encrypted_key\":\"AAAA\"}",
		"{\"header\":{\"alg\":\"ECDH-ES+A256KW\"},\"encrypted_key\":\"=\"}", "{}" };
	auto_jwk struct jwk p256 = JWK_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &p256);
	for (size_t i = 0; i < COUNT(damaged); i++) {
		auto_json json_t *tree = crowd(1);
		auto_secret struct secret plain = SECRET_NONE;
		struct err err = ERR_NONE;
		json_array_set_new(json_object_get(tree, "recipients"), 0, json_loads(damaged[i], 0, NULL));
		char *text = json_text(tree, false);
		if (jwe_open(&p256, span_of(text), &plain, &err) < 0)
			fail_msg("%s: %s", damaged[i], err.text);
		free(text);
	}
	auto_json json_t *tree = crowd(1);
	json_array_set_new(json_object_get(tree, "recipients"), 0,
			json_loads("{\"header\":{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}}", 0, NULL));
	tree_refused(&p256, tree, ERR_FORMAT, "recipient 1: the member 'enc' stands in two");
}

static void recipients_have_one_enc(void **state)
{
	auto_jwk struct jwk p256 = JWK_NONE;
	auto_json json_t *tree = crowd(1);
	json_t *item = NULL;
	size_t i = 0;

	(void)state;
	jwk_of("keys/p256.jwk", &p256);
	json_object_del(tree, "protected");
	json_array_foreach (json_object_get(tree, "recipients"), i, item)
		json_object_set_new(json_object_get(item, "header"), "enc",
				json_string(i ? "A256GCM" : "A192GCM"));
	tree_refused(&p256, tree, ERR_FORMAT, "differ in enc");
}

static void tree_opens(const struct jwk *key, const json_t *tree)
{
	auto_secret struct secret plain = SECRET_NONE;
	char *text = json_text(tree, false);

	assert_int_equal(jwe_open(key, span_of(text), &plain, NULL), 0);
	free(text);
}

static void a_jwk_with_an_alg_opens_what_its_kind_wraps(void **state)
{
	auto_jwk struct jwk rsa = JWK_NONE, p256 = JWK_NONE;
	auto_json json_t *to_rsa = tree_of("go-jose/rsa.RSA-OAEP.json");
	auto_json json_t *to_p256 = tree_of("go-jose/p256.ECDH-ES+A128KW.json");

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	jwk_of("keys/p256.jwk", &p256);
	snprintf(rsa.alg, sizeof(rsa.alg), "RSA-OAEP-256");
	tree_opens(&rsa, to_rsa);
	snprintf(p256.alg, sizeof(p256.alg), "ECDH-ES+A256KW");
	tree_opens(&p256, to_p256);
	tree_refused(&rsa, to_p256, ERR_USAGE, "no recipient has an alg for this key (RSA)");
	/* not even one that names another use */
	snprintf(p256.alg, sizeof(p256.alg), "ES256");
	tree_opens(&p256, to_p256);
}

static void the_wrong_key_fails_in_one_way(void **state)
{
	static const char *const messages[] = { "go-jose/rsa.RSA-OAEP.json", "go-jose/rsa.RSA-OAEP-256.json",
		"go-jose/p256.A256GCM.json", "go-jose/p256.A192CBC-HS384.json",
		"go-jose/p521.ECDH-ES+A256KW.json", "go-jose/general.json" };

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		bool is_rsa = strstr(messages[i], "rsa"), is_521 = strstr(messages[i], "p521");
		auto_jwk struct jwk wrong = JWK_NONE;
		auto_json json_t *tree = tree_of(messages[i]);
		auto_secret struct secret plain = SECRET_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(pkey_generate(is_rsa                     ? PKEY_RSA
								 : is_521 ? PKEY_P521
									  : PKEY_P256,
						 2048, &wrong.key, NULL),
				0);
		char *text = json_text(tree, false);
		assert_int_equal(jwe_open(&wrong, span_of(text), &plain, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_string_equal(err.text, "the JWE: decryption failed");
		free(text);
	}
}

static void only_private_keys_open(void **state)
{
	auto_jwk struct jwk p256 = JWK_NONE, public = JWK_NONE, ed25519 = JWK_NONE;
	auto_json json_t *object = NULL, *tree = tree_of("go-jose/p256.A256GCM.json");
	auto_secret struct secret plain = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &p256);
	jwk_of("keys/ed25519.jwk", &ed25519);
	assert_int_equal(jwk_format_public(p256.key, &object, NULL), 0);
	assert_int_equal(jwk_public(object, &public.key, NULL), 0);
	char *text = json_text(tree, false);
	assert_int_equal(jwe_open(&public, span_of(text), &plain, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "opening a JWE needs a private key"));
	assert_int_equal(jwe_open(&ed25519, span_of(text), &plain, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	free(text);
}

/* ---- sizes ---- */

static void bounds_are_kept(void **state)
{
	auto_jwk struct jwk rsa = JWK_NONE;
	auto_secret struct secret most = SECRET_NONE, back = SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(JWE_MAX), big = BUF_MAX(2 * JWE_MAX);
	struct err err = ERR_NONE;
	static const char zeros[SECRET_MAX + 1] = { 0 };

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	assert_int_equal(secret_alloc(&most, SECRET_MAX, NULL), 0);
	assert_int_equal(jwe_seal(&rsa, &most, &out, &err), 0);
	assert_int_equal(jwe_open(&rsa, buf_span(&out), &back, &err), 0);
	assert_true(secret_is(&back, secret_span(&most)));
	auto_json json_t *more = sealed(&rsa, "{" RSA_HEADER "}", span_new(zeros, sizeof(zeros)));
	tree_refused(&rsa, more, ERR_LIMIT, "the ciphertext has 65537 bytes");
	memset(buf_room(&big, JWE_MAX + 1), ' ', JWE_MAX + 1);
	buf_grew(&big, JWE_MAX + 1);
	refused(&rsa, buf_span(&big), ERR_LIMIT, "exceed");
}

/* The deflate data of gzip, without its header and its checks. */
static void deflated(struct span plain, struct buf *out)
{
	auto_buf struct buf gzip = BUF_MAX(JWE_MAX);

	assert_int_equal(gzip_pack(plain, &gzip, NULL), 0);
	buf_add(out, gzip.ptr + 10, gzip.len - 18);
}

static void a_bomb_stops_at_the_ceiling(void **state)
{
	static const char zeros[4 * SECRET_MAX] = { 0 };
	static const struct {
		size_t plain, cut;
		enum err_kind kind;
		const char *words; /* NULL: opens */
	} cases[] = {
		{ SECRET_MAX, 0, ERR_OK, NULL },
		{ 0, 0, ERR_OK, NULL },
		{ SECRET_MAX + 1, 0, ERR_LIMIT, "unpacks to more than 65536 bytes" },
		{ 4 * SECRET_MAX, 0, ERR_LIMIT, "unpacks to more than 65536 bytes" },
		{ 1000, 1, ERR_FORMAT, "damaged" },
		{ 1000, 4, ERR_FORMAT, "damaged" },
	};
	auto_jwk struct jwk rsa = JWK_NONE;

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf packed = BUF_MAX(JWE_MAX);
		auto_secret struct secret plain = SECRET_NONE;
		deflated(span_new(zeros, cases[i].plain), &packed);
		auto_json json_t *tree = sealed(&rsa, "{" RSA_HEADER ",\"zip\":\"DEF\"}",
				span_new(packed.ptr, packed.len - cases[i].cut));
		if (cases[i].words) {
			tree_refused(&rsa, tree, cases[i].kind, cases[i].words);
			continue;
		}
		char *text = json_text(tree, false);
		assert_int_equal(jwe_open(&rsa, span_of(text), &plain, NULL), 0);
		assert_true(secret_is(&plain, span_new(zeros, cases[i].plain)));
		free(text);
	}
	auto_jwk struct jwk p256 = JWK_NONE;
	auto_json json_t *tree = tree_of("latchset/p256.zip-not-deflated.json");
	jwk_of("keys/p256.jwk", &p256);
	tree_refused(&p256, tree, ERR_FORMAT, "damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_an_epk_that_is_no_point_of_the_keys_curve),
		cmocka_unit_test(parties_are_part_of_the_derivation),
		cmocka_unit_test(looks_through_as_many_recipients_as_may_be),
		cmocka_unit_test(a_recipient_that_is_damaged_does_not_hide_ours),
		cmocka_unit_test(recipients_have_one_enc),
		cmocka_unit_test(a_jwk_with_an_alg_opens_what_its_kind_wraps),
		cmocka_unit_test(the_wrong_key_fails_in_one_way),
		cmocka_unit_test(only_private_keys_open),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(a_bomb_stops_at_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
