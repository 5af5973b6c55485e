/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_client.h"
#include "tests/net/ttrpc_scene.h"

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
