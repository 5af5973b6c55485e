/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed secrets for tests of pods: signed here, with a key whose public half tests may pass on. */
#ifndef COCOON_TESTS_POD_SEALED_SCENE_H
#define COCOON_TESTS_POD_SEALED_SCENE_H

#include "base/b64.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "tests/profile/scene.h"

#define SEALED_KID    "kbs:///default/signing-key/test"
#define SEALED_HEADER "{\"alg\":\"ES256\",\"kid\":\"" SEALED_KID "\"}"
#define SEALED_PAYLOAD                                                                                    \
	"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///default/db/password\",\"provider\":" \
	"\"kbs\",\"provider_settings\":{},\"annotations\":{}}"
/* the scalar 32 times 0x33, as in the specification's own examples */
#define SEALED_JWK                                                                                         \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"d\":\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMz" \
	"MzMzMzM\",\"x\":\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\",\"y\":\"ARBSJxKwtafP8IFoVIaYSp"   \
	"Tmgx7axG5zYPqdg0p6gaE\"}"
#define OTHER_JWK                                                                                  \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"V-l39tt-M8P-es8oQu2YcAnK9W1FhoL8pEe309diqzQ\"," \
	"\"y\":\"xas3cLpXO9_1QUBlZA_7WzRt-oTexNtNaOX1nMRxwuw\"}"

/* "sealed.<header>.<payload>.<signature>" */
static inline char *sealed_text(const char *header, const char *payload)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf jws = BUF_MAX(JWS_MAX), signature = BUF_MAX(200);
	struct buf out = BUF_MAX(JWS_MAX);

	assert_int_equal(jwk_parse(span_of(SEALED_JWK), &key, NULL), 0);
	b64url_encode(&jws, span_of(header));
	buf_putc(&jws, '.');
	b64url_encode(&jws, span_of(payload));
	assert_int_equal(pkey_sign(key.key, buf_span(&jws), &signature, NULL), 0);
	buf_printf(&out, "sealed.%s.", buf_text(&jws));
	b64url_encode(&out, buf_span(&signature));
	return buf_take(&out);
}

#endif
