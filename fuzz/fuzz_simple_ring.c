/* SPDX-License-Identifier: Apache-2.0 */
/* simple_ring_parse: a ring has keys within its bounds, and no ring makes a message of another key good. */
#include "base/buf.h"
#include "base/err.h"
#include "fuzz/simple_scene.h"
#include "policy/simple.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(struct span input)
{
	static const unsigned char message[] = SIMPLE_SCENE_MESSAGE;
	auto_simple_ring struct simple_ring *ring = NULL;
	auto_simple_signer struct simple_signer signer = { .subkey = false };
	struct err err = ERR_NONE;

	if (simple_ring_parse(input, &ring, &err) < 0) {
		if (!*err.text || ring || (err.kind != ERR_FORMAT && err.kind != ERR_LIMIT))
			abort();
		return;
	}
	if (!simple_ring_count(ring) || simple_ring_count(ring) > SIMPLE_KEYS_MAX)
		abort();
	if (simple_verify(ring, span_new(message, sizeof(message)), 1650000000, &signer, NULL) == 0 &&
			strcmp(signer.fingerprint, SIMPLE_SCENE_KEY) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* each signature on a key takes librnp its time: small rings find as much, sooner */
	if (size <= 4096)
		simple_scene_quietly(one, span_new(data, size));
	return 0;
}
