/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opthelp.h"

#include "base/buf.h"

#include <string.h>

#define WIDTH  80
#define COLUMN 28 /* where the explanations of options start */

/* ---- parts that both forms share ---- */

static const char *dots(const struct opt_arg *arg)
{
	return arg->rest && arg->max > 1 ? "..." : "";
}

/* "--profile FILE [OPTIONS] [FILE...]" */
static void put_synopsis(struct buf *out, const struct opt_verb *verb)
{
	for (const struct opt *opt = verb->options; opt && opt->type != OPT_TYPE_END; opt++)
		if (opt->required)
			buf_printf(out, " --%s %s", opt->name, opt->metavar);
	buf_puts(out, " [OPTIONS]");
	for (const struct opt_arg *arg = verb->args; arg && arg->name; arg++)
		buf_printf(out, arg->min ? " %s%s" : " [%s%s]", arg->name, dots(arg));
}

/* What a table knows of an option beyond its phrase. */
static void put_constraint(struct buf *out, const struct opt *opt)
{
	if (opt->type == OPT_TYPE_INT)
		buf_printf(out, " (%lld to %lld)", (long long)opt->min, (long long)opt->max);
	if (opt->type == OPT_TYPE_ENUM) {
		buf_puts(out, " (");
		for (const char *const *word = opt->words; *word; word++)
			buf_printf(out, "%s%s", word == opt->words ? "" : ", ", *word);
		buf_putc(out, ')');
	}
	if (opt->required)
		buf_puts(out, " (required)");
}

/* ---- usage ---- */

/* Words wrapped at WIDTH, each line but the first indented; `at` is the column where the first stands. */
static void put_wrapped(struct buf *out, struct span text, size_t at, size_t indent)
{
	struct span word;
	bool first = true;

	while (span_next(&text, ' ', &word)) {
		if (!first && at + 1 + word.len > WIDTH) {
			buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		buf_puts(out, first ? "" : " ");
		buf_add_span(out, word);
		at += word.len + !first;
		first = false;
	}
	buf_putc(out, '\n');
}

static void put_paragraphs(struct buf *out, const char *text)
{
	struct span rest = span_of(text), line;

	while (span_next(&rest, '\n', &line))
		put_wrapped(out, line, 0, 0);
}

/* The left half is in place from `start`; the explanation goes beside it, or below where there is no room. */
static void put_explained(struct buf *out, size_t start, const char *text)
{
	size_t used = out->len - start;

	if (used + 2 > COLUMN) {
		buf_putc(out, '\n');
		used = 0;
	}
	buf_printf(out, "%*s", (int)(COLUMN - used), "");
	put_wrapped(out, span_of(text), COLUMN, COLUMN);
}

static void put_option(struct buf *out, const struct opt *opt)
{
	auto_buf struct buf text = BUF_MAX(4096);
	size_t start = out->len;

	if (opt->letter)
		buf_printf(out, "  -%c, --%s", opt->letter, opt->name);
	else
		buf_printf(out, "      --%s", opt->name);
	if (opt->metavar)
		buf_printf(out, " %s", opt->metavar);
	buf_puts(&text, opt->help);
	put_constraint(&text, opt);
	put_explained(out, start, buf_text(&text));
}

static void put_args(struct buf *out, const struct opt_arg *arg)
{
	if (!arg || !arg->name)
		return;
	buf_puts(out, "\nArguments:\n");
	for (; arg->name; arg++) {
		size_t start = out->len;
		buf_printf(out, "  %s%s", arg->name, dots(arg));
		put_explained(out, start, arg->help);
	}
}

static void put_examples(struct buf *out, const struct opt_example *example)
{
	if (!example || !example->what)
		return;
	buf_puts(out, "\nExamples:\n");
	for (; example->what; example++) {
		struct span rest = span_of(example->command), line;
		buf_printf(out, "  # %s\n", example->what);
		while (span_next(&rest, '\n', &line))
			buf_printf(out, "  %.*s\n", SPAN_ARG(line));
	}
}

void opt_usage_verb(const struct opt_program *program, const struct opt_verb *verb, struct buf *out)
{
	const struct opt *options[OPT_COUNT_MAX];
	size_t count = opt_all(program, verb, options);

	buf_printf(out, "%s%s%s - %s\n\nUsage: %s%s%s", program->name, verb->name ? " " : "",
			verb->name ? verb->name : "", verb->summary, program->name, verb->name ? " " : "",
			verb->name ? verb->name : "");
	put_synopsis(out, verb);
	buf_puts(out, "\n\n");
	put_paragraphs(out, verb->description);
	put_args(out, verb->args);
	buf_puts(out, "\nOptions:\n");
	for (size_t i = 0; i < count; i++)
		put_option(out, options[i]);
	put_examples(out, verb->examples);
}

void opt_usage(const struct opt_program *program, struct buf *out)
{
	if (!opt_has_verbs(program)) {
		opt_usage_verb(program, program->verbs, out);
		return;
	}
	buf_printf(out, "%s - %s\n\nUsage: %s COMMAND [OPTIONS]\n\n", program->name, program->summary,
			program->name);
	put_paragraphs(out, program->description);
	buf_puts(out, "\nCommands:\n");
	for (const struct opt_verb *verb = program->verbs; verb->summary; verb++) {
		size_t start = out->len;
		buf_printf(out, "  %s", verb->name);
		put_explained(out, start, verb->summary);
	}
	buf_printf(out, "\n'%s COMMAND --help' explains a command.\n", program->name);
}

/* ---- man page ---- */

/* Text as roff reads it literally: no escapes, no requests at the start of a line, hyphens that can be pasted. */
static void put_roff(struct buf *out, const char *text)
{
	bool fresh = true;

	for (; *text; text++) {
		if (fresh && (*text == '.' || *text == '\''))
			buf_puts(out, "\\&");
		if (*text == '\\')
			buf_puts(out, "\\e");
		else if (*text == '-')
			buf_puts(out, "\\-");
		else
			buf_putc(out, *text);
		fresh = *text == '\n';
	}
}

static void put_roff_paragraphs(struct buf *out, const char *text)
{
	struct span rest = span_of(text), line;

	while (span_next(&rest, '\n', &line)) {
		auto_buf struct buf copy = BUF_MAX(65536);
		buf_add_span(&copy, line);
		if (line.len)
			put_roff(out, buf_text(&copy));
		else
			buf_puts(out, ".PP");
		buf_putc(out, '\n');
	}
}

static void put_roff_option(struct buf *out, const struct opt *opt)
{
	auto_buf struct buf text = BUF_MAX(4096);

	buf_puts(out, ".TP\n");
	if (opt->letter)
		buf_printf(out, "\\fB\\-%c\\fR, ", opt->letter);
	buf_puts(out, "\\fB\\-\\-");
	put_roff(out, opt->name);
	buf_puts(out, "\\fR");
	if (opt->metavar) {
		buf_puts(out, " \\fI");
		put_roff(out, opt->metavar);
		buf_puts(out, "\\fR");
	}
	buf_putc(out, '\n');
	buf_puts(&text, opt->help);
	put_constraint(&text, opt);
	put_roff(out, buf_text(&text));
	buf_putc(out, '\n');
}

static void put_roff_examples(struct buf *out, const struct opt_example *example)
{
	for (; example && example->what; example++) {
		buf_puts(out, ".PP\n");
		put_roff(out, example->what);
		buf_puts(out, ":\n.PP\n.RS 4\n.nf\n");
		put_roff(out, example->command);
		buf_puts(out, "\n.fi\n.RE\n");
	}
}

static void put_roff_synopsis(struct buf *out, const struct opt_program *program, const struct opt_verb *verb)
{
	auto_buf struct buf rest = BUF_MAX(4096);

	buf_puts(out, ".PP\n\\fB");
	put_roff(out, program->name);
	if (verb->name) {
		buf_putc(out, ' ');
		put_roff(out, verb->name);
	}
	buf_puts(out, "\\fR");
	put_synopsis(&rest, verb);
	put_roff(out, buf_text(&rest));
	buf_putc(out, '\n');
}

static void put_roff_verb(struct buf *out, const struct opt_program *program, const struct opt_verb *verb)
{
	if (verb->name) {
		buf_puts(out, ".SS ");
		put_roff(out, verb->name);
		buf_puts(out, "\n.PP\n");
	}
	put_roff_paragraphs(out, verb->description);
	for (const struct opt_arg *arg = verb->args; arg && arg->name; arg++) {
		buf_puts(out, ".TP\n\\fI");
		put_roff(out, arg->name);
		buf_printf(out, "\\fR%s\n", dots(arg));
		put_roff(out, arg->help);
		buf_putc(out, '\n');
	}
	for (const struct opt *opt = verb->options; opt && opt->type != OPT_TYPE_END; opt++)
		put_roff_option(out, opt);
	if (verb->examples && opt_has_verbs(program)) {
		buf_puts(out, ".PP\nExamples:\n");
		put_roff_examples(out, verb->examples);
	}
}

static void put_roff_ends(struct buf *out, const struct opt_program *program)
{
	if (!opt_has_verbs(program) && program->verbs->examples) {
		buf_puts(out, ".SH EXAMPLES\n");
		put_roff_examples(out, program->verbs->examples);
	}
	for (const struct opt_section *section = program->sections; section && section->title; section++) {
		buf_printf(out, ".SH %s\n", section->title);
		put_roff_paragraphs(out, section->text);
	}
	buf_puts(out,
			".SH EXIT STATUS\n0 on success, 1 on failure, 2 when the command line or a setting "
			"is wrong.\n");
	if (!program->see_also || !program->see_also[0])
		return;
	buf_puts(out, ".SH SEE ALSO\n");
	for (const char *const *page = program->see_also; *page; page++) {
		size_t name = span_find(span_of(*page), '(');
		buf_printf(out, ".BR %.*s \"%s%s\"\n", (int)name, *page, *page + name, page[1] ? "," : "");
	}
}

void opt_man(const struct opt_program *program, struct buf *out)
{
	buf_printf(out, ".TH \"%s\" 1 \"\" \"cocoon %s\" \"User Commands\"\n.SH NAME\n", program->name,
			program->version);
	put_roff(out, program->name);
	buf_puts(out, " \\- ");
	put_roff(out, program->summary);
	buf_puts(out, "\n.SH SYNOPSIS\n");
	for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
		put_roff_synopsis(out, program, verb);
	buf_puts(out, ".SH DESCRIPTION\n");
	if (opt_has_verbs(program)) {
		put_roff_paragraphs(out, program->description);
		buf_puts(out, ".SH COMMANDS\n");
		for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
			put_roff_verb(out, program, verb);
		buf_puts(out, ".SH COMMON OPTIONS\n");
	} else {
		put_roff_verb(out, program, program->verbs);
	}
	for (const struct opt *opt = program->common; opt && opt->type != OPT_TYPE_END; opt++)
		put_roff_option(out, opt);
	buf_puts(out,
			".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nshow a usage text\n"
			".TP\n\\fB\\-\\-version\\fR\nshow the version\n");
	put_roff_ends(out, program);
}
