/* SPDX-License-Identifier: Apache-2.0 */
/* signedBy, GPG simple signing, as the guest checks it (image-trust.md, 3.2). */
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest_own.h"
#include "policy/simple.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define REJECTED "Image policy rejected: Denied by policy: rejected by `signedBy` rule"

/* ---- the keys ---- */

/* Here keyData is base64, of a ring that is binary or armored. */
static enum guest_verdict parse_ring(
		const struct guest_case *one, const char *text, bool encoded, struct simple_ring **out)
{
	auto_buf struct buf decoded = BUF_MAX(SIMPLE_RING_MAX);
	struct span bytes = span_of(text);
	struct err err = ERR_NONE;

	if (!guest_spend(one->left, GUEST_COST_RING + (unsigned)(bytes.len / GUEST_RING_UNIT)))
		return guest_too_much(one->why);
	if (encoded && b64_decode(bytes, &decoded, &err) < 0)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED ": keyData is no base64 of a key ring (here, unlike sigstoreSigned, "
					 "it has to "
					 "be): %s",
				err.text);
	if (encoded)
		bytes = buf_span(&decoded);
	if (simple_ring_parse(bytes, out, &err) < 0)
		return guest_say(one->why, GUEST_REFUSES, REJECTED " (Failed to parse public key ring): %s",
				err.text);
	return GUEST_ACCEPTS;
}

static enum guest_verdict find_ring(
		const struct guest_case *one, const json_t *requirement, struct simple_ring **out)
{
	const char *path = json_text_at(requirement, "keyPath", NULL);
	const char *data = json_text_at(requirement, "keyData", NULL);
	enum guest_verdict verdict = GUEST_ACCEPTS;

	if (strcmp(json_text_at(requirement, "keyType", NULL), "GPGKeys") != 0)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED " (Unknown key type in policy config: only support GPGKeys now.)");
	if (!path == !data)
		return guest_say(one->why, GUEST_REFUSES, REJECTED " (%s)",
				path ? "Both keyPath and keyData specified."
				     : "Neither keyPath or keyData specified.");
	if (data)
		return parse_ring(one, data, true, out);
	data = guest_key_text(one, "signedBy", path, &verdict);
	return data ? parse_ring(one, data, false, out) : verdict;
}

/* ---- where the guest looks ---- */

struct place {
	const json_t *docker;
	const char *base;
};

static bool hits(void *ctx, const char *scope)
{
	struct place *place = ctx;

	place->base = json_text_at(place->docker, scope, "sigstore", NULL);
	return place->base != NULL;
}

/* Namespaces are looked up as the policy's scopes are. */
static enum guest_verdict find_base(const struct guest_case *one, const char **base)
{
	const struct guest_settings *settings = one->settings;
	struct place place = { .docker = json_object_get(settings->sigstore, "docker") };

	if (!settings->sigstore_known)
		return guest_say(one->why, GUEST_UNKNOWN,
				"`signedBy`: the guest's lookaside configuration%s%s is not known here",
				settings->sigstore_uri ? ", not listed in spec.guest.resources: " : "",
				settings->sigstore_uri ? settings->sigstore_uri : "");
	if (!settings->sigstore)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED
				" (Simple Signing Sigstore Config not set): give sigstore_config in the "
				"[image] table of cdh.toml");
	if (!guest_scopes(one->task, hits, &place))
		place.base = json_text_at(settings->sigstore, "default-docker", "sigstore", NULL);
	if (!place.base)
		return guest_say(one->why, GUEST_REFUSES, REJECTED " (The sigstore base url is none)");
	if (strncmp(place.base, "file://", 7) != 0)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED
				" (HTTP support for signature stores is not implemented.): the guest reads "
				"file:// alone, and the configuration says %s",
				place.base);
	*base = place.base;
	return GUEST_ACCEPTS;
}

/* ---- one platform ---- */

/* The guest does not look at the time; admission's reader has to be given one: the last that OpenPGP knows. */
#define ANY_TIME UINT32_MAX

/*
 * The primary key of a ring's entry alone; expiry, revocation and the hash are not looked at. The digest is the
 * platform's: an index's is not considered. Admission's reader of messages is stricter about weak and odd ones than the
 * guest's: its words are shown.
 */
static int judge_one(const struct guest_case *one, const json_t *identity, struct simple_ring *ring,
		const struct image_signature *signature, const char *digest, struct err *err)
{
	static const char none[] = "signature verify failed! There is no pubkey can verify the signature!";
	auto_simple_signer struct simple_signer signer = { .fingerprint = "" };
	auto_guest_claim struct guest_claim claim = GUEST_CLAIM_NONE;
	struct err cause = ERR_NONE;
	const char *failed;

	if (signature->problem)
		return err_set(err, ERR_DENIED, "%s (%s)", none, signature->problem);
	if (simple_verify(ring, signature->payload, ANY_TIME, &signer, &cause) < 0)
		return err_set(err, ERR_DENIED, "%s (%s)", none, cause.text);
	if (signer.subkey)
		return err_set(err, ERR_DENIED, "%s (it was made by a subkey)", none);
	if (guest_claim_read(buf_span(&signer.payload), &claim, &cause) < 0)
		return err_set(err, ERR_DENIED, "the payload: %s", cause.text);
	failed = guest_identity(identity, one->task, claim.reference);
	if (failed)
		return err_set(err, ERR_DENIED, "%s", failed);
	if (strcmp(claim.digest, digest) != 0)
		return err_set(err, ERR_DENIED, "SigPayload's manifest digest does not match, it is %.136s",
				claim.digest);
	return 0;
}

/*
 * Files of the guest's own disk: known here only where admission has read the same file:// store. All files of the folder
 * count, whatever their names; admission sees signature-1 and so on.
 */
static enum guest_verdict judge_platform(const struct guest_case *one, const json_t *identity,
		struct simple_ring *ring, const char *base, const char *digest)
{
	auto_buf struct buf folder = BUF_MAX(2 * GUEST_POLICY_MAX);
	struct err why = ERR_NONE;
	const char *never;
	bool known = false;

	buf_printf(&folder, "%s/%s@%.*s=%s/", base, one->task->repository, (int)strcspn(digest, ":"), digest,
			digest + strcspn(digest, ":") + 1);
	for (size_t i = 0; i < one->facts->signature_count; i++) {
		const struct image_signature *signature = &one->facts->signatures[i];

		if (signature->layout != IMAGE_SIG_SIMPLE ||
				!span_starts(span_of(signature->place), buf_text(&folder)))
			continue;
		known = true;
		if (!guest_spend(one->left,
				    GUEST_COST_SLOW + (unsigned)(signature->payload.len / GUEST_CLAIM_UNIT)))
			return guest_too_much(one->why);
		if (judge_one(one, identity, ring, signature, digest, &why) == 0)
			return GUEST_ACCEPTS;
	}
	if (known)
		return guest_say(one->why, GUEST_REFUSES,
				REJECTED " (The signatures do not satisfied! Reject reason: [%s])", why.text);
	never = guest_identity_never(identity, one->task);
	if (never)
		return guest_say(one->why, GUEST_REFUSES, REJECTED " (The signatures do not satisfied!): %s",
				never);
	return guest_say(one->why, GUEST_UNKNOWN,
			"`signedBy`: the guest reads signatures of files of its own, %s; what is there is "
			"not known "
			"here",
			buf_text(&folder));
}

/* The guest has one of the platforms: which one is not known where they differ. */
static enum guest_verdict judge_platforms(const struct guest_case *one, const json_t *identity,
		struct simple_ring *ring, const char *base)
{
	const struct image_facts *facts = one->facts;
	enum guest_verdict verdict = GUEST_ACCEPTS, next;

	if (!facts->platform_count)
		return guest_say(one->why, GUEST_UNKNOWN, "`signedBy`: the image has no platform that runs");
	for (size_t i = 0; i < facts->platform_count; i++) {
		next = judge_platform(one, identity, ring, base, facts->platforms[i].digest);
		if (i && next != verdict)
			return guest_say(one->why, GUEST_UNKNOWN,
					"`signedBy`: the platforms of the image differ, %s from the others",
					facts->platforms[i].name);
		verdict = next;
	}
	return verdict;
}

enum guest_verdict guest_simple(const struct guest_case *one, const json_t *requirement)
{
	auto_json json_t *standard = json_pack("{s:s}", "type", "matchRepoDigestOrExact");
	const json_t *identity = json_object_get(requirement, "signedIdentity");
	auto_simple_ring struct simple_ring *ring = NULL;
	enum guest_verdict verdict;
	const char *base = NULL;

	verdict = find_ring(one, requirement, &ring);
	if (verdict == GUEST_ACCEPTS)
		verdict = find_base(one, &base);
	if (verdict != GUEST_ACCEPTS)
		return verdict;
	assert(ring && base);
	return judge_platforms(one, json_is_object(identity) ? identity : standard, ring, base);
}
