/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of policy/judge share; nobody else includes this. */
#ifndef COCOON_POLICY_JUDGE_OWN_H
#define COCOON_POLICY_JUDGE_OWN_H

#include "policy/judge.h"

/* A digest as a person tells it from others: "sha256:12ab34cd56ef…". */
#define JUDGE_DIGEST_MAX 32
struct judge_digest {
	char text[JUDGE_DIGEST_MAX];
};
struct judge_digest judge_digest(const char *digest) __attribute__((nonnull));

/* Counts work that takes `cost` times 100 us; false: the review has cost too much already, and it is not to be done. */
bool judge_spend(const struct judge_image *judge, unsigned cost) __attribute__((nonnull, warn_unused_result));

#endif
