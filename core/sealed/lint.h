/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with one sealed string, or will be in a guest (sealed-secrets.md, 10.5). Pure: keys that are known are
 * passed in. Every finding is reported, not the first alone.
 *
 *     code               level    says
 *     form               error    not sealed.<header>.<payload>.<signature>, or not base64url
 *     fake               error    the old unsigned form
 *     padding            error    '=' in a part
 *     white-space        error    a newline or space at the end: verification fails
 *     algorithm          error    not ES256
 *     header             error    crit, b64:false, members that nobody needs
 *     kid                error    no kid, or one that guests cannot fetch (not a KBS URI)
 *     unknown-kid        warning  none of the keys passed in has it (not said when none are)
 *     signature          error    the key does not verify it
 *     payload            error    no secret, members missing, an iv of another size
 *     version            error    not 0.1.0
 *     provider           error    one that guests do not have; kbs in an envelope
 *     resource           error    a vault of kbs whose name is not kbs:///repository/type/tag
 *     long               error    beyond what our guests take
 *
 * Ownership: findings are appended to a caller's array; texts are its own.
 */
#ifndef COCOON_SEALED_LINT_H
#define COCOON_SEALED_LINT_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A verification key that the caller knows: the JWK's text. A single key whose kid is "" serves for all. */
struct sealed_key {
	const char *kid;
	struct span jwk;
};

/* Appends {"code":…,"level":"error"|"warning","message":…} for each finding to the JSON array. */
void sealed_lint(struct span text, const struct sealed_key *keys, size_t key_count, json_t *findings)
		__attribute__((nonnull(4)));

/* Why a vault's name is no resource that a guest can fetch and a broker can hold; false and text in why. */
bool sealed_name_is_good(const char *name, char *why, size_t cap) __attribute__((nonnull));

#endif
