/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: evidence_verify (tpm), quote_parse, quote_signature_parse. What begins as JSON is evidence for the request of
 * the vector, and the rest a message or a signature, whose parts lie within it and fill it. */
#include "base/hex.h"
#include "codec/json.h"
#include "tee/quote.h"
#include "tee/verify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(struct span text)
{
	unsigned char nonce[32];
	auto_json json_t *evidence = NULL, *claims = NULL;

	if (json_read(text, 65536, &evidence, NULL) < 0 ||
			hex_decode_raw(SPAN_LIT("f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e"
						"0e4a"),
					nonce, sizeof(nonce), NULL) < 0)
		return;
	if (evidence_verify(TEE_KIND_TPM, evidence, span_new(nonce, sizeof(nonce)), SPAN_NONE, &claims,
			    NULL) == 0 &&
			json_object_size(claims) != PCR_COUNT + 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_new(data, size), signature;
	struct quote quote;

	if (size && data[0] == '{')
		verify(bytes);
	if (quote_parse(bytes, &quote, NULL) == 0 &&
			(size != 79 + quote.signer.len + quote.nonce.len || quote.digest.len != PCR_SIZE))
		abort();
	if (quote_signature_parse(bytes, &signature, NULL) == 0 && size != 6 + signature.len)
		abort();
	return 0;
}
