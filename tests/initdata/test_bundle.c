/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const resources[] = { "default/key/app", "default/shop/" };

/* A bundle of one document, whose digest is 00 01 02 …. */
static struct bundle one(struct bundle_document *document, enum digest_alg alg)
{
	*document = (struct bundle_document){ .workload = "Deployment shop/web", .alg = alg };
	for (size_t i = 0; i < sizeof(document->digest); i++)
		document->digest[i] = (unsigned char)i;
	return (struct bundle){ .name = "team-a",
		.tool = "test 1",
		.documents = document,
		.document_count = 1,
		.resources = resources,
		.resource_count = COUNT(resources) };
}

static void takes_good_ones(void **state)
{
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA256);

	(void)state;
	assert_int_equal(bundle_check(&bundle, NULL), 0);
	bundle.not_before = 10;
	bundle.not_after = 11;
	assert_int_equal(bundle_check(&bundle, NULL), 0);
	bundle.resource_count = 0;
	assert_int_equal(bundle_check(&bundle, NULL), 0);
}

static void refuses_what_no_broker_has(void **state)
{
	static const char *const bad[] = { "", "/", "a", "a/b", "a/b/c/d", "a//c", "/b/c", "a/b//", "a/b/c/",
		"../b/c", "a/../c", "a/b/.", "a/b/c d", "a/b/c\n", "a/b/\"", "a/b/*", "-a/b/c", "a\\b/c/d",
		"a/b/\xc3\xbc" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct bundle_document document;
		struct bundle bundle = one(&document, DIGEST_SHA256);
		struct err err = ERR_NONE;
		bundle.resources = &bad[i];
		bundle.resource_count = 1;
		if (bundle_check(&bundle, &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void refuses_what_makes_no_bundle(void **state)
{
	static const char *const bad_value[] = { "=x" }, *const ours[] = { "cocoon_x=1" },
				 *const empty[] = { "x=" }, *const no_text[] = { "x=\xff" };
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA256);

	(void)state;
	bundle.document_count = 0;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle = one(&document, DIGEST_SHA256);
	bundle.document_count = BUNDLE_DOCUMENTS_MAX + 1;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle = one(&document, DIGEST_SHA256);
	bundle.name = "";
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle.name = "a\"b";
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle = one(&document, DIGEST_SHA256);
	bundle.not_before = bundle.not_after = 5;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle = one(&document, DIGEST_SHA256);
	bundle.value_count = 1;
	bundle.values = bad_value;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle.values = ours;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle.values = empty;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle.values = no_text;
	assert_int_equal(bundle_check(&bundle, NULL), -1);
	bundle = one(&document, DIGEST_SHA256);
	document.workload = "a\xff.toml";
	assert_int_equal(bundle_check(&bundle, NULL), -1);
}

static void the_manifest_has_the_digest_in_each_form(void **state)
{
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA384);
	auto_json json_t *manifest = bundle_manifest(&bundle);
	const json_t *forms =
			json_object_get(json_array_get(json_object_get(manifest, "documents"), 0), "forms");

	(void)state;
	/* cut to 32 bytes, whole, padded to 64, and none where the digest must be 32 */
	assert_string_equal(json_text_at(forms, "snp", NULL),
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	assert_string_equal(json_text_at(forms, "tdx", NULL),
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829"
			"2a2b2c2d2e2f");
	assert_int_equal(strlen(json_text_at(forms, "sgx", NULL)), 128);
	assert_null(json_text_at(forms, "tpm", NULL));
	assert_string_equal(json_text_at(forms, "sample", NULL),
			"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v");
}

static void the_manifest_says_times_as_people_write_them(void **state)
{
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA256);

	(void)state;
	bundle.not_after = 1798761600;
	auto_json json_t *manifest = bundle_manifest(&bundle);
	assert_string_equal(json_text_at(manifest, "notAfter", NULL), "2027-01-01T00:00:00Z");
	assert_null(json_object_get(manifest, "notBefore"));
}

static void equal_bundles_are_equal_bytes(void **state)
{
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA256);
	auto_buf struct buf first = BUF_MAX(1 << 20), second = BUF_MAX(1 << 20);

	(void)state;
	bundle_resource_policy(&bundle, &first);
	bundle_resource_policy(&bundle, &second);
	assert_string_equal(buf_text(&first), buf_text(&second));
}

static void nothing_of_a_bundle_becomes_a_rule(void **state)
{
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA256);
	auto_buf struct buf rego = BUF_MAX(1 << 20);

	(void)state;
	bundle.tool = "x\"\nallow := true\n";
	document.workload = "y\"\n}\nallow := true\n";
	bundle_resource_policy(&bundle, &rego);
	assert_null(strstr(buf_text(&rego), "\nallow := true"));
}

static json_t *values_of(const struct bundle *bundle)
{
	auto_json json_t *message = bundle_reference_values(bundle);
	auto_buf struct buf text = BUF_MAX(1 << 20);
	json_t *out = NULL;

	assert_string_equal(json_text_at(message, "version", NULL), "0.1.0");
	assert_int_equal(b64_decode(span_of(json_text_at(message, "payload", NULL)), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 1 << 20, &out, NULL), 0);
	return out;
}

static void reference_values_are_lists_or_bare_as_policies_compare_them(void **state)
{
	static const char *const values[] = { "snp_launch_measurement=aa", "snp_launch_measurement=bb",
		"snp_smt_enabled=true", "snp_guest_abi_major=1", "abi_major=1", "tdvfkernel=cc" };
	struct bundle_document document;
	struct bundle bundle = one(&document, DIGEST_SHA256);

	(void)state;
	bundle.values = values;
	bundle.value_count = COUNT(values);
	auto_json json_t *out = values_of(&bundle);
	assert_int_equal(json_array_size(json_object_get(out, "snp_launch_measurement")), 2);
	assert_true(json_is_true(json_object_get(out, "snp_smt_enabled")));
	assert_int_equal(json_integer_value(json_object_get(out, "snp_guest_abi_major")), 1);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(out, "abi_major"), 0)), 1);
	assert_string_equal(json_text_at(out, "tdvfkernel", NULL), "cc");
	assert_int_equal(json_array_size(json_object_get(out, "cocoon_init_data_snp")), 1);
	assert_null(json_object_get(out, "cocoon_init_data_sample"));
	assert_non_null(json_object_get(out, "cocoon_init_data_az_snp_vtpm"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_no_broker_has),
		cmocka_unit_test(refuses_what_makes_no_bundle),
		cmocka_unit_test(takes_good_ones),
		cmocka_unit_test(the_manifest_has_the_digest_in_each_form),
		cmocka_unit_test(the_manifest_says_times_as_people_write_them),
		cmocka_unit_test(equal_bundles_are_equal_bytes),
		cmocka_unit_test(nothing_of_a_bundle_becomes_a_rule),
		cmocka_unit_test(reference_values_are_lists_or_bare_as_policies_compare_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
