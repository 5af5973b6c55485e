/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct common {
	int level;
};

struct settings {
	struct common common;
	const char *profile, *url;
	bool force, quiet;
	int64_t size;
	int form;
	struct opt_list also;
	const char *name, *target;
	struct opt_rest files;
};

static const char *const levels[] = { "low", "high", NULL };
static const char *const forms[] = { "toml", "json", "annotation", NULL };

static const struct opt common_options[] = {
	OPT_ENUM(struct common, level, "level", 'l', "LEVEL", "how much", levels),
	OPT_END,
};

static const struct opt create_options[] = {
	OPT_TEXT(struct settings, profile, "profile", 'p', "FILE", "the profile", .required = true),
	OPT_TEXT(struct settings, url, "url", 0, "URL", "the address"),
	OPT_FLAG(struct settings, force, "force", 'f', "overwrite"),
	OPT_FLAG(struct settings, quiet, "quiet", 'q', "say less"),
	OPT_INT(struct settings, size, "max-size", 's', "BYTES", -5, 100, "the ceiling"),
	OPT_ENUM(struct settings, form, "output", 'o', "FORM", "what to write", forms),
	OPT_LIST(struct settings, also, "file", 'F', "NAME=FILE", "adds a file"),
	OPT_END,
};

static const struct opt_arg create_args[] = {
	OPT_ONE(struct settings, name, "NAME", "the name"),
	OPT_MAYBE(struct settings, target, "TARGET", "the target"),
	OPT_REST(struct settings, files, "FILE", 0, 3, "more files"),
	OPT_ARG_END,
};

static const struct opt_arg needy_args[] = {
	OPT_REST(struct settings, files, "FILE", 2, 2, "two files"),
	OPT_ARG_END,
};

static const struct opt_verb verbs[] = {
	{ .name = "create",
			.summary = "creates",
			.description = "Creates.",
			.options = create_options,
			.args = create_args,
			.size = sizeof(struct settings) },
	{ .name = "show", .summary = "shows", .description = "Shows.", .size = sizeof(struct settings) },
	{ .name = "join",
			.summary = "joins",
			.description = "Joins.",
			.args = needy_args,
			.size = sizeof(struct settings) },
	OPT_VERB_END,
};

static const struct opt_program program = {
	.name = "sample",
	.summary = "samples",
	.description = "Samples.",
	.version = "1",
	.common = common_options,
	.verbs = verbs,
};

/* The words of one case, parsed into `out`. */
static const struct opt_verb *find(const char *verb, struct err *err)
{
	char text[64];
	char *words[] = { text };
	int used;

	snprintf(text, sizeof(text), "%s", verb);
	return opt_verb_find(&program, 1, words, &used, err);
}

struct parsed {
	struct settings settings;
	enum opt_ask ask;
	struct err err;
	char *words[128];
	char text[2048];
};

/* Splits the words at spaces; "''" is the empty word. */
static int parse(const char *verb, const char *line, struct parsed *out)
{
	int count = 0;
	char *save = NULL;

	*out = (struct parsed){ .settings = { .size = 7, .form = 1 } };
	snprintf(out->text, sizeof(out->text), "%s", line);
	for (char *word = strtok_r(out->text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		out->words[count++] = strcmp(word, "''") != 0 ? word : word + 2;
	return opt_parse(&program, find(verb, NULL), count, out->words, &out->settings, &out->ask, &out->err);
}

static void fields_keep_their_defaults(void **state)
{
	struct parsed got;

	(void)state;
	assert_int_equal(parse("create", "-p a x", &got), 0);
	assert_int_equal(got.ask, OPT_ASK_RUN);
	assert_string_equal(got.settings.profile, "a");
	assert_string_equal(got.settings.name, "x");
	assert_null(got.settings.url);
	assert_null(got.settings.target);
	assert_true(got.settings.size == 7);
	assert_int_equal(got.settings.form, 1);
	assert_false(got.settings.force);
	assert_int_equal(got.settings.also.count, 0);
	assert_int_equal(got.settings.files.count, 0);
}

static void all_spellings_of_a_value_are_one(void **state)
{
	static const char *const lines[] = {
		"--profile a x",
		"--profile=a x",
		"-p a x",
		"-pa x",
		"x --profile a",
		"x -pa",
		"-fqp a x",
		"-fqpa x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct parsed got;
		assert_int_equal(parse("create", lines[i], &got), 0);
		assert_string_equal(got.settings.profile, "a");
		assert_string_equal(got.settings.name, "x");
		assert_int_equal(got.settings.force, i >= 6);
		assert_int_equal(got.settings.quiet, i >= 6);
	}
}

static void values_may_look_like_anything(void **state)
{
	struct parsed got;

	(void)state;
	assert_int_equal(parse("create", "--profile --force --url=a=b=c '' -", &got), 0);
	assert_string_equal(got.settings.profile, "--force");
	assert_false(got.settings.force);
	assert_string_equal(got.settings.url, "a=b=c");
	assert_string_equal(got.settings.name, "");
	assert_string_equal(got.settings.target, "-");
	assert_int_equal(parse("create", "--profile= x", &got), 0);
	assert_string_equal(got.settings.profile, "");
}

static void every_type_is_set(void **state)
{
	struct parsed got;

	(void)state;
	assert_int_equal(parse("create",
					 "-p a -f --quiet=true -s -5 -o annotation -F1 --file 2 --file=3 -l "
					 "high n",
					 &got),
			0);
	assert_true(got.settings.force);
	assert_true(got.settings.quiet);
	assert_true(got.settings.size == -5);
	assert_int_equal(got.settings.form, 2);
	assert_int_equal(got.settings.also.count, 3);
	assert_string_equal(got.settings.also.items[0], "1");
	assert_string_equal(got.settings.also.items[2], "3");
	assert_int_equal(got.settings.common.level, 1);
	assert_int_equal(parse("create", "-p a -f --force=false n", &got), 0);
	assert_false(got.settings.force);
}

static void arguments_go_where_they_belong(void **state)
{
	struct parsed got;

	(void)state;
	assert_int_equal(parse("create", "1 -p a 2 -f 3 -- -4 --5", &got), 0);
	assert_string_equal(got.settings.name, "1");
	assert_string_equal(got.settings.target, "2");
	assert_int_equal(got.settings.files.count, 3);
	assert_string_equal(got.settings.files.items[0], "3");
	assert_string_equal(got.settings.files.items[1], "-4");
	assert_string_equal(got.settings.files.items[2], "--5");
	assert_int_equal(parse("create", "-p a -- --", &got), 0);
	assert_string_equal(got.settings.name, "--");
}

static void names_what_is_wrong(void **state)
{
	static const struct {
		const char *verb, *line, *text;
	} cases[] = {
		{ "create", "--profil a x", "unknown option '--profil'; did you mean '--profile'?" },
		{ "create", "--profil=a x", "unknown option '--profil=a'; did you mean '--profile'?" },
		{ "create", "--levle low", "unknown option '--levle'; did you mean '--level'?" },
		{ "create", "--hepl", "unknown option '--hepl'; did you mean '--help'?" },
		{ "create", "--nothing-like-it", "unknown option '--nothing-like-it'" },
		{ "create", "--prof a x", "unknown option '--prof'" },
		{ "create", "---profile a x", "unknown option '---profile'; did you mean '--profile'?" },
		{ "create", "--=a x", "unknown option '--=a'" },
		{ "create", "-x", "unknown option '-x' in '-x'" },
		{ "create", "-fxq", "unknown option '-x' in '-fxq'" },
		{ "show", "-f", "unknown option '-f' in '-f'" },
		{ "create", "--profile", "--profile needs a value: FILE" },
		{ "create", "-fp", "--profile needs a value: FILE" },
		{ "create", "x", "--profile FILE is required: the profile" },
		{ "create", "-p a -p b x", "--profile is given twice" },
		{ "create", "-p a --max-size 1 -s 1 x", "--max-size is given twice" },
		{ "create", "-p a --max-size 101 x", "--max-size: 101 is not between -5 and 100" },
		{ "create", "-p a --max-size -6 x", "--max-size: -6 is not between -5 and 100" },
		{ "create", "-p a --max-size 1k x", "--max-size: '1k' is not a whole number" },
		{ "create", "-p a --max-size= x", "--max-size: '' is not a whole number" },
		{ "create", "-p a --max-size - x", "--max-size: '-' is not a whole number" },
		{ "create", "-p a --max-size --1 x", "--max-size: '--1' is not a whole number" },
		{ "create", "-p a --max-size 99999999999999999999 x",
				"--max-size: '99999999999999999999' is not a whole number" },
		{ "create", "-p a -o yaml x", "--output: 'yaml' is not one of toml, json, annotation" },
		{ "create", "-p a -o jsno x",
				"--output: 'jsno' is not one of toml, json, annotation; did you mean "
				"'json'?" },
		{ "create", "-p a -o TOML x", "--output: 'TOML' is not one of toml, json, annotation" },
		{ "create", "-p a --force=yes x", "--force: 'yes' is neither true nor false" },
		{ "create", "-p a", "NAME is missing: the name" },
		{ "create", "-p a 1 2 3 4 5 6", "4 of FILE given, at most 3 allowed" },
		{ "join", "1", "1 of FILE given, at least 2 needed: two files" },
		{ "join", "1 2 3", "3 of FILE given, at most 2 allowed" },
		{ "show", "extra", "unexpected argument 'extra'" },
		{ "show", "--version", "unknown option '--version'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed got;
		if (parse(cases[i].verb, cases[i].line, &got) == 0)
			fail_msg("'%s' was accepted", cases[i].line);
		assert_int_equal(got.err.kind, ERR_USAGE);
		assert_string_equal(got.err.text, cases[i].text);
	}
}

static void help_wins_over_what_is_wrong(void **state)
{
	static const char *const lines[] = {
		"--help",
		"-h",
		"-p a --help x",
		"--wrong --help",
		"--help --wrong",
		"-fh",
		"1 2 3 4 5 6 7 8 -h",
		"x y -h --wrong",
		"--max-size x -h",
	};
	struct parsed got;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse("create", lines[i], &got), 0);
		assert_int_equal(got.ask, OPT_ASK_HELP);
	}
	assert_int_equal(parse("create", "-p a -- --help", &got), 0);
	assert_int_equal(got.ask, OPT_ASK_RUN);
	assert_int_equal(parse("create", "--wrong -- --help", &got), -1);
}

static void a_list_has_an_end(void **state)
{
	struct parsed got;
	char line[2048] = "-p a x";

	(void)state;
	for (int i = 0; i < OPT_LIST_MAX; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " -F%d", i);
	assert_int_equal(parse("create", line, &got), 0);
	assert_int_equal(got.settings.also.count, OPT_LIST_MAX);
	snprintf(line + strlen(line), sizeof(line) - strlen(line), " -Fx");
	assert_int_equal(parse("create", line, &got), -1);
	assert_string_equal(got.err.text, "--file is given more than 64 times");
}

static void too_many_words_are_refused(void **state)
{
	struct settings settings = { .size = 0 };
	struct err err = ERR_NONE;
	enum opt_ask ask;

	(void)state;
	assert_int_equal(opt_parse(&program, &verbs[1], OPT_ARGS_MAX + 1, (char *[]){ NULL }, &settings, &ask,
					 &err),
			-1);
	assert_int_equal(err.kind, ERR_USAGE);
}

static void verbs_are_found_by_their_whole_name(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_ptr_equal(find("show", &err), &verbs[1]);
	assert_null(find("shwo", &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(err.text, "unknown command 'shwo'; did you mean 'show'?");
	assert_null(find("", &err));
	assert_string_equal(err.text, "unknown command ''");
	assert_true(opt_has_verbs(&program));
}

static void a_verb_may_have_two_words(void **state)
{
	static const struct opt_verb two[] = {
		{ .name = "key", .summary = "s" },
		{ .name = "key make", .summary = "s" },
		{ .name = "ring list", .summary = "s" },
		OPT_VERB_END,
	};
	static const struct opt_program tool = { .name = "tool", .verbs = two };
	char first[] = "key", second[] = "make", third[] = "mak", fourth[] = "ring", fifth[] = "lst";
	char *make[] = { first, second, third }, *key[] = { first, third }, *ring[] = { fourth, fifth };
	struct err err = ERR_NONE;
	int used = 0;

	(void)state;
	assert_ptr_equal(opt_verb_find(&tool, 3, make, &used, &err), &two[1]);
	assert_int_equal(used, 2);
	assert_ptr_equal(opt_verb_find(&tool, 2, key, &used, &err), &two[0]);
	assert_int_equal(used, 1);
	assert_null(opt_verb_find(&tool, 2, ring, &used, &err));
	assert_string_equal(err.text, "unknown command 'ring lst'; did you mean 'ring list'?");
	assert_null(opt_verb_find(&tool, 1, ring, &used, &err));
	assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_keep_their_defaults),
		cmocka_unit_test(all_spellings_of_a_value_are_one),
		cmocka_unit_test(values_may_look_like_anything),
		cmocka_unit_test(every_type_is_set),
		cmocka_unit_test(arguments_go_where_they_belong),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(help_wins_over_what_is_wrong),
		cmocka_unit_test(a_list_has_an_end),
		cmocka_unit_test(too_many_words_are_refused),
		cmocka_unit_test(verbs_are_found_by_their_whole_name),
		cmocka_unit_test(a_verb_may_have_two_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
