/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says. */
#ifndef COCOON_SEALED_SECRETS_SETTINGS_H
#define COCOON_SEALED_SECRETS_SETTINGS_H

#include <stdbool.h>

/* Does this run in a pod of Kubernetes? */
bool settings_in_pod(void);

#endif
