/* SPDX-License-Identifier: Apache-2.0 */
/* What the ecosystem's sealer made is made again byte for byte, and what its hub accepts or refuses, so do we. */
#include "base/hex.h"
#include "sealed/token.h"
#include "sealed/tree.h"
#include "tests/sealed/recordings.h"

#include <strings.h>

/* ---- sealing ---- */

/* As a sealing program does it with these arguments; false when an argument cannot be. */
static bool seal(const json_t *arguments, const struct pkey *key, struct buf *payload, struct buf *out)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	const char *settings = json_text_at(arguments, "provider_settings", NULL);
	const char *annotations = json_text_at(arguments, "annotations", NULL);
	struct err err = ERR_NONE;

	secret.version = xstrdup(SEALED_VERSION);
	secret.name = xstrdup(json_text_at(arguments, "resource_uri", NULL));
	secret.provider = xstrdup(json_text_at(arguments, "provider", NULL));
	if (sealed_tree_parse(span_of(settings ? settings : "{}"), false, &secret.settings, &err) < 0 ||
			sealed_tree_parse(span_of(annotations ? annotations : "{}"), false,
					&secret.annotations, &err) < 0) {
		assert_int_equal(err.kind, ERR_FORMAT);
		return false;
	}
	sealed_secret_format(&secret, payload);
	if (sealed_seal(buf_span(payload), json_text_at(arguments, "signing_kid", NULL), key, out, &err) < 0)
		fail_msg("%s", err.text);
	return true;
}

static void seals_the_same_bytes(void **state)
{
	auto_json json_t *doc = recording("seal-vault.json"), *keys = recording("signing-keys.json");
	auto_jwk struct jwk key = JWK_NONE;
	size_t i = 0, made = 0;
	json_t *entry = NULL;

	(void)state;
	jwk_of_object(json_object_get(keys, "signing_jwk"), &key);
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		auto_buf struct buf payload = BUF_MAX(RECORDING_MAX), out = BUF_MAX(RECORDING_MAX);
		const char *wanted = json_text_at(entry, "sealed", NULL);
		bool is_made = seal(json_object_get(entry, "arguments"), key.key, &payload, &out);
		assert_int_equal(is_made, wanted != NULL);
		if (!wanted)
			continue;
		assert_string_equal(buf_text(&payload), json_text_at(entry, "payload_text", NULL));
		assert_string_equal(buf_text(&out), wanted);
		made++;
	}
	assert_int_equal(i, 31);
	assert_int_equal(made, 29);
}

/* Ours reads the key with the strictness of all JWKs, so that keys which are wrong in themselves sign nothing. */
static void signs_with_unusual_keys_or_refuses_them(void **state)
{
	static const struct {
		const char *name;
		bool theirs, ours;
	} cases[] = {
		{ "private-key-with-other-alg", true, true },
		{ "without-alg-and-use", true, true },
		{ "public-only", false, false },
		{ "p384", false, false },
		/* stricter: the number is another key's, whose public half this is not */
		{ "d-too-short", true, false },
		{ "public-part-of-other-key", true, false },
		{ "not-json", false, false },
	};
	auto_json json_t *doc = recording("seal-vault.json");
	auto_free char *payload = xasprintf(
			"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///default/db/password\","
			"\"provider\":\"kbs\",\"provider_settings\":{},\"annotations\":{}}");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "signing_keys"), i, entry) {
		auto_jwk struct jwk key = JWK_NONE;
		auto_buf struct buf out = BUF_MAX(RECORDING_MAX);
		auto_free char *text = json_text(json_object_get(entry, "jwk"), false);
		const char *theirs = json_text_at(entry, "sealed", NULL);
		assert_string_equal(json_text_at(entry, "name", NULL), cases[i].name);
		assert_int_equal(theirs != NULL, cases[i].theirs);
		bool ours = jwk_parse(span_of(text), &key, NULL) == 0 &&
				sealed_seal(span_of(payload), "kbs:///default/signing-key/cocoon-test",
						key.key, &out, NULL) == 0;
		assert_int_equal(ours, cases[i].ours);
		if (ours)
			assert_string_equal(buf_text(&out), theirs);
	}
	assert_int_equal(i, COUNT(cases));
}

/* ---- unsealing ---- */

/* As a guest does it whose store is the recording's: true with the plaintext. */
static bool fetch(const struct sealed *sealed, const json_t *keys, struct buf *plain)
{
	if (sealed->secret.type != SEALED_VAULT || strcasecmp(sealed->secret.provider, "kbs") != 0)
		return false;
	return store_get(keys, sealed->secret.name, plain);
}

static bool unseal(const char *input, const json_t *keys, struct buf *plain)
{
	auto_sealed struct sealed sealed = SEALED_NONE;
	auto_buf struct buf jwk = BUF_MAX(RECORDING_MAX);

	if (sealed_read(span_of(input), &sealed, NULL) < 0 || !store_get(keys, sealed.kid, &jwk) ||
			sealed_verify(&sealed, buf_span(&jwk), NULL) < 0)
		return false;
	assert_true(sealed.verified);
	return fetch(&sealed, keys, plain);
}

static bool unseal_unsigned(const char *input, const json_t *keys, struct buf *plain)
{
	auto_sealed struct sealed sealed = SEALED_NONE;

	if (sealed_read_unsigned(span_of(input), &sealed, NULL) < 0)
		return false;
	assert_false(sealed.verified);
	return fetch(&sealed, keys, plain);
}

/* Where we refuse what guests take (sealed-secrets.md, 10.2): the header policy, and a key for another alg. */
static bool is_stricter(const char *name)
{
	static const char *const names[] = { "header-b64-false", "header-crit", "header-crit-unknown",
		"jwk-alg-es384" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void check_verdict(const json_t *entry, bool accepted, const struct buf *plain)
{
	const char *name = json_text_at(entry, "name", NULL), *wanted = json_text_at(entry, "plain", NULL);
	auto_buf struct buf bytes = BUF_MAX(RECORDING_MAX);

	if (is_stricter(name)) {
		assert_non_null(wanted);
		wanted = NULL;
	}
	if (accepted != (wanted != NULL))
		fail_msg("%s: %s", name, accepted ? "is accepted" : "is refused");
	if (!wanted)
		return;
	assert_int_equal(b64_decode(span_of(wanted), &bytes, NULL), 0);
	assert_true(span_eq(buf_span(plain), buf_span(&bytes)));
}

static void accepts_and_refuses_what_guests_do(void **state)
{
	auto_json json_t *doc = recording("unseal.json"), *keys = recording("signing-keys.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		auto_buf struct buf plain = BUF_MAX(RECORDING_MAX);
		bool accepted = unseal(json_text_at(entry, "input", NULL), keys, &plain);
		check_verdict(entry, accepted, &plain);
	}
	assert_int_equal(i, 102);
}

static void accepts_and_refuses_what_guests_do_without_verification(void **state)
{
	auto_json json_t *doc = recording("unseal-skip-verification.json"),
			 *keys = recording("signing-keys.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		auto_buf struct buf plain = BUF_MAX(RECORDING_MAX);
		bool accepted = unseal_unsigned(json_text_at(entry, "input", NULL), keys, &plain);
		check_verdict(entry, accepted, &plain);
	}
	assert_int_equal(i, 14);
}

/* ---- envelopes ---- */

static void opens_and_repeats_recorded_envelopes(void **state)
{
	auto_json json_t *doc = recording("envelope-ehsm.json"), *keys = recording("signing-keys.json");
	auto_free char *jwk = json_text(json_object_get(keys, "signing_jwk"), false);
	auto_jwk struct jwk key = JWK_NONE;
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	jwk_of_object(json_object_get(keys, "signing_jwk"), &key);
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		const char *text = json_text_at(entry, "sealed", NULL);
		auto_sealed struct sealed sealed = SEALED_NONE;
		auto_secret struct secret data_key = SECRET_NONE, plain = SECRET_NONE;
		auto_buf struct buf bytes = BUF_MAX(32), wanted = BUF_MAX(RECORDING_MAX);
		auto_buf struct buf payload = BUF_MAX(RECORDING_MAX), again = BUF_MAX(RECORDING_MAX);
		assert_int_equal(sealed_read(span_of(text), &sealed, NULL), 0);
		assert_int_equal(sealed_verify(&sealed, span_of(jwk), NULL), 0);
		assert_int_equal(hex_decode(span_of(json_text_at(entry, "data_key_hex", NULL)), &bytes, NULL),
				0);
		assert_int_equal(secret_from_span(&data_key, buf_span(&bytes), NULL), 0);
		assert_int_equal(sealed_data_open(&sealed.secret, &data_key, &plain, NULL), 0);
		assert_int_equal(b64_decode(span_of(json_text_at(entry, "plain", NULL)), &wanted, NULL), 0);
		assert_true(secret_is(&plain, buf_span(&wanted)));
		sealed_secret_format(&sealed.secret, &payload);
		assert_string_equal(buf_text(&payload), json_text_at(entry, "payload_text", NULL));
		assert_int_equal(sealed_seal(buf_span(&payload), sealed.kid, key.key, &again, NULL), 0);
		assert_string_equal(buf_text(&again), text);
	}
	assert_int_equal(i, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seals_the_same_bytes),
		cmocka_unit_test(signs_with_unusual_keys_or_refuses_them),
		cmocka_unit_test(accepts_and_refuses_what_guests_do),
		cmocka_unit_test(accepts_and_refuses_what_guests_do_without_verification),
		cmocka_unit_test(opens_and_repeats_recorded_envelopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
