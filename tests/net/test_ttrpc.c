/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

/* One of containerd/ttrpc's, with a timeout and metadata; the last two are left out when it is written again. */
static const char request_hex[] = "0a166170692e4765745265736f7572636553657276696365" /* service */
				  "120b4765745265736f75726365"                       /* method */
				  "1a03616263"                                       /* payload */
				  "2080e8eda1ba01";                                  /* timeout_nano */
static const char metadata_hex[] = "2a080a026b31120276312a040a026b32";

static void decode(const char *hex, struct buf *out)
{
	assert_int_equal(hex_decode(span_of(hex), out, NULL), 0);
}

static void reads_and_writes_a_frame_head(void **state)
{
	static const unsigned char bytes[TTRPC_HEAD] = { 0x00, 0x40, 0x00, 0x01, 0x80, 0, 0, 0x07, 9, 0xff };
	struct ttrpc_head head;
	unsigned char again[TTRPC_HEAD];
	(void)state;

	ttrpc_head_parse(bytes, &head);
	assert_int_equal(head.len, 4194305);
	assert_true(head.stream == UINT32_C(0x80000007));
	assert_int_equal(head.type, 9);
	assert_int_equal(head.flags, 255);
	ttrpc_head_format(&head, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void reads_and_writes_a_request(void **state)
{
	auto_buf struct buf data = BUF_MAX(1000), again = BUF_MAX(1000);
	struct ttrpc_request request;
	(void)state;

	decode(request_hex, &data);
	size_t bare = data.len;
	decode(metadata_hex, &data);
	assert_int_equal(ttrpc_request_parse(buf_span(&data), &request, NULL), 0);
	assert_true(span_is(request.service, "api.GetResourceService"));
	assert_true(span_is(request.method, "GetResource"));
	assert_true(span_is(request.payload, "abc"));
	assert_true(request.timeout_nano == INT64_C(50000000000));
	ttrpc_request_format(&request, &again);
	assert_true(span_eq(buf_span(&again), span_new(data.ptr, bare)));
}

static void takes_requests_that_are_odd_but_good(void **state)
{
	static const struct {
		const char *hex, *service, *payload;
		int64_t timeout;
	} cases[] = {
		{ "", "", "", 0 },
		{ "0a0161", "a", "", 0 },
		/* the last counts */
		{ "0a01610a0162", "b", "", 0 },
		{ "1a01611a00", "", "", 0 },
		/* in any order, with a field of its own before */
		{ "4a017a1a01700a0161", "a", "p", 0 },
		/* negative */
		{ "20ffffffffffffffffff01", "", "", -1 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf data = BUF_MAX(1000);
		struct ttrpc_request request;
		decode(cases[i].hex, &data);
		if (ttrpc_request_parse(buf_span(&data), &request, NULL) < 0 ||
				!span_is(request.service, cases[i].service) ||
				!span_is(request.payload, cases[i].payload) ||
				request.timeout_nano != cases[i].timeout)
			fail_msg("%s", cases[i].hex);
	}
}

static void refuses_a_request_cut_off(void **state)
{
	auto_buf struct buf data = BUF_MAX(1000);
	(void)state;

	decode(request_hex, &data);
	for (size_t len = 1; len < data.len; len++) {
		struct ttrpc_request request = { .timeout_nano = 7 };
		struct err err = ERR_NONE;
		/* where a field ends, so may the request */
		bool whole = len == 24 || len == 37 || len == 42;
		assert_int_equal(
				ttrpc_request_parse(span_new(data.ptr, len), &request, &err), whole ? 0 : -1);
		if (whole)
			continue;
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_int_equal(request.timeout_nano, 7);
	}
}

static void refuses_malformed_requests(void **state)
{
	static const char *const cases[] = {
		"0aff",   /* longer than what is there */
		"0a01ff", /* a service that is no UTF-8 */
		"1201c3", /* a method likewise */
		"0801",   /* a service that is a number */
		"1800",   /* a payload that is a number */
		"220161", /* a timeout that is bytes */
		"0b0c",   /* groups */
		"00",     /* field 0 */
		"20ffffffffffffffffff02",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf data = BUF_MAX(1000);
		struct ttrpc_request request;
		struct err err = ERR_NONE;
		decode(cases[i], &data);
		if (ttrpc_request_parse(buf_span(&data), &request, &err) == 0 || err.kind != ERR_FORMAT)
			fail_msg("%s", cases[i]);
	}
}

static void refuses_envelopes_longer_than_a_frame(void **state)
{
	static char zeros[TTRPC_DATA_MAX + 1];
	struct ttrpc_request request;
	struct ttrpc_response response;
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(ttrpc_request_parse(span_new(zeros, sizeof(zeros)), &request, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	err_clear(&err);
	assert_int_equal(ttrpc_response_parse(span_new(zeros, sizeof(zeros)), &response, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void writes_responses_as_the_server_in_rust_does(void **state)
{
	static const struct {
		int code;
		const char *message, *payload, *hex;
	} cases[] = {
		{ 0, "", "", "0a00" },
		{ 0, "", "\x0a\x01x", "0a0012030a0178" },
		{ 12, "Nothing method", "", "0a12080c120e4e6f7468696e67206d6574686f64" },
		{ 13, "", "", "0a02080d" },
		{ -1, "x", "", "0a0e08ffffffffffffffffff01120178" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ttrpc_response response = { cases[i].code, span_of(cases[i].message),
			span_of(cases[i].payload) },
				      again;
		auto_buf struct buf out = BUF_MAX(1000), hex = BUF_MAX(1000);
		ttrpc_response_format(&response, &out);
		hex_encode(&hex, buf_span(&out));
		assert_string_equal(buf_text(&hex), cases[i].hex);
		assert_int_equal(ttrpc_response_parse(buf_span(&out), &again, NULL), 0);
		assert_int_equal(again.code, response.code);
		assert_true(span_eq(again.message, response.message));
		assert_true(span_eq(again.payload, response.payload));
	}
}

static void reads_responses_of_others(void **state)
{
	static const struct {
		const char *hex;
		int code;
		const char *message, *payload;
	} cases[] = {
		{ "", 0, "", "" },                           /* nothing said is good */
		{ "120178", 0, "", "x" },                    /* no status, as Go writes it */
		{ "0a0712017908031a0012017a", 3, "y", "z" }, /* in another order, with details */
		{ "0a0208030a03120179", 3, "y", "" },        /* two parts of a message are one */
	};
	static const char *const bad[] = { "0a01", "0a0108", "0801", "0a020a00", "0a031201ff", "1001",
		"0a02120a" };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf data = BUF_MAX(1000);
		struct ttrpc_response response;
		decode(cases[i].hex, &data);
		if (ttrpc_response_parse(buf_span(&data), &response, NULL) < 0 ||
				response.code != cases[i].code ||
				!span_is(response.message, cases[i].message) ||
				!span_is(response.payload, cases[i].payload))
			fail_msg("%s", cases[i].hex);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_buf struct buf data = BUF_MAX(1000);
		struct ttrpc_response response;
		struct err err = ERR_NONE;
		decode(bad[i], &data);
		if (ttrpc_response_parse(buf_span(&data), &response, &err) == 0 || err.kind != ERR_FORMAT)
			fail_msg("%s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_a_frame_head),
		cmocka_unit_test(reads_and_writes_a_request),
		cmocka_unit_test(takes_requests_that_are_odd_but_good),
		cmocka_unit_test(refuses_a_request_cut_off),
		cmocka_unit_test(refuses_malformed_requests),
		cmocka_unit_test(refuses_envelopes_longer_than_a_frame),
		cmocka_unit_test(writes_responses_as_the_server_in_rust_does),
		cmocka_unit_test(reads_responses_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
