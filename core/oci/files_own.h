/* SPDX-License-Identifier: Apache-2.0 */
/* What files.c (what the entries of layers decide) and files_layer.c (one layer's entries) share; for them alone. */
#ifndef COCOON_OCI_FILES_OWN_H
#define COCOON_OCI_FILES_OWN_H

#include "oci/files.h"

#include <stdbool.h>

#define FILES_PATH_MAX 4096 /* PATH_MAX: nothing longer could be unpacked */

enum files_kind { FILES_FOLDER, FILES_REGULAR, FILES_LINK, FILES_SYMLINK, FILES_OTHER };

/* Paths are below the root, without empty, "." and ".." parts: "etc/passwd"; "" is the root itself. */
struct files_entry {
	const char *path;
	enum files_kind kind;
	const char *target; /* of a hard link, else "" */
	size_t number;      /* in the layer, from 0 */
	void *reader;       /* for files_text() */
};

/*
 * Feeds a layer's entries in their order to `each`, whose failure ends it, and compares all its bytes with the digest. Adds
 * what was read to *bytes.
 */
int files_walk(struct oci_source *source, const struct oci_descriptor *layer,
		int (*each)(void *ctx, const struct files_entry *entry, struct err *err), void *ctx,
		uint64_t *bytes, struct err *err) __attribute__((nonnull(1, 2, 3, 5), warn_unused_result));

/* The content of a regular entry, within its call, instead of what `out` holds. ERR_LIMIT, ERR_FORMAT. */
int files_text(const struct files_entry *entry, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
