/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What facts and fetches are found by: who is asked (the registry's settings), for what (host, repository, digest or
 * tag). Whose credentials are used counts where they made a difference: for failures.
 *
 *     kind ‖ identity of the registry's settings ‖ host NUL ‖ repository NUL ‖ reference NUL [‖ credentials]
 */
#ifndef COCOON_FACTS_KEY_H
#define COCOON_FACTS_KEY_H

#include "policy/image.h"

#include <stdint.h>

enum key_kind { KEY_FACTS, KEY_TAG, KEY_FAILURE };

#define KEY_MAX 720 /* 1 + 32 + 256 + 256 + 136 + 8, and some room */

struct key {
	uint64_t hash;
	size_t len;
	char bytes[KEY_MAX];
};

/* Namespace, service account and pull secrets, as a number. */
uint64_t key_credentials(const uint64_t seed[2], const struct image_want *want) __attribute__((nonnull));

/*
 * KEY_FACTS takes the digest (that of the name, unless another is given), KEY_TAG the tag, KEY_FAILURE what the name
 * has, and the credentials.
 */
void key_make(const uint64_t seed[2], enum key_kind kind, const struct image_want *want, const char *digest,
		uint64_t credentials, struct key *out) __attribute__((nonnull(1, 3, 6)));

bool key_eq(const struct key *a, const struct key *b) __attribute__((nonnull));

#endif
