/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From spec.initData to the document: private to this room.
 *
 * Fills source, alg, document, digests and annotation of a profile whose spec is set. Errors name the field:
 * ERR_FORMAT, ERR_USAGE, ERR_LIMIT, ERR_NOT_FOUND for a ConfigMap that is not there, ERR_CONFLICT for one whose
 * content is not what its sha256 says.
 */
#ifndef COCOON_PROFILE_CONTENT_H
#define COCOON_PROFILE_CONTENT_H

#include "initdata/document.h"
#include "profile/profile.h"

int profile_content(struct profile *profile, const struct profile_env *env, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The same for one that is derived: its base's spec, with this text as policy.rego. */
int profile_content_with(struct profile *profile, const char *policy, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* As that, without the annotation's value, which is most of the work. */
int profile_content_digests(struct profile *profile, const char *policy, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
