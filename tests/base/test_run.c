/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OUT_MAX 4096

/* Runs a line of shell; `out` is the caller's. */
static int shell(const char *line, struct span input, int timeout, struct buf *out, struct err *err)
{
	const char *const argv[] = { "sh", "-c", line, NULL };
	const struct run run = { .what = "the helper", .argv = argv, .input = input, .timeout = timeout };

	return run_program(&run, out, err);
}

static void passes_bytes_in_and_out(void **state)
{
	static const char bytes[] = "a\0b\n\xff";
	auto_buf struct buf out = BUF_MAX(OUT_MAX);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(shell("cat", span_new(bytes, sizeof(bytes)), 10000, &out, &err), 0);
	assert_int_equal(out.len, sizeof(bytes));
	assert_memory_equal(out.ptr, bytes, sizeof(bytes));
	buf_reset(&out);
	assert_int_equal(shell("cat", SPAN_NONE, 10000, &out, &err), 0);
	assert_int_equal(out.len, 0);
	/* one that does not read what it is given */
	assert_int_equal(shell("echo x", span_new(bytes, sizeof(bytes)), 10000, &out, &err), 0);
	assert_string_equal(out.ptr, "x\n");
}

static void tells_how_it_failed(void **state)
{
	static const struct {
		const char *line;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "echo no such host >&2; exit 3", ERR_DENIED, "failed with exit code 3: no such host" },
		{ "exit 1", ERR_DENIED, "failed with exit code 1" },
		{ "kill -9 $$", ERR_DENIED, "was ended by signal 9" },
		{ "sleep 600", ERR_RETRY, "did not end within" },
		{ "yes | head -c 5000", ERR_LIMIT, "printed more than 4096 bytes" },
		{ "yes", ERR_LIMIT, "printed more than 4096 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(OUT_MAX);
		struct err err = ERR_NONE;
		int timeout = cases[i].kind == ERR_RETRY ? 50 : 10000;
		if (shell(cases[i].line, SPAN_NONE, timeout, &out, &err) != -1 || err.kind != cases[i].kind ||
				!strstr(err.text, cases[i].words))
			fail_msg("%s: %s %s", cases[i].line, err_kind_name(err.kind), err.text);
	}
}

static void keeps_the_first_bytes_of_what_it_said(void **state)
{
	auto_buf struct buf out = BUF_MAX(OUT_MAX);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(shell("yes | head -c 100000 >&2; exit 1", SPAN_NONE, 10000, &out, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_true(strlen(err.text) < 2 * RUN_SAID_MAX);
}

static void says_when_there_is_no_such_program(void **state)
{
	const char *const argv[] = { "no-such-program-anywhere", NULL };
	const struct run run = { .what = "the helper", .argv = argv, .timeout = 1000 };
	auto_buf struct buf out = BUF_MAX(OUT_MAX);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(run_program(&run, &out, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void nothing_of_ours_is_open_in_it(void **state)
{
	auto_buf struct buf out = BUF_MAX(OUT_MAX);
	struct err err = ERR_NONE;
	int inherited = dup(STDERR_FILENO);

	(void)state;
	assert_true(inherited > STDERR_FILENO);
	assert_int_equal(shell("ls /proc/$$/fd | tr '\\n' ' '", SPAN_NONE, 10000, &out, &err), 0);
	assert_string_equal(out.ptr, "0 1 2 ");
	close(inherited);
}

static void nothing_that_it_left_behind_lives_on(void **state)
{
	auto_buf struct buf out = BUF_MAX(OUT_MAX);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(shell("sleep 600 >&- 2>&- & echo $!", SPAN_NONE, 10000, &out, &err), 0);
	pid_t left = (pid_t)strtol(out.ptr, NULL, 10);
	assert_true(left > 1);
	/* killed already; whoever inherits it may take a moment to bury it */
	for (int i = 0; i < 1000 && kill(left, 0) == 0; i++) {
		auto_buf struct buf stat = BUF_MAX(OUT_MAX);
		char line[64];
		snprintf(line, sizeof(line), "sed 's/.*) //' /proc/%d/stat 2>/dev/null || true", (int)left);
		assert_int_equal(shell(line, SPAN_NONE, 10000, &stat, &err), 0);
		if (stat.len && stat.ptr[0] == 'Z')
			return;
	}
	assert_int_not_equal(kill(left, 0), 0);
}

static void the_environment_is_what_was_given(void **state)
{
	const char *const argv[] = { "/usr/bin/env", NULL }, *const environment[] = { "A=1", NULL };
	const struct run run = {
		.what = "the helper", .argv = argv, .environment = environment, .timeout = 10000
	};
	auto_buf struct buf out = BUF_MAX(OUT_MAX);

	(void)state;
	assert_int_equal(run_program(&run, &out, NULL), 0);
	assert_string_equal(out.ptr, "A=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_bytes_in_and_out),
		cmocka_unit_test(tells_how_it_failed),
		cmocka_unit_test(keeps_the_first_bytes_of_what_it_said),
		cmocka_unit_test(says_when_there_is_no_such_program),
		cmocka_unit_test(nothing_of_ours_is_open_in_it),
		cmocka_unit_test(nothing_that_it_left_behind_lives_on),
		cmocka_unit_test(the_environment_is_what_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
