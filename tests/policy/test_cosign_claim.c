/* SPDX-License-Identifier: Apache-2.0 */
/* What payloads claim: simple signing and in-toto statements, of cosign and malformed. */
#include "policy/cosign_own.h"
#include "tests/policy/cosign_files.h"

#include <string.h>

#define HEX_B   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_512 VECTOR_A64 VECTOR_A64
#define SIMPLE(reference, digest, type, optional)                                      \
	"{\"critical\":{\"identity\":{\"docker-reference\":" reference "},\"image\":{" \
	"\"docker-manifest-digest\":\"" digest "\"},\"type\":\"" type "\"},\"optional\":" optional "}"
#define COSIGNS "cosign container image signature"
#define GOOD_SIMPLE \
	SIMPLE("\"r.example/a\"", "sha256:" VECTOR_A64, COSIGNS, "{\"team\":\"shop\",\"n\":1,\"o\":{}}")
#define STATEMENT(type, subjects, predicate)                                              \
	"{\"_type\":\"" type "\",\"subject\":" subjects ",\"predicateType\":\"" predicate \
	"\",\"predicate\":{}}"
#define V1             "https://in-toto.io/Statement/v1"
#define SUBJECT(hex)   "{\"digest\":{\"sha256\":\"" hex "\"},\"annotations\":{\"team\":\"shop\"}}"
#define GOOD_STATEMENT STATEMENT(V1, "[" SUBJECT(VECTOR_A64) "]", COSIGN_PREDICATE)

static void cleared(struct cosign_claim *claim)
{
	cosign_claim_clear(claim);
}
#define auto_claim __attribute__((cleanup(cleared)))

static const char *annotation(const struct cosign_claim *claim, const char *key)
{
	return json_string_value(json_object_get(claim->annotations, key));
}

/* ---- good ---- */

static void reads_a_simple_signing_payload(void **state)
{
	auto_claim struct cosign_claim claim = { .annotations = NULL };

	(void)state;
	assert_int_equal(cosign_claim_simple(SPAN_LIT(GOOD_SIMPLE), &claim, NULL), 0);
	assert_true(cosign_claims_digest(&claim, "sha256:" VECTOR_A64));
	assert_false(cosign_claims_digest(&claim, "sha256:" HEX_B));
	assert_false(cosign_claims_digest(&claim, ""));
	assert_string_equal(claim.reference, "r.example/a");
	assert_int_equal(json_object_size(claim.annotations), 1);
	assert_string_equal(annotation(&claim, "team"), "shop");
}

static void reads_that_of_gpg_and_one_without_annotations(void **state)
{
	static const char *const good[] = {
		SIMPLE("\"\"", "sha512:" HEX_512, "atomic container signature", "null"),
		SIMPLE("\"a\"", "sha256:" VECTOR_A64, COSIGNS, "{}"),
		SIMPLE("\"a\"", "sha256:" VECTOR_A64, COSIGNS, "{\"n\":1}"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		auto_claim struct cosign_claim claim = { .annotations = NULL };
		assert_int_equal(cosign_claim_simple(span_of(good[i]), &claim, NULL), 0);
		assert_null(claim.annotations);
		assert_int_equal(claim.digest_count, 1);
	}
}

static void reads_statements_of_both_versions(void **state)
{
	static const char *const good[] = { GOOD_STATEMENT,
		STATEMENT("https://in-toto.io/Statement/v0.1", "[" SUBJECT(VECTOR_A64) "]",
				COSIGN_PREDICATE) };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		auto_claim struct cosign_claim claim = { .annotations = NULL };
		assert_int_equal(cosign_claim_statement(span_of(good[i]), &claim, NULL), 0);
		assert_true(cosign_claims_digest(&claim, "sha256:" VECTOR_A64));
		assert_string_equal(claim.reference, "");
		assert_string_equal(annotation(&claim, "team"), "shop");
	}
}

static void several_subjects_are_claimed_and_their_annotations_are_not(void **state)
{
	static const char text[] =
			STATEMENT(V1, "[" SUBJECT(VECTOR_A64) "," SUBJECT(HEX_B) "]", COSIGN_PREDICATE);
	auto_claim struct cosign_claim claim = { .annotations = NULL };

	(void)state;
	assert_int_equal(cosign_claim_statement(SPAN_LIT(text), &claim, NULL), 0);
	assert_true(cosign_claims_digest(&claim, "sha256:" VECTOR_A64));
	assert_true(cosign_claims_digest(&claim, "sha256:" HEX_B));
	assert_null(claim.annotations);
}

static void digests_of_other_kinds_are_left_out(void **state)
{
	static const char text[] = STATEMENT(V1,
			"[{\"digest\":{\"gitCommit\":\"ab\",\"sha512\":\"" HEX_512
			"\",\"sha1\":\"x\",\"x\":1}}]",
			COSIGN_PREDICATE);
	auto_claim struct cosign_claim claim = { .annotations = NULL };

	(void)state;
	assert_int_equal(cosign_claim_statement(SPAN_LIT(text), &claim, NULL), 0);
	assert_int_equal(claim.digest_count, 1);
	assert_true(cosign_claims_digest(&claim, "sha512:" HEX_512));
	assert_null(claim.annotations);
}

/* ---- what cosign wrote ---- */

static void reads_what_cosign_wrote(void **state)
{
	static const char *const names[] = { "p256", "p384", "p521", "rsa2048", "rsa4096", "ed25519" };
	struct span values[COSIGN_SIGNATURES_MAX], none = SPAN_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
		auto_claim struct cosign_claim tag = { .annotations = NULL },
					       attached = { .annotations = NULL };
		auto_buf struct buf text = BUF_MAX(FILE_ROOM), payload = BUF_MAX(FILE_ROOM);
		char reference[100];
		file_load(names[i], ".bundle", &text);
		file_load(names[i], "-tag.payload", &payload);
		assert_int_equal(cosign_bundle_parse(buf_span(&text), &bundle, NULL), 0);
		struct image_signature one = bundle_signature(&bundle, values),
				       two = tag_signature(buf_span(&payload), &none);
		assert_int_equal(cosign_claim(&one, &attached, NULL), 0);
		assert_int_equal(cosign_claim(&two, &tag, NULL), 0);
		assert_true(cosign_claims_digest(&attached, FILE_DIGEST));
		assert_true(cosign_claims_digest(&tag, FILE_DIGEST));
		assert_false(cosign_claims_digest(&tag, FILE_OTHER));
		assert_string_equal(annotation(&attached, "team"), "shop");
		assert_string_equal(annotation(&tag, "team"), "shop");
		snprintf(reference, sizeof(reference), "127.0.0.1:15791/shop/%s-tag", names[i]);
		assert_string_equal(tag.reference, reference);
		assert_string_equal(attached.reference, "");
	}
}

static void an_attestation_is_no_signature_though_its_key_verifies_it(void **state)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
	auto_claim struct cosign_claim claim = { .annotations = NULL };
	auto_pkey struct pkey *key = file_key("p256");
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);
	struct span values[COSIGN_SIGNATURES_MAX];
	struct err err = ERR_NONE;

	(void)state;
	file_load("attestation", ".bundle", &text);
	assert_int_equal(cosign_bundle_parse(buf_span(&text), &bundle, NULL), 0);
	struct image_signature signature = bundle_signature(&bundle, values);
	assert_int_equal(cosign_verify(&signature, key, NULL), 0);
	assert_int_equal(cosign_claim(&signature, &claim, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, "attestation 'https://cosign.sigstore.dev/attestation/v1'"));
}

static void a_message_signature_claims_its_digest(void **state)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .type = "" };
	auto_claim struct cosign_claim claim = { .annotations = NULL };
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);
	struct span values[COSIGN_SIGNATURES_MAX];

	(void)state;
	file_load("blob", ".bundle", &text);
	assert_int_equal(cosign_bundle_parse(buf_span(&text), &bundle, NULL), 0);
	struct image_signature signature = bundle_signature(&bundle, values);
	assert_int_equal(cosign_claim(&signature, &claim, NULL), 0);
	assert_true(cosign_claims_digest(&claim, FILE_DIGEST));
	assert_int_equal(claim.digest_count, 1);
	signature.payload = span_new(FILE_DIGEST, sizeof(FILE_DIGEST));
	assert_int_equal(cosign_claim(&signature, &claim, NULL), -1);
	signature.payload = SPAN_LIT(FILE_DIGEST FILE_DIGEST FILE_DIGEST);
	assert_int_equal(cosign_claim(&signature, &claim, NULL), -1);
	signature.payload = SPAN_NONE;
	assert_int_equal(cosign_claim(&signature, &claim, NULL), -1);
	signature.layout = IMAGE_SIG_SIMPLE;
	assert_int_equal(cosign_claim(&signature, &claim, NULL), -1);
	signature.problem = "broken";
	assert_int_equal(cosign_claim(&signature, &claim, NULL), -1);
}

/* ---- malformed ---- */

typedef int (*claim_fn)(struct span payload, struct cosign_claim *out, struct err *err);

static void refuse(claim_fn read, struct span text, enum err_kind kind, const char *words)
{
	struct cosign_claim claim = { .annotations = NULL };
	struct err err = ERR_NONE;

	if (read(text, &claim, &err) == 0)
		fail_msg("taken: %.*s", SPAN_ARG(text));
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%.*s: %s", SPAN_ARG(text), err.text);
	assert_null(claim.annotations);
	assert_int_equal(claim.digest_count, 0);
}

static void refuses_every_beginning(void **state)
{
	(void)state;
	for (size_t len = 0; len + 1 < sizeof(GOOD_SIMPLE); len++)
		refuse(cosign_claim_simple, span_new(GOOD_SIMPLE, len), ERR_FORMAT, "");
	for (size_t len = 0; len + 1 < sizeof(GOOD_STATEMENT); len++)
		refuse(cosign_claim_statement, span_new(GOOD_STATEMENT, len), ERR_FORMAT, "");
	refuse(cosign_claim_simple, span_new(GOOD_SIMPLE, sizeof(GOOD_SIMPLE)), ERR_FORMAT, "");
	refuse(cosign_claim_statement, span_new(GOOD_STATEMENT, sizeof(GOOD_STATEMENT)), ERR_FORMAT, "");
}

static void refuses_twins_of_a_simple_signing_payload(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "{}", "critical" },
		{ "[]", "" },
		{ "{\"critical\":1}", "critical" },
		{ GOOD_STATEMENT, "critical" },
		{ SIMPLE("1", "sha256:" VECTOR_A64, COSIGNS, "null"), "docker-reference" },
		{ SIMPLE("null", "sha256:" VECTOR_A64, COSIGNS, "null"), "docker-reference" },
		{ SIMPLE("\"a\"", "sha256:aa", COSIGNS, "null"), "no digest" },
		{ SIMPLE("\"a\"", "SHA256:" VECTOR_A64, COSIGNS, "null"), "no digest" },
		{ SIMPLE("\"a\"", "sha256:" VECTOR_A64 "a", COSIGNS, "null"), "no digest" },
		{ SIMPLE("\"a\"", "", COSIGNS, "null"), "no digest" },
		{ SIMPLE("\"a\"", "sha256:" VECTOR_A64, "container", "null"),
				"critical.type is 'container'" },
		{ SIMPLE("\"a\"", "sha256:" VECTOR_A64, COSIGNS, "[]"), "optional" },
		{ SIMPLE("\"a\"", "sha256:" VECTOR_A64, COSIGNS, "\"x\""), "optional" },
		{ SIMPLE("\"a\\u0000b\"", "sha256:" VECTOR_A64, COSIGNS, "null"), "" },
		{ SIMPLE("\"\xff\"", "sha256:" VECTOR_A64, COSIGNS, "null"), "" },
		{ SIMPLE("\"a\",\"docker-reference\":\"b\"", "sha256:" VECTOR_A64, COSIGNS, "null"), "" },
		{ SIMPLE("\"a\"", "sha256:" VECTOR_A64, COSIGNS, "{\"k\":\"v\",\"k\":\"w\"}"), "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(cosign_claim_simple, span_of(cases[i].text), ERR_FORMAT, cases[i].words);
}

static void refuses_twins_of_a_statement(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "{}", "_type" },
		{ GOOD_SIMPLE, "_type" },
		{ STATEMENT("https://in-toto.io/Statement/v2", "[" SUBJECT(VECTOR_A64) "]", COSIGN_PREDICATE),
				"_type is" },
		{ STATEMENT(V1, "[" SUBJECT(VECTOR_A64) "]", "https://slsa.dev/provenance/v1"),
				"attestation 'https://slsa.dev/provenance/v1' is no image signature" },
		{ STATEMENT(V1, "[" SUBJECT(VECTOR_A64) "]", COSIGN_PREDICATE "/"), "attestation" },
		{ STATEMENT(V1, "[" SUBJECT(VECTOR_A64) "]", ""), "attestation" },
		{ STATEMENT(V1, "[]", COSIGN_PREDICATE), "no subject" },
		{ STATEMENT(V1, "null", COSIGN_PREDICATE), "no subject" },
		{ STATEMENT(V1, "{}", COSIGN_PREDICATE), "subject" },
		{ STATEMENT(V1, "[1]", COSIGN_PREDICATE), "" },
		{ STATEMENT(V1, "[{}]", COSIGN_PREDICATE), "digest" },
		{ STATEMENT(V1, "[{\"digest\":{\"gitCommit\":\"aa\"}}]", COSIGN_PREDICATE), "no subject" },
		{ STATEMENT(V1, "[" SUBJECT("aa") "]", COSIGN_PREDICATE), "hex digits" },
		{ STATEMENT(V1, "[{\"digest\":{\"sha256\":\"" HEX_512 "\"}}]", COSIGN_PREDICATE),
				"hex digits" },
		{ STATEMENT(V1, "[" SUBJECT(VECTOR_A64) "," SUBJECT("x") "]", COSIGN_PREDICATE),
				"hex digits" },
		{ STATEMENT(V1, "[{\"digest\":{\"sha256\":\"" VECTOR_A64 "\"},\"annotations\":1}]",
				  COSIGN_PREDICATE),
				"annotations" },
		{ "{\"_type\":\"" V1 "\"," GOOD_STATEMENT, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(cosign_claim_statement, span_of(cases[i].text), ERR_FORMAT, cases[i].words);
}

static void refuses_what_is_too_much(void **state)
{
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);

	(void)state;
	buf_puts(&text, "{\"_type\":\"" V1 "\",\"predicateType\":\"" COSIGN_PREDICATE "\",\"subject\":[");
	for (size_t i = 0; i < 9; i++)
		buf_printf(&text, "%s%s", i ? "," : "", SUBJECT(VECTOR_A64));
	buf_puts(&text, "]}");
	refuse(cosign_claim_statement, buf_span(&text), ERR_LIMIT, "");
	buf_reset(&text);
	buf_puts(&text, "{\"_type\":\"" V1 "\",\"predicateType\":\"" COSIGN_PREDICATE "\",\"subject\":[");
	for (size_t i = 0; i < 8; i++)
		buf_printf(&text, "%s{\"digest\":{\"sha256\":\"%s\",\"sha512\":\"%s\"}}", i ? "," : "",
				VECTOR_A64, HEX_512);
	buf_puts(&text, "]}");
	refuse(cosign_claim_statement, buf_span(&text), ERR_LIMIT, "more than 8 digests");
	buf_reset(&text);
	buf_puts(&text, "{\"critical\":{\"identity\":{\"docker-reference\":\"");
	for (size_t i = 0; i < 512; i++)
		buf_putc(&text, 'a');
	buf_puts(&text,
			"\"},\"image\":{\"docker-manifest-digest\":\"sha256:" VECTOR_A64
			"\"},\"type\":\"" COSIGNS "\"}}");
	refuse(cosign_claim_simple, buf_span(&text), ERR_LIMIT, "docker-reference");
	buf_reset(&text);
	buf_puts(&text, GOOD_SIMPLE);
	while (text.len <= IMAGE_PAYLOAD_MAX)
		buf_putc(&text, ' ');
	refuse(cosign_claim_simple, buf_span(&text), ERR_LIMIT, "");
	buf_reset(&text);
	buf_puts(&text, "{\"critical\":");
	for (size_t i = 0; i < 5000; i++)
		buf_puts(&text, "{\"a\":");
	refuse(cosign_claim_simple, buf_span(&text), ERR_LIMIT, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_simple_signing_payload),
		cmocka_unit_test(reads_that_of_gpg_and_one_without_annotations),
		cmocka_unit_test(reads_statements_of_both_versions),
		cmocka_unit_test(several_subjects_are_claimed_and_their_annotations_are_not),
		cmocka_unit_test(digests_of_other_kinds_are_left_out),
		cmocka_unit_test(reads_what_cosign_wrote),
		cmocka_unit_test(an_attestation_is_no_signature_though_its_key_verifies_it),
		cmocka_unit_test(a_message_signature_claims_its_digest),
		cmocka_unit_test(refuses_every_beginning),
		cmocka_unit_test(refuses_twins_of_a_simple_signing_payload),
		cmocka_unit_test(refuses_twins_of_a_statement),
		cmocka_unit_test(refuses_what_is_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
