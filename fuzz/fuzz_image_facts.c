/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: image_platform_read, image_facts_new. What is kept is bounded by what was read, and lies in one piece. */
#include "oci/manifest.h"
#include "policy/arena.h"
#include "policy/image.h"

#include <stdlib.h>

#define FACTOR 256 /* a recipient of two bytes has a struct and a problem's text */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct image_facts *facts, const void *at)
{
	if (at && llabs((intptr_t)at - (intptr_t)facts) >= (long long)facts->bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	auto_arena struct arena memory = ARENA_NONE;
	struct image_platform platform;

	if (oci_manifest_parse(span_new(data, size), NULL, &manifest, NULL) < 0 ||
			image_platform_read(&manifest, "sha256:00",
					json_object_get(manifest.json, "platform"), &memory, &platform,
					NULL) < 0)
		return 0;
	const struct image_facts draft = {
		.host = "h", .repository = "r", .digest = "d", .platforms = &platform, .platform_count = 1
	};
	auto_image_facts struct image_facts *facts = image_facts_new(&draft);
	if (facts->bytes > FACTOR * size + 8192)
		abort();
	for (size_t at = 0; at < manifest.count; at++) {
		const struct image_layer *layer = &facts->platforms->layers[at];
		inside(facts, layer->digest);
		inside(facts, layer->problem);
		for (size_t i = 0; i < layer->recipient_count; i++) {
			inside(facts, layer->recipients[i].key);
			inside(facts, layer->recipients[i].problem);
		}
	}
	return 0;
}
