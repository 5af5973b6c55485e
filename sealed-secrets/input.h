/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where secrets come from and go to: standard input ("-" or no name), files, and descriptors ("fd:3"); never words of
 * the command line. Results go to standard output, or to a new file that its owner alone can read.
 *
 * Bounds: SECRET_MAX; the buffer's own for texts. Errors: ERR_USAGE (a terminal where a secret should come from), ERR_NOT_FOUND, ERR_LIMIT, ERR_IO.
 */
#ifndef COCOON_SEALED_SECRETS_INPUT_H
#define COCOON_SEALED_SECRETS_INPUT_H

#include "base/span.h"
#include "crypto/secret.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

/* The words of --output. */
enum { FORM_TEXT, FORM_JSON };
extern const char *const form_words[];

/* All bytes of a source. source may be NULL. */
int input_secret(const char *source, struct secret *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* A file with a sealed string may have white space around it. */
#define INPUT_SEALED_MAX ((size_t)512 * 1024)
/* A sealed string, which is no secret and may be longer than one, without white space around. *out points into room. */
int input_sealed(const char *source, struct buf *room, struct span *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
/* Manifests and plans: "-" or a file; into an empty buffer, which is given all its room, as they may hold secrets. */
int input_text(const char *source, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* To standard output (path NULL or "-") or into a new private file. */
int output_secret(const char *path, struct span bytes, bool force, struct err *err)
		__attribute__((warn_unused_result));

#endif
