/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/settings.h"

#include <stdlib.h>

bool settings_in_pod(void)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");

	return host && *host;
}
