/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JWEs and tokens that the ecosystem's key broker, its clients and its owners' tools sent
 * (tests/vectors/jose/kbs): each JWE opens, ours have its header, and each token verifies or not as there.
 */
#include "jose/jwe.h"
#include "tests/jose/tokens.h"

#define RECORDING_MAX ((size_t)1024 * 1024)
#define LEEWAY        60

static json_t *recording(const char *name)
{
	auto_free char *path = xasprintf("tests/vectors/jose/kbs/%s", name);
	struct err err = ERR_NONE;
	json_t *doc = NULL;

	if (json_read_file(path, RECORDING_MAX, &doc, &err) < 0)
		fail_msg("%s", err.text);
	return doc;
}

static void key_of(const json_t *doc, const char *name, struct jwk *out)
{
	const json_t *object = json_object_get(json_object_get(doc, "keys"), name);
	struct err err = ERR_NONE;

	assert_non_null(object);
	auto_free char *text = json_text(object, false);
	if (jwk_parse(span_of(text), out, &err) < 0)
		fail_msg("%s", err.text);
}

/* The key that a recorded JWE is for: one of ours by name, or the one that the agent handed out. */
static void tee_key(const json_t *doc, const json_t *entry, struct jwk *out)
{
	const char *pem = json_text_at(entry, "pem", NULL);

	if (!pem)
		key_of(doc, json_text_at(entry, "key", NULL), out);
	else
		assert_int_equal(pkey_parse(span_of(pem), NULL, &out->key, NULL), 0);
}

/* Of the thirty-one that were recorded one is for a key that nobody kept. */
static void opens_every_jwe_of_the_broker(void **state)
{
	auto_json json_t *doc = recording("jwes.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "jwes"), i, entry) {
		const char *name = json_text_at(entry, "name", NULL),
			   *text = json_text_at(entry, "jwe", NULL);
		auto_jwk struct jwk key = JWK_NONE, other = JWK_NONE;
		auto_secret struct secret plain = SECRET_NONE;
		auto_buf struct buf wanted = BUF_MAX(SECRET_MAX);
		struct err err = ERR_NONE;
		tee_key(doc, entry, &key);
		if (jwe_open(&key, span_of(text), &plain, &err) < 0)
			fail_msg("%s: %s", name, err.text);
		assert_int_equal(b64_decode(span_of(json_text_at(entry, "plain", NULL)), &wanted, NULL), 0);
		assert_true(secret_is(&plain, buf_span(&wanted)));
		assert_int_equal(pkey_generate(pkey_kind(key.key), 2048, &other.key, NULL), 0);
		snprintf(other.alg, sizeof(other.alg), "%s", key.alg);
		assert_int_equal(jwe_open(&other, span_of(text), &plain, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
	}
	assert_int_equal(i, 30);
}

/* The protected header of ours and theirs, with the point of a fresh key taken out. */
static char *header_shape(const char *jwe, const char *protected)
{
	auto_json json_t *tree = NULL, *header = NULL;
	auto_buf struct buf text = BUF_MAX(JWE_MAX);
	static const char *const coordinates[] = { "x", "y" };

	assert_int_equal(json_read(span_of(jwe), JWE_MAX, &tree, NULL), 0);
	assert_int_equal(b64url_decode(span_of(json_text_at(tree, "protected", NULL)), &text, NULL), 0);
	if (protected)
		assert_string_equal(buf_text(&text), protected);
	assert_int_equal(json_read(buf_span(&text), JWE_MAX, &header, NULL), 0);
	char *shape = xstrdup(buf_text(&text));
	for (size_t i = 0; i < COUNT(coordinates); i++) {
		const char *number = json_text_at(header, "epk", coordinates[i], NULL);
		if (number)
			memset(strstr(shape, number), '_', strlen(number));
	}
	return shape;
}

static void seals_with_the_brokers_header_and_members(void **state)
{
	auto_json json_t *doc = recording("jwes.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "jwes"), i, entry) {
		const char *text = json_text_at(entry, "jwe", NULL);
		auto_jwk struct jwk key = JWK_NONE;
		auto_secret struct secret plain = SECRET_NONE, back = SECRET_NONE;
		auto_buf struct buf out = BUF_MAX(JWE_MAX);
		tee_key(doc, entry, &key);
		/* a broker's key is a JWK with its alg; RSA's default would be another */
		assert_int_equal(jwe_open(&key, span_of(text), &plain, NULL), 0);
		assert_int_equal(jwe_seal(&key, &plain, &out, NULL), 0);
		assert_int_equal(jwe_open(&key, buf_span(&out), &back, NULL), 0);
		assert_true(secret_is(&back, secret_span(&plain)));
		auto_free char *theirs = header_shape(text, json_text_at(entry, "protected", NULL));
		auto_free char *ours = header_shape(buf_text(&out), NULL);
		assert_string_equal(ours, theirs);
		auto_json json_t *a = NULL, *b = NULL;
		assert_int_equal(json_read(span_of(text), JWE_MAX, &a, NULL), 0);
		assert_int_equal(json_read(buf_span(&out), JWE_MAX, &b, NULL), 0);
		void *at = json_object_iter(a), *bt = json_object_iter(b);
		for (; at && bt; at = json_object_iter_next(a, at), bt = json_object_iter_next(b, bt))
			assert_string_equal(json_object_iter_key(at), json_object_iter_key(bt));
		assert_true(!at && !bt);
	}
}

/* RSA1_5 is taken at the JWK's word alone. */
static void rsa1_5_opens_for_a_key_that_asks_for_it(void **state)
{
	static const char *const others[] = { "", "RSA-OAEP-256", "RSA-OAEP", "RSA1_5 ", "rsa1_5" };
	auto_json json_t *doc = recording("jwes.json");
	size_t i = 0, seen = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "jwes"), i, entry) {
		auto_jwk struct jwk key = JWK_NONE;
		const char *name = json_text_at(entry, "key", NULL);
		if (!name || strcmp(name, "tee_rsa_1_5") != 0)
			continue;
		seen++;
		key_of(doc, name, &key);
		for (size_t n = 0; n < COUNT(others); n++) {
			auto_secret struct secret plain = SECRET_NONE;
			struct err err = ERR_NONE;
			snprintf(key.alg, sizeof(key.alg), "%s", others[n]);
			assert_int_equal(jwe_open(&key, span_of(json_text_at(entry, "jwe", NULL)), &plain,
							 &err),
					-1);
			assert_int_equal(err.kind, ERR_USAGE);
		}
	}
	assert_int_equal(seen, 1);
}

/* A wrong padding, a wrong length and a wrong tag are one and the same refusal. */
static void rsa1_5_says_nothing_about_its_padding(void **state)
{
	auto_json json_t *doc = recording("jwes.json"), *tree = NULL;
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(JWE_MAX);

	(void)state;
	key_of(doc, "tee_rsa_1_5", &key);
	assert_int_equal(secret_random(&plain, 16, NULL), 0);
	assert_int_equal(jwe_seal(&key, &plain, &out, NULL), 0);
	assert_int_equal(json_read(buf_span(&out), JWE_MAX, &tree, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		auto_buf struct buf wrapped = BUF_MAX(1024), encoded = BUF_MAX(2048);
		char cek[40];
		struct err err = ERR_NONE;
		memset(cek, 0x5a, sizeof(cek));
		/* keys of other lengths, then a text that is no ciphertext of RSA */
		assert_int_equal(pkey_pkcs1_encrypt(key.key, span_new(cek, 16 + 8 * i), &wrapped, NULL), 0);
		b64url_encode(&encoded, i < 3 ? buf_span(&wrapped) : SPAN_LIT("short"));
		json_object_set_new(tree, "encrypted_key", json_string(buf_text(&encoded)));
		auto_free char *text = json_text(tree, false);
		assert_int_equal(jwe_open(&key, span_of(text), &plain, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_string_equal(err.text, "the JWE: decryption failed");
	}
}

/* ---- tokens ---- */

static bool in_time(const struct jws *jws, int64_t now)
{
	auto_json json_t *claims = NULL;

	return json_read(buf_span(&jws->payload), JWS_MAX, &claims, NULL) == 0 &&
			jws_check_times(claims, now, LEEWAY, NULL) == 0;
}

static void tokens_verify_and_expire_as_recorded(void **state)
{
	auto_json json_t *doc = recording("tokens.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "tokens"), i, entry) {
		const char *name = json_text_at(entry, "name", NULL);
		int64_t now = json_integer_value(json_object_get(entry, "now"));
		auto_jwk struct jwk key = JWK_NONE;
		auto_jws struct jws jws = JWS_NONE;
		key_of(doc, json_text_at(entry, "key", NULL), &key);
		bool good = jws_read(span_of(json_text_at(entry, "token", NULL)), &jws, NULL) == 0 &&
				jws_verify(&jws, &key, NULL) == 0;
		if (good != json_is_true(json_object_get(entry, "verifies")))
			fail_msg("%s: %s", name, good ? "verifies" : "does not verify");
		if (good && in_time(&jws, now) != json_is_true(json_object_get(entry, "in_time")))
			fail_msg("%s: at another time", name);
		/* what was good then is a replay now */
		assert_false(good && in_time(&jws, INT64_C(4102444800) + LEEWAY));
	}
	assert_int_equal(i, 39);
}

static void tokens_of_one_issuer_are_not_anothers(void **state)
{
	static const char *const keys[] = { "token_signer_public", "other_signer", "admin", "admin_other",
		"tee_p256", "tee_rsa", "tee_p521" };
	auto_json json_t *doc = recording("tokens.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "tokens"), i, entry)
		for (size_t k = 0; k < COUNT(keys); k++) {
			auto_jwk struct jwk key = JWK_NONE;
			auto_jws struct jws jws = JWS_NONE;
			key_of(doc, keys[k], &key);
			if (!strcmp(keys[k], json_text_at(entry, "key", NULL)) ||
					jws_read(span_of(json_text_at(entry, "token", NULL)), &jws, NULL) < 0)
				continue;
			assert_int_equal(jws_verify(&jws, &key, NULL), -1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_every_jwe_of_the_broker),
		cmocka_unit_test(seals_with_the_brokers_header_and_members),
		cmocka_unit_test(rsa1_5_opens_for_a_key_that_asks_for_it),
		cmocka_unit_test(rsa1_5_says_nothing_about_its_padding),
		cmocka_unit_test(tokens_verify_and_expire_as_recorded),
		cmocka_unit_test(tokens_of_one_issuer_are_not_anothers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
