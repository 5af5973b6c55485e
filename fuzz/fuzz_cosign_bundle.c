/* SPDX-License-Identifier: Apache-2.0 */
/* cosign_bundle_parse, cosign_signature_decode: what is read stays within its bounds, and no failure leaves anything. */
#include "base/err.h"
#include "policy/cosign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_cosign_bundle struct cosign_bundle bundle = { .count = 0 };
	auto_buf struct buf value = BUF_MAX(COSIGN_VALUE_MAX);
	struct err err = ERR_NONE;

	if (cosign_bundle_parse(span_new(data, size), &bundle, &err) < 0) {
		must(*err.text && (err.kind == ERR_FORMAT || err.kind == ERR_LIMIT));
		must(!bundle.count && !bundle.payload.ptr);
	} else {
		must(bundle.count && bundle.count <= COSIGN_SIGNATURES_MAX &&
				bundle.payload.len <= IMAGE_PAYLOAD_MAX);
		for (size_t i = 0; i < bundle.count; i++)
			must(bundle.signatures[i].len && bundle.signatures[i].len <= COSIGN_VALUE_MAX);
		must(*bundle.type || oci_digest_is(buf_text(&bundle.payload)));
	}
	if (cosign_signature_decode(span_new(data, size), &value, NULL) == 0)
		must(value.len && value.len <= COSIGN_VALUE_MAX && value.len <= size);
	return 0;
}
