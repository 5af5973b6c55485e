/* SPDX-License-Identifier: Apache-2.0 */
/* Calls, right and wrong, byte by byte and without sockets. */
#include "tests/net/grpc_scene.h"

static void answers_a_call_with_message_and_trailers(void **state)
{
	auto_scene struct scene scene;
	struct h2_seen data = { .type = -1 };

	(void)state;
	scene_open(&scene);
	auto_free char *fields = call(&scene, ECHO, SPAN_LIT("hello"));
	assert_string_equal(fields, ":status: 200\ncontent-type: application/grpc\ngrpc-status: 0\n");
	assert_true(h2_find(buf_span(&scene.said), H2_DATA, 0, &data));
	assert_true(span_eq(data.payload, SPAN_LIT("\0\0\0\0\5hello")));
	assert_true(grpc_session_has_begun(scene.session));
	assert_false(grpc_session_oldest(scene.session, &scene.now));
}

static void gives_the_same_answer_however_the_bytes_are_cut(void **state)
{
	auto_buf struct buf bytes = BUF_MAX(65536);

	(void)state;
	h2_preface(&bytes);
	h2_headers(&bytes, 1, ECHO, 0);
	h2_frame(&bytes, H2_DATA, 0, 1, SPAN_LIT("\0\0\0"));
	h2_frame(&bytes, H2_DATA, 0, 1, SPAN_LIT("\0\5he"));
	h2_frame(&bytes, H2_DATA, H2_END_STREAM, 1, SPAN_LIT("llo"));
	for (size_t step = 1; step < 40; step++) {
		auto_scene struct scene scene;
		struct h2_seen data = { .type = -1 };
		scene_open(&scene);
		for (size_t at = 0; at < bytes.len; at += step) {
			size_t n = bytes.len - at < step ? bytes.len - at : step;
			assert_int_equal(say(&scene, span_new(bytes.ptr + at, n), NULL), 0);
		}
		assert_true(h2_find(buf_span(&scene.said), H2_DATA, 0, &data));
		assert_true(span_eq(data.payload, SPAN_LIT("\0\0\0\0\5hello")));
	}
}

static void sends_a_large_answer_in_the_windows_that_it_is_given(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(H2_MAX), got = BUF_MAX(H2_MAX);
	auto_free char *large = xcalloc(1, 200000);
	struct h2_seen data = { .type = -1 };

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	h2_headers(&bytes, 1, ECHO, 0);
	h2_frame(&bytes, H2_DATA, 0, 1, SPAN_LIT("\0\0\3\x0d\x40"));
	for (size_t left = 200000; left;) {
		size_t n = left < 10000 ? left : 10000;
		left -= n;
		h2_frame(&bytes, H2_DATA, left ? 0 : H2_END_STREAM, 1, span_new(large, n));
		assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
		buf_reset(&bytes);
	}
	for (unsigned i = 0; i < 2200; i++) {
		buf_reset(&bytes);
		h2_frame(&bytes, H2_WINDOW, 0, 0, SPAN_LIT("\0\0\0\x40"));
		h2_frame(&bytes, H2_WINDOW, 0, 1, SPAN_LIT("\0\0\0\x40"));
		assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	}
	for (unsigned i = 0; h2_find(buf_span(&scene.said), H2_DATA, i, &data); i++)
		buf_add_span(&got, data.payload);
	assert_int_equal(got.len, 200005);
	auto_free char *fields = fields_said(&scene);
	assert_non_null(strstr(fields, "grpc-status: 0\n"));
}

static void tells_why_a_call_failed(void **state)
{
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene);
	auto_free char *fields = call(&scene, FAIL, SPAN_LIT("x"));
	assert_string_equal(fields,
			":status: 200\ncontent-type: application/grpc\ngrpc-status: 7\n"
			"grpc-message: no: 100%25 %C3%A4\n");
	assert_int_equal(h2_count(buf_span(&scene.said), H2_DATA), 0);
}

static void does_not_know_other_methods(void **state)
{
	static const char *const paths[] = { "/", "/test.Service/Nothing", "/nothing.Service/Echo",
		"/test.Service/Echo/", "/test.service/echo" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		auto_scene struct scene scene;
		scene_open(&scene);
		auto_free char *fields = call(&scene, paths[i], SPAN_LIT("x"));
		assert_non_null(strstr(fields, "grpc-status: 12\ngrpc-message: unknown method /"));
		assert_int_equal(scene.calls, 0);
	}
}

static void refuses_calls_that_are_not_grpc(void **state)
{
	static const struct {
		const char *method, *type, *encoding, *want;
	} cases[] = {
		{ "GET", "application/grpc", "identity", ":status: 405" },
		{ "POST", "application/json", "identity", ":status: 415" },
		{ "POST", "application/grpcx", "identity", ":status: 415" },
		{ "POST", "application/grpc+proto", "gzip", "grpc-status: 12\ngrpc-message: compression" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_scene struct scene scene;
		auto_buf struct buf bytes = BUF_MAX(65536), fields = BUF_MAX(65536);
		scene_open(&scene);
		h2_preface(&bytes);
		h2_field(&fields, ":method", span_of(cases[i].method));
		h2_field(&fields, ":scheme", SPAN_LIT("http"));
		h2_field(&fields, ":path", SPAN_LIT(ECHO));
		h2_field(&fields, ":authority", SPAN_LIT("test"));
		h2_field(&fields, "content-type", span_of(cases[i].type));
		h2_field(&fields, "grpc-encoding", span_of(cases[i].encoding));
		h2_frame(&bytes, H2_HEADERS, H2_END_HEADERS, 1, buf_span(&fields));
		h2_message(&bytes, 1, SPAN_LIT("x"), H2_END_STREAM);
		assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
		auto_free char *said = fields_said(&scene);
		if (!strstr(said, cases[i].want))
			fail_msg("%s", said);
		assert_int_equal(scene.calls, 0);
	}
}

static void refuses_messages_that_are_wrong(void **state)
{
	static const struct {
		const char *name;
		struct span data;
		const char *want;
	} cases[] = {
		{ "compressed", { "\1\0\0\0\1x", 6 }, "grpc-status: 12\ngrpc-message: compressed messages" },
		{ "flag 2", { "\2\0\0\0\1x", 6 }, "grpc-status: 13\n" },
		{ "cut off", { "\0\0\0\0\2x", 6 }, "grpc-status: 13\ngrpc-message: the request is cut off" },
		{ "prefix cut off", { "\0\0\0", 3 },
				"grpc-status: 13\ngrpc-message: the request is cut off" },
		{ "nothing", { "", 0 }, "grpc-status: 13\ngrpc-message: the request is cut off" },
		{ "two messages", { "\0\0\0\0\1x\0\0\0\0\1y", 12 }, "grpc-status: 12\n" },
		{ "more than the ceiling", { "\0\0\x40\0\1x", 6 }, "grpc-status: 8\n" },
		{ "4 GiB", { "\0\xff\xff\xff\xffx", 6 }, "grpc-status: 8\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_scene struct scene scene;
		auto_buf struct buf bytes = BUF_MAX(65536);
		scene_open(&scene);
		h2_preface(&bytes);
		h2_headers(&bytes, 1, ECHO, 0);
		h2_frame(&bytes, H2_DATA, H2_END_STREAM, 1, cases[i].data);
		assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
		auto_free char *said = fields_said(&scene);
		if (!strstr(said, cases[i].want))
			fail_msg("%s: %s", cases[i].name, said);
		assert_int_equal(scene.calls, 0);
	}
}

static void asks_a_caller_to_stop_who_goes_on_after_a_refusal(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(65536);
	struct h2_seen reset = { .type = -1 };

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	h2_headers(&bytes, 1, "/test.Service/Nothing", 0);
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	assert_true(h2_find(buf_span(&scene.said), H2_RST, 0, &reset));
	assert_int_equal(h2_code(&reset), 0);
	assert_false(grpc_session_oldest(scene.session, &scene.now));
}

static void shares_one_budget_among_all_calls(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(65536);

	(void)state;
	scene_open(&scene);
	scene.budget = 10;
	h2_preface(&bytes);
	h2_headers(&bytes, 1, ECHO, 0);
	h2_frame(&bytes, H2_DATA, 0, 1,
			SPAN_LIT("\0\0\0\0\x08"
				 "1234"));
	h2_call(&bytes, 3, ECHO, SPAN_LIT("123"));
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	auto_free char *said = fields_said(&scene);
	assert_non_null(strstr(said, "grpc-status: 8\ngrpc-message: too much is going on"));
	assert_int_equal(scene.calls, 0);
	scene.budget += GRPC_BUDGET - 10;
}

static void knows_since_when_it_waits_for_a_slow_caller(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(65536);
	int64_t began = 0;

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	assert_false(grpc_session_has_begun(scene.session));
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	assert_false(grpc_session_oldest(scene.session, &began));
	for (uint32_t i = 0; i < 3; i++) {
		buf_reset(&bytes);
		scene.now = 100 + i;
		h2_headers(&bytes, 2 * i + 1, ECHO, 0);
		assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	}
	assert_true(grpc_session_oldest(scene.session, &began));
	assert_int_equal(began, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_a_call_with_message_and_trailers),
		cmocka_unit_test(gives_the_same_answer_however_the_bytes_are_cut),
		cmocka_unit_test(sends_a_large_answer_in_the_windows_that_it_is_given),
		cmocka_unit_test(tells_why_a_call_failed),
		cmocka_unit_test(does_not_know_other_methods),
		cmocka_unit_test(refuses_calls_that_are_not_grpc),
		cmocka_unit_test(refuses_messages_that_are_wrong),
		cmocka_unit_test(asks_a_caller_to_stop_who_goes_on_after_a_refusal),
		cmocka_unit_test(shares_one_budget_among_all_calls),
		cmocka_unit_test(knows_since_when_it_waits_for_a_slow_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
