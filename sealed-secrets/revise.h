/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest's text under change: values are told one by one, and set all at once (codec/yamledit.h); everything else
 * stays. The text may hold secrets until then, and is wiped when it goes.
 *
 * Ownership: the caller's struct, REVISION_NONE; keys and values are copied. Errors: those of codec/yamledit.h.
 */
#ifndef COCOON_SEALED_SECRETS_REVISE_H
#define COCOON_SEALED_SECRETS_REVISE_H

#include "base/buf.h"
#include "codec/yamledit.h"
#include "pod/manifest.h"

struct err;

#define REVISE_STEPS_MAX (MANIFEST_STEPS_MAX + 8)

struct revision {
	struct buf text;
	struct change *changes;
	size_t count;
};
#define REVISION_NONE                                                           \
	{                                                                       \
		.text = BUF_MAX(MANIFEST_TEXT_MAX), .changes = NULL, .count = 0 \
	}

void revision_clear(struct revision *revision) __attribute__((nonnull));

/* A place in the text. Keys are borrowed. */
struct revise_at {
	size_t document;
	struct yaml_step steps[REVISE_STEPS_MAX];
	size_t depth;
};

void revise_at_add(struct revise_at *at, const struct yaml_step *steps, size_t count)
		__attribute__((nonnull(1)));
void revise_at_key(struct revise_at *at, const char *key) __attribute__((nonnull));
void revise_at_index(struct revise_at *at, size_t index) __attribute__((nonnull));

/* A member that is there, and its value to be. */
void revise(struct revision *revision, const struct revise_at *at, const char *value)
		__attribute__((nonnull));
/* Sets them all; when it fails the text is as it was. */
int revise_all(struct revision *revision, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
