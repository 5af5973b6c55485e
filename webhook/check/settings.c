/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/check/settings.h"

#include <stdlib.h>
#include <unistd.h>

/* The variable in capitals or in lower case, as curl and Go take it. */
static const char *env_either(const char *upper, const char *lower)
{
	const char *value = getenv(upper);

	if (!value || !*value)
		value = getenv(lower);
	return value && *value ? value : NULL;
}

void check_settings_read(struct check_settings *out)
{
	authfiles_find((const char *const *)environ, &out->files);
	out->proxy = env_either("HTTPS_PROXY", "https_proxy");
	out->no_proxy = env_either("NO_PROXY", "no_proxy");
}

void check_settings_clear(struct check_settings *settings)
{
	authfiles_clear(&settings->files);
}
