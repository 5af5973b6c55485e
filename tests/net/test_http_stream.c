/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/err.h"
#include "base/own.h"
#include "tests/net/client.h"

#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include <cmocka.h>

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
