/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/settings.h"

#include <stdlib.h>

const char *settings_temporary(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/tmp";
}
