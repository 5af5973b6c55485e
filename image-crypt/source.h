/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which plain image an encrypted one was made: ANNOTATION_SOURCE of each encrypted platform's manifest, and of the
 * index that was rewritten. Who checks signatures can then tell an image that was signed before it was encrypted from
 * one that was never signed.
 *
 * Anybody can write an annotation: it is a hint for messages, and nothing is allowed for its sake.
 */
#ifndef COCOON_IMAGE_CRYPT_SOURCE_H
#define COCOON_IMAGE_CRYPT_SOURCE_H

#include "image-crypt/image.h"

/* After change_run(): into every manifest of which layers were encrypted, and the index. What was encrypted in part
 * before keeps the digest that it has, which is that of the image without any encryption. */
void source_record(struct image *image) __attribute__((nonnull));

/* After change_run(): goes from manifests, and the index, in which nothing is encrypted any more. */
void source_remove(struct image *image) __attribute__((nonnull));

/* Of a manifest's or index's tree; NULL when there is none, or no digest. */
const char *source_of(const json_t *document) __attribute__((nonnull));

#endif
