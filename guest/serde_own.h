/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of guest/serde share; nobody else includes this. */
#ifndef COCOON_GUEST_SERDE_OWN_H
#define COCOON_GUEST_SERDE_OWN_H

#include "guest/serde.h"

#include <stdbool.h>

#define SERDE_NAMES_MAX 8

struct serde {
	struct span text;
	size_t at;
	const char *expected; /* "a string" */
	struct err *err;
};

/* All return -1. */
int serde_fail(struct serde *in, const char *what) __attribute__((nonnull));
int serde_fail_ahead(struct serde *in, const char *what) __attribute__((nonnull));
int serde_fail_type(struct serde *in, const char *found) __attribute__((nonnull));

int serde_peek(struct serde *in) __attribute__((nonnull));

/* Behind the opening quote; appends what the string means unless out is NULL. */
int serde_string(struct serde *in, struct buf *out) __attribute__((nonnull(1), warn_unused_result));
/* Any value. */
int serde_skip(struct serde *in) __attribute__((nonnull, warn_unused_result));
/* What stands at c is not what is expected. Always -1. */
int serde_wrong_type(struct serde *in, int c) __attribute__((nonnull));

#endif
