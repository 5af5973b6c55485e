/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few profiles that were derived with prepared agent policies, kept for who asks next: private to this room.
 *
 * Shared by the catalogs that follow one another, and by threads. Bounds: DERIVED_MAX, the longest unused gives way.
 */
#ifndef COCOON_PROFILE_DERIVED_H
#define COCOON_PROFILE_DERIVED_H

#include "profile/prepared.h"

struct derived;

#define DERIVED_MAX 64

struct derived *derived_new(void) __attribute__((returns_nonnull, warn_unused_result));
struct derived *derived_ref(struct derived *derived) __attribute__((nonnull, returns_nonnull));
void derived_unref(struct derived *derived);

/* *out is a new reference. */
int derived_get(struct derived *derived, struct profile *profile, struct prepared *prepared,
		struct profile **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
