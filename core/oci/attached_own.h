/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the transports share in finding what is attached (oci/attached.h): lists of candidates, and the look at each.
 * For attached.c, registry_attached.c and layout_attached.c alone.
 */
#ifndef COCOON_OCI_ATTACHED_OWN_H
#define COCOON_OCI_ATTACHED_OWN_H

#include "oci/attached.h"

/* Digests that a listing names, each once; ATTACHED_MAX of them, as no more are ever fetched. */
struct listing {
	char (*digests)[OCI_DIGEST_MAX];
	size_t count;
	size_t seen; /* entries, repeated ones too */
	bool more;   /* there are others */
};
#define LISTING_NONE                                                  \
	{                                                             \
		.digests = NULL, .count = 0, .seen = 0, .more = false \
	}
void listing_clear(struct listing *listing) __attribute__((nonnull));
#define auto_listing __attribute__((cleanup(listing_clear)))

/* Adds the entries of an index: of one page of the API, or of the fallback tag. Of an entry the digest alone counts.
 * One of more than OCI_VALUES_MAX values is not read. */
int listing_read(struct listing *listing, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Is it an image's manifest whose subject has that digest? What is no such manifest is about nothing. */
bool attached_is_about(const struct oci_manifest_bytes *manifest, const char *digest)
		__attribute__((nonnull));

/* Takes the manifest unless it is there already; false when there is no room, which `more` then says. */
bool attached_add(struct attached *out, enum attached_via via, struct oci_manifest_bytes *manifest)
		__attribute__((nonnull));

#endif
