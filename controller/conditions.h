/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a webhook configuration must become, as a JSON Patch; pure.
 */
#ifndef COCOON_CONTROLLER_CONDITIONS_H
#define COCOON_CONTROLLER_CONDITIONS_H

#include "base/span.h"

#include <jansson.h>

#define CONDITIONS_NAME "confidential-class"

/*
 * The patch that gives every webhook of the configuration the bundle (PEM; empty: leave as it is) and the class names
 * in its condition; an empty array when nothing differs. Its first operation tests the resourceVersion.
 */
json_t *conditions_patch(const json_t *configuration, struct span bundle, const json_t *classes)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
