/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the owner of data gives to the key broker: which digests are good, what they may have, and for how long. Made on
 * the owner's machine from the same bytes that the cluster injects; pure, so that two machines make the same.
 *
 *     documents, resources, validity ─▶ manifest            JSON, the payload of a JWS that the owner signs
 *                                    ├▶ resource policy     Rego for the broker: these paths to these digests only
 *                                    └▶ reference values    for the attestation service
 *
 *     {"bundle": 1, "tool": "initdata-gen 0.1.0", "name": "team-a", "notBefore": "…Z", "notAfter": "…Z",
 *      "documents": [{"workload": "Deployment shop/web", "algorithm": "sha256", "digest": "<hex>",
 *                     "forms": {"snp": "<as the token has it>", "tdx": "…", …}, "rulesSha256": "…",
 *                     "images": [{"name": "…", "digest": "sha256:…"}], "kernelParams": "…"}],
 *      "resources": ["default/key/app", "default/shop/"], "trust": "affirming", "allowSample": false}
 *
 * The resource policy (specification of the key broker's protocol, section 4) is `package policy`, `allow` false unless
 * - the plugin is "resource" and the path is one of `resources`, or below one that ends in '/';
 * - the token's evidence is of one kind of TEE, and its init_data is one of the documents' digests in that kind's form
 *   (initdata/tee.h: cut, padded, hex or base64, vTPM's PCR 8). A document that has no form there is not released there;
 * - evidence of the sample TEE, which nobody has verified, counts with `allow_sample` alone;
 * - with trust "affirming" every submodule's status is that, with "any" the digest alone counts;
 * - the time is within the validity, where one is stated, by the broker's clock.
 *
 * Reference values are those of the documents, in names of our own ("cocoon_init_data_snp": […]), for attestation
 * policies that want to judge them, and those that the owner adds: as a list or as one value, whichever the shipped
 * policies compare (section 4.6).
 *
 * Bounds: BUNDLE_DOCUMENTS_MAX, BUNDLE_RESOURCES_MAX, BUNDLE_VALUES_MAX. Errors: ERR_FORMAT naming the member, ERR_LIMIT.
 */
#ifndef COCOON_INITDATA_BUNDLE_H
#define COCOON_INITDATA_BUNDLE_H

#include "base/buf.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

#define BUNDLE_DOCUMENTS_MAX 1024
#define BUNDLE_RESOURCES_MAX 256
#define BUNDLE_VALUES_MAX    256

/* AFFIRMING: every submodule is; ANY: the digest alone counts, whatever the appraisal was. */
enum bundle_trust { BUNDLE_AFFIRMING, BUNDLE_ANY };

struct bundle_document {
	const char *workload; /* "Deployment shop/web", or a file's name */
	enum digest_alg alg;
	unsigned char digest[DIGEST_MAX];
	const char *rules_sha256;  /* NULL: the document has no policy.rego with a data block */
	const json_t *images;      /* array of {"name", "digest"}, or NULL */
	const char *kernel_params; /* NULL: none known */
};

struct bundle {
	const char *name, *tool;
	const struct bundle_document *documents;
	size_t document_count;
	const char *const *resources; /* repository/type/tag; repository/type/ for all tags */
	size_t resource_count;
	const char *const *values; /* NAME=VALUE */
	size_t value_count;
	int64_t not_before, not_after; /* seconds since 1970; 0: not stated */
	enum bundle_trust trust;
	bool allow_sample;
};

/* Are all members fit for the rest? */
int bundle_check(const struct bundle *bundle, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* The others take a checked one. A new reference. */
json_t *bundle_manifest(const struct bundle *bundle)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
void bundle_resource_policy(const struct bundle *bundle, struct buf *rego) __attribute__((nonnull));

/* {"version": "0.1.0", "type": "sample", "payload": "<base64 of {name: values}>"}, as the service registers it. */
json_t *bundle_reference_values(const struct bundle *bundle)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
