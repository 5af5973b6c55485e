/* SPDX-License-Identifier: Apache-2.0 */
/* The token of an Authorization field (RFC 6750). As in the real service, "bearer" is no scheme: case counts. */
#ifndef COCOON_E2E_KBS_BEARER_H
#define COCOON_E2E_KBS_BEARER_H

#include "base/span.h"

#include <stdbool.h>

static inline bool bearer_token(struct span authorization, struct span *token)
{
	if (!span_starts(authorization, "Bearer "))
		return false;
	*token = span_trim(span_from(authorization, sizeof("Bearer ") - 1));
	return token->len > 0;
}

#endif
