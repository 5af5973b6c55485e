/* SPDX-License-Identifier: Apache-2.0 */
/* simple_verify against a ring that stays: without the private key, nothing but its own payload ever comes out. */
#include "base/buf.h"
#include "base/err.h"
#include "fuzz/simple_scene.h"
#include "policy/image.h"
#include "policy/simple.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(struct span input)
{
	static struct simple_ring *ring;
	auto_simple_signer struct simple_signer signer = { .subkey = false };
	struct err err = ERR_NONE;

	if (!ring && simple_ring_parse(SPAN_LIT(SIMPLE_SCENE_RING), &ring, &err) < 0)
		abort();
	if (simple_verify(ring, input, 1650000000, &signer, &err) < 0) {
		if (!*err.text || err.kind == ERR_BUG || err.kind == ERR_USAGE || signer.payload.len)
			abort();
	} else if (strcmp(signer.fingerprint, SIMPLE_SCENE_KEY) != 0 ||
			signer.payload.len > IMAGE_PAYLOAD_MAX ||
			!strstr(buf_text(&signer.payload), "registry.example/team/app:1.0"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	simple_scene_quietly(one, span_new(data, size));
	return 0;
}
