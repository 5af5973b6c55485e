/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/err.h"
#include "base/own.h"
#include "tests/net/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/un.h>

#include <cmocka.h>

static void play_text(struct line *line, void *ctx)
{
	if (line_read_head(line))
		line_puts(line, ctx);
}

/* One GET against a peer that answers with text and closes. */
static int fetch_text(const char *text, struct http_response *response, struct err *err)
{
	struct peer peer = { .play = play_text, .ctx = strdup(text) };
	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/path?secret=1");
	struct http_request request = {
		.method = "GET", .url = url, .bearer = "token-1", .max_body = 100, .total_timeout = 20000
	};

	int result = http_fetch(http, &request, response, err);
	peer_stop(&peer);
	free(peer.ctx);
	return result;
}

static void reads_status_fields_and_body(void **state)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch_text("HTTP/1.1 503 Busy\r\ncontent-TYPE:  text/plain \r\nRetry-After: 7\r\n"
				    "WWW-Authenticate: Bearer realm=\"x\"\r\nLocation: /there\r\n"
				    "Content-Length: 5\r\n\r\nhello",
					 &response, &err),
			0);
	assert_int_equal(response.status, 503);
	assert_int_equal(response.retry_after, 7);
	assert_string_equal(response.content_type, "text/plain");
	assert_string_equal(response.www_authenticate, "Bearer realm=\"x\"");
	assert_string_equal(response.location, "/there");
	assert_string_equal(buf_text(&response.body), "hello");
}

/* A socket of the file system whose one connection is answered. */
static void *answer_on_socket(void *arg)
{
	struct line *line = calloc(1, sizeof(*line));
	int *listening = arg;

	if (!line)
		abort();
	line->fd = accept(*listening, NULL, NULL);
	if (line_read_head(line) && strstr(line->head, "Host: broker.example:81\r\n"))
		line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlocal");
	close(line->fd);
	free(line);
	return NULL;
}

static void connects_through_a_unix_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/cocoon-http-XXXXXX";
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	pthread_t thread;
	(void)state;

	assert_non_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_on_socket, &fd), 0);
	struct http_options options = {
		.user_agent = "test/1", .unix_socket = address.sun_path, .proxy = "http://127.0.0.1:1"
	};
	auto_http struct http *http = http_new(&options, &err);
	struct http_request request = {
		.method = "GET", .url = "http://broker.example:81/a", .max_body = 100, .total_timeout = 20000
	};
	if (http_fetch(http, &request, &response, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&response.body), "local");
	pthread_join(thread, NULL);
	close(fd);
	assert_int_equal(unlink(address.sun_path), 0);
	/* and to no other place when nobody is there */
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(rmdir(folder), 0);
}

static void refuses_a_socket_whose_path_is_too_long(void **state)
{
	char path[109];
	struct http_options options = { .user_agent = "test/1", .unix_socket = path };
	struct err err = ERR_NONE;
	(void)state;

	memset(path, 'x', sizeof(path) - 1);
	path[108] = '\0';
	assert_null(http_new(&options, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	path[107] = '\0';
	auto_http struct http *http = http_new(&options, &err);
	assert_non_null(http);
}

static void keeps_cookies_one_a_line(void **state)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	char *text = NULL;
	(void)state;

	/* what does not fit is left out whole */
	assert_true(asprintf(&text,
				    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Sun, 22 Nov 2026 03:04:35 "
				    "GMT\r\n"
				    "set-cookie:b=2\r\nSet-Cookie: c=%01020d\r\nSet-Cookie: d=4\r\n"
				    "Content-Length: 0\r\n\r\n",
				    0) > 0);
	assert_int_equal(fetch_text(text, &response, &err), 0);
	assert_string_equal(response.set_cookie, "a=1; Expires=Sun, 22 Nov 2026 03:04:35 GMT\nb=2\nd=4");
	free(text);
}

static void follows_no_redirect(void **state)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch_text("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: "
				    "0\r\n\r\n",
					 &response, &err),
			0);
	assert_int_equal(response.status, 302);
}

static void skips_interim_heads_and_trailers(void **state)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch_text("HTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\nHTTP/1.1 200 OK\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nLocation: "
				    "/late\r\n\r\n",
					 &response, &err),
			0);
	assert_int_equal(response.status, 200);
	assert_int_equal(response.retry_after, 0);
	assert_string_equal(response.location, "");
	assert_string_equal(buf_text(&response.body), "ok");
}

static void ignores_fields_it_cannot_keep_whole(void **state)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	char *text = NULL;
	(void)state;

	assert_true(asprintf(&text,
				    "HTTP/1.1 200 OK\r\nContent-Type: %0200d\r\nLocation: %09000d\r\n"
				    "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n",
				    0, 0) > 0);
	assert_int_equal(fetch_text(text, &response, &err), 0);
	assert_string_equal(response.content_type, "");
	assert_string_equal(response.location, "");
	assert_int_equal(response.retry_after, 0);
	free(text);
}

static void names_what_is_wrong_with_an_answer(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "nothing", "", ERR_IO, "" },
		{ "half a status line", "HTTP/1.", ERR_IO, "" },
		{ "half a head", "HTTP/1.1 200 OK\r\nContent-Le", ERR_IO, "" },
		{ "no HTTP", "SSH-2.0-x\r\n\r\n", ERR_FORMAT, "" },
		{ "body cut off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ERR_IO, "7 bytes" },
		{ "chunk cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ERR_IO,
				"" },
		{ "bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ERR_IO, "" },
		{ "encoded", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
				ERR_FORMAT, "encoded as 'br'" },
		{ "too long", "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n%0101d", ERR_LIMIT,
				"exceeds 100 bytes" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_response struct http_response response = HTTP_RESPONSE_NONE;
		struct err err = ERR_NONE;
		char text[1024] = "";
		/* the only conversion in the table is the one long number */
		if (strstr(cases[i].text, "%0101d"))
			snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n%0101d",
					0);
		else
			memcpy(text, cases[i].text, strlen(cases[i].text) + 1);
		if (fetch_text(text, &response, &err) == 0 || err.kind != cases[i].kind ||
				!strstr(err.text, cases[i].says))
			fail_msg("%s: %s: %s", cases[i].name, err_kind_name(err.kind), err.text);
		assert_non_null(strstr(err.text, "/path: "));
		assert_null(strstr(err.text, "secret"));
		assert_null(strstr(err.text, "token-1"));
		assert_int_equal(response.body.len, 0);
	}
}

static void refuses_a_giant_head(void **state)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	size_t len = 0;
	char *text = calloc(1, 100000);
	(void)state;

	assert_non_null(text);
	len += (size_t)snprintf(text, 100, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
	while (len < 80000) {
		memcpy(text + len, "X-Pad: 0123456789012345678901234567890123456789\r\n", 49);
		len += 49;
	}
	memcpy(text + len, "\r\n", 3);
	assert_int_equal(fetch_text(text, &response, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	free(text);
}

/* What the request looked like; each connection answers "ok". */
static void play_record(struct line *line, void *ctx)
{
	char body[64] = "";
	const char *length;

	if (!line_read_head(line))
		return;
	length = strstr(line->head, "Content-Length: ");
	for (long left = length ? strtol(length + 16, NULL, 10) : 0, at = 0; left > 0; left--, at++)
		if (line_read(line, body + at, 1) != 1)
			return;
	char *seen = ctx;
	snprintf(seen, 8192, "%.8000s%s", line->head, body);
	line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void sends_what_was_asked_and_nothing_else(void **state)
{
	static char seen[8192];
	struct peer peer = { .play = play_record, .ctx = seen };
	const char *headers[] = { "Content-Type: application/json", "X-One: 1", NULL };
	(void)state;

	/* the environment must not matter */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/a%20b?c=d");
	struct http_request request = { .method = "PATCH",
		.url = url,
		.headers = headers,
		.bearer = "abc.def",
		.body = SPAN_LIT("{\"a\":1}"),
		.max_body = 10,
		.total_timeout = 20000 };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	peer_stop(&peer);
	assert_non_null(strstr(seen, "PATCH /a%20b?c=d HTTP/1.1\r\n"));
	assert_non_null(strstr(seen, "\r\nAuthorization: Bearer abc.def\r\n"));
	assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(seen, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(seen, "\r\nUser-Agent: test/1\r\n"));
	assert_non_null(strstr(seen, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(seen, "Expect"));
	assert_null(strstr(seen, "Accept-Encoding"));
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

static void sends_an_empty_body_with_its_length(void **state)
{
	static char seen[8192];
	struct peer peer = { .play = play_record, .ctx = seen };
	(void)state;

	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "");
	struct http_request request = {
		.method = "POST", .url = url, .max_body = 10, .total_timeout = 20000
	};
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	peer_stop(&peer);
	assert_non_null(strstr(seen, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(seen, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(seen, "Content-Type"));
}

static void uses_the_proxy_it_is_given_but_not_for_the_exceptions(void **state)
{
	static char seen[8192];
	struct peer proxy = { .play = play_record, .ctx = seen };
	char text[64];
	struct err err = ERR_NONE;
	(void)state;

	peer_start(&proxy);
	snprintf(text, sizeof(text), "http://127.0.0.1:%u", (unsigned)proxy.port);
	struct http_options options = {
		.user_agent = "t", .proxy = text, .no_proxy = "127.0.0.1,other.test"
	};
	auto_http struct http *http = http_new(&options, &err);
	assert_non_null(http);
	struct http_request request = {
		.method = "GET", .url = "http://name.test/x", .max_body = 10, .total_timeout = 20000
	};
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	assert_non_null(strstr(seen, "GET http://name.test/x HTTP/1.1\r\n"));
	auto_free char *url = url_at(&proxy, "/direct");
	request.url = url;
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	assert_non_null(strstr(seen, "GET /direct HTTP/1.1\r\n"));
	peer_stop(&proxy);
}

static void refuses_requests_that_cannot_be(void **state)
{
	static const char *const broken[] = { "X-A: 1\r\nX-B: 2", NULL };
	static const char *const nameless[] = { "no colon", NULL };
	const struct http_request good = {
		.method = "GET", .url = "http://127.0.0.1:1/", .max_body = 10, .total_timeout = 1000
	};
	struct {
		const char *name;
		struct http_request request;
	} cases[12] = { { "no method", good }, { "method", good }, { "no url", good }, { "scheme", good },
		{ "user", good }, { "no ceiling", good }, { "no timeout", good }, { "bearer", good },
		{ "header lines", good }, { "header name", good }, { "fragment", good },
		{ "method space", good } };
	auto_http struct http *http = client_new();
	(void)state;

	cases[0].request.method = NULL;
	cases[1].request.method = "get";
	cases[2].request.url = NULL;
	cases[3].request.url = "file:///etc/passwd";
	cases[4].request.url = "http://a:b@127.0.0.1/";
	cases[5].request.max_body = 0;
	cases[6].request.total_timeout = 0;
	cases[7].request.bearer = "a\r\nX: y";
	cases[8].request.headers = broken;
	cases[9].request.headers = nameless;
	cases[10].request.url = "http://127.0.0.1/#x";
	cases[11].request.method = "GET /x";
	for (size_t i = 0; i < 12; i++) {
		auto_response struct http_response response = HTTP_RESPONSE_NONE;
		struct err err = ERR_NONE;
		if (http_fetch(http, &cases[i].request, &response, &err) == 0 || err.kind != ERR_USAGE)
			fail_msg("%s: %s", cases[i].name, err.text);
	}
	assert_int_equal(http_running(http), 0);
}

static void says_io_when_nobody_listens(void **state)
{
	uint16_t port;
	int fd = peer_listen(&port);
	char url[64];
	auto_http struct http *http = client_new();
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	(void)state;

	close(fd);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)port);
	struct http_request request = { .method = "GET", .url = url, .max_body = 10, .total_timeout = 20000 };
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_is_wrong_with_an_answer),
		cmocka_unit_test(refuses_requests_that_cannot_be),
		cmocka_unit_test(refuses_a_giant_head),
		cmocka_unit_test(ignores_fields_it_cannot_keep_whole),
		cmocka_unit_test(reads_status_fields_and_body),
		cmocka_unit_test(connects_through_a_unix_socket),
		cmocka_unit_test(refuses_a_socket_whose_path_is_too_long),
		cmocka_unit_test(keeps_cookies_one_a_line),
		cmocka_unit_test(follows_no_redirect),
		cmocka_unit_test(skips_interim_heads_and_trailers),
		cmocka_unit_test(sends_what_was_asked_and_nothing_else),
		cmocka_unit_test(sends_an_empty_body_with_its_length),
		cmocka_unit_test(uses_the_proxy_it_is_given_but_not_for_the_exceptions),
		cmocka_unit_test(says_io_when_nobody_listens),
	};
	struct err err = ERR_NONE;

	if (http_global_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
