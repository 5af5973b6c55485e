/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: jwe_open with the key of tests/vectors/jose/keys/p256.jwk, jwe_seal. What is opened, or else the input
 * itself, is sealed, and opens to the same.
 */
#include "base/buf.h"
#include "jose/jwe.h"

#include <stdlib.h>

static const char key_text[] =
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"0xTADbqjRMolNMXW8vh1GSDwVpnFJVNUiVrWMbWxR_Y\","
		"\"y\":\"_ub9DgXqwb6xiiWhNT2KIFtD1EtagO_gMxoyHyR2vbU\","
		"\"d\":\"_oNQrwi2ArZw1gKv46FCAZXxeSVSD0GA5OgUO6bEWNc\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE, back = SECRET_NONE;
	auto_buf struct buf text = BUF_MAX(JWE_MAX);

	if (jwk_parse(span_of(key_text), &key, NULL) < 0)
		abort();
	if (jwe_open(&key, span_new(data, size), &plain, NULL) < 0 &&
			secret_from_span(&plain, span_new(data, size < 64 ? size : 64), NULL) < 0)
		abort();
	if (jwe_seal(&key, &plain, &text, NULL) < 0 || jwe_open(&key, buf_span(&text), &back, NULL) < 0 ||
			!secret_is(&back, secret_span(&plain)))
		abort();
	return 0;
}
