/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of secrets below one folder, as [[credentials]] asks for them (guest-apis.md, 6): written with mode 0600, so
 * that a reader sees the old or the new bytes and nothing between. The folder must be there; folders inside of it are
 * made with mode 0700.
 *
 * The path lies below the folder, part by part: no "." and "..", no empty part, and no symbolic link on the way, which
 * might lead out of it. Guests of others compare the beginning of the text alone, and let "…/kbs-other" pass.
 *
 * Errors: ERR_DENIED "illegal path to put credential : …", ERR_IO (what was begun is taken back).
 */
#ifndef COCOON_GUEST_CREDENTIAL_H
#define COCOON_GUEST_CREDENTIAL_H

#include "crypto/secret.h"

struct err;

int credential_write(const char *folder, const char *path, const struct secret *bytes, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
