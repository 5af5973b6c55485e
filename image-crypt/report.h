/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command says in the end: a line or two for a person, JSON for CI. Both go to standard output.
 *
 *     {"image":"oci:app:encrypted","digest":"sha256:…","layers":[{"platform":"linux/amd64","index":0,
 *      "digest":"sha256:…","size":123,"was":"sha256:…"}]}
 */
#ifndef COCOON_IMAGE_CRYPT_REPORT_H
#define COCOON_IMAGE_CRYPT_REPORT_H

#include "base/opt.h"

#include <jansson.h>

struct change;
struct err;

enum output { OUTPUT_TEXT, OUTPUT_JSON };
extern const char *const output_words[];

#define OUTPUT_OPTION(structure) \
	OPT_ENUM(structure, output, "output", 'o', "FORM", "what to print", output_words)
#define QUIET_OPTION(structure) OPT_FLAG(structure, quiet, "quiet", 'q', "no progress, also on a terminal")

/* What became of the image at `to`: `done` is the word for it ("encrypted"). */
int report_change(const struct change *change, const char *done, const char *to, const char *digest,
		int output, struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
