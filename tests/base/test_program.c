/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

struct settings {
	int64_t code;
	const char *word;
};

static int run(void *at, struct err *err)
{
	struct settings *settings = at;

	printf("ran with %s\n", settings->word ? settings->word : "nothing");
	if (settings->code == -2)
		return err_set(err, ERR_USAGE, "cannot be used so");
	if (settings->code < 0)
		return err_set(err, ERR_IO, "it broke");
	return (int)settings->code;
}

static const struct opt options[] = {
	OPT_INT(struct settings, code, "code", 'c', "N", -2, 99, "what the verb returns"),
	OPT_END,
};
static const struct opt_arg args[] = {
	OPT_MAYBE(struct settings, word, "WORD", "what is printed"),
	OPT_ARG_END,
};
static const struct settings defaults = { .code = 3, .word = "default" };

static const struct opt_verb verbs[] = {
	{ .name = "do",
			.summary = "does it",
			.description = "Does it.",
			.options = options,
			.args = args,
			.size = sizeof(struct settings),
			.run = run },
	{ .name = "preset",
			.summary = "does it with defaults",
			.description = "Does it.",
			.options = options,
			.args = args,
			.size = sizeof(struct settings),
			.defaults = &defaults,
			.run = run },
	OPT_VERB_END,
};
static const struct opt_program with_verbs = {
	.name = "sample",
	.summary = "samples",
	.description = "Samples.",
	.version = "1.2",
	.verbs = verbs,
};

static const struct opt_verb only[] = {
	{ .summary = "does it",
			.description = "Does it.",
			.options = options,
			.args = args,
			.size = sizeof(struct settings),
			.run = run },
	OPT_VERB_END,
};
static const struct opt_program without_verbs = {
	.name = "plain",
	.summary = "is plain",
	.description = "Is plain.",
	.version = "1.2",
	.verbs = only,
};

struct outcome {
	int code;
	struct buf out, err;
};

static void outcome_clear(struct outcome *outcome)
{
	buf_clear(&outcome->out);
	buf_clear(&outcome->err);
}
#define auto_outcome __attribute__((cleanup(outcome_clear)))

/* The words are what stands between spaces. Does not return. */
static void in_child(const struct opt_program *program, const char *line, int out, int err)
{
	char text[256], name[] = "x", *words[16] = { name };
	int count = 1;
	char *save = NULL;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	/* as policy/simple.h does it for programs with a log: what they say reaches the descriptor */
	FILE *nowhere = fopen("/dev/null", "we");
	if (nowhere)
		stderr = nowhere;
	int code = program_main(program, count, words);
	fflush(stdout);
	_exit(code);
}

/* The program in a process of its own, whose outputs are short enough for the pipes. */
static struct outcome call(const struct opt_program *program, const char *line)
{
	struct outcome got = { .code = -1, .out = BUF_MAX(65536), .err = BUF_MAX(65536) };
	int outs[2], errs[2], status;

	assert_int_equal(pipe2(outs, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errs, O_CLOEXEC), 0);
	auto_fd int out = outs[0];
	auto_fd int err = errs[0];
	fflush(stdout);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child)
		in_child(program, line, outs[1], errs[1]);
	close(outs[1]);
	close(errs[1]);
	assert_int_equal(fs_read_fd(out, "its output", &got.out, NULL), 0);
	assert_int_equal(fs_read_fd(err, "its errors", &got.err, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	got.code = WEXITSTATUS(status);
	return got;
}

static void runs_a_verb_with_its_defaults(void **state)
{
	(void)state;
	auto_outcome struct outcome zero = call(&with_verbs, "do");
	assert_int_equal(zero.code, 0);
	assert_string_equal(buf_text(&zero.out), "ran with nothing\n");
	auto_outcome struct outcome preset = call(&with_verbs, "preset");
	assert_int_equal(preset.code, 3);
	assert_string_equal(buf_text(&preset.out), "ran with default\n");
	auto_outcome struct outcome given = call(&with_verbs, "preset -c0 word");
	assert_int_equal(given.code, 0);
	assert_string_equal(buf_text(&given.out), "ran with word\n");
	assert_string_equal(buf_text(&given.err), "");
}

static void runs_a_program_without_verbs(void **state)
{
	(void)state;
	auto_outcome struct outcome none = call(&without_verbs, "");
	assert_int_equal(none.code, 0);
	assert_string_equal(buf_text(&none.out), "ran with nothing\n");
	auto_outcome struct outcome word = call(&without_verbs, "do");
	assert_string_equal(buf_text(&word.out), "ran with do\n");
}

static void a_failure_is_1_and_wrong_use_is_2(void **state)
{
	(void)state;
	auto_outcome struct outcome broken = call(&with_verbs, "do --code=-1");
	assert_int_equal(broken.code, 1);
	assert_string_equal(buf_text(&broken.err), "sample do: it broke\n");
	assert_string_equal(buf_text(&broken.out), "ran with nothing\n");
	auto_outcome struct outcome misused = call(&without_verbs, "--code=-2");
	assert_int_equal(misused.code, 2);
	assert_string_equal(buf_text(&misused.err), "plain: cannot be used so\n'plain --help' explains it\n");
	auto_outcome struct outcome unknown = call(&with_verbs, "od");
	assert_int_equal(unknown.code, 2);
	assert_string_equal(buf_text(&unknown.err),
			"sample: unknown command 'od'; did you mean 'do'?\n"
			"'sample --help' explains it\n");
	auto_outcome struct outcome option = call(&with_verbs, "do --cod=1");
	assert_int_equal(option.code, 2);
	assert_string_equal(buf_text(&option.err),
			"sample do: unknown option '--cod=1'; did you mean '--code'?\n"
			"'sample do --help' explains it\n");
	assert_string_equal(buf_text(&option.out), "");
	auto_outcome struct outcome missing = call(&with_verbs, "");
	assert_int_equal(missing.code, 2);
	assert_string_equal(buf_text(&missing.err),
			"sample: a command is missing\n'sample --help' explains it\n");
}

static void help_goes_to_standard_output(void **state)
{
	static const char *const calls[] = { "--help", "-h", "help" };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		auto_outcome struct outcome got = call(&with_verbs, calls[i]);
		assert_int_equal(got.code, 0);
		assert_string_equal(buf_text(&got.err), "");
		assert_string_equal(buf_text(&got.out),
				"sample - samples\n\nUsage: sample COMMAND "
				"[OPTIONS]\n\nSamples.\n\nCommands:\n"
				"  do                        does it\n"
				"  preset                    does it with defaults\n\n"
				"'sample COMMAND --help' explains a command.\n");
	}
}

static void help_for_a_verb_has_three_spellings(void **state)
{
	static const char *const calls[] = { "do --help", "do -h", "help do" };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		auto_outcome struct outcome got = call(&with_verbs, calls[i]);
		assert_int_equal(got.code, 0);
		assert_string_equal(buf_text(&got.out),
				"sample do - does it\n\nUsage: sample do [OPTIONS] [WORD]\n\nDoes it.\n\n"
				"Arguments:\n  WORD                      what is printed\n\nOptions:\n"
				"  -c, --code N              what the verb returns (-2 to 99)\n"
				"  -h, --help                show this text\n");
	}
	auto_outcome struct outcome unknown = call(&with_verbs, "help od");
	assert_int_equal(unknown.code, 2);
}

static void the_version_is_one_line(void **state)
{
	(void)state;
	auto_outcome struct outcome verbs_version = call(&with_verbs, "--version");
	assert_string_equal(buf_text(&verbs_version.out), "sample 1.2\n");
	auto_outcome struct outcome plain_version = call(&without_verbs, "--version");
	assert_string_equal(buf_text(&plain_version.out), "plain 1.2\n");
	assert_int_equal(plain_version.code, 0);
}

static void packagers_get_their_files(void **state)
{
	(void)state;
	auto_outcome struct outcome man = call(&with_verbs, "man");
	assert_int_equal(man.code, 0);
	assert_true(span_starts(buf_span(&man.out), ".TH \"sample\" 1"));
	auto_outcome struct outcome bash = call(&with_verbs, "completion bash");
	assert_int_equal(bash.code, 0);
	assert_true(bash.out.len > 100);
	auto_outcome struct outcome other = call(&with_verbs, "completion csh");
	assert_int_equal(other.code, 2);
	assert_string_equal(buf_text(&other.out), "");
}

static void output_that_is_lost_is_a_failure(void **state)
{
	static const char *const calls[] = { "do", "--help", "--version", "man" };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int status;
		auto_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
		auto_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		assert_true(full >= 0 && null >= 0);
		fflush(stdout);
		pid_t child = fork();
		if (!child)
			in_child(&with_verbs, calls[i], full, null);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_a_verb_with_its_defaults),
		cmocka_unit_test(runs_a_program_without_verbs),
		cmocka_unit_test(a_failure_is_1_and_wrong_use_is_2),
		cmocka_unit_test(help_goes_to_standard_output),
		cmocka_unit_test(help_for_a_verb_has_three_spellings),
		cmocka_unit_test(the_version_is_one_line),
		cmocka_unit_test(packagers_get_their_files),
		cmocka_unit_test(output_that_is_lost_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
