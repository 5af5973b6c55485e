/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands read: files, or standard input where the name is "-"; ImagePolicies, and the labels of namespaces,
 * out of manifests that may hold other objects as well.
 *
 * Bounds: SOURCE_MAX a file. Errors: ERR_NOT_FOUND, ERR_IO, ERR_FORMAT, ERR_LIMIT with the file's name and, for an
 * ImagePolicy, its own.
 */
#ifndef COCOON_POLICY_CHECK_SOURCES_H
#define COCOON_POLICY_CHECK_SOURCES_H

#include "base/buf.h"
#include "base/opt.h"

#include <jansson.h>

struct err;
struct policy_set;

#define SOURCE_MAX ((size_t)4 * 1024 * 1024)

/* The words of --output and --unmatched. */
enum { FORM_TABLE, FORM_JSON };
extern const char *const check_forms[];
extern const char *const check_unmatched[];

/* How many of the names are "-". */
size_t source_count_stdin(const char *const *files, size_t count) __attribute__((nonnull));

/* Appends the bytes. */
int source_text(const char *file, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Every ImagePolicy of a text. */
int source_add_policies(struct span text, struct policy_set *set, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* Every ImagePolicy of the files; ERR_USAGE when there is none. `unmatched` is an index of check_unmatched. */
int source_policies(const struct opt_list *files, int unmatched, struct policy_set **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* The labels of a namespace as the API server has them: those of a Namespace among the documents, and its name. A new
 * reference. */
json_t *source_namespace(const json_t *documents, const char *name)
		__attribute__((nonnull(2), returns_nonnull, warn_unused_result));

#endif
