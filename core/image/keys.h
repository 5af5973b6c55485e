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
 * (file=, fd=, pass=) follows; where there is none and a file of the whole name exists, the whole is the file; else
 * the first ':' ends the file's name, and a bare password follows. One line end at the end of file= and fd= is dropped;
 * fd= is read to its end and stays open. Forms with the password in sight work, and password_in_sight tells.
 * A key is never ignored: one that no kind of wrapping takes is an error that names it. A PEM file with a private key
 * and its certificate becomes two keys.
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

#define KEYS_MAX        256
#define KEYS_DEPTH_MAX  8    /* folders in each other */
#define KEYS_FOLDER_MAX 4096 /* files and folders below one folder */

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
	struct secret bytes;    /* as read; of a KEY_PRIVATE nothing: the parsed key is enough */
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

/* A private or public key in whatever form: a JWK, or what pkey_parse() reads. password may be NULL. */
int key_text_parse(struct span bytes, const struct secret *password, struct jwk *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* Reads one --key of the forms above, and appends it. */
int keys_add(struct keys *keys, const char *text, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends a key from memory, as containerd's payload brings it; `name` for messages. bytes and password, which may be
 * NULL, are taken over, also on failure. */
int keys_add_bytes(struct keys *keys, const char *name, struct secret *bytes, struct secret *password,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
/* attributes: "" for none. */
int keys_add_provider(struct keys *keys, const char *name, const char *attributes, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * All keys of a folder, recursively, as containerd's decoder is given it. Symbolic links are followed while they stay
 * inside (a mounted Secret is made of them: names that begin with ".." are its machinery and passed over); NAME.pass
 * is the password of NAME, less one line end. What is no key for decryption (other files, public keys, Ed25519) is
 * skipped and counted in *skipped, and so are links that lead outside. An encrypted key without its password is
 * ERR_AUTH: it was meant to be used.
 */
int keys_add_folder(struct keys *keys, const char *path, size_t *skipped, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Of one key: for who takes keys out of a list. */
void key_clear(struct key *key) __attribute__((nonnull));
void keys_clear(struct keys *keys) __attribute__((nonnull));
#define auto_keys __attribute__((cleanup(keys_clear)))

#endif
