/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that mean harm, byte by byte and without sockets. */
#include "tests/net/grpc_scene.h"

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
