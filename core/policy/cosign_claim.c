/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "policy/cosign.h"
#include "policy/cosign_own.h"

#include <stdio.h>
#include <string.h>

void cosign_claim_clear(struct cosign_claim *claim)
{
	json_decref(claim->annotations);
	claim->annotations = NULL;
	claim->digest_count = 0;
}

bool cosign_claims_digest(const struct cosign_claim *claim, const char *digest)
{
	for (size_t i = 0; i < claim->digest_count; i++)
		if (strcmp(claim->digests[i], digest) == 0)
			return true;
	return false;
}

static int add_digest(const char *digest, struct cosign_claim *out, struct err *err)
{
	if (out->digest_count == COSIGN_DIGESTS_MAX)
		return err_set(err, ERR_LIMIT, "the payload names more than %d digests", COSIGN_DIGESTS_MAX);
	snprintf(out->digests[out->digest_count++], OCI_DIGEST_MAX, "%s", digest);
	return 0;
}

/* The members that are texts; NULL where there is none. A new reference. */
static json_t *texts_of(json_t *object)
{
	json_t *out = NULL, *item;
	const char *key;

	json_object_foreach (object, key, item) {
		if (!json_is_string(item))
			continue;
		if (!out)
			out = json_object();
		json_object_set(out, key, item);
	}
	return out;
}

/* ---- simple signing ---- */

static int read_simple(const json_t *root, struct cosign_claim *out, struct err *err)
{
	const char *digest = NULL, *reference = NULL, *type = NULL;
	json_t *critical = NULL, *image = NULL, *identity = NULL, *optional = NULL;

	if (json_get_object(root, "", "critical", &critical, err) < 0 ||
			json_get_text(critical, "critical", "type", &type, err) < 0 ||
			json_get_object(critical, "critical", "image", &image, err) < 0 ||
			json_get_object(critical, "critical", "identity", &identity, err) < 0 ||
			json_opt_object(root, "", "optional", &optional, err) < 0 ||
			json_get_text(image, "critical.image", "docker-manifest-digest", &digest, err) < 0 ||
			json_get_text(identity, "critical.identity", "docker-reference", &reference, err) < 0)
		return -1;
	if (strcmp(type, "cosign container image signature") != 0 &&
			strcmp(type, "atomic container signature") != 0)
		return err_set(err, ERR_FORMAT, "critical.type is '%.80s', not that of an image's signature",
				type);
	if (!oci_digest_is(digest))
		return err_set(err, ERR_FORMAT, "critical.image.docker-manifest-digest is no digest");
	if (strlen(reference) >= sizeof(out->reference))
		return err_set(err, ERR_LIMIT, "critical.identity.docker-reference has more than %zu bytes",
				sizeof(out->reference) - 1);
	memcpy(out->reference, reference, strlen(reference) + 1);
	out->annotations = texts_of(optional);
	return add_digest(digest, out, err);
}

/* ---- in-toto ---- */

/* Those of its digests that images can have; the others are of sources and the like. */
static int read_digests(json_t *digests, struct cosign_claim *out, struct err *err)
{
	char text[OCI_DIGEST_MAX];
	const char *algorithm;
	json_t *item;

	json_object_foreach (digests, algorithm, item) {
		const char *hex = json_string_value(item);
		if (!hex || (strcmp(algorithm, "sha256") != 0 && strcmp(algorithm, "sha512") != 0))
			continue;
		int len = snprintf(text, sizeof(text), "%s:%s", algorithm, hex);
		if (len < 0 || (size_t)len >= sizeof(text) || !oci_digest_is(text))
			return err_set(err, ERR_FORMAT, "subject[].digest.%s is not that many hex digits",
					algorithm);
		if (add_digest(text, out, err) < 0)
			return -1;
	}
	return 0;
}

static int read_subjects(const json_t *root, struct cosign_claim *out, struct err *err)
{
	json_t *subjects = NULL, *item, *annotations = NULL;
	size_t i;

	if (json_opt_array(root, "", "subject", COSIGN_DIGESTS_MAX, &subjects, err) < 0)
		return -1;
	json_array_foreach (subjects, i, item) {
		json_t *digests = NULL;
		annotations = NULL;
		if (json_get_object(item, "subject[]", "digest", &digests, err) < 0 ||
				json_opt_object(item, "subject[]", "annotations", &annotations, err) < 0 ||
				read_digests(digests, out, err) < 0)
			return -1;
	}
	if (!out->digest_count)
		return err_set(err, ERR_FORMAT, "the statement has no subject with a digest of an image");
	/* those of one subject say nothing of the others */
	if (json_array_size(subjects) == 1)
		out->annotations = texts_of(annotations);
	return 0;
}

static int read_statement(const json_t *root, struct cosign_claim *out, struct err *err)
{
	const char *type = NULL, *predicate = NULL;

	if (json_get_text(root, "", "_type", &type, err) < 0 ||
			json_get_text(root, "", "predicateType", &predicate, err) < 0)
		return -1;
	if (strcmp(type, "https://in-toto.io/Statement/v1") != 0 &&
			strcmp(type, "https://in-toto.io/Statement/v0.1") != 0)
		return err_set(err, ERR_FORMAT,
				"_type is '%.80s', not an in-toto statement of version 1 or 0.1", type);
	if (strcmp(predicate, COSIGN_PREDICATE) != 0)
		return err_set(err, ERR_FORMAT,
				"an attestation '%.120s' is no image signature (" COSIGN_PREDICATE ")",
				predicate);
	return read_subjects(root, out, err);
}

/* ---- the whole ---- */

static int read_claim(struct span payload, int (*read)(const json_t *, struct cosign_claim *, struct err *),
		const char *what, struct cosign_claim *out, struct err *err)
{
	struct cosign_claim claim = { .digest_count = 0 };
	auto_json json_t *root = NULL;

	memset(out, 0, sizeof(*out));
	if (json_read(payload, IMAGE_PAYLOAD_MAX, &root, err) < 0 || read(root, &claim, err) < 0) {
		cosign_claim_clear(&claim);
		return err_wrap(err, "reading %s", what);
	}
	*out = claim;
	return 0;
}

int cosign_claim_simple(struct span payload, struct cosign_claim *out, struct err *err)
{
	return read_claim(payload, read_simple, "a simple signing payload", out, err);
}

int cosign_claim_statement(struct span payload, struct cosign_claim *out, struct err *err)
{
	return read_claim(payload, read_statement, "a signed statement", out, err);
}

/* Of a message signature: the payload is the digest. */
static int claim_digest(struct span payload, struct cosign_claim *out, struct err *err)
{
	char text[OCI_DIGEST_MAX];

	memset(out, 0, sizeof(*out));
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(payload));
	if (payload.len >= sizeof(text) || strlen(text) != payload.len || !oci_digest_is(text))
		return err_set(err, ERR_FORMAT, "the message digest is no digest");
	return add_digest(text, out, err);
}

int cosign_claim(const struct image_signature *signature, struct cosign_claim *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	if (signature->problem)
		return err_set(err, ERR_FORMAT, "%s", signature->problem);
	switch (signature->layout) {
	case IMAGE_SIG_TAG:
		return cosign_claim_simple(signature->payload, out, err);
	case IMAGE_SIG_BUNDLE:
		return *signature->type ? cosign_claim_statement(signature->payload, out, err)
					: claim_digest(signature->payload, out, err);
	case IMAGE_SIG_SIMPLE:
		break;
	}
	return err_set(err, ERR_USAGE, "a GPG signature says what it claims when it is verified");
}
