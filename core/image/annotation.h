/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The annotations of an encrypted layer's descriptor (image-encryption.md, 2.1):
 *
 *     org.opencontainers.image.enc.pubopts            base64 of the public options
 *     org.opencontainers.image.enc.keys.<scheme>      base64[,base64]*: one element per recipient
 *
 * Elements that Go tools wrote may hold CR and LF inside the base64. Annotations of schemes that we do not know are
 * kept when recipients come and go, and all of them go when the layer is decrypted.
 *
 * Bounds: ANNOTATION_ELEMENTS_MAX elements in all, WRAP_ELEMENT_MAX bytes each.
 * Errors: ERR_FORMAT with the annotation's name; ERR_LIMIT.
 */
#ifndef COCOON_IMAGE_ANNOTATION_H
#define COCOON_IMAGE_ANNOTATION_H

#include "base/span.h"
#include "crypto/secret.h"
#include "image/options.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct opener_list;

#define ANNOTATION_PREFIX       "org.opencontainers.image.enc."
#define ANNOTATION_PUBLIC       ANNOTATION_PREFIX "pubopts"
#define ANNOTATION_KEYS         ANNOTATION_PREFIX "keys."
#define ANNOTATION_ELEMENTS_MAX 4096
/* of a manifest or an index: the digest of the plain image that it was encrypted from, as image-crypt records it */
#define ANNOTATION_SOURCE       "dev.cocoon.image.source"
#define ANNOTATION_TRIES_MAX    16384 /* a minute and more of RSA with the largest keys */

/* Calls each(ctx, scheme, index, element) for every element, in the order of the annotations; -1 from it ends the
 * walk with -1. An element that is no base64 is handed out as an empty span, so that one bad element is its own. */
typedef int (*annotation_each)(
		void *ctx, const char *scheme, size_t index, struct span element, struct err *err);
int annotation_walk(const json_t *annotations, annotation_each each, void *ctx, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends one element to the annotation of the scheme. */
int annotation_add(json_t *annotations, const char *scheme, struct span element, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Removes the element of a scheme at an index; the annotation goes with its last one. ERR_NOT_FOUND. */
int annotation_remove(json_t *annotations, const char *scheme, size_t index, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Removes every annotation below ANNOTATION_PREFIX. */
void annotation_strip(json_t *annotations) __attribute__((nonnull));

int annotation_set_public(json_t *annotations, const struct public_options *options, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* ERR_FORMAT also when the annotation is missing. */
int annotation_get_public(const json_t *annotations, struct public_options *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/*
 * Opens the layer's private options: each element in its order is tried with the local openers of its scheme, then
 * each with the remote ones, and the first success counts. An element that is broken is that element's failure alone.
 *
 * ERR_AUTH when none could: the text gives every element's reason, by recipient, as far as there is room, those that
 * say more than "not for this key" first. ERR_USAGE when there are no keys at all; ERR_FORMAT when there are no
 * elements; ERR_LIMIT after ANNOTATION_TRIES_MAX attempts. The texts hold the words that users of other tools search
 * for: "missing private key needed for decryption", "none of the private keys could be used for decryption".
 */
int annotation_unwrap(const json_t *annotations, const struct opener_list *openers,
		struct private_options *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

#endif
