/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values from outside, read strictly (RFC 8259): one loader with fixed flags, and getters that name the place
 * in the document when a member is missing or has the wrong type. The model is jansson's json_t.
 *
 * Bounds: a document is an object or an array of at most `max` bytes (the caller says), JSON_DEPTH_MAX deep (checked
 * before jansson sees it, whose own limit is 2048), without duplicate members, without NUL in strings. Integers are
 * 64 bits with a sign. A tree takes about 14 times the bytes of its text.
 * Ownership: loaders return a new reference (auto_json); getters return borrowed values that live as long as their
 * parent. Strings are UTF-8, NUL-terminated, borrowed.
 * Errors: ERR_FORMAT with line and column (loader: where the reader stood when it noticed, from 1, in characters) or
 * with the path "spec.initData.kbs.url" (getters); ERR_LIMIT. They name places, types and members, never a text of
 * the document, which may be a secret.
 */
#ifndef COCOON_CODEC_JSON_H
#define COCOON_CODEC_JSON_H

#include "base/span.h"

#include <jansson.h>

struct err;

#define JSON_DEPTH_MAX 100

static inline void json_release(json_t **slot)
{
	json_decref(*slot);
}
#define auto_json __attribute__((cleanup(json_release)))

/*
 * For programs whose documents may hold secrets: from now on jansson wipes all memory that it lets go, that of its
 * reader too. Before the first document, and before there are other threads.
 */
void json_wipe_freed(void);

/* One document, all of the text (trailing white space allowed). */
int json_read(struct span text, size_t max, json_t **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/*
 * The same for who needs only parts: objects and arrays that are a member named in `skip` (NULL-terminated), at any
 * depth, are checked for their form but may be left out of the tree; texts and numbers of such a name stay, so that no
 * label can hide by its name. What is left out costs neither memory nor most of the time.
 */
int json_read_without(struct span text, size_t max, const char *const *skip, json_t **out, struct err *err)
		__attribute__((nonnull(4), warn_unused_result));

/*
 * Before a document of a stranger's is read: ERR_LIMIT when it would make more than `most` values. A tree of megabytes
 * that are all brackets takes 75 times the bytes of its text.
 */
int json_check_values(struct span text, size_t most, struct err *err) __attribute__((warn_unused_result));

/* The file at path; ERR_NOT_FOUND, ERR_IO, or the loader's error wrapped with the path. */
int json_read_file(const char *path, size_t max, json_t **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Compact text, members in insertion order; sorted when `sorted`. Any value, not documents alone. Heap string, the
 * caller frees. Never fails for trees that came from json_read or were built from valid UTF-8; aborts for a tree that
 * contains itself. */
char *json_text(const json_t *value, bool sorted) __attribute__((nonnull, returns_nonnull));

/*
 * A value as one line on standard output; takes the reference. NULL, which jansson makes of words of the command line
 * that are no UTF-8, is ERR_USAGE. ERR_IO.
 */
int json_print(json_t *value, struct err *err) __attribute__((warn_unused_result));

/*
 * Getters. `path` is for messages alone: the place of `object` itself, "" at the root. With a missing or null
 * member, _opt forms succeed and leave *out as it was (so the default is set before the call); the plain forms are
 * ERR_FORMAT. A wrong type is ERR_FORMAT in both, and so is an `object` that is none; one that is NULL or null has
 * no members.
 */
int json_get_text(const json_t *object, const char *path, const char *key, const char **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
int json_opt_text(const json_t *object, const char *path, const char *key, const char **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
int json_opt_bool(const json_t *object, const char *path, const char *key, bool *out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
/* an integer between min and max, both inclusive; ERR_LIMIT outside */
int json_opt_int(const json_t *object, const char *path, const char *key, int64_t min, int64_t max,
		int64_t *out, struct err *err) __attribute__((nonnull(2, 3, 6), warn_unused_result));
int json_get_object(const json_t *object, const char *path, const char *key, json_t **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
int json_opt_object(const json_t *object, const char *path, const char *key, json_t **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
/* an array of at most max_items; ERR_LIMIT above */
int json_opt_array(const json_t *object, const char *path, const char *key, size_t max_items, json_t **out,
		struct err *err) __attribute__((nonnull(2, 3, 5), warn_unused_result));
/* an array as above whose items are all strings */
int json_opt_texts(const json_t *object, const char *path, const char *key, size_t max_items, json_t **out,
		struct err *err) __attribute__((nonnull(2, 3, 5), warn_unused_result));

/* ERR_FORMAT naming the first member of object that is not in the NULL-terminated list, and what was likely meant. */
int json_only_keys(const json_t *object, const char *path, const char *const *known, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/* Quick looks without errors, for objects the API server has validated: the text at a path of members, or NULL.
 * json_at(pod, "metadata", "name", NULL) */
const json_t *json_at(const json_t *object, ...) __attribute__((sentinel));
const char *json_text_at(const json_t *object, ...) __attribute__((sentinel));

#endif
