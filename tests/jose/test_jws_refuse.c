/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that must not pass: cut, changed, in another form, with another alg, for another key. */
#include "tests/jose/tokens.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const char claims[] = "{\"sub\":\"somebody\",\"exp\":4102444800}";

static bool passes(struct span text, const struct jwk *key, struct err *err)
{
	auto_jws struct jws jws = JWS_NONE;

	return jws_read(text, &jws, err) == 0 && jws_verify(&jws, key, err) == 0;
}

static void must_fail(const char *name, struct span text, const struct jwk *key, enum err_kind kind,
		const char *words)
{
	struct err err = ERR_NONE;

	if (passes(text, key, &err))
		fail_msg("%s: passes", name);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: %s: %s", name, err_kind_name(err.kind), err.text);
}

/* ---- the form ---- */

static void cut_or_change(const char *name, struct buf *token, const struct jwk *key)
{
	for (size_t len = 0; len < token->len; len++)
		if (passes(span_new(token->ptr, len), key, NULL))
			fail_msg("%s: passes with %zu of %zu bytes", name, len, token->len);
	for (size_t at = 0; at < token->len; at++) {
		char kept = token->ptr[at];
		token->ptr[at] = kept == 'A' ? 'B' : 'A';
		if (passes(buf_span(token), key, NULL))
			fail_msg("%s: passes with another byte %zu", name, at);
		token->ptr[at] = kept;
	}
}

static void refuses_a_token_that_was_cut_or_changed_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(signers); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_buf struct buf out = BUF_MAX(JWS_MAX);
		auto_free char *header = xasprintf("{\"alg\":\"%s\"}", signers[i].name);
		signer_load(&signers[i], &key);
		assert_int_equal(jws_sign(key.key, span_of(header), span_of(claims), &out, NULL), 0);
		assert_true(passes(buf_span(&out), &key, NULL));
		cut_or_change(signers[i].name, &out, &key);
	}
}

static void refuses_texts_that_are_no_token(void **state)
{
	static const char *const texts[] = { "", ".", "..", "...", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "{}",
		"{\"payload\":\"\",\"signatures\":[]}", "sealed.a.b.c", "\xff.\xff.\xff" };
	auto_jwk struct jwk key = JWK_NONE;

	(void)state;
	signer_load(&signers[0], &key);
	for (size_t i = 0; i < COUNT(texts); i++)
		must_fail(texts[i], span_of(texts[i]), &key, ERR_FORMAT, "the JWS: ");
}

/* Each has the bytes of a good token in another writing. */
static void refuses_every_other_writing_of_the_same_bytes(void **state)
{
	static const char *const forms[] = { "%s=.%s.%s", "%s.%s=.%s", "%s.%s.%s==", " %s.%s.%s", "%s.%s.%s ",
		"%s.%s.%s\n", "%s.\n%s.%s", "%s. %s.%s", "%s.%s.%s.", ".%s.%s.%s", "%s..%s.%s",
		"%s.%s.%s\t" };
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf out = BUF_MAX(JWS_MAX);
	struct span parts[3];

	(void)state;
	signer_load(&signers[0], &key);
	assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), SPAN_LIT("\xfb\xff\xfe"), &out, NULL), 0);
	assert_true(passes(buf_span(&out), &key, NULL));
	struct span rest = buf_span(&out);
	char *texts[3];
	for (size_t i = 0; i < 3 && span_next(&rest, '.', &parts[i]); i++)
		texts[i] = xmemdup0(parts[i].ptr, parts[i].len);
	for (size_t i = 0; i < COUNT(forms); i++) {
		char other[1000];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(other, sizeof(other), forms[i], texts[0], texts[1], texts[2]);
#pragma GCC diagnostic pop
		must_fail(forms[i], span_of(other), &key, ERR_FORMAT, "the JWS: ");
	}
	/* the standard alphabet, and bits behind the last byte */
	assert_string_equal(texts[1], "-__-");
	auto_free char *standard = xasprintf("%s.+//+.%s", texts[0], texts[2]);
	must_fail("the standard alphabet", span_of(standard), &key, ERR_FORMAT, "the payload");
	size_t last = strlen(texts[2]) - 1;
	texts[2][last]++;
	auto_free char *bits = xasprintf("%s.%s.%s", texts[0], texts[1], texts[2]);
	must_fail("bits that are not zero", span_of(bits), &key, ERR_FORMAT, "the signature");
	for (size_t i = 0; i < 3; i++)
		free(texts[i]);
}

static void refuses_what_is_too_large(void **state)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf out = BUF_MAX(2 * JWS_MAX), header = BUF_MAX(2 * JWS_MAX);
	auto_free char *many = xcalloc(1, JWS_MAX);

	(void)state;
	signer_load(&signers[0], &key);
	memset(many, 'a', JWS_MAX - 1);
	buf_printf(&header, "{\"alg\":\"ES256\",\"x\":\"%.*s\"}", (int)JWS_HEADER_MAX, many);
	token_of(buf_span(&header), SPAN_LIT("x"), SPAN_LIT("x"), &out);
	must_fail("a header", buf_span(&out), &key, ERR_LIMIT, "the header");
	token_of(SPAN_LIT(ES256), span_new(many, JWS_MAX / 4 * 3), SPAN_LIT("x"), &out);
	must_fail("a payload", buf_span(&out), &key, ERR_LIMIT, "exceed");
	token_of(SPAN_LIT(ES256), SPAN_LIT("x"), span_new(many, 3000), &out);
	must_fail("a signature", buf_span(&out), &key, ERR_LIMIT, "the signature");
	buf_reset(&header);
	buf_puts(&header, "{\"alg\":\"ES256\",\"x\":");
	for (int i = 0; i < 200; i++)
		buf_putc(&header, '[');
	token_of(buf_span(&header), SPAN_LIT("x"), SPAN_LIT("x"), &out);
	must_fail("a deep header", buf_span(&out), &key, ERR_LIMIT, "the header");
}

/* ---- the header ---- */

/* The signature is good in each: the policy alone refuses. */
static void refuses_headers_by_policy(void **state)
{
	static const struct {
		const char *header;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", ERR_DENIED, "'crit'" },
		{ "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":true}", ERR_DENIED, "'crit'" },
		{ "{\"alg\":\"ES256\",\"crit\":[]}", ERR_DENIED, "'crit'" },
		{ "{\"alg\":\"ES256\",\"crit\":null}", ERR_DENIED, "'crit'" },
		{ "{\"alg\":\"ES256\",\"b64\":false}", ERR_DENIED, "b64" },
		{ "{\"alg\":\"ES256\",\"b64\":null}", ERR_DENIED, "b64" },
		{ "{\"alg\":\"ES256\",\"b64\":\"true\"}", ERR_DENIED, "b64" },
		{ "{\"alg\":\"ES256\",\"b64\":1}", ERR_DENIED, "b64" },
		{ "{\"alg\":\"ES256\",\"alg\":\"ES256\"}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\",\"alg\":\"none\"}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\",\"kid\":\"a\",\"kid\":\"b\"}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\",\"x\":{\"y\":1,\"y\":2}}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\",\"kid\":1}", ERR_FORMAT, "kid" },
		{ "{\"alg\":\"ES256\",\"kid\":null}", ERR_FORMAT, "kid" },
		{ "{\"alg\":\"ES256\",\"kid\":[\"a\"]}", ERR_FORMAT, "kid" },
		{ "{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\"}x", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\",}", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"ES256\xff\"}", ERR_FORMAT, "the header" },
		{ "{}", ERR_FORMAT, "alg: is missing" },
		{ "{\"ALG\":\"ES256\"}", ERR_FORMAT, "alg: is missing" },
		{ "{\"alg\":null}", ERR_FORMAT, "alg: is missing" },
		{ "{\"alg\":256}", ERR_FORMAT, "alg: must be text" },
		{ "{\"alg\":[\"ES256\"]}", ERR_FORMAT, "alg: must be text" },
		{ "[\"alg\",\"ES256\"]", ERR_FORMAT, "must be an object" },
		{ "\"ES256\"", ERR_FORMAT, "the header" },
		{ "ES256", ERR_FORMAT, "the header" },
		{ "", ERR_FORMAT, "the header" },
		{ "{\"alg\":\"\"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"es256\"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"ES256 \"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"ES256K\"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"HS256\"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"none\"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"None\"}", ERR_DENIED, "alg is none of" },
		{ "{\"alg\":\"RS512\"}", ERR_DENIED, "alg is none of" },
	};
	auto_jwk struct jwk key = JWK_NONE;

	(void)state;
	signer_load(&signers[0], &key);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf text = BUF_MAX(JWS_MAX), sig = BUF_MAX(200);
		b64url_encode(&text, span_of(cases[i].header));
		buf_putc(&text, '.');
		b64url_encode(&text, span_of(claims));
		assert_int_equal(pkey_sign(key.key, buf_span(&text), &sig, NULL), 0);
		buf_putc(&text, '.');
		b64url_encode(&text, buf_span(&sig));
		must_fail(cases[i].header, buf_span(&text), &key, cases[i].kind, cases[i].words);
	}
}

/* ---- algs and keys ---- */

/* Each alg against each key: the one alg that belongs to the key passes, and RSA's two by the JWK's word. */
static void an_alg_goes_with_its_key_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(signers) * COUNT(signers); i++) {
		const struct signer *from = &signers[i / COUNT(signers)], *to = &signers[i % COUNT(signers)];
		auto_jwk struct jwk own = JWK_NONE, key = JWK_NONE;
		auto_buf struct buf out = BUF_MAX(JWS_MAX);
		auto_free char *header = xasprintf("{\"alg\":\"%s\"}", from->name);
		signer_load(from, &own);
		signer_load(to, &key);
		assert_int_equal(jws_sign(own.key, span_of(header), span_of(claims), &out, NULL), 0);
		if (!strcmp(from->key, to->key))
			assert_true(passes(buf_span(&out), &key, NULL));
		else
			must_fail(from->name, buf_span(&out), &key, ERR_DENIED, "and the key is");
		snprintf(key.alg, sizeof(key.alg), "%s", to->name);
		assert_int_equal(passes(buf_span(&out), &key, NULL), from == to);
	}
}

static void the_alg_of_a_jwk_must_be_the_tokens(void **state)
{
	static const char *const algs[] = { "ES384", "RS256", "ECDH-ES+A256KW", "HS256", "es256", "ES256 ",
		"x" };
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf out = BUF_MAX(JWS_MAX);

	(void)state;
	signer_load(&signers[0], &key);
	assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), span_of(claims), &out, NULL), 0);
	for (size_t i = 0; i < COUNT(algs); i++) {
		snprintf(key.alg, sizeof(key.alg), "%s", algs[i]);
		must_fail(algs[i], buf_span(&out), &key, ERR_DENIED, "for another alg");
	}
}

/* The oldest trick: a public key's text as the secret of an HMAC, under the name HS256 and under that of the key. */
static void a_public_key_is_no_hmac_key(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"HS256\"}", "{\"alg\":\"ES256\"}",
		"{\"alg\":\"RS256\"}" };
	static const size_t kinds[] = { 0, 4 };

	(void)state;
	for (size_t i = 0; i < COUNT(headers) * COUNT(kinds); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_buf struct buf pem = BUF_MAX(8192), text = BUF_MAX(JWS_MAX);
		unsigned char mac[EVP_MAX_MD_SIZE];
		unsigned len = 0;
		struct err err = ERR_NONE;
		signer_load(&signers[kinds[i % COUNT(kinds)]], &key);
		assert_int_equal(pkey_format_public(key.key, &pem, NULL), 0);
		b64url_encode(&text, span_of(headers[i / COUNT(kinds)]));
		buf_putc(&text, '.');
		b64url_encode(&text, span_of(claims));
		assert_non_null(HMAC(EVP_sha256(), pem.ptr, (int)pem.len, (unsigned char *)text.ptr, text.len,
				mac, &len));
		buf_putc(&text, '.');
		b64url_encode(&text, span_new(mac, len));
		assert_false(passes(buf_span(&text), &key, &err));
		assert_true(err.kind == ERR_DENIED || err.kind == ERR_AUTH);
	}
}

static void no_signature_is_no_signature(void **state)
{
	static const char *const headers[] = { "{\"alg\":\"none\"}", "{\"alg\":\"ES256\"}",
		"{\"alg\":\"EdDSA\"}", "{\"alg\":\"RS256\"}" };

	(void)state;
	for (size_t i = 0; i < COUNT(headers) * COUNT(signers); i++) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_buf struct buf text = BUF_MAX(JWS_MAX);
		struct err err = ERR_NONE;
		signer_load(&signers[i % COUNT(signers)], &key);
		token_of(span_of(headers[i / COUNT(signers)]), span_of(claims), SPAN_NONE, &text);
		assert_false(passes(buf_span(&text), &key, &err));
		assert_true(err.kind == ERR_DENIED || err.kind == ERR_AUTH);
	}
}

static void another_key_of_the_kind_does_not_verify(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(signers); i++) {
		auto_jwk struct jwk key = JWK_NONE, other = JWK_NONE;
		auto_buf struct buf out = BUF_MAX(JWS_MAX);
		auto_free char *header = xasprintf("{\"alg\":\"%s\"}", signers[i].name);
		signer_load(&signers[i], &key);
		assert_int_equal(pkey_generate(pkey_kind(key.key), 2048, &other.key, NULL), 0);
		assert_int_equal(jws_sign(key.key, span_of(header), span_of(claims), &out, NULL), 0);
		must_fail(signers[i].name, buf_span(&out), &other, ERR_AUTH, "the signature is wrong");
	}
}

/* ---- signatures ---- */

/* n of P-256 */
static const unsigned char order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
	0x25, 0x51 };

static void refuses_signatures_in_der_and_numbers_out_of_range(void **state)
{
	static const unsigned char zero[32] = { 0 };
	unsigned char most[32], der[80], *end = der;
	auto_jwk struct jwk key = JWK_NONE;
	auto_jws struct jws jws = JWS_NONE;
	auto_buf struct buf out = BUF_MAX(JWS_MAX), text = BUF_MAX(JWS_MAX);

	(void)state;
	memset(most, 0xff, sizeof(most));
	signer_load(&signers[0], &key);
	assert_int_equal(jws_sign(key.key, SPAN_LIT(ES256), span_of(claims), &out, NULL), 0);
	assert_int_equal(jws_read(buf_span(&out), &jws, NULL), 0);
	const unsigned char *r = (unsigned char *)jws.signature.ptr, *s = r + 32;
	const unsigned char *const pairs[][2] = { { zero, zero }, { zero, s }, { r, zero }, { order, s },
		{ r, order }, { most, s }, { r, most }, { order, order }, { s, r } };
	for (size_t i = 0; i < COUNT(pairs); i++) {
		unsigned char pair[64];
		memcpy(pair, pairs[i][0], 32);
		memcpy(pair + 32, pairs[i][1], 32);
		token_of(SPAN_LIT(ES256), span_of(claims), span_new(pair, 64), &text);
		must_fail("a pair", buf_span(&text), &key, ERR_AUTH, "the signature is wrong");
	}
	ECDSA_SIG *sig = ECDSA_SIG_new();
	assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(r, 32, NULL), BN_bin2bn(s, 32, NULL)), 1);
	int len = i2d_ECDSA_SIG(sig, &end);
	ECDSA_SIG_free(sig);
	token_of(SPAN_LIT(ES256), span_of(claims), span_new(der, (size_t)len), &text);
	must_fail("DER", buf_span(&text), &key, ERR_AUTH, "the signature is wrong");
	/* one byte less, and each half with a zero before it */
	unsigned char wide[66] = { 0 };
	memcpy(wide + 1, r, 32);
	memcpy(wide + 34, s, 32);
	const struct span lengths[] = { span_new(r, 63), span_new(r, 32), span_new(wide, 66),
		span_new(wide, 65) };
	for (size_t i = 0; i < COUNT(lengths); i++) {
		token_of(SPAN_LIT(ES256), span_of(claims), lengths[i], &text);
		must_fail("a length", buf_span(&text), &key, ERR_AUTH, "the signature is wrong");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_token_that_was_cut_or_changed_anywhere),
		cmocka_unit_test(refuses_texts_that_are_no_token),
		cmocka_unit_test(refuses_every_other_writing_of_the_same_bytes),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(refuses_headers_by_policy),
		cmocka_unit_test(an_alg_goes_with_its_key_alone),
		cmocka_unit_test(the_alg_of_a_jwk_must_be_the_tokens),
		cmocka_unit_test(a_public_key_is_no_hmac_key),
		cmocka_unit_test(no_signature_is_no_signature),
		cmocka_unit_test(another_key_of_the_kind_does_not_verify),
		cmocka_unit_test(refuses_signatures_in_der_and_numbers_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
