/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char good[] =
		"POST /mutate?timeout=10s HTTP/1.1\r\nHost: h:443\r\ncontent-type:\tapplication/json \r\n"
		"Content-Length: 12\r\nX: \xc3\xa4\r\nEmpty:\r\n\r\n";

static void reads_a_request_of_the_api_server(void **state)
{
	struct err err = ERR_NONE;
	struct head head;
	int status = 0;
	(void)state;

	if (head_parse(span_of(good), &head, &status, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(span_is(head.method, "POST"));
	assert_true(span_is(head.path, "/mutate"));
	assert_true(span_is(head.query, "timeout=10s"));
	assert_true(span_is(head.type, "application/json"));
	assert_int_equal(head.body_len, 12);
	assert_true(head.keep_alive);
	assert_false(head.expect_continue);
}

static void keeps_who_asks(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\nAUTHORIZATION:  Bearer a.b.c \r\n"
				   "Cookie: kbs-session-id=1; b=2\r\n\r\n";
	struct head head;
	int status = 0;
	(void)state;

	assert_int_equal(head_parse(span_of(good), &head, &status, NULL), 0);
	assert_int_equal(head.authorization.len + head.cookie.len, 0);
	assert_int_equal(head_parse(span_of(text), &head, &status, NULL), 0);
	assert_true(span_is(head.authorization, "Bearer a.b.c"));
	assert_true(span_is(head.cookie, "kbs-session-id=1; b=2"));
}

static void finds_the_end_wherever_the_pieces_are_cut(void **state)
{
	size_t len = sizeof(good) - 1;
	(void)state;

	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(head_length(span_new(good, cut), 0), 0);
		assert_int_equal(head_length(span_new(good, len), cut), len);
	}
	assert_int_equal(head_length(SPAN_LIT("\r\n\r\nGET / HTTP/1.0\r\n\r\nrest"), 0), 22);
	assert_int_equal(head_length(SPAN_LIT("\r\n\r\n\r\n"), 0), 0);
}

static void refuses_a_head_cut_at_every_byte(void **state)
{
	(void)state;

	/* as if the connection had ended there: with the empty line put behind, it must not read as a whole head that
	 * asks for a body of another length */
	for (size_t cut = 0; cut < sizeof(good) - 1; cut++) {
		auto_buf struct buf text = BUF_MAX(1000);
		struct head head = { .body_len = 0 };
		int status = 0;
		buf_add(&text, good, cut);
		buf_puts(&text, "\r\n\r\n");
		if (head_parse(buf_span(&text), &head, &status, NULL) == 0)
			assert_true(head.body_len == 0 || head.body_len == 1 || head.body_len == 12);
		else
			assert_true(status == 400 || status == 505);
	}
}

#define H "Host: h\r\n"

static void refuses_malformed_heads_with_the_right_status(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "\r\n", 400 },
		{ "GET\r\n" H "\r\n", 400 },
		{ "GET /\r\n" H "\r\n", 400 },
		{ "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1 \r\n" H "\r\n", 400 },
		{ " GET / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "G(T / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET x HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET /#f HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET ftp://h/ HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET http://u@h/ HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET /\x80 HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET /\x01 HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.2\r\n" H "\r\n", 505 },
		{ "GET / HTTP/3.0\r\n" H "\r\n", 505 },
		{ "GET / http/1.1\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H H "\r\n", 400 },
		{ "GET / HTTP/1.1\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H " folded\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "X : y\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H ": y\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 01\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 411 },
		{ "POST / HTTP/1.1\r\n" H "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "Authorization: a\r\nauthorization: b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "Authorization:\r\nAuthorization: b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "Cookie: a=1\r\nCookie: b=2\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Expect: x\r\n\r\n", 417 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		struct head head;
		int status = 0;
		if (head_parse(span_of(cases[i].text), &head, &status, &err) == 0 ||
				status != cases[i].status)
			fail_msg("%d %s\n%s", status, err.text, cases[i].text);
	}
}

static void bounds_fields_and_bytes(void **state)
{
	auto_buf struct buf many = BUF_MAX(100000), big = BUF_MAX((size_t)2 * HEAD_MAX);
	struct head head;
	int status = 0;
	(void)state;

	buf_puts(&many, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < HEAD_FIELDS_MAX; i++)
		buf_puts(&many, "A: b\r\n");
	buf_puts(&many, "\r\n");
	assert_int_equal(head_parse(buf_span(&many), &head, &status, NULL), -1);
	assert_int_equal(status, 431);
	buf_puts(&big, "GET / HTTP/1.1\r\n" H "A: ");
	while (big.len <= HEAD_MAX)
		buf_putc(&big, 'a');
	buf_puts(&big, "\r\n\r\n");
	assert_int_equal(head_parse(buf_span(&big), &head, &status, NULL), -1);
	assert_int_equal(status, 431);
}

static void knows_whether_the_connection_goes_on(void **state)
{
	static const struct {
		const char *text;
		bool keep_alive;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" H "\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection: x, CLOSE\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection: upgrade\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head head;
		int status;
		assert_int_equal(head_parse(span_of(cases[i].text), &head, &status, NULL), 0);
		if (head.keep_alive != cases[i].keep_alive)
			fail_msg("%s", cases[i].text);
	}
}

static void takes_an_absolute_target(void **state)
{
	struct head head;
	int status;
	(void)state;

	assert_int_equal(head_parse(SPAN_LIT("GET http://h:1/a?b HTTP/1.1\r\n" H "\r\n"), &head, &status,
					 NULL),
			0);
	assert_true(span_is(head.path, "/a"));
	assert_true(span_is(head.query, "b"));
	assert_int_equal(head_parse(SPAN_LIT("GET http://h HTTP/1.1\r\n" H "\r\n"), &head, &status, NULL), 0);
	assert_true(span_is(head.path, "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_malformed_heads_with_the_right_status),
		cmocka_unit_test(refuses_a_head_cut_at_every_byte),
		cmocka_unit_test(bounds_fields_and_bytes),
		cmocka_unit_test(keeps_who_asks),
		cmocka_unit_test(finds_the_end_wherever_the_pieces_are_cut),
		cmocka_unit_test(reads_a_request_of_the_api_server),
		cmocka_unit_test(knows_whether_the_connection_goes_on),
		cmocka_unit_test(takes_an_absolute_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
