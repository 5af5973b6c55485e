/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signals.h"

#include "base/err.h"
#include "base/own.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

static bool readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, 0) == 1;
}

static void both_signals_make_it_readable_until_they_are_taken(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct err err = ERR_NONE;
	auto_fd int fd = signals_open(&err);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < 2; i++) {
		assert_false(readable(fd));
		assert_false(signals_take(fd));
		assert_int_equal(kill(getpid(), signals[i]), 0);
		assert_true(readable(fd));
		assert_true(signals_waiting());
		assert_true(signals_take(fd));
		assert_false(signals_waiting());
		assert_false(signals_take(fd));
	}
}

static void it_is_not_inherited_by_programs_and_never_blocks(void **state)
{
	auto_fd int fd = signals_open(NULL);

	(void)state;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void a_broken_pipe_is_an_error_of_the_write(void **state)
{
	auto_fd int fd = signals_open(NULL);
	int ends[2];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	errno = 0;
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(ends[1]);
}

static void *mask_of_thread(void *out)
{
	pthread_sigmask(SIG_BLOCK, NULL, out);
	return NULL;
}

static void threads_started_later_leave_the_signals_to_it(void **state)
{
	auto_fd int fd = signals_open(NULL);
	pthread_t thread;
	sigset_t mask;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pthread_create(&thread, NULL, mask_of_thread, &mask), 0);
	pthread_join(thread, NULL);
	assert_int_equal(sigismember(&mask, SIGTERM), 1);
	assert_int_equal(sigismember(&mask, SIGINT), 1);
	assert_int_equal(sigismember(&mask, SIGHUP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_signals_make_it_readable_until_they_are_taken),
		cmocka_unit_test(it_is_not_inherited_by_programs_and_never_blocks),
		cmocka_unit_test(a_broken_pipe_is_an_error_of_the_write),
		cmocka_unit_test(threads_started_later_leave_the_signals_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
