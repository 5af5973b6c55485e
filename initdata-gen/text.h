/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in and results out. "-" and NULL mean standard input and standard output.
 *
 * What comes from outside is shown with its control characters replaced, so that a document cannot paint the
 * terminal of whoever looks at it.
 */
#ifndef COCOON_INITDATA_GEN_TEXT_H
#define COCOON_INITDATA_GEN_TEXT_H

#include "base/buf.h"
#include "base/span.h"

#include <jansson.h>

struct err;

/* Larger than a manifest can usefully be, and than any document or image. */
#define TEXT_FILE_MAX (4U << 20)

/* The words of --output. */
enum text_form { TEXT_PLAIN, TEXT_JSON };
extern const char *const text_form_words[];
/* The words of --algorithm, in the order of enum digest_alg. */
extern const char *const text_algorithm_words[];

/* Appends the file's bytes. */
int text_load(const char *path, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The file as a new JSON string, for UTF-8 texts; ERR_FORMAT for others. NULL gives NULL. */
int text_load_json(const char *path, json_t **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Writes all bytes to standard output, or replaces the file. */
int text_save(const char *path, struct span bytes, struct err *err) __attribute__((warn_unused_result));

/* Appends each line of the text behind `indent`, without control characters other than tab. */
void text_indent(struct buf *out, const char *indent, struct span text) __attribute__((nonnull));

/* "warning: …" on standard error for each text of an array. */
void text_warn(const json_t *texts);

/* The same for the findings of initdata/check.h. */
void text_findings(const json_t *findings);

/* Splits "KEY=VALUE" at the first '='; ERR_USAGE with the option's name. The key is a copy, the value borrowed. */
int text_pair(const char *option, const char *word, char **key, const char **value, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
