/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/binding.h"

#include "base/buf.h"
#include "base/hex.h"
#include "crypto/init.h"
#include "kbs/message.h"
#include "tests/kbs/recordings.h"

#define NONCE_COUNTING "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NONCE_ELEVENS  "ERERERERERERERERERERERERERERERERERERERERERE="
#define DEVICE                                                                                               \
	"{\"sampledevice\":{\"svn\":\"2\",\"report_data\":\"q4IrWcakdKNsKjXpzmm1VL267gnclKjza7y80xjasWyF1O5" \
	"RiLF/abEIqlYgC0Oj\"}}"

static json_t *ec_key(const char *x, const char *y)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "alg", "ECDH-ES+A256KW",
			"x", x, "y", y);
}

static const struct {
	const char *name;
	const char *x, *y, *nonce, *additional;
	enum digest_alg alg;
	const char *hex;
} specified[] = {
	{ "session 1", "M74I_9OSZ728LMMT4pPWLjQUSdXZtGlk4mJiba3SGM4",
			"qGnwEXTlJIl9tB2bNN8WdgWS4RSpVy4Y7t6TLuvvvaU", NONCE_COUNTING, "", DIGEST_SHA384,
			"90d85a585bac0b7faad6b8b2c0a1f2b343fa31c0e31cf023563fbd55c20bd924cc8963470d72"
			"1605"
			"f04f739bfc2fcc36" },
	{ "session 1, device", "M74I_9OSZ728LMMT4pPWLjQUSdXZtGlk4mJiba3SGM4",
			"qGnwEXTlJIl9tB2bNN8WdgWS4RSpVy4Y7t6TLuvvvaU", NONCE_COUNTING, NULL, DIGEST_SHA384,
			"fdccf296e5c057045ecafc9042995391d1065d36be132087ce3f0000d4844913dc95c4be9724"
			"d0dc"
			"3839f45c64a359b3" },
	{ "session 2, device, sha256", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",
			"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q", NONCE_COUNTING, NULL, DIGEST_SHA256,
			"bbf3e14c657081fbd9a71c12dad19d2099859356ccc3e4331af5de6d8278c2ff" },
	{ "session 2, device, sha384", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",
			"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q", NONCE_COUNTING, NULL, DIGEST_SHA384,
			"c27d17e0a58cb69772db04bc968edd11e4d4c60761b8bdf0fba6871fed821b356dca79d6f725"
			"23bb"
			"de35244cb43e4606" },
	{ "session 2, device, sha512", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",
			"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q", NONCE_COUNTING, NULL, DIGEST_SHA512,
			"6118bc10047cde7e1d49c0ed579558b33a688b6e2d7c06f5a15f7f2ef6b052c6e7faa9951eb1"
			"a572"
			"6685870673f3d8ff1483a153035e7ef525dcb577119e863c" },
	{ "session 2, sha256", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",
			"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q", NONCE_COUNTING, "", DIGEST_SHA256,
			"fb2a750a1cc402d556f46c2251efcd4e93c8e4358973788aa49491a9afddf3de" },
	{ "session 2, sha384", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",
			"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q", NONCE_COUNTING, "", DIGEST_SHA384,
			"1147b1af549c26b6863daf32fc064834beaa470ddb06fd5c57c44363cb2e86f11c4d80906326"
			"c215"
			"4d2b96d47de1ac62" },
	{ "session 2, sha512", "AhfmF_C2RDkoJ4-WmZ5pojpPLBUr321s32bluAKC1O0",
			"GUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q", NONCE_COUNTING, "", DIGEST_SHA512,
			"942968b2acdf0fc6840f45dc64dc64beb2f960d5b97827a1a8e0e6f82cc7fb875f141fa196c7"
			"a1a8"
			"39ac1501a416b1ac3af8118707cdc26ddd6dd45b9de218e4" },
	{ "sample", "UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0",
			"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE", NONCE_ELEVENS, "", DIGEST_SHA384,
			"f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4ac8fa113bf56c"
			"d26a"
			"e87784870acc70b7" },
	{ "sample device", "UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0",
			"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE", NONCE_ELEVENS, NULL, DIGEST_SHA384,
			"ab822b59c6a474a36c2a35e9ce69b554bdbaee09dc94a8f36bbcbcd318dab16c85d4ee5188b1"
			"7f69"
			"b108aa56200b43a3" },
	{ "sample with device", "UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0",
			"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE", NONCE_ELEVENS, DEVICE, DIGEST_SHA384,
			"78da36b35a7a342aa1b4449d868ea580e458eddd382f8f04137dbc6e8e3bc90bb4d9dcd986f7"
			"2ba9"
			"119f31567ee07cd0" },
};

static void makes_the_digests_of_the_specification(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(specified) / sizeof(specified[0]); i++) {
		auto_json json_t *key = ec_key(specified[i].x, specified[i].y);
		auto_buf struct buf hex = BUF_MAX(DIGEST_HEX_MAX);
		unsigned char digest[DIGEST_MAX];
		kbs_runtime_digest(
				specified[i].alg, specified[i].nonce, key, specified[i].additional, digest);
		hex_encode(&hex, span_new(digest, digest_size(specified[i].alg)));
		if (strcmp(buf_text(&hex), specified[i].hex) != 0)
			fail_msg("%s: %s", specified[i].name, buf_text(&hex));
	}
}

static void see_attestation(void *ctx, const json_t *exchange)
{
	const char *canonical = json_text_at(exchange, "runtime_data_canonical", NULL);
	const char *expected = json_text_at(exchange, "runtime_data_sha384_hex", NULL);
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
	auto_buf struct buf text = BUF_MAX(KBS_BODY_MAX), hex = BUF_MAX(DIGEST_HEX_MAX);
	unsigned char digest[DIGEST_MAX];
	struct err err = ERR_NONE;

	if (!canonical)
		return;
	if (kbs_attestation_parse(span_of(recorded_request(exchange)), KBS_0_4, &attestation, &err) < 0)
		fail_msg("%s", err.text);
	kbs_runtime_text(attestation.nonce, attestation.pubkey, attestation.additional, &text);
	assert_string_equal(buf_text(&text), canonical);
	kbs_runtime_digest(
			DIGEST_SHA384, attestation.nonce, attestation.pubkey, attestation.additional, digest);
	hex_encode(&hex, span_new(digest, digest_size(DIGEST_SHA384)));
	assert_string_equal(buf_text(&hex), expected);
	++*(unsigned *)ctx;
}

static void hashes_what_the_real_service_hashed(void **state)
{
	unsigned count = 0;

	(void)state;
	recording_each(see_attestation, &count);
	assert_true(count >= 20);
}

static void escapes_as_little_as_canonical_json_does(void **state)
{
	auto_json json_t *key = json_pack(
			"{s:s, s:s, s:s, s:s}", "kty", "RSA", "n", "\x7f/\xc3\xa4", "e", "<", "alg", "\\");
	auto_buf struct buf text = BUF_MAX(1024);

	(void)state;
	kbs_runtime_text("a\"b\\c\n\r\t\b\f\x01\x1f", key, "{\"x\":\"y\"}", &text);
	assert_string_equal(buf_text(&text),
			"{\"additional-evidence\":\"{\\\"x\\\":\\\"y\\\"}\",\"nonce\":"
			"\"a\\\"b\\\\c\\n\\r\\t\\b\\f"
			"\\u0001\\u001f\",\"tee-pubkey\":{\"alg\":\"\\\\\",\"e\":\"<\",\"kty\":\"RSA\","
			"\"n\":\"\x7f/\xc3\xa4\"}}");
}

static void writes_public_keys_with_the_typed_members_alone(void **state)
{
	static const struct {
		const char *key;
		const char *members[6];
	} cases[] = {
		{ "tee_p256", { "kty", "crv", "alg", "x", "y", NULL } },
		{ "tee_p521", { "kty", "crv", "alg", "x", "y", NULL } },
		{ "tee_rsa", { "kty", "alg", "n", "e", NULL } },
	};
	auto_json json_t *keys = recording_load("keys.json");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const json_t *known = json_object_get(keys, cases[i].key);
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_json json_t *out = NULL;
		size_t at = 0;
		const char *name = NULL;
		json_t *value = NULL;
		recorded_key(known, &jwk);
		assert_int_equal(kbs_tee_pubkey(jwk.key, &out, NULL), 0);
		json_object_foreach (out, name, value) {
			assert_string_equal(name, cases[i].members[at++]);
			assert_true(json_equal(value, json_object_get(known, name)));
		}
		assert_null(cases[i].members[at]);
	}
}

static void has_no_form_for_other_keys(void **state)
{
	static const char *const names[] = { "tee_p384", "admin" };
	auto_json json_t *keys = recording_load("keys.json");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_jwk struct jwk jwk = JWK_NONE;
		auto_json json_t *out = NULL;
		struct err err = ERR_NONE;
		recorded_key(json_object_get(keys, names[i]), &jwk);
		assert_int_equal(kbs_tee_pubkey(jwk.key, &out, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_null(out);
	}
}

static void reads_keys_as_the_real_service_does(void **state)
{
	static const struct {
		const char *sent;
		const char *read; /* NULL: refused */
		const char *says;
	} cases[] = {
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"a\",\"x\":\"1\",\"y\":\"2\",\"use\":\"enc\","
		  "\"kid\":\"x\"}",
				"{\"alg\":\"a\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"1\",\"y\":\"2\"}",
				"" },
		{ "{\"kty\":\"EC\",\"crv\":\"no such\",\"alg\":\"\",\"x\":\"\",\"y\":\"%\"}",
				"{\"alg\":\"\",\"crv\":\"no such\",\"kty\":\"EC\",\"x\":\"\",\"y\":\"%\"}",
				"" },
		{ "{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"1\",\"e\":\"2\",\"crv\":\"P-256\"}",
				"{\"alg\":\"RSA1_5\",\"e\":\"2\",\"kty\":\"RSA\",\"n\":\"1\"}", "" },
		{ "{}", NULL, "kty" },
		{ "{\"kty\":\"oct\",\"k\":\"AA\"}", NULL, "neither EC nor RSA" },
		{ "{\"kty\":\"ec\",\"crv\":\"P-256\",\"alg\":\"a\",\"x\":\"1\",\"y\":\"2\"}", NULL,
				"neither" },
		{ "{\"kty\":1}", NULL, "kty" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"a\",\"x\":\"1\"}", NULL, "tee-pubkey.y" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"1\",\"y\":\"2\"}", NULL, "tee-pubkey.alg" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"a\",\"x\":1,\"y\":\"2\"}", NULL,
				"tee-pubkey.x" },
		{ "{\"kty\":\"RSA\",\"alg\":\"a\",\"n\":\"1\"}", NULL, "tee-pubkey.e" },
		{ "[\"EC\"]", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *sent = json_loads(cases[i].sent, 0, NULL);
		auto_json json_t *read = NULL;
		struct err err = ERR_NONE;
		int status = kbs_tee_pubkey_read(sent, &read, &err);
		assert_int_equal(status, cases[i].read ? 0 : -1);
		assert_int_equal(err.kind, cases[i].read ? ERR_OK : ERR_FORMAT);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].sent, err.text);
		if (status < 0)
			continue;
		auto_free char *text = json_text(read, true);
		assert_string_equal(text, cases[i].read);
	}
}

static void knows_the_algorithms_by_their_names(void **state)
{
	static const char *const wrong[] = { "", "ECDH-ES+A256KW", "ecdh-es+a256kw-p256", "RSA1_5",
		"ECDH-ES+A256KW-P384" };
	enum kbs_key key = KBS_KEY_P256;
	struct err err = ERR_NONE;

	(void)state;
	assert_string_equal(kbs_key_name(KBS_KEY_P256), "ECDH-ES+A256KW-P256");
	for (enum kbs_key i = KBS_KEY_P256; i <= KBS_KEY_RSA; i++) {
		assert_int_equal(kbs_key_find(span_of(kbs_key_name(i)), &key, NULL), 0);
		assert_int_equal(key, i);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(kbs_key_find(span_of(wrong[i]), &key, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_digests_of_the_specification),
		cmocka_unit_test(hashes_what_the_real_service_hashed),
		cmocka_unit_test(escapes_as_little_as_canonical_json_does),
		cmocka_unit_test(writes_public_keys_with_the_typed_members_alone),
		cmocka_unit_test(has_no_form_for_other_keys),
		cmocka_unit_test(reads_keys_as_the_real_service_does),
		cmocka_unit_test(knows_the_algorithms_by_their_names),
	};

	if (crypto_init(false, NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
