/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of image/keys share. What bytes look like is known before anybody parses them: a look decides whom
 * to ask and never accepts anything.
 */
#ifndef COCOON_IMAGE_KEYS_OWN_H
#define COCOON_IMAGE_KEYS_OWN_H

#include "base/span.h"
#include "image/keys.h"

enum key_look {
	LOOK_UNKNOWN,
	LOOK_KEY,         /* JWK, PEM or DER, private or public */
	LOOK_CERTIFICATE, /* X.509 in PEM or DER */
	LOOK_BOTH,        /* PEM with a private key and a certificate */
	LOOK_OTHER,       /* an OpenPGP ring, a PKCS#11 description */
};

enum key_look key_look(struct span bytes);

/* The first PEM block whose label ends so, from its BEGIN to its END; empty when there is none. */
struct span key_pem_block(struct span text, const char *label_end) __attribute__((nonnull));

/* A new key at the end of the list; nothing but form and name is set. NULL when there are too many. */
struct key *key_append(struct keys *keys, enum key_form form, const char *name, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Removes one CR, LF or CRLF from the end. */
void key_drop_line_end(struct secret *password) __attribute__((nonnull));

#endif
