/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of policy/imagepolicy share; nobody else includes this. */
#ifndef COCOON_POLICY_IMAGEPOLICY_OWN_H
#define COCOON_POLICY_IMAGEPOLICY_OWN_H

#include "policy/imagepolicy.h"

#define POLICY_PLACE_MAX 160

/* One of the NULL-terminated words: its index. *out stays when the member is absent. */
int policy_word(const json_t *object, const char *path, const char *key, const char *const *words,
		unsigned *out, struct err *err) __attribute__((nonnull(2, 3, 4, 5), warn_unused_result));

/* An array of `least` to `most` texts, none of them empty. *out stays when the member is absent. */
int policy_texts(const json_t *object, const char *path, const char *key, size_t least, size_t most,
		const json_t **out, struct err *err) __attribute__((nonnull(2, 3, 6), warn_unused_result));

/* Of the policy's spec, whose other parts are read (digest before signatures). */
int policy_read_encryption(struct image_policy *policy, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
int policy_read_signatures(struct image_policy *policy, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void policy_signers_clear(struct image_policy *policy) __attribute__((nonnull));

#endif
