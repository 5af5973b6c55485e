/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is attached to an image in its repository: the manifests in which signatures stand.
 *
 *     ATTACHED_TAG        the tag sha256-<hex>.sig (cosign's first layout)
 *     ATTACHED_REFERRERS  manifests whose "subject" is the image (distribution-spec, "Listing Referrers"): by
 *                         GET /v2/<name>/referrers/<digest>, all pages; where the registry answers 404, by the
 *                         fallback tag sha256-<hex>. What the listing says of artifactType is not believed, as
 *                         writers of the fallback have it wrong: the manifests themselves are read
 *
 * In an OCI layout the tag is an entry's name, and referrers are the entries of index.json whose manifests have the
 * subject, and the fallback tag.
 *
 * Requests that do not depend on each other are under way at the same time, on one connection pool.
 *
 * Bounds: ATTACHED_MAX manifests, ATTACHED_BYTES_MAX of them together, ATTACHED_LISTED_MAX entries in a listing; what is beyond
 * is not read, and `more` is set: that is never a reason to believe that there is nothing.
 * Ownership: the struct owns its items. Errors: those of oci/store.h; that nothing is attached is no error.
 */
#ifndef COCOON_OCI_ATTACHED_H
#define COCOON_OCI_ATTACHED_H

#include "oci/store.h"

#define ATTACHED_MAX        64
#define ATTACHED_LISTED_MAX 1000
#define ATTACHED_BYTES_MAX  OCI_MANIFEST_MAX

enum attached_via { ATTACHED_BY_TAG, ATTACHED_BY_API, ATTACHED_BY_FALLBACK };
#define ATTACHED_TAG       1U
#define ATTACHED_REFERRERS 2U

struct attachment {
	enum attached_via via;
	struct oci_manifest_bytes manifest;
};

struct attached {
	struct attachment *items;
	size_t count;
	bool more;
};
#define ATTACHED_NONE                                    \
	{                                                \
		.items = NULL, .count = 0, .more = false \
	}
void attached_clear(struct attached *attached) __attribute__((nonnull));
#define auto_attached __attribute__((cleanup(attached_clear)))

/* `which`: the flags above. Appends to *out. */
int oci_source_attached(struct oci_source *source, const char *digest, unsigned which, struct attached *out,
		struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));

/* "sha256-<hex>" of a digest; with `suffix` behind it ("" or ".sig"). */
#define ATTACHED_TAG_MAX 160
void attached_tag(const char *digest, const char *suffix, char out[static ATTACHED_TAG_MAX])
		__attribute__((nonnull));

#endif
