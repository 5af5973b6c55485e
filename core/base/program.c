/* SPDX-License-Identifier: Apache-2.0 */
#include "base/program.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/optcomp.h"
#include "base/opthelp.h"
#include "base/own.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX (256 * 1024)

static int complain(const struct opt_program *program, const struct opt_verb *verb, const struct err *err)
{
	const char *name = verb && verb->name ? verb->name : "";
	const char *space = name[0] ? " " : "";

	/* not by stdio: a program may have taken its stderr away from a library (policy/simple.h) */
	dprintf(STDERR_FILENO, "%s%s%s: %s\n", program->name, space, name, err->text);
	if (err->kind == ERR_USAGE)
		dprintf(STDERR_FILENO, "'%s%s%s --help' explains it\n", program->name, space, name);
	return err_exit_code(err->kind);
}

/* What standard output still holds back must reach its reader before 0 may be said. */
static int finish(const struct opt_program *program, int code)
{
	struct err err = ERR_NONE;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	err_errno(&err, ERR_IO, "writing to standard output");
	return complain(program, NULL, &err);
}

static int print(const struct opt_program *program, const struct buf *text)
{
	struct err err = ERR_NONE;

	if (buf_check(text, "the text", &err) < 0)
		return complain(program, NULL, &err);
	fwrite(buf_text(text), 1, text->len, stdout);
	return finish(program, 0);
}

static int print_version(const struct opt_program *program)
{
	printf("%s %s\n", program->name, program->version);
	return finish(program, 0);
}

static int run_verb(const struct opt_program *program, const struct opt_verb *verb, int argc, char **argv)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	auto_free void *settings = xcalloc(1, verb->size);
	enum opt_ask ask;
	struct err err = ERR_NONE;

	if (verb->defaults)
		memcpy(settings, verb->defaults, verb->size);
	if (opt_parse(program, verb, argc, argv, settings, &ask, &err) < 0)
		return complain(program, verb, &err);
	if (ask == OPT_ASK_VERSION)
		return print_version(program);
	if (ask == OPT_ASK_HELP) {
		opt_usage_verb(program, verb, &text);
		return print(program, &text);
	}
	int code = verb->run(settings, &err);
	if (code < 0) {
		fflush(stdout);
		return complain(program, verb, &err);
	}
	return finish(program, code);
}

/* "help", "help VERB", "completion SHELL", "man": true when it was one of them, with its exit code. */
static bool run_helper(const struct opt_program *program, int argc, char **argv, int *code)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	const struct opt_verb *verb = NULL;
	struct err err = ERR_NONE;
	int used;
	bool help = !strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

	if (help && argc > 2 && opt_has_verbs(program)) {
		verb = opt_verb_find(program, argc - 2, argv + 2, &used, &err);
		if (verb)
			opt_usage_verb(program, verb, &text);
	} else if (help && argc == 2) {
		opt_usage(program, &text);
	} else if (!strcmp(argv[1], "man") && argc == 2) {
		opt_man(program, &text);
	} else if (!strcmp(argv[1], "completion") && argc == 3) {
		(void)!opt_completion(program, argv[2], &text, &err);
	} else {
		return false;
	}
	*code = err.kind == ERR_OK ? print(program, &text) : complain(program, NULL, &err);
	return true;
}

int program_main(const struct opt_program *program, int argc, char **argv)
{
	struct err err = ERR_NONE;
	int code;

	if (argc > 1 && run_helper(program, argc, argv, &code))
		return code;
	if (!opt_has_verbs(program))
		return run_verb(program, program->verbs, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
	if (argc < 2) {
		err_set(&err, ERR_USAGE, "a command is missing");
		return complain(program, NULL, &err);
	}
	if (!strcmp(argv[1], "--version"))
		return print_version(program);
	int used;
	const struct opt_verb *verb = opt_verb_find(program, argc - 1, argv + 1, &used, &err);
	if (!verb)
		return complain(program, NULL, &err);
	return run_verb(program, verb, argc - 1 - used, argv + 1 + used);
}
