/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the TOML reader share, and nobody else includes. The reader is one pass of recursive descent
 * over the bytes, in three layers:
 *
 *     toml_scan.c     where we are: characters, blanks, comments, ends of lines; every failure with its place
 *     toml_string.c   the four kinds of strings, and keys
 *     toml_scalar.c   integers, floats, booleans, dates and times
 *     toml_table.c    which tables are open to which kind of extension
 *     toml_parse.c    values, tables, documents
 *
 * All return 0, or -1 with the error set. The bytes are known to be well-formed UTF-8 before the first of these
 * runs, so none looks at more than ASCII.
 */
#ifndef COCOON_CODEC_TOML_PRIV_H
#define COCOON_CODEC_TOML_PRIV_H

#include "base/err.h"
#include "base/span.h"

#include <jansson.h>

struct buf;

/*
 * How a table came to be decides what may still happen to it. A table that is in no state here is a value: an
 * inline table or an array, closed where it ends.
 */
enum toml_state {
	TOML_CLOSED = 0,
	TOML_IMPLIED, /* passed on the way by a header: may get its own header, or dotted keys */
	TOML_HEADER,  /* [table]: never again by header, nor by dotted keys from outside */
	TOML_DOTTED,  /* made by dotted keys: more dotted keys and sub-tables, no header of its own */
	TOML_ARRAY,   /* [[array]]: grows by headers alone */
};

/* Tables by address, with their state: open addressing, grown at half full. */
struct toml_tables {
	struct toml_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t used;
};

struct toml {
	struct span text;
	size_t at;
	bool tagged;
	size_t keys;
	struct toml_tables tables;
	struct err *err;
};

/* ---- toml_scan.c: the place and the characters ---- */

/* Sets "line 3, column 7: …" for the byte at `at`. Always -1. */
int toml_fail(struct toml *t, enum err_kind kind, size_t at, const char *fmt, ...)
		__attribute__((format(printf, 4, 5)));

/* As above, ERR_FORMAT at the current place, ending in ", found " and words for what stands there. */
int toml_expected(struct toml *t, const char *what) __attribute__((nonnull));

/* The byte `ahead` of the current place, or -1 beyond the end. */
int toml_peek(const struct toml *t, size_t ahead) __attribute__((nonnull));

/* Length of the newline that stands here: 1, 2 (CR LF), or 0 when there is none. */
size_t toml_newline(const struct toml *t) __attribute__((nonnull));

void toml_skip_blank(struct toml *t) __attribute__((nonnull));

/* Blanks, newlines and comments, as between the items of an array. */
int toml_skip_empty(struct toml *t) __attribute__((nonnull, warn_unused_result));

/* What may follow on a line that is complete: blanks, a comment, and the newline or the end of the text. */
int toml_end_line(struct toml *t) __attribute__((nonnull, warn_unused_result));

/* A key for a message: its beginning, when it is long. */
struct span toml_shown(struct span key);

/* ---- toml_string.c ---- */

/* The string that opens here, decoded onto `out`. */
int toml_string(struct toml *t, struct buf *out) __attribute__((nonnull, warn_unused_result));

/* One part of a key, bare or quoted, in place of what `out` held. */
int toml_key(struct toml *t, struct buf *out) __attribute__((nonnull, warn_unused_result));

/* ---- toml_scalar.c ---- */

/* A value that is no string, array or inline table. */
int toml_scalar(struct toml *t, json_t **out) __attribute__((nonnull, warn_unused_result));

/* A text as a leaf of `type`: a JSON string, or the tagged form. The text is well-formed UTF-8 without NUL. */
json_t *toml_leaf(const struct toml *t, const char *type, struct span text) __attribute__((nonnull));

/* ---- toml_table.c ---- */

enum toml_state toml_state_of(const struct toml_tables *tables, const json_t *table)
		__attribute__((nonnull(1)));
void toml_set_state(struct toml_tables *tables, const json_t *table, enum toml_state state)
		__attribute__((nonnull));
void toml_tables_clear(struct toml_tables *tables) __attribute__((nonnull));

/* Where keys are being set: a table, and how many containers deep its values lie. */
struct toml_place {
	json_t *table;
	int depth;
};

/* Into the sub-table `key`, as every part of a header but the last does. `at` is the key's place, for messages. */
int toml_enter_header(struct toml *t, struct toml_place *place, struct span key, size_t at)
		__attribute__((nonnull, warn_unused_result));

/* Into the sub-table `key`, as every part of a dotted key but the last does. */
int toml_enter_dotted(struct toml *t, struct toml_place *place, struct span key, size_t at)
		__attribute__((nonnull, warn_unused_result));

/* The last part of [a.b], and of [[a.b]]. */
int toml_define_table(struct toml *t, struct toml_place *place, struct span key, size_t at)
		__attribute__((nonnull, warn_unused_result));
int toml_define_item(struct toml *t, struct toml_place *place, struct span key, size_t at)
		__attribute__((nonnull, warn_unused_result));

/* ERR_LIMIT when containers would nest deeper than TOML_DEPTH_MAX. */
int toml_check_depth(struct toml *t, int depth, size_t at) __attribute__((nonnull, warn_unused_result));

#endif
