/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder that holds blobs as files: what oci: (blobs/sha256/HEX) and dir: (HEX) have in common. Private to core/oci.
 *
 * Nothing is opened through a symbolic link but the folder's own path: a layout may come from anywhere.
 *
 * Writing: a blob grows in a temporary file ".cocoon-blob-…" in the folder and is renamed when it is complete. Its
 * writer holds a flock on it, so that the next who opens the folder for writing can tell, and removes, what a killed
 * one left. Temporary files are made and removed, and the document that names the images is replaced, under a flock on
 * the file that marks the folder (oci-layout, version); whoever does not get it in FOLDER_PATIENCE gives up.
 *
 * A run that ends without an image leaves nothing: what it had named goes again, and so does a folder that it made.
 * Every writer holds a shared flock on the folder itself from its first to its last look at it; the names go under an
 * exclusive one, and only when no image came or went meanwhile, so that nobody else can have counted on them. Where
 * others write at the same time they stay: whole blobs, which harm nobody and which the next run uses.
 *
 * A blob that is there already with the right size counts as present, as in skopeo: it has its name only since its
 * writer had vouched for all of it; and as the size of a file grows with what reached the disk (space is reserved
 * behind its end), a power cut leaves a short one. Who wants to know reads it: `image-crypt verify`.
 */
#ifndef COCOON_OCI_FOLDER_H
#define COCOON_OCI_FOLDER_H

#include "oci/transport.h"

#include <sys/types.h>
#include <time.h>

struct err;

#define FOLDER_PATIENCE 30 /* seconds */

/* Which version of the document is there: it is replaced as a whole, never written to. */
struct folder_version {
	ino_t file; /* 0: none */
	struct timespec changed;
};

/* Where in a folder is what. */
struct folder_form {
	const char *mark;     /* the file that says what the folder is */
	const char *content;  /* of that file, when it is made */
	const char *document; /* the file that names the images */
	bool tree;            /* blobs/sha256/HEX */
};

struct folder {
	const struct folder_form *form;
	char *text; /* the place, for messages */
	int root;
	int mark; /* for the lock; -1 unless opened for writing */
	bool locked;
	/* of a writer's folder: how to undo */
	char *path;
	bool made_root, made_mark;
	struct folder *first; /* whose second this one is */
	char **written;       /* digests of blobs, and names of files, that were not there before */
	size_t written_count;
	bool kept;                     /* an image names them */
	struct folder_version version; /* as it was when we joined, or made it */
};
#define FOLDER_NONE                                                                 \
	{                                                                           \
		.form = NULL, .text = NULL, .root = -1, .mark = -1, .locked = false \
	}

int folder_open(const struct oci_place *place, const struct folder_form *form, struct folder *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
/* Makes what is missing; refuses a folder that holds other things. Removes what killed writers left. */
int folder_make(const struct oci_place *place, const struct folder_form *form, struct folder *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
/* A second one on the same folder, for writing; it is cleared before its first, in the same thread as that. */
int folder_again(struct folder *folder, struct folder *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Has another writer's image come or gone since we joined? Under the lock. */
bool folder_is_changed(const struct folder *folder) __attribute__((nonnull));
void folder_clear(struct folder *folder) __attribute__((nonnull));
#define auto_folder __attribute__((cleanup(folder_clear)))

int folder_lock(struct folder *folder, struct err *err) __attribute__((nonnull(1), warn_unused_result));
void folder_unlock(struct folder *folder) __attribute__((nonnull));

/* Appends a file of the folder itself, never through a link. */
int folder_read(const struct folder *folder, const char *name, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
/* Replaces the document, durably, under the lock. From then on what was written is named, and stays. */
int folder_replace(struct folder *folder, struct span bytes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* A blob's file and its size; ERR_NOT_FOUND. Links and what is no regular file are ERR_FORMAT. */
int folder_blob(const struct folder *folder, const char *digest, int *fd, uint64_t *size, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
int folder_has(const struct folder *folder, const struct oci_descriptor *blob, bool *has, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
int folder_reader(const struct folder *folder, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
/* Borrows the folder. */
int folder_writer(struct folder *folder, uint64_t size, struct oci_writer **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
/* All of a small blob, under its digest. */
int folder_put(struct folder *folder, struct span bytes, const char *digest, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
/* The same for a file of the folder itself, which is not a blob. */
int folder_put_named(struct folder *folder, struct span bytes, const char *name, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
/* Removes the files that `gone` says; under the lock. */
int folder_remove(const struct folder *folder, bool (*gone)(const char *name, void *ctx), void *ctx,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));
/* What was written has reached the disk. */
int folder_sync(const struct folder *folder, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* A reader of exactly size bytes of a file from an offset; takes the descriptor. `name` is for messages. */
struct oci_reader *region_reader(int fd, uint64_t offset, uint64_t size, const char *name)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
