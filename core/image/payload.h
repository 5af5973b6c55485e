/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containerd hands to a decoder on its descriptor 3 (image-encryption.md, 6.2): a google.protobuf.Any whose value
 * is JSON.
 *
 *     0a 21 "io.containerd.ocicrypt.v1.Payload" 12 <length> {"DecryptConfig":{"Parameters":{"privkeys":["…"],
 *     "privkeys-passwords":[null],"x509s":[],"attestation-agent":["…"]}},"Descriptor":{"annotations":{…},…}}
 *
 * Fields in any order, unknown ones passed over; the type's name may have a host in front; Parameters, DecryptConfig
 * and each list may be null, which is what kubelet's pulls send. A name that is no known parameter is a key provider's.
 * Rings of OpenPGP and descriptions of PKCS#11 are not taken and set `foreign`.
 *
 * Private keys go from the text into struct secret; the text itself is the caller's to wipe.
 * Bounds: PAYLOAD_MAX bytes. Errors: ERR_FORMAT, ERR_LIMIT, those of keys_add_bytes; never a value of the text.
 */
#ifndef COCOON_IMAGE_PAYLOAD_H
#define COCOON_IMAGE_PAYLOAD_H

#include "base/span.h"
#include "image/keys.h"

#include <jansson.h>
#include <stdbool.h>

struct err;

#define PAYLOAD_MAX ((size_t)16 * 1024 * 1024) /* a manifest of the largest kind, several times */

struct payload {
	struct keys keys;
	json_t *descriptor;
	bool foreign;
};
#define PAYLOAD_NONE                                                    \
	{                                                               \
		.keys = KEYS_NONE, .descriptor = NULL, .foreign = false \
	}

int payload_parse(struct span bytes, struct payload *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void payload_clear(struct payload *payload) __attribute__((nonnull));
#define auto_payload __attribute__((cleanup(payload_clear)))

#endif
