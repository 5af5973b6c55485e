/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include "base/own.h"
#include "net/http.h"
#include "tests/net/running.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void answers_what_it_cannot_take(void **state)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{ "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "GET /count/ HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "GET /%63ount HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "DELETE /count HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
		{ "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", 415 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: text/json\r\n\r\n", 415 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
				411 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 4194305\r\n\r\n", 413 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400 },
		{ "GET /count\r\n\r\n", 400 },
		{ "\x16\x03\x01\r\n\r\n", 400 },
		{ "GET /count HTTP/2.0\r\nHost: h\r\n\r\n", 505 },
		{ "GET /count HTTP/1.1\r\nHost: h\r\nExpect: gold\r\n\r\n", 417 },
	};
	struct running running = { .result = 0 };
	(void)state;

	running_start(&running);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf got = BUF_MAX(10000);
		auto_fd int fd = connect_to(&running);
		char want[64];
		send_text(fd, cases[i].request);
		read_until(fd, &got, NULL);
		snprintf(want, sizeof(want), "HTTP/1.1 %d ", cases[i].status);
		if (!span_starts(buf_span(&got), want) || !strstr(buf_text(&got), "{\"error\":\"") ||
				!strstr(buf_text(&got), "\r\nConnection: close\r\n"))
			fail_msg("%s\n%s", cases[i].request, buf_text(&got));
	}
	assert_int_equal(running_stop(&running), 0);
}

static void names_the_allowed_methods(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
	read_until(fd, &got, NULL);
	assert_non_null(strstr(buf_text(&got), "\r\nAllow: POST\r\n"));
	assert_int_equal(running_stop(&running), 0);
}

static void refuses_a_giant_head_at_once(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000), head = BUF_MAX(200000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	buf_puts(&head, "GET /count HTTP/1.1\r\nHost: h\r\nX: ");
	while (head.len < 150000)
		buf_putc(&head, 'x');
	send_text(fd, buf_text(&head));
	read_until(fd, &got, NULL);
	assert_true(span_starts(buf_span(&got), "HTTP/1.1 431 "));
	assert_int_equal(running_stop(&running), 0);
}

static void takes_a_head_of_130_kilobytes(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000), head = BUF_MAX(200000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	buf_puts(&head, "GET /count HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ");
	while (head.len < 130000)
		buf_putc(&head, 'x');
	buf_puts(&head, "\r\n\r\n");
	send_text(fd, buf_text(&head));
	read_until(fd, &got, "\r\n\r\n1");
	assert_true(span_starts(buf_span(&got), "HTTP/1.1 200 "));
	assert_int_equal(running_stop(&running), 0);
}

static void answers_pipelined_requests_in_order(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(100000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd,
			GET_COUNT "POST /echo HTTP/1.1\r\nHost: h\r\n" JSON
				  "Content-Length: 7\r\n\r\n{\"a\":2}" GET_COUNT
				  "GET /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET_COUNT);
	read_until(fd, &got, NULL);
	const char *at = buf_text(&got);
	const char *const want[] = { "\r\n\r\n1", "\r\n\r\n{\"a\":2}", "\r\n\r\n3", "Connection: close",
		"\r\n\r\n4" };
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		at = strstr(at, want[i]);
		assert_non_null(at);
	}
	assert_null(strstr(buf_text(&got), "\r\n\r\n5"));
	assert_int_equal(running_stop(&running), 0);
}

static void reads_a_request_that_comes_byte_by_byte(void **state)
{
	static const char text[] =
			"\r\nPOST /echo HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 7\r\n\r\n{\"a\":1}";
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char one[2] = { text[i], '\0' };
		send_text(fd, one);
	}
	read_until(fd, &got, "{\"a\":1}");
	assert_true(span_starts(buf_span(&got), "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(running_stop(&running), 0);
}

static void invites_a_body_that_waits_for_it(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd,
			"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" JSON
			"Content-Length: 2\r\n\r\n");
	read_until(fd, &got, "\r\n\r\n");
	assert_string_equal(buf_text(&got), "HTTP/1.1 100 Continue\r\n\r\n");
	send_text(fd, "{}");
	buf_reset(&got);
	read_until(fd, &got, "\r\n\r\n{}");
	assert_int_equal(running_stop(&running), 0);
}

static void answers_head_without_a_body(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, "HEAD /count HTTP/1.0\r\n\r\n");
	read_until(fd, &got, NULL);
	assert_true(span_starts(buf_span(&got), "HTTP/1.1 200 "));
	assert_non_null(strstr(buf_text(&got), "Content-Length: 1\r\n"));
	assert_true(span_ends(buf_span(&got), "\r\n\r\n"));
	assert_int_equal(running_stop(&running), 0);
}

static void count_connections(struct running *running)
{
	running->result = (int)server_connections(running->server);
}

static void serves_ten_thousand_requests_on_one_connection(void **state)
{
	struct running running = { .result = 0 };
	struct http_options options = { .user_agent = "test" };
	struct err err = ERR_NONE;
	char url[64];
	(void)state;

	running_start(&running);
	struct http *http = http_new(&options, &err);
	assert_non_null(http);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/count?word=a%%2Bb+c",
			(unsigned)server_port(running.server, 0));
	struct http_request request = {
		.method = "GET", .url = url, .max_body = 100, .total_timeout = 60000
	};
	for (int i = 1; i <= 10000; i++) {
		auto_response struct http_response response = HTTP_RESPONSE_NONE;
		char want[32];
		if (http_fetch(http, &request, &response, &err) < 0)
			fail_msg("%s", err.text);
		snprintf(want, sizeof(want), "a+b c %d", i);
		assert_string_equal(buf_text(&response.body), want);
	}
	running_do(&running, count_connections);
	assert_int_equal(running.result, 1);
	http_free(http);
	assert_int_equal(running_stop(&running), 0);
}

static void sends_a_reply_larger_than_all_buffers(void **state)
{
	struct running running = { .result = 0 };
	size_t total = 0;
	static char chunk[65536];
	ssize_t n;
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	/* three at once: the server must not begin the next reply before the one before has left it */
	send_text(fd,
			"GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\n\r\n"
			"GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		total += (size_t)n;
	assert_int_equal(n, 0);
	assert_in_range(total, 3 * RUNNING_BIG, 3 * RUNNING_BIG + 1000);
	assert_int_equal(running_stop(&running), 0);
}

static void takes_a_body_up_to_its_ceiling(void **state)
{
	struct running running = { .result = 0 };
	struct http_options options = { .user_agent = "test" };
	const char *headers[] = { "Content-Type: application/json; charset=utf-8", NULL };
	struct err err = ERR_NONE;
	char url[64];
	char *body = malloc(RUNNING_MAX_BODY);
	(void)state;

	assert_non_null(body);
	memset(body, 'x', RUNNING_MAX_BODY);
	running_start(&running);
	struct http *http = http_new(&options, &err);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/echo", (unsigned)server_port(running.server, 0));
	struct http_request request = { .method = "POST",
		.url = url,
		.headers = headers,
		.body = span_new(body, RUNNING_MAX_BODY),
		.max_body = RUNNING_MAX_BODY,
		.total_timeout = 60000 };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	assert_int_equal(response.status, 200);
	assert_true(span_eq(buf_span(&response.body), request.body));
	http_free(http);
	free(body);
	assert_int_equal(running_stop(&running), 0);
}

static void forgets_peers_that_leave_in_the_middle(void **state)
{
	static const char text[] =
			"POST /echo HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 70000\r\n\r\n{\"a\":";
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	for (size_t len = 1; len < sizeof(text); len++) {
		int fd = connect_to(&running);
		struct line line = { .fd = fd };
		line_write(&line, text, len);
		close(fd);
	}
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_COUNT);
	read_until(fd, &got, "\r\n\r\n1");
	/* ends only when no request is left over */
	assert_int_equal(running_stop(&running), 0);
}

static void escapes_the_text_of_a_failure(void **state)
{
	struct server_reply reply = { .body = BUF_MAX(1000) };
	(void)state;

	server_fail(&reply, 400, "a \"b\" \\ %s", "\n\x80");
	assert_int_equal(reply.status, 400);
	assert_string_equal(buf_text(&reply.body), "{\"error\":\"a \\\"b\\\" \\\\ ??\"}\n");
	buf_clear(&reply.body);
}

static void finds_query_parameters(void **state)
{
	static const struct {
		const char *query;
		const char *want; /* NULL: not there */
	} cases[] = {
		{ "", NULL },
		{ "a", "" },
		{ "a=1", "1" },
		{ "b=2&a=1&a=3", "1" },
		{ "aa=2&a=", "" },
		{ "%61=x%20y+z", "x y z" },
		{ "a=%0", NULL },
		{ "a=%00", NULL },
		{ "%zz=1&a=2", "2" },
		{ "a=0123456789", NULL },
		{ "&&a=1", "1" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server_request request = { .query = span_of(cases[i].query) };
		char out[8];
		bool found = server_query(&request, "a", out, sizeof(out));
		if (found != (cases[i].want != NULL) || (found && strcmp(out, cases[i].want) != 0))
			fail_msg("%s", cases[i].query);
	}
}

static void say_path(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	(void)ctx;
	buf_printf(&reply->body, "%s %s %.*s.", request->method, request->path, SPAN_ARG(request->query));
}

/* An absolute URL need not have a path: RFC 9112, 3.2.2 */
static void serves_a_url_without_a_path(void **state)
{
	static const struct server_route all[] = { { .path = "/", .handle = say_path } };
	static const struct {
		const char *request, *said;
	} cases[] = {
		{ "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\nGET / ." },
		{ "GET http://h?a=b HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\nGET / a=b." },
		{ "GET http://h/x?a=b HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\nGET /x a=b." },
		{ "GET /?a HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\nGET / a." },
	};
	struct running running = { .listener = { .routes = all, .route_count = 1 } };
	(void)state;

	running_start(&running);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf got = BUF_MAX(10000);
		auto_fd int fd = connect_to(&running);
		send_text(fd, cases[i].request);
		read_until(fd, &got, cases[i].said);
		if (!strstr(buf_text(&got), cases[i].said))
			fail_msg("%s\n%s", cases[i].request, buf_text(&got));
	}
	assert_int_equal(running_stop(&running), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_what_it_cannot_take),
		cmocka_unit_test(refuses_a_giant_head_at_once),
		cmocka_unit_test(names_the_allowed_methods),
		cmocka_unit_test(takes_a_head_of_130_kilobytes),
		cmocka_unit_test(answers_pipelined_requests_in_order),
		cmocka_unit_test(reads_a_request_that_comes_byte_by_byte),
		cmocka_unit_test(invites_a_body_that_waits_for_it),
		cmocka_unit_test(answers_head_without_a_body),
		cmocka_unit_test(serves_ten_thousand_requests_on_one_connection),
		cmocka_unit_test(sends_a_reply_larger_than_all_buffers),
		cmocka_unit_test(takes_a_body_up_to_its_ceiling),
		cmocka_unit_test(forgets_peers_that_leave_in_the_middle),
		cmocka_unit_test(escapes_the_text_of_a_failure),
		cmocka_unit_test(finds_query_parameters),
		cmocka_unit_test(serves_a_url_without_a_path),
	};
	struct err err = ERR_NONE;

	signal(SIGPIPE, SIG_IGN);
	server_global_init();
	if (http_global_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
