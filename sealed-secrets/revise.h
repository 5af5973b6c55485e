/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest's text under change: one member after the other is set, everything else stays (codec/yamledit.h). The text
 * may hold secrets until the last of them is replaced.
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
	size_t changes;
};
#define REVISION_NONE                                            \
	{                                                        \
		.text = BUF_MAX(MANIFEST_TEXT_MAX), .changes = 0 \
	}

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

int revise(struct revision *revision, const struct revise_at *at, const char *value, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
