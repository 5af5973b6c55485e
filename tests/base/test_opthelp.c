/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/opthelp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct settings {
	const char *profile;
	bool force;
	int64_t size;
	int form;
	const char *name;
	struct opt_rest files;
};

static const char *const forms[] = { "toml", "json", NULL };
static const struct opt options[] = {
	OPT_TEXT(struct settings, profile, "profile", 'p', "FILE", "the profile", .required = true),
	OPT_FLAG(struct settings, force, "force-with-a-very-long-name", 'f',
			"an explanation that is longer than the line and so goes on in the next, below its "
			"beginning"),
	OPT_INT(struct settings, size, "max-size", 0, "BYTES", 1, 9, "the ceiling"),
	OPT_ENUM(struct settings, form, "output", 'o', "FORM", "what to write", forms),
	OPT_END,
};
static const struct opt_arg args[] = {
	OPT_ONE(struct settings, name, "NAME", "the name"),
	OPT_REST(struct settings, files, "FILE", 0, 3, "the files"),
	OPT_ARG_END,
};
static const struct opt_example examples[] = {
	{ "make one", "sample create -p a.toml name" },
	OPT_EXAMPLE_END,
};
static const struct opt_section sections[] = {
	{ "FILES", "A first paragraph.\n\n.dot and 'quote and back\\slash and -dash." },
	OPT_SECTION_END,
};
static const char *const see_also[] = { "webhook(1)", "controller(1)", NULL };
static const struct opt_verb verbs[] = {
	{ .name = "create",
			.summary = "creates a document",
			.description = "Creates a document from a profile, which takes so many words to say "
				       "that it wraps.\n\n"
				       ".hidden request\nThe end.",
			.options = options,
			.args = args,
			.examples = examples,
			.size = sizeof(struct settings) },
	OPT_VERB_END,
};
static const struct opt_verb only[] = {
	{ .summary = "creates a document",
			.description = "Creates.",
			.options = options,
			.examples = examples,
			.size = sizeof(struct settings) },
	OPT_VERB_END,
};
static const struct opt_program program = {
	.name = "sample-tool",
	.summary = "makes samples",
	.description = "Makes samples.",
	.version = "1.2",
	.verbs = verbs,
	.see_also = see_also,
	.sections = sections,
};
static const struct opt_program plain = {
	.name = "plain",
	.summary = "is plain",
	.description = "Is plain.",
	.version = "1.2",
	.verbs = only,
};

static void a_verb_is_explained_whole(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	opt_usage_verb(&program, &verbs[0], &out);
	assert_string_equal(buf_text(&out),
			"sample-tool create - creates a document\n"
			"\n"
			"Usage: sample-tool create --profile FILE [OPTIONS] NAME [FILE...]\n"
			"\n"
			"Creates a document from a profile, which takes so many words to say that it\n"
			"wraps.\n"
			"\n"
			".hidden request\n"
			"The end.\n"
			"\n"
			"Arguments:\n"
			"  NAME                      the name\n"
			"  FILE...                   the files\n"
			"\n"
			"Options:\n"
			"  -p, --profile FILE        the profile (required)\n"
			"  -f, --force-with-a-very-long-name\n"
			"                            an explanation that is longer than the line and so\n"
			"                            goes on in the next, below its beginning\n"
			"      --max-size BYTES      the ceiling (1 to 9)\n"
			"  -o, --output FORM         what to write (toml, json)\n"
			"  -h, --help                show this text\n"
			"\n"
			"Examples:\n"
			"  # make one\n"
			"  sample create -p a.toml name\n");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);
	struct span rest, line;

	(void)state;
	opt_usage_verb(&program, &verbs[0], &out);
	opt_usage(&program, &out);
	opt_usage(&plain, &out);
	for (rest = buf_span(&out); span_next(&rest, '\n', &line);)
		if (line.len > 80)
			fail_msg("%.*s", SPAN_ARG(line));
}

static void a_program_without_verbs_explains_itself(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	opt_usage(&plain, &out);
	assert_true(span_starts(buf_span(&out),
			"plain - creates a document\n\nUsage: plain --profile FILE [OPTIONS]\n"));
	assert_non_null(strstr(out.ptr, "      --version             show the version\n"));
}

static void the_man_page_has_its_sections_in_order(void **state)
{
	static const char *const order[] = {
		".TH \"sample-tool\" 1 \"\" \"cocoon 1.2\"",
		"\n.SH NAME\nsample\\-tool \\- makes samples\n",
		"\n.SH SYNOPSIS\n",
		"\\fBsample\\-tool create\\fR \\-\\-profile FILE [OPTIONS] NAME [FILE...]\n",
		"\n.SH DESCRIPTION\n",
		"\n.SH COMMANDS\n.SS create\n",
		"\n\\&.hidden request\n",
		"\\fB\\-p\\fR, \\fB\\-\\-profile\\fR \\fIFILE\\fR\nthe profile (required)\n",
		".nf\nsample create \\-p a.toml name\n.fi\n",
		"\n.SH COMMON OPTIONS\n",
		"\n.SH FILES\n",
		"\n.PP\n\\&.dot and 'quote and back\\eslash and \\-dash.\n",
		"\n.SH EXIT STATUS\n",
		"\n.SH SEE ALSO\n.BR webhook \"(1),\"\n.BR controller \"(1)\"\n",
	};
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	opt_man(&program, &out);
	const char *at = buf_text(&out);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *found = strstr(at, order[i]);
		if (!found)
			fail_msg("not there or not in order: %s", order[i]);
		else
			at = found;
	}
}

static void the_man_page_of_a_plain_program_has_examples(void **state)
{
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	opt_man(&plain, &out);
	assert_non_null(strstr(out.ptr, "\n.SH EXAMPLES\n.PP\nmake one:\n"));
	assert_null(strstr(out.ptr, ".SH COMMANDS"));
	assert_null(strstr(out.ptr, ".SH SEE ALSO"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verb_is_explained_whole),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(a_program_without_verbs_explains_itself),
		cmocka_unit_test(the_man_page_has_its_sections_in_order),
		cmocka_unit_test(the_man_page_of_a_plain_program_has_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
