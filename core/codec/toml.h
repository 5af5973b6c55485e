/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0.0 (toml.io/en/v1.0.0): text to a json_t tree, and the few pieces a writer of new documents needs.
 *
 *     version = "0.1.0"            {"version": "0.1.0",
 *     [data]                  →     "data": {"aa.toml": "[token_configs]\n"}}
 *     "aa.toml" = '''
 *     [token_configs]
 *     '''
 *
 * All of TOML 1.0 is read: the four kinds of strings, dotted and quoted keys, integers in four bases, floats with
 * inf and nan, the four kinds of dates and times, arrays, inline tables, tables, arrays of tables. Types map to
 * JSON's: an integer is a JSON integer (64 bits signed), a float is a JSON real; inf, nan, dates and times, for
 * which JSON has nothing, become strings in their TOML spelling. A caller that must tell them apart uses
 * toml_parse_tagged(). Members stand in the order in which the text first names them. A CR LF inside a string of
 * many lines stays as it is: TOML leaves that to the reader, and readers differ, so toml_write_text() never
 * writes one.
 *
 * Refused with line and column (both from 1; the column counts characters): duplicate keys and tables, a table
 * defined twice or opened through a value, changes to inline tables and static arrays, bare control characters,
 * lone CR, invalid UTF-8, surrogates as TOML 1.0 says; days and times that do not exist (second 60 does, RFC 3339).
 * Two things that other readers take are refused too: U+0000 by escape, because no reader of these documents
 * accepts it, and a byte-order mark, which the grammar does not know.
 * An error names places and keys, never a text: it may be a secret.
 *
 * Bounds: the text is at most `max` bytes; a value lies inside at most TOML_DEPTH_MAX tables and arrays, the
 * document being the first; TOML_KEYS_MAX keys in all, each part of a dotted key or header counting as one. Time is
 * linear in the text. A tree takes up to 64 times the bytes of its text (empty arrays and headers; texts once).
 * Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_CODEC_TOML_H
#define COCOON_CODEC_TOML_H

#include "base/span.h"

#include <jansson.h>

struct buf;
struct err;

#define TOML_DEPTH_MAX 64
#define TOML_KEYS_MAX  100000

/* The document as a new reference to a JSON object. */
int toml_parse(struct span text, size_t max, json_t **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* The same with every leaf as {"type": "integer", "value": "42"}, the form of the public toml-test corpus:
 * integer, float, bool, string, datetime, datetime-local, date-local, time-local. Dates have an upper-case T and Z. */
int toml_parse_tagged(struct span text, size_t max, json_t **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* Writes key as a bare key where TOML allows it, else as a basic quoted string. */
void toml_write_key(struct buf *out, struct span key) __attribute__((nonnull));

/* Writes a one-line basic string with its quotes and escapes. `text` is valid UTF-8. */
void toml_write_string(struct buf *out, struct span text) __attribute__((nonnull));

/*
 * Writes a multi-line string that reads back as exactly `text`: literal (''') where its bytes allow it, else basic
 * (""") with escapes: for a text that holds ''' or ends in ', or has CR or a control character other than tab and
 * LF. The opening delimiter is followed by a newline, which TOML drops. `text` is valid UTF-8 without NUL.
 */
void toml_write_text(struct buf *out, struct span text) __attribute__((nonnull));

/*
 * Writes a JSON object as TOML: scalars first, then sub-tables as [tables], arrays of objects as [[tables]], other
 * arrays inline; keys in the order of the object; texts with a newline as multi-line basic strings ("""), so that
 * the whole can itself stand in a literal one. Integers, reals, booleans, strings. ERR_FORMAT for null and for NUL
 * in a text; ERR_LIMIT for a tree too deep to be read back and for a text beyond the ceiling of `out`.
 */
int toml_write(struct buf *out, const json_t *object, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
