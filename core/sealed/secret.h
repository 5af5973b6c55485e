/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sealed secret says inside (sealed-secrets.md, 2), as a value:
 *
 *     {"version":"0.1.0","type":"vault","name":"kbs:///default/db/password","provider":"kbs",
 *      "provider_settings":{},"annotations":{}}
 *     {"version":"0.1.0","type":"envelope","key_id":"…","encrypted_key":"<b64>","encrypted_data":"<b64>",
 *      "wrap_type":"A256GCM","iv":"<b64>","provider":"aliyun","provider_settings":{…},"annotations":{…}}
 *
 * Vault: a name for a secret that lies with a provider. Envelope: the secret itself, encrypted with a data key that a
 * key management service has wrapped.
 *
 * Read as guests read it: all members are required, unknown ones are ignored, duplicates refused. Written in the order
 * above; provider_settings and annotations sorted by name at every level.
 *
 * Bounds: SEALED_PAYLOAD_MAX of text, SEALED_TEXT_MAX per text member but encrypted_data.
 * Ownership: the caller's struct, SEALED_SECRET_NONE. Errors: ERR_FORMAT with the member, ERR_LIMIT.
 */
#ifndef COCOON_SEALED_SECRET_H
#define COCOON_SEALED_SECRET_H

#include "base/buf.h"
#include "base/span.h"
#include "crypto/secret.h"

#include <jansson.h>

struct err;

#define SEALED_PAYLOAD_MAX ((size_t)128 * 1024)
#define SEALED_TEXT_MAX    4096
#define SEALED_VERSION     "0.1.0"

enum sealed_type { SEALED_VAULT, SEALED_ENVELOPE };
enum sealed_wrap { SEALED_A256GCM, SEALED_A256CTR };

struct sealed_secret {
	enum sealed_type type;
	char *version;
	char *provider;   /* as written; compared without regard to case */
	json_t *settings; /* object */
	json_t *annotations;
	char *name;   /* vault */
	char *key_id; /* envelope, from here on */
	enum sealed_wrap wrap;
	struct buf key;  /* encrypted_key, decoded */
	struct buf data; /* encrypted_data, decoded: ciphertext‖tag or ciphertext */
	struct buf iv;
};
#define SEALED_SECRET_NONE                                                                                 \
	{                                                                                                  \
		.key = BUF_MAX(SEALED_PAYLOAD_MAX), .data = BUF_MAX(SEALED_PAYLOAD_MAX), .iv = BUF_MAX(64) \
	}

int sealed_secret_parse(struct span payload, struct sealed_secret *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* Appends the text. */
void sealed_secret_format(const struct sealed_secret *secret, struct buf *out) __attribute__((nonnull));
void sealed_secret_clear(struct sealed_secret *secret) __attribute__((nonnull));
#define auto_sealed_secret __attribute__((cleanup(sealed_secret_clear)))

/*
 * The data of an envelope. sealed_data_seal draws an iv, and sets data, iv and wrap (A256GCM); the data key has 32
 * bytes, ERR_USAGE. sealed_data_check says whether iv and data could be opened, by their sizes. sealed_data_open:
 * ERR_FORMAT for sizes, that of the key too, which came from a service; ERR_AUTH uniform when the key does not open it.
 */
int sealed_data_seal(const struct secret *data_key, const struct secret *plain, struct sealed_secret *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
int sealed_data_check(const struct sealed_secret *secret, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
int sealed_data_open(const struct sealed_secret *secret, const struct secret *data_key, struct secret *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
