/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of an image, as its root file system would show them, without unpacking it: layers are read from the
 * top down, each as a stream (gzip, zstd, plain), and only until all that is wanted is decided. A file is decided by the
 * first layer that has it, or that removes it: a whiteout of it or of a folder above it (.wh.NAME), an opaque folder
 * (.wh..wh..opq), something else in its place. A hard link is followed within its layer and below, a symbolic link is
 * ERR_FORMAT (no container runtime is asked, so its rules are not guessed).
 *
 * Used for /etc/passwd and /etc/group alone: a few KB out of the layers that decide. An encrypted layer that would have to
 * be read is ERR_DENIED naming it.
 * Bounds: OCI_FILE_MAX bytes a file; OCI_LAYER_UNPACKED_MAX bytes unpacked a layer; layers' digests are checked when a
 * layer was read to its end, and a layer is then read to its end (what is not proven is not believed).
 * Errors: those of store.h; ERR_FORMAT for a layer that is no tar or does not fit its digest.
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
	uint64_t bytes; /* of them, as stored */
};

/* `files` are of the caller, with empty texts of any maximum. */
int oci_files_find(struct oci_source *source, const struct oci_manifest *manifest, struct oci_file *files,
		size_t count, struct oci_files_counts *counts, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
