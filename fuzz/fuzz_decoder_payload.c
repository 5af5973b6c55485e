/* SPDX-License-Identifier: Apache-2.0 */
/* payload_parse: what containerd hands to the decoder. */
#include "base/err.h"
#include "image/payload.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_payload struct payload payload = PAYLOAD_NONE;
	struct err err = ERR_NONE;

	if (payload_parse(span_new(data, size), &payload, &err) < 0) {
		assert(err.kind != ERR_OK && err.kind != ERR_BUG && *err.text);
		assert(!payload.keys.count && !payload.descriptor);
		return 0;
	}
	assert(json_is_object(payload.descriptor) && payload.keys.count <= KEYS_MAX);
	for (size_t i = 0; i < payload.keys.count; i++)
		assert(payload.keys.items[i].name && payload.keys.items[i].form != KEY_KEK);
	return 0;
}
