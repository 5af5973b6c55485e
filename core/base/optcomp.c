/* SPDX-License-Identifier: Apache-2.0 */
#include "base/optcomp.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#include <ctype.h>
#include <string.h>

static bool names_file(const char *metavar)
{
	return metavar && (!strcmp(metavar, "FILE") || !strcmp(metavar, "DIR"));
}

static bool takes_value(const struct opt *opt)
{
	return opt->type != OPT_TYPE_FLAG;
}

/* The first argument that is a file or folder, or NULL. */
static const struct opt_arg *file_arg(const struct opt_verb *verb)
{
	for (const struct opt_arg *arg = verb->args; arg && arg->name; arg++)
		if (names_file(arg->name))
			return arg;
	return NULL;
}

/* Inside single quotes: `special` characters get a backslash, a quote its shell's way out. */
static void put_quoted(struct buf *out, const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_puts(out, quote);
			continue;
		}
		if (strchr(special, *text))
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

/* The program's name as part of a function's. */
static void put_function(struct buf *out, const struct opt_program *program)
{
	buf_putc(out, '_');
	for (const char *at = program->name; *at; at++)
		buf_putc(out, isalnum((unsigned char)*at) ? *at : '_');
}

static void put_words(struct buf *out, const char *const *words)
{
	for (const char *const *word = words; *word; word++)
		buf_printf(out, "%s%s", word == words ? "" : " ", *word);
}

/* The first word of a verb's name, and its second where it has one. */
static struct span first_word(const struct opt_verb *verb)
{
	struct span name = span_of(verb->name);

	return span_new(name.ptr, span_find(name, ' '));
}

static struct span second_word(const struct opt_verb *verb)
{
	struct span name = span_of(verb->name);

	return span_from(name, span_find(name, ' ') + 1);
}

static bool has_two(const struct opt_verb *verb)
{
	return verb->name && strchr(verb->name, ' ');
}

/* Whether an earlier verb begins with the same word. */
static bool said_before(const struct opt_program *program, const struct opt_verb *verb)
{
	for (const struct opt_verb *other = program->verbs; other != verb; other++)
		if (span_eq(first_word(other), first_word(verb)))
			return true;
	return false;
}

/* ---- bash ---- */

static void bash_value(struct buf *out, const struct opt *opt)
{
	buf_printf(out, "\t\t--%s", opt->name);
	if (opt->letter)
		buf_printf(out, " | -%c", opt->letter);
	buf_puts(out, ")\n");
	if (opt->type == OPT_TYPE_ENUM) {
		buf_puts(out, "\t\t\tmapfile -t COMPREPLY < <(compgen -W '");
		put_words(out, opt->words);
		buf_puts(out, "' -- \"$cur\")\n");
	} else if (names_file(opt->metavar)) {
		buf_puts(out,
				"\t\t\tcompopt -o filenames\n"
				"\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n");
	}
	buf_puts(out, "\t\t\treturn\n\t\t\t;;\n");
}

static void bash_verb(struct buf *out, const struct opt_program *program, const struct opt_verb *verb)
{
	const struct opt *options[OPT_COUNT_MAX];
	size_t count = opt_all(program, verb, options);

	if (verb->name)
		buf_printf(out, has_two(verb) ? "\t'%s')" : "\t'%s '*)", verb->name);
	else
		buf_puts(out, "\t*)");
	buf_puts(out, "\n\t\tcase $prev in\n");
	for (size_t i = 0; i < count; i++)
		if (takes_value(options[i]))
			bash_value(out, options[i]);
	buf_puts(out, "\t\tesac\n\t\tif [[ $cur == -* ]]; then\n\t\t\tmapfile -t COMPREPLY < <(compgen -W '");
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s--%s", i ? " " : "", options[i]->name);
	buf_puts(out, "' -- \"$cur\")\n");
	if (file_arg(verb))
		buf_puts(out,
				"\t\telse\n\t\t\tcompopt -o filenames\n"
				"\t\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
				"\"$cur\")\n");
	buf_puts(out, "\t\tfi\n\t\t;;\n");
}

/* "keygen export": the second word, offered beside whatever else may stand there. */
static void bash_second_words(struct buf *out, const struct opt_program *program)
{
	for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
		if (has_two(verb))
			buf_printf(out,
					"\tif ((COMP_CWORD == 2)) && [[ ${COMP_WORDS[1]} == %.*s ]]; then\n"
					"\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W '%.*s' "
					"-- \"$cur\")\n\tfi\n",
					SPAN_ARG(first_word(verb)), SPAN_ARG(second_word(verb)));
}

static void bash(const struct opt_program *program, struct buf *out)
{
	buf_printf(out, "# bash completion for %s\n", program->name);
	put_function(out, program);
	/* bash makes a word of its own of the = in --name=value */
	buf_puts(out,
			"()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
			"\tCOMPREPLY=()\n"
			"\tif [[ $cur == = ]]; then\n\t\tcur=\n"
			"\telif [[ $prev == = ]]; then\n\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n");
	if (opt_has_verbs(program)) {
		buf_puts(out, "\tif ((COMP_CWORD == 1)); then\n\t\tmapfile -t COMPREPLY < <(compgen -W '");
		for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
			if (!said_before(program, verb))
				buf_printf(out, "%.*s ", SPAN_ARG(first_word(verb)));
		buf_puts(out, "help --help --version' -- \"$cur\")\n\t\treturn\n\tfi\n");
		bash_second_words(out, program);
	}
	buf_puts(out, "\tcase \"${COMP_WORDS[1]-} ${COMP_WORDS[2]-}\" in\n");
	for (int two = 1; two >= 0; two--)
		for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
			if (has_two(verb) == two)
				bash_verb(out, program, verb);
	buf_puts(out, "\tesac\n}\ncomplete -F ");
	put_function(out, program);
	buf_printf(out, " %s\n", program->name);
}

/* ---- zsh ---- */

static void zsh_text(struct buf *out, const char *text)
{
	put_quoted(out, text, "[]:\\", "'\\''");
}

static void zsh_option(struct buf *out, const struct opt *opt)
{
	const char *equals = takes_value(opt) ? "=" : "";

	buf_puts(out, " \\\n\t\t\t");
	if (opt->type == OPT_TYPE_LIST)
		buf_puts(out, "'*'");
	else if (opt->letter)
		buf_printf(out, "'(-%c --%s)'", opt->letter, opt->name);
	if (opt->letter)
		buf_printf(out, "{-%c%s,--%s%s}'[", opt->letter, takes_value(opt) ? "+" : "", opt->name,
				equals);
	else
		buf_printf(out, "'--%s%s[", opt->name, equals);
	zsh_text(out, opt->help);
	buf_putc(out, ']');
	if (takes_value(opt)) {
		buf_putc(out, ':');
		zsh_text(out, opt->metavar);
		buf_putc(out, ':');
		if (opt->type == OPT_TYPE_ENUM) {
			buf_putc(out, '(');
			put_words(out, opt->words);
			buf_putc(out, ')');
		} else if (names_file(opt->metavar)) {
			buf_puts(out, "_files");
		}
	}
	buf_putc(out, '\'');
}

static void zsh_verb(struct buf *out, const struct opt_program *program, const struct opt_verb *verb)
{
	const struct opt *options[OPT_COUNT_MAX];
	size_t count = opt_all(program, verb, options);

	if (verb->name)
		buf_printf(out, has_two(verb) ? "\t'%s')\n\t\tshift words\n\t\t((CURRENT--))" : "\t'%s '*)",
				verb->name);
	else
		buf_puts(out, "\t*)");
	buf_puts(out, "\n\t\t_arguments -s");
	for (size_t i = 0; i < count; i++)
		zsh_option(out, options[i]);
	if (file_arg(verb))
		buf_printf(out, " \\\n\t\t\t'*:%s:_files'", file_arg(verb)->name);
	buf_puts(out, "\n\t\t;;\n");
}

static void zsh_second_words(struct buf *out, const struct opt_program *program)
{
	for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
		if (has_two(verb))
			buf_printf(out,
					"\tif ((CURRENT == 2)) && [[ $words[1] == %.*s ]]; then\n"
					"\t\tcompadd %.*s\n\tfi\n",
					SPAN_ARG(first_word(verb)), SPAN_ARG(second_word(verb)));
}

static void zsh(const struct opt_program *program, struct buf *out)
{
	buf_printf(out, "#compdef %s\n", program->name);
	put_function(out, program);
	buf_puts(out, "()\n{\n");
	if (opt_has_verbs(program)) {
		buf_puts(out, "\tif ((CURRENT == 2)); then\n\t\tlocal -a commands=(");
		for (const struct opt_verb *verb = program->verbs; verb->summary; verb++) {
			if (said_before(program, verb))
				continue;
			buf_printf(out, "\n\t\t\t'%.*s:", SPAN_ARG(first_word(verb)));
			zsh_text(out, verb->summary);
			buf_putc(out, '\'');
		}
		buf_puts(out,
				"\n\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
				"\tshift words\n\t((CURRENT--))\n");
		zsh_second_words(out, program);
	}
	buf_puts(out, "\tcase \"$words[1] $words[2]\" in\n");
	for (int two = 1; two >= 0; two--)
		for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
			if (has_two(verb) == two)
				zsh_verb(out, program, verb);
	buf_puts(out, "\tesac\n}\n");
	put_function(out, program);
	buf_puts(out, " \"$@\"\n");
}

/* ---- fish ---- */

static void fish_text(struct buf *out, const char *text)
{
	buf_puts(out, " -d '");
	put_quoted(out, text, "\\", "\\'");
	buf_puts(out, "'\n");
}

static void fish_where(struct buf *out, const struct opt_program *program, const struct opt_verb *verb)
{
	buf_printf(out, "complete -c %s", program->name);
	if (has_two(verb))
		buf_printf(out,
				" -n '__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from "
				"%.*s'",
				SPAN_ARG(first_word(verb)), SPAN_ARG(second_word(verb)));
	else if (verb->name)
		buf_printf(out, " -n '__fish_seen_subcommand_from %s'", verb->name);
}

static void fish_verb(struct buf *out, const struct opt_program *program, const struct opt_verb *verb)
{
	if (!said_before(program, verb)) {
		buf_printf(out, "complete -c %s -n __fish_use_subcommand -a %.*s", program->name,
				SPAN_ARG(first_word(verb)));
		fish_text(out, verb->summary);
	}
	if (has_two(verb)) {
		buf_printf(out, "complete -c %s -n '__fish_seen_subcommand_from %.*s' -a %.*s", program->name,
				SPAN_ARG(first_word(verb)), SPAN_ARG(second_word(verb)));
		fish_text(out, verb->summary);
	}
}

static void fish_option(struct buf *out, const struct opt *opt)
{
	buf_printf(out, " -l %s", opt->name);
	if (opt->letter)
		buf_printf(out, " -s %c", opt->letter);
	if (takes_value(opt))
		buf_puts(out, names_file(opt->metavar) ? " -r -F" : " -x");
	if (opt->type == OPT_TYPE_ENUM) {
		buf_puts(out, " -a '");
		put_words(out, opt->words);
		buf_putc(out, '\'');
	}
	fish_text(out, opt->help);
}

static void fish(const struct opt_program *program, struct buf *out)
{
	const struct opt *options[OPT_COUNT_MAX];

	buf_printf(out, "# fish completion for %s\ncomplete -c %s -f\n", program->name, program->name);
	for (const struct opt_verb *verb = program->verbs; verb->summary; verb++) {
		size_t count = opt_all(program, verb, options);
		if (verb->name) {
			fish_verb(out, program, verb);
		}
		for (size_t i = 0; i < count; i++) {
			fish_where(out, program, verb);
			fish_option(out, options[i]);
		}
		if (file_arg(verb)) {
			fish_where(out, program, verb);
			buf_puts(out, " -F\n");
		}
	}
}

int opt_completion(const struct opt_program *program, const char *shell, struct buf *out, struct err *err)
{
	if (!strcmp(shell, "bash"))
		bash(program, out);
	else if (!strcmp(shell, "zsh"))
		zsh(program, out);
	else if (!strcmp(shell, "fish"))
		fish(program, out);
	else
		return err_set(err, ERR_USAGE,
				"no completion for the shell '%s': it is one of bash, zsh, fish", shell);
	return 0;
}
