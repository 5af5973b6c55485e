/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of keys as guests with the offline_fs_kbc read them (guest-apis.md, 7): a flat JSON object of resource paths and
 * base64.
 *
 *     {"default/key/key_id1":"<base64 of 32 bytes>","default/key/key_id2":"…"}
 *
 * Values may have any length, since other resources than keys are kept in such files, too; who needs a key-encryption
 * key checks for its 32 bytes. Looked up by the path of the resource alone, as the guest does it.
 *
 * Bounds: SECRET_MAX bytes of text, OFFLINE_KEYS_MAX keys. The whole lives in wiped memory.
 * Errors: ERR_FORMAT (names the path, never the value), ERR_LIMIT, ERR_NOT_FOUND, ERR_IO.
 */
#ifndef COCOON_KBS_OFFLINE_H
#define COCOON_KBS_OFFLINE_H

#include "base/span.h"
#include "crypto/secret.h"
#include "kbs/uri.h"

#include <stddef.h>

struct err;

#define OFFLINE_KEYS_MAX 500
#define OFFLINE_KEK      32 /* bytes of a key-encryption key */

struct offline_key {
	char path[KBS_URI_MAX];
	struct secret bytes;
};

struct offline {
	struct offline_key *items;
	size_t count;
};
#define OFFLINE_NONE                      \
	{                                 \
		.items = NULL, .count = 0 \
	}

/* count keys of 32 random bytes, default/key/key_id1 and on. */
int offline_generate(size_t count, struct offline *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int offline_parse(struct span text, struct offline *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int offline_load(const char *path, struct offline *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void offline_clear(struct offline *set) __attribute__((nonnull));
#define auto_offline __attribute__((cleanup(offline_clear)))

int offline_format(const struct offline *set, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The bytes of a resource, borrowed; NULL when the set does not hold it. */
const struct secret *offline_find(const struct offline *set, const struct kbs_uri *uri)
		__attribute__((nonnull));

#endif
