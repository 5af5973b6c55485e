/* SPDX-License-Identifier: Apache-2.0 */
/* The client against peers that misbehave. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_client.h"
#include "tests/fault/peer.h"
#include "tests/net/h2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define ECHO     "/test.Service/Echo"
#define PATIENCE 20000

static int call(const struct peer *peer, const struct grpc_tls *tls, int timeout, struct buf *answer,
		struct err *err)
{
	auto_free char *target = xasprintf("127.0.0.1:%u", (unsigned)peer->port);
	const struct grpc_call call = {
		.target = target, .tls = tls, .path = ECHO, .message = SPAN_LIT("hello"), .timeout = timeout
	};

	return grpc_call(&call, answer, err);
}

/* ---- targets ---- */

static void knows_the_forms_of_a_target(void **state)
{
	static const char *const good[] = { "127.0.0.1:1", "localhost:65535", "http://h:1", "http://h:1/",
		"tcp://h:1", "dns:///h:1", "[::1]:1", "http://[fe80::1%eth0]:1", "unix:///run/s",
		"unix:run/s", "a_b.c-d:443" };
	static const char *const bad[] = { "", "h", "h:", ":1", "h:0", "h:65536", "h:01", "https://h:1",
		"unix://run/s", "unix:", "unix:///", "h h:1", "h:1 ", "::1:1", "[]:1", "http://u@h:1",
		"h:1/path", "h%41:1" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (grpc_target_check(good[i], NULL) < 0)
			fail_msg("'%s' was refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (grpc_target_check(bad[i], NULL) == 0)
			fail_msg("'%s' was taken", bad[i]);
	auto_free char *path = xcalloc(1, 200);
	memset(path, 'a', 199);
	memcpy(path, "unix:///", 8);
	assert_int_equal(grpc_target_check(path, NULL), -1);
}

static void says_that_nobody_listens(void **state)
{
	static const char *const targets[] = { "127.0.0.1:1", "unix:///nowhere/s" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct grpc_call call = { .target = targets[i], .path = ECHO, .timeout = PATIENCE };
		auto_buf struct buf answer = BUF_MAX(100);
		struct err err = ERR_NONE;
		assert_int_equal(grpc_call(&call, &answer, &err), -1);
		assert_int_equal(err.kind, ERR_RETRY);
	}
}

/* ---- what a peer may say ---- */

struct words {
	struct buf bytes;
	bool hold; /* keeps the connection open afterwards */
};

static void say(struct line *line, void *ctx)
{
	const struct words *words = ctx;

	if (words->bytes.len)
		line_write(line, words->bytes.ptr, words->bytes.len);
	/* until the client closes; otherwise what it still sends could reset the connection before it has read all */
	if (!words->hold)
		shutdown(line->fd, SHUT_WR);
	line_drain(line);
}

static int call_words(struct words *words, int timeout, struct buf *answer, struct err *err)
{
	struct peer peer = { .play = say, .ctx = words };

	peer_start(&peer);
	int result = call(&peer, NULL, timeout, answer, err);
	peer_stop(&peer);
	buf_clear(&words->bytes);
	return result;
}

/* Settings and the head of an answer. */
static void begin(struct buf *out, const char *status, const char *type, int flags)
{
	struct buf fields = BUF_MAX(4096);

	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
	h2_field(&fields, ":status", span_of(status));
	h2_field(&fields, "content-type", span_of(type));
	h2_frame(out, H2_HEADERS, H2_END_HEADERS | flags, 1, buf_span(&fields));
	buf_clear(&fields);
}

static void end(struct buf *out, const char *status, const char *message)
{
	struct buf fields = BUF_MAX(65536);

	if (status)
		h2_field(&fields, "grpc-status", span_of(status));
	if (message)
		h2_field(&fields, "grpc-message", span_of(message));
	h2_frame(out, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 1, buf_span(&fields));
	buf_clear(&fields);
}

#define GRPC "application/grpc"

static void make_good(struct buf *out)
{
	begin(out, "200", "application/grpc+proto", 0);
	h2_message(out, 1, SPAN_LIT("hi"), 0);
	end(out, "0", NULL);
}

static void make_status(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	end(out, "5", "no %C3%A4 %zz %");
}

static void make_unknown_status(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	end(out, "4711", NULL);
}

static void make_http_error(struct buf *out)
{
	begin(out, "503", "text/html", 0);
	h2_frame(out, H2_DATA, H2_END_STREAM, 1, SPAN_LIT("<html>"));
}

static void make_no_type(struct buf *out)
{
	begin(out, "200", "text/plain", 0);
	h2_message(out, 1, SPAN_LIT("hi"), 0);
	end(out, "0", NULL);
}

static void make_no_status(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	h2_message(out, 1, SPAN_LIT("hi"), H2_END_STREAM);
}

static void make_no_message(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	end(out, "0", NULL);
}

static void make_cut_message(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	h2_frame(out, H2_DATA, 0, 1, SPAN_LIT("\0\0\0\0\5hi"));
	end(out, "0", NULL);
}

static void make_two_messages(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	h2_message(out, 1, SPAN_LIT("hi"), 0);
	h2_message(out, 1, SPAN_LIT("hi"), 0);
	end(out, "0", NULL);
}

static void make_compressed(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	h2_frame(out, H2_DATA, 0, 1, SPAN_LIT("\1\0\0\0\2hi"));
	end(out, "0", NULL);
}

static void make_giant(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	h2_frame(out, H2_DATA, 0, 1, SPAN_LIT("\0\xff\xff\xff\xffhi"));
}

static void make_reset(struct buf *out)
{
	begin(out, "200", GRPC, 0);
	h2_frame(out, H2_RST, 0, 1, SPAN_LIT("\0\0\0\2"));
}

static void make_refused(struct buf *out)
{
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
	h2_frame(out, H2_RST, 0, 1, SPAN_LIT("\0\0\0\7"));
}

static void make_goodbye(struct buf *out)
{
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
	h2_frame(out, H2_GOAWAY, 0, 0, SPAN_LIT("\0\0\0\0\0\0\0\0"));
}

static void make_http1(struct buf *out)
{
	buf_puts(out, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void make_nothing(struct buf *out)
{
	(void)out;
}

static void make_headers(struct buf *out)
{
	struct buf fields = BUF_MAX(65536);
	char value[1000];

	memset(value, 'a', sizeof(value));
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
	h2_field(&fields, ":status", SPAN_LIT("200"));
	for (unsigned i = 0; i < 15; i++)
		h2_field(&fields, "x", span_new(value, sizeof(value)));
	h2_frame(out, H2_HEADERS, 0, 1, buf_span(&fields));
	h2_frame(out, H2_CONTINUATION, H2_END_HEADERS, 1, span_from(buf_span(&fields), 13));
	buf_clear(&fields);
}

static void make_push(struct buf *out)
{
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
	h2_frame(out, H2_PUSH, H2_END_HEADERS, 1, SPAN_LIT("\0\0\0\2\x82"));
}

static void make_giant_frame(struct buf *out)
{
	h2_frame(out, H2_SETTINGS, 0, 0, SPAN_NONE);
	h2_head(out, 0xffffff, H2_DATA, 0, 1);
	buf_puts(out, "xxxxxxxxxxxxxxxxxxxx");
}

static void takes_what_is_an_answer_and_names_what_is_none(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct buf *out);
		enum err_kind kind;
		const char *why;
	} cases[] = {
		{ "good", make_good, ERR_OK, NULL },
		{ "status", make_status, ERR_NOT_FOUND, "NOT_FOUND: no \xc3\xa4 %zz %" },
		{ "unknown status", make_unknown_status, ERR_DENIED, "UNKNOWN" },
		{ "HTTP error", make_http_error, ERR_FORMAT, "HTTP status 503" },
		{ "other type", make_no_type, ERR_FORMAT, "no content-type" },
		{ "no status", make_no_status, ERR_FORMAT, "no grpc-status" },
		{ "no message", make_no_message, ERR_FORMAT, "cut off" },
		{ "cut message", make_cut_message, ERR_FORMAT, "cut off" },
		{ "two messages", make_two_messages, ERR_FORMAT, "more than one" },
		{ "compressed", make_compressed, ERR_FORMAT, "compressed" },
		{ "giant message", make_giant, ERR_LIMIT, "at most 100" },
		{ "reset", make_reset, ERR_IO, "cancelled the call: INTERNAL_ERROR" },
		{ "refused", make_refused, ERR_RETRY, "REFUSED_STREAM" },
		{ "goodbye", make_goodbye, ERR_RETRY, "REFUSED_STREAM" },
		{ "HTTP/1", make_http1, ERR_FORMAT, "HTTP/2" },
		{ "nothing", make_nothing, ERR_IO, "closed the connection" },
		{ "too many headers", make_headers, ERR_LIMIT, "header fields exceed" },
		{ "push", make_push, ERR_IO, "closed the connection" },
		{ "giant frame", make_giant_frame, ERR_FORMAT, "HTTP/2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf answer = BUF_MAX(100);
		struct words words = { .bytes = BUF_MAX(H2_MAX) };
		struct err err = ERR_NONE;
		cases[i].make(&words.bytes);
		int result = call_words(&words, PATIENCE, &answer, &err);
		if ((result < 0) != (cases[i].why != NULL) || err.kind != cases[i].kind ||
				(result < 0 && !strstr(err.text, cases[i].why)))
			fail_msg("%s: %s: %s", cases[i].name, err_kind_name(err.kind), err.text);
		if (result == 0)
			assert_string_equal(buf_text(&answer), "hi");
	}
}

static void fails_when_the_answer_is_cut_anywhere(void **state)
{
	auto_buf struct buf whole = BUF_MAX(65536);

	(void)state;
	make_good(&whole);
	for (size_t len = 0; len < whole.len; len++) {
		auto_buf struct buf answer = BUF_MAX(100);
		struct words words = { .bytes = BUF_MAX(H2_MAX) };
		buf_add(&words.bytes, whole.ptr, len);
		assert_int_equal(call_words(&words, PATIENCE, &answer, NULL), -1);
	}
}

static void gives_up_on_a_peer_that_hangs(void **state)
{
	auto_buf struct buf answer = BUF_MAX(100);
	struct words words = { .bytes = BUF_MAX(H2_MAX), .hold = true };
	struct err err = ERR_NONE;

	(void)state;
	begin(&words.bytes, "200", GRPC, 0);
	assert_int_equal(call_words(&words, 100, &answer, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "no answer in time"));
}

/* Pings for as long as somebody listens. */
static void ping_forever(struct line *line, void *ctx)
{
	struct buf out = BUF_MAX(4096);

	(void)ctx;
	h2_frame(&out, H2_SETTINGS, 0, 0, SPAN_NONE);
	line_write(line, out.ptr, out.len);
	buf_reset(&out);
	h2_frame(&out, H2_PING, 0, 0, SPAN_LIT("12345678"));
	while (send(line->fd, out.ptr, out.len, MSG_NOSIGNAL) > 0)
		;
	buf_clear(&out);
}

static void gives_up_on_a_peer_that_only_makes_noise(void **state)
{
	struct peer peer = { .play = ping_forever };
	auto_buf struct buf answer = BUF_MAX(100);

	(void)state;
	peer_start(&peer);
	assert_int_equal(call(&peer, NULL, 200, &answer, NULL), -1);
	peer_stop(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_forms_of_a_target),
		cmocka_unit_test(says_that_nobody_listens),
		cmocka_unit_test(takes_what_is_an_answer_and_names_what_is_none),
		cmocka_unit_test(fails_when_the_answer_is_cut_anywhere),
		cmocka_unit_test(gives_up_on_a_peer_that_hangs),
		cmocka_unit_test(gives_up_on_a_peer_that_only_makes_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
