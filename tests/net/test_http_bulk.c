/* SPDX-License-Identifier: Apache-2.0 */
/* Megabytes in both directions, a reader that makes the peer wait, and the header fields that registries use. */
#include "net/http.h"

#include "base/err.h"
#include "base/own.h"
#include "tests/net/client.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SIZE ((size_t)8 * 1024 * 1024)

static char byte_at(size_t i)
{
	return (char)(i * 11 + (i >> 12));
}

/* ---- a reader that takes its time ---- */

struct slow {
	size_t at;
	size_t limit; /* bytes that may be taken until the next resume */
	int pauses;
	bool refuse; /* at the next bytes */
	bool done;
	bool paused;
	struct err failure;
};

static void play_many_bytes(struct line *line, void *ctx)
{
	char *bytes = malloc(SIZE);

	(void)ctx;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = byte_at(i);
	while (line_read_head(line)) {
		line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
		line_write(line, bytes, SIZE);
	}
	free(bytes);
}

static int slow_body(void *ctx, struct span bytes, struct err *err)
{
	struct slow *slow = ctx;

	assert_false(slow->paused);
	if (slow->at + bytes.len > slow->limit) {
		slow->pauses++;
		slow->paused = true;
		return HTTP_PAUSE;
	}
	if (slow->refuse)
		return err_set(err, ERR_FORMAT, "refused");
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.ptr[i] != byte_at(slow->at + i))
			fail_msg("byte %zu", slow->at + i);
	slow->at += bytes.len;
	return 0;
}

static void slow_done(void *ctx, const struct http_response *response, const struct err *failure)
{
	struct slow *slow = ctx;

	(void)response;
	slow->done = true;
	if (failure)
		slow->failure = *failure;
}

/* Takes `step` bytes at a time until the end. */
static void read_slowly(struct slow *slow, size_t step, size_t refuse_at)
{
	struct peer peer = { .play = play_many_bytes };
	peer_start(&peer);
	struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/");
	struct http_request request = { .method = "GET",
		.url = url,
		.max_body = SIZE,
		.bulk = true,
		.connect_timeout = 5000,
		.idle_timeout = 5000 };
	struct http_handler handler = { .ctx = slow, .body = slow_body, .done = slow_done };

	slow->limit = step;
	struct http_call *call = http_start(http, &request, &handler, NULL);
	assert_non_null(call);
	while (!slow->done) {
		assert_int_equal(http_turn(http, slow->paused ? 0 : 1000, NULL, 0, NULL), 0);
		if (!slow->paused)
			continue;
		/* nothing comes before it is asked for */
		assert_int_equal(http_turn(http, 0, NULL, 0, NULL), 0);
		slow->limit = slow->at + step;
		slow->refuse = refuse_at && slow->at >= refuse_at;
		slow->paused = false;
		http_resume(http, call);
	}
	http_free(http);
	peer_stop(&peer);
}

static void makes_the_peer_wait_for_a_slow_reader(void **state)
{
	static const size_t steps[] = { 16384, 100000, SIZE / 2, SIZE };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct slow slow = { .failure = ERR_NONE };
		read_slowly(&slow, steps[i], 0);
		assert_int_equal(slow.failure.kind, ERR_OK);
		assert_int_equal(slow.at, SIZE);
		assert_true(steps[i] == SIZE ? !slow.pauses : slow.pauses > 0);
	}
}

static void hears_a_refusal_behind_a_pause(void **state)
{
	struct slow slow = { .failure = ERR_NONE };

	(void)state;
	read_slowly(&slow, 100000, 200000 - 32768);
	assert_int_equal(slow.failure.kind, ERR_FORMAT);
	assert_non_null(strstr(slow.failure.text, "refused"));
}

static void is_not_idle_while_it_is_paused(void **state)
{
	struct slow slow = { .failure = ERR_NONE };
	struct peer peer = { .play = play_many_bytes };
	peer_start(&peer);
	auto_http struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/");
	struct http_request request = {
		.method = "GET", .url = url, .max_body = SIZE, .connect_timeout = 5000, .idle_timeout = 1
	};
	struct http_handler handler = { .ctx = &slow, .body = slow_body, .done = slow_done };

	(void)state;
	assert_non_null(http_start(http, &request, &handler, NULL));
	while (!slow.paused && !slow.done)
		assert_int_equal(http_turn(http, 1000, NULL, 0, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(http_turn(http, 5, NULL, 0, NULL), 0);
	assert_false(slow.done);
	http_free(take(&http));
	peer_stop(&peer);
}

/* ---- a large body out ---- */

struct receiver {
	size_t cut; /* close after so many bytes of the second request; 0: never */
	int requests;
	size_t got;
	size_t wrong;
};

static void play_receive(struct line *line, void *ctx)
{
	struct receiver *receiver = ctx;
	char chunk[8192];

	while (line_read_head(line)) {
		size_t limit = ++receiver->requests == 2 && receiver->cut ? receiver->cut : SIZE;
		receiver->got = 0;
		while (receiver->got < limit) {
			ssize_t n = line_read(line, chunk, sizeof(chunk));
			if (n <= 0)
				return;
			for (ssize_t i = 0; i < n; i++)
				receiver->wrong += chunk[i] != byte_at(receiver->got + (size_t)i);
			receiver->got += (size_t)n;
		}
		if (limit < SIZE)
			return;
		line_puts(line, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	}
}

static void sends_a_large_body_whole_and_no_part_of_it_twice(void **state)
{
	struct receiver receiver = { .cut = 1000000 };
	struct peer peer = { .play = play_receive, .ctx = &receiver };
	char *bytes = malloc(SIZE);
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = byte_at(i);
	peer_start(&peer);
	struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/");
	struct http_request request = { .method = "PATCH",
		.url = url,
		.body = span_new(bytes, SIZE),
		.bulk = true,
		.max_body = 100,
		.idle_timeout = 5000 };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	assert_int_equal(response.status, 201);
	assert_int_equal(receiver.got, SIZE);
	/* the kept connection is cut: curl alone would begin anew on another one */
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	http_free(http);
	peer_stop(&peer);
	assert_int_equal(receiver.requests, 2);
	assert_int_equal(receiver.wrong, 0);
	free(bytes);
}

/* ---- header fields ---- */

static void play_fields(struct line *line, void *ctx)
{
	(void)ctx;
	if (line_read_head(line))
		line_puts(line,
				"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"a\"\r\nETag: \"e\"\r\n"
				"Range: 0-99\r\nContent-Range: bytes 0-1/2\r\nDocker-Content-Digest: "
				"sha256:1\r\n"
				"www-authenticate: Bearer realm=\"b\"\r\nContent-Length: 0\r\n\r\n");
	if (line_read_head(line))
		line_puts(line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

static void keeps_the_fields_of_registries(void **state)
{
	struct peer peer = { .play = play_fields };
	peer_start(&peer);
	struct http *http = client_new();
	auto_free char *url = url_at(&peer, "/");
	struct http_request request = {
		.method = "GET", .url = url, .max_body = 100, .total_timeout = 20000
	};
	auto_response struct http_response response = HTTP_RESPONSE_NONE;

	(void)state;
	assert_int_equal(http_fetch(http, &request, &response, NULL), 0);
	assert_string_equal(response.www_authenticate, "Basic realm=\"a\", Bearer realm=\"b\"");
	assert_string_equal(response.etag, "\"e\"");
	assert_string_equal(response.range, "0-99");
	assert_string_equal(response.content_range, "bytes 0-1/2");
	assert_string_equal(response.docker_content_digest, "sha256:1");
	assert_int_equal(response.content_length, 0);
	assert_int_equal(http_fetch(http, &request, &response, NULL), 0);
	assert_int_equal(response.content_length, -1);
	assert_string_equal(response.www_authenticate, "");
	http_free(http);
	peer_stop(&peer);
}

static void says_the_name_it_is_given_in_place_of_the_address(void **state)
{
	uint16_t port;
	int fd = peer_listen(&port);
	char url[64];
	auto_http struct http *http = client_new();
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;

	(void)state;
	close(fd);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/s3cret", (unsigned)port);
	struct http_request request = {
		.method = "GET", .url = url, .name = "the other host", .max_body = 10, .total_timeout = 20000
	};
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	assert_non_null(strstr(err.text, "the other host: "));
	assert_null(strstr(err.text, "s3cret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_peer_wait_for_a_slow_reader),
		cmocka_unit_test(hears_a_refusal_behind_a_pause),
		cmocka_unit_test(is_not_idle_while_it_is_paused),
		cmocka_unit_test(sends_a_large_body_whole_and_no_part_of_it_twice),
		cmocka_unit_test(keeps_the_fields_of_registries),
		cmocka_unit_test(says_the_name_it_is_given_in_place_of_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
