/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index.json of an OCI layout (image-layout.md): which images it holds, by the annotation
 * "org.opencontainers.image.ref.name" of their entries.
 *
 *     {"schemaVersion":2,"manifests":[{"mediaType":"…","digest":"sha256:…","size":1,
 *                                      "annotations":{"org.opencontainers.image.ref.name":"1.2"}}]}
 *
 * What `ctr images export` writes there beside it, the image's whole name, is found too. An empty tag asks for the
 * only image; written under, it stands for the entries without a name.
 *
 * Bounds: those of an index (oci/manifest.h).
 * Errors: ERR_NOT_FOUND with the tags that there are; ERR_USAGE when there are several; ERR_FORMAT.
 */
#ifndef COCOON_OCI_REFS_H
#define COCOON_OCI_REFS_H

#include "base/span.h"
#include "oci/manifest.h"

struct buf;
struct err;

/* `out` borrows from the index. */
int refs_find(const struct oci_index *index, const char *tag, struct oci_descriptor *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * Appends the document with the tag's entry replaced, or added, and all others as they are; `old` is empty for a new
 * one. What is named is a manifest of these bytes' size.
 */
int refs_put(struct span old, const char *tag, const char *media_type, const char *digest, uint64_t size,
		struct buf *out, struct err *err) __attribute__((nonnull(2, 3, 4, 6), warn_unused_result));

#endif
