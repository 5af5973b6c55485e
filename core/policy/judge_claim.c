/* SPDX-License-Identifier: Apache-2.0 */
/* What a signature says, beside what the signer of a policy must have said. */
#include "policy/judge_sign.h"

#include "codec/json.h"
#include "oci/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool set_flaw(struct sign_flaw *out, enum sign_cause cause, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));
static bool set_flaw(struct sign_flaw *out, enum sign_cause cause, const char *fmt, ...)
{
	va_list args;

	out->cause = cause;
	va_start(args, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, args);
	va_end(args);
	return true;
}

void sign_flaw_keep(struct sign_attempt *attempt, const struct sign_flaw *flaw)
{
	if (flaw->cause > attempt->flaw.cause)
		attempt->flaw = *flaw;
}

/* ---- digest ---------------------------------------------------------------------------------------------- */

static const char *claimed(const struct cosign_claim *claim)
{
	return claim->digest_count ? claim->digests[0] : "nothing";
}

/* The plain image's digest that the claim covers, or NULL. */
static const char *claimed_source(const struct image_facts *facts, const struct cosign_claim *claim)
{
	if (facts->source && cosign_claims_digest(claim, facts->source))
		return facts->source;
	for (size_t i = 0; i < facts->platform_count; i++) {
		const char *source = facts->platforms[i].source;
		if (source && cosign_claims_digest(claim, source))
			return source;
	}
	return NULL;
}

static bool find_digest_flaw(
		const struct image_facts *facts, const struct cosign_claim *claim, struct sign_flaw *out)
{
	const char *source = claimed_source(facts, claim);

	if (cosign_claims_digest(claim, facts->digest))
		return false;
	for (size_t i = 0; i < facts->platform_count; i++)
		if (cosign_claims_digest(claim, facts->platforms[i].digest))
			return false;
	if (source)
		return set_flaw(out, CAUSE_SOURCE,
				"signed before encryption: the signature covers %s, the plain image that "
				"this "
				"one was encrypted from, not %s",
				judge_digest(source).text, judge_digest(facts->digest).text);
	return set_flaw(out, CAUSE_DIGEST, "a signature of its covers %s, not %s",
			judge_digest(claimed(claim)).text, judge_digest(facts->digest).text);
}

/* ---- repository ------------------------------------------------------------------------------------------ */

static bool same_repository(const struct oci_name *a, const char *host, const char *repository)
{
	return !strcmp(a->host, host) && !strcmp(a->repository, repository);
}

static bool names_repository(
		const struct image_facts *facts, const struct policy_signer *signer, const char *reference)
{
	struct oci_name said, wanted;

	if (oci_name_parse(reference, &said, NULL) < 0)
		return false;
	if (!signer->repository)
		return same_repository(&said, facts->host, facts->repository);
	return oci_name_parse(signer->repository, &wanted, NULL) == 0 &&
			same_repository(&said, wanted.host, wanted.repository);
}

/* containers-policy.json(5): matchExact, matchRepoDigestOrExact, matchRepository, on normal names. */
static bool names_image(const struct oci_name *image, enum simple_identity identity, const char *reference)
{
	struct oci_name said;

	if (oci_name_parse(reference, &said, NULL) < 0 ||
			!same_repository(&said, image->host, image->repository))
		return false;
	if (identity == SIMPLE_REPOSITORY || (identity == SIMPLE_REPO_DIGEST_OR_EXACT && image->digest[0]))
		return true;
	/* a name without a tag is no exact one */
	return !said.default_tag && !strcmp(said.tag, image->tag) && !strcmp(said.digest, image->digest);
}

static bool find_repository_flaw(const struct sign_look *look, const struct policy_signer *signer,
		enum image_layout layout, const struct cosign_claim *claim, struct sign_flaw *out)
{
	const struct oci_name *image = look->judge->name;
	const char *said = claim->reference[0] ? claim->reference : "no repository";
	char whole[OCI_NAME_MAX];

	/* a bundle names none */
	if (layout == IMAGE_SIG_BUNDLE)
		return false;
	oci_name_format(image, whole);
	if (layout == IMAGE_SIG_SIMPLE)
		return !names_image(image, signer->simple, claim->reference) &&
				set_flaw(out, CAUSE_REPOSITORY,
						"a signature of its names %.200s, not %.300s: it was made "
						"for another image",
						said, whole);
	if (signer->identity == COSIGN_ANY || names_repository(look->judge->facts, signer, claim->reference))
		return false;
	snprintf(whole, sizeof(whole), "%s/%s", image->host, image->repository);
	return set_flaw(out, CAUSE_REPOSITORY,
			"a signature of its names %.200s, not %.300s: it was made for another repository",
			said, signer->repository ? signer->repository : whole);
}

/* ---- annotations and layout ------------------------------------------------------------------------------ */

static bool find_annotation_flaw(
		const struct policy_signer *signer, const struct cosign_claim *claim, struct sign_flaw *out)
{
	const char *key = NULL;
	json_t *value = NULL;

	/* the cast is jansson's: its iterator has no const form, and nothing is changed here */
	json_object_foreach ((json_t *)(uintptr_t)signer->annotations, key, value) {
		const char *wanted = json_string_value(value);
		const char *said = json_text_at(claim->annotations, key, NULL);
		if (!said || strcmp(said, wanted) != 0)
			return set_flaw(out, CAUSE_ANNOTATION,
					"a signature of its has %s%.60s%s the annotation %.60s, not '%.60s'",
					said ? "'" : "nothing", said ? said : "", said ? "' as" : " as", key,
					wanted);
	}
	return false;
}

static bool find_layout_flaw(const struct policy_signer *signer, const struct image_signature *signature,
		struct sign_flaw *out)
{
	bool bundle = signature->layout == IMAGE_SIG_BUNDLE;

	if (signature->layout == IMAGE_SIG_SIMPLE ||
			(signer->layouts & (bundle ? SIGNER_BUNDLE : SIGNER_TAG)))
		return false;
	return set_flaw(out, CAUSE_LAYOUT, "a signature of its is there %s, and the policy takes %s alone",
			bundle ? "as a bundle" : "below a .sig tag", bundle ? "Tag" : "Bundle");
}

void sign_flaw_find(const struct sign_look *look, const struct policy_signer *signer, size_t at,
		const struct cosign_claim *claim, struct sign_flaw *out)
{
	const struct image_signature *signature = &look->judge->facts->signatures[at];
	struct sign_flaw flaw = { .cause = CAUSE_NONE };

	if (find_digest_flaw(look->judge->facts, claim, &flaw) ||
			find_layout_flaw(signer, signature, &flaw) ||
			find_repository_flaw(look, signer, signature->layout, claim, &flaw) ||
			find_annotation_flaw(signer, claim, &flaw))
		*out = flaw;
	else
		out->cause = CAUSE_NONE;
}
