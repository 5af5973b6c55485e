/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include "base/own.h"
#include "tests/net/running.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include <cmocka.h>

static const char half_a_body[] = "POST /echo HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 9\r\n\r\n{";

static void cuts_off_peers_that_dawdle(void **state)
{
	static const char half_a_head[] = "GET /count HTTP/1.1\r\nHost: h\r\n";
	static const char *const begun[] = { "", "GET /cou", half_a_head, half_a_body, GET_COUNT };
	struct running running = { .options = { .idle_timeout_s = 1 } };
	int fds[5];
	(void)state;

	running_start(&running);
	for (int i = 0; i < 5; i++) {
		fds[i] = connect_to(&running);
		send_text(fds[i], begun[i]);
	}
	for (int i = 0; i < 5; i++) {
		auto_buf struct buf got = BUF_MAX(10000);
		/* returns because the server closes */
		read_until(fds[i], &got, NULL);
		close(fds[i]);
	}
	assert_int_equal(running_stop(&running), 0);
}

static void lets_connections_above_the_limit_wait(void **state)
{
	struct running running = { .options = { .max_connections = 2 } };
	auto_buf struct buf first = BUF_MAX(10000), third = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	int one = connect_to(&running);
	auto_fd int two = connect_to(&running);
	send_text(one, GET_COUNT);
	read_until(one, &first, "\r\n\r\n1");
	send_text(two, GET_COUNT);
	read_until(two, &first, "\r\n\r\n2");
	auto_fd int three = connect_to(&running);
	send_text(three, GET_COUNT);
	close(one);
	read_until(three, &third, "\r\n\r\n3");
	assert_non_null(strstr(buf_text(&third), "\r\n\r\n3"));
	assert_int_equal(running_stop(&running), 0);
}

static void drain(struct running *running)
{
	server_drain(running->server);
}

static void says_goodbye_while_it_drains(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int old = connect_to(&running);
	send_text(old, GET_COUNT);
	read_until(old, &got, "\r\n\r\n1");
	assert_null(strstr(buf_text(&got), "Connection: close"));
	running_do(&running, drain);
	auto_fd int fresh = connect_to(&running);
	int fds[] = { old, fresh };
	for (int i = 0; i < 2; i++) {
		buf_reset(&got);
		send_text(fds[i], GET_COUNT);
		read_until(fds[i], &got, NULL);
		assert_true(span_starts(buf_span(&got), "HTTP/1.1 200 "));
		assert_non_null(strstr(buf_text(&got), "Connection: close"));
	}
	assert_int_equal(running_stop(&running), 0);
}

static void busy(struct running *running)
{
	running->result = server_idle(running->server) ? 1 : 2;
}

static void finishes_what_has_begun_before_it_stops(void **state)
{
	struct running running = { .result = 0 };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	send_text(fd,
			"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" JSON
			"Content-Length: 2\r\n\r\n");
	read_until(fd, &got, "100 Continue");
	running_do(&running, busy);
	assert_int_equal(running.result, 2);
	server_stop(running.server);
	send_text(fd, "{}");
	buf_reset(&got);
	read_until(fd, &got, NULL);
	assert_non_null(strstr(buf_text(&got), "200 OK"));
	assert_non_null(strstr(buf_text(&got), "Connection: close"));
	assert_int_equal(running_stop(&running), 0);
}

static void seen(void *ctx, int fd)
{
	eventfd_t count;

	if (eventfd_read(fd, &count) == 0)
		sem_post(ctx);
}

static void watches_a_descriptor(void **state)
{
	struct running running = { .result = 0 };
	auto_fd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sem_t ready;
	struct server_options *options = &running.options;
	(void)state;

	sem_init(&ready, 0, 0);
	running.listener = (struct server_listener){ .address = "::1", .routes = running_routes };
	*options = (struct server_options){
		.listeners = &running.listener, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 1
	};
	running.server = server_new(options, &running.err);
	assert_non_null(running.server);
	assert_int_equal(server_watch(running.server, fd, seen, &ready, &running.err), 0);
	assert_int_equal(pthread_create(&running.thread, NULL, running_main, &running), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		sem_wait(&ready);
	}
	assert_int_equal(running_stop(&running), 0);
}

static void refuses_options_that_cannot_be(void **state)
{
	struct server_listener good = { .address = "127.0.0.1" };
	struct server_listener named = { .address = "localhost" };
	struct server_listener dressed = {
		.address = "127.0.0.1", .cert = SPAN_LIT("x"), .key = SPAN_LIT("y")
	};
	struct server_listener keyless = { .address = "127.0.0.1", .tls = true, .cert = SPAN_LIT("x") };
	struct server_listener rubbish = {
		.address = "127.0.0.1", .tls = true, .cert = SPAN_LIT("x"), .key = SPAN_LIT("y")
	};
	const struct server_options cases[] = {
		{ .listener_count = 0, .max_connections = 1, .idle_timeout_s = 1 },
		{ .listeners = &good, .listener_count = 1, .max_connections = 0, .idle_timeout_s = 1 },
		{ .listeners = &good, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 0 },
		{ .listeners = &named, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 1 },
		{ .listeners = &dressed, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 1 },
		{ .listeners = &keyless, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 1 },
		{ .listeners = &rubbish, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 1 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		auto_server struct server *server = server_new(&cases[i], &err);
		if (server || err.kind != ERR_USAGE)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void says_which_address_is_taken(void **state)
{
	struct server_listener listener = { .address = "127.0.0.1" };
	struct server_options options = {
		.listeners = &listener, .listener_count = 1, .max_connections = 1, .idle_timeout_s = 1
	};
	struct err err = ERR_NONE;
	auto_fd int fd = peer_listen(&listener.port);
	(void)state;

	assert_in_range(fd, 0, INT32_MAX);
	auto_server struct server *server = server_new(&options, &err);
	assert_null(server);
	assert_int_equal(err.kind, ERR_IO);
	assert_non_null(strstr(err.text, "127.0.0.1 port"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_options_that_cannot_be),
		cmocka_unit_test(says_which_address_is_taken),
		cmocka_unit_test(cuts_off_peers_that_dawdle),
		cmocka_unit_test(lets_connections_above_the_limit_wait),
		cmocka_unit_test(says_goodbye_while_it_drains),
		cmocka_unit_test(finishes_what_has_begun_before_it_stops),
		cmocka_unit_test(watches_a_descriptor),
	};

	signal(SIGPIPE, SIG_IGN);
	server_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
