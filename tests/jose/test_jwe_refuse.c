/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and forms. Each malformed twin is a message that opens, changed in one place. */
#include "tests/jose/messages.h"

/* ---- headers ---- */

static void refuses_headers_that_it_does_not_understand(void **state)
{
	static const struct {
		const char *protected;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "{" RSA_HEADER ",\"crit\":[\"exp\"],\"exp\":1}", ERR_FORMAT, "crit" },
		{ "{" RSA_HEADER ",\"crit\":[]}", ERR_FORMAT, "crit" },
		{ "{" RSA_HEADER ",\"crit\":null}", ERR_FORMAT, "crit" },
		{ "{\"alg\":\"none\",\"enc\":\"A256GCM\"}", ERR_FORMAT, "alg is none of" },
		{ "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}", ERR_USAGE, "no recipient has an alg" },
		{ "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", ERR_FORMAT, "alg is none of" },
		{ "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"}", ERR_FORMAT, "alg is none of" },
		{ "{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A256GCM\",\"p2c\":2000000000}", ERR_FORMAT,
				"alg is none of" },
		{ "{\"alg\":\"rsa-oaep\",\"enc\":\"A256GCM\"}", ERR_FORMAT, "alg is none of" },
		{ "{\"alg\":5,\"enc\":\"A256GCM\"}", ERR_FORMAT, "alg is none of" },
		{ "{\"enc\":\"A256GCM\"}", ERR_FORMAT, "alg is none of" },
		{ "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}", ERR_USAGE, "no recipient has an alg" },
		{ "{\"alg\":\"RSA-OAEP\"}", ERR_FORMAT, "enc is none of" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256CTR\"}", ERR_FORMAT, "enc is none of" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":[\"A256GCM\"]}", ERR_FORMAT, "enc is none of" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"a256gcm\"}", ERR_FORMAT, "enc is none of" },
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256CBC-HS512\"}", ERR_FORMAT, "iv and tag have" },
		/* the same length of all parts, another length of the key */
		{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", ERR_AUTH, "decryption failed" },
		{ "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}", ERR_AUTH, "decryption failed" },
		{ "{" RSA_HEADER ",\"alg\":\"RSA-OAEP\"}", ERR_FORMAT, "not valid JSON" },
		{ "{" RSA_HEADER ",\"zip\":\"GZ\"}", ERR_FORMAT, "zip is not DEF" },
		{ "{" RSA_HEADER ",\"zip\":null}", ERR_FORMAT, "zip is not DEF" },
		{ "{" RSA_HEADER ",\"zip\":\"DEF\"}", ERR_FORMAT, "damaged" },
		{ "[]", ERR_FORMAT, "must be an object" },
		{ "", ERR_FORMAT, "enc is none of" },
		{ "null", ERR_FORMAT, "not valid JSON" },
	};
	auto_jwk struct jwk rsa = JWK_NONE;

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	auto_json json_t *good = sealed(&rsa, "{" RSA_HEADER ",\"cty\":\"x\"}", SPAN_LIT("plain"));
	char *text = json_text(good, false);
	auto_secret struct secret plain = SECRET_NONE;
	assert_int_equal(jwe_open(&rsa, span_of(text), &plain, NULL), 0);
	free(text);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = sealed(&rsa, cases[i].protected, SPAN_LIT("plain"));
		tree_refused(&rsa, tree, cases[i].kind, cases[i].words);
	}
}

static void headers_outside_protection_are_joined_and_must_not_overlap(void **state)
{
	static const struct {
		const char *protected, *shared, *own;
		const char *words; /* NULL: opens */
	} cases[] = {
		{ "{\"enc\":\"A256GCM\"}", "{\"alg\":\"RSA-OAEP\"}", NULL, NULL },
		{ "{\"enc\":\"A256GCM\"}", NULL, "{\"alg\":\"RSA-OAEP\"}", NULL },
		{ "{\"enc\":\"A256GCM\"}", "{\"jku\":\"x\"}", "{\"alg\":\"RSA-OAEP\"}", NULL },
		{ "", "{\"enc\":\"A256GCM\"}", "{\"alg\":\"RSA-OAEP\"}", NULL },
		{ "{" RSA_HEADER "}", "{\"alg\":\"RSA-OAEP\"}", NULL, "'alg' stands in two" },
		{ "{" RSA_HEADER "}", NULL, "{\"enc\":\"A256GCM\"}", "'enc' stands in two" },
		{ "{\"enc\":\"A256GCM\"}", "{\"alg\":\"RSA-OAEP\"}", "{\"alg\":\"RSA-OAEP\"}",
				"'alg' stands in two" },
		{ "{" RSA_HEADER "}", "{\"crit\":[\"x\"]}", NULL, "crit" },
		{ "{" RSA_HEADER "}", NULL, "{\"crit\":[\"x\"]}", "crit" },
		{ "{" RSA_HEADER "}", "{\"zip\":\"DEF\"}", NULL, "outside the protected" },
		{ "{" RSA_HEADER "}", NULL, "{\"zip\":\"DEF\"}", "outside the protected" },
		{ "{" RSA_HEADER "}", "[]", NULL, "must be an object" },
		{ "{" RSA_HEADER "}", NULL, "\"x\"", "must be an object" },
	};
	auto_jwk struct jwk rsa = JWK_NONE;

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = sealed(&rsa, cases[i].protected, SPAN_LIT("plain"));
		if (cases[i].shared)
			json_object_set_new(tree, "unprotected",
					json_loads(cases[i].shared, JSON_DECODE_ANY, NULL));
		if (cases[i].own)
			json_object_set_new(tree, "header", json_loads(cases[i].own, JSON_DECODE_ANY, NULL));
		if (!*cases[i].protected)
			json_object_del(tree, "protected");
		if (cases[i].words) {
			tree_refused(&rsa, tree, ERR_FORMAT, cases[i].words);
			continue;
		}
		auto_secret struct secret plain = SECRET_NONE;
		struct err err = ERR_NONE;
		char *text = json_text(tree, false);
		if (jwe_open(&rsa, span_of(text), &plain, &err) < 0)
			fail_msg("%s: %s", text, err.text);
		assert_true(secret_is(&plain, SPAN_LIT("plain")));
		free(text);
	}
}

/* ---- form ---- */

static void refuses_members_missing_or_of_wrong_types(void **state)
{
	static const struct {
		const char *name;
		const char *value; /* NULL: taken out */
		const char *words;
	} cases[] = {
		{ "iv", NULL, "iv: is missing" },
		{ "tag", NULL, "tag: is missing" },
		{ "ciphertext", NULL, "ciphertext: is missing" },
		{ "protected", NULL, "enc is none of" },
		{ "iv", "5", "iv: must be text" },
		{ "tag", "[]", "tag: must be text" },
		{ "ciphertext", "{}", "ciphertext: must be text" },
		{ "protected", "{}", "protected: must be text" },
		{ "encrypted_key", "7", "encrypted_key: must be text" },
		{ "aad", "7", "aad: must be text" },
		{ "iv", "\"\"", "iv and tag have 0 and 16" },
		{ "iv", "\"AAAAAAAAAAAAAAAAAAAA\"", "iv and tag have 15 and 16" },
		{ "tag", "\"\"", "iv and tag have 12 and 0" },
		{ "tag", "\"AAAAAAAAAAAAAAAA\"", "iv and tag have 12 and 12" },
		{ "iv", "\"AAAA=\"", "'iv'" },
		{ "ciphertext", "\"AA\\nAA\"", "'ciphertext'" },
		{ "ciphertext", "\"+/++\"", "'ciphertext'" },
		{ "encrypted_key", "\"A\"", "'encrypted_key'" },
		{ "protected", "\"e30=\"", "'protected'" },
		{ "recipients", "{}", "recipients: must be an array" },
		{ "recipients", "[]", "recipients: is empty" },
		{ "recipients", "[1]", "recipients[0]: must be an object" },
		{ "recipients", "[{\"header\":[]}]", "recipients[0].header: must be an object" },
		{ "recipients", "[{\"encrypted_key\":1}]", "recipients[0].encrypted_key: must be text" },
	};
	auto_jwk struct jwk rsa = JWK_NONE;

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = sealed(&rsa, "{" RSA_HEADER "}", SPAN_LIT("plain"));
		if (cases[i].value)
			json_object_set_new(tree, cases[i].name,
					json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(tree, cases[i].name);
		tree_refused(&rsa, tree, ERR_FORMAT, cases[i].words);
	}
	auto_json json_t *both = sealed(&rsa, "{" RSA_HEADER "}", SPAN_LIT("plain"));
	json_object_set_new(both, "header", json_object());
	json_object_set_new(both, "recipients", json_loads("[{}]", 0, NULL));
	tree_refused(&rsa, both, ERR_FORMAT, "'header' stands beside 'recipients'");
}

static void refuses_texts_that_are_no_message(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{ "", "empty" },
		{ " \n", "empty" },
		{ "{}", "iv: is missing" },
		{ "{\"a\":1,\"a\":2}", "not valid JSON" },
		{ "[]", "five parts" },
		{ "a.b.c.d", "five parts" },
		{ "a.b.c.d.", "five parts" },
		{ "a.b.c.d.e.", "five parts" },
		{ "a.b.c.d.e.f", "five parts" },
		{ "....", "five parts" },
		{ "e30....AAAA", "enc is none of" },
		{ "e30.AA.AA.AA.A", "'tag'" },
		{ "!.AA.AA.AA.AA", "'protected'" },
		{ "bm8.AA.AA.AA.AA", "not valid JSON" },
	};
	auto_jwk struct jwk rsa = JWK_NONE;

	(void)state;
	jwk_of("keys/rsa.jwk", &rsa);
	for (size_t i = 0; i < COUNT(cases); i++)
		refused(&rsa, span_of(cases[i].text), ERR_FORMAT, cases[i].words);
}

static bool opens(const struct jwk *key, struct span text)
{
	auto_secret struct secret plain = SECRET_NONE;

	return jwe_open(key, text, &plain, NULL) == 0;
}

static const char *const whole[] = { "go-jose/p256.A256GCM.json", "go-jose/p256.A128CBC-HS256.json",
	"go-jose/p256.A256GCM.compact" };

static void refuses_a_message_cut_at_any_byte(void **state)
{
	auto_jwk struct jwk jwk = JWK_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &jwk);
	for (size_t i = 0; i < COUNT(whole); i++) {
		auto_buf struct buf text = BUF_MAX(JWE_MAX);
		load(whole[i], &text);
		assert_true(opens(&jwk, buf_span(&text)));
		for (size_t len = 0; len < text.len; len++)
			if (opens(&jwk, span_new(text.ptr, len)))
				fail_msg("%s cut at %zu", whole[i], len);
	}
}

/* With one character changed. */
static bool opens_changed(const struct jwk *key, const struct buf *text, size_t at)
{
	auto_buf struct buf changed = BUF_MAX(JWE_MAX);

	buf_add_span(&changed, buf_span(text));
	changed.ptr[at] = text->ptr[at] == 'B' ? 'C' : 'B';
	return opens(key, buf_span(&changed));
}

static void refuses_a_message_changed_at_any_byte(void **state)
{
	auto_jwk struct jwk jwk = JWK_NONE;

	(void)state;
	jwk_of("keys/p256.jwk", &jwk);
	for (size_t i = 0; i < COUNT(whole); i++) {
		auto_buf struct buf text = BUF_MAX(JWE_MAX);
		load(whole[i], &text);
		for (size_t at = 0; at < text.len; at++)
			if (opens_changed(&jwk, &text, at))
				fail_msg("%s changed at %zu", whole[i], at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_headers_that_it_does_not_understand),
		cmocka_unit_test(headers_outside_protection_are_joined_and_must_not_overlap),
		cmocka_unit_test(refuses_members_missing_or_of_wrong_types),
		cmocka_unit_test(refuses_texts_that_are_no_message),
		cmocka_unit_test(refuses_a_message_cut_at_any_byte),
		cmocka_unit_test(refuses_a_message_changed_at_any_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
