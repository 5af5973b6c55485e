/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits YAML as text: one member is set or removed and every other byte stays, with all comments, quotes, blank
 * lines, order and line ends. For manifests that people wrote, which no emitter can give back.
 *
 *     path: spec, template, metadata, annotations, "example.com/a"      value: "1"
 *
 *       template:                              template:
 *         metadata:                              metadata:
 *           labels: {app: web}  # keep    →        labels: {app: web}  # keep
 *         spec:                                    annotations:
 *                                                    example.com/a: "1"
 *                                                spec:
 *
 * Works in block style, in flow style, and so in JSON. New members stand behind the last one of their mapping, with
 * its indentation; missing parents are created; a parent that is null or empty becomes a mapping. A new value is
 * written on one line.
 *
 * Before it is handed out, the result is read again and compared with the tree that was meant: other documents, other
 * members, everything. A difference is ERR_BUG and nothing is written.
 *
 * Refused, with place and reason: an anchor or alias on the path (the edit would show elsewhere), a member that may
 * come from a merge key, "? key" forms on the path, line ends other than LF and CRLF, a sequence or mapping where a
 * text should go, sequence indices that do not exist.
 *
 * Bounds and errors: as codec/yaml.h; ERR_NOT_FOUND for a document, index or (to remove) member that is not there.
 */
#ifndef COCOON_CODEC_YAMLEDIT_H
#define COCOON_CODEC_YAMLEDIT_H

#include "base/span.h"

#include <stddef.h>

struct buf;
struct err;

/* One step of a path: a key, or with key NULL an index into a sequence (from 0). */
struct yaml_step {
	const char *key;
	size_t index;
};

#define YAML_KEY(name)                    \
	{                                 \
		.key = (name), .index = 0 \
	}
#define YAML_ITEM(at)                      \
	{                                  \
		.key = NULL, .index = (at) \
	}

/*
 * Sets the member at path, in document number `document` (from 0) of text, to a string: appends the whole new text
 * to out. The value is a string to every reader, quoted where needed. The path has at least one step.
 */
int yamledit_set(struct span text, size_t max, size_t document, const struct yaml_step *path, size_t steps,
		const char *value, struct buf *out, struct err *err)
		__attribute__((nonnull(4, 6, 7), warn_unused_result));

/* One member and its new value. */
struct yaml_set {
	size_t document;
	const struct yaml_step *path;
	size_t steps;
	const char *value;
};

/*
 * The same for any number of members, each of which must be there (ERR_NOT_FOUND), in one reading of the text: many
 * edits of a large text one after the other take a time that grows with the product of both. Two at one place, or one
 * inside of another, are ERR_USAGE.
 */
int yamledit_set_all(struct span text, size_t max, const struct yaml_set *sets, size_t count, struct buf *out,
		struct err *err) __attribute__((nonnull(5), warn_unused_result));

/* Removes the member at path, a key, with its comment on the same line; a mapping that loses its last member
 * becomes {}. */
int yamledit_remove(struct span text, size_t max, size_t document, const struct yaml_step *path, size_t steps,
		struct buf *out, struct err *err) __attribute__((nonnull(4, 6), warn_unused_result));

#endif
