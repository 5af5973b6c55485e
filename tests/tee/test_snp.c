/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "tee/attester.h"
#include "tee/snp_report.h"
#include "tests/tee/fake_tsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

/* Where no field is: zeros. */
static const struct {
	size_t at, end;
	unsigned version; /* reserved in versions below; 0: in all */
} reserved[] = {
	{ 0x4c, 0x50, 0 },
	{ 0x18b, 0x1a0, 0 },
	{ 0x1eb, 0x1ec, 0 },
	{ 0x1ef, 0x1f0, 0 },
	{ 0x188, 0x18b, 3 },
	{ 0x1f8, 0x208, 5 },
	{ 0x208, 0x2a0, 0 },
	{ 0x330, 0x4a0, 0 },
};

static void clear_range(unsigned char *bytes, size_t at, size_t end)
{
	memset(bytes + at, 0, end - at);
}

/* A report whose bytes all differ from their neighbours. */
static void make_report(unsigned char out[static SNP_REPORT_LEN], unsigned version, unsigned family)
{
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };

	for (size_t i = 0; i < SNP_REPORT_LEN; i++)
		out[i] = (unsigned char)(i * 7 + 1 + i / 256);
	memset(out, 0, 4);
	out[0] = (unsigned char)version;
	out[0x0f] = out[0x47] = out[0x1ff] = out[0x207] = 1; /* numbers that have a sign in JSON */
	out[0x188] = (unsigned char)family;
	for (size_t i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++)
		clear_range(out, tcbs[i] + (family == 0x1a ? 4 : 2), tcbs[i] + (family == 0x1a ? 7 : 6));
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (!reserved[i].version || version < reserved[i].version)
			clear_range(out, reserved[i].at, reserved[i].end);
	}
}

static json_t *json_of(const unsigned char *raw)
{
	struct err err = ERR_NONE;
	json_t *report = NULL;

	if (snp_report_json(span_new(raw, SNP_REPORT_LEN), &report, &err) < 0)
		fail_msg("%s", err.text);
	return report;
}

static void is_text(const json_t *value, const char *expected)
{
	char *text = json_text(value, false);

	assert_string_equal(text, expected);
	free(text);
}

static const struct {
	unsigned version, family;
} processors[] = { { 2, 0 }, { 3, 0x19 }, { 3, 0x1a }, { 4, 0x19 }, { 5, 0x19 }, { 5, 0x1a } };
#define PROCESSORS (sizeof(processors) / sizeof(processors[0]))

static void gives_back_the_bytes_of_each_version_and_processor(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROCESSORS; i++) {
		unsigned char raw[SNP_REPORT_LEN], again[SNP_REPORT_LEN];
		make_report(raw, processors[i].version, processors[i].family);
		auto_json json_t *report = json_of(raw);
		assert_int_equal(json_object_size(report), 29);
		assert_int_equal(snp_report_raw(report, again, NULL), 0);
		assert_memory_equal(raw, again, sizeof(raw));
	}
}

static void names_the_fields_as_verifiers_do(void **state)
{
	unsigned char raw[SNP_REPORT_LEN] = { 3 };

	(void)state;
	raw[0x04] = 9;
	raw[0x0a] = 3;
	raw[0x30] = 1;
	raw[0x34] = 1;
	memcpy(raw + 0x180, "\1\2\0\0\0\0\x17\xd5", 8);
	memcpy(raw + 0x188, "\x19\x11\1", 3);
	memcpy(raw + 0x1e8, "\4\x37\1", 3);
	raw[0x2a0] = 0xfe;
	raw[0x2a0 + 72 + 71] = 0xfd;
	auto_json json_t *report = json_of(raw);
	assert_int_equal(json_integer_value(json_at(report, "guest_svn", NULL)), 9);
	assert_int_equal(json_integer_value(json_at(report, "policy", NULL)), 0x30000);
	assert_int_equal(json_integer_value(json_at(report, "vmpl", NULL)), 1);
	assert_int_equal(json_integer_value(json_at(report, "sig_algo", NULL)), 1);
	is_text(json_at(report, "reported_tcb", NULL),
			"{\"fmc\":null,\"bootloader\":1,\"tee\":2,\"snp\":23,\"microcode\":213}");
	assert_int_equal(json_integer_value(json_at(report, "cpuid_mod_id", NULL)), 17);
	is_text(json_at(report, "current", NULL), "{\"major\":1,\"minor\":55,\"build\":4}");
	assert_true(json_is_null(json_at(report, "launch_mit_vector", NULL)));
	assert_int_equal(json_array_size(json_at(report, "chip_id", NULL)), 64);
	assert_int_equal(json_array_size(json_at(report, "host_data", NULL)), 32);
	assert_int_equal(
			json_integer_value(json_array_get(json_at(report, "signature", "r", NULL), 0)), 0xfe);
	assert_int_equal(json_integer_value(json_array_get(json_at(report, "signature", "s", NULL), 71)),
			0xfd);
	raw[0x188] = 0x1a;
	memcpy(raw + 0x180, "\1\2\3\4\0\0\0\x17", 8);
	auto_json json_t *turin = json_of(raw);
	is_text(json_at(turin, "reported_tcb", NULL),
			"{\"fmc\":1,\"bootloader\":2,\"tee\":3,\"snp\":4,\"microcode\":23}");
	raw[0] = 2;
	memset(raw + 0x180, 0, 11);
	auto_json json_t *old = json_of(raw);
	assert_true(json_is_null(json_at(old, "cpuid_fam_id", NULL)));
	assert_true(json_is_null(json_at(old, "reported_tcb", "fmc", NULL)));
}

/* The signature covers those bytes, and the verifier would put zeros there. */
static void refuses_values_where_no_field_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROCESSORS; i++) {
		for (size_t j = 0; j < sizeof(reserved) / sizeof(reserved[0]); j++) {
			unsigned char raw[SNP_REPORT_LEN];
			json_t *report = NULL;
			struct err err = ERR_NONE;
			if (reserved[j].version && processors[i].version >= reserved[j].version)
				continue;
			make_report(raw, processors[i].version, processors[i].family);
			raw[reserved[j].end - 1] = 1;
			assert_int_equal(snp_report_json(span_new(raw, sizeof(raw)), &report, &err), -1);
			assert_int_equal(err.kind, ERR_FORMAT);
		}
	}
}

static void refuses_reports_it_does_not_know(void **state)
{
	static const unsigned versions[] = { 0, 1, 6, 255 };
	static const unsigned families[] = { 0, 0x18, 0x1b, 0xff };
	unsigned char raw[SNP_REPORT_LEN + 1] = { 0 };
	json_t *report = NULL;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		make_report(raw, versions[i], 0x19);
		assert_int_equal(snp_report_json(span_new(raw, SNP_REPORT_LEN), &report, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		make_report(raw, 3, families[i]);
		assert_int_equal(snp_report_json(span_new(raw, SNP_REPORT_LEN), &report, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	make_report(raw, 3, 0x19);
	for (size_t len = 0; len <= sizeof(raw); len++) {
		if (len != SNP_REPORT_LEN)
			assert_int_equal(snp_report_json(span_new(raw, len), &report, &err), -1);
	}
	raw[0x0f] = 0x80; /* no number of JSON */
	assert_int_equal(snp_report_json(span_new(raw, SNP_REPORT_LEN), &report, &err), -1);
}

static void refuses_objects_that_are_no_report(void **state)
{
	static const char *const values[] = { "null", "-1", "256", "4294967296", "\"1\"", "[]", "[1]", "{}",
		"true", "1.5" };
	unsigned char raw[SNP_REPORT_LEN], out[SNP_REPORT_LEN];
	const char *key;
	json_t *value;

	(void)state;
	make_report(raw, 5, 0x1a);
	auto_json json_t *good = json_of(raw);
	json_object_foreach (good, key, value) {
		auto_json json_t *without = json_copy(good);
		struct err err = ERR_NONE;
		json_object_del(without, key);
		assert_int_equal(snp_report_raw(without, out, &err), -1);
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			auto_json json_t *other = json_copy(good);
			bool fits = strcmp(values[i], "256") == 0 || strcmp(values[i], "4294967296") == 0;
			json_object_set_new(other, key, json_loads(values[i], JSON_DECODE_ANY, NULL));
			if (!fits || !json_is_integer(value))
				assert_int_equal(snp_report_raw(other, out, &err), -1);
		}
	}
	auto_json json_t *byte = json_deep_copy(good);
	json_array_set_new(json_object_get(byte, "chip_id"), 63, json_integer(256));
	assert_int_equal(snp_report_raw(byte, out, NULL), -1);
	json_array_set_new(json_object_get(byte, "chip_id"), 63, json_string("1"));
	assert_int_equal(snp_report_raw(byte, out, NULL), -1);
	json_array_remove(json_object_get(byte, "chip_id"), 63);
	assert_int_equal(snp_report_raw(byte, out, NULL), -1);
}

/* ---- certificates --------------------------------------------------------------------------------------- */

#define VCEK  "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"
#define ARK   "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae"
#define OTHER "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
#define NONE  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define END   NONE "\0\0\0\0\0\0\0\0"

static void reads_the_table_of_certificates(void **state)
{
	static const struct {
		struct span table;
		const char *expected;
	} cases[] = {
		{ { "", 0 }, "null" },
		{ SPAN_LIT(END), "null" },
		{ SPAN_LIT(END "rest"), "null" },
		{ SPAN_LIT(VCEK "\x30\0\0\0\2\0\0\0" END "\1\xff"),
				"[{\"cert_type\":\"VCEK\",\"data\":[1,255]}]" },
		{ SPAN_LIT(VCEK "\x30\0\0\0\0\0\0\0" END), "[{\"cert_type\":\"VCEK\",\"data\":[]}]" },
		{ SPAN_LIT(VCEK "\x63\0\0\0\1\0\0\0" ARK "\x62\0\0\0\1\0\0\0" OTHER "\x60\0\0\0\2\0\0\0" END
				"\1\2\3\4"),
				"[{\"cert_type\":\"VCEK\",\"data\":[4]},{\"cert_type\":\"ARK\",\"data\":[3]},"
				"{\"cert_type\":{\"OTHER\":\"01020304-0506-0708-090a-0b0c0d0e0f10\"},"
				"\"data\":[1,2]}]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *chain = NULL;
		struct err err = ERR_NONE;
		if (snp_certs_json(cases[i].table, &chain, &err) < 0)
			fail_msg("%zu: %s", i, err.text);
		is_text(chain, cases[i].expected);
	}
}

static void refuses_tables_that_lead_outside(void **state)
{
	static const struct span cases[] = { SPAN_LIT("\0"), SPAN_LIT(VCEK "\x18\0\0\0\0\0\0\0"),
		SPAN_LIT(VCEK "\x30\0\0\0\1\0\0\0" END), SPAN_LIT(VCEK "\x31\0\0\0\0\0\0\0" END),
		SPAN_LIT(VCEK "\xff\xff\xff\xff\1\0\0\0" END), SPAN_LIT(VCEK "\1\0\0\0\xff\xff\xff\xff" END),
		SPAN_LIT(VCEK "\xff\xff\xff\xff\xff\xff\xff\xff" END) };
	auto_buf struct buf many = BUF_MAX(4096);
	json_t *chain = NULL;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(snp_certs_json(cases[i], &chain, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	for (size_t i = 0; i <= SNP_CERTS_MAX; i++)
		buf_add(&many, VCEK NONE, 24);
	buf_add(&many, END, 24);
	assert_int_equal(snp_certs_json(buf_span(&many), &chain, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_drop(&many, 24);
	assert_int_equal(snp_certs_json(buf_span(&many), &chain, &err), 0);
	json_decref(chain);
}

/* ---- the attester --------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	unsigned char raw[SNP_REPORT_LEN];

	(void)state;
	fake_init("sev_guest\n");
	make_report(raw, 3, 0x19);
	buf_add(&fake.out, raw, sizeof(raw));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_clear();
	return 0;
}

static struct attester *snp(void)
{
	struct attester_options options = { .kind = "snp", .tsm = fake.reports };
	struct attester *attester = NULL;
	struct err err = ERR_NONE;

	if (attester_open(&options, &attester, &err) < 0)
		fail_msg("%s", err.text);
	return attester;
}

static void gives_report_and_chain(void **state)
{
	auto_attester struct attester *attester = snp();
	auto_json json_t *bare = NULL, *evidence = NULL;
	unsigned char raw[SNP_REPORT_LEN];
	enum digest_alg alg;

	(void)state;
	assert_int_equal(attester_kind(attester), TEE_KIND_SNP);
	assert_false(attester_measures(attester, &alg));
	assert_int_equal(attester_evidence(attester, SPAN_LIT("data"), &bare, NULL), 0);
	assert_true(json_is_null(json_at(bare, "cert_chain", NULL)));
	buf_add(&fake.aux, VCEK "\x30\0\0\0\1\0\0\0" END "c", 49);
	assert_int_equal(attester_evidence(attester, SPAN_LIT("data"), &evidence, NULL), 0);
	is_text(json_at(evidence, "cert_chain", NULL), "[{\"cert_type\":\"VCEK\",\"data\":[99]}]");
	assert_int_equal(snp_report_raw(json_at(evidence, "attestation_report", NULL), raw, NULL), 0);
	assert_memory_equal(raw, fake.out.ptr, sizeof(raw));
	assert_true(fake_is_clean());
}

static void refuses_what_the_kernel_should_not_give(void **state)
{
	auto_attester struct attester *attester = snp();
	json_t *evidence = NULL;
	struct err err = ERR_NONE;

	(void)state;
	buf_add(&fake.aux, VCEK "\x30\0\0\0\1\0\0\0" END, 48);
	assert_int_equal(attester_evidence(attester, SPAN_LIT("data"), &evidence, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(buf_room(&fake.aux, 32768));
	memset(fake.aux.ptr, 0, 32769);
	fake.aux.len = 32769;
	assert_int_equal(attester_evidence(attester, SPAN_LIT("data"), &evidence, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_clear(&fake.aux);
	fake.generation = "3\n";
	assert_int_equal(attester_evidence(attester, SPAN_LIT("data"), &evidence, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	fake.generation = "1\n";
	buf_cut(&fake.out, SNP_REPORT_LEN - 1);
	assert_int_equal(attester_evidence(attester, SPAN_LIT("data"), &evidence, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_true(fake_is_clean());
}

static void check_initdata(struct attester *attester, enum digest_alg alg, const unsigned char *digest,
		enum err_kind expected)
{
	struct err err = ERR_NONE;
	bool bound = false;

	assert_int_equal(attester_check_initdata(attester, alg, digest, &bound, &err), expected ? -1 : 0);
	if (err.kind != expected)
		fail_msg("%s", err.text);
	assert_int_equal(bound, !expected);
	assert_true(fake_is_clean());
}

static void compares_initdata_with_host_data(void **state)
{
	auto_attester struct attester *attester = snp();
	unsigned char digest[64];

	(void)state;
	memcpy(digest, fake.out.ptr + SNP_HOST_DATA, 32);
	memset(digest + 32, 9, 32);
	check_initdata(attester, DIGEST_SHA256, digest, ERR_OK);
	check_initdata(attester, DIGEST_SHA384, digest, ERR_OK);
	check_initdata(attester, DIGEST_SHA512, digest, ERR_OK);
	for (size_t i = 0; i < 32; i++) {
		digest[i] ^= 1;
		check_initdata(attester, DIGEST_SHA256, digest, ERR_AUTH);
		digest[i] ^= 1;
	}
	buf_cut(&fake.out, SNP_HOST_DATA + 32);
	check_initdata(attester, DIGEST_SHA256, digest, ERR_FORMAT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_the_bytes_of_each_version_and_processor),
		cmocka_unit_test(names_the_fields_as_verifiers_do),
		cmocka_unit_test(refuses_values_where_no_field_is_known),
		cmocka_unit_test(refuses_reports_it_does_not_know),
		cmocka_unit_test(refuses_objects_that_are_no_report),
		cmocka_unit_test(reads_the_table_of_certificates),
		cmocka_unit_test(refuses_tables_that_lead_outside),
		TEST(gives_report_and_chain),
		TEST(refuses_what_the_kernel_should_not_give),
		TEST(compares_initdata_with_host_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
