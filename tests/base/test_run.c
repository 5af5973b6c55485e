/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/run.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define PATIENCE 20000

static int run_script(const char *script, struct span input, int timeout, struct buf *out, struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct run run = { .what = "the script", .argv = argv, .input = input, .timeout = timeout };

	return run_program(&run, out, err);
}

static void hands_over_input_and_takes_output(void **state)
{
	auto_buf struct buf out = BUF_MAX(4096);

	(void)state;
	assert_int_equal(run_script("cat /dev/stdin; printf ' %s' \"$0\"", SPAN_LIT("a\nb"), PATIENCE, &out,
					 NULL),
			0);
	assert_string_equal(buf_text(&out), "a\nb sh");
}

static void does_not_wait_for_a_program_that_ignores_its_input(void **state)
{
	static char big[1 << 20];
	auto_buf struct buf out = BUF_MAX(16);

	(void)state;
	assert_int_equal(run_script("exec printf x", span_new(big, sizeof(big)), PATIENCE, &out, NULL), 0);
	assert_string_equal(buf_text(&out), "x");
}

static void takes_large_output_whole(void **state)
{
	auto_buf struct buf out = BUF_MAX(1000000);

	(void)state;
	assert_int_equal(run_script("head -c 1000000 /dev/zero", SPAN_NONE, PATIENCE, &out, NULL), 0);
	assert_int_equal(out.len, 1000000);
}

static void says_what_a_failing_program_said(void **state)
{
	auto_buf struct buf out = BUF_MAX(4096);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_script("echo kept; echo 'no such key' >&2; exit 3", SPAN_NONE, PATIENCE, &out,
					 &err),
			-1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_string_equal(err.text, "the script 'sh' failed with exit code 3: no such key");
	assert_string_equal(buf_text(&out), "kept\n");
}

static void cuts_what_a_chatty_program_said(void **state)
{
	auto_buf struct buf out = BUF_MAX(16);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_script("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1", SPAN_NONE, PATIENCE,
					 &out, &err),
			-1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(
			strlen(err.text), strlen("the script 'sh' failed with exit code 1: ") + RUN_SAID_MAX);
}

static void names_the_signal_that_ended_it(void **state)
{
	auto_buf struct buf out = BUF_MAX(16);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_script("kill -SEGV $$", SPAN_NONE, PATIENCE, &out, &err), -1);
	assert_non_null(strstr(err.text, "was ended by signal 11"));
}

static void ends_a_program_that_hangs_and_what_it_started(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_script("sleep 1000 & echo $!; wait", SPAN_NONE, 100, &out, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_string_equal(err.text, "the script 'sh' did not end within 100 ms");
}

/* The letter of its state; 0 when it has gone. */
static char process_state(pid_t pid)
{
	auto_free char *path = xasprintf("/proc/%d/stat", (int)pid);
	auto_buf struct buf text = BUF_MAX(4096);

	if (fs_read(path, &text, NULL) < 0)
		return 0;
	const char *end = strrchr(buf_text(&text), ')');
	return end && end[1] ? end[2] : 0;
}

static void leaves_nothing_alive_that_a_program_started(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);

	(void)state;
	assert_int_equal(run_script("sleep 1000 >&- 2>&- & echo $!", SPAN_NONE, PATIENCE, &out, NULL), 0);
	pid_t left = (pid_t)strtol(buf_text(&out), NULL, 10);
	assert_true(left > 1);
	/* it is killed by now; who inherits it may take a moment to bury it */
	for (char now = process_state(left); now && now != 'Z'; now = process_state(left))
		sched_yield();
}

static void does_not_wait_for_a_child_that_keeps_the_pipe(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);

	(void)state;
	assert_int_equal(run_script("sleep 1000 & printf done", SPAN_NONE, PATIENCE, &out, NULL), 0);
	assert_string_equal(buf_text(&out), "done");
}

static void refuses_more_output_than_allowed(void **state)
{
	auto_buf struct buf out = BUF_MAX(1000);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_script("yes", SPAN_NONE, PATIENCE, &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void leaves_no_descriptor_of_ours_open(void **state)
{
	auto_buf struct buf out = BUF_MAX(4096);
	/* without close-on-exec, as a careless library leaves it */
	auto_fd int left = fcntl(STDERR_FILENO, F_DUPFD, 77);

	(void)state;
	assert_int_equal(left, 77);
	assert_int_equal(run_script("test ! -e /proc/self/fd/77 && printf closed", SPAN_NONE, PATIENCE, &out,
					 NULL),
			0);
	assert_string_equal(buf_text(&out), "closed");
}

static void gives_the_program_the_usual_signals(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);
	struct err err = ERR_NONE;
	sigset_t set, old;
	void (*handler)(int) = signal(SIGPIPE, SIG_IGN);

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(run_script("kill -TERM $$; sleep 1000", SPAN_NONE, PATIENCE, &out, &err), -1);
	assert_non_null(strstr(err.text, "signal 15"));
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, handler);
}

static void names_a_program_that_is_not_there(void **state)
{
	const char *const argv[] = { "no-such-program-here", NULL };
	const struct run run = { .what = "the helper", .argv = argv, .timeout = PATIENCE };
	const struct run by_path = {
		.what = "the helper", .program = "/nowhere/helper", .argv = argv, .timeout = PATIENCE
	};
	auto_buf struct buf out = BUF_MAX(64);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_program(&run, &out, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "starting the helper 'no-such-program-here'"));
	assert_int_equal(run_program(&by_path, &out, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void gives_the_environment_that_is_asked_for(void **state)
{
	const char *const argv[] = { "env", NULL };
	const char *const environment[] = { "ONE=1", NULL };
	const struct run run = {
		.what = "env", .argv = argv, .environment = environment, .timeout = PATIENCE
	};
	auto_buf struct buf out = BUF_MAX(64);

	(void)state;
	assert_int_equal(run_program(&run, &out, NULL), 0);
	assert_string_equal(buf_text(&out), "ONE=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_over_input_and_takes_output),
		cmocka_unit_test(does_not_wait_for_a_program_that_ignores_its_input),
		cmocka_unit_test(takes_large_output_whole),
		cmocka_unit_test(says_what_a_failing_program_said),
		cmocka_unit_test(cuts_what_a_chatty_program_said),
		cmocka_unit_test(names_the_signal_that_ended_it),
		cmocka_unit_test(ends_a_program_that_hangs_and_what_it_started),
		cmocka_unit_test(leaves_nothing_alive_that_a_program_started),
		cmocka_unit_test(does_not_wait_for_a_child_that_keeps_the_pipe),
		cmocka_unit_test(refuses_more_output_than_allowed),
		cmocka_unit_test(leaves_no_descriptor_of_ours_open),
		cmocka_unit_test(gives_the_program_the_usual_signals),
		cmocka_unit_test(names_a_program_that_is_not_there),
		cmocka_unit_test(gives_the_environment_that_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
