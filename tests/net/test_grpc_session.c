/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile and merely odd clients, byte by byte, without sockets. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_server.h"
#include "net/grpc_session.h"
#include "tests/net/h2.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define ECHO "/test.Service/Echo"
#define FAIL "/test.Service/Fail"

/* ---- a session and what it has said ---- */

struct scene {
	struct grpc_service service;
	struct grpc_session *session;
	struct clock clock;
	int64_t now;
	size_t budget;
	struct buf said;
	unsigned calls;
	struct nghttp2_hd_inflater *inflater;
};

static int64_t scene_time(void *ctx)
{
	return *(int64_t *)ctx;
}

static enum grpc_status echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)err;
	((struct scene *)ctx)->calls++;
	buf_add_span(answer, message);
	return GRPC_OK;
}

static enum grpc_status fail_with_words(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)message;
	((struct scene *)ctx)->calls++;
	/* what was begun is not sent */
	buf_puts(answer, "half");
	err_set(err, ERR_DENIED, "no: 100%% \xc3\xa4");
	return GRPC_PERMISSION_DENIED;
}

static const struct grpc_method methods[] = { { ECHO, echo }, { FAIL, fail_with_words }, { NULL, NULL } };

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){ .budget = GRPC_BUDGET, .said = BUF_MAX(H2_MAX) };
	scene->clock = (struct clock){ scene_time, scene_time, &scene->now };
	scene->service = (struct grpc_service){ methods, scene, &scene->clock, &scene->budget };
	scene->session = grpc_session_new(&scene->service, NULL);
	assert_non_null(scene->session);
	assert_int_equal(nghttp2_hd_inflate_new(&scene->inflater), 0);
}

static void scene_close(struct scene *scene)
{
	grpc_session_free(scene->session);
	/* every call gives back what it took */
	assert_int_equal(scene->budget, GRPC_BUDGET);
	nghttp2_hd_inflate_del(scene->inflater);
	buf_clear(&scene->said);
}
#define auto_scene __attribute__((cleanup(scene_close)))

static void listen_to(struct scene *scene)
{
	struct span pending = SPAN_NONE;

	for (;;) {
		assert_int_equal(grpc_session_pending(scene->session, &pending, NULL), 0);
		if (!pending.len)
			return;
		buf_add_span(&scene->said, pending);
		assert_false(scene->said.over);
		grpc_session_sent(scene->session, pending.len);
	}
}

static int say(struct scene *scene, struct span bytes, struct err *err)
{
	int result = grpc_session_feed(scene->session, bytes, err);

	listen_to(scene);
	return result;
}

/* The fields of all header blocks, "name: value\n" each. */
static char *fields_said(struct scene *scene)
{
	struct buf out = BUF_MAX(1 << 20);
	struct span rest = buf_span(&scene->said);
	struct h2_seen seen;

	while (h2_next(&rest, &seen)) {
		const uint8_t *at = (const uint8_t *)seen.payload.ptr;
		size_t left = seen.payload.len;
		int flags = 0;
		nghttp2_nv nv;
		while (seen.type == H2_HEADERS && !(flags & NGHTTP2_HD_INFLATE_FINAL)) {
			ssize_t n = nghttp2_hd_inflate_hd2(scene->inflater, &nv, &flags, at, left, 1);
			assert_true(n >= 0);
			at += n;
			left -= (size_t)n;
			if (flags & NGHTTP2_HD_INFLATE_EMIT)
				buf_printf(&out, "%.*s: %.*s\n", (int)nv.namelen, (const char *)nv.name,
						(int)nv.valuelen, (const char *)nv.value);
		}
		if (seen.type == H2_HEADERS)
			nghttp2_hd_inflate_end_headers(scene->inflater);
	}
	return buf_take(&out);
}

/* Says one call in full, and gives what came back. */
static char *call(struct scene *scene, const char *path, struct span message)
{
	auto_buf struct buf bytes = BUF_MAX(H2_MAX);

	h2_preface(&bytes);
	h2_call(&bytes, 1, path, message);
	assert_int_equal(say(scene, buf_span(&bytes), NULL), 0);
	return fields_said(scene);
}

/* ---- calls ---- */

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
	for (unsigned i = 0; i < 40; i++) {
		buf_reset(&bytes);
		h2_frame(&bytes, H2_WINDOW, 0, 0, SPAN_LIT("\0\0\x40\0"));
		h2_frame(&bytes, H2_WINDOW, 0, 1, SPAN_LIT("\0\0\x40\0"));
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

/* ---- attacks ---- */

/* Says the bytes over and over until the session has had enough; returned is how often it took them. */
static unsigned until_it_ends(
		struct scene *scene, void (*make)(struct buf *out, unsigned round), unsigned most)
{
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	h2_preface(&bytes);
	for (unsigned round = 0; round < most; round++) {
		make(&bytes, round);
		if (say(scene, buf_span(&bytes), NULL) < 0 || grpc_session_is_over(scene->session))
			return round;
		buf_reset(&bytes);
	}
	return most;
}

static void make_ping(struct buf *out, unsigned round)
{
	(void)round;
	h2_frame(out, H2_PING, 0, 0, SPAN_LIT("12345678"));
}

static void make_settings(struct buf *out, unsigned round)
{
	(void)round;
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_LIT("\0\4\0\1\0\0"));
}

static void make_priority(struct buf *out, unsigned round)
{
	(void)round;
	h2_frame(out, H2_PRIORITY, 0, 2 * round + 1, SPAN_LIT("\0\0\0\0\1"));
}

static void make_window(struct buf *out, unsigned round)
{
	(void)round;
	h2_frame(out, H2_WINDOW, 0, 0, SPAN_LIT("\0\0\0\1"));
}

static void make_rapid_reset(struct buf *out, unsigned round)
{
	h2_headers(out, 2 * round + 1, ECHO, 0);
	h2_frame(out, H2_RST, 0, 2 * round + 1, SPAN_LIT("\0\0\0\x08"));
}

static void make_empty_data(struct buf *out, unsigned round)
{
	if (!round)
		h2_headers(out, 1, ECHO, 0);
	h2_frame(out, H2_DATA, 0, 1, SPAN_NONE);
}

static void make_stream(struct buf *out, unsigned round)
{
	h2_headers(out, 2 * round + 1, ECHO, 0);
}

static void ends_connections_that_make_noise_without_end(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct buf *out, unsigned round);
	} cases[] = {
		{ "pings", make_ping },
		{ "settings", make_settings },
		{ "priorities", make_priority },
		{ "window updates", make_window },
		{ "rapid reset", make_rapid_reset },
		{ "empty data", make_empty_data },
		{ "streams beyond the limit", make_stream },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_scene struct scene scene;
		scene_open(&scene);
		unsigned taken = until_it_ends(&scene, cases[i].make, 10000);
		if (taken > GRPC_NOISE_MAX + GRPC_STREAMS_MAX)
			fail_msg("%s: %u", cases[i].name, taken);
		assert_int_equal(scene.calls, 0);
	}
}

static void goes_on_with_a_busy_caller_for_as_long_as_it_wants(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(65536);

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	for (uint32_t i = 0; i < 3000; i++) {
		h2_frame(&bytes, H2_PING, 0, 0, SPAN_LIT("12345678"));
		h2_call(&bytes, 2 * i + 1, i % 2 ? FAIL : ECHO, SPAN_LIT("x"));
		h2_frame(&bytes, H2_WINDOW, 0, 0, SPAN_LIT("\0\0\0\6"));
		assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
		buf_reset(&bytes);
	}
	assert_int_equal(scene.calls, 3000);
	assert_false(grpc_session_is_over(scene.session));
}

static void holds_answers_to_pings_that_nobody_reads_within_bounds(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	for (unsigned i = 0; i < 10000; i++)
		make_ping(&bytes, i);
	/* all at once: nothing of what it says is taken meanwhile */
	int result = grpc_session_feed(scene.session, buf_span(&bytes), NULL);
	listen_to(&scene);
	assert_true(result < 0 || grpc_session_is_over(scene.session));
	assert_true(h2_count(buf_span(&scene.said), H2_PING) <= GRPC_NOISE_MAX + 1);
}

static void refuses_more_streams_at_once_than_it_said(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(65536);
	struct h2_seen reset = { .type = -1 };

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	for (uint32_t i = 0; i <= GRPC_STREAMS_MAX; i++)
		h2_headers(&bytes, 2 * i + 1, ECHO, 0);
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	assert_true(h2_find(buf_span(&scene.said), H2_RST, 0, &reset));
	assert_int_equal(h2_code(&reset), NGHTTP2_REFUSED_STREAM);
	assert_int_equal(reset.stream, 2 * GRPC_STREAMS_MAX + 1);
}

static void resets_a_call_with_too_many_header_bytes(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(1 << 20), fields = BUF_MAX(1 << 20);
	auto_free char *value = xcalloc(1, 1001);
	struct h2_seen reset = { .type = -1 };

	(void)state;
	scene_open(&scene);
	memset(value, 'a', 1000);
	h2_preface(&bytes);
	h2_call_fields(&fields, ECHO);
	for (unsigned i = 0; i < 16; i++)
		h2_field(&fields, "x", span_of(value));
	h2_frame(&bytes, H2_HEADERS, 0, 1, span_new(fields.ptr, 16000));
	h2_frame(&bytes, H2_CONTINUATION, H2_END_HEADERS, 1, span_from(buf_span(&fields), 16000));
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	assert_true(h2_find(buf_span(&scene.said), H2_RST, 0, &reset));
	/* the connection goes on */
	buf_reset(&bytes);
	h2_call(&bytes, 3, ECHO, SPAN_LIT("x"));
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	assert_int_equal(scene.calls, 1);
}

static void ends_a_connection_with_endless_headers(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(1 << 20);
	char piece[1003];
	unsigned taken = 0;

	(void)state;
	scene_open(&scene);
	memset(piece, 'a', sizeof(piece));
	memcpy(piece, "\0\1x\x7f\xe5\x06", 6);
	h2_preface(&bytes);
	h2_head(&bytes, 0, H2_HEADERS, 0, 1);
	while (taken < 10000 && say(&scene, buf_span(&bytes), NULL) == 0 &&
			!grpc_session_is_over(scene.session)) {
		buf_reset(&bytes);
		h2_frame(&bytes, H2_CONTINUATION, 0, 1,
				taken % 2 ? SPAN_NONE : span_new(piece, sizeof(piece)));
		taken++;
	}
	assert_true(taken < 100);
	assert_int_equal(scene.calls, 0);
}

static void ends_connections_that_do_not_speak_http2(void **state)
{
	static const struct {
		const char *name;
		struct span bytes;
	} cases[] = {
		{ "HTTP/1", SPAN_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n") },
		{ "TLS", { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11 } },
		{ "zeros", { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26 } },
		{ "no settings",
				SPAN_LIT(H2_PREFACE "\0\0\x08\6\0\0\0\0\0"
						    "12345678") },
		{ "giant frame",
				SPAN_LIT(H2_PREFACE "\0\0\0\4\0\0\0\0\0"
						    "\xff\xff\xff\0\0\0\0\0\1xxxxxxxxxxxxxxxx") },
		{ "data on stream 0",
				SPAN_LIT(H2_PREFACE "\0\0\0\4\0\0\0\0\0"
						    "\0\0\1\0\0\0\0\0\0x") },
		{ "data on an idle stream",
				SPAN_LIT(H2_PREFACE "\0\0\0\4\0\0\0\0\0"
						    "\0\0\1\0\0\0\0\0\1x") },
		{ "push",
				SPAN_LIT(H2_PREFACE "\0\0\0\4\0\0\0\0\0"
						    "\0\0\4\5\4\0\0\0\1\0\0\0\2") },
		{ "bad HPACK",
				SPAN_LIT(H2_PREFACE "\0\0\0\4\0\0\0\0\0"
						    "\0\0\2\1\5\0\0\0\1\xff\xff") },
		{ "ping of 7 bytes",
				SPAN_LIT(H2_PREFACE "\0\0\0\4\0\0\0\0\0"
						    "\0\0\7\6\0\0\0\0\0"
						    "1234567") },
		{ "settings of 5 bytes",
				SPAN_LIT(H2_PREFACE "\0\0\5\4\0\0\0\0\0"
						    "12345") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_scene struct scene scene;
		scene_open(&scene);
		int result = say(&scene, cases[i].bytes, NULL);
		if (result == 0 && !grpc_session_is_over(scene.session))
			fail_msg("%s: the connection goes on", cases[i].name);
		if (result < 0)
			assert_int_equal(grpc_session_feed(scene.session, SPAN_LIT("x"), NULL), -1);
	}
}

static void survives_a_connection_that_is_cut_anywhere(void **state)
{
	auto_buf struct buf bytes = BUF_MAX(65536);

	(void)state;
	h2_preface(&bytes);
	h2_call(&bytes, 1, ECHO, SPAN_LIT("hello"));
	for (size_t len = 0; len < bytes.len; len++) {
		auto_scene struct scene scene;
		scene_open(&scene);
		assert_int_equal(say(&scene, span_new(bytes.ptr, len), NULL), 0);
		assert_int_equal(scene.calls, 0);
	}
}

static void says_goodbye_and_answers_what_is_open(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf bytes = BUF_MAX(65536);
	struct h2_seen seen;

	(void)state;
	scene_open(&scene);
	h2_preface(&bytes);
	h2_headers(&bytes, 1, ECHO, 0);
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	grpc_session_shutdown(scene.session);
	buf_reset(&bytes);
	h2_message(&bytes, 1, SPAN_LIT("x"), H2_END_STREAM);
	assert_int_equal(say(&scene, buf_span(&bytes), NULL), 0);
	assert_true(h2_find(buf_span(&scene.said), H2_GOAWAY, 0, &seen));
	assert_int_equal(scene.calls, 1);
	assert_true(grpc_session_is_over(scene.session));
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
		cmocka_unit_test(ends_connections_that_make_noise_without_end),
		cmocka_unit_test(goes_on_with_a_busy_caller_for_as_long_as_it_wants),
		cmocka_unit_test(holds_answers_to_pings_that_nobody_reads_within_bounds),
		cmocka_unit_test(refuses_more_streams_at_once_than_it_said),
		cmocka_unit_test(resets_a_call_with_too_many_header_bytes),
		cmocka_unit_test(ends_a_connection_with_endless_headers),
		cmocka_unit_test(ends_connections_that_do_not_speak_http2),
		cmocka_unit_test(survives_a_connection_that_is_cut_anywhere),
		cmocka_unit_test(says_goodbye_and_answers_what_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
