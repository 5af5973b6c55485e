/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/optcomp.h"
#include "base/own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

struct settings {
	const char *profile;
	bool force;
	int64_t size;
	int form;
	struct opt_rest files;
};

static const char *const forms[] = { "toml", "json", NULL };
static const struct opt options[] = {
	OPT_TEXT(struct settings, profile, "profile", 'p', "FILE", "the profile: what's [in] it"),
	OPT_FLAG(struct settings, force, "force", 'f', "overwrite"),
	OPT_INT(struct settings, size, "max-size", 0, "BYTES", 1, 9, "the ceiling"),
	OPT_ENUM(struct settings, form, "output", 'o', "FORM", "what to write", forms),
	OPT_END,
};
static const struct opt_arg args[] = {
	OPT_REST(struct settings, files, "FILE", 0, 3, "the files"),
	OPT_ARG_END,
};
static const struct opt_verb verbs[] = {
	{ .name = "create",
			.summary = "creates",
			.description = "Creates.",
			.options = options,
			.args = args,
			.size = sizeof(struct settings) },
	{ .name = "show", .summary = "it's shown", .description = "Shows.", .size = sizeof(struct settings) },
	{ .name = "create all",
			.summary = "creates all",
			.description = "Creates.",
			.options = &options[1],
			.size = sizeof(struct settings) },
	{ .name = "key list", .summary = "lists", .description = "Lists.", .size = sizeof(struct settings) },
	OPT_VERB_END,
};
static const struct opt_verb only[] = {
	{ .summary = "serves",
			.description = "Serves.",
			.options = options,
			.size = sizeof(struct settings) },
	OPT_VERB_END,
};
static const struct opt_program program = {
	.name = "sample-tool",
	.summary = "samples",
	.description = "Samples.",
	.version = "1",
	.verbs = verbs,
};
static const struct opt_program plain = {
	.name = "plain",
	.summary = "is plain",
	.description = "Is plain.",
	.version = "1",
	.verbs = only,
};

/* Standard output of bash for a script. */
static void bash(const struct buf *script, struct buf *out)
{
	char name[] = "bash", option[] = "-c";
	int ends[2], status;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	auto_fd int in = ends[0];
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(ends[1], STDOUT_FILENO);
		execvp(name, (char *[]){ name, option, script->ptr, NULL });
		_exit(127);
	}
	close(ends[1]);
	assert_int_equal(fs_read_fd(in, "bash", out, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What bash offers when the last of the words is being typed. */
static void offers(const struct opt_program *of, const char *words, const char *expected)
{
	auto_buf struct buf script = BUF_MAX(65536), got = BUF_MAX(4096);

	/* compopt works inside a real completion alone */
	buf_puts(&script, "set -eu; compopt() { :; }; ");
	assert_int_equal(opt_completion(of, "bash", &script, NULL), 0);
	buf_printf(&script,
			"\nCOMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
			"_%s\nprintf '%%s ' \"${COMPREPLY[@]:-}\"",
			words, of == &program ? "sample_tool" : "plain");
	bash(&script, &got);
	if (!span_is(span_trim(buf_span(&got)), expected))
		fail_msg("'%s' offers '%s', not '%s'", words, buf_text(&got), expected);
}

static void bash_offers_what_fits(void **state)
{
	(void)state;
	offers(&program, "sample-tool ''", "create show key help --help --version");
	offers(&program, "sample-tool c", "create");
	offers(&program, "sample-tool x", "");
	offers(&program, "sample-tool create --", "--profile --force --max-size --output --help");
	offers(&program, "sample-tool create --f", "--force");
	offers(&program, "sample-tool create -o ''", "toml json");
	offers(&program, "sample-tool create --output t", "toml");
	offers(&program, "sample-tool create --output =", "toml json");
	offers(&program, "sample-tool create --output = j", "json");
	offers(&program, "sample-tool create --max-size ''", "");
	offers(&program, "sample-tool create --profile /dev/nul", "/dev/null");
	offers(&program, "sample-tool create /dev/nul", "/dev/null");
	offers(&program, "sample-tool show --", "--help");
	offers(&program, "sample-tool create al", "all");
	offers(&program, "sample-tool create all --", "--force --max-size --output --help");
	offers(&program, "sample-tool key ''", "list");
	offers(&program, "sample-tool key list --", "--help");
	offers(&program, "sample-tool show /dev/nul", "");
	offers(&plain, "plain --v", "--version");
	offers(&plain, "plain --output ''", "toml json");
}

static void zsh_quotes_what_it_reads(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	assert_int_equal(opt_completion(&program, "zsh", &out, NULL), 0);
	assert_true(span_starts(buf_span(&out), "#compdef sample-tool\n_sample_tool()\n"));
	assert_non_null(strstr(out.ptr,
			"'(-p --profile)'{-p+,--profile=}'[the profile\\: what'\\''s \\[in\\] "
			"it]:FILE:_files'"));
	assert_non_null(strstr(out.ptr, "'--max-size=[the ceiling]:BYTES:'"));
	assert_non_null(strstr(out.ptr, "'show:it'\\''s shown'"));
	assert_non_null(strstr(out.ptr, "'*:FILE:_files'"));
	assert_non_null(strstr(out.ptr, "[[ $words[1] == create ]]; then\n\t\tcompadd all\n"));
	assert_non_null(strstr(out.ptr, "\t'create all')\n\t\tshift words\n"));
	assert_true(strstr(out.ptr, "'create all')") < strstr(out.ptr, "'create '*)"));
}

static void fish_quotes_what_it_reads(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	assert_int_equal(opt_completion(&program, "fish", &out, NULL), 0);
	assert_non_null(strstr(out.ptr,
			"complete -c sample-tool -n '__fish_seen_subcommand_from create' -l profile -s p "
			"-r -F -d 'the profile: what\\'s [in] it'\n"));
	assert_non_null(strstr(out.ptr, " -x -a 'toml json' -d 'what to write'\n"));
	assert_non_null(strstr(out.ptr,
			"complete -c sample-tool -n '__fish_seen_subcommand_from key' -a list -d 'lists'\n"));
	assert_non_null(strstr(out.ptr,
			"-n '__fish_seen_subcommand_from create; and __fish_seen_subcommand_from all' -l "
			"force"));
	assert_non_null(strstr(out.ptr, "-n __fish_use_subcommand -a show -d 'it\\'s shown'\n"));
	buf_reset(&out);
	assert_int_equal(opt_completion(&plain, "fish", &out, NULL), 0);
	assert_non_null(strstr(out.ptr, "\ncomplete -c plain -l force -s f -d 'overwrite'\n"));
}

static void an_unknown_shell_is_wrong_use(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(opt_completion(&program, "csh", &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bash_offers_what_fits),
		cmocka_unit_test(zsh_quotes_what_it_reads),
		cmocka_unit_test(fish_quotes_what_it_reads),
		cmocka_unit_test(an_unknown_shell_is_wrong_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
