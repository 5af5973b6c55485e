/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that name recipients and keys, made into what core/image works with. All kinds of wrapping are linked.
 *
 *     --recipient jwe:pub.pem --recipient pgp:a@example.org --kbs-key kbs:///default/key/1=key.bin
 *     --key priv.pem:file=password --key provider:attestation-agent --kbs-key kbs:///default/key/1=key.bin
 */
#ifndef COCOON_IMAGE_CRYPT_KEYRING_H
#define COCOON_IMAGE_CRYPT_KEYRING_H

#include "base/opt.h"
#include "image/keys.h"
#include "image/wrap.h"

#include <jansson.h>

struct err;

#define KEY_OPTIONS(structure)                                                                              \
	OPT_LIST(structure, keys, "key", 'k', "KEY",                                                        \
			"a key: FILE, FILE:file=PASSWORDFILE, FILE:fd=NUMBER, provider:NAME[:PARAMETERS], " \
			"pgp:; "                                                                            \
			"certificates too; may be repeated"),                                               \
			OPT_LIST(structure, kbs_keys, "kbs-key", 0, "URI=FILE",                             \
					"the key in FILE stands in for what the key broker holds as URI; "  \
					"may be repeated")

/* The field is `packet`, for wrap_settings.packet_v2. */
#define PACKET_OPTION(structure)                                                                         \
	OPT_ENUM(structure, packet, "packet", 0, "FORM",                                                 \
			"form of the key packets of a KBS key: v1 is read by every guest, v2 names its " \
			"provider",                                                                      \
			packet_words)
extern const char *const packet_words[];

#define RECIPIENTS_MAX (2 * OPT_LIST_MAX)

struct recipients {
	struct recipient *items[RECIPIENTS_MAX];
	size_t count;
};

int recipients_open(const struct wrap_settings *settings, const struct opt_list *names,
		const struct opt_list *kbs_keys, struct recipients *out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void recipients_clear(struct recipients *recipients) __attribute__((nonnull));
#define auto_recipients __attribute__((cleanup(recipients_clear)))

/* Wraps a layer's private options for each of them, into the annotations. */
int recipients_wrap(const struct recipients *recipients, const struct secret *options, json_t *annotations,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The keys that were named, and what opens wrapped keys with them, which borrows from them. */
struct keyring {
	struct keys keys;
	struct opener_list openers;
};
#define KEYRING_NONE                                           \
	{                                                      \
		.keys = KEYS_NONE, .openers = OPENER_LIST_NONE \
	}

/* Passwords in sight are warned of on standard error. No key at all gives an empty ring. */
int keyring_open(const struct wrap_settings *settings, const struct opt_list *keys,
		const struct opt_list *kbs_keys, struct keyring *out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void keyring_clear(struct keyring *ring) __attribute__((nonnull));
#define auto_keyring __attribute__((cleanup(keyring_clear)))

#endif
