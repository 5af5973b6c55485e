/* SPDX-License-Identifier: Apache-2.0 */
/* Sigstore bundles: those of cosign 3, every version's name, and what must not be taken for one. */
#include "base/b64.h"
#include "policy/cosign_own.h"
#include "tests/policy/cosign_files.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_64 "e30=" /* {} */
#define ENVELOPE(payload, type, signatures)                                     \
	"\"dsseEnvelope\":{\"payload\":\"" payload "\",\"payloadType\":\"" type \
	"\",\"signatures\":[" signatures "]}}"
#define IN_TOTO   "application/vnd.in-toto+json"
#define SIG       "{\"sig\":\"AAEC\",\"keyid\":\"\"}"
#define GOOD      BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, SIG)
#define DIGEST_64 "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="
#define MESSAGE(algorithm, digest, signature)                                                           \
	"\"messageSignature\":{\"messageDigest\":{\"algorithm\":\"" algorithm "\",\"digest\":\"" digest \
	"\"},\"signature\":\"" signature "\"}}"

static int parse(struct span text, struct err *err)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };

	err_clear(err);
	return cosign_bundle_parse(text, &bundle, err);
}

/* ---- good ---- */

static void reads_an_envelope(void **state)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };

	(void)state;
	assert_int_equal(cosign_bundle_parse(SPAN_LIT(BUNDLE_START ENVELOPE(
							     PAYLOAD_64, IN_TOTO, SIG ",{\"sig\":\"/w==\"}")),
					 &bundle, NULL),
			0);
	assert_string_equal(bundle.type, COSIGN_STATEMENT_TYPE);
	assert_string_equal(buf_text(&bundle.payload), "{}");
	assert_int_equal(bundle.count, 2);
	assert_int_equal(bundle.signatures[0].len, 3);
	assert_memory_equal(bundle.signatures[0].ptr, "\0\1\2", 3);
	assert_int_equal(bundle.signatures[1].len, 1);
}

static void reads_a_message_signature(void **state)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };

	(void)state;
	assert_int_equal(cosign_bundle_parse(SPAN_LIT(BUNDLE_START MESSAGE("SHA2_256", DIGEST_64, "AAEC")),
					 &bundle, NULL),
			0);
	assert_string_equal(bundle.type, "");
	assert_string_equal(buf_text(&bundle.payload), "sha256:" VECTOR_A64);
	assert_int_equal(bundle.count, 1);
}

static void reads_every_version_and_no_later_one(void **state)
{
	static const char *const good[] = { ".v0.1+json", ".v0.2+json", ".v0.3+json", "+json;version=0.1",
		"+json;version=0.2", "+json;version=0.3" };
	static const char *const bad[] = { ".v0.4+json", ".v0.3+json ", "", "+json;version=1", ".v1+json",
		".V0.3+json" };
	struct err err = ERR_NONE;
	char text[600];

	(void)state;
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		bool is_good = i < COUNT(good);
		snprintf(text, sizeof(text), "{\"mediaType\":\"%s%s\",%s", COSIGN_BUNDLE_TYPE,
				is_good ? good[i] : bad[i - COUNT(good)], ENVELOPE(PAYLOAD_64, IN_TOTO, SIG));
		assert_int_equal(parse(span_of(text), &err), is_good ? 0 : -1);
		assert_true(is_good || (err.kind == ERR_FORMAT && strstr(err.text, "mediaType")));
	}
}

static void reads_base64_of_both_alphabets_with_and_without_padding(void **state)
{
	static const char *const good[] = { "/+A=", "_-A=", "/+A", "_-A" };
	static const char *const bad[] = { "/-A=", "/+A==", "/+A=A", "/+B=", "/+ A", "/+A=\\n", "=",
		"====", "A" };
	struct err err = ERR_NONE;
	char text[600];

	(void)state;
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		bool is_good = i < COUNT(good);
		snprintf(text, sizeof(text),
				"%s\"dsseEnvelope\":{\"payload\":\"e30\",\"payloadType\":\"%s\",%s%s%s",
				BUNDLE_START, IN_TOTO, "\"signatures\":[{\"sig\":\"",
				is_good ? good[i] : bad[i - COUNT(good)], "\"}]}}");
		if (parse(span_of(text), &err) != (is_good ? 0 : -1))
			fail_msg("%s: %s", text, err.text);
		assert_true(is_good || err.kind == ERR_FORMAT);
	}
}

static void leaves_out_what_is_large_and_not_looked_at(void **state)
{
	auto_buf struct buf text = BUF_MAX(COSIGN_BUNDLE_MAX + 1000);
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&text,
			BUNDLE_OPEN
			"\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"},\"tlogEntries\":[");
	for (size_t i = 0; i < 8000; i++)
		buf_printf(&text, "%s{\"logIndex\":\"%zu\"}", i ? "," : "", i);
	buf_puts(&text,
			"],\"timestampVerificationData\":{\"rfc3161Timestamps\":[]}}," ENVELOPE(
					PAYLOAD_64, IN_TOTO, SIG));
	assert_int_equal(parse(buf_span(&text), &err), 0);
	while (text.len <= COSIGN_BUNDLE_MAX)
		buf_putc(&text, ' ');
	assert_int_equal(parse(buf_span(&text), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- malformed ---- */

static void refuses_every_beginning_and_any_garbage_behind(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(parse(SPAN_LIT(GOOD), &err), 0);
	for (size_t len = 0; len + 1 < sizeof(GOOD); len++)
		assert_int_equal(parse(span_new(GOOD, len), &err), -1);
	assert_int_equal(parse(SPAN_LIT(GOOD "x"), &err), -1);
	assert_int_equal(parse(span_new(GOOD, sizeof(GOOD)), &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void refuses_twins(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "[]", "" },
		{ "{}", "mediaType" },
		{ BUNDLE_START "\"x\":1}", "either a dsseEnvelope or a messageSignature" },
		{ BUNDLE_START "\"dsseEnvelope\":null,\"messageSignature\":null}", "either" },
		{ BUNDLE_START "\"messageSignature\":{}," ENVELOPE(PAYLOAD_64, IN_TOTO, SIG), "either" },
		{ BUNDLE_START "\"dsseEnvelope\":[]}", "dsseEnvelope" },
		{ BUNDLE_START "\"dsseEnvelope\":{}," ENVELOPE(PAYLOAD_64, IN_TOTO, SIG), "" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, "application/json", SIG),
				"payloadType is 'application/json'" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, "", SIG), "payloadType" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO "\\u0000", SIG), "" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, ""), "no signature" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, "{}"), "sig" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, "{\"sig\":\"\"}"), "empty" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, "{\"sig\":1}"), "sig" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, "1"), "" },
		{ BUNDLE_START ENVELOPE(PAYLOAD_64, IN_TOTO, "{\"sig\":\"AAEC\",\"sig\":\"AAEC\"}"), "" },
		{ BUNDLE_START ENVELOPE("e3", IN_TOTO, SIG), "payload is not base64" },
		{ BUNDLE_START ENVELOPE("\xff", IN_TOTO, SIG), "" },
		{ BUNDLE_START "\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"" IN_TOTO "\"}}",
				"no signature" },
		{ BUNDLE_START MESSAGE("SHA2_512", DIGEST_64, "AAEC"), "SHA2_512" },
		{ BUNDLE_START MESSAGE("SHA2_256", "AAEC", "AAEC"), "3 bytes" },
		{ BUNDLE_START MESSAGE("SHA2_256", DIGEST_64, ""), "empty" },
		{ BUNDLE_START "\"messageSignature\":{\"signature\":\"AAEC\"}}", "messageDigest" },
		{ BUNDLE_OPEN "\"verificationMaterial\":{\"certificate\":{\"rawBytes\":\"AA==\"}}," ENVELOPE(
				  PAYLOAD_64, IN_TOTO, SIG),
				"keyless signing is not covered" },
		{ BUNDLE_OPEN "\"verificationMaterial\":{\"x509CertificateChain\":{\"certificates\":[]}}"
			      "," ENVELOPE(PAYLOAD_64, IN_TOTO, SIG),
				"keyless signing is not covered" },
	};
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (parse(span_of(cases[i].text), &err) != -1)
			fail_msg("taken: %s", cases[i].text);
		if (err.kind != ERR_FORMAT || !strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void repeat(struct buf *out, const char *before, const char *what, size_t times, const char *behind)
{
	buf_reset(out);
	buf_puts(out, before);
	for (size_t i = 0; i < times; i++)
		buf_puts(out, what);
	buf_puts(out, behind);
}

static void refuses_what_is_too_much(void **state)
{
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);
	struct err err = ERR_NONE;

	(void)state;
	repeat(&text,
			BUNDLE_START "\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"" IN_TOTO
				     "\",\"signatures\":[" SIG,
			"," SIG, COSIGN_SIGNATURES_MAX, "]}}");
	assert_int_equal(parse(buf_span(&text), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	repeat(&text, BUNDLE_START "\"dsseEnvelope\":{\"payload\":\"", "AAAA", IMAGE_PAYLOAD_MAX / 3 + 1,
			"\",\"payloadType\":\"" IN_TOTO "\",\"signatures\":[" SIG "]}}");
	assert_int_equal(parse(buf_span(&text), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	repeat(&text,
			BUNDLE_START "\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"" IN_TOTO
				     "\",\"signatures\":[{\"sig\":\"",
			"AAAA", COSIGN_VALUE_MAX / 3 + 1, "\"}]}}");
	assert_int_equal(parse(buf_span(&text), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(parse(SPAN_LIT(BUNDLE_START MESSAGE("SHA2_256", DIGEST_64 "AAAA", "AAEC")), &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
	repeat(&text, BUNDLE_START "\"x\":", "[", 5000, "");
	assert_int_equal(parse(buf_span(&text), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void refuses_cosigns_bundle_with_any_byte_gone(void **state)
{
	auto_buf struct buf text = BUF_MAX(FILE_ROOM), twin = BUF_MAX(FILE_ROOM);
	auto_pkey struct pkey *key = file_key("p256");
	struct span values[COSIGN_SIGNATURES_MAX];
	struct err err = ERR_NONE;

	(void)state;
	file_load("p256", ".bundle", &text);
	const char *envelope = strstr(text.ptr, "dsseEnvelope");
	assert_non_null(envelope);
	for (size_t i = 0; i < text.len; i++) {
		auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
		buf_reset(&twin);
		buf_add_span(&twin, span_new(text.ptr, i));
		buf_add_span(&twin, span_from(buf_span(&text), i + 1));
		if (cosign_bundle_parse(buf_span(&twin), &bundle, &err) < 0)
			continue;
		struct image_signature signature = bundle_signature(&bundle, values);
		/* before the envelope stands the hint, which says nothing; padding may be missing */
		if (cosign_verify(&signature, key, NULL) == 0)
			assert_true(text.ptr + i < envelope || strchr(" =", text.ptr[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_an_envelope),
		cmocka_unit_test(reads_a_message_signature),
		cmocka_unit_test(reads_every_version_and_no_later_one),
		cmocka_unit_test(reads_base64_of_both_alphabets_with_and_without_padding),
		cmocka_unit_test(leaves_out_what_is_large_and_not_looked_at),
		cmocka_unit_test(refuses_every_beginning_and_any_garbage_behind),
		cmocka_unit_test(refuses_twins),
		cmocka_unit_test(refuses_what_is_too_much),
		cmocka_unit_test(refuses_cosigns_bundle_with_any_byte_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
