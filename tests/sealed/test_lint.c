/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a sealed string: each finding for its cause, and none for a good one. */
#include "sealed/lint.h"
#include "sealed/token.h"
#include "tests/sealed/recordings.h"

#define KID "kbs:///default/signing-key/cocoon-test"
#define PAYLOAD(version, name, provider)                                                                 \
	"{\"version\":\"" version "\",\"type\":\"vault\",\"name\":\"" name "\",\"provider\":\"" provider \
	"\",\"provider_settings\":{},\"annotations\":{}}"
#define ENVELOPE(provider) SIZED(provider, "AAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA==")
#define SIZED(provider, iv, data)                                                                   \
	"{\"version\":\"0.1.0\",\"type\":\"envelope\",\"key_id\":\"k\",\"encrypted_key\":\"eA==\"," \
	"\"encrypted_data\":\"" data "\",\"wrap_type\":\"A256GCM\",\"iv\":\"" iv                    \
	"\",\"provider\":\"" provider "\",\"provider_settings\":{},\"annotations\":{}}"
#define GOOD   PAYLOAD("0.1.0", "kbs:///default/db/password", "kbs")
#define HEADER "{\"b64\":true,\"alg\":\"ES256\",\"kid\":\"" KID "\"}"

static const char private_jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\","
				  "\"d\":\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM\","
				  "\"x\":\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\","
				  "\"y\":\"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE\"}";
static const char other_jwk[] =
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"V-l39tt-M8P-es8oQu2YcAnK9W1FhoL8pEe309diqzQ\","
		"\"y\":\"xas3cLpXO9_1QUBlZA_7WzRt-oTexNtNaOX1nMRxwuw\"}";

static const struct sealed_key known[] = {
	{ "another", { other_jwk, sizeof(other_jwk) - 1 } },
	{ KID, { private_jwk, sizeof(private_jwk) - 1 } },
};

static void signed_text(const char *header, const char *payload, struct buf *out)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf jws = BUF_MAX(JWS_MAX), sig = BUF_MAX(200);

	assert_int_equal(jwk_parse(span_of(private_jwk), &key, NULL), 0);
	b64url_encode(&jws, span_of(header));
	buf_putc(&jws, '.');
	b64url_encode(&jws, span_of(payload));
	assert_int_equal(pkey_sign(key.key, buf_span(&jws), &sig, NULL), 0);
	buf_reset(out);
	buf_printf(out, SEALED_PREFIX "%s.", buf_text(&jws));
	b64url_encode(out, buf_span(&sig));
}

/* The codes in their order, "kid signature!" with a mark for warnings. */
static void check(const char *name, struct span text, const struct sealed_key *keys, size_t count,
		const char *wanted)
{
	auto_json json_t *findings = json_array();
	auto_buf struct buf codes = BUF_MAX(2000);
	size_t i = 0;
	json_t *finding = NULL;

	sealed_lint(text, keys, count, findings);
	json_array_foreach (findings, i, finding) {
		const char *level = json_text_at(finding, "level", NULL);
		assert_true(!strcmp(level, "error") || !strcmp(level, "warning"));
		assert_true(strlen(json_text_at(finding, "message", NULL)) > 0);
		assert_int_equal(json_object_size(finding), 3);
		buf_printf(&codes, "%s%s%s", i ? " " : "", json_text_at(finding, "code", NULL),
				!strcmp(level, "warning") ? "!" : "");
	}
	if (strcmp(buf_text(&codes), wanted) != 0) {
		auto_free char *all = json_text(findings, false);
		fail_msg("%s: wanted '%s', got %s", name, wanted, all);
	}
}

static void what_a_header_or_payload_lacks_is_found(void **state)
{
	static const struct {
		const char *header, *payload, *codes;
	} cases[] = {
		{ HEADER, GOOD, "" },
		{ "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}", GOOD, "" },
		/* header */
		{ "{\"alg\":\"ES384\",\"kid\":\"" KID "\"}", GOOD, "algorithm signature" },
		{ "{\"alg\":\"HS256\",\"kid\":\"" KID "\"}", GOOD, "algorithm" },
		{ "{\"alg\":\"none\",\"kid\":\"" KID "\"}", GOOD, "algorithm" },
		{ "{\"kid\":\"" KID "\"}", GOOD, "algorithm" },
		{ "{\"alg\":\"ES256\",\"kid\":\"" KID "\",\"crit\":[\"exp\"],\"exp\":1}", GOOD, "header" },
		{ "{\"alg\":\"ES256\",\"kid\":\"" KID "\",\"b64\":false}", GOOD, "header" },
		{ "{\"alg\":\"ES256\",\"kid\":\"" KID "\",\"jku\":\"x\"}", GOOD, "header" },
		{ "{\"alg\":\"ES256\"}", GOOD, "kid" },
		{ "{\"alg\":\"ES256\",\"kid\":1}", GOOD, "kid" },
		{ "{\"alg\":\"ES256\",\"kid\":\"test-key\"}", GOOD, "kid unknown-kid!" },
		{ "{\"alg\":\"ES256\",\"kid\":\"\"}", GOOD, "kid unknown-kid!" },
		{ "{\"alg\":\"ES256\",\"kid\":\"kbs:///two/segments\"}", GOOD, "kid unknown-kid!" },
		{ "{\"alg\":\"ES256\",\"kid\":\"kbs:///a/b/c\"}", GOOD, "unknown-kid!" },
		{ "{\"alg\":\"ES256\",\"kid\":\"another\"}", GOOD, "kid signature" },
		{ "hello", GOOD, "form" },
		{ "{\"alg\":\"ES256\",\"alg\":\"ES256\"}", GOOD, "form" },
		/* payload */
		{ HEADER, PAYLOAD("0.2.0", "kbs:///default/db/password", "kbs"), "version" },
		{ HEADER, PAYLOAD("0.1.0", "kbs:///default/db/password", "nosuch"), "provider" },
		{ HEADER, PAYLOAD("0.1.0", "kbs:///default/db/password", "ehsm"), "provider" },
		{ HEADER, PAYLOAD("0.1.0", "kbs:///default/db/password", "KBS"), "" },
		{ HEADER, PAYLOAD("0.1.0", "anything", "Aliyun"), "" },
		{ HEADER, PAYLOAD("0.1.0", "anything", "aws"), "" },
		{ HEADER, PAYLOAD("0.1.0", "hello", "kbs"), "resource" },
		{ HEADER, PAYLOAD("0.1.0", "", "kbs"), "resource" },
		{ HEADER, PAYLOAD("0.1.0", "kbs:///two/segments", "kbs"), "resource" },
		{ HEADER, PAYLOAD("0.1.0", "kbs:///a/b/c/d", "KBS"), "resource" },
		{ HEADER, PAYLOAD("0.1.0", "https://a/b/c", "kbs"), "resource" },
		{ HEADER, ENVELOPE("aws"), "" },
		{ HEADER, ENVELOPE("ehsm"), "" },
		{ HEADER, ENVELOPE("kbs"), "provider" },
		{ HEADER, SIZED("aws", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=="), "payload" },
		{ HEADER, SIZED("aws", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA=="), "payload" },
		{ HEADER, SIZED("aws", "AAAAAAAAAAAAAAAA", "eA=="), "payload" },
		{ HEADER, "{}", "payload" },
		{ HEADER, "", "payload" },
		{ HEADER,
				"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///a/b/"
				"c\",\"provider\":\"kbs\","
				"\"provider_settings\":{}}",
				"payload" },
		/* all at once */
		{ "{\"alg\":\"RS256\",\"crit\":[]}", PAYLOAD("1", "x", "kbs"),
				"algorithm header kid version resource" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf text = BUF_MAX(JWS_MAX);
		signed_text(cases[i].header, cases[i].payload, &text);
		auto_free char *name = xasprintf("%s %s", cases[i].header, cases[i].payload);
		check(name, buf_span(&text), known, COUNT(known), cases[i].codes);
	}
}

static void what_is_around_the_parts_is_found(void **state)
{
	auto_buf struct buf good = BUF_MAX(JWS_MAX), payload = BUF_MAX(JWS_MAX);

	(void)state;
	signed_text(HEADER, GOOD, &good);
	b64url_encode(&payload, SPAN_LIT(GOOD));
	const char *jws = buf_text(&good) + strlen(SEALED_PREFIX);
	const struct {
		const char *before, *text, *after, *codes;
	} cases[] = {
		{ SEALED_PREFIX, jws, "", "" },
		{ SEALED_PREFIX, jws, "\n", "white-space" },
		{ " " SEALED_PREFIX, jws, "", "white-space" },
		{ SEALED_PREFIX, jws, "==", "padding" },
		{ SEALED_PREFIX SEALED_PREFIX, jws, "", "" },
		{ "", jws, "", "form" },
		{ SEALED_PREFIX, "", "", "form" },
		{ SEALED_PREFIX, "x.y", "", "form" },
		{ SEALED_PREFIX, jws, ".x", "form" },
		{ SEALED_PREFIX "fakejwsheader.", buf_text(&payload), ".fakesignature", "fake" },
		{ SEALED_PREFIX "fakejwsheader.", buf_text(&payload), "=.fakesignature", "fake padding" },
		{ SEALED_PREFIX "fakejwsheader.", buf_text(&payload), ".fakesignature\n",
				"white-space fake" },
		{ SEALED_PREFIX "fakejwsheader.", "e30", ".x", "fake payload" },
		{ SEALED_PREFIX "fakejwsheader.", "!", ".x", "fake form" },
		{ "", "", "", "form form" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("%s%s%s", cases[i].before, cases[i].text, cases[i].after);
		check(text, span_of(text), NULL, 0, cases[i].codes);
	}
}

static void the_signature_is_checked_with_the_key_that_is_known(void **state)
{
	static const struct sealed_key wrong = { KID, { other_jwk, sizeof(other_jwk) - 1 } },
				       broken = { KID, { "{}", 2 } };
	auto_buf struct buf text = BUF_MAX(JWS_MAX);

	(void)state;
	signed_text(HEADER, GOOD, &text);
	check("a known key", buf_span(&text), known, COUNT(known), "");
	check("no key", buf_span(&text), NULL, 0, "");
	check("another key", buf_span(&text), &wrong, 1, "signature");
	check("no key at all", buf_span(&text), &broken, 1, "signature");
	check("a stranger", buf_span(&text), known, 1, "unknown-kid!");
	text.ptr[text.len - 5] = text.ptr[text.len - 5] == 'A' ? 'B' : 'A';
	check("tampered", buf_span(&text), known, COUNT(known), "signature");
	buf_cut(&text, text.len - 3);
	check("cut", buf_span(&text), known, COUNT(known), "signature");
}

static void what_is_too_long_is_told_and_not_read(void **state)
{
	auto_buf struct buf text = BUF_MAX(2 * SEALED_MAX);
	auto_free char *name = xcalloc(1, SEALED_TEXT_MAX + 2);

	(void)state;
	memset(name, 'a', SEALED_TEXT_MAX + 1);
	auto_free char *payload = xasprintf(
			"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"%s\",\"provider\":\"kbs\","
			"\"provider_settings\":{},\"annotations\":{}}",
			name);
	signed_text(HEADER, payload, &text);
	check("a long name", buf_span(&text), known, COUNT(known), "long");
	while (text.len <= SEALED_MAX)
		buf_putc(&text, 'a');
	check("a long string", buf_span(&text), known, COUNT(known), "long");
}

/* The bytes of a stranger cannot forge lines of a report, and a long text of his is cut. */
static void messages_are_fit_to_be_shown(void **state)
{
	auto_buf struct buf text = BUF_MAX(JWS_MAX);
	auto_json json_t *findings = json_array();
	size_t i = 0;
	json_t *finding = NULL;

	(void)state;
	signed_text("{\"alg\":\"\\u001b[31m\",\"kid\":"
		    "\"\\n\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
		    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
		    "\u00e9\u00e9\u00e9"
		    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
		    "\u00e9\"}",
			PAYLOAD("0.1.0", "\\r\\n\\u202e", "\\u0007"), &text);
	sealed_lint(buf_span(&text), known, COUNT(known), findings);
	assert_int_equal(json_array_size(findings), 4);
	json_array_foreach (findings, i, finding) {
		const char *message = json_text_at(finding, "message", NULL);
		assert_non_null(message);
		assert_null(strpbrk(message, "\r\n\x1b\x07"));
	}
}

static void names_are_judged_as_brokers_hold_them(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "kbs:///default/db/password", true },
		{ "kbs://kbs.example:8080/a/b/c", true },
		{ "kbs+pkcs11:///a/b/c/d", true },
		{ "kbs:///a/b", false },
		{ "kbs:///a/b/c/d", false },
		{ "kbs:///a/b/\u043a", false },
		{ "kbs:///a/../c", false },
		{ "default/db/password", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char why[200] = "";
		if (sealed_name_is_good(cases[i].name, why, sizeof(why)) != cases[i].good)
			fail_msg("%s: %s", cases[i].name, why);
		assert_int_equal(why[0] != '\0', !cases[i].good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_header_or_payload_lacks_is_found),
		cmocka_unit_test(what_is_around_the_parts_is_found),
		cmocka_unit_test(the_signature_is_checked_with_the_key_that_is_known),
		cmocka_unit_test(what_is_too_long_is_told_and_not_read),
		cmocka_unit_test(messages_are_fit_to_be_shown),
		cmocka_unit_test(names_are_judged_as_brokers_hold_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
