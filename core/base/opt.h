/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of a program as tables: options, arguments and verbs are data, from which the parser, the usage
 * text, the man page (base/opthelp.h) and the completions of three shells (base/optcomp.h) are made. What parses is
 * therefore what is documented. Most programs call program_main() (base/program.h) and nothing here.
 *
 *     struct create { const char *profile; bool force; int64_t size; int form; struct opt_list also;
 *                     struct opt_rest files; };
 *
 *     static const struct opt create_options[] = {
 *             OPT_TEXT(struct create, profile, "profile", 'p', "FILE", "the profile to read", .required = true),
 *             OPT_FLAG(struct create, force, "force", 0, "overwrite what is there"),
 *             OPT_INT(struct create, size, "max-size", 0, "BYTES", 1, 65536, "refuse larger results"),
 *             OPT_ENUM(struct create, form, "output", 'o', "FORM", "what to write", form_words),
 *             OPT_LIST(struct create, also, "file", 0, "NAME=FILE", "adds a file; may be repeated"),
 *             OPT_END
 *     };
 *     static const struct opt_arg create_args[] = {
 *             OPT_REST(struct create, files, "FILE", 0, 16, "documents to merge"),
 *             OPT_ARG_END
 *     };
 *
 * A table writes into the settings struct of its verb, at offsets; the macros check the field's type when compiled:
 * OPT_FLAG bool, OPT_TEXT const char *, OPT_INT int64_t, OPT_ENUM int (the index in `words`), OPT_LIST struct
 * opt_list, OPT_ONE and OPT_MAYBE const char *, OPT_REST struct opt_rest. Fields that are not named on the command line keep the
 * value they had: the verb's `defaults`.
 *
 * The language: "--name value", "--name=value", "-n value", "-nvalue"; flags also "--name=true" and "--name=false",
 * and joined "-ab"; "--" ends the options; options and arguments may be mixed; "-" is an argument. Names are never
 * abbreviated. An option given twice is an error, unless it is a list or a flag.
 *
 * Bounds: OPT_COUNT_MAX options of a verb with the common ones, OPT_LIST_MAX values of a list, OPT_ARGS_MAX words.
 * Ownership: tables are static; parsed texts are borrowed from argv, whose order is changed.
 * Errors: ERR_USAGE, which name the wrong word and the closest known one.
 */
#ifndef COCOON_BASE_OPT_H
#define COCOON_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define OPT_COUNT_MAX 64
#define OPT_LIST_MAX  64
#define OPT_ARGS_MAX  4096

enum opt_type { OPT_TYPE_END, OPT_TYPE_FLAG, OPT_TYPE_TEXT, OPT_TYPE_INT, OPT_TYPE_ENUM, OPT_TYPE_LIST };

struct opt {
	const char *name; /* without its dashes */
	char letter;      /* 0: it has none */
	enum opt_type type;
	bool required;
	const char *metavar; /* FILE and DIR are completed as such */
	const char *help;    /* a phrase, lower case, without a full stop */
	size_t at;
	int64_t min, max;         /* OPT_TYPE_INT, both inclusive */
	const char *const *words; /* OPT_TYPE_ENUM, NULL-terminated */
};

/* The values of an option that may be repeated, in order. */
struct opt_list {
	const char *items[OPT_LIST_MAX];
	size_t count;
};

/* The remaining arguments, borrowed from argv. */
struct opt_rest {
	char *const *items;
	size_t count;
};

/* A positional argument. Those that may be missing (min 0) stand last, and at most one, the very last, is a rest. */
struct opt_arg {
	const char *name; /* FILE and DIR are completed as such */
	const char *help;
	size_t at;
	bool rest;       /* a struct opt_rest of min … max words, else one text */
	size_t min, max; /* of one text: max is 1 */
};

struct opt_example {
	const char *what;    /* a phrase */
	const char *command; /* a shell line; may go on in further lines */
};

/* A further section of the man page: FILES, ENVIRONMENT and the like. */
struct opt_section {
	const char *title; /* in capitals */
	const char *text;  /* paragraphs, an empty line between two */
};

struct opt_verb {
	const char *name;        /* one word or two ("keygen export"); NULL in a program that has only this */
	const char *summary;     /* one line, lower case, without a full stop */
	const char *description; /* paragraphs, an empty line between two */
	const struct opt *options;          /* ends in OPT_END; NULL: none */
	const struct opt_arg *args;         /* ends in OPT_ARG_END; NULL: none */
	const struct opt_example *examples; /* ends in OPT_EXAMPLE_END; NULL: none */
	size_t size;                        /* of the settings struct */
	const void *defaults;               /* one such struct; NULL: all zero */
	/*
	 * Does the work. 0 … 125 is the exit code; -1 with *err filled is a failure, which program_main() prints and
	 * makes 2 (ERR_USAGE) or 1 of.
	 */
	int (*run)(void *settings, struct err *err);
};

struct opt_program {
	const char *name;
	const char *summary;      /* one line, lower case, without a full stop */
	const char *description;  /* paragraphs, an empty line between two */
	const char *version;      /* COCOON_VERSION */
	const struct opt *common; /* options of every verb; each settings struct begins with their fields */
	const struct opt_verb *verbs;       /* ends in OPT_VERB_END; a single one without name: no verbs */
	const char *const *see_also;        /* names of man pages with section, "webhook(1)"; NULL: none */
	const struct opt_section *sections; /* further sections of the man page; NULL: none */
};

/* The offset of a field, after a check that it has the type that the option writes. */
#define OPT_AT(structure, field, wanted)                                                                  \
	(offsetof(structure, field) + 0 * sizeof(struct {                                                 \
		_Static_assert(__builtin_types_compatible_p(__typeof__(((structure *)0)->field), wanted), \
				"the field must be of type " #wanted);                                    \
		char unused;                                                                              \
	}))

#define OPT_FLAG(structure, field, option, short_name, text, ...)                                \
	{                                                                                        \
		.type = OPT_TYPE_FLAG, .name = (option), .letter = (short_name), .help = (text), \
		.at = OPT_AT(structure, field, bool), __VA_ARGS__                                \
	}
#define OPT_TEXT(structure, field, option, short_name, meta, text, ...)                             \
	{                                                                                           \
		.type = OPT_TYPE_TEXT, .name = (option), .letter = (short_name), .metavar = (meta), \
		.help = (text), .at = OPT_AT(structure, field, const char *), __VA_ARGS__           \
	}
/* lowest and highest are both allowed */
#define OPT_INT(structure, field, option, short_name, meta, lowest, highest, text, ...)                     \
	{                                                                                                   \
		.type = OPT_TYPE_INT, .name = (option), .letter = (short_name), .metavar = (meta),          \
		.min = (lowest), .max = (highest), .help = (text), .at = OPT_AT(structure, field, int64_t), \
		__VA_ARGS__                                                                                 \
	}
#define OPT_ENUM(structure, field, option, short_name, meta, text, choice, ...)                     \
	{                                                                                           \
		.type = OPT_TYPE_ENUM, .name = (option), .letter = (short_name), .metavar = (meta), \
		.help = (text), .words = (choice), .at = OPT_AT(structure, field, int), __VA_ARGS__ \
	}
#define OPT_LIST(structure, field, option, short_name, meta, text, ...)                             \
	{                                                                                           \
		.type = OPT_TYPE_LIST, .name = (option), .letter = (short_name), .metavar = (meta), \
		.help = (text), .at = OPT_AT(structure, field, struct opt_list), __VA_ARGS__        \
	}
#define OPT_END                      \
	{                            \
		.type = OPT_TYPE_END \
	}

/* One argument that must be there, one that may be missing, and all the others: at least and at most so many. */
#define OPT_ONE(structure, field, word, text)                       \
	{                                                           \
		.name = (word), .help = (text), .min = 1, .max = 1, \
		.at = OPT_AT(structure, field, const char *)        \
	}
#define OPT_MAYBE(structure, field, word, text)                                                        \
	{                                                                                              \
		.name = (word), .help = (text), .max = 1, .at = OPT_AT(structure, field, const char *) \
	}
#define OPT_REST(structure, field, word, least, most, text)                                  \
	{                                                                                    \
		.name = (word), .help = (text), .rest = true, .min = (least), .max = (most), \
		.at = OPT_AT(structure, field, struct opt_rest)                              \
	}
#define OPT_ARG_END          \
	{                    \
		.name = NULL \
	}
#define OPT_EXAMPLE_END      \
	{                    \
		.what = NULL \
	}
#define OPT_SECTION_END       \
	{                     \
		.title = NULL \
	}
#define OPT_VERB_END            \
	{                       \
		.summary = NULL \
	}

/* What the words ask for instead of work. */
enum opt_ask { OPT_ASK_RUN, OPT_ASK_HELP, OPT_ASK_VERSION };

/*
 * Reads the words of a verb (argv[0] is the first of them, not the program) into its settings struct, which holds
 * the defaults. "--help" and "--version" win over whatever else is wrong.
 */
int opt_parse(const struct opt_program *program, const struct opt_verb *verb, int argc, char **argv,
		void *settings, enum opt_ask *ask, struct err *err)
		__attribute__((nonnull(1, 2, 4, 5, 6), warn_unused_result));

/*
 * The verb that the words begin with, a name of two words before one of one; *used tells how many words it took. NULL
 * with ERR_USAGE "unknown command …".
 */
const struct opt_verb *opt_verb_find(const struct opt_program *program, int argc, char *const *argv,
		int *used, struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));

/* Whether the program has verbs by name. */
bool opt_has_verbs(const struct opt_program *program) __attribute__((nonnull));

/* All options of a verb: its own, the common ones, --help; returned is their number. */
size_t opt_all(const struct opt_program *program, const struct opt_verb *verb,
		const struct opt *out[OPT_COUNT_MAX]) __attribute__((nonnull));

#endif
