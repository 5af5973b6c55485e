/* SPDX-License-Identifier: Apache-2.0 */
/* The server on real sockets, turn by turn, with a clock that stands still until it is told; our client calls it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "tests/net/h2.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define ECHO     "/test.Service/Echo"
#define FAIL     "/test.Service/Fail"
#define PATIENCE 20000

static enum grpc_status echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)ctx, (void)err;
	buf_add_span(answer, message);
	return GRPC_OK;
}

static enum grpc_status fail_as_asked(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	uint64_t status = 0;

	(void)ctx, (void)answer;
	err_set(err, ERR_DENIED, "as asked: 100%%\t\xc3\xa4");
	return span_number(message, GRPC_STATUSES - 1, &status) ? (enum grpc_status)status : GRPC_INTERNAL;
}

static const struct grpc_method methods[] = { { ECHO, echo }, { FAIL, fail_as_asked }, { NULL, NULL } };

/* ---- a server in a thread ---- */

struct running {
	char dir[64];
	struct grpc_server *server;
	int stop[2];
	pthread_t thread;
	int result;
};

static void *running_main(void *arg)
{
	struct running *running = arg;

	running->result = grpc_server_run(running->server, running->stop[0], NULL);
	return NULL;
}

static void running_start(struct running *running, bool local)
{
	snprintf(running->dir, sizeof(running->dir), "/tmp/cocoon-grpc-XXXXXX");
	assert_non_null(mkdtemp(running->dir));
	auto_free char *path = xasprintf("unix://%s/s", running->dir);
	const struct grpc_server_options options = {
		.listen = local ? path : "127.0.0.1:0", .methods = methods, .clock = &clock_real
	};
	struct err err = ERR_NONE;

	if (grpc_server_open(&options, &running->server, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(pipe(running->stop), 0);
	assert_int_equal(pthread_create(&running->thread, NULL, running_main, running), 0);
}

static void running_stop(struct running *running)
{
	close(running->stop[1]);
	pthread_join(running->thread, NULL);
	close(running->stop[0]);
	grpc_server_free(running->server);
	assert_int_equal(running->result, 0);
	/* nothing is left behind in the folder */
	assert_int_equal(rmdir(running->dir), 0);
}
#define auto_running __attribute__((cleanup(running_stop)))

static int call(const char *target, const char *path, struct span message, struct buf *answer,
		struct err *err)
{
	const struct grpc_call call = {
		.target = target, .path = path, .message = message, .timeout = PATIENCE
	};

	return grpc_call(&call, answer, err);
}

static void assert_echo(const char *target)
{
	auto_buf struct buf answer = BUF_MAX(100);
	struct err err = ERR_NONE;

	if (call(target, ECHO, SPAN_LIT("hello"), &answer, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&answer), "hello");
}

static void answers_over_tcp_and_unix_sockets(void **state)
{
	(void)state;
	for (unsigned local = 0; local < 2; local++) {
		auto_running struct running running;
		running_start(&running, local);
		const char *address = grpc_server_address(running.server);
		auto_free char *url = xasprintf("%s%s", local ? "" : "http://", address);
		for (unsigned i = 0; i < 10; i++)
			assert_echo(i % 2 ? url : address);
	}
}

static void carries_messages_of_every_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 16379, 16380, 65530, 65536, 1 << 20, GRPC_MESSAGE_MAX };
	auto_running struct running running;

	(void)state;
	running_start(&running, true);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		auto_free char *message = xcalloc(1, sizes[i] + 1);
		auto_buf struct buf answer = BUF_MAX(GRPC_MESSAGE_MAX);
		struct err err = ERR_NONE;
		memset(message, 'm', sizes[i]);
		if (call(grpc_server_address(running.server), ECHO, span_new(message, sizes[i]), &answer,
				    &err) < 0)
			fail_msg("%zu bytes: %s", sizes[i], err.text);
		assert_true(span_eq(buf_span(&answer), span_new(message, sizes[i])));
	}
}

static void hands_every_status_to_the_caller(void **state)
{
	auto_running struct running running;

	(void)state;
	running_start(&running, true);
	for (int status = 1; status < GRPC_STATUSES; status++) {
		auto_buf struct buf answer = BUF_MAX(100);
		char number[16];
		struct err err = ERR_NONE;
		snprintf(number, sizeof(number), "%d", status);
		auto_free char *want = xasprintf("calling " FAIL " at %s: %s: as asked: 100%%?\xc3\xa4",
				grpc_server_address(running.server),
				grpc_status_name((enum grpc_status)status));
		assert_int_equal(call(grpc_server_address(running.server), FAIL, span_of(number), &answer,
						 &err),
				-1);
		assert_string_equal(err.text, want);
		assert_int_equal(err.kind, grpc_status_kind((enum grpc_status)status));
		assert_int_equal(answer.len, 0);
	}
}

static void says_that_a_method_is_unknown(void **state)
{
	auto_running struct running running;
	auto_buf struct buf answer = BUF_MAX(100);
	struct err err = ERR_NONE;

	(void)state;
	running_start(&running, false);
	assert_int_equal(call(grpc_server_address(running.server), "/a.B/C", SPAN_NONE, &answer, &err), -1);
	assert_non_null(strstr(err.text, "UNIMPLEMENTED: unknown method /a.B/C"));
}

/* ---- turn by turn ---- */

struct scene {
	struct grpc_server *server;
	struct clock clock;
	int64_t now;
	int peers[8];
	unsigned count;
};

static int64_t scene_time(void *ctx)
{
	return *(int64_t *)ctx;
}

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){ .now = CLOCK_SECOND };
	scene->clock = (struct clock){ scene_time, scene_time, &scene->now };
	const struct grpc_server_options options = { .listen = "127.0.0.1:0",
		.methods = methods,
		.clock = &scene->clock,
		.connections = 3,
		.begin_timeout = 1000,
		.call_timeout = 5000,
		.idle_timeout = 60000 };

	assert_int_equal(grpc_server_open(&options, &scene->server, NULL), 0);
}

static void scene_close(struct scene *scene)
{
	for (unsigned i = 0; i < scene->count; i++)
		close(scene->peers[i]);
	grpc_server_free(scene->server);
}
#define auto_scene __attribute__((cleanup(scene_close)))

static void turn(struct scene *scene)
{
	bool scrap = false;

	assert_int_equal(grpc_server_turn(scene->server, 0, -1, &scrap, NULL), 0);
}

/* Turns until so many connections are there. */
static void turn_until(struct scene *scene, size_t connections)
{
	for (unsigned i = 0; grpc_server_connections(scene->server) != connections; i++) {
		assert_true(i < 100000);
		turn(scene);
	}
}

/* A connection that the server has taken, with what it says first. */
static int join(struct scene *scene, const struct buf *words)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *text = grpc_server_address(scene->server);
	size_t before = grpc_server_connections(scene->server);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)strtoul(strrchr(text, ':') + 1, NULL, 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	scene->peers[scene->count++] = fd;
	turn_until(scene, before + 1);
	if (words)
		assert_int_equal(write(fd, words->ptr, words->len), words->len);
	return fd;
}

/* Turns until the peer has heard a frame of the type. */
static void hear(struct scene *scene, int fd, int type)
{
	struct buf heard = BUF_MAX(1 << 20);
	char chunk[4096];

	for (unsigned i = 0; !h2_count(buf_span(&heard), type); i++) {
		assert_true(i < 100000);
		turn(scene);
		ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n > 0)
			buf_add(&heard, chunk, (size_t)n);
	}
	buf_clear(&heard);
}

static void ends_a_connection_that_does_not_begin(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf half = BUF_MAX(64);

	(void)state;
	scene_open(&scene);
	buf_add(&half, H2_PREFACE, 10);
	(void)join(&scene, NULL);
	(void)join(&scene, &half);
	scene.now += CLOCK_SECOND - 1;
	turn(&scene);
	assert_int_equal(grpc_server_connections(scene.server), 2);
	scene.now += 1;
	turn(&scene);
	assert_int_equal(grpc_server_connections(scene.server), 0);
}

static void ends_a_call_that_drips(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf words = BUF_MAX(4096);

	(void)state;
	scene_open(&scene);
	h2_preface(&words);
	h2_headers(&words, 1, ECHO, 0);
	h2_frame(&words, H2_PING, 0, 0, SPAN_LIT("12345678"));
	int fd = join(&scene, &words);
	hear(&scene, fd, H2_PING);
	/* a byte now and then does not help */
	for (unsigned i = 0; i < 49; i++) {
		auto_buf struct buf drop = BUF_MAX(64);
		h2_frame(&drop, H2_DATA, 0, 1, SPAN_LIT("\0"));
		scene.now += CLOCK_SECOND / 10;
		if (i < 5)
			assert_int_equal(write(fd, drop.ptr, drop.len), drop.len);
		turn(&scene);
		assert_int_equal(grpc_server_connections(scene.server), 1);
	}
	scene.now += CLOCK_SECOND / 10;
	turn(&scene);
	assert_int_equal(grpc_server_connections(scene.server), 0);
}

static void ends_a_call_whose_answer_is_not_read(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf words = BUF_MAX(1 << 20);

	(void)state;
	scene_open(&scene);
	h2_preface(&words);
	/* a window of nothing: the answer stays where it is */
	h2_frame(&words, H2_SETTINGS, 0, 0, SPAN_LIT("\0\4\0\0\0\0"));
	h2_call(&words, 1, ECHO, SPAN_LIT("hello"));
	int fd = join(&scene, &words);
	hear(&scene, fd, H2_HEADERS);
	scene.now += 5 * CLOCK_SECOND;
	turn(&scene);
	assert_int_equal(grpc_server_connections(scene.server), 0);
}

static void ends_an_idle_connection_with_a_goodbye(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf words = BUF_MAX(4096);

	(void)state;
	scene_open(&scene);
	h2_preface(&words);
	h2_call(&words, 1, ECHO, SPAN_LIT("hello"));
	int fd = join(&scene, &words);
	hear(&scene, fd, H2_DATA);
	scene.now += 59 * CLOCK_SECOND;
	turn(&scene);
	assert_int_equal(grpc_server_connections(scene.server), 1);
	scene.now += 2 * CLOCK_SECOND;
	turn(&scene);
	assert_int_equal(grpc_server_connections(scene.server), 0);
	hear(&scene, fd, H2_GOAWAY);
}

static void makes_room_for_a_caller_by_ending_an_idle_connection(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf words = BUF_MAX(4096), open = BUF_MAX(4096);

	(void)state;
	scene_open(&scene);
	h2_preface(&words);
	h2_frame(&words, H2_PING, 0, 0, SPAN_LIT("12345678"));
	buf_add_span(&open, buf_span(&words));
	h2_headers(&open, 1, ECHO, 0);
	int busy = join(&scene, &open), idle = join(&scene, &words), other = join(&scene, &open);
	hear(&scene, busy, H2_PING);
	hear(&scene, idle, H2_PING);
	hear(&scene, other, H2_PING);
	/* the fourth takes the place of the one that has no call */
	scene.peers[scene.count] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	address.sin_port = htons(
			(uint16_t)strtoul(strrchr(grpc_server_address(scene.server), ':') + 1, NULL, 10));
	int fd = scene.peers[scene.count++];
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, words.ptr, words.len), words.len);
	hear(&scene, idle, H2_GOAWAY);
	hear(&scene, fd, H2_PING);
	assert_int_equal(grpc_server_connections(scene.server), 3);
}

static void ends_a_connection_whose_peer_has_gone(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf words = BUF_MAX(4096);

	(void)state;
	scene_open(&scene);
	h2_preface(&words);
	h2_headers(&words, 1, ECHO, 0);
	int gone = join(&scene, &words);
	int half = join(&scene, &words);
	shutdown(half, SHUT_WR);
	shutdown(gone, SHUT_RDWR);
	turn_until(&scene, 0);
}

static void stays_within_bounds_when_nobody_reads(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf words = BUF_MAX(4096), pings = BUF_MAX(1 << 20);
	size_t at = 0;

	(void)state;
	scene_open(&scene);
	h2_preface(&words);
	int fd = join(&scene, &words);
	for (unsigned i = 0; i < 10000; i++)
		h2_frame(&pings, H2_PING, 0, 0, SPAN_LIT("12345678"));
	while (at < pings.len && grpc_server_connections(scene.server)) {
		ssize_t n = send(fd, pings.ptr + at, pings.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		at += n > 0 ? (size_t)n : 0;
		turn(&scene);
	}
	turn_until(&scene, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_over_tcp_and_unix_sockets),
		cmocka_unit_test(carries_messages_of_every_size),
		cmocka_unit_test(hands_every_status_to_the_caller),
		cmocka_unit_test(says_that_a_method_is_unknown),
		cmocka_unit_test(ends_a_connection_that_does_not_begin),
		cmocka_unit_test(ends_a_call_that_drips),
		cmocka_unit_test(ends_a_call_whose_answer_is_not_read),
		cmocka_unit_test(ends_an_idle_connection_with_a_goodbye),
		cmocka_unit_test(makes_room_for_a_caller_by_ending_an_idle_connection),
		cmocka_unit_test(ends_a_connection_whose_peer_has_gone),
		cmocka_unit_test(stays_within_bounds_when_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
