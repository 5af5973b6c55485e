/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: b64_decode, b64url_decode, hex_decode. A text that is accepted is the only one for its bytes:
 * encoding them gives the text again.
 */
#include "base/b64.h"
#include "base/hex.h"

#include <stdlib.h>

#define TEXT_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_new(data, size);
	auto_buf struct buf bytes = BUF_MAX(TEXT_MAX), again = BUF_MAX(2 * TEXT_MAX);

	if (b64_decode(text, &bytes, NULL) == 0) {
		b64_encode(&again, buf_span(&bytes));
		if (!span_eq(buf_span(&again), text) || bytes.len > b64_decoded_max(size))
			abort();
	}
	buf_reset(&bytes);
	buf_reset(&again);
	if (b64url_decode(text, &bytes, NULL) == 0) {
		b64url_encode(&again, buf_span(&bytes));
		if (!span_eq(buf_span(&again), text) || bytes.len != b64_decoded_max(size))
			abort();
	}
	buf_reset(&bytes);
	buf_reset(&again);
	if (hex_decode(text, &bytes, NULL) == 0) {
		hex_encode(&again, buf_span(&bytes));
		if (!span_eq(buf_span(&again), text))
			abort();
	}
	return 0;
}
