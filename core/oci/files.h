/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of an image, as its root file system would show them, without unpacking it: layers are read from the top
 * down, each as a stream (gzip, zstd, plain, as its media type says), and only until all that is wanted is decided.
 *
 * A file is decided by the first layer that has it, or that removes it: a whiteout of it or of a folder above it
 * (.wh.NAME), an opaque folder (.wh..wh..opq), something else in its place. A hard link is followed within its layer, as far
 * as that was unpacked by then, and below. What removes counts for lower layers (OCI image-spec layer.md).
 *
 * What unpackers do not agree on is ERR_FORMAT, as none is asked: a symbolic link, also in the place of a folder above, a file
 * that is written and then removed in one layer, paths with '..', bytes that are packed in another way than the type says.
 *
 * Used for /etc/passwd and /etc/group alone: a few KB out of the layers that decide. An encrypted layer that would have
 * to be read is ERR_DENIED naming it. A layer that is read is read to its end, since a later entry may undo an earlier one,
 * and since its digest is checked then (what is not proven is not believed).
 *
 * Bounds: OCI_FILE_MAX bytes a file; OCI_LAYER_UNPACKED_MAX bytes unpacked a layer, which are passed over and not kept; memory
 * as the packing's window asks for: 200 KiB of gzip, at most 128 MiB of zstd.
 * Errors: those of store.h; ERR_FORMAT for a layer that is no tar or does not fit its digest; ERR_LIMIT. They name the
 * layer.
 */
#ifndef COCOON_OCI_FILES_H
#define COCOON_OCI_FILES_H

#include "base/buf.h"
#include "oci/manifest.h"
#include "oci/store.h"

struct err;

#define OCI_FILE_MAX           ((size_t)1 << 20)
#define OCI_LAYER_UNPACKED_MAX ((uint64_t)8 << 30)

struct oci_file {
	const char *path; /* "etc/passwd" */
	bool found;
	struct buf text; /* of what was found */
};

struct oci_files_counts {
	size_t layers;  /* that were read */
	uint64_t bytes; /* of them, as stored; twice where a hard link led back */
};

/* `files` are of the caller, with paths as above and empty texts of any maximum; no text stays on failure. */
int oci_files_find(struct oci_source *source, const struct oci_manifest *manifest, struct oci_file *files,
		size_t count, struct oci_files_counts *counts, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
