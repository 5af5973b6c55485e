/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to a json_t tree and back, as strict as a document for Kubernetes needs it.
 *
 *     metadata:                     {"metadata":
 *       name: web            →       {"name": "web",
 *       generation: 3                 "generation": 3}}
 *
 * Types: the core schema of YAML 1.2 (chapter 10.3): null, ~ and nothing; true, True, TRUE and false likewise;
 * integers 12, -3, 0o17, 0x1F; floats. All else is a string, and so is everything in quotes. kubectl and client-go
 * read YAML 1.1 in the form of Go's yaml.v2. Where the two see different things in a plain scalar, it is refused
 * with the advice to put it in quotes, so that nobody gets another value from us than from kubectl: yes, no, on,
 * off, y, n (booleans there), 089, 0b11, 1_000, -0x1F, 0X1F and the like, and .inf and .nan, which JSON does not
 * have. With one exception, as manifests are full of it: 0644 is octal, as kubectl and all others of Kubernetes read it. A date is a string to both.
 *
 * Keys are strings; a number, boolean or null as a key is refused (quote it), and so is a duplicate. Merge keys
 * ("<<: *base") work as in kubectl, with one exception: a merge below a key that it also brings is refused, because
 * readers differ on who wins. Aliases are expanded into copies. Of tags, only those of the core schema's string, map
 * and sequence are known. U+0000 and invalid UTF-8 are refused. The encoding is UTF-8, with or without BOM.
 *
 * Bounds: the text is at most `max` bytes; YAML_DEPTH_MAX levels (libyaml is quadratic in nesting), YAML_NODES_MAX
 * nodes in all with the expansions of aliases, YAML_ALIAS_MAX bytes of text from aliases, YAML_TAGS_MAX %TAG lines
 * (libyaml is quadratic in them too).
 * Ownership: readers return a new reference (auto_json in codec/json.h).
 * Errors: ERR_FORMAT and ERR_LIMIT, with line and column, both from 1; the column counts characters.
 */
#ifndef COCOON_CODEC_YAML_H
#define COCOON_CODEC_YAML_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

#define YAML_DEPTH_MAX 64
#define YAML_NODES_MAX 100000
#define YAML_ALIAS_MAX (1024 * 1024)
#define YAML_TAGS_MAX  16

/* All documents of a text as a JSON array, in order; an empty document is a null in it. A text without any
 * document (empty, or comments alone) gives the empty array. */
int yaml_read_all(struct span text, size_t max, json_t **array_out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* The one document of a text; ERR_FORMAT when there is none or more than one. */
int yaml_read_one(struct span text, size_t max, json_t **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/*
 * Appends one document in block style, without "---", ending in a newline: members in their order, two spaces a
 * level, sequences not indented below their key, texts of several lines as literal blocks. A string is plain where
 * readers of YAML 1.1 and 1.2 alike see a string, else in double quotes. What it writes yaml_read_one reads back as
 * an equal tree, up to the reader's bounds. Strings are valid UTF-8.
 */
void yaml_write(struct buf *out, const json_t *doc) __attribute__((nonnull));

/* The pieces of the writer, for codec/yamledit. Appends text in double quotes with escapes that JSON knows too. */
void yaml_write_quoted(struct buf *out, struct span text) __attribute__((nonnull));

/* True when text needs no quotes as a key or value in block style: readers of YAML 1.1 and 1.2 see a string. What
 * only looks a little like a number or a time is not plain either. */
bool yaml_is_plain(struct span text);

#endif
