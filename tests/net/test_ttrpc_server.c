/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_client.h"
#include "tests/net/ttrpc_scene.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static void answers_calls_out_of_order(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	say_call(fd, 1, "Wait", SPAN_LIT("slow"));
	sem_wait(&scene.begun);
	say_call(fd, 3, "Echo", SPAN_LIT("quick"));
	expect(fd, 3, 0, "quick");
	say_call(fd, 5, "Fail", SPAN_LIT(""));
	expect(fd, 5, GRPC_PERMISSION_DENIED, "no: \xc3\xa4");
	sem_post(&scene.gate);
	expect(fd, 1, 0, "slow");
	scene_stop(&scene);
}

static void delays_no_caller_for_another(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	auto_fd int slow = client(&scene), half = client(&scene), quick = client(&scene);
	say_call(slow, 1, "Wait", SPAN_LIT("slow"));
	sem_wait(&scene.begun);
	say(half, span_new("\0\0", 2));
	say_call(quick, 1, "Echo", SPAN_LIT("quick"));
	expect(quick, 1, 0, "quick");
	sem_post(&scene.gate);
	expect(slow, 1, 0, "slow");
	scene_stop(&scene);
}

static void refuses_what_is_not_there(void **state)
{
	struct scene scene = { .result = 0 };
	auto_buf struct buf name = BUF_MAX(10000), frame = BUF_MAX(20000);
	auto_heard struct heard heard = HEARD_NONE;
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	say_call(fd, 1, "Later", SPAN_NONE);
	expect(fd, 1, GRPC_NOT_FOUND, "/test.Service/Later is not supported");
	say_call(fd, 1, "Echo2", SPAN_NONE);
	expect(fd, 1, GRPC_UNIMPLEMENTED, "Echo2 method");
	say_call(fd, 1, "", SPAN_NONE);
	expect(fd, 1, GRPC_UNIMPLEMENTED, " method");
	/* a name that is very long is not given back whole, and not in the middle of a character */
	while (name.len < 9000)
		buf_puts(&name, "\xe2\x82\xac");
	add_call(&frame, 7, buf_text(&name), SPAN_NONE);
	say(fd, buf_span(&frame));
	assert_true(hear(fd, &heard));
	assert_int_equal(heard.response.code, GRPC_UNIMPLEMENTED);
	assert_in_range(heard.response.message.len, 900, ERR_TEXT_MAX);
	scene_stop(&scene);
}

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
		auto_fd int late = client(&scene);
		/* four run, and the others wait for a thread: that all have been read is told by the answer here */
		auto_heard struct heard heard = HEARD_NONE;
		do {
			say_call(late, 1, "Echo", span_new(text, 4096));
			assert_true(hear(late, &heard) || !heard.data.len);
		} while (heard.response.code == 0);
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

static void forgets_callers_that_leave_while_their_calls_run(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	for (int i = 0; i < 20; i++) {
		int fd = client(&scene);
		say_call(fd, 1, "Wait", SPAN_LIT("gone"));
		sem_wait(&scene.begun);
		close(fd);
		turn_once(&scene);
		sem_post(&scene.gate);
		turn_once(&scene);
	}
	scene_stop(&scene);
	/* all that began was done */
	assert_int_equal(atomic_load(&scene.calls), 60);
}

static void answers_a_caller_that_has_said_its_last_word(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene);
	say_call(fd, 1, "Wait", SPAN_LIT("w"));
	say_call(fd, 3, "Echo", SPAN_LIT("e"));
	shutdown(fd, SHUT_WR);
	sem_wait(&scene.begun);
	expect(fd, 3, 0, "e");
	sem_post(&scene.gate);
	expect(fd, 1, 0, "w");
	expect_end(fd);
	scene_stop(&scene);
}

static void answers_what_runs_before_it_stops(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene), idle = client(&scene);
	say_call(fd, 1, "Wait", SPAN_LIT("w"));
	sem_wait(&scene.begun);
	scene_ask_to_stop(&scene);
	/* it has seen that it is to stop */
	expect_end(idle);
	say_call(fd, 3, "Echo", SPAN_LIT("too late"));
	sem_post(&scene.gate);
	expect(fd, 1, 0, "w");
	expect_end(fd);
	pthread_join(scene.thread, NULL);
	scene_clear(&scene);
	assert_int_equal(atomic_load(&scene.calls), 1);
}

static void *open_gate(void *arg)
{
	sem_post(arg);
	return NULL;
}

static void stops_in_the_end_though_a_call_runs_on(void **state)
{
	struct scene scene = { .result = 0 };
	pthread_t thread;
	(void)state;

	scene_start(&scene);
	auto_fd int fd = client(&scene), idle = client(&scene);
	say_call(fd, 1, "Wait", SPAN_LIT("w"));
	sem_wait(&scene.begun);
	scene_ask_to_stop(&scene);
	expect_end(idle);
	atomic_fetch_add(&scene.now, 2 * CLOCK_SECOND);
	pthread_join(scene.thread, NULL);
	/* the call is waited for when the server goes */
	assert_int_equal(pthread_create(&thread, NULL, open_gate, &scene.gate), 0);
	scene_clear(&scene);
	pthread_join(thread, NULL);
	expect_end(fd);
	assert_int_equal(atomic_load(&scene.calls), 1);
}

struct crowd {
	const struct scene *scene;
	unsigned number, good;
};

static void *call_often(void *arg)
{
	struct crowd *crowd = arg;

	for (unsigned i = 0; i < 20; i++) {
		auto_buf struct buf answer = BUF_MAX(1000);
		char text[64];
		snprintf(text, sizeof(text), "%u of %u", i, crowd->number);
		struct ttrpc_call call = { .target = crowd->scene->path,
			.service = SERVICE,
			.method = "Echo",
			.message = span_of(text),
			.timeout = 60000 };
		crowd->good += ttrpc_call(&call, &answer, NULL) == 0 && span_is(buf_span(&answer), text);
	}
	return NULL;
}

static void serves_sixty_four_clients_at_once(void **state)
{
	struct scene scene = { .result = 0 };
	struct crowd crowd[64];
	pthread_t threads[64];
	(void)state;

	scene_start(&scene);
	for (unsigned i = 0; i < 64; i++) {
		crowd[i] = (struct crowd){ .scene = &scene, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < 64; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crowd[i].good, 20);
	}
	scene_stop(&scene);
	assert_int_equal(atomic_load(&scene.calls), 64 * 20);
}

static void makes_its_socket_with_the_mode_that_is_wanted(void **state)
{
	static const mode_t modes[] = { 0, 0600, 0660, 0666 };
	mode_t mask = umask(077);
	(void)state;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct scene scene = { .options = { .mode = modes[i] } };
		struct stat st;
		scene_start(&scene);
		assert_int_equal(stat(scene.path, &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i] ? modes[i] : 0600);
		scene_stop(&scene);
	}
	umask(mask);
}

static void refuses_places_and_options_that_cannot_be(void **state)
{
	struct scene scene = { .result = 0 };
	struct ttrpc_server *second = NULL;
	struct err err = ERR_NONE;
	(void)state;

	scene_start(&scene);
	struct ttrpc_server_options options = scene.options;
	assert_int_equal(ttrpc_server_open(&options, &second, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	static const char *const bad[] = { "", "unix:", "unix://host/x", "127.0.0.1:80", "vsock://1:2" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		options.listen = bad[i];
		assert_int_equal(ttrpc_server_open(&options, &second, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	options.listen = "/nowhere/at/all/s";
	assert_int_equal(ttrpc_server_open(&options, &second, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	options = scene.options;
	options.idle_timeout = -1;
	assert_int_equal(ttrpc_server_open(&options, &second, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	scene_stop(&scene);
	ttrpc_server_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_calls_out_of_order),
		cmocka_unit_test(delays_no_caller_for_another),
		cmocka_unit_test(refuses_what_is_not_there),
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
		cmocka_unit_test(forgets_callers_that_leave_while_their_calls_run),
		cmocka_unit_test(answers_a_caller_that_has_said_its_last_word),
		cmocka_unit_test(answers_what_runs_before_it_stops),
		cmocka_unit_test(stops_in_the_end_though_a_call_runs_on),
		cmocka_unit_test(serves_sixty_four_clients_at_once),
		cmocka_unit_test(makes_its_socket_with_the_mode_that_is_wanted),
		cmocka_unit_test(refuses_places_and_options_that_cannot_be),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
