/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: pkcs12_key. What it opens with the corpus' password is a private key, and no other password opens it. */
#include "crypto/pkcs12.h"
#include "crypto/pkey.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_secret struct secret password = SECRET_NONE, wrong = SECRET_NONE;
	auto_pkey struct pkey *key = NULL, *other = NULL;

	if (secret_from_span(&password, SPAN_LIT("cocoon-test-0123"), NULL) < 0 ||
			secret_from_span(&wrong, SPAN_LIT("cocoon-test-0124"), NULL) < 0)
		abort();
	if (pkcs12_key(span_new(data, size), &password, &key, NULL) < 0)
		return 0;
	if (!pkey_is_private(key) || pkcs12_key(span_new(data, size), &wrong, &other, NULL) == 0)
		abort();
	return 0;
}
