/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opt.h"

#include "base/alloc.h"
#include "base/closest.h"
#include "base/err.h"
#include "base/own.h"
#include "base/span.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a parse knows besides the tables. */
struct parse {
	const struct opt *options[OPT_COUNT_MAX];
	size_t count;
	bool seen[OPT_COUNT_MAX];
	char **words; /* all of argv */
	size_t left;  /* words not yet read, from words[next] */
	size_t next;
	size_t kept; /* arguments, moved to the front of words */
	char *settings;
	enum opt_ask *ask;
	struct err *err;
};

static const struct opt help_option = {
	.name = "help", .letter = 'h', .type = OPT_TYPE_FLAG, .help = "show this text"
};
static const struct opt version_option = {
	.name = "version", .type = OPT_TYPE_FLAG, .help = "show the version"
};

static size_t add_all(const struct opt *from, const struct opt **out, size_t count)
{
	for (; from && from->type != OPT_TYPE_END; from++) {
		/* the tables are ours: too many is a mistake in the program */
		assert(count < OPT_COUNT_MAX - 2);
		out[count++] = from;
	}
	return count;
}

size_t opt_all(const struct opt_program *program, const struct opt_verb *verb,
		const struct opt *out[OPT_COUNT_MAX])
{
	size_t count = add_all(verb->options, out, 0);

	count = add_all(program->common, out, count);
	out[count++] = &help_option;
	if (!opt_has_verbs(program))
		out[count++] = &version_option;
	return count;
}

bool opt_has_verbs(const struct opt_program *program)
{
	return program->verbs[0].name != NULL;
}

static const struct opt_verb *verb_named(const struct opt_program *program, const char *name)
{
	for (const struct opt_verb *verb = program->verbs; verb->summary; verb++)
		if (!strcmp(verb->name, name))
			return verb;
	return NULL;
}

/* The text of an error names what was likely meant: of the names with two words the second, where the first is right. */
static const struct opt_verb *verb_unknown(
		const struct opt_program *program, const char *first, const char *second, struct err *err)
{
	const char *known[OPT_COUNT_MAX + 1];
	size_t count = 0, len = strlen(first);
	const char *wrong = first;

	for (const struct opt_verb *verb = program->verbs; verb->summary && count < OPT_COUNT_MAX; verb++) {
		if (!strncmp(verb->name, first, len) && verb->name[len] == ' ')
			wrong = NULL;
		known[count++] = verb->name;
	}
	known[count] = NULL;
	auto_free char *both = wrong ? xstrdup(first) : xasprintf("%s %s", first, second ? second : "");
	const char *meant = closest_word(both, known);
	err_set(err, ERR_USAGE, "unknown command '%s'%s%s%s", both, meant ? "; did you mean '" : "",
			meant ? meant : "", meant ? "'?" : "");
	return NULL;
}

const struct opt_verb *opt_verb_find(
		const struct opt_program *program, int argc, char *const *argv, int *used, struct err *err)
{
	const struct opt_verb *verb = NULL;

	if (argc > 1) {
		auto_free char *both = xasprintf("%s %s", argv[0], argv[1]);
		verb = verb_named(program, both);
	}
	*used = verb ? 2 : 1;
	if (!verb && argc > 0)
		verb = verb_named(program, argv[0]);
	return verb ? verb : verb_unknown(program, argc > 0 ? argv[0] : "", argc > 1 ? argv[1] : NULL, err);
}

/* ---- values ---- */

static int wrong_word(const struct opt *opt, const char *value, struct err *err)
{
	char known[512] = "";
	size_t used = 0;
	const char *meant = closest_word(value, opt->words);

	for (const char *const *word = opt->words; *word && used < sizeof(known); word++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", *word);
	return err_set(err, ERR_USAGE, "--%s: '%s' is not one of %s%s%s%s", opt->name, value, known,
			meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static int set_int(const struct opt *opt, const char *value, void *at, struct err *err)
{
	struct span digits = span_of(value);
	bool negative = span_starts(digits, "-");
	uint64_t magnitude;

	if (!span_number(span_from(digits, negative), INT64_MAX, &magnitude))
		return err_set(err, ERR_USAGE, "--%s: '%s' is not a whole number", opt->name, value);
	int64_t number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (number < opt->min || number > opt->max)
		return err_set(err, ERR_USAGE, "--%s: %s is not between %" PRId64 " and %" PRId64, opt->name,
				value, opt->min, opt->max);
	memcpy(at, &number, sizeof(number));
	return 0;
}

static int set_enum(const struct opt *opt, const char *value, void *at, struct err *err)
{
	for (int i = 0; opt->words[i]; i++)
		if (!strcmp(opt->words[i], value)) {
			memcpy(at, &i, sizeof(i));
			return 0;
		}
	return wrong_word(opt, value, err);
}

static int set_flag(const struct opt *opt, const char *value, void *at, struct err *err)
{
	bool on = !value || !strcmp(value, "true");

	if (!on && strcmp(value, "false") != 0)
		return err_set(err, ERR_USAGE, "--%s: '%s' is neither true nor false", opt->name, value);
	memcpy(at, &on, sizeof(on));
	return 0;
}

static int add_item(const struct opt *opt, const char *value, void *at, struct err *err)
{
	struct opt_list *list = at;

	if (list->count == OPT_LIST_MAX)
		return err_set(err, ERR_USAGE, "--%s is given more than %d times", opt->name, OPT_LIST_MAX);
	list->items[list->count++] = value;
	return 0;
}

static int set_value(struct parse *parse, size_t i, const char *value)
{
	const struct opt *opt = parse->options[i];
	void *at = parse->settings + opt->at;

	if (opt == &help_option || opt == &version_option) {
		/* the first of the two is answered */
		if (*parse->ask == OPT_ASK_RUN)
			*parse->ask = opt == &help_option ? OPT_ASK_HELP : OPT_ASK_VERSION;
		return 0;
	}
	if (parse->seen[i] && opt->type != OPT_TYPE_LIST && opt->type != OPT_TYPE_FLAG)
		return err_set(parse->err, ERR_USAGE, "--%s is given twice", opt->name);
	parse->seen[i] = true;
	switch (opt->type) {
	case OPT_TYPE_FLAG:
		return set_flag(opt, value, at, parse->err);
	case OPT_TYPE_TEXT:
		memcpy(at, &value, sizeof(value));
		return 0;
	case OPT_TYPE_INT:
		return set_int(opt, value, at, parse->err);
	case OPT_TYPE_ENUM:
		return set_enum(opt, value, at, parse->err);
	case OPT_TYPE_LIST:
		return add_item(opt, value, at, parse->err);
	case OPT_TYPE_END:
		break;
	}
	return err_set(parse->err, ERR_BUG, "--%s has no type", opt->name);
}

/* The value from the next word. */
static int set_from_next(struct parse *parse, size_t i)
{
	if (!parse->left)
		return err_set(parse->err, ERR_USAGE, "--%s needs a value: %s", parse->options[i]->name,
				parse->options[i]->metavar);
	parse->left--;
	return set_value(parse, i, parse->words[parse->next++]);
}

/* ---- words ---- */

static int unknown_option(struct parse *parse, const char *word, struct span name)
{
	const char *known[OPT_COUNT_MAX + 1];
	char wrong[CLOSEST_WORD_MAX + 1] = "";

	for (size_t i = 0; i < parse->count; i++)
		known[i] = parse->options[i]->name;
	known[parse->count] = NULL;
	if (name.len < sizeof(wrong))
		memcpy(wrong, name.ptr, name.len);
	const char *meant = closest_word(wrong, known);
	return err_set(parse->err, ERR_USAGE, "unknown option '%s'%s%s%s", word,
			meant ? "; did you mean '--" : "", meant ? meant : "", meant ? "'?" : "");
}

static int long_option(struct parse *parse, const char *word)
{
	struct span rest = span_of(word + 2);
	size_t len = span_find(rest, '=');
	struct span name = span_new(rest.ptr, len);
	const char *value = len < rest.len ? rest.ptr + len + 1 : NULL;

	for (size_t i = 0; i < parse->count; i++) {
		if (!span_is(name, parse->options[i]->name))
			continue;
		if (value || parse->options[i]->type == OPT_TYPE_FLAG)
			return set_value(parse, i, value);
		return set_from_next(parse, i);
	}
	return unknown_option(parse, word, name);
}

static size_t find_letter(const struct parse *parse, char letter)
{
	size_t i = 0;

	while (i < parse->count && parse->options[i]->letter != letter)
		i++;
	return i;
}

static int short_options(struct parse *parse, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		size_t i = find_letter(parse, *at);
		if (i == parse->count)
			return err_set(parse->err, ERR_USAGE, "unknown option '-%c' in '%s'", *at, word);
		if (parse->options[i]->type != OPT_TYPE_FLAG)
			return at[1] ? set_value(parse, i, at + 1) : set_from_next(parse, i);
		if (set_value(parse, i, NULL) < 0)
			return -1;
	}
	return 0;
}

static int read_words(struct parse *parse)
{
	bool options = true;

	while (parse->left) {
		char *word = parse->words[parse->next++];
		parse->left--;
		if (!options || word[0] != '-' || !word[1]) {
			/* never ahead of what has been read */
			parse->words[parse->kept++] = word;
			continue;
		}
		if (!strcmp(word, "--")) {
			options = false;
			continue;
		}
		if ((word[1] == '-' ? long_option(parse, word) : short_options(parse, word)) < 0)
			return -1;
	}
	return 0;
}

/* ---- after the words ---- */

static int check_required(const struct parse *parse)
{
	for (size_t i = 0; i < parse->count; i++) {
		const struct opt *opt = parse->options[i];
		if (opt->required && !parse->seen[i])
			return err_set(parse->err, ERR_USAGE, "--%s %s is required: %s", opt->name,
					opt->metavar ? opt->metavar : "", opt->help);
	}
	return 0;
}

static int set_rest(const struct parse *parse, const struct opt_arg *arg, size_t used)
{
	struct opt_rest rest = { parse->words + used, parse->kept - used };

	if (rest.count < arg->min)
		return err_set(parse->err, ERR_USAGE, "%zu of %s given, at least %zu needed: %s", rest.count,
				arg->name, arg->min, arg->help);
	if (rest.count > arg->max)
		return err_set(parse->err, ERR_USAGE, "%zu of %s given, at most %zu allowed", rest.count,
				arg->name, arg->max);
	memcpy(parse->settings + arg->at, &rest, sizeof(rest));
	return 0;
}

static int set_args(const struct parse *parse, const struct opt_arg *arg)
{
	size_t used = 0;

	for (; arg && arg->name; arg++) {
		if (arg->rest)
			return set_rest(parse, arg, used);
		if (used < parse->kept) {
			memcpy(parse->settings + arg->at, &parse->words[used], sizeof(char *));
			used++;
		} else if (arg->min) {
			return err_set(parse->err, ERR_USAGE, "%s is missing: %s", arg->name, arg->help);
		}
	}
	if (used < parse->kept)
		return err_set(parse->err, ERR_USAGE, "unexpected argument '%s'", parse->words[used]);
	return 0;
}

/* Whether help or version is among the words, so that it is answered whatever else is wrong. */
static enum opt_ask asked(int argc, char **argv, bool version)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return OPT_ASK_HELP;
		if (version && !strcmp(argv[i], "--version"))
			return OPT_ASK_VERSION;
	}
	return OPT_ASK_RUN;
}

int opt_parse(const struct opt_program *program, const struct opt_verb *verb, int argc, char **argv,
		void *settings, enum opt_ask *ask, struct err *err)
{
	struct parse parse = { .words = argv, .settings = settings, .ask = ask, .err = err };

	if (argc < 0 || argc > OPT_ARGS_MAX)
		return err_set(err, ERR_USAGE, "more than %d words on the command line", OPT_ARGS_MAX);
	*ask = OPT_ASK_RUN;
	parse.left = (size_t)argc;
	parse.count = opt_all(program, verb, parse.options);
	int status = read_words(&parse);
	if (*ask != OPT_ASK_RUN)
		return 0;
	if (status < 0) {
		*ask = asked(argc, argv, !opt_has_verbs(program));
		return *ask == OPT_ASK_RUN ? -1 : 0;
	}
	if (check_required(&parse) < 0)
		return -1;
	return set_args(&parse, verb->args);
}
