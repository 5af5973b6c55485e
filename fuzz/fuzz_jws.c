/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: jws_read, jws_verify, jws_sign, jws_check_times. The input is a token, of which there is one writing alone;
 * and a header, a newline and a payload, which when signed read back the same and verify, with their key and no other.
 */
#include "base/b64.h"
#include "codec/json.h"
#include "jose/jws.h"

#include <stdlib.h>
#include <string.h>

#define KEY(x, y, d) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" x "\",\"y\":\"" y "\",\"d\":\"" d "\"}"

static const char own_text[] = KEY("UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0",
		"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE", "MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM");
static const char other_text[] = KEY("V-l39tt-M8P-es8oQu2YcAnK9W1FhoL8pEe309diqzQ",
		"xas3cLpXO9_1QUBlZA_7WzRt-oTexNtNaOX1nMRxwuw", "VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVU");

static void as_token(struct span text, const struct jwk *own, const struct jwk *other)
{
	auto_jws struct jws jws = JWS_NONE;
	auto_buf struct buf again = BUF_MAX(2 * JWS_MAX);
	auto_json json_t *claims = NULL;

	if (jws_read(text, &jws, NULL) < 0)
		return;
	b64url_encode(&again, buf_span(&jws.head));
	buf_putc(&again, '.');
	b64url_encode(&again, buf_span(&jws.payload));
	if (!span_eq(buf_span(&again), buf_span(&jws.covered)))
		abort();
	buf_putc(&again, '.');
	b64url_encode(&again, buf_span(&jws.signature));
	if (!span_eq(buf_span(&again), text) || jws_verify(&jws, other, NULL) == 0)
		abort();
	bool good = jws_verify(&jws, own, NULL) == 0;
	if (good && jws.alg != JWS_ES256)
		abort();
	if (json_read(buf_span(&jws.payload), JWS_MAX, &claims, NULL) == 0 &&
			jws_check_times(claims, 1000, 60, NULL) == 0 &&
			!json_is_number(json_object_get(claims, "exp")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_new(data, size), header = span_new(data, span_find(text, '\n'));
	struct span payload = span_from(text, header.len + 1);
	auto_jwk struct jwk own = JWK_NONE, other = JWK_NONE;
	auto_jws struct jws jws = JWS_NONE;
	auto_buf struct buf out = BUF_MAX(JWS_MAX);

	if (jwk_parse(SPAN_LIT(own_text), &own, NULL) < 0 ||
			jwk_parse(SPAN_LIT(other_text), &other, NULL) < 0)
		abort();
	as_token(text, &own, &other);
	if (jws_sign(own.key, header, payload, &out, NULL) < 0)
		return 0;
	if (jws_read(buf_span(&out), &jws, NULL) < 0 || jws_verify(&jws, &own, NULL) < 0 ||
			jws_verify(&jws, &other, NULL) == 0 || !span_eq(buf_span(&jws.payload), payload) ||
			!span_eq(buf_span(&jws.head), header))
		abort();
	as_token(buf_span(&out), &own, &other);
	return 0;
}
