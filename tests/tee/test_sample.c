/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "tee/attester.h"
#include "tee/kind.h"
#include "tee/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

/* report data of a handshake with the nonce of 32 bytes 0x11 */
#define PRIMARY \
	"f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4ac8fa113bf56cd26ae87784870acc70b7"
#define DEVICE \
	"ab822b59c6a474a36c2a35e9ce69b554bdbaee09dc94a8f36bbcbcd318dab16c85d4ee5188b17f69b108aa56200b43a3"
#define SAMPLE                                                                           \
	"{\"svn\":\"1\",\"report_data\":\"83ZOU4Oqpovrzt7jdUWdtBQjLqD3nwg63ECXW0Q+DkrI+" \
	"hE79WzSauh3hIcKzHC3\"}"
#define SAMPLE_DEVICE                                                                                        \
	"{\"sampledevice\":{\"svn\":\"2\",\"report_data\":\"q4IrWcakdKNsKjXpzmm1VL267gnclKjza7y80xjasWyF1O5" \
	"RiLF/abEIqlYgC0Oj\"}}"

static struct span bytes_of(struct buf *buf, const char *hex)
{
	assert_int_equal(hex_decode(span_of(hex), buf, NULL), 0);
	return buf_span(buf);
}

static struct attester *sample(bool device)
{
	struct attester_options options = { .kind = "sample", .sample_device = device };
	struct attester *attester = NULL;
	struct err err = ERR_NONE;

	if (attester_open(&options, &attester, &err) < 0)
		fail_msg("%s", err.text);
	return attester;
}

static void is_text(const json_t *value, const char *expected)
{
	char *text = json_text(value, false);

	assert_string_equal(text, expected);
	free(text);
}

static void gives_the_evidence_of_the_vector(void **state)
{
	auto_attester struct attester *attester = sample(true);
	auto_buf struct buf primary = BUF_MAX(64), device = BUF_MAX(64);
	auto_json json_t *evidence = NULL, *devices = NULL, *names = attester_devices(attester);

	(void)state;
	assert_int_equal(attester_kind(attester), TEE_KIND_SAMPLE);
	is_text(names, "[\"sampledevice\"]");
	assert_int_equal(attester_evidence(attester, bytes_of(&primary, PRIMARY), &evidence, NULL), 0);
	is_text(evidence, SAMPLE);
	assert_int_equal(attester_device_evidence(attester, bytes_of(&device, DEVICE), &devices, NULL), 0);
	is_text(devices, SAMPLE_DEVICE);
}

static void has_no_devices_unless_it_is_told_to(void **state)
{
	auto_attester struct attester *attester = sample(false);
	auto_json json_t *devices = NULL, *names = attester_devices(attester);

	(void)state;
	is_text(names, "[]");
	assert_int_equal(attester_device_evidence(attester, SPAN_LIT("x"), &devices, NULL), 0);
	is_text(devices, "{}");
}

static void binds_no_initdata_and_measures_nothing(void **state)
{
	auto_attester struct attester *attester = sample(false);
	unsigned char digest[DIGEST_MAX] = { 0 };
	enum digest_alg alg;
	struct err err = ERR_NONE;
	bool bound = true;

	(void)state;
	assert_int_equal(attester_check_initdata(attester, DIGEST_SHA384, digest, &bound, &err), 0);
	assert_false(bound);
	assert_false(attester_measures(attester, &alg));
}

static void takes_report_data_to_64_bytes(void **state)
{
	auto_attester struct attester *attester = sample(true);
	static const char data[REPORT_DATA_MAX + 1] = { 0 };

	(void)state;
	for (size_t len = 0; len <= sizeof(data); len++) {
		auto_json json_t *evidence = NULL, *devices = NULL;
		struct err err = ERR_NONE;
		int expected = len > REPORT_DATA_MAX ? -1 : 0;
		assert_int_equal(attester_evidence(attester, span_new(data, len), &evidence, &err), expected);
		assert_int_equal(attester_device_evidence(attester, span_new(data, len), &devices, &err),
				expected);
		assert_int_equal(err.kind, expected ? ERR_USAGE : ERR_OK);
	}
}

static void refuses_kinds_it_has_no_attester_for(void **state)
{
	static const char *const names[] = { "", "sgx", "sampledevice", "az-snp-vtpm", "nonsense" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct attester_options options = { .kind = names[i] };
		struct attester *attester = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(attester_open(&options, &attester, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_null(attester);
	}
}

/* ---- the verifier's side -------------------------------------------------------------------------------- */

static int verify(enum tee_kind kind, const char *text, const char *report_data, struct span initdata,
		json_t **claims, struct err *err)
{
	auto_json json_t *evidence = json_loads(text, JSON_DECODE_ANY, NULL);
	auto_buf struct buf expected = BUF_MAX(128);

	assert_non_null(evidence);
	return evidence_verify(kind, evidence, bytes_of(&expected, report_data), initdata, claims, err);
}

static void gives_the_claims_of_a_sample(void **state)
{
	auto_json json_t *claims = NULL, *with = NULL, *device = NULL;

	(void)state;
	assert_int_equal(verify(TEE_KIND_SAMPLE, SAMPLE, PRIMARY, SPAN_NONE, &claims, NULL), 0);
	is_text(claims,
			"{\"svn\":\"1\",\"report_data\":\"83ZOU4Oqpovrzt7jdUWdtBQjLqD3nwg63ECXW0Q+DkrI+"
			"hE79WzSauh3hIcK"
			"zHC3\",\"launch_digest\":\"abcde\",\"platform_version\":{\"major\":1,\"minor\":4},"
			"\"debug\":false}");
	assert_int_equal(verify(TEE_KIND_SAMPLE, SAMPLE, PRIMARY, SPAN_LIT("fo"), &with, NULL), 0);
	assert_string_equal(json_text_at(with, "init_data", NULL), "Zm8=");
	assert_int_equal(verify(TEE_KIND_SAMPLE_DEVICE, "{\"report_data\":\"Zm8=\",\"svn\":\"2\",\"x\":1}",
					 "666f", SPAN_NONE, &device, NULL),
			0);
	is_text(device, "{\"svn\":\"2\",\"report_data\":\"Zm8=\"}");
}

static void refuses_samples_that_are_wrong(void **state)
{
	static const struct {
		const char *evidence, *report_data;
		enum err_kind kind;
	} cases[] = {
		{ "[]", "", ERR_FORMAT },
		{ "\"x\"", "", ERR_FORMAT },
		{ "null", "", ERR_FORMAT },
		{ "{}", "", ERR_FORMAT },
		{ "{\"report_data\":\"Zm8=\"}", "666f", ERR_FORMAT },
		{ "{\"svn\":1,\"report_data\":\"Zm8=\"}", "666f", ERR_FORMAT },
		{ "{\"svn\":\"1\",\"report_data\":[]}", "666f", ERR_FORMAT },
		{ "{\"svn\":\"1\",\"report_data\":\"Zm8\"}", "666f", ERR_FORMAT },
		{ "{\"svn\":\"1\",\"report_data\":\"Zm9=\"}", "666f", ERR_FORMAT },
		{ "{\"svn\":\"1\"}", "666f", ERR_AUTH },
		{ "{\"svn\":\"1\",\"report_data\":\"\"}", "666f", ERR_AUTH },
		{ "{\"svn\":\"1\",\"report_data\":\"Zm8=\"}", "666f00", ERR_AUTH },
		{ "{\"svn\":\"1\",\"report_data\":\"Zm8A\"}", "666f", ERR_AUTH },
		{ "{\"svn\":\"1\",\"report_data\":\"Zm8=\"}", "666e", ERR_AUTH },
		{ SAMPLE, DEVICE, ERR_AUTH },
	};
	static const enum tee_kind kinds[] = { TEE_KIND_SAMPLE, TEE_KIND_SAMPLE_DEVICE };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		json_t *claims = NULL;
		assert_int_equal(verify(kinds[i % 2], cases[i / 2].evidence, cases[i / 2].report_data,
						 SPAN_NONE, &claims, &err),
				-1);
		if (err.kind != cases[i / 2].kind)
			fail_msg("%s: %s", cases[i / 2].evidence, err.text);
		assert_null(claims);
	}
}

static void refuses_evidence_beyond_its_bounds(void **state)
{
	char svn[80], report_data[200];
	auto_json json_t *evidence = NULL;
	json_t *claims = NULL;
	struct err err = ERR_NONE;

	(void)state;
	memset(svn, '1', sizeof(svn) - 1);
	svn[sizeof(svn) - 1] = '\0';
	memset(report_data, 'A', sizeof(report_data) - 1);
	report_data[sizeof(report_data) - 4] = '\0';
	evidence = json_pack("{s:s, s:s}", "svn", svn, "report_data", "Zm8=");
	assert_int_equal(evidence_verify(TEE_KIND_SAMPLE, evidence, SPAN_LIT("fo"), SPAN_NONE, &claims, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
	json_decref(evidence);
	evidence = json_pack("{s:s, s:s}", "svn", "1", "report_data", report_data);
	assert_int_equal(evidence_verify(TEE_KIND_SAMPLE, evidence, SPAN_LIT("fo"), SPAN_NONE, &claims, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void has_no_verifier_for_hardware(void **state)
{
	static const enum tee_kind kinds[] = { TEE_KIND_TDX, TEE_KIND_SNP, TEE_KIND_SGX, TEE_KIND_NVIDIA };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct err err = ERR_NONE;
		json_t *claims = NULL;
		assert_int_equal(verify(kinds[i], "{}", "", SPAN_NONE, &claims, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, "-verifier` is not enabled"));
	}
}

static void finds_kinds_by_their_names(void **state)
{
	enum tee_kind found = TEE_KINDS;
	struct err err = ERR_NONE;

	(void)state;
	for (enum tee_kind kind = TEE_KIND_TDX; kind < TEE_KINDS; kind++) {
		assert_int_equal(tee_kind_find(span_of(tee_kind_name(kind)), &found, NULL), 0);
		assert_int_equal(found, kind);
	}
	assert_int_equal(tee_kind_find(SPAN_LIT("nvidiadpu"), &found, NULL), 0);
	assert_int_equal(found, TEE_KIND_NVIDIA_DPU);
	assert_string_equal(tee_kind_class(TEE_KIND_TPM), "cpu");
	assert_string_equal(tee_kind_class(TEE_KIND_SAMPLE_DEVICE), "gpu");
	assert_int_equal(tee_kind_find(SPAN_LIT("TDX"), &found, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "az-snp-vtpm"));
	assert_int_equal(tee_kind_find(SPAN_NONE, &found, NULL), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_evidence_of_the_vector),
		cmocka_unit_test(has_no_devices_unless_it_is_told_to),
		cmocka_unit_test(binds_no_initdata_and_measures_nothing),
		cmocka_unit_test(takes_report_data_to_64_bytes),
		cmocka_unit_test(refuses_kinds_it_has_no_attester_for),
		cmocka_unit_test(gives_the_claims_of_a_sample),
		cmocka_unit_test(refuses_samples_that_are_wrong),
		cmocka_unit_test(refuses_evidence_beyond_its_bounds),
		cmocka_unit_test(has_no_verifier_for_hardware),
		cmocka_unit_test(finds_kinds_by_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
