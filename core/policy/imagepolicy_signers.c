/* SPDX-License-Identifier: Apache-2.0 */
/* spec.signatures: who must have signed, and how it is known. */
#include "policy/imagepolicy_own.h"

#include "base/err.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "kube/name.h"
#include "oci/name.h"
#include "policy/simple.h"

#include <stdio.h>
#include <string.h>

#define PATH            "spec.signatures"
#define KEY_TEXT_MAX    ((size_t)8192)
#define ANNOTATIONS_MAX 32
#define ANNOTATION_MAX  1024
#define LOOKASIDE_MAX   1024

void policy_signers_clear(struct image_policy *policy)
{
	for (size_t i = 0; i < IMAGEPOLICY_SIGNERS_MAX; i++) {
		for (size_t k = 0; k < IMAGEPOLICY_KEYS_MAX; k++)
			pkey_free(policy->signers[i].keys[k]);
		simple_ring_free(policy->signers[i].ring);
	}
}

/* ---- cosign ---------------------------------------------------------------------------------------------- */

static int check_pem(const char *text, struct err *err)
{
	const char *begin = strstr(text, "-----BEGIN ");

	if (strlen(text) > KEY_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "is longer than %zu bytes", KEY_TEXT_MAX);
	if (strstr(text, "PRIVATE KEY-----"))
		return err_set(err, ERR_FORMAT,
				"is a private key, which everybody who reads policies now has; put the "
				"public "
				"half of a new one here");
	/* the one form that guests take, too */
	if (!span_starts(span_of(begin), "-----BEGIN PUBLIC KEY-----"))
		return err_set(err, ERR_FORMAT, "is no public key in PEM (-----BEGIN PUBLIC KEY-----…)");
	if (strstr(begin + 1, "-----BEGIN "))
		return err_set(err, ERR_FORMAT, "holds more than one key: list each by itself");
	return 0;
}

static int read_cosign_keys(
		const json_t *cosign, const char *path, struct policy_signer *out, struct err *err)
{
	unsigned char digest[DIGEST_MAX];
	json_t *keys = NULL, *item = NULL;
	size_t i = 0;

	if (json_opt_texts(cosign, path, "keys", IMAGEPOLICY_KEYS_MAX, &keys, err) < 0)
		return -1;
	if (!json_array_size(keys))
		return err_set(err, ERR_FORMAT, "%s.keys: name at least one public key", path);
	json_array_foreach (keys, i, item) {
		out->key_texts[i] = json_string_value(item);
		if (check_pem(out->key_texts[i], err) < 0 ||
				pkey_parse(span_of(out->key_texts[i]), NULL, &out->keys[i], err) < 0)
			return err_wrap(err, "%s.keys[%zu]", path, i);
		digest_bytes(DIGEST_SHA256, span_of(out->key_texts[i]), digest);
		memcpy(out->key_digests[i], digest, IMAGE_KEY_DIGEST);
		out->key_count++;
	}
	return 0;
}

static int read_layouts(const json_t *cosign, const char *path, struct policy_signer *out, struct err *err)
{
	json_t *layouts = NULL, *item = NULL;
	size_t i = 0;

	out->layouts = SIGNER_TAG | SIGNER_BUNDLE;
	if (json_opt_texts(cosign, path, "layouts", 2, &layouts, err) < 0)
		return -1;
	if (!layouts)
		return 0;
	if (!json_array_size(layouts))
		return err_set(err, ERR_FORMAT, "%s.layouts: is empty; leave it out for both", path);
	out->layouts = 0;
	json_array_foreach (layouts, i, item) {
		const char *text = json_string_value(item);
		if (strcmp(text, "Tag") != 0 && strcmp(text, "Bundle") != 0)
			return err_set(err, ERR_FORMAT, "%s.layouts[%zu]: '%.40s' is none of Tag, Bundle",
					path, i, text);
		out->layouts |= text[0] == 'T' ? SIGNER_TAG : SIGNER_BUNDLE;
	}
	return 0;
}

static int read_signer_annotations(
		const json_t *cosign, const char *path, struct policy_signer *out, struct err *err)
{
	json_t *annotations = NULL, *value = NULL;
	const char *key = NULL;

	if (json_opt_object(cosign, path, "annotations", &annotations, err) < 0)
		return -1;
	if (json_object_size(annotations) > ANNOTATIONS_MAX)
		return err_set(err, ERR_LIMIT, "%s.annotations: more than %d", path, ANNOTATIONS_MAX);
	json_object_foreach (annotations, key, value)
		if (!json_is_string(value) || json_string_length(value) > ANNOTATION_MAX)
			return err_set(err, ERR_FORMAT,
					"%s.annotations[\"%.80s\"]: must be text of at most %d bytes", path,
					key, ANNOTATION_MAX);
	out->annotations = annotations;
	return 0;
}

static int read_identity(const json_t *cosign, const char *path, struct policy_signer *out, struct err *err)
{
	static const char *const identities[] = { "Repository", "Any", NULL };
	unsigned identity = COSIGN_REPOSITORY;
	struct oci_name name;

	if (policy_word(cosign, path, "identity", identities, &identity, err) < 0 ||
			json_opt_text(cosign, path, "repository", &out->repository, err) < 0)
		return -1;
	out->identity = (enum cosign_identity)identity;
	if (!out->repository)
		return 0;
	if (out->identity == COSIGN_ANY)
		return err_set(err, ERR_FORMAT, "%s.repository: has no meaning with identity: Any", path);
	if (out->layouts == SIGNER_BUNDLE)
		return err_set(err, ERR_FORMAT, "%s.repository: a bundle names no repository", path);
	if (oci_name_parse(out->repository, &name, err) < 0)
		return err_wrap(err, "%s.repository", path);
	if (name.digest[0] || !name.default_tag)
		return err_set(err, ERR_FORMAT, "%s.repository: must have neither tag nor digest", path);
	return 0;
}

static int read_cosign(const json_t *cosign, const char *path, struct policy_signer *out, struct err *err)
{
	static const char *const known[] = { "keys", "layouts", "annotations", "identity", "repository",
		NULL };

	if (json_only_keys(cosign, path, known, err) < 0 || read_cosign_keys(cosign, path, out, err) < 0 ||
			read_layouts(cosign, path, out, err) < 0 ||
			read_signer_annotations(cosign, path, out, err) < 0)
		return -1;
	return read_identity(cosign, path, out, err);
}

/* ---- GPG ------------------------------------------------------------------------------------------------- */

static int check_lookaside(const char *path, const char *url, struct err *err)
{
	struct span text = span_of(url);
	const char *host = strstr(url, "://");

	if (text.len > LOOKASIDE_MAX)
		return err_set(err, ERR_LIMIT, "%s.lookaside: is longer than %d bytes", path, LOOKASIDE_MAX);
	if (!span_starts(text, "https://") && !span_starts(text, "http://") && !span_starts(text, "file:///"))
		return err_set(err, ERR_FORMAT, "%s.lookaside: must begin with https://, http:// or file:///",
				path);
	/* not shown: it may hold a password */
	if (!host[3] || strpbrk(url, "@?# \t\r\n"))
		return err_set(err, ERR_FORMAT,
				"%s.lookaside: is no address of a folder: user names, queries and white "
				"space "
				"have no place in it",
				path);
	return 0;
}

static int read_gpg(const json_t *gpg, const char *path, const struct image_policy *policy,
		struct policy_signer *out, struct err *err)
{
	static const char *const known[] = { "keys", "lookaside", "identity", NULL };
	static const char *const identities[] = { "RepoDigestOrExact", "Exact", "Repository", NULL };
	unsigned identity = SIMPLE_REPO_DIGEST_OR_EXACT;

	if (json_only_keys(gpg, path, known, err) < 0 ||
			json_get_text(gpg, path, "keys", &out->ring_text, err) < 0 ||
			json_get_text(gpg, path, "lookaside", &out->lookaside, err) < 0 ||
			policy_word(gpg, path, "identity", identities, &identity, err) < 0 ||
			check_lookaside(path, out->lookaside, err) < 0)
		return -1;
	out->simple = (enum simple_identity)identity;
	if (out->simple == SIMPLE_EXACT && policy->pin != PIN_NONE)
		return err_set(err, ERR_FORMAT,
				"%s.identity: Exact compares names as they are written, and guests then "
				"refuse "
				"every digest, which spec.digest.pin writes: use RepoDigestOrExact",
				path);
	if (simple_ring_parse(span_of(out->ring_text), &out->ring, err) < 0)
		return err_wrap(err, "%s.keys", path);
	return 0;
}

/* ---- signers --------------------------------------------------------------------------------------------- */

static int read_signer(const json_t *item, const char *path, const struct image_policy *policy,
		struct policy_signer *out, struct err *err)
{
	static const char *const known[] = { "name", "required", "cosign", "gpg", NULL };
	json_t *cosign = NULL, *gpg = NULL;
	char place[POLICY_PLACE_MAX + 8];

	if (json_only_keys(item, path, known, err) < 0 ||
			json_get_text(item, path, "name", &out->name, err) < 0 ||
			json_opt_bool(item, path, "required", &out->required, err) < 0 ||
			json_opt_object(item, path, "cosign", &cosign, err) < 0 ||
			json_opt_object(item, path, "gpg", &gpg, err) < 0)
		return -1;
	if (!name_is_label(span_of(out->name)))
		return err_set(err, ERR_FORMAT,
				"%s.name: must be 1 to 63 of a-z, 0-9 and -, alphanumeric at both ends",
				path);
	if (!cosign == !gpg)
		return err_set(err, ERR_FORMAT, "%s: needs %s", path,
				cosign ? "cosign or gpg, not both: two signers are two entries"
				       : "cosign or gpg, which say by what keys");
	snprintf(place, sizeof(place), "%s.%s", path, cosign ? "cosign" : "gpg");
	return cosign ? read_cosign(cosign, place, out, err) : read_gpg(gpg, place, policy, out, err);
}

/* A number that one of the signer's first `count` keys has, if it is this key. */
static bool find_number(
		const struct policy_signer *signer, size_t count, const struct pkey *key, unsigned *out)
{
	for (size_t i = 0; i < count; i++)
		if (pkey_is_same(signer->keys[i], key)) {
			*out = signer->key_ids[i];
			return true;
		}
	return false;
}

/* Numbers keys so that equal ones have equal numbers, also where a signer has one twice. */
static void number_keys(struct image_policy *policy, struct policy_signer *signer, unsigned *next)
{
	for (size_t k = 0; k < signer->key_count; k++) {
		bool known = find_number(signer, k, signer->keys[k], &signer->key_ids[k]);
		for (size_t i = 0; i < policy->signer_count && !known; i++) {
			const struct policy_signer *other = &policy->signers[i];
			known = find_number(other, other->key_count, signer->keys[k], &signer->key_ids[k]);
			policy->shares_keys = policy->shares_keys || known;
		}
		if (!known)
			signer->key_ids[k] = (*next)++;
	}
}

static int read_signers(struct image_policy *policy, const json_t *signers, struct err *err)
{
	unsigned next = 0, rings = 0;
	char path[POLICY_PLACE_MAX];
	json_t *item = NULL;
	size_t i = 0;

	if (!json_array_size(signers))
		return err_set(err, ERR_FORMAT, PATH ".signers: name at least one");
	json_array_foreach (signers, i, item) {
		struct policy_signer *signer = &policy->signers[i];
		snprintf(path, sizeof(path), PATH ".signers[%zu]", i);
		if (read_signer(item, path, policy, signer, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(policy->signers[j].name, signer->name))
				return err_set(err, ERR_FORMAT, "%s.name: there are two signers '%s'", path,
						signer->name);
		number_keys(policy, signer, &next);
		policy->signer_count++;
		rings += signer->ring != NULL;
	}
	/* what is in a ring is known by fingerprint alone, when a signature was verified */
	policy->shares_keys = policy->shares_keys || rings > 1;
	return 0;
}

static int read_at_least(struct image_policy *policy, const json_t *object, struct err *err)
{
	int64_t at_least = (int64_t)policy->signer_count;
	size_t required = 0;

	if (json_opt_int(object, PATH, "atLeast", 1, IMAGEPOLICY_SIGNERS_MAX, &at_least, err) < 0)
		return -1;
	for (size_t i = 0; i < policy->signer_count; i++)
		required += policy->signers[i].required;
	policy->at_least = (size_t)at_least;
	if (policy->at_least > policy->signer_count)
		return err_set(err, ERR_FORMAT, PATH ".atLeast: %zu is more than there are signers (%zu)",
				policy->at_least, policy->signer_count);
	if (policy->at_least < required)
		return err_set(err, ERR_FORMAT,
				PATH ".atLeast: %zu is less than there are required signers (%zu)",
				policy->at_least, required);
	return 0;
}

int policy_read_signatures(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "atLeast", "signers", NULL };
	json_t *object = NULL, *signers = NULL;

	if (json_opt_object(policy->spec, "spec", "signatures", &object, err) < 0)
		return -1;
	if (!object)
		return 0;
	if (json_only_keys(object, PATH, known, err) < 0 ||
			json_opt_array(object, PATH, "signers", IMAGEPOLICY_SIGNERS_MAX, &signers, err) < 0 ||
			read_signers(policy, signers, err) < 0)
		return -1;
	return read_at_least(policy, object, err);
}
