/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed string around the payload (sealed-secrets.md, 1 and 3):
 *
 *     sealed . HEADER . PAYLOAD . SIGNATURE        behind the first dot, a compact JWS with ES256 and a kid
 *
 * Sealing gives the same bytes as the ecosystem's own sealer: header {"b64":true,"alg":"ES256","kid":"…"}, deterministic
 * ECDSA, no newline at the end.
 *
 * Opening has two halves, with the search for the key between them, which is the caller's:
 *
 *     sealed_read(text, &sealed, err)               form and header policy; sealed.kid says which key
 *     sealed_verify(&sealed, jwk_text, err)         the signature, then the payload is parsed into sealed.secret
 *
 * The header policy of ours is stricter than the ecosystem's guests': alg ES256; nothing but alg, kid, typ and a b64 that
 * is true. A key is a JWK of P-256, whose alg, when it has one, must be ES256. As with them, "sealed." may stand there
 * any number of times, or not at all; white space around may not. A payload of another version is refused.
 *
 * A guest may be told by its owner to skip verification: sealed_read_unsigned() then reads the payload of any four
 * parts, the old form `sealed.fakejwsheader.<payload>.fakesignature` among them.
 *
 * Bounds: SEALED_MAX bytes. Ownership: the caller's struct, SEALED_NONE; it is reusable after sealed_clear().
 * Errors: ERR_FORMAT (the form), ERR_DENIED (header policy), ERR_AUTH (signature).
 */
#ifndef COCOON_SEALED_TOKEN_H
#define COCOON_SEALED_TOKEN_H

#include "jose/jws.h"
#include "sealed/secret.h"

#include <stdbool.h>

#define SEALED_MAX    JWS_MAX
#define SEALED_PREFIX "sealed."

struct sealed {
	struct jws jws;
	const char *kid; /* of the header */
	bool verified;
	struct sealed_secret secret; /* once verified, or read unsigned */
};
#define SEALED_NONE                                                        \
	{                                                                  \
		.jws = JWS_NONE, .kid = NULL, .secret = SEALED_SECRET_NONE \
	}

/* Does the text begin so that a guest takes it for sealed? */
bool sealed_is(struct span text);
/* Is it the old unsigned form, which guests of today refuse? */
bool sealed_is_fake(struct span text);

int sealed_read(struct span text, struct sealed *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int sealed_verify(struct sealed *sealed, struct span jwk, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
int sealed_read_unsigned(struct span text, struct sealed *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void sealed_clear(struct sealed *sealed) __attribute__((nonnull));
#define auto_sealed __attribute__((cleanup(sealed_clear)))

/* Appends the sealed string of a payload text. ERR_USAGE: the key is no private P-256. */
int sealed_seal(struct span payload, const char *kid, const struct pkey *key, struct buf *out,
		struct err *err) __attribute__((nonnull(2, 3, 4), warn_unused_result));

#endif
