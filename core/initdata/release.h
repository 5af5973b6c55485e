/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the owner of data gives to the key broker: which digests are good, what they may have, and for how long. Made on
 * the owner's machine from the same bytes that the cluster injects; pure, so that two machines make the same.
 *
 *     documents, resources, validity ─▶ manifest            JSON, the payload of a JWS that the owner signs
 *                                    ├▶ resource policy     Rego for the broker: these paths to these digests only
 *                                    └▶ reference values    payload for the attestation service's reference values
 *
 *     {"release": 1, "tool": "initdata-gen 0.1.0", "name": "team-a", "not_before": "…Z", "not_after": "…Z",
 *      "documents": [{"workload": "Deployment shop/web", "algorithm": "sha256", "digest": "sha256:…", "tee_forms": […],
 *                     "rules_sha256": "…", "images": [{"name": "…", "digest": "sha256:…"}], "kernel_params": "…"}],
 *      "resources": ["default/key/app", "default/shop/"]}
 *
 * The resource policy (specification of the key broker's protocol, section 4) gives a path of `resources` when the
 * token's init_data claim is one of the documents' digests in the form of the token's TEE (initdata/tee.h: truncated,
 * padded, base64 or hex, vTPM's PCR 8), the platform is not the sample one unless `allow_sample`, and the trust vector is
 * what the broker's stock policy demands; everything else is refused. It is `package policy`, `default allow = false`.
 *
 * Bounds: RELEASE_DOCUMENTS_MAX, RELEASE_RESOURCES_MAX. Errors: ERR_FORMAT naming the member, ERR_LIMIT.
 */
#ifndef COCOON_INITDATA_RELEASE_H
#define COCOON_INITDATA_RELEASE_H

#include "base/buf.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdint.h>

struct err;

#define RELEASE_DOCUMENTS_MAX 1024
#define RELEASE_RESOURCES_MAX 256

struct release_document {
	const char *workload; /* "Deployment shop/web", or a file's name */
	enum digest_alg alg;
	unsigned char digest[DIGEST_MAX];
	const char *rules_sha256;  /* NULL: the document has no policy.rego that could be split */
	const json_t *images;      /* array of {"name", "digest"}, or NULL */
	const char *kernel_params; /* NULL: none known */
};

struct release {
	const char *name, *tool;
	const struct release_document *documents;
	size_t document_count;
	const char *const *resources; /* repository/type/tag; repository/type/ for all tags */
	size_t resource_count;
	int64_t not_before, not_after; /* seconds since 1970; 0: not stated */
	bool allow_sample;             /* for tests: evidence without hardware counts */
};

/* *out is a new reference. */
int release_manifest(const struct release *release, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int release_resource_policy(const struct release *release, struct buf *rego, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* *out: the payload as the reference value service registers it. */
int release_reference_values(const struct release *release, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Reads a manifest again: members are borrowed from `manifest`, arrays are of `release` (release_clear). */
int release_read(const json_t *manifest, struct release *release, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void release_clear(struct release *release) __attribute__((nonnull));

#endif
