/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says, read once: where credentials lie, and how registries are reached. */
#ifndef COCOON_POLICY_CHECK_SETTINGS_H
#define COCOON_POLICY_CHECK_SETTINGS_H

#include "oci/authfiles.h"

struct check_settings {
	struct authfiles files;
	const char *proxy; /* NULL: none */
	const char *no_proxy;
};

void check_settings_read(struct check_settings *out) __attribute__((nonnull));
void check_settings_clear(struct check_settings *settings) __attribute__((nonnull));

#endif
