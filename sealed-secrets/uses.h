/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a pod uses Secrets: environment (one key or all), volumes, projected volumes, and to pull images.
 */
#ifndef COCOON_SEALED_SECRETS_USES_H
#define COCOON_SEALED_SECRETS_USES_H

#include "pod/manifest.h"

#include <stdbool.h>

struct use {
	const char *secret;
	const char *namespace; /* "" when the manifest does not say */
	const char *key;       /* NULL: all */
	const char *where;     /* "containers[0].env[1]" */
	bool pull;             /* to pull images */
};

/* Calls for each use, in order. */
void uses_of(const struct place *place, void (*each)(void *ctx, const struct use *use), void *ctx)
		__attribute__((nonnull(1, 2)));

#endif
