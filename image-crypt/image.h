/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as a command sees it: the manifest of one platform, or an index and the manifests of all its platforms,
 * with what the options --platform and --layer chose of them.
 *
 *     docker://…  ─►  root ─┬─ instance linux/amd64   layers 0 … n, chosen or not
 *                           └─ instance linux/arm64   …
 *
 * An index stays an index with all its entries, whatever is chosen. An entry that is itself an index is refused.
 *
 * Ownership: the caller's struct; image_clear() releases what it holds. Descriptors borrow from the manifests in it.
 * Errors: those of source and manifests; ERR_USAGE for a platform that the image does not have.
 */
#ifndef COCOON_IMAGE_CRYPT_IMAGE_H
#define COCOON_IMAGE_CRYPT_IMAGE_H

#include "base/opt.h"
#include "oci/manifest.h"
#include "oci/store.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Which part of it a command means: "encrypt" this layer alone. The fields are `layers` and `platform`. */
#define CHOICE_OPTIONS(structure, what)                                                              \
	OPT_LIST(structure, layers, "layer", 0, "INDEX",                                             \
			what " this layer alone, from 0, or from the end with -1; may be repeated"), \
			OPT_TEXT(structure, platform, "platform", 0, "OS/ARCH",                      \
					what " the image of this platform alone; the others are copied")

/* The arguments that name an image: the fields `from` and `to`. */
#define FROM_ARG(structure, name) \
	OPT_ONE(structure, from, name, "docker://NAME, oci:PATH[:TAG], oci-archive:FILE[:TAG] or dir:PATH")
#define TO_ARG(structure) OPT_ONE(structure, to, "DESTINATION", "likewise; it may be the source")

struct instance {
	struct oci_manifest_bytes bytes; /* as the source has them */
	struct oci_manifest manifest;
	json_t *platform; /* of the index's entry, or of the config; owned; NULL where neither says */
	bool *chosen;     /* for each layer */
	bool changed;     /* the manifest is to be written anew */
};

struct image {
	struct oci_place *place;
	struct oci_place *to; /* NULL: it goes nowhere */
	struct oci_manifest_bytes root;
	bool is_index;
	struct oci_index index; /* entry i is instance i */
	struct instance *instances;
	size_t count;
};

/* `to`: where it will go, NULL for nowhere. ERR_USAGE for credentials of one registry when there are two: who gave them
 * for the one did not mean the other to learn them. */
int image_load(const char *from, const char *to, const struct oci_access *access, struct image *out,
		struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));
void image_clear(struct image *image) __attribute__((nonnull));
#define auto_image __attribute__((cleanup(image_clear)))

/*
 * Chooses the layers with these indexes (negative ones count from the end; none: all) of the instances that fit the
 * platform (NULL: all). Instances that are no images of a platform (attestations of build tools) are only chosen by
 * name of their platform.
 */
int image_choose(struct image *image, const char *platform, const struct opt_list *layers, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Opens the place that the image goes to; blobs that lie in the same registry already are mounted. */
int image_dest(const struct image *image, const struct oci_access *access, struct oci_dest **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* "linux/amd64" of an instance, "" where the image does not say. */
void instance_platform(const struct instance *instance, struct buf *out) __attribute__((nonnull));

/*
 * Writes the manifests, the index last, and commits: the image has its name from then on. Manifests that did not
 * change keep their bytes, unless the index takes the OCI form: then all do. `digest` is the image's new one, which the
 * destination was asked for once more. ERR_RETRY "interrupted" as long as the image has no name.
 */
int image_write(struct image *image, const struct oci_access *access, struct oci_dest *dest,
		char digest[static OCI_DIGEST_MAX], struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
