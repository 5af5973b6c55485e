/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer from a descriptor to a descriptor, where what was written cannot be taken back.
 *
 * The last FLOW_HOLD_BACK bytes, and with them the end of the tar archive, are written only when the HMAC over
 * everything is right; `verify_first` writes nothing at all before that: a file is read twice, anything else is kept
 * meanwhile, still encrypted, in a file without a name.
 *
 * Errors: those of layer_run(); ERR_AUTH when the HMAC is wrong. *gone says that the reader of the output went away.
 */
#ifndef COCOON_IMAGE_CRYPT_DECODER_FLOW_H
#define COCOON_IMAGE_CRYPT_DECODER_FLOW_H

#include "image/options.h"

#include <stdbool.h>

struct err;

#define FLOW_HOLD_BACK ((size_t)1024 * 1024)

struct flow {
	const struct secret *key;
	const unsigned char *nonce;
	const unsigned char *mac;
	bool verify_first;
	const char *spool; /* folder for the file without a name */
	int in, out;
};

int flow_run(const struct flow *flow, bool *gone, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
