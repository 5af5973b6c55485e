/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: sealed_secret_parse, sealed_secret_format, sealed_tree_parse, sealed_tree_format, sealed_seal. What is
 * written reads back equal and is written so again; what is sealed opens.
 */
#include "sealed/token.h"

#include <stdlib.h>
#include <string.h>

#define KID "kbs:///default/signing-key/cocoon-test"

static const char jwk_text[] =
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\","
		"\"y\":\"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE\",\"d\":"
		"\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_sealed struct sealed sealed = SEALED_NONE;
	auto_sealed_secret struct sealed_secret one = SEALED_SECRET_NONE, two = SEALED_SECRET_NONE;
	auto_buf struct buf first = BUF_MAX(2 * SEALED_PAYLOAD_MAX), second = BUF_MAX(2 * SEALED_PAYLOAD_MAX);
	auto_buf struct buf string = BUF_MAX(SEALED_MAX);

	if (sealed_secret_parse(span_new(data, size), &one, NULL) < 0)
		return 0;
	sealed_secret_format(&one, &first);
	/* numbers that are written longer can bring it over the bound */
	if (first.len > SEALED_PAYLOAD_MAX)
		return 0;
	if (sealed_secret_parse(buf_span(&first), &two, NULL) < 0)
		abort();
	sealed_secret_format(&two, &second);
	if (!span_eq(buf_span(&first), buf_span(&second)) || !json_equal(one.settings, two.settings) ||
			jwk_parse(SPAN_LIT(jwk_text), &key, NULL) < 0 ||
			sealed_seal(buf_span(&first), KID, key.key, &string, NULL) < 0 ||
			sealed_read(buf_span(&string), &sealed, NULL) < 0 || strcmp(sealed.kid, KID) != 0)
		abort();
	if ((sealed_verify(&sealed, SPAN_LIT(jwk_text), NULL) == 0) != !strcmp(one.version, SEALED_VERSION))
		abort();
	return 0;
}
