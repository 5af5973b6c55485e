/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cosign's signatures with keys, in both layouts (image-trust.md, 7.1, 7.2, 7.4), and what they say.
 *
 *     tag      payload {"critical":{"identity":{"docker-reference":…},"image":{"docker-manifest-digest":…},
 *              "type":…},"optional":{annotations}}, signed as it is
 *     bundle   application/vnd.dev.sigstore.bundle.v0.3+json around a DSSE envelope; the signature is over its PAE,
 *              the payload an in-toto statement of predicate type https://sigstore.dev/cosign/sign/v1, whose subject
 *              has the digest; no repository is named. Other predicates (SBOM, provenance) are no image signatures.
 *              A bundle with a messageSignature (cosign sign-blob) signs the manifest itself: its digest is enough
 *
 * Keys are ECDSA on P-256, P-384 and P-521 with the curve's hash, in strict DER; Ed25519; RSA with PKCS#1 v1.5 and
 * SHA-256. That is what cosign 2.6 and 3.1 sign with and what guests take (but for P-521), save Ed25519: there cosign
 * signs with Ed25519ph, which its own check by key and guests refuse; the error says so. (cosign's check by key takes P-384
 * and P-521 with SHA-256 alone, unless cosign 2 is told another hash: not what it signs with, and not taken here.)
 * hint and keyid are never believed. Certificates, Rekor entries and time stamps are not looked at: keyless signing is
 * not covered.
 *
 * Pure. Bounds: IMAGE_PAYLOAD_MAX a payload, 4 times that a bundle, COSIGN_SIGNATURES_MAX signatures in an envelope.
 * Errors: ERR_FORMAT, ERR_LIMIT; ERR_AUTH: the key does not verify it (uniform for each kind of key).
 */
#ifndef COCOON_POLICY_COSIGN_H
#define COCOON_POLICY_COSIGN_H

#include "base/buf.h"
#include "policy/image.h"

#include <jansson.h>

struct pkey;

#define COSIGN_SIGNATURES_MAX 16
#define COSIGN_DIGESTS_MAX    8
#define COSIGN_BUNDLE_MAX     (4 * IMAGE_PAYLOAD_MAX)
#define COSIGN_PAYLOAD_TYPE   "application/vnd.dev.cosign.simplesigning.v1+json"
#define COSIGN_BUNDLE_TYPE    "application/vnd.dev.sigstore.bundle" /* begins so, in all versions */
#define COSIGN_SIGNATURE      "dev.cosignproject.cosign/signature"
#define COSIGN_VALUE_MAX      1024 /* bytes of a signature's value: RSA with 8192 bits */

/* What a bundle holds, in the members that image_signature has. */
struct cosign_bundle {
	struct buf payload; /* decoded; of a messageSignature: the text of its digest, "sha256:…" */
	char type[128];     /* payloadType; "" of a messageSignature */
	struct buf signatures[COSIGN_SIGNATURES_MAX];
	size_t count;
};
void cosign_bundle_clear(struct cosign_bundle *bundle) __attribute__((nonnull));
#define auto_cosign_bundle __attribute__((cleanup(cosign_bundle_clear)))
/* *out need not be set before. Keyless bundles are ERR_FORMAT that says so. */
int cosign_bundle_parse(struct span text, struct cosign_bundle *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The value of the annotation COSIGN_SIGNATURE as bytes: standard base64, in which CR and LF may stand; appended. */
int cosign_signature_decode(struct span text, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* What a payload claims. Texts are the struct's. */
struct cosign_claim {
	/* of a simple signing payload one; of a statement all its subjects' */
	char digests[COSIGN_DIGESTS_MAX][OCI_DIGEST_MAX];
	size_t digest_count;
	char reference[512]; /* docker-reference; "" in a statement */
	/* object of texts (others are left out), or NULL; of a statement with several subjects none, as they are one's */
	json_t *annotations;
};
void cosign_claim_clear(struct cosign_claim *claim) __attribute__((nonnull));
#define auto_cosign_claim __attribute__((cleanup(cosign_claim_clear)))
/*
 * Reads what the layout of a signature demands; *out need not be set before, and is empty on failure. The first is for
 * GPG's payloads too (7.4): critical.type is cosign's or atomic's, and nothing else.
 */
int cosign_claim_simple(struct span payload, struct cosign_claim *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int cosign_claim_statement(struct span payload, struct cosign_claim *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* By the signature's layout; of GPG's signatures, what simple_verify() brings out claims. */
int cosign_claim(const struct image_signature *signature, struct cosign_claim *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
bool cosign_claims_digest(const struct cosign_claim *claim, const char *digest) __attribute__((nonnull));

/*
 * Does one of the signature's values verify with the key? ERR_AUTH when none does. What it claims is another question.
 * What the guest cannot verify (P-521) is the guest's affair (policy/guest.h).
 */
int cosign_verify(const struct image_signature *signature, const struct pkey *key, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* One value over bytes as they are: ECDSA in DER, Ed25519, RSA PKCS#1 v1.5. */
int cosign_verify_bytes(const struct pkey *key, struct span message, struct span signature, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
