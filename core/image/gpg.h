/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GnuPG at work, through gpgme: messages to keys of its public keyring, and messages opened with its secret keys, or
 * with secret keys from a file. GnuPG is a program of its own with an agent of its own; a call takes 10 to 100 ms.
 *
 * Keys from a file are imported into a home that lasts as long as the object: a new folder, ours alone, on a tmpfs (so
 * that no key comes onto a disk), with an agent that is ended when the folder goes. The password is handed to GnuPG
 * where it asks for one; nothing is ever asked on the terminal then. With one's own home GnuPG asks as it is used to.
 * SIGTERM, SIGINT and SIGHUP wait in the calling thread while there is such a home, so that it never outlives the
 * program; of several objects, the one made last is freed first.
 *
 * Who a message is to is said as ocicrypt does: by an e-mail address or a display name, equal byte for byte to that of
 * a user id. All keys that have it get the message; revoked, expired and disabled ones do not count. Trust does not
 * either: whoever put a key into the keyring meant it.
 *
 * Messages are binary, without signature and compression. GnuPG 2.3 and later write OCB packets to keys that say they
 * like them, which no reader of layers knows: that is ERR_USAGE, with the remedy.
 *
 * Bounds: GPG_KEYS_MAX keys for one message; SECRET_MAX bytes of plaintext and keys; GPG_TIMEOUT for a call,
 * GPG_TIMEOUT_PERSON where a person may have to type a password (milliseconds).
 * Ownership: a heap object of the caller. Threads: gpg_init() before there are others, then one at a time an object.
 * Errors: ERR_NOT_FOUND, ERR_USAGE (no GnuPG, no usable key), ERR_AUTH (no secret key for the message, wrong password,
 * damaged message), ERR_LIMIT, ERR_RETRY (time is over), ERR_IO.
 */
#ifndef COCOON_IMAGE_GPG_H
#define COCOON_IMAGE_GPG_H

#include "base/span.h"
#include "crypto/secret.h"

struct buf;
struct err;
struct gpg;

#define GPG_KEYS_MAX       32
#define GPG_TIMEOUT        60000
#define GPG_TIMEOUT_PERSON 600000

/* gpgme's own preparations; more than once does no harm. */
void gpg_init(void);

/* home NULL: GnuPG's own. */
int gpg_open(const char *home, struct gpg **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Secret keys, binary or armored, in a home of their own; password may be empty. */
int gpg_open_keys(struct span keys, const struct secret *password, struct gpg **out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

void gpg_free(struct gpg *gpg);
static inline void gpg_release(struct gpg **slot)
{
	gpg_free(*slot);
}
#define auto_gpg __attribute__((cleanup(gpg_release)))

/* The keys that gpg_encrypt() encrypts to. */
int gpg_address(struct gpg *gpg, const char *who, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends the message. */
int gpg_encrypt(struct gpg *gpg, struct span plain, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

int gpg_decrypt(struct gpg *gpg, struct span message, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
