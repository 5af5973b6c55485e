/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors (OCI image-spec, descriptor.md) and the media types of images.
 *
 *     {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:…","size":1234,
 *      "annotations":{"k":"v"},"platform":{"os":"linux","architecture":"amd64","variant":"v8"}}
 *
 * A descriptor borrows from the JSON tree that it was read of, and changes are made in that tree, so that members
 * unknown to us are kept.
 *
 * Bounds: digests are sha256 or sha512 in lower-case hex; sizes below 2^53; a media type of 255 bytes.
 * Errors: ERR_FORMAT with the path.
 */
#ifndef COCOON_OCI_DESCRIPTOR_H
#define COCOON_OCI_DESCRIPTOR_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

#define OCI_DIGEST_MAX       136 /* "sha512:" and 128 hex digits, with the NUL */
#define OCI_SIZE_MAX         (((uint64_t)1 << 53) - 1)

#define OCI_TYPE_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_INDEX       "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_CONFIG      "application/vnd.oci.image.config.v1+json"
#define DOCKER_TYPE_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_TYPE_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_TYPE_CONFIG   "application/vnd.docker.container.image.v1+json"

struct oci_descriptor {
	json_t *json; /* borrowed; what follows borrows from it */
	const char *media_type;
	const char *digest;
	uint64_t size;
	json_t *annotations; /* NULL when absent */
	json_t *platform;    /* NULL when absent */
};

int oci_descriptor_read(json_t *object, const char *path, struct oci_descriptor *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * Writes into the descriptor's tree and keeps the struct in step with it. Annotations of NULL take the member away;
 * a value of NULL takes one annotation away, and with the last of them the member.
 */
void oci_descriptor_set(struct oci_descriptor *descriptor, const char *media_type, const char *digest,
		uint64_t size) __attribute__((nonnull));
void oci_descriptor_annotate(struct oci_descriptor *descriptor, const char *key, const char *value)
		__attribute__((nonnull(1, 2)));
/* One annotation, NULL when it is not there. */
const char *oci_descriptor_annotation(const struct oci_descriptor *descriptor, const char *key)
		__attribute__((nonnull));

/*
 * ERR_FORMAT when a member's name differs from one of `names` (NULL-terminated) in its case alone: readers that fold
 * names, as those written in Go do, would take it for that member, and another document than ours.
 */
int oci_names_check(const json_t *object, const char *path, const char *const *names, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* True for "sha256:" or "sha512:" and that many lower-case hex digits, the whole text. */
bool oci_digest_is(const char *text) __attribute__((nonnull));

/* The digest of bytes as it is written everywhere: "sha256:…". */
void oci_digest_of(struct span bytes, char out[static OCI_DIGEST_MAX]) __attribute__((nonnull));
/* Do the bytes have this digest (which oci_digest_is)? */
bool oci_digest_fits(const char *digest, struct span bytes) __attribute__((nonnull));

/* "linux/arm64/v8" of a platform object, "" of NULL; appended. */
void oci_platform_format(const json_t *platform, struct buf *out) __attribute__((nonnull(2)));
/*
 * Does a platform object fit "os/arch[/variant]" as a person writes it? A missing variant in `wanted` fits all; one
 * that is missing in the platform is v8 of arm64 and v7 of arm, as image builders leave it out.
 */
bool oci_platform_fits(const json_t *platform, const char *wanted) __attribute__((nonnull(2)));

#endif
