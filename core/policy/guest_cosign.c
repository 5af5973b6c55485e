/* SPDX-License-Identifier: Apache-2.0 */
/* sigstoreSigned as the guest checks it (image-trust.md, 3.1). */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "policy/cosign.h"
#include "policy/guest_own.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What people see; the reason in brackets goes to the guest's log. */
#define REJECTED "Image policy rejected: Denied by policy: rejected by `sigstoreSigned` rule"

/* ---- before any network access ---- */

/* Rust's debug form of a rule, as the guest's log has it. */
static void show_identity(const char *type, const json_t *identity, struct buf *out)
{
	if (strcmp(type, "exactReference") == 0)
		buf_printf(out, "ExactReference { docker_reference: \"%s\" }",
				json_text_at(identity, "dockerReference", NULL));
	else if (strcmp(type, "remapIdentity") == 0)
		buf_printf(out, "RemapIdentity { prefix: \"%s\", signed_prefix: \"%s\" }",
				json_text_at(identity, "prefix", NULL),
				json_text_at(identity, "signedPrefix", NULL));
	else
		buf_puts(out, strcmp(type, "matchExact") == 0 ? "MatchExact" : "MatchRepoDigestOrExact");
}

static enum guest_verdict check_rule(const struct guest_case *one, const json_t *identity)
{
	const char *type = json_text_at(identity, "type", NULL);
	auto_buf struct buf shown = BUF_MAX(GUEST_POLICY_MAX);

	if (!type || strcmp(type, "matchRepository") == 0 || strcmp(type, "exactRepository") == 0)
		return GUEST_ACCEPTS;
	show_identity(type, identity, &shown);
	return guest_say(one->why, GUEST_REFUSES,
			REJECTED
			" (Denied by %s): with sigstoreSigned the guest takes signedIdentity matchRepository "
			"and exactRepository alone",
			buf_text(&shown));
}

/* ---- the key ---- */

int guest_key_parse(const char *text, struct pkey **out, struct err *err)
{
	static const char begin[] = "-----BEGIN PUBLIC KEY-----", end[] = "-----END PUBLIC KEY-----";
	const char *from = strstr(text, "-----BEGIN "), *to;
	auto_pkey struct pkey *key = NULL;

	if (!from || strncmp(from, begin, strlen(begin)) != 0)
		return err_set(err, ERR_FORMAT, "it is not a PEM text of a PUBLIC KEY%s",
				from ? ""
				     : " (keyData of sigstoreSigned is the PEM itself, not base64 of it)");
	to = strstr(from, end);
	if (!to)
		return err_set(err, ERR_FORMAT, "the PEM text has no end");
	if (pkey_parse(span_new(from, (size_t)(to - from) + strlen(end)), NULL, &key, err) < 0)
		return -1;
	/* admission takes P-521, the guest's library does not have it */
	if (pkey_kind(key) == PKEY_P521)
		return err_set(err, ERR_FORMAT, "the guest has no P-521: sign with a key on P-256 or P-384");
	*out = take(&key);
	return 0;
}

/* Exactly one of keyPath and keyData. */
static enum guest_verdict find_key(const struct guest_case *one, const json_t *requirement, struct pkey **out)
{
	const char *path = json_text_at(requirement, "keyPath", NULL);
	const char *text = json_text_at(requirement, "keyData", NULL);
	enum guest_verdict verdict = GUEST_ACCEPTS;
	struct err err = ERR_NONE;

	if (!path == !text)
		return guest_say(one->why, GUEST_REFUSES, REJECTED " (%s)",
				path ? "Both keyPath and keyData are specified."
				     : "Neither keyPath nor keyData is specified.");
	if (path)
		text = guest_key_text(one, "sigstoreSigned", path, &verdict);
	if (!text)
		return verdict;
	if (guest_key_parse(text, out, &err) < 0)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED " (failed to build public key verifier): %s", err.text);
	return GUEST_ACCEPTS;
}

/* ---- the signatures ---- */

struct seen {
	size_t layers;     /* found under the digest's tag */
	size_t candidates; /* of them, that are about the digest */
	size_t bundles;
	size_t platforms;   /* under the tags of the index's platforms, where the guest does not look */
	const char *unread; /* why a layer could not be read here */
	bool verified;
	bool too_much;      /* to look at all of it */
	const char *failed; /* an identity that does not fit: the guest's words */
	char foreign[512];  /* the name in it */
};

static unsigned cost_of(const struct pkey *key, const struct image_signature *signature)
{
	return (pkey_kind(key) == PKEY_P384 ? GUEST_COST_SLOW : GUEST_COST_KEY) +
			(unsigned)(signature->payload.len / GUEST_CLAIM_UNIT);
}

/*
 * A layer that is about another digest is dropped; of the others one must verify, and all, verified or not, must have an
 * identity that fits. Their digest is then the platform's or the index's, for it is the one that was resolved.
 */
static void look_at(const struct guest_case *one, const json_t *identity, const struct pkey *key,
		const struct image_signature *signature, struct seen *seen)
{
	auto_guest_claim struct guest_claim claim = GUEST_CLAIM_NONE;
	const char *failed;

	seen->layers++;
	if (!guest_spend(one->left, cost_of(key, signature))) {
		seen->too_much = true;
		return;
	}
	if (signature->problem)
		seen->unread = signature->problem;
	if (signature->problem || guest_claim_read(signature->payload, &claim, NULL) < 0 ||
			strcmp(claim.digest, one->facts->digest) != 0)
		return;
	seen->candidates++;
	if (signature->signature_count &&
			cosign_verify_bytes(key, signature->payload, signature->signatures[0], NULL) == 0)
		seen->verified = true;
	failed = json_is_object(identity) ? guest_identity(identity, one->task, claim.reference) : NULL;
	if (!failed || seen->failed)
		return;
	seen->failed = failed;
	snprintf(seen->foreign, sizeof(seen->foreign), "%s", claim.reference);
}

static bool is_platform(const struct image_facts *facts, const char *digest)
{
	for (size_t i = 0; facts->index && i < facts->platform_count; i++)
		if (!strcmp(facts->platforms[i].digest, digest))
			return true;
	return false;
}

static void look(const struct guest_case *one, const json_t *identity, const struct pkey *key,
		struct seen *seen)
{
	const struct image_facts *facts = one->facts;

	for (size_t i = 0; i < facts->signature_count && !seen->too_much; i++) {
		const struct image_signature *signature = &facts->signatures[i];

		if (signature->layout == IMAGE_SIG_BUNDLE)
			seen->bundles++;
		else if (signature->layout == IMAGE_SIG_TAG && !strcmp(signature->subject, facts->digest))
			look_at(one, identity, key, signature, seen);
		else if (signature->layout == IMAGE_SIG_TAG && is_platform(facts, signature->subject))
			seen->platforms++;
	}
}

static enum guest_verdict none_found(const struct guest_case *one, const struct seen *seen)
{
	const char *digest = one->facts->digest;

	if (seen->layers)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED
				": none of the %zu signatures under the image's tag .sig is about %s",
				seen->layers, digest);
	if (seen->bundles)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED ": signed by a bundle alone (cosign 3's layout): the guest will not "
					 "find it, it "
					 "looks for the tag sha256-….sig; sign with cosign sign "
					 "--use-signing-config=false --new-bundle-format=false");
	if (seen->platforms)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED
				": only platforms of the index are signed: the guest looks for the signature "
				"of %s itself",
				digest);
	return guest_say(one->why, GUEST_REFUSES,
			REJECTED ": the guest finds no signature of %s (tag sha256-….sig)", digest);
}

static enum guest_verdict judge(const struct guest_case *one, const struct seen *seen)
{
	if (!seen->candidates)
		return none_found(one, seen);
	if (!seen->verified)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED ": the key verifies none of the %zu signatures that are about %s",
				seen->candidates, one->facts->digest);
	if (seen->failed)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED " (%s): a signature names '%s'; the guest demands it of all %zu "
					 "signatures of the "
					 "image, whoever made them",
				seen->failed, seen->foreign, seen->candidates);
	/* the guest reads it, or fails to; its name would have to fit as well */
	if (seen->unread)
		return guest_say(one->why, GUEST_UNKNOWN,
				"one more signature under the image's tag .sig could not be read here: %s",
				seen->unread);
	return GUEST_ACCEPTS;
}

/* The facts are of the place that the pod names; a signature that names that one does not fit a mirror. */
static enum guest_verdict not_there(const struct guest_case *one, const json_t *identity)
{
	const char *type = json_text_at(identity, "type", NULL);
	char repository[GUEST_REPOSITORY_MAX];

	guest_repository(one->task, repository);
	return guest_say(one->why, GUEST_UNKNOWN,
			"`sigstoreSigned`: the guest looks for signatures where it pulls from; what %s has "
			"is not known "
			"here%s",
			repository,
			type && strcmp(type, "matchRepository") == 0
					? " (with matchRepository they have to name just that repository)"
					: "");
}

enum guest_verdict guest_cosign(const struct guest_case *one, const json_t *requirement)
{
	const json_t *identity = json_object_get(requirement, "signedIdentity");
	struct seen seen = { .layers = 0 };
	auto_pkey struct pkey *key = NULL;
	enum guest_verdict verdict;

	verdict = check_rule(one, identity);
	if (verdict == GUEST_ACCEPTS)
		verdict = find_key(one, requirement, &key);
	if (verdict != GUEST_ACCEPTS)
		return verdict;
	assert(key);
	if (one->elsewhere)
		return not_there(one, identity);
	if (!(one->facts->looked & IMAGE_LOOKED_TAG))
		return guest_say(one->why, GUEST_UNKNOWN, "signatures of the tag .sig were not looked for");
	if (one->facts->more)
		return guest_say(one->why, GUEST_UNKNOWN,
				"more is attached to the image than was read: the guest reads all of it");
	look(one, identity, key, &seen);
	return seen.too_much ? guest_too_much(one->why) : judge(one, &seen);
}
