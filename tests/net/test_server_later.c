/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include "base/own.h"
#include "tests/net/running.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define GET_LATER "GET /later/x HTTP/1.1\r\nHost: h\r\n\r\n"

static void gives_a_reply_that_was_put_off(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	struct server_reply reply;
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_LATER);
	struct server_later *later = running_later(&running);
	server_reply_init(&reply);
	reply.status = 401;
	reply.content_type = "text/plain";
	snprintf(reply.set_cookie, sizeof(reply.set_cookie), "kbs-session-id=1; Path=/");
	buf_puts(&reply.body, "late");
	server_answer(later, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.body.len, 0);
	assert_string_equal(reply.set_cookie, "");
	read_until(fd, &got, "late");
	assert_true(span_starts(buf_span(&got), "HTTP/1.1 401 Unauthorized\r\n"));
	assert_non_null(strstr(buf_text(&got), "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(buf_text(&got), "\r\nSet-Cookie: kbs-session-id=1; Path=/\r\n"));
	assert_null(strstr(buf_text(&got), "not yet"));
	assert_int_equal(running_stop(&running), 0);
}

static void sends_no_type_where_there_is_none(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	struct server_reply reply;
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_LATER);
	struct server_later *later = running_later(&running);
	server_reply_init(&reply);
	reply.content_type = NULL;
	buf_puts(&reply.body, "bare");
	server_answer(later, &reply);
	read_until(fd, &got, "bare");
	assert_null(strstr(buf_text(&got), "Content-Type"));
	assert_null(strstr(buf_text(&got), "Set-Cookie"));
	assert_int_equal(running_stop(&running), 0);
}

static void serves_others_while_a_reply_is_put_off(void **state)
{
	struct running running = { .result = 0 };
	struct server_later *laters[10];
	int fds[10];
	(void)state;

	running_start(&running);
	for (int i = 0; i < 10; i++) {
		fds[i] = connect_to(&running);
		send_text(fds[i], GET_LATER);
		laters[i] = running_later(&running);
	}
	auto_fd int other = connect_to(&running);
	auto_buf struct buf count = BUF_MAX(10000);
	send_text(other, GET_COUNT);
	read_until(other, &count, "\r\n\r\n11");
	/* the last comes first */
	for (int i = 9; i >= 0; i--) {
		auto_buf struct buf got = BUF_MAX(10000);
		char text[32];
		snprintf(text, sizeof(text), "answer %d", i);
		running_answer(laters[i], text);
		read_until(fds[i], &got, text);
		assert_non_null(strstr(buf_text(&got), text));
		close(fds[i]);
	}
	assert_int_equal(running_stop(&running), 0);
}

static void keeps_the_order_of_pipelined_requests(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_COUNT GET_LATER GET_COUNT GET_LATER GET_COUNT);
	struct server_later *first = running_later(&running);
	read_until(fd, &got, "\r\n\r\n1");
	assert_null(strstr(buf_text(&got), "\r\n\r\n3"));
	running_answer(first, "first");
	read_until(fd, &got, "\r\n\r\n3");
	struct server_later *second = running_later(&running);
	running_answer(second, "second");
	read_until(fd, &got, "\r\n\r\n5");
	const char *at = buf_text(&got);
	const char *const want[] = { "\r\n\r\n1", "first", "\r\n\r\n3", "second", "\r\n\r\n5" };
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		at = strstr(at, want[i]);
		assert_non_null(at);
	}
	assert_int_equal(running_stop(&running), 0);
}

static void reads_on_after_a_reply_that_was_put_off(void **state)
{
	struct running running = { .result = 0 };
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	for (int i = 0; i < 100; i++) {
		auto_buf struct buf got = BUF_MAX(10000);
		char count[32];
		send_text(fd, GET_LATER);
		struct server_later *later = running_later(&running);
		/* comes while nothing is read */
		send_text(fd, GET_COUNT);
		running_answer(later, "late");
		snprintf(count, sizeof(count), "\r\n\r\n%d", 2 * i + 2);
		read_until(fd, &got, count);
		assert_non_null(strstr(buf_text(&got), "late"));
	}
	assert_int_equal(running_stop(&running), 0);
}

static void sends_a_late_reply_larger_than_all_buffers(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(2 * RUNNING_BIG);
	struct server_reply reply;
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_LATER GET_COUNT);
	struct server_later *later = running_later(&running);
	server_reply_init(&reply);
	char *room = buf_room(&reply.body, RUNNING_BIG);
	assert_non_null(room);
	memset(room, 'b', RUNNING_BIG);
	buf_grew(&reply.body, RUNNING_BIG);
	server_answer(later, &reply);
	while (!span_ends(buf_span(&got), "\r\n\r\n2")) {
		static char chunk[65536];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		assert_in_range(n, 1, sizeof(chunk));
		buf_add(&got, chunk, (size_t)n);
	}
	assert_in_range(got.len, RUNNING_BIG, RUNNING_BIG + 1000);
	assert_int_equal(running_stop(&running), 0);
}

static void answers_a_late_head_without_a_body(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, "HEAD /later/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	running_answer(running_later(&running), "body");
	read_until(fd, &got, NULL);
	assert_non_null(strstr(buf_text(&got), "Content-Length: 4\r\n"));
	assert_true(span_ends(buf_span(&got), "\r\n\r\n"));
	assert_int_equal(running_stop(&running), 0);
}

static void refuses_a_late_reply_that_grew_too_large(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	struct server_reply reply;
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_LATER);
	struct server_later *later = running_later(&running);
	server_reply_init(&reply);
	reply.body.max = 3;
	buf_puts(&reply.body, "four");
	server_answer(later, &reply);
	read_until(fd, &got, "\r\n\r\n");
	assert_true(span_starts(buf_span(&got), "HTTP/1.1 500 "));
	assert_int_equal(running_stop(&running), 0);
}

static void is_idle(struct running *running)
{
	running->result = server_idle(running->server) ? 1 : 2;
}

/* Resets the connection and waits until the server has noticed. */
static void leave(struct running *running, int fd)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(fd);
	do {
		running_do(running, is_idle);
	} while (running->result != 1);
}

static void throws_a_reply_away_that_nobody_waits_for(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	int gone = connect_to(&running);
	send_text(gone, GET_LATER);
	struct server_later *later = running_later(&running);
	leave(&running, gone);
	auto_fd int fd = connect_to(&running);
	running_answer(later, "for nobody");
	send_text(fd, GET_COUNT);
	read_until(fd, &got, "\r\n\r\n2");
	assert_null(strstr(buf_text(&got), "nobody"));
	running.result = 0;
	assert_int_equal(running_stop(&running), 0);
}

static void *answer_later(void *arg)
{
	running_answer(arg, "at last");
	return NULL;
}

static bool listens(const struct running *running)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(server_port(running->server, 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void waits_for_the_reply_before_it_stops(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd, GET_LATER);
	struct server_later *later = running_later(&running);
	server_stop(running.server);
	/* only when nothing listens any more has the loop seen the stop */
	while (listens(&running))
		continue;
	running_answer(later, "at last");
	read_until(fd, &got, NULL);
	assert_non_null(strstr(buf_text(&got), "at last"));
	assert_non_null(strstr(buf_text(&got), "Connection: close"));
	assert_int_equal(running_stop(&running), 0);
}

static void goes_only_when_nobody_has_to_answer_any_more(void **state)
{
	struct running running = { .result = 0 };
	pthread_t thread;
	(void)state;

	running_start(&running);
	int fd = connect_to(&running);
	send_text(fd, GET_LATER);
	struct server_later *later = running_later(&running);
	leave(&running, fd);
	running.result = 0;
	assert_int_equal(pthread_create(&thread, NULL, answer_later, later), 0);
	/* the thread may come before, during and after it */
	assert_int_equal(running_stop(&running), 0);
	pthread_join(thread, NULL);
}

static void begins_paths_with_a_prefix_alone(void **state)
{
	static const struct {
		const char *request;
		bool fits;
	} cases[] = {
		{ "GET /later/ HTTP/1.1\r\nHost: h\r\n\r\n", true },
		{ "PURGE /later/a/b?c=d HTTP/1.1\r\nHost: h\r\n\r\n", true },
		{ "POST /later/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", true },
		{ "GET /later HTTP/1.1\r\nHost: h\r\n\r\n", false },
		{ "GET /laters/x HTTP/1.1\r\nHost: h\r\n\r\n", false },
		{ "GET /x/later/ HTTP/1.1\r\nHost: h\r\n\r\n", false },
		{ "GET /LATER/ HTTP/1.1\r\nHost: h\r\n\r\n", false },
	};
	struct running running = { .result = 0 };
	(void)state;

	running_start(&running);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf got = BUF_MAX(10000);
		auto_fd int fd = connect_to(&running);
		send_text(fd, cases[i].request);
		if (cases[i].fits)
			running_answer(running_later(&running), "here");
		read_until(fd, &got, "\r\n\r\n");
		if (span_starts(buf_span(&got), cases[i].fits ? "HTTP/1.1 200 " : "HTTP/1.1 404 ") == false)
			fail_msg("%s\n%s", cases[i].request, buf_text(&got));
	}
	assert_int_equal(running_stop(&running), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_a_reply_that_was_put_off),
		cmocka_unit_test(sends_no_type_where_there_is_none),
		cmocka_unit_test(serves_others_while_a_reply_is_put_off),
		cmocka_unit_test(keeps_the_order_of_pipelined_requests),
		cmocka_unit_test(reads_on_after_a_reply_that_was_put_off),
		cmocka_unit_test(sends_a_late_reply_larger_than_all_buffers),
		cmocka_unit_test(answers_a_late_head_without_a_body),
		cmocka_unit_test(refuses_a_late_reply_that_grew_too_large),
		cmocka_unit_test(throws_a_reply_away_that_nobody_waits_for),
		cmocka_unit_test(waits_for_the_reply_before_it_stops),
		cmocka_unit_test(goes_only_when_nobody_has_to_answer_any_more),
		cmocka_unit_test(begins_paths_with_a_prefix_alone),
	};

	signal(SIGPIPE, SIG_IGN);
	server_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
