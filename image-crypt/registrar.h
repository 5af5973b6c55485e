/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts key-encryption keys into a key broker (kbs-protocol.md, 2), as its administrator:
 *
 *     POST https://broker:8080/kbs/v0/resource/default/key/1
 *     Authorization: Bearer <JWT>          {"role":"admin","iat":…,"nbf":…,"exp":…}, signed with the administrator's key
 *     Content-Type: application/octet-stream
 *
 * A path in the broker's URL is replaced. A status that is not of success is an error: a key that nobody can fetch locks
 * the image for good. Claims of the owner (issuer, audience, another role) come from a file with a JSON object and win
 * over ours, but for the times.
 *
 * Plain http is refused where it leaves the machine, unless that is asked for.
 *
 * Ownership: heap object of the caller. Errors: ERR_USAGE (files, URL), ERR_AUTH (the broker does not take our token),
 * ERR_DENIED (another status), those of net/http.h. Threads: one thread per object.
 */
#ifndef COCOON_IMAGE_CRYPT_REGISTRAR_H
#define COCOON_IMAGE_CRYPT_REGISTRAR_H

#include "crypto/secret.h"
#include "kbs/uri.h"

#include <stdbool.h>

struct clock;
struct err;
struct registrar;

struct registrar_options {
	const char *url;
	const char *key_file;    /* private key: Ed25519, P-256, P-384 or P-521 */
	const char *ca_file;     /* NULL: the system's roots */
	const char *role;        /* NULL: "admin" */
	const char *claims_file; /* NULL: none */
	bool plain_http;
	const struct clock *clock;
	int timeout; /* milliseconds for one registration */
};

int registrar_open(const struct registrar_options *options, struct registrar **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void registrar_free(struct registrar *registrar);
static inline void registrar_release(struct registrar **slot)
{
	registrar_free(*slot);
}
#define auto_registrar __attribute__((cleanup(registrar_release)))

int registrar_put(struct registrar *registrar, const struct kbs_uri *uri, const struct secret *kek,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
