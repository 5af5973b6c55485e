/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "tee/attester.h"
#include "tee/eventlog.h"
#include "tee/tcglog.h"
#include "tests/tee/fake_tsm.h"
#include "tests/tee/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define EVENT "domain operation content"
#define DIGEST \
	"dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440fb00f3aa0609db7e49cd8d793f670d02"
#define CC_EVENTLOG                                                                                          \
	"AAAAAAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAADAAwABIAIAAABAAAAA" \
	"YAA"                                                                                                \
	"AABAAAADADa1fDiJjGP+pg5t1pHLGqn/"                                                                   \
	"bWDSUnQoKIpkM8E1WkkQPsA86oGCdt+Sc2NeT9nDQIgAAAATEVBQRgAAABkb21haW4gb3"                              \
	"BlcmF0aW9uIGNvbnRlbnT//////////w=="
#define RTMR_3 \
	"82d3f7a4203f58dafe0519eb5e9f645339cda127418c62d4b0270d790ab6ff3c38783523613a7a9f610e7ba004788c26"

static int setup(void **state)
{
	(void)state;
	fake_init("tdx_guest\n");
	buf_puts(&fake.out, "quote");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_clear();
	return 0;
}

static int open_tdx(const char *kind, struct attester **out, struct err *err)
{
	auto_free char *ccel = xasprintf("%s/ccel", fake.folder);
	auto_free char *eventlog = xasprintf("%s/eventlog", fake.folder);
	struct attester_options options = { .kind = kind,
		.tsm = fake.reports,
		.tdx = fake.measurements,
		.ccel = ccel,
		.eventlog = eventlog,
		.tpm = "/dev/there-is-none" };

	return attester_open(&options, out, err);
}

static struct attester *tdx(void)
{
	struct attester *attester = NULL;
	struct err err = ERR_NONE;

	if (open_tdx("tdx", &attester, &err) < 0)
		fail_msg("%s", err.text);
	return attester;
}

static void put_entry(const char *name, struct span bytes)
{
	fake_put(fake.folder, name, bytes);
}

/* The entry of the vector. */
static void add_entry(struct buf *out)
{
	unsigned char digest[DIGEST_MAX];

	assert_int_equal(eventlog_entry(SPAN_LIT(EVENT), 4, DIGEST_SHA384, out, digest, NULL), 0);
}

static json_t *evidence_of(struct attester *attester)
{
	struct err err = ERR_NONE;
	json_t *evidence = NULL;

	if (attester_evidence(attester, SPAN_LIT("data"), &evidence, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(fake_is_clean());
	return evidence;
}

/* ---- evidence ------------------------------------------------------------------------------------------- */

static void gives_a_quote_of_padded_report_data(void **state)
{
	auto_attester struct attester *attester = tdx();
	auto_json json_t *evidence = evidence_of(attester);
	char *text = json_text(evidence, false), expected[64] = "data";

	(void)state;
	assert_int_equal(attester_kind(attester), TEE_KIND_TDX);
	assert_string_equal(text, "{\"cc_eventlog\":null,\"quote\":\"cXVvdGU=\"}");
	assert_int_equal(fake.asked.len, 64);
	assert_memory_equal(fake.asked.ptr, expected, 64);
	free(text);
}

static void adds_the_event_log_of_the_vector(void **state)
{
	auto_attester struct attester *attester = tdx();
	auto_buf struct buf log = BUF_MAX(4096);

	(void)state;
	add_entry(&log);
	put_entry("eventlog", buf_span(&log));
	auto_json json_t *evidence = evidence_of(attester);
	assert_string_equal(json_text_at(evidence, "cc_eventlog", NULL), CC_EVENTLOG);
}

/* The firmware's log: a header and an entry that holds eight bytes 0xff, which are no end mark. */
static void add_firmware_log(struct buf *out)
{
	unsigned char digest[DIGEST_MAX] = { 1 };

	tcglog_put_header(out);
	tcglog_put_entry(out, 1, 0x80000001, DIGEST_SHA384, digest,
			SPAN_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
}

static void cuts_the_firmware_log_at_its_end(void **state)
{
	static const struct {
		char byte;
		size_t count;
	} ends[] = { { 0, 0 }, { -1, 8 }, { -1, 4000 }, { 0, 8 }, { 0, 4000 } };
	auto_attester struct attester *attester = tdx();

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		auto_buf struct buf ccel = BUF_MAX(65536), own = BUF_MAX(4096), whole = BUF_MAX(65536),
				    text = BUF_MAX(65536);
		add_firmware_log(&ccel);
		add_entry(&own);
		buf_add_span(&whole, buf_span(&ccel));
		buf_add_span(&whole, buf_span(&own));
		tcglog_put_end(&whole);
		b64_encode(&text, buf_span(&whole));
		for (size_t j = 0; j < ends[i].count; j++)
			buf_putc(&ccel, ends[i].byte);
		put_entry("ccel", buf_span(&ccel));
		put_entry("eventlog", buf_span(&own));
		auto_json json_t *evidence = evidence_of(attester);
		assert_string_equal(json_text_at(evidence, "cc_eventlog", NULL), buf_text(&text));
	}
}

static void takes_a_firmware_log_that_was_never_begun_for_none(void **state)
{
	auto_attester struct attester *attester = tdx();
	auto_buf struct buf blank = BUF_MAX(4096), own = BUF_MAX(4096);

	(void)state;
	tcglog_put_end(&blank);
	tcglog_put_end(&blank);
	add_entry(&own);
	put_entry("ccel", buf_span(&blank));
	put_entry("eventlog", buf_span(&own));
	auto_json json_t *evidence = evidence_of(attester);
	assert_string_equal(json_text_at(evidence, "cc_eventlog", NULL), CC_EVENTLOG);
}

static void refuses_a_firmware_log_that_is_cut(void **state)
{
	auto_attester struct attester *attester = tdx();
	auto_buf struct buf ccel = BUF_MAX(4096);

	(void)state;
	add_firmware_log(&ccel);
	for (size_t len = 1; len < ccel.len; len++) {
		json_t *evidence = NULL;
		struct err err = ERR_NONE;
		if (len == 69) /* the header alone is a log */
			continue;
		put_entry("ccel", span_new(ccel.ptr, len));
		assert_int_equal(attester_evidence(attester, SPAN_NONE, &evidence, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_true(fake_is_clean());
	}
}

/* ---- configfs ------------------------------------------------------------------------------------------- */

static void is_refused(struct attester *attester, enum err_kind kind, const char *why)
{
	struct err err = ERR_NONE;
	json_t *evidence = NULL;

	if (attester_evidence(attester, SPAN_LIT("data"), &evidence, &err) == 0)
		fail_msg("%s was taken", why);
	if (err.kind != kind)
		fail_msg("%s: %s", why, err.text);
	if (!fake_is_clean())
		fail_msg("%s: an entry stayed", why);
}

static void removes_the_entry_whatever_goes_wrong(void **state)
{
	auto_attester struct attester *attester = tdx();

	(void)state;
	fake.generation = "2\n";
	is_refused(attester, ERR_RETRY, "another's write");
	fake.generation = "0\n";
	is_refused(attester, ERR_RETRY, "no write");
	fake.generation = "one\n";
	is_refused(attester, ERR_FORMAT, "no number");
	fake.generation = "";
	is_refused(attester, ERR_FORMAT, "an empty number");
	fake.generation = NULL;
	is_refused(attester, ERR_NOT_FOUND, "no generation");
	fake.generation = "1\n";
	fake.provider = "sev_guest\n";
	is_refused(attester, ERR_NOT_FOUND, "another provider");
	fake.provider = "";
	is_refused(attester, ERR_NOT_FOUND, "no provider's name");
	fake.provider = NULL;
	is_refused(attester, ERR_NOT_FOUND, "no provider");
	fake.provider = "tdx_guest, and what a name that is longer than sixty-four bytes would be\n";
	is_refused(attester, ERR_LIMIT, "a long name");
	fake.provider = "tdx_guest\n";
	fake.no_outblob = true;
	is_refused(attester, ERR_NOT_FOUND, "no outblob");
	fake.no_outblob = false;
	fake.no_inblob = true;
	is_refused(attester, ERR_IO, "no inblob");
	fake.no_inblob = false;
	buf_reset(&fake.out);
	is_refused(attester, ERR_FORMAT, "an empty quote");
	assert_non_null(buf_room(&fake.out, 32769));
	memset(fake.out.ptr, 'q', 32769);
	buf_grew(&fake.out, 32769);
	is_refused(attester, ERR_LIMIT, "a quote beyond the bound");
	buf_cut(&fake.out, 32768);
	json_decref(evidence_of(attester));
}

static void tells_why_no_entry_can_be_made(void **state)
{
	static const struct {
		int error;
		enum err_kind kind;
	} cases[] = { { ENXIO, ERR_NOT_FOUND }, { EACCES, ERR_IO }, { ENOMEM, ERR_IO }, { EROFS, ERR_IO } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct attester *attester = NULL;
		struct err err = ERR_NONE;
		fake.mkdir_error = cases[i].error;
		assert_int_equal(open_tdx("tdx", &attester, &err), -1);
		assert_int_equal(err.kind, cases[i].kind);
	}
}

static void detects_what_the_provider_is(void **state)
{
	static const struct {
		const char *provider;
		enum tee_kind kind;
	} cases[] = { { "tdx_guest\n", TEE_KIND_TDX }, { "sev_guest\n", TEE_KIND_SNP },
		{ "sev_guest", TEE_KIND_SNP }, { "arm_cca_guest\n", TEE_KIND_SAMPLE } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_attester struct attester *attester = NULL;
		struct err err = ERR_NONE;
		fake.provider = cases[i].provider;
		if (open_tdx(NULL, &attester, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(attester_kind(attester), cases[i].kind);
		assert_true(fake_is_clean());
	}
	struct attester *attester = NULL;
	struct err err = ERR_NONE;
	fake.mkdir_error = EACCES;
	assert_int_equal(open_tdx(NULL, &attester, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	auto_attester struct attester *sample = NULL;
	fake.mkdir_error = ENXIO;
	assert_int_equal(open_tdx(NULL, &sample, &err), 0);
	assert_int_equal(attester_kind(sample), TEE_KIND_SAMPLE);
}

/* ---- init-data and registers ---------------------------------------------------------------------------- */

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

static void compares_initdata_with_mrconfigid(void **state)
{
	auto_attester struct attester *attester = tdx();
	unsigned char digest[64] = { 0 }, shown[48] = { 0 };

	(void)state;
	memset(digest, 7, sizeof(digest));
	memset(shown, 7, sizeof(shown));
	fake_put(fake.measurements, "mrconfigid", span_new(shown, sizeof(shown)));
	check_initdata(attester, DIGEST_SHA384, digest, ERR_OK);
	check_initdata(attester, DIGEST_SHA512, digest, ERR_OK);
	check_initdata(attester, DIGEST_SHA256, digest, ERR_AUTH);
	memset(shown + 32, 0, 16);
	fake_put(fake.measurements, "mrconfigid", span_new(shown, sizeof(shown)));
	check_initdata(attester, DIGEST_SHA256, digest, ERR_OK);
	check_initdata(attester, DIGEST_SHA384, digest, ERR_AUTH);
	for (size_t i = 0; i < sizeof(shown); i++) {
		shown[i] ^= 1;
		fake_put(fake.measurements, "mrconfigid", span_new(shown, sizeof(shown)));
		check_initdata(attester, DIGEST_SHA256, digest, ERR_AUTH);
		shown[i] ^= 1;
	}
	fake_put(fake.measurements, "mrconfigid", span_new(shown, 47));
	check_initdata(attester, DIGEST_SHA256, digest, ERR_FORMAT);
	fake_put(fake.measurements, "mrconfigid",
			SPAN_LIT("0707070707070707070707070707070707070707070707070"));
	check_initdata(attester, DIGEST_SHA256, digest, ERR_LIMIT);
}

/* The kernel does not show the register: a quote does. */
static void finds_mrconfigid_in_a_quote(void **state)
{
	static const struct {
		unsigned char version, tee;
		size_t at;
		enum err_kind kind;
	} cases[] = {
		{ 4, 0x81, 232, ERR_OK },
		{ 5, 0x81, 238, ERR_OK },
		{ 5, 0x81, 232, ERR_AUTH },
		{ 3, 0x81, 232, ERR_FORMAT },
		{ 6, 0x81, 232, ERR_FORMAT },
		{ 4, 0, 232, ERR_FORMAT },
	};
	auto_attester struct attester *attester = tdx();
	unsigned char digest[48];

	(void)state;
	memset(digest, 7, sizeof(digest));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char quote[632] = { 0 };
		quote[0] = (char)cases[i].version;
		quote[4] = (char)cases[i].tee;
		memset(quote + cases[i].at, 7, 48);
		buf_reset(&fake.out);
		buf_add(&fake.out, quote, sizeof(quote));
		check_initdata(attester, DIGEST_SHA384, digest, cases[i].kind);
		buf_cut(&fake.out, cases[i].at + 47);
		check_initdata(attester, DIGEST_SHA384, digest, ERR_FORMAT);
		buf_cut(&fake.out, 3);
		check_initdata(attester, DIGEST_SHA384, digest, ERR_FORMAT);
	}
}

static void maps_pcrs_to_registers(void **state)
{
	static const unsigned char registers[] = { 4, 1, 2, 2, 2, 2, 2, 1, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4,
		4, 4, 4, 4 };
	auto_attester struct attester *attester = tdx();
	enum digest_alg alg = DIGEST_SHA256;

	(void)state;
	assert_true(attester_measures(attester, &alg));
	assert_int_equal(alg, DIGEST_SHA384);
	for (unsigned pcr = 0; pcr < 24; pcr++)
		assert_int_equal(attester_register(attester, pcr), registers[pcr]);
}

static void extends_the_rtmr_of_the_vector(void **state)
{
	auto_attester struct attester *attester = tdx();
	unsigned char digest[DIGEST_MAX], value[DIGEST_MAX], expected[DIGEST_MAX];
	auto_free char *path = xasprintf("%s/rtmr3:sha384", fake.measurements);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(hex_decode_raw(SPAN_LIT(DIGEST), digest, 48, NULL), 0);
	assert_int_equal(hex_decode_raw(SPAN_LIT(RTMR_3), expected, 48, NULL), 0);
	assert_int_equal(register_extend(attester, 17, digest, NULL), 0);
	assert_int_equal(register_read(attester, 17, value, NULL), 0);
	assert_memory_equal(value, expected, 48);
	assert_int_equal(register_read(attester, 8, value, NULL), 0);
	assert_int_equal(value[0], 0);
	fake_put(fake.measurements, "rtmr3:sha384", SPAN_LIT("short"));
	assert_int_equal(register_read(attester, 17, value, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	unlink(path);
	assert_int_equal(register_read(attester, 17, value, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(register_extend(attester, 17, digest, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* An event that names no register, and one that does: the log replays to the registers. */
static void records_events_behind_its_registers(void **state)
{
	auto_attester struct attester *attester = tdx();
	struct eventlog_options options = {
		.attester = attester, .folder = fake.folder, .enabled = true, .init_pcr = 17
	};
	auto_eventlog struct eventlog *log = NULL;
	unsigned char value[DIGEST_MAX], expected[DIGEST_MAX];
	enum eventlog_result result = EVENTLOG_NOT_ENABLED;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(hex_decode_raw(SPAN_LIT(RTMR_3), expected, 48, NULL), 0);
	if (eventlog_open(&options, &log, &err) < 0 ||
			eventlog_record(log, SPAN_LIT("domain"), SPAN_LIT("operation"), SPAN_LIT("content"),
					-1, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(result, EVENTLOG_OK);
	assert_int_equal(register_read(attester, 17, value, NULL), 0);
	assert_memory_equal(value, expected, 48);
	auto_json json_t *evidence = evidence_of(attester);
	assert_string_equal(json_text_at(evidence, "cc_eventlog", NULL), CC_EVENTLOG);
	assert_int_equal(eventlog_record(log, SPAN_LIT("d"), SPAN_LIT("o"), SPAN_LIT("c"), 8, &result, NULL),
			0);
	auto_free char *path = xasprintf("%s/eventlog", fake.folder);
	auto_buf struct buf bytes = BUF_MAX(4096);
	assert_int_equal(fs_read(path, &bytes, NULL), 0);
	struct tcglog reader;
	struct tcg_event event;
	bool found;
	tcglog_open_bare(buf_span(&bytes), &reader);
	assert_int_equal(tcglog_next(&reader, &event, &found, NULL), 0);
	assert_int_equal(event.index, 4);
	assert_int_equal(tcglog_next(&reader, &event, &found, NULL), 0);
	assert_true(found);
	assert_int_equal(event.index, 3);
	assert_int_equal(register_read(attester, 9, value, NULL), 0);
	assert_int_not_equal(value[0] | value[1] | value[2], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(gives_a_quote_of_padded_report_data),
		TEST(adds_the_event_log_of_the_vector),
		TEST(cuts_the_firmware_log_at_its_end),
		TEST(takes_a_firmware_log_that_was_never_begun_for_none),
		TEST(refuses_a_firmware_log_that_is_cut),
		TEST(removes_the_entry_whatever_goes_wrong),
		TEST(tells_why_no_entry_can_be_made),
		TEST(detects_what_the_provider_is),
		TEST(compares_initdata_with_mrconfigid),
		TEST(finds_mrconfigid_in_a_quote),
		TEST(maps_pcrs_to_registers),
		TEST(extends_the_rtmr_of_the_vector),
		TEST(records_events_behind_its_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
