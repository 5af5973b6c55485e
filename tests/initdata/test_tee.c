/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "initdata/tee.h"

#include <string.h>

#define Z16 "00000000000000000000000000000000"

static const struct {
	enum tee tee;
	enum digest_alg alg;
	const char *digest, *form;
} forms[] = {
	{ TEE_SNP, DIGEST_SHA256, VECTOR_A_SHA256, VECTOR_A_SHA256 },
	{ TEE_SNP, DIGEST_SHA384, VECTOR_A_SHA384,
			"fde4f63013a28cedd4fe61082fc634d252c937440d859dcf008cdfad5c09a6bc" },
	{ TEE_TDX, DIGEST_SHA256, VECTOR_A_SHA256, VECTOR_A_SHA256 Z16 },
	{ TEE_TDX, DIGEST_SHA384, VECTOR_A_SHA384, VECTOR_A_SHA384 },
	{ TEE_TDX, DIGEST_SHA512, VECTOR_A_SHA512,
			"075da718010380f957093022179d6cbff21697fffe775c6d2fc4c264439c005d"
			"e09893b7ba7c652f84e6eaef2b2c7a3c" },
	{ TEE_SGX, DIGEST_SHA256, VECTOR_A_SHA256, VECTOR_A_SHA256 Z16 Z16 },
	{ TEE_CCA, DIGEST_SHA512, VECTOR_A_SHA512, VECTOR_A_SHA512 },
	{ TEE_SE, DIGEST_SHA512, VECTOR_A_SHA512,
			VECTOR_A_SHA512 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 },
	{ TEE_VTPM, DIGEST_SHA256, VECTOR_A_SHA256, VECTOR_A_PCR8 },
	{ TEE_VTPM, DIGEST_SHA256, VECTOR_B_SHA256, VECTOR_B_PCR8 },
	{ TEE_SAMPLE, DIGEST_SHA384, VECTOR_A_SHA384, VECTOR_A_SHA384 },
};

static void fits_a_digest_to_each_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		auto_buf struct buf hex = BUF_MAX(1024);
		uint8_t digest[DIGEST_MAX];

		assert_int_equal(hex_decode_raw(span_of(forms[i].digest), digest, digest_size(forms[i].alg),
						 NULL),
				0);
		assert_int_equal(tee_form_text(forms[i].tee, forms[i].alg, digest, TEE_HEX, &hex, NULL), 0);
		assert_string_equal(buf_text(&hex), forms[i].form);
	}
}

static void the_sample_claim_is_base64(void **state)
{
	auto_buf struct buf text = BUF_MAX(1024);
	uint8_t digest[DIGEST_MAX];

	(void)state;
	assert_int_equal(hex_decode_raw(SPAN_LIT(VECTOR_B_SHA256), digest, 32, NULL), 0);
	assert_int_equal(tee_info(TEE_SAMPLE)->claim, TEE_B64);
	assert_int_equal(tee_form_text(TEE_SAMPLE, DIGEST_SHA256, digest, TEE_B64, &text, NULL), 0);
	assert_string_equal(buf_text(&text), VECTOR_B_SHA256_B64);
	buf_reset(&text);
	assert_int_equal(hex_decode_raw(SPAN_LIT(VECTOR_A_SHA384), digest, 48, NULL), 0);
	assert_int_equal(tee_form_text(TEE_TDX, DIGEST_SHA384, digest, TEE_B64, &text, NULL), 0);
	assert_string_equal(buf_text(&text), VECTOR_A_SHA384_B64);
}

static void a_vtpm_takes_no_other_digest_than_32_bytes(void **state)
{
	auto_buf struct buf out = BUF_MAX(1024);
	uint8_t digest[DIGEST_MAX] = { 0 };
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(tee_form(TEE_VTPM, DIGEST_SHA384, digest, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "use algorithm sha256"));
	assert_int_equal(tee_form(TEE_VTPM, DIGEST_SHA512, digest, &out, &err), -1);
	assert_int_equal(out.len, 0);
}

static void warns_of_what_is_lost(void **state)
{
	(void)state;
	assert_null(tee_warning(TEE_SNP, DIGEST_SHA256));
	assert_non_null(strstr(tee_warning(TEE_SNP, DIGEST_SHA384), "loses its tail"));
	assert_null(tee_warning(TEE_TDX, DIGEST_SHA256));
	assert_null(tee_warning(TEE_TDX, DIGEST_SHA384));
	assert_non_null(tee_warning(TEE_TDX, DIGEST_SHA512));
	assert_non_null(strstr(tee_warning(TEE_CCA, DIGEST_SHA256), "only sha512"));
	assert_null(tee_warning(TEE_CCA, DIGEST_SHA512));
	assert_non_null(tee_warning(TEE_VTPM, DIGEST_SHA512));
	assert_null(tee_warning(TEE_SAMPLE, DIGEST_SHA512));
	assert_non_null(strstr(tee_info(TEE_SE)->remark, "no component binds it"));
}

static void finds_each_name(void **state)
{
	struct err err = ERR_NONE;
	enum tee tee;

	(void)state;
	for (int i = 0; i < TEE_COUNT; i++) {
		assert_int_equal(tee_find(span_of(tee_info((enum tee)i)->name), &tee, NULL), 0);
		assert_int_equal(tee, i);
	}
	assert_int_equal(tee_find(SPAN_LIT("az-tdx-vtpm"), &tee, NULL), 0);
	assert_int_equal(tee, TEE_VTPM);
	assert_int_equal(tee_find(SPAN_LIT("SNP"), &tee, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(tee_find(SPAN_LIT(""), &tee, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_a_digest_to_each_field),
		cmocka_unit_test(the_sample_claim_is_base64),
		cmocka_unit_test(a_vtpm_takes_no_other_digest_than_32_bytes),
		cmocka_unit_test(warns_of_what_is_lost),
		cmocka_unit_test(finds_each_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
