/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: signatures made by cosign itself, the vectors of the specification, and their malformed twins. */
#include "base/b64.h"
#include "crypto/der.h"
#include "crypto/digest.h"
#include "policy/cosign_own.h"
#include "tests/policy/cosign_files.h"

#include <string.h>

/* ---- the specification's ---- */

#define SPEC_PEM                                                             \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUadYCDOJjqGxg8vXNQpAmQeMbvHB\n" \
	"4Y6XDNdoMDXyXn0BEFInErC1p8/wgWhUhphKlOaDHtrEbnNg+p2DSnqBoQ==\n"     \
	"-----END PUBLIC KEY-----\n"
#define SPEC_STATEMENT                                                                                      \
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\"" VECTOR_A64 \
	"\"}}],\"predicateType\":\"https://sigstore.dev/cosign/sign/v1\",\"predicate\":{}}"
#define SPEC_PAE_SHA256 "8494640575f03d2952cfa2233271880bcea7a0fd965decd46e43f6cf5ae51ba1"
#define SPEC_STATEMENT_SIG \
	"MEYCIQCavgoNF0R5r1+BOHpBToxosRbuFq92GdzbKlhqJ4ETKgIhAJ3HJFypIHdZXX8l6b0RcOCB8k5KZVgHNiGe1/M0a706"
#define SPEC_PAYLOAD                                                                                  \
	"{\"critical\":{\"identity\":{\"docker-reference\":\"registry.example/team/app\"},\"image\":" \
	"{\"docker-manifest-digest\":\"sha256:" VECTOR_A64                                            \
	"\"},\"type\":\"cosign container image signature\""                                           \
	"},\"optional\":null}"
#define SPEC_PAYLOAD_SHA256 "9744978a3a5e2869832b4b859197a16af92bb8c751a0a762238a2b6d033547e6"
#define SPEC_PAYLOAD_SIG \
	"MEQCIA0lAqUQKWI5TOVddgheL9jwKZUgyfgzHbB4nyzdOoS1AiAgEGMdJEiOoX/wWKRX3plSwCHQYZdBY9IdMPTXqIYjqA=="

static struct pkey *spec_key(void)
{
	struct pkey *key = NULL;

	assert_int_equal(pkey_parse(SPAN_LIT(SPEC_PEM), NULL, &key, NULL), 0);
	return key;
}

static void verifies_the_simple_signing_payload_of_the_specification(void **state)
{
	auto_pkey struct pkey *key = spec_key();
	auto_buf struct buf value = BUF_MAX(COSIGN_VALUE_MAX);
	char hex[DIGEST_HEX_MAX];

	(void)state;
	assert_int_equal(sizeof(SPEC_PAYLOAD) - 1, 241);
	digest_hex(DIGEST_SHA256, SPAN_LIT(SPEC_PAYLOAD), hex);
	assert_string_equal(hex, SPEC_PAYLOAD_SHA256);
	assert_int_equal(cosign_signature_decode(SPAN_LIT(SPEC_PAYLOAD_SIG), &value, NULL), 0);
	struct span span = buf_span(&value);
	struct image_signature signature = tag_signature(SPAN_LIT(SPEC_PAYLOAD), &span);
	assert_int_equal(cosign_verify(&signature, key, NULL), 0);
}

static void verifies_the_envelope_of_the_specification(void **state)
{
	auto_pkey struct pkey *key = spec_key();
	auto_buf struct buf pae = BUF_MAX(1000), value = BUF_MAX(COSIGN_VALUE_MAX);
	char hex[DIGEST_HEX_MAX];
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(sizeof(SPEC_STATEMENT) - 1, 213);
	cosign_pae(SPAN_LIT(COSIGN_STATEMENT_TYPE), SPAN_LIT(SPEC_STATEMENT), &pae);
	digest_hex(DIGEST_SHA256, buf_span(&pae), hex);
	assert_string_equal(hex, SPEC_PAE_SHA256);
	assert_int_equal(cosign_signature_decode(SPAN_LIT(SPEC_STATEMENT_SIG), &value, NULL), 0);
	struct span span = buf_span(&value);
	struct image_signature signature = tag_signature(SPAN_LIT(SPEC_STATEMENT), &span);
	signature.layout = IMAGE_SIG_BUNDLE;
	signature.type = COSIGN_STATEMENT_TYPE;
	assert_int_equal(cosign_verify(&signature, key, NULL), 0);
	/* the same value over the payload itself would be no envelope's */
	signature.layout = IMAGE_SIG_TAG;
	assert_int_equal(cosign_verify(&signature, key, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
}

/* ---- cosign's own ---- */

static const char *const kinds[] = { "p256", "p384", "p521", "rsa2048", "rsa4096" };

struct tagged {
	struct buf payload, value;
};
static void tagged_clear(struct tagged *tagged)
{
	buf_clear(&tagged->payload);
	buf_clear(&tagged->value);
}
#define auto_tagged __attribute__((cleanup(tagged_clear)))

static struct tagged tagged_load(const char *name, const char *payload)
{
	struct tagged out = { BUF_MAX(FILE_ROOM), BUF_MAX(COSIGN_VALUE_MAX) };
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);

	file_load(payload, ".payload", &out.payload);
	file_load(name, ".sig", &text);
	assert_int_equal(cosign_signature_decode(buf_span(&text), &out.value, NULL), 0);
	return out;
}

static void verifies_what_cosign_2_signed_and_with_no_other_key(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		char name[40];
		snprintf(name, sizeof(name), "%s-tag", kinds[i]);
		auto_tagged struct tagged tagged = tagged_load(name, name);
		struct span value = buf_span(&tagged.value);
		struct image_signature signature = tag_signature(buf_span(&tagged.payload), &value);
		for (size_t j = 0; j < COUNT(kinds); j++) {
			auto_pkey struct pkey *key = file_key(kinds[j]);
			assert_int_equal(cosign_verify(&signature, key, &err), i == j ? 0 : -1);
		}
		assert_int_equal(err.kind, ERR_AUTH);
		assert_string_equal(err.text, "the key does not verify the signature");
	}
}

static void verifies_what_cosign_3_writes_as_cosign_2(void **state)
{
	auto_tagged struct tagged tagged = tagged_load("old", "old");
	auto_pkey struct pkey *key = file_key("p256");
	struct span value = buf_span(&tagged.value);
	struct image_signature signature = tag_signature(buf_span(&tagged.payload), &value);

	(void)state;
	assert_int_equal(cosign_verify(&signature, key, NULL), 0);
}

static void load_bundle(const char *name, struct cosign_bundle *out)
{
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);
	struct err err = ERR_NONE;

	file_load(name, ".bundle", &text);
	if (cosign_bundle_parse(buf_span(&text), out, &err) < 0)
		fail_msg("%s: %s", name, err.text);
}

static void verifies_what_cosign_3_signed_and_with_no_other_key(void **state)
{
	struct span values[COSIGN_SIGNATURES_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
		load_bundle(kinds[i], &bundle);
		struct image_signature signature = bundle_signature(&bundle, values);
		for (size_t j = 0; j < COUNT(kinds); j++) {
			auto_pkey struct pkey *key = file_key(kinds[j]);
			assert_int_equal(cosign_verify(&signature, key, NULL), i == j ? 0 : -1);
		}
	}
}

static void verifies_a_signature_over_the_manifest_by_its_digest(void **state)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
	auto_pkey struct pkey *key = file_key("p256"), *other = file_key("p384"), *rsa = file_key("rsa2048"),
			      *edwards = file_key("ed25519");
	struct span values[COSIGN_SIGNATURES_MAX];
	struct err err = ERR_NONE;

	(void)state;
	load_bundle("blob", &bundle);
	struct image_signature signature = bundle_signature(&bundle, values);
	assert_string_equal(bundle.type, "");
	assert_string_equal(buf_text(&bundle.payload), FILE_DIGEST);
	assert_int_equal(cosign_verify(&signature, key, NULL), 0);
	assert_int_equal(cosign_verify(&signature, other, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(cosign_verify(&signature, rsa, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(cosign_verify(&signature, edwards, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	signature.payload = SPAN_LIT(FILE_OTHER);
	assert_int_equal(cosign_verify(&signature, key, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	signature.payload = SPAN_LIT("sha512:00");
	assert_int_equal(cosign_verify(&signature, key, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void takes_ed25519_and_says_that_cosigns_own_is_another(void **state)
{
	auto_tagged struct tagged pure = tagged_load("ed25519-pure", "ed25519-tag"),
				  own = tagged_load("ed25519-tag", "ed25519-tag");
	auto_pkey struct pkey *key = file_key("ed25519");
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(cosign_verify_bytes(key, buf_span(&pure.payload), buf_span(&pure.value), NULL), 0);
	assert_int_equal(cosign_verify_bytes(key, buf_span(&own.payload), buf_span(&own.value), &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.text, "Ed25519ph"));
}

/* ---- twins ---- */

static void refuses_a_signature_with_any_bit_turned_or_byte_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "rsa2048" : "p256";
		auto_tagged struct tagged tagged = i ? tagged_load("rsa2048-tag", "rsa2048-tag")
						     : tagged_load("p256-tag", "p256-tag");
		auto_pkey struct pkey *key = file_key(name);
		struct span message = buf_span(&tagged.payload);
		for (size_t bit = 0; bit < 8 * tagged.value.len; bit++) {
			tagged.value.ptr[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(
					cosign_verify_bytes(key, message, buf_span(&tagged.value), NULL), -1);
			tagged.value.ptr[bit / 8] ^= (char)(1 << bit % 8);
		}
		for (size_t len = 0; len < tagged.value.len; len++)
			assert_int_equal(cosign_verify_bytes(
							 key, message, span_new(tagged.value.ptr, len), NULL),
					-1);
	}
}

static void refuses_a_payload_with_any_byte_changed(void **state)
{
	auto_tagged struct tagged tagged = tagged_load("p256-tag", "p256-tag");
	auto_pkey struct pkey *key = file_key("p256");

	(void)state;
	for (size_t i = 0; i < tagged.payload.len; i++) {
		tagged.payload.ptr[i] ^= 1;
		assert_int_equal(cosign_verify_bytes(key, buf_span(&tagged.payload), buf_span(&tagged.value),
						 NULL),
				-1);
		tagged.payload.ptr[i] ^= 1;
	}
	buf_putc(&tagged.payload, '\n');
	assert_int_equal(cosign_verify_bytes(key, buf_span(&tagged.payload), buf_span(&tagged.value), NULL),
			-1);
}

/* The numbers of a DER signature, each in 32 bytes. */
static void pair_of(struct span der, unsigned char pair[static 64])
{
	struct span body = SPAN_NONE, number = SPAN_NONE;

	memset(pair, 0, 64);
	assert_int_equal(der_expect(&der, DER_SEQUENCE, "", &body, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(der_expect(&body, DER_INTEGER, "", &number, NULL), 0);
		number = der_integer(number);
		if (number.len == 33)
			number = span_from(number, 1);
		memcpy(pair + 32 * i + 32 - number.len, number.ptr, number.len);
	}
}

static void refuses_ecdsa_in_other_forms_than_der(void **state)
{
	auto_tagged struct tagged tagged = tagged_load("p256-tag", "p256-tag");
	auto_pkey struct pkey *key = file_key("p256");
	struct span message = buf_span(&tagged.payload), der = buf_span(&tagged.value);
	auto_buf struct buf other = BUF_MAX(COSIGN_VALUE_MAX);
	unsigned char pair[64];

	(void)state;
	/* as JOSE has it: right numbers, wrong form */
	pair_of(der, pair);
	assert_int_equal(pkey_verify(key, message, span_new(pair, sizeof(pair)), NULL), 0);
	assert_int_equal(cosign_verify_bytes(key, message, span_new(pair, sizeof(pair)), NULL), -1);
	/* a byte behind it */
	buf_add_span(&other, der);
	buf_putc(&other, 0);
	assert_int_equal(cosign_verify_bytes(key, message, buf_span(&other), NULL), -1);
	/* BER: the length in the long form */
	buf_reset(&other);
	buf_add(&other, "\x30\x81", 2);
	buf_add_span(&other, span_from(der, 1));
	assert_int_equal(cosign_verify_bytes(key, message, buf_span(&other), NULL), -1);
	/* BER: the indefinite length */
	buf_reset(&other);
	buf_add(&other, "\x30\x80", 2);
	buf_add_span(&other, span_from(der, 2));
	buf_add(&other, "\0\0", 2);
	assert_int_equal(cosign_verify_bytes(key, message, buf_span(&other), NULL), -1);
	/* a zero before r */
	buf_reset(&other);
	buf_add(&other, der.ptr, 2);
	other.ptr[1]++;
	buf_putc(&other, 2);
	buf_putc(&other, (char)(der.ptr[3] + 1));
	buf_putc(&other, 0);
	buf_add_span(&other, span_from(der, 4));
	assert_int_equal(cosign_verify_bytes(key, message, buf_span(&other), NULL), -1);
}

static void refuses_numbers_of_zero_and_the_order(void **state)
{
	static const unsigned char zero[] = { 0x30, 6, 2, 1, 0, 2, 1, 0 };
	static const unsigned char one[] = { 0x30, 6, 2, 1, 1, 2, 1, 1 };
	auto_pkey struct pkey *key = file_key("p256");

	(void)state;
	assert_int_equal(cosign_verify_bytes(key, SPAN_LIT("x"), span_new(zero, sizeof(zero)), NULL), -1);
	assert_int_equal(cosign_verify_bytes(key, SPAN_LIT("x"), span_new(one, sizeof(one)), NULL), -1);
	assert_int_equal(cosign_verify_bytes(key, SPAN_NONE, SPAN_NONE, NULL), -1);
}

static void one_good_value_among_several_suffices(void **state)
{
	auto_tagged struct tagged tagged = tagged_load("p256-tag", "p256-tag"),
				  foreign = tagged_load("rsa2048-tag", "rsa2048-tag");
	auto_pkey struct pkey *key = file_key("p256");
	struct span values[COSIGN_SIGNATURES_MAX + 1];
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++)
		values[i] = buf_span(&foreign.value);
	struct image_signature signature = tag_signature(buf_span(&tagged.payload), values);
	signature.signature_count = COSIGN_SIGNATURES_MAX;
	assert_int_equal(cosign_verify(&signature, key, NULL), -1);
	values[COSIGN_SIGNATURES_MAX - 1] = buf_span(&tagged.value);
	assert_int_equal(cosign_verify(&signature, key, NULL), 0);
	signature.signature_count++;
	assert_int_equal(cosign_verify(&signature, key, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	signature.signature_count = 0;
	assert_int_equal(cosign_verify(&signature, key, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
}

static void refuses_what_is_no_signature_of_cosigns(void **state)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
	auto_buf struct buf huge = BUF_MAX(IMAGE_PAYLOAD_MAX + 1);
	auto_pkey struct pkey *key = file_key("p256");
	struct span values[COSIGN_SIGNATURES_MAX];
	struct err err = ERR_NONE;

	(void)state;
	load_bundle("p256", &bundle);
	struct image_signature signature = bundle_signature(&bundle, values), twin = signature;
	twin.type = "application/vnd.in-toto";
	assert_int_equal(cosign_verify(&twin, key, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	twin = signature;
	twin.problem = "a reason of its own";
	assert_int_equal(cosign_verify(&twin, key, &err), -1);
	assert_string_equal(err.text, "a reason of its own");
	twin = signature;
	twin.layout = IMAGE_SIG_SIMPLE;
	assert_int_equal(cosign_verify(&twin, key, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	/* the envelope's value is over its PAE, not over its payload */
	twin = signature;
	twin.layout = IMAGE_SIG_TAG;
	assert_int_equal(cosign_verify(&twin, key, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	memset(buf_room(&huge, IMAGE_PAYLOAD_MAX + 1), ' ', IMAGE_PAYLOAD_MAX + 1);
	buf_grew(&huge, IMAGE_PAYLOAD_MAX + 1);
	twin = signature;
	twin.payload = buf_span(&huge);
	assert_int_equal(cosign_verify(&twin, key, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void the_value_over_the_payload_is_none_of_an_envelope(void **state)
{
	auto_tagged struct tagged tagged = tagged_load("p256-tag", "p256-tag");
	auto_pkey struct pkey *key = file_key("p256");
	struct span value = buf_span(&tagged.value);
	struct image_signature signature = tag_signature(buf_span(&tagged.payload), &value);

	(void)state;
	signature.layout = IMAGE_SIG_BUNDLE;
	signature.type = COSIGN_STATEMENT_TYPE;
	assert_int_equal(cosign_verify(&signature, key, NULL), -1);
}

/* ---- the annotation ---- */

static void decodes_the_annotation_with_line_ends_and_nothing_else(void **state)
{
	static const char *const bad[] = { "", "\n", "AAA", "AAAA=", "AA-_",
		"A A=", "AAB=", "AA==AA==", "AA\xe4=" };
	auto_buf struct buf out = BUF_MAX(COSIGN_VALUE_MAX);
	auto_buf struct buf huge = BUF_MAX(FILE_ROOM);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(cosign_signature_decode(SPAN_LIT("AAE\nC\r\n"), &out, NULL), 0);
	assert_int_equal(out.len, 3);
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_clear(&err);
		assert_int_equal(cosign_signature_decode(span_of(bad[i]), &out, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	assert_int_equal(cosign_signature_decode(span_new("AA\0A", 4), &out, &err), -1);
	memset(buf_room(&huge, 4096), 'A', 4096);
	buf_grew(&huge, 4096);
	assert_int_equal(cosign_signature_decode(buf_span(&huge), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_the_simple_signing_payload_of_the_specification),
		cmocka_unit_test(verifies_the_envelope_of_the_specification),
		cmocka_unit_test(verifies_what_cosign_2_signed_and_with_no_other_key),
		cmocka_unit_test(verifies_what_cosign_3_writes_as_cosign_2),
		cmocka_unit_test(verifies_what_cosign_3_signed_and_with_no_other_key),
		cmocka_unit_test(verifies_a_signature_over_the_manifest_by_its_digest),
		cmocka_unit_test(takes_ed25519_and_says_that_cosigns_own_is_another),
		cmocka_unit_test(refuses_a_signature_with_any_bit_turned_or_byte_missing),
		cmocka_unit_test(refuses_a_payload_with_any_byte_changed),
		cmocka_unit_test(refuses_ecdsa_in_other_forms_than_der),
		cmocka_unit_test(refuses_numbers_of_zero_and_the_order),
		cmocka_unit_test(one_good_value_among_several_suffices),
		cmocka_unit_test(refuses_what_is_no_signature_of_cosigns),
		cmocka_unit_test(the_value_over_the_payload_is_none_of_an_envelope),
		cmocka_unit_test(decodes_the_annotation_with_line_ends_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
