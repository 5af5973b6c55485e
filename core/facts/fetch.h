/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image's facts, read from where it is: manifest, for an index its platforms, what is attached, signatures' blobs,
 * files of a lookaside store. Blocks; used by facts.c's threads and by nobody else but tests.
 *
 *     manifest ─▶ index? ─▶ each runnable platform's manifest ─▶ its config, where the want looks for what it says of the
 *         │                  start (IMAGE_LOOKED_CONFIG), or for a platform's name that no index gives
 *         └────▶ attached (oci/attached.h) by the index's and each platform's digest ─▶ blobs of signatures
 *         └────▶ of the source image's digest, when nothing was found and image-crypt recorded one
 *         └────▶ lookaside: <base>/<repository>@sha256=<hex>/signature-1, -2, … until 404 (https, http, file)
 *
 * What is attached is looked for under the index's digest; under its platforms' only when no signature that could be
 * checked is there, as a policy asks for the index, or else for every platform. A lookaside store is asked for all of
 * them: guests look under the platform's alone.
 *
 * An entry of an index is left out when its platform is unknown/unknown, as of the attestations that image builders
 * add, or when it has neither a platform nor a manifest's type: nothing that runs images would pick either. Docker's
 * annotation that calls an entry an attestation hides nothing by itself: guests go by the platform alone.
 *
 * The payload of most signatures in cosign's first layout is known beforehand but for the digest of the image: one whose
 * digest and size fit is not asked for, which saves one round trip of three.
 *
 * What is no signature that could be checked (a blob that is missing, too large or not what its digest says, no
 * base64) is kept with its problem. A registry that fails makes all of it fail: what could not be read is not known
 * to be absent. A config that is missing, too large, not what its digest says or no config by its form is a problem of the
 * platform in the same way; only where the platform's name was to be read from it, all fails.
 *
 * Bounds: FETCH_MANIFEST_MAX a registry's manifest (one of 127 layers for three recipients each takes half of that,
 * and there may be many at a time), FETCH_PLATFORMS_MAX platforms and FETCH_BYTES_MAX of manifests, configs and
 * payloads together, else ERR_LIMIT (of payloads: a problem); IMAGE_SIGNATURES_MAX signatures, LOOKASIDE_FILES_MAX
 * files a digest, beyond which `more` is set.
 * Errors: those of oci/store.h, with the registry's host, the HTTP status and the phase in their texts.
 */
#ifndef COCOON_FACTS_FETCH_H
#define COCOON_FACTS_FETCH_H

#include "oci/store.h"
#include "policy/image.h"

#include <stdatomic.h>

struct clock;

#define FETCH_PLATFORMS_MAX 64
#define FETCH_MANIFEST_MAX  ((size_t)1024 * 1024)
#define FETCH_BYTES_MAX     ((size_t)8 * 1024 * 1024)
#define LOOKASIDE_FILES_MAX 32

struct fetch_options {
	const struct oci_access *access; /* credentials, guard, CA: made by the caller of the want */
	const struct oci_place *place;   /* where: registry, mirror or layout */
	const struct clock *clock;
	int64_t deadline;        /* of its monotonic time, for all of it; 0: none */
	const atomic_bool *stop; /* nobody wants it any more: ERR_RETRY soon; NULL: none */
	/*
	 * Asked once the digest is known, from a tag for one request: facts that are there (a new reference), or NULL. It may
	 * widen what the want looks for. NULL: none.
	 */
	struct image_facts *(*known)(void *ctx, const char *digest);
	void *ctx;
};

int fetch_image(const struct fetch_options *options, const struct image_want *want, struct image_facts **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
