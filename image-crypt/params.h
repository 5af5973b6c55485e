/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameter string of the key provider "attestation-agent" (image-encryption.md, 4.4): pairs joined by "::".
 *
 *     keypath=/keys/nginx.kek::keyid=kbs:///default/image_key/nginx::algorithm=A256GCM
 *
 * keyid in its four forms (kbs/uri.h); what brokers do not serve is refused. sample=true stands for a key that
 * everybody knows, and for nothing else. As with the provider of the ecosystem, words that are unknown and pieces without
 * '=' mean nothing and the last of equal words counts; other than there, algorithm counts, an unknown one is an error,
 * and "::" inside of the brackets of an address is no separator.
 *
 * Bounds: PARAMS_MAX bytes. Ownership: no secrets, no pointers. Errors: ERR_USAGE, ERR_LIMIT.
 */
#ifndef COCOON_IMAGE_CRYPT_PARAMS_H
#define COCOON_IMAGE_CRYPT_PARAMS_H

#include "base/span.h"
#include "image/packet.h"

#include <stdbool.h>

struct err;

#define PARAMS_MAX 4096

struct params {
	bool sample;
	bool has_id;
	struct kbs_uri id;
	char path[PARAMS_MAX]; /* of the key's file; "" when absent */
	enum packet_cipher cipher;
};

int params_parse(struct span text, struct params *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
