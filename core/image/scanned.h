/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte strings inside JSON as the ecosystem writes them, read into wiped memory (codec/scan.h gives the values): base64
 * with padding, in which CR and LF may stand as Go allows, or an array of numbers as Rust writes it. Private to
 * core/image.
 *
 * Bounds: SECRET_MAX bytes. Errors: ERR_FORMAT, ERR_LIMIT with `name`, never with a value.
 */
#ifndef COCOON_IMAGE_SCANNED_H
#define COCOON_IMAGE_SCANNED_H

#include "codec/scan.h"
#include "crypto/secret.h"

struct err;

int scanned_bytes(const struct scan *value, const char *name, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
