/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image's facts, read from where it is: manifest, for an index its platforms, what is attached, signatures' blobs,
 * files of a lookaside store. Blocks; used by facts.c's threads and by nobody else but tests.
 *
 *     manifest ─▶ index? ─▶ each runnable platform's manifest (config alone where the index gives no platform)
 *         └────▶ attached (oci/attached.h) by the index's and each platform's digest ─▶ blobs of signatures
 *         └────▶ of the source image's digest, when nothing was found and image-crypt recorded one
 *         └────▶ lookaside: <base>/<repository>@sha256=<hex>/signature-1, -2, … until 404 (https, http, file)
 *
 * Bounds: FETCH_PLATFORMS_MAX platforms, else ERR_LIMIT; signatures IMAGE_SIGNATURES_MAX.
 * Errors: those of oci/store.h, with the registry's host, the HTTP status and the phase in their texts.
 */
#ifndef COCOON_FACTS_FETCH_H
#define COCOON_FACTS_FETCH_H

#include "oci/store.h"
#include "policy/image.h"

#define FETCH_PLATFORMS_MAX 64

struct fetch_options {
	const struct oci_access *access; /* credentials, guard, CA: made by the caller of the want */
	const struct oci_place *place;   /* where: registry, mirror or layout */
	const struct clock *clock;
};

int fetch_image(const struct fetch_options *options, const struct image_want *want, struct image_facts **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
