/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/err.h"
#include "base/own.h"
#include "tests/fault/peer.h"

#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include <cmocka.h>

static struct http *client_new(void)
{
	struct err err = ERR_NONE;
	struct http_options options = { .user_agent = "test/1" };
	struct http *http = http_new(&options, &err);

	assert_non_null(http);
	return http;
}

static char *url_at(const struct peer *peer, const char *path)
{
	char *url = NULL;

	assert_true(asprintf(&url, "http://127.0.0.1:%u%s", (unsigned)peer->port, path) > 0);
	return url;
}

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
				    "HTTP/1.1 200 OK\r\nContent-Type: %0200d\r\nLocation: %03000d\r\n"
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

/* ---- streams and time ---- */

static void play_head_then_wait(struct line *line, void *ctx)
{
	(void)ctx;
	if (line_read_head(line))
		line_puts(line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
	line_drain(line);
}

static void play_silence(struct line *line, void *ctx)
{
	(void)ctx;
	line_drain(line);
}

static void fetch_in_time(void (*play)(struct line *, void *), int total, int idle, int connect)
{
	struct peer peer = { .play = play };
	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/");
	struct http_request request = { .method = "GET",
		.url = url,
		.max_body = 100,
		.connect_timeout = connect,
		.total_timeout = total,
		.idle_timeout = idle };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	peer_stop(&peer);
}

static void ends_an_idle_stream(void **state)
{
	(void)state;
	fetch_in_time(play_head_then_wait, 0, 100, 0);
}

static void ends_a_call_after_its_total_time(void **state)
{
	(void)state;
	fetch_in_time(play_head_then_wait, 100, 0, 0);
}

static void ends_a_call_that_gets_no_head(void **state)
{
	(void)state;
	fetch_in_time(play_silence, 0, 50, 50);
	fetch_in_time(play_silence, 100, 0, 0);
}

struct stream {
	sem_t more;
	char got[64];
	int heads;
	bool done;
	bool failed;
	struct http *http;
	struct http_call *cancel; /* from the body handler */
	int fail_with;            /* of the body handler */
};

static void play_word_by_word(struct line *line, void *ctx)
{
	struct stream *stream = ctx;

	if (!line_read_head(line))
		return;
	line_puts(line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		line_puts(line, "3\r\nab\n\r\n");
		sem_wait(&stream->more);
	}
	line_puts(line, "0\r\n\r\n");
}

static int stream_head(void *ctx, const struct http_response *response, struct err *err)
{
	struct stream *stream = ctx;
	(void)err;

	assert_int_equal(response->status, 200);
	stream->heads++;
	return 0;
}

static int stream_body(void *ctx, struct span bytes, struct err *err)
{
	struct stream *stream = ctx;

	size_t used = strlen(stream->got);
	snprintf(stream->got + used, sizeof(stream->got) - used, "%.*s", SPAN_ARG(bytes));
	sem_post(&stream->more);
	if (stream->cancel)
		http_cancel(stream->http, stream->cancel);
	if (stream->fail_with)
		return err_set(err, (enum err_kind)stream->fail_with, "enough");
	return 0;
}

static void stream_done(void *ctx, const struct http_response *response, const struct err *failure)
{
	struct stream *stream = ctx;

	(void)response;
	assert_false(stream->done);
	stream->done = true;
	stream->failed = failure != NULL;
	if (failure && stream->fail_with)
		assert_int_equal(failure->kind, stream->fail_with);
}

static struct http_call *stream_start(struct stream *stream, struct http *http, const char *url)
{
	struct http_handler handler = {
		.ctx = stream, .head = stream_head, .body = stream_body, .done = stream_done
	};
	struct http_request request = { .method = "GET", .url = url, .max_body = 100, .idle_timeout = 20000 };
	struct err err = ERR_NONE;

	stream->http = http;
	sem_init(&stream->more, 0, 0);
	struct http_call *call = http_start(http, &request, &handler, &err);
	assert_non_null(call);
	return call;
}

static void turn_until_quiet(struct http *http)
{
	struct err err = ERR_NONE;

	while (http_running(http))
		assert_int_equal(http_turn(http, 20000, NULL, 0, &err), 0);
}

static void delivers_bytes_as_they_come(void **state)
{
	struct stream stream = { .heads = 0 };
	struct peer peer = { .play = play_word_by_word, .ctx = &stream };
	(void)state;

	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/watch");
	stream_start(&stream, http, url);
	/* the peer sends each word only after the one before was handed over */
	turn_until_quiet(http);
	peer_stop(&peer);
	assert_true(stream.done);
	assert_false(stream.failed);
	assert_int_equal(stream.heads, 1);
	assert_string_equal(stream.got, "ab\nab\nab\n");
}

static void a_handler_can_cancel_its_own_call(void **state)
{
	struct stream stream = { .heads = 0 };
	struct peer peer = { .play = play_head_then_wait };
	(void)state;

	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/watch");
	stream.cancel = stream_start(&stream, http, url);
	turn_until_quiet(http);
	peer_stop(&peer);
	assert_false(stream.done);
	assert_string_equal(stream.got, "a");
}

static void a_handler_can_cancel_another_call(void **state)
{
	struct stream one = { .heads = 0 }, other = { .heads = 0 };
	struct peer peer = { .play = play_head_then_wait }, silent = { .play = play_silence };
	(void)state;

	peer_start(&peer);
	peer_start(&silent);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/"), *url2 = url_at(&silent, "/");
	struct http_call *mine = stream_start(&one, http, url);
	one.cancel = stream_start(&other, http, url2);
	one.fail_with = ERR_DENIED;
	turn_until_quiet(http);
	(void)mine;
	peer_stop(&peer);
	peer_stop(&silent);
	assert_true(one.done && one.failed);
	assert_false(other.done);
}

static void a_handler_can_end_its_call_with_a_reason(void **state)
{
	struct stream stream = { .fail_with = ERR_CONFLICT };
	struct peer peer = { .play = play_head_then_wait };
	(void)state;

	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/watch");
	stream_start(&stream, http, url);
	turn_until_quiet(http);
	peer_stop(&peer);
	assert_true(stream.done && stream.failed);
}

static void frees_running_calls_without_their_handlers(void **state)
{
	struct stream stream = { .heads = 0 };
	struct peer peer = { .play = play_head_then_wait };
	struct err err = ERR_NONE;
	(void)state;

	peer_start(&peer);
	struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/watch");
	stream_start(&stream, http, url);
	while (!stream.got[0])
		assert_int_equal(http_turn(http, 20000, NULL, 0, &err), 0);
	http_free(http);
	peer_stop(&peer);
	assert_false(stream.done);
}

static void *wake_main(void *arg)
{
	http_wake(arg);
	return NULL;
}

static void a_turn_returns_when_woken_from_another_thread(void **state)
{
	auto_http struct http *http = client_new();
	struct err err = ERR_NONE;
	pthread_t thread;
	(void)state;

	assert_int_equal(pthread_create(&thread, NULL, wake_main, http), 0);
	assert_int_equal(http_turn(http, 600 * 1000, NULL, 0, &err), 0);
	pthread_join(thread, NULL);
}

static void a_turn_returns_for_a_descriptor_of_the_caller(void **state)
{
	auto_http struct http *http = client_new();
	struct err err = ERR_NONE;
	auto_fd int fd = eventfd(1, EFD_CLOEXEC);
	struct pollfd extra[17] = { { .fd = fd, .events = POLLIN } };
	(void)state;

	assert_int_equal(http_turn(http, 600 * 1000, extra, 1, &err), 0);
	assert_int_equal(extra[0].revents, POLLIN);
	assert_int_equal(http_turn(http, 0, extra, 17, &err), -1);
}

static void play_keep(struct line *line, void *ctx)
{
	(void)ctx;
	while (line_read_head(line))
		line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void reuses_its_connection(void **state)
{
	struct peer peer = { .play = play_keep };
	(void)state;

	peer_start(&peer);
	struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/");
	struct http_request request = { .method = "GET", .url = url, .max_body = 10, .total_timeout = 20000 };
	for (int i = 0; i < 50; i++) {
		auto_response struct http_response response = HTTP_RESPONSE_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	}
	http_free(http);
	peer_stop(&peer);
	assert_int_equal(atomic_load(&peer.connections), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_is_wrong_with_an_answer),
		cmocka_unit_test(refuses_requests_that_cannot_be),
		cmocka_unit_test(refuses_a_giant_head),
		cmocka_unit_test(ignores_fields_it_cannot_keep_whole),
		cmocka_unit_test(reads_status_fields_and_body),
		cmocka_unit_test(follows_no_redirect),
		cmocka_unit_test(skips_interim_heads_and_trailers),
		cmocka_unit_test(sends_what_was_asked_and_nothing_else),
		cmocka_unit_test(sends_an_empty_body_with_its_length),
		cmocka_unit_test(uses_the_proxy_it_is_given_but_not_for_the_exceptions),
		cmocka_unit_test(says_io_when_nobody_listens),
		cmocka_unit_test(ends_an_idle_stream),
		cmocka_unit_test(ends_a_call_after_its_total_time),
		cmocka_unit_test(ends_a_call_that_gets_no_head),
		cmocka_unit_test(delivers_bytes_as_they_come),
		cmocka_unit_test(a_handler_can_cancel_its_own_call),
		cmocka_unit_test(a_handler_can_cancel_another_call),
		cmocka_unit_test(a_handler_can_end_its_call_with_a_reason),
		cmocka_unit_test(frees_running_calls_without_their_handlers),
		cmocka_unit_test(a_turn_returns_when_woken_from_another_thread),
		cmocka_unit_test(a_turn_returns_for_a_descriptor_of_the_caller),
		cmocka_unit_test(reuses_its_connection),
	};
	struct err err = ERR_NONE;

	if (http_global_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
