/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of others, and ours. tests/vectors/jose/README.md says who sealed what; The bad ones are in test_jwe_refuse.c. */
#include "tests/jose/messages.h"

static void opens_to(const char *key, const char *message, const char *plain)
{
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_buf struct buf text = BUF_MAX(JWE_MAX), want = BUF_MAX(SECRET_MAX);
	auto_secret struct secret got = SECRET_NONE;
	struct err err = ERR_NONE;

	jwk_of(key, &jwk);
	load(message, &text);
	load(plain, &want);
	if (jwe_open(&jwk, buf_span(&text), &got, &err) < 0)
		fail_msg("%s with %s: %s", message, key, err.text);
	if (!secret_is(&got, buf_span(&want)))
		fail_msg("%s with %s holds something else", message, key);
}

/* ---- of others ---- */

static void opens_every_alg_and_curve_of_go_jose(void **state)
{
	static const char *const messages[] = { "rsa.RSA-OAEP", "rsa.RSA-OAEP-256", "p256.ECDH-ES+A128KW",
		"p256.ECDH-ES+A192KW", "p256.ECDH-ES+A256KW", "p384.ECDH-ES+A128KW", "p384.ECDH-ES+A192KW",
		"p384.ECDH-ES+A256KW", "p521.ECDH-ES+A128KW", "p521.ECDH-ES+A192KW", "p521.ECDH-ES+A256KW" };

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		char key[40], json[80], compact[80];
		snprintf(key, sizeof(key), "keys/%.*s.jwk", (int)strcspn(messages[i], "."), messages[i]);
		snprintf(json, sizeof(json), "go-jose/%s.json", messages[i]);
		snprintf(compact, sizeof(compact), "go-jose/%s.compact", messages[i]);
		opens_to(key, json, "plain.json");
		opens_to(key, compact, "plain.json");
	}
}

static void opens_every_enc_of_go_jose(void **state)
{
	static const char *const encs[] = { "A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384",
		"A256CBC-HS512", "zip" };

	(void)state;
	for (size_t i = 0; i < COUNT(encs); i++) {
		char json[80], compact[80];
		snprintf(json, sizeof(json), "go-jose/p256.%s.json", encs[i]);
		snprintf(compact, sizeof(compact), "go-jose/p256.%s.compact", encs[i]);
		opens_to("keys/p256.jwk", json, "plain.json");
		opens_to("keys/p256.jwk", compact, "plain.json");
	}
	opens_to("keys/p256.jwk", "go-jose/p256.aad.json", "plain.json");
}

static void every_recipient_opens_a_general_message(void **state)
{
	static const char *const keys[] = { "keys/rsa.jwk", "keys/p256.jwk", "keys/p384.jwk",
		"keys/p521.jwk" };

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		opens_to(keys[i], "go-jose/general.json", "plain.json");
}

static void opens_what_latchset_jose_sealed(void **state)
{
	(void)state;
	opens_to("keys/p256.jwk", "latchset/p256.A256GCM.json", "plain.json");
	opens_to("keys/p256.jwk", "latchset/p256.A128CBC-HS256.json", "plain.json");
	opens_to("keys/p521.jwk", "latchset/p521.A256GCM.json", "plain.json");
	opens_to("keys/p521.jwk", "latchset/p521.A128CBC-HS256.json", "plain.json");
	opens_to("keys/p256.jwk", "latchset/general.json", "plain.json");
	opens_to("keys/p521.jwk", "latchset/general.json", "plain.json");
}

static void opens_the_messages_of_rfc_7520(void **state)
{
	static const char *const forms[] = { "compact", "flattened.json", "general.json" };

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		char message[80];
		snprintf(message, sizeof(message), "rfc7520/5.2.%s", forms[i]);
		opens_to("rfc7520/samwise.jwk", message, "rfc7520/plain.txt");
		snprintf(message, sizeof(message), "rfc7520/5.4.%s", forms[i]);
		opens_to("rfc7520/peregrin.jwk", message, "rfc7520/plain.txt");
	}
	/* beside recipients whose algs are none of ours */
	opens_to("rfc7520/peregrin.jwk", "rfc7520/5.13.general.json", "rfc7520/plain.txt");
}

static void space_around_a_message_is_no_matter(void **state)
{
	static const char *const messages[] = { "go-jose/p256.A256GCM.json", "go-jose/p256.A256GCM.compact" };
	auto_jwk struct jwk jwk = JWK_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &jwk);
	for (size_t i = 0; i < COUNT(messages); i++) {
		auto_buf struct buf text = BUF_MAX(JWE_MAX), spaced = BUF_MAX(JWE_MAX);
		auto_secret struct secret plain = SECRET_NONE;
		load(messages[i], &text);
		buf_printf(&spaced, "\r\n %s\n", buf_text(&text));
		assert_int_equal(jwe_open(&jwk, buf_span(&spaced), &plain, NULL), 0);
	}
}

/* ---- ours ---- */

static const struct sealed_case {
	const char *key;
	const char *alg; /* of the JWK */
	const char *header;
	bool epk;
} sealed_cases[] = {
	{ "keys/rsa.jwk", "", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"", false },
	{ "keys/rsa.jwk", "RSA-OAEP", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"", false },
	{ "keys/rsa.jwk", "RSA-OAEP-256", "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"", false },
	{ "keys/rsa.jwk", "RSA1_5", "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"", false },
	{ "keys/p256.jwk", "",
			"{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-256\",\"kty\":"
			"\"EC\",\"x\":",
			true },
	{ "keys/p384.jwk", "ECDH-ES+A128KW",
			"{\"alg\":\"ECDH-ES+A128KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-384\",\"kty\":"
			"\"EC\",\"x\":",
			true },
	{ "keys/p521.jwk", "ECDH-ES+A192KW",
			"{\"alg\":\"ECDH-ES+A192KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-521\",\"kty\":"
			"\"EC\",\"x\":",
			true },
};

/* The members in their order, each a text; their lengths are those of what they hold. */
static void check_shape(struct span text, const struct sealed_case *from, const char *kid, size_t plain_len)
{
	static const char *const names[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag" };
	const size_t lengths[] = { 0, from->epk ? 40 : 256, 12, plain_len, 16 };
	auto_json json_t *tree = NULL;
	auto_buf struct buf header = BUF_MAX(4096);
	char end[200];
	size_t i = 0;

	assert_int_equal(json_read(text, JWE_MAX, &tree, NULL), 0);
	for (void *at = json_object_iter(tree); at; at = json_object_iter_next(tree, at), i++) {
		assert_true(i < COUNT(names));
		assert_string_equal(json_object_iter_key(at), names[i]);
		assert_true(i == 0 ||
				json_string_length(json_object_iter_value(at)) ==
						b64url_encoded_len(lengths[i]));
	}
	assert_int_equal(i, COUNT(names));
	assert_null(memchr(text.ptr, ' ', text.len));
	assert_int_equal(b64url_decode(span_of(json_text_at(tree, "protected", NULL)), &header, NULL), 0);
	assert_true(span_starts(buf_span(&header), from->header));
	snprintf(end, sizeof(end), ",\"kid\":\"%s\"}", kid);
	assert_true(span_ends(buf_span(&header), *kid ? end : "}"));
	assert_true(*kid || !memmem(header.ptr, header.len, "kid", 3));
}

static void what_is_sealed_has_the_shape_and_opens(void **state)
{
	static const char *const kids[] = { "", "me", "kbs:///default/key/1" };
	static const size_t lengths[] = { 0, 1, 193, 4000 };

	(void)state;
	for (size_t i = 0; i < COUNT(sealed_cases) * COUNT(kids); i++) {
		const struct sealed_case *from = &sealed_cases[i / COUNT(kids)];
		const char *kid = kids[i % COUNT(kids)];
		size_t len = lengths[i % COUNT(lengths)];
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_secret struct secret plain = SECRET_NONE, back = SECRET_NONE;
		auto_buf struct buf out = BUF_MAX(JWE_MAX);
		struct err err = ERR_NONE;
		jwk_of(from->key, &jwk);
		snprintf(jwk.alg, sizeof(jwk.alg), "%s", from->alg);
		snprintf(jwk.kid, sizeof(jwk.kid), "%s", kid);
		assert_int_equal(secret_random(&plain, len, NULL), 0);
		if (jwe_seal(&jwk, &plain, &out, &err) < 0)
			fail_msg("%s %s: %s", from->key, from->alg, err.text);
		check_shape(buf_span(&out), from, kid, len);
		if (jwe_open(&jwk, buf_span(&out), &back, &err) < 0)
			fail_msg("%s %s: %s", from->key, from->alg, err.text);
		assert_true(secret_is(&back, secret_span(&plain)));
	}
}

static void a_kid_is_escaped(void **state)
{
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE, back = SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(JWE_MAX);
	struct err err = ERR_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &jwk);
	assert_int_equal(secret_random(&plain, 8, NULL), 0);
	snprintf(jwk.kid, sizeof(jwk.kid), "a\"},\"b\\\u00e9");
	assert_int_equal(jwe_seal(&jwk, &plain, &out, &err), 0);
	assert_int_equal(jwe_open(&jwk, buf_span(&out), &back, &err), 0);
	snprintf(jwk.kid, sizeof(jwk.kid), "\xff\xfe");
	size_t before = out.len;
	assert_int_equal(jwe_seal(&jwk, &plain, &out, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(out.len, before);
}

static void no_two_seals_are_alike(void **state)
{
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf one = BUF_MAX(JWE_MAX), two = BUF_MAX(JWE_MAX);
	auto_json json_t *a = NULL, *b = NULL;

	(void)state;
	jwk_of("keys/p256.jwk", &jwk);
	assert_int_equal(secret_alloc(&plain, 64, NULL), 0);
	assert_int_equal(jwe_seal(&jwk, &plain, &one, NULL), 0);
	assert_int_equal(jwe_seal(&jwk, &plain, &two, NULL), 0);
	assert_int_equal(json_read(buf_span(&one), JWE_MAX, &a, NULL), 0);
	assert_int_equal(json_read(buf_span(&two), JWE_MAX, &b, NULL), 0);
	for (void *at = json_object_iter(a); at; at = json_object_iter_next(a, at))
		assert_false(json_equal(
				json_object_iter_value(at), json_object_get(b, json_object_iter_key(at))));
}

static void sealing_appends_or_leaves_the_output_alone(void **state)
{
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(700);
	struct err err = ERR_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &jwk);
	assert_int_equal(secret_random(&plain, 16, NULL), 0);
	buf_puts(&out, "before");
	assert_int_equal(jwe_seal(&jwk, &plain, &out, &err), 0);
	assert_true(span_starts(buf_span(&out), "before{"));
	size_t before = out.len;
	assert_int_equal(jwe_seal(&jwk, &plain, &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(out.len, before);
}

static void the_alg_is_the_keys(void **state)
{
	static const struct {
		const char *key, *alg;
		int want; /* -1: refused */
	} cases[] = {
		{ "keys/rsa.jwk", "", JWE_RSA_OAEP },
		{ "keys/rsa.jwk", "RSA-OAEP-256", JWE_RSA_OAEP_256 },
		{ "keys/rsa.jwk", "RSA1_5", JWE_RSA1_5 },
		{ "keys/rsa.jwk", "ECDH-ES+A256KW", -1 },
		{ "keys/rsa.jwk", "dir", -1 },
		{ "keys/rsa.jwk", "none", -1 },
		{ "keys/rsa.jwk", "rsa-oaep", -1 },
		{ "keys/p256.jwk", "", JWE_ECDH_ES_A256KW },
		{ "keys/p256.jwk", "ECDH-ES+A128KW", JWE_ECDH_ES_A128KW },
		{ "keys/p256.jwk", "ECDH-ES", -1 },
		{ "keys/p256.jwk", "ES256", -1 },
		{ "keys/p256.jwk", "RSA-OAEP", -1 },
		{ "keys/ed25519.jwk", "", -1 },
		{ "keys/ed25519.jwk", "ECDH-ES+A256KW", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_secret struct secret plain = SECRET_NONE;
		auto_buf struct buf out = BUF_MAX(JWE_MAX);
		enum jwe_alg alg = JWE_RSA_OAEP;
		struct err err = ERR_NONE;
		jwk_of(cases[i].key, &jwk);
		snprintf(jwk.alg, sizeof(jwk.alg), "%s", cases[i].alg);
		if (cases[i].want >= 0) {
			assert_int_equal(jwe_alg_of(&jwk, &alg, &err), 0);
			assert_int_equal((int)alg, cases[i].want);
			continue;
		}
		assert_int_equal(jwe_alg_of(&jwk, &alg, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, "not supported"));
		assert_int_equal(jwe_seal(&jwk, &plain, &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	assert_string_equal(jwe_alg_name(JWE_ECDH_ES_A192KW), "ECDH-ES+A192KW");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_every_alg_and_curve_of_go_jose),
		cmocka_unit_test(opens_every_enc_of_go_jose),
		cmocka_unit_test(every_recipient_opens_a_general_message),
		cmocka_unit_test(opens_what_latchset_jose_sealed),
		cmocka_unit_test(opens_the_messages_of_rfc_7520),
		cmocka_unit_test(space_around_a_message_is_no_matter),
		cmocka_unit_test(what_is_sealed_has_the_shape_and_opens),
		cmocka_unit_test(a_kid_is_escaped),
		cmocka_unit_test(no_two_seals_are_alike),
		cmocka_unit_test(sealing_appends_or_leaves_the_output_alone),
		cmocka_unit_test(the_alg_is_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
