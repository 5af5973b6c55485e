/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's changes to an image: which blobs have to go from source to destination and what is done to each on the
 * way, decided layer by layer before anything moves.
 *
 *     image_load, image_choose
 *     change_begin ──► for every chosen layer: change_encrypt / change_decrypt ──► the rest is copied
 *     change_run       moves the blobs (image-crypt/job.h), then each descriptor gets its new digest
 *     image_write      manifests, index, commit
 *
 * A blob that an image names several times is moved once; layers of the same digest are encrypted once and share the
 * key, which tells nothing that the equal digests in the config do not tell already. Layers that lie at URLs of their
 * vendor's (docker's foreign ones) are not moved. ERR_FORMAT when an image gives one digest two sizes.
 *
 * Ownership: the image must outlive the change.
 */
#ifndef COCOON_IMAGE_CRYPT_CHANGE_H
#define COCOON_IMAGE_CRYPT_CHANGE_H

#include "image-crypt/image.h"
#include "image-crypt/job.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct recipients;

/* One blob's task, and what it makes of the descriptors that name it. */
struct change_blob {
	char digest[OCI_DIGEST_MAX]; /* the descriptors that name it get another one in the end */
	json_t *enc;                 /* LAYER_ENCRYPT: the annotations that the descriptors get */
	json_t *opened;              /* LAYER_DECRYPT: the annotations that the key came from */
};

struct change {
	struct image *image;
	struct task *tasks;
	struct change_blob *blobs; /* of the task with the same index */
	json_t *known;             /* "work digest" → index of the task */
	size_t count;
	size_t room;
};

#define CHANGE_COUNT_MAX ((size_t)100000) /* blobs of an image, over all its platforms */

int change_begin(struct image *image, struct change *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void change_clear(struct change *change) __attribute__((nonnull));
#define auto_change __attribute__((cleanup(change_clear)))

/*
 * Of the layers that image_choose() chose, those whose bytes change are told to the change, once each. The others are
 * copied; a command that changed their descriptors itself marks the instance as changed.
 */

/* Encrypts this layer under a new key, which is wrapped for every recipient at once: who cannot wrap says so early. */
int change_encrypt(struct change *change, const struct oci_descriptor *layer,
		const struct recipients *recipients, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

struct opener_list;
/* Decrypts this layer with the first key that opens it. Where the same bytes stand in several manifests, the wrapped keys
 * of each must open: ERR_AUTH when they differ in what they open to. */
int change_decrypt(struct change *change, const struct oci_descriptor *layer,
		const struct opener_list *openers, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Adds every other blob of the image as a copy, moves them all, and gives the chosen layers' descriptors their new
 * form. dest NULL: everything is only checked, and no descriptor changes. */
int change_run(struct change *change, const struct oci_access *access, struct oci_dest *dest, bool quiet,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* The task that does this work on the blob of this digest, NULL when there is none. */
struct task *change_task(const struct change *change, enum layer_work work, const char *digest)
		__attribute__((nonnull));

#endif
