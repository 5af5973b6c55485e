/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of an allow-list of init-data: e2e/kbs/release.h says what they mean. */
#ifndef COCOON_E2E_KBS_RELEASE_ALLOW_H
#define COCOON_E2E_KBS_RELEASE_ALLOW_H

#include "crypto/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

struct release_entry {
	const char *text; /* as it was given, borrowed */
	unsigned char digest[DIGEST_MAX];
	size_t size;      /* of the digest: 32, 48 or 64 */
	const char *glob; /* "*" when the entry has none */
};

int release_entry_parse(const char *text, struct release_entry *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Whether the annotated evidence of a token has this init-data and the path fits. */
bool release_entry_matches(const struct release_entry *entry, const json_t *evidence, const char *path)
		__attribute__((nonnull(1, 3)));

#endif
