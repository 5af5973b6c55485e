/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: listing_read, attached_is_about. What a listing yields are digests, each once, and no more than are fetched. */
#include "base/err.h"
#include "oci/attached_own.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_listing struct listing listing = LISTING_NONE;
	struct oci_manifest_bytes manifest = OCI_MANIFEST_NONE;
	struct err err = ERR_NONE;

	must(listing_read(&listing, span_new(data, size), &err) == 0 || err.kind != ERR_OK);
	must(listing.count <= ATTACHED_MAX && listing.count <= listing.seen);
	for (size_t i = 0; i < listing.count; i++) {
		must(oci_digest_is(listing.digests[i]));
		for (size_t k = 0; k < i; k++)
			must(strcmp(listing.digests[i], listing.digests[k]) != 0);
	}
	buf_add(&manifest.bytes, data, size);
	bool about = attached_is_about(&manifest, SUBJECT);
	/* escapes have other words for it */
	must(!about || memchr(data, '\\', size) || strstr(buf_text(&manifest.bytes), SUBJECT));
	buf_clear(&manifest.bytes);
	return 0;
}
