/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: pkey_parse, pkey_format_private, pkey_format_public. A key that is read and written reads back the same. What
 * is read has a password at hand, so that encrypted keys are opened too.
 */
#include "base/buf.h"
#include "crypto/pkey.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_pkey struct pkey *key = NULL, *public = NULL, *private = NULL;
	auto_secret struct secret password = SECRET_NONE, text = SECRET_NONE;
	auto_buf struct buf open_text = BUF_MAX(2 * SECRET_MAX);

	if (secret_from_span(&password, SPAN_LIT("hunter2 9"), NULL) < 0)
		abort();
	if (pkey_parse(span_new(data, size), &password, &key, NULL) < 0)
		return 0;
	if (pkey_format_public(key, &open_text, NULL) < 0 ||
			pkey_parse(buf_span(&open_text), NULL, &public, NULL) < 0 ||
			!pkey_is_same(key, public) || pkey_is_private(public))
		abort();
	if (!pkey_is_private(key))
		return 0;
	if (pkey_format_private(key, &text, NULL) < 0 ||
			pkey_parse(secret_span(&text), NULL, &private, NULL) < 0 ||
			!pkey_is_same(key, private))
		abort();
	return 0;
}
