/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who can read an encrypted layer, as far as its annotations tell without a key.
 *
 *     ENCRYPTION  jwe,provider.attestation-agent        the schemes, sorted
 *     RECIPIENTS  [jwe], 0xbebc2c4b1c4ef646             each once, in the order of the annotations
 *     KBS KEYS    kbs:///default/image_key/nginx        the key ids of packets for confidential guests
 *
 * Errors: ERR_FORMAT, ERR_LIMIT of the annotations; a wrapped key that cannot be read is told as such.
 */
#ifndef COCOON_IMAGE_CRYPT_RECIPIENTS_H
#define COCOON_IMAGE_CRYPT_RECIPIENTS_H

#include <jansson.h>

struct err;

/* New references. */
struct layer_recipients {
	json_t *schemes;    /* object: scheme → number of wrapped keys */
	json_t *recipients; /* array of texts, each once */
	json_t *kbs_keys;   /* likewise */
};

int layer_recipients_read(const json_t *annotations, struct layer_recipients *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void layer_recipients_clear(struct layer_recipients *recipients) __attribute__((nonnull));
#define auto_layer_recipients __attribute__((cleanup(layer_recipients_clear)))

#endif
