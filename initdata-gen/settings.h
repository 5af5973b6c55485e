/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says. */
#ifndef COCOON_INITDATA_GEN_SETTINGS_H
#define COCOON_INITDATA_GEN_SETTINGS_H

/* The folder for temporary files: TMPDIR, else /tmp. */
const char *settings_temporary(void) __attribute__((returns_nonnull));

#endif
