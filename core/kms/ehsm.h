/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels between us and an eHSM-KMS (kms-providers.md, 5): the texts alone. Requests are JSON with members in
 * alphabetical order, signed with HMAC-SHA-256 over the members as sorted pairs, values as they are.
 *
 *     appid=app-1&nonce=910…&payload=keyid=k1&plaintext=<base64>&timestamp=1795315261916           ehsm_to_sign()
 *     {"appid":"app-1","nonce":"910…","payload":{"keyid":"k1","plaintext":"<base64>"},"sign":"<base64>",
 *      "timestamp":"1795315261916"}                                                                 ehsm_body()
 *
 * A ciphertext is a text of the service's, in base64, which is never decoded here.
 *
 * Errors: ERR_FORMAT (an answer that is no such JSON, or without what was asked for), ERR_DENIED (a code other than
 * 200, which stands in the body: the HTTP status says nothing).
 */
#ifndef COCOON_KMS_EHSM_H
#define COCOON_KMS_EHSM_H

#include "base/span.h"
#include "crypto/secret.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

struct ehsm_ask {
	const char *app_id;
	const char *nonce;     /* decimal */
	const char *timestamp; /* milliseconds since the epoch */
	const char *key_id;
	bool encrypts;    /* the payload is a plaintext, else a ciphertext */
	struct span text; /* of either, in base64 */
};

void ehsm_to_sign(struct buf *out, const struct ehsm_ask *ask) __attribute__((nonnull));
/* Appends the signature in base64. */
int ehsm_sign(const struct secret *api_key, struct span to_sign, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
void ehsm_body(struct buf *out, const struct ehsm_ask *ask, const char *sign) __attribute__((nonnull));

/* A text of the answer's result, which must not be empty; borrowed from *object, a new reference. */
int ehsm_answer(struct span json, const char *name, json_t **object, const char **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));

#endif
