/* SPDX-License-Identifier: Apache-2.0 */
/* What folder.c and folder_write.c share. */
#ifndef COCOON_OCI_FOLDER_OWN_H
#define COCOON_OCI_FOLDER_OWN_H

#include "oci/folder.h"

/* The start of the names of temporary files. */
#define TEMP_PREFIX ".cocoon-blob-"

/* A temporary file in a folder, which goes when it is cleared. Borrows the folder. */
struct temp {
	const struct folder *folder;
	int fd;
	char name[sizeof(TEMP_PREFIX) + 16];
};
#define TEMP_NONE                                    \
	{                                            \
		.folder = NULL, .fd = -1, .name = "" \
	}

/* Under the lock, unless the folder is not yet marked as one of ours. */
int temp_make(const struct folder *folder, struct temp *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Gives it its name in a folder; it is no longer temporary. */
int temp_rename(struct temp *temp, int at, const char *name, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
void temp_clear(struct temp *temp) __attribute__((nonnull));
#define auto_temp __attribute__((cleanup(temp_clear)))

/* Notes a blob's digest or a file's name, about to appear, unless it is there already. */
void undo_note(struct folder *folder, int at, const char *name, const char *digest)
		__attribute__((nonnull(1, 3)));
/* What was written stays: the document, which was just replaced, names it. */
void undo_forget(struct folder *folder) __attribute__((nonnull));
/* Takes what was noted away again, or hands the notes to the first folder. Never fails: what cannot go stays. */
void undo_all(struct folder *folder) __attribute__((nonnull));
/* The lock that says that somebody writes here; *gone when the folder has gone meanwhile. */
int undo_join(struct folder *folder, bool *gone, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The folder of a digest's blob, and its name there: a part of the digest. */
int folder_at(const struct folder *folder, const char *digest, bool make, int *at, const char **name,
		struct err *err) __attribute__((nonnull(1, 2, 4, 5), warn_unused_result));

#endif
