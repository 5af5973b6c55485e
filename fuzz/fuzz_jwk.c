/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: jwk_parse, jwk_is, jwk_format_public, jwk_public. The public half that is written reads back the same. */
#include "codec/json.h"
#include "jose/jwk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_json json_t *object = NULL;
	auto_pkey struct pkey *public = NULL;

	bool looks_so = jwk_is(span_new(data, size));
	if (jwk_parse(span_new(data, size), &jwk, NULL) < 0)
		return 0;
	/* an escape in the name of the member is the one way to be a JWK and not to look so */
	if (!looks_so && !memchr(data, '\\', size))
		abort();
	if (jwk_format_public(jwk.key, &object, NULL) < 0 || jwk_public(object, &public, NULL) < 0 ||
			!pkey_is_same(jwk.key, public) || pkey_is_private(public))
		abort();
	return 0;
}
