/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that a person or containerd brings for decryption, before it is known which kind of wrapping each is for.
 *
 *     priv.pem    priv.pem:file=PASSWORDFILE    priv.pem:fd=3    priv.pem:pass=WORD    priv.pem:WORD
 *     provider:attestation-agent[:attributes]
 *     kbs:///default/key/1=FILE               a key-encryption key that stands in for the broker's
 *     pgp:                                    the secret keys of one's own GnuPG
 *
 * as skopeo and ctr-enc write them, with one rule of our own: the text is split at the first ':' that a known word
 * (file=, fd=, pass=) follows; where there is none and a file of the whole name exists, the whole is the file. One
 * line end at the end of file= is dropped. Forms with the password in sight work, and keys_warning() tells.
 * A key is never ignored: one that no kind of wrapping takes is an error that names it.
 *
 * Bounds: KEYS_MAX keys, each at most SECRET_MAX bytes.
 * Errors: ERR_USAGE, ERR_NOT_FOUND, ERR_IO, ERR_LIMIT; a key's bytes and passwords are in no text.
 */
#ifndef COCOON_IMAGE_KEYS_H
#define COCOON_IMAGE_KEYS_H

#include "crypto/pkey.h"
#include "crypto/secret.h"
#include "jose/jwk.h"

#include <stdbool.h>
#include <stddef.h>

#define KEYS_MAX 256

enum key_form {
	KEY_PRIVATE,     /* jwk.key is set: PEM, DER or JWK */
	KEY_CERTIFICATE, /* X.509; jwk.key is its public key */
	KEY_PROVIDER,    /* name and attributes */
	KEY_KEK,         /* name is a KBS URI, bytes are 32 */
	KEY_GNUPG,       /* "pgp:": nothing but the name is set */
	KEY_OTHER,       /* not parsed: an OpenPGP ring, a PKCS#11 description; the kinds look */
};

struct key {
	enum key_form form;
	char *name;             /* path, provider's name, or KBS URI */
	char *attributes;       /* KEY_PROVIDER: "Enabled" when none were given */
	struct secret bytes;    /* as read */
	struct secret password; /* empty: none */
	struct jwk jwk;
	bool used; /* set by the kind that took it */
};

struct keys {
	struct key *items;
	size_t count;
	bool password_in_sight; /* a pass= was used */
};
#define KEYS_NONE                                                     \
	{                                                             \
		.items = NULL, .count = 0, .password_in_sight = false \
	}

/* Reads one --key of the forms above, and appends it. */
int keys_add(struct keys *keys, const char *text, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends a key from memory, as containerd's payload brings it; `name` for messages. bytes and password are taken over. */
int keys_add_bytes(struct keys *keys, const char *name, struct secret *bytes, struct secret *password,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
int keys_add_provider(struct keys *keys, const char *name, const char *attributes, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * All keys of a folder, recursively, as containerd's decoder is given it. Symbolic links are followed while they stay
 * inside (a mounted Secret is made of them); NAME.pass is the password of NAME. Files that are no keys are skipped and
 * counted in *skipped.
 */
int keys_add_folder(struct keys *keys, const char *path, size_t *skipped, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

void keys_clear(struct keys *keys) __attribute__((nonnull));
#define auto_keys __attribute__((cleanup(keys_clear)))

#endif
