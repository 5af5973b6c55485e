/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod against the profile that it gets: private to this room. judge_wanted() says what has to be injected,
 * judge_pod() what is wrong with what is there.
 */
#ifndef COCOON_PROFILE_JUDGE_H
#define COCOON_PROFILE_JUDGE_H

#include "pod/view.h"
#include "profile/catalog.h"

struct judge {
	const struct profile *profile;
	const struct catalog_class *class;
	const struct pod_view *pod;
	const unsigned char
			*fingerprint; /* of the pod's document when its annotation was not kept, or NULL */
	bool waits;                   /* for its agent policy: init-data is not judged yet */
	const char *digest; /* GENERATED: of the prepared document with the pod's fingerprint; NULL: there is none */
	json_t *hard; /* reasons that no mode softens */
	json_t *soft; /* reasons that modes soften */
};

/* The annotations that the pod lacks and the profile gives, a new object. */
json_t *judge_wanted(const struct profile *profile, const struct catalog_class *class,
		const struct pod_view *pod) __attribute__((nonnull, returns_nonnull, warn_unused_result));

/* The fingerprint of the document in an annotation's value; false when it cannot be read. */
bool judge_fingerprint(const char *value, unsigned char out[static 32])
		__attribute__((nonnull, warn_unused_result));

/* Appends the reasons why the pod is not what the profile demands. */
void judge_pod(struct judge *judge) __attribute__((nonnull));

#endif
