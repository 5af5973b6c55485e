/* SPDX-License-Identifier: Apache-2.0 */
/* What a ttrpc server bounds: messages, calls, connections, memory and time. */
#include "tests/net/ttrpc_scene.h"

#include <signal.h>

static void takes_messages_up_to_a_whole_frame(void **state)
{
	static char text[TTRPC_DATA_MAX];
	/* service, method, tags and lengths */
	const size_t around = 2 + sizeof(SERVICE) - 1 + 2 + 4 + 5;
	struct scene scene = { .result = 0 };
	auto_heard struct heard heard = HEARD_NONE;
	(void)state;

	memset(text, 't', sizeof(text));
	scene_start(&scene);
	auto_fd int fd = client(&scene);
	for (size_t over = 0; over < 2; over++) {
		struct span message = span_new(text, TTRPC_DATA_MAX - around + over);
		say_call(fd, 3, "Wait", message);
		if (!over) {
			sem_wait(&scene.begun);
			sem_post(&scene.gate);
		}
		assert_true(hear(fd, &heard));
		assert_int_equal(heard.response.code, over ? GRPC_INVALID_ARGUMENT : GRPC_OK);
	}
	scene_stop(&scene);
}

static void says_when_an_answer_is_too_long(void **state)
{
	static const struct {
		const char *len, *text;
	} cases[] = {
		{ "4194298", "message length 4194305 exceed maximum message size of 4194304" },
		{ "4194304", "message length 4194311 exceed maximum message size of 4194304" },
		{ "4259841", "message exceed maximum message size of 4194304" },
		{ "4294967295", "message exceed maximum message size of 4194304" },
	};
	struct scene scene = { .result = 0 };
	auto_heard struct heard heard = HEARD_NONE;
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	say_call(fd, 1, "Big", SPAN_LIT("4194297"));
	assert_true(hear(fd, &heard));
	assert_int_equal(heard.head.len, TTRPC_DATA_MAX);
	assert_int_equal(heard.response.payload.len, 4194297);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say_call(fd, 1, "Big", span_of(cases[i].len));
		expect(fd, 1, GRPC_INVALID_ARGUMENT, cases[i].text);
	}
	scene_stop(&scene);
}

static void refuses_more_calls_at_once_than_it_takes(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene), other = client(&scene);
	for (uint32_t i = 0; i < TTRPC_CALLS_MAX; i++)
		say_call(fd, 2 * i + 1, "Wait", SPAN_LIT("w"));
	say_call(fd, 999, "Echo", SPAN_LIT("e"));
	expect(fd, 999, GRPC_RESOURCE_EXHAUSTED, "more than 64 calls at once");
	/* which is a bound of each connection */
	say_call(other, 1, "Wait", SPAN_LIT("o"));
	for (int i = 0; i < TTRPC_CALLS_MAX + 1; i++)
		sem_post(&scene.gate);
	for (int i = 0; i < TTRPC_CALLS_MAX; i++) {
		auto_heard struct heard heard = HEARD_NONE;
		assert_true(hear(fd, &heard));
		assert_int_equal(heard.response.code, 0);
	}
	expect(other, 1, 0, "o");
	say_call(fd, 1, "Echo", SPAN_LIT("again"));
	expect(fd, 1, 0, "again");
	scene_stop(&scene);
}

static void refuses_calls_that_no_worker_has_room_for(void **state)
{
	struct scene scene = { .threads = 1, .queue = 1 };
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	say_call(fd, 1, "Wait", SPAN_LIT("one"));
	sem_wait(&scene.begun);
	say_call(fd, 3, "Wait", SPAN_LIT("two"));
	say_call(fd, 5, "Wait", SPAN_LIT("three"));
	expect(fd, 5, GRPC_RESOURCE_EXHAUSTED, "too many calls wait");
	sem_post(&scene.gate);
	sem_post(&scene.gate);
	expect(fd, 1, 0, "one");
	expect(fd, 3, 0, "two");
	scene_stop(&scene);
}

/* All messages at once take no more than the budget, and it comes back. */
static void keeps_to_its_budget(void **state)
{
	static char text[TTRPC_DATA_MAX - 100];
	struct scene scene = { .result = 0 };
	int fds[16];
	(void)state;

	scene_start(&scene);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 16; i++) {
			fds[i] = client(&scene);
			say_call(fds[i], 1, "Wait", span_new(text, sizeof(text)));
		}
		/* the heads of all have been read, as no socket holds a whole one */
		auto_fd int late = client(&scene);
		auto_heard struct heard heard = HEARD_NONE;
		say_call(late, 1, "Echo", span_new(text, 4096));
		assert_true(hear(late, &heard));
		assert_int_equal(heard.response.code, GRPC_RESOURCE_EXHAUSTED);
		assert_true(span_starts(heard.response.message, "no room for a message of"));
		for (int i = 0; i < 16; i++)
			sem_post(&scene.gate);
		for (int i = 0; i < 16; i++) {
			assert_true(hear(fds[i], &heard));
			assert_int_equal(heard.response.code, 0);
			close(fds[i]);
		}
	}
	scene_stop(&scene);
}

static void waits_for_a_slow_reader_and_serves_others_meanwhile(void **state)
{
	struct scene scene = { .result = 0 };
	auto_heard struct heard heard = HEARD_NONE;
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	for (uint32_t i = 0; i < 8; i++)
		say_call(fd, 2 * i + 1, "Big", SPAN_LIT("3145728"));
	for (int i = 0; i < 10; i++)
		turn_once(&scene);
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(hear(fd, &heard));
		assert_int_equal(heard.response.payload.len, 3145728);
	}
	scene_stop(&scene);
}

static void hangs_up_on_a_reader_that_has_stopped(void **state)
{
	struct scene scene = { .options = { .call_timeout = 1000 } };
	auto_heard struct heard heard = HEARD_NONE;
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	say_call(fd, 1, "Big", SPAN_LIT("3145728"));
	/* it has begun to answer, and no socket holds all of it */
	assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_PEEK), 1);
	atomic_fetch_add(&scene.now, CLOCK_SECOND);
	turn_once(&scene);
	assert_false(hear(fd, &heard));
	scene_stop(&scene);
}

static void hangs_up_on_half_a_frame_after_a_while(void **state)
{
	struct scene scene = { .options = { .call_timeout = 1000 } };
	static const char *const begun[] = { "\0", "\0\0\0\4\0\0\0\1\1\0", "\0\0\0\4\0\0\0\1\1\0ab" };
	static const size_t lens[] = { 1, 10, 12 };
	int fds[3];
	(void)state;

	scene_start(&scene);
	for (int i = 0; i < 3; i++) {
		fds[i] = client(&scene);
		say(fds[i], span_new(begun[i], lens[i]));
	}
	turn_once(&scene);
	atomic_fetch_add(&scene.now, 999 * CLOCK_SECOND / 1000);
	turn_once(&scene);
	for (int i = 0; i < 3; i++)
		assert_int_equal(recv(fds[i], &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	atomic_fetch_add(&scene.now, CLOCK_SECOND / 1000);
	turn_once(&scene);
	for (int i = 0; i < 3; i++) {
		expect_end(fds[i]);
		close(fds[i]);
	}
	scene_stop(&scene);
}

static void ends_connections_that_are_idle_where_it_should(void **state)
{
	struct scene scene = { .options = { .idle_timeout = 5000 } };
	(void)state;

	scene_start(&scene);
	auto_fd int idle = client(&scene), busy = client(&scene);
	say_call(idle, 1, "Echo", SPAN_LIT("i"));
	expect(idle, 1, 0, "i");
	say_call(busy, 1, "Wait", SPAN_LIT("b"));
	sem_wait(&scene.begun);
	atomic_fetch_add(&scene.now, 5 * CLOCK_SECOND);
	turn_once(&scene);
	expect_end(idle);
	sem_post(&scene.gate);
	expect(busy, 1, 0, "b");
	scene_stop(&scene);
}

static void makes_room_for_a_new_caller(void **state)
{
	struct scene scene = { .options = { .connections = 3 } };
	(void)state;

	scene_start(&scene);
	auto_fd int oldest = client(&scene), newer = client(&scene), busy = client(&scene);
	int fds[] = { oldest, newer };
	for (int i = 0; i < 2; i++) {
		say_call(fds[i], 1, "Echo", SPAN_LIT("x"));
		expect(fds[i], 1, 0, "x");
		atomic_fetch_add(&scene.now, 1);
	}
	say_call(busy, 1, "Wait", SPAN_LIT("b"));
	sem_wait(&scene.begun);
	turn_once(&scene);
	expect_end(oldest);
	say_call(newer, 3, "Echo", SPAN_LIT("still there"));
	expect(newer, 3, 0, "still there");
	sem_post(&scene.gate);
	expect(busy, 1, 0, "b");
	scene_stop(&scene);
}

static void turns_a_caller_away_when_all_others_have_calls(void **state)
{
	struct scene scene = { .options = { .connections = 2 } };
	(void)state;

	scene_start(&scene);
	auto_fd int one = client(&scene), two = client(&scene);
	say_call(one, 1, "Wait", SPAN_LIT("1"));
	say_call(two, 1, "Wait", SPAN_LIT("2"));
	sem_wait(&scene.begun);
	sem_wait(&scene.begun);
	auto_fd int three = client(&scene);
	expect_end(three);
	sem_post(&scene.gate);
	sem_post(&scene.gate);
	expect(one, 1, 0, "1");
	expect(two, 1, 0, "2");
	scene_stop(&scene);
}

static void reads_no_further_while_nobody_reads_its_refusals(void **state)
{
	struct scene scene = { .result = 0 };
	auto_buf struct buf frame = BUF_MAX(1000);
	auto_heard struct heard heard = HEARD_NONE;
	size_t said = 0, sent = 0;
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	add_frame(&frame, 2, TTRPC_REQUEST, SPAN_NONE);
	/* until neither side's buffers take more: the server has come to the bound of what it keeps */
	for (int quiet = 0; quiet < 3;) {
		struct span rest = span_from(buf_span(&frame), sent);
		ssize_t n = send(fd, rest.ptr, rest.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			turn_once(&scene);
			quiet++;
			continue;
		}
		quiet = 0;
		sent += (size_t)n;
		said += sent == frame.len;
		sent = sent == frame.len ? 0 : sent;
		assert_true(said < 1000000);
	}
	for (size_t i = 0; i < said; i++) {
		assert_true(hear(fd, &heard));
		assert_int_equal(heard.response.code, GRPC_INVALID_ARGUMENT);
	}
	say(fd, span_from(buf_span(&frame), sent));
	assert_true(hear(fd, &heard));
	scene_stop(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_messages_up_to_a_whole_frame),
		cmocka_unit_test(says_when_an_answer_is_too_long),
		cmocka_unit_test(refuses_more_calls_at_once_than_it_takes),
		cmocka_unit_test(refuses_calls_that_no_worker_has_room_for),
		cmocka_unit_test(keeps_to_its_budget),
		cmocka_unit_test(waits_for_a_slow_reader_and_serves_others_meanwhile),
		cmocka_unit_test(hangs_up_on_a_reader_that_has_stopped),
		cmocka_unit_test(hangs_up_on_half_a_frame_after_a_while),
		cmocka_unit_test(ends_connections_that_are_idle_where_it_should),
		cmocka_unit_test(makes_room_for_a_new_caller),
		cmocka_unit_test(turns_a_caller_away_when_all_others_have_calls),
		cmocka_unit_test(reads_no_further_while_nobody_reads_its_refusals),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
