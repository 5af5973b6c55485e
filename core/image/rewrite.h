/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What encryption changes in a manifest, as pure functions on one layer's descriptor (image-encryption.md, 2): its
 * media type, its digest, its annotations. The number of bytes stays.
 *
 *     application/vnd.oci.image.layer.v1.tar+gzip             ⇄ …tar+gzip+encrypted
 *     application/vnd.docker.image.rootfs.diff.tar.gzip       → …vnd.oci.image.layer.v1.tar+gzip+encrypted
 *     application/vnd.docker.image.rootfs.diff.tar.gzip       ← …diff.tar.gzip+encrypted, which some tools write
 *
 * Members of the descriptor that we do not know are kept. Two that belong to the old bytes go: `data`, which may hold
 * them in clear, and `urls`, which lead to them.
 *
 * Ownership: new descriptors are the caller's. Errors: ERR_USAGE, ERR_FORMAT, ERR_DENIED (must not be encrypted).
 */
#ifndef COCOON_IMAGE_REWRITE_H
#define COCOON_IMAGE_REWRITE_H

#include "image/packet.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

#define REWRITE_SUFFIX     "+encrypted"
#define REWRITE_TYPE_MAX   256
#define REWRITE_LAYERS_MAX 4096

/* ---- media types ---- */

bool rewrite_is_encrypted(const char *media_type) __attribute__((nonnull));

/* The type of the encrypted layer, always an OCI one. ERR_DENIED with the reason for types that must stay as they are
 * (foreign, not distributable, attestations); ERR_FORMAT for unknown ones. An encrypted type is ERR_USAGE. */
int rewrite_encrypted_type(const char *media_type, char out[static REWRITE_TYPE_MAX], struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The type less its suffix. ERR_FORMAT when it has none, or stands on something that is no layer. */
int rewrite_decrypted_type(const char *media_type, char out[static REWRITE_TYPE_MAX], struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The OCI type that means the same as a docker layer's; any other as it is. Borrowed or static. */
const char *rewrite_oci_type(const char *media_type) __attribute__((nonnull, returns_nonnull));

/* ---- which layers ---- */

/*
 * The layers that a list of indexes means: from 0, negative ones from the end (-1 is the last), all when the list is
 * empty. ERR_USAGE with the range for one that is no number or none of an image with `layers` layers.
 */
int rewrite_select(const char *const *indexes, size_t count, size_t layers, bool *selected, struct err *err)
		__attribute__((nonnull(4), warn_unused_result));

/* ---- descriptors ---- */

/* given: the annotations of the encryption, all below ANNOTATION_PREFIX. */
int rewrite_encrypted(const json_t *layer, const char *digest, const json_t *given, json_t **out,
		struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
int rewrite_decrypted(const json_t *layer, const char *digest, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * Of a manifest that was written: every selected layer has the suffix, public options and, for each recipient's
 * scheme, as many wrapped keys as recipients; no wrapped key is empty. ERR_BUG names the layer and what is missing.
 */
int rewrite_check(const json_t *manifest, const bool *selected, size_t layers, const char *const *schemes,
		size_t recipients, struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* ---- guests ---- */

enum rewrite_guest {
	REWRITE_GUEST_READS,
	REWRITE_GUEST_NEEDS_KEY, /* jwe: with the private key among the guest's own files */
	REWRITE_GUEST_CANNOT,
};

/* Whether a guest of that generation can read the layer, encrypted or not; `why` says what stands in the way. */
enum rewrite_guest rewrite_guest(const json_t *layer, enum packet_guest guest, struct err *why)
		__attribute__((nonnull(1)));

/* The part of it that is the same for all generations and whoever the layer is for: guests know the type of an encrypted
 * layer, and read its public options. ERR_FORMAT with the reason. */
int rewrite_guest_form(const json_t *layer, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
