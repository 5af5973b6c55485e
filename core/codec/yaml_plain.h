/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plain (unquoted) scalar means: by the core schema of YAML 1.2 (chapter 10.3.2), by Go's yaml.v2, with which
 * kubectl reads, and by YAML 1.1 (yaml.org/type). Shared by the reader and the writer of codec/yaml.
 */
#ifndef COCOON_CODEC_YAML_PLAIN_H
#define COCOON_CODEC_YAML_PLAIN_H

#include "base/span.h"

enum yaml_plain {
	YAML_TEXT,
	YAML_NULL,
	YAML_TRUE,
	YAML_FALSE,
	YAML_INT,
	YAML_REAL,
	YAML_DISPUTED, /* YAML 1.2 and kubectl see different things */
	YAML_NOT_JSON, /* infinity and "not a number" */
};

enum yaml_plain yaml_plain_type(struct span text);

/* The value of a YAML_INT; false when it does not fit 64 bits with sign. */
bool yaml_plain_int(struct span text, int64_t *out) __attribute__((nonnull, warn_unused_result));

/* True for what some reader may take for a number or a time, generously. */
bool yaml_plain_numberish(struct span text);

#endif
