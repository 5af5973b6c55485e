/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.signatures: who has signed, and is that enough. Two passes for each signer: signatures that claim what is asked
 * for, until one verifies; and only when none did the others, to be able to say what is wrong with them.
 */
#include "policy/judge_sign.h"

#include "base/alloc.h"
#include "base/err.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "oci/name.h"
#include "policy/simple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- coverage -------------------------------------------------------------------------------------------- */

static bool is_complete(const struct sign_look *look, const struct coverage *coverage)
{
	size_t platforms = look->judge->facts->platform_count;

	return coverage->whole || (platforms && coverage->covered == platforms);
}

/* Adds what the claim covers. */
static void cover(const struct sign_look *look, struct coverage *coverage, const struct cosign_claim *claim)
{
	const struct image_facts *facts = look->judge->facts;

	coverage->whole = coverage->whole || cosign_claims_digest(claim, facts->digest);
	if (!coverage->platforms)
		coverage->platforms = xcalloc(facts->platform_count, sizeof(bool));
	for (size_t i = 0; i < facts->platform_count; i++)
		if (!coverage->platforms[i] && cosign_claims_digest(claim, facts->platforms[i].digest)) {
			coverage->platforms[i] = true;
			coverage->covered++;
		}
}

/* The credential of a number, new where it is; NULL when there are too many of them (of a ring). */
static struct credential *credential_of(struct sign_attempt *attempt, unsigned number)
{
	for (size_t i = 0; i < attempt->count; i++)
		if (attempt->credentials[i].number == number)
			return &attempt->credentials[i];
	if (attempt->count == SIGN_CREDENTIALS_MAX)
		return NULL;
	struct credential *credential = &attempt->credentials[attempt->count++];
	credential->number = number;
	return credential;
}

/* A good signature. */
static void accept(struct sign_look *look, struct sign_attempt *attempt, unsigned number,
		const struct cosign_claim *claim)
{
	struct credential *credential = credential_of(attempt, number);

	if (!credential)
		return;
	cover(look, &credential->coverage, claim);
	cover(look, &attempt->all, claim);
	/* where keys are shared, one key alone must have signed everything: what several did counts for none of them */
	attempt->satisfied = attempt->satisfied || is_complete(look, &credential->coverage) ||
			(!look->judge->policy->shares_keys && is_complete(look, &attempt->all));
}

/* Enough of this signer: further keys would matter only to others who share them. */
static bool is_done(const struct sign_look *look, const struct sign_attempt *attempt)
{
	return attempt->unknown || (attempt->satisfied && !look->judge->policy->shares_keys);
}

static bool may_spend(struct sign_look *look, struct sign_attempt *attempt, unsigned cost)
{
	if (look->cost + cost > SIGN_COST_MAX || !judge_spend(look->judge, cost)) {
		attempt->unknown = true;
		return false;
	}
	look->cost += cost;
	return true;
}

/* ---- cosign ---------------------------------------------------------------------------------------------- */

/* The claim of a signature, read once; when it cannot be, its `why` says so. NULL: there was too much to look at. */
static const struct sign_claim *claim_of(struct sign_look *look, struct sign_attempt *attempt, size_t at)
{
	const struct image_signature *signature = &look->judge->facts->signatures[at];
	struct err err = ERR_NONE;

	if (look->claims[at])
		return look->claims[at];
	if (!may_spend(look, attempt, (unsigned)(signature->payload.len / SIGN_BYTES_UNIT)))
		return NULL;
	struct sign_claim *read = look->claims[at] = xcalloc(1, sizeof(*read));
	if (signature->problem)
		read->why = xstrdup(signature->problem);
	else if (cosign_claim(signature, &read->claim, &err) < 0)
		read->why = xstrdup(err.text);
	return read;
}

static unsigned layout_of(const struct image_signature *signature)
{
	switch (signature->layout) {
	case IMAGE_SIG_TAG:
		return SIGNER_TAG;
	case IMAGE_SIG_BUNDLE:
		return SIGNER_BUNDLE;
	case IMAGE_SIG_SIMPLE:
		break;
	}
	return 0;
}

static unsigned cost_of(const struct pkey *key)
{
	enum pkey_kind kind = pkey_kind(key);

	return kind == PKEY_P384 || kind == PKEY_P521 ? SIGN_COST_SLOW : SIGN_COST_KEY;
}

static bool verifies(const struct policy_signer *signer, size_t k, const struct image_signature *signature)
{
	if (signature->proof && image_proof_has(signature->proof, signer->key_digests[k]))
		return true;
	if (cosign_verify(signature, signer->keys[k], NULL) < 0)
		return false;
	if (signature->proof)
		image_proof_put(signature->proof, signer->key_digests[k]);
	return true;
}

/*
 * Which of the signer's keys verifies it; key_count when none does. What is remembered is paid for all the same: a verdict
 * does not depend on what was asked before.
 */
static size_t verifying_key(
		struct sign_look *look, struct sign_attempt *attempt, const struct image_signature *signature)
{
	const struct policy_signer *signer = attempt->signer;
	size_t k = 0;

	while (k < signer->key_count && may_spend(look, attempt, cost_of(signer->keys[k])) &&
			!verifies(signer, k, signature))
		k++;
	return attempt->unknown ? signer->key_count : k;
}

static void try_good(struct sign_look *look, struct sign_attempt *attempt, size_t at)
{
	const struct image_signature *signature = &look->judge->facts->signatures[at];
	struct sign_flaw flaw = { .cause = CAUSE_NONE };
	const struct sign_claim *read;

	if (!(layout_of(signature) & attempt->signer->layouts))
		return;
	read = claim_of(look, attempt, at);
	if (!read || read->why)
		return;
	sign_flaw_find(look, attempt->signer, at, &read->claim, &flaw);
	if (flaw.cause != CAUSE_NONE)
		return;
	size_t key = verifying_key(look, attempt, signature);
	if (key < attempt->signer->key_count)
		accept(look, attempt, attempt->signer->key_ids[key], &read->claim);
	else
		attempt->foreign++;
}

/* What is wrong with one that cannot count. */
static void explain(struct sign_look *look, struct sign_attempt *attempt, size_t at)
{
	const struct image_signature *signature = &look->judge->facts->signatures[at];
	struct sign_flaw flaw = { .cause = CAUSE_UNREADABLE };
	const struct sign_claim *read;

	if (!layout_of(signature))
		return;
	read = claim_of(look, attempt, at);
	if (!read)
		return;
	if (read->why) {
		snprintf(flaw.why, sizeof(flaw.why), "the signature at %.160s cannot be read: %.240s",
				signature->place, read->why);
		sign_flaw_keep(attempt, &flaw);
		return;
	}
	sign_flaw_find(look, attempt->signer, at, &read->claim, &flaw);
	if (flaw.cause == CAUSE_NONE)
		return;
	if (verifying_key(look, attempt, signature) < attempt->signer->key_count)
		sign_flaw_keep(attempt, &flaw);
	else
		attempt->foreign++;
}

static void attempt_cosign(struct sign_look *look, struct sign_attempt *attempt)
{
	size_t count = look->judge->facts->signature_count;

	for (size_t i = 0; i < count && !is_done(look, attempt); i++)
		try_good(look, attempt, i);
	for (size_t i = 0; i < count && !attempt->satisfied && !attempt->unknown; i++)
		explain(look, attempt, i);
}

/* ---- GPG ------------------------------------------------------------------------------------------------- */

/* Fingerprints have numbers behind those of cosign's keys, the same for all signers. */
static unsigned number_of(struct sign_look *look, const char *fingerprint)
{
	for (unsigned i = 0; i < look->fingerprint_count; i++)
		if (!strcmp(look->fingerprints[i], fingerprint))
			return SIGN_KEYS_MAX + i;
	if (look->fingerprint_count == SIGN_FINGERPRINTS_MAX)
		return SIGN_KEYS_MAX + SIGN_FINGERPRINTS_MAX;
	snprintf(look->fingerprints[look->fingerprint_count], SIMPLE_FINGERPRINT_MAX, "%s", fingerprint);
	return SIGN_KEYS_MAX + look->fingerprint_count++;
}

static void try_message(struct sign_look *look, struct sign_attempt *attempt, size_t at)
{
	const struct image_signature *signature = &look->judge->facts->signatures[at];
	auto_simple_signer struct simple_signer by = { .fingerprint = "" };
	auto_cosign_claim struct cosign_claim claim = { .digest_count = 0 };
	struct sign_flaw flaw = { .cause = CAUSE_NONE };
	struct err err = ERR_NONE;

	if (!may_spend(look, attempt, SIGN_COST_SIMPLE))
		return;
	if (simple_verify(attempt->signer->ring, signature->payload, look->judge->now, &by, &err) < 0) {
		flaw.cause = err.kind == ERR_AUTH ? CAUSE_KEY : CAUSE_UNREADABLE;
		snprintf(flaw.why, sizeof(flaw.why), "the signature at %.160s: %.240s", signature->place,
				err.text);
		sign_flaw_keep(attempt, &flaw);
		return;
	}
	if (cosign_claim_simple(buf_span(&by.payload), &claim, &err) < 0) {
		flaw.cause = CAUSE_UNREADABLE;
		snprintf(flaw.why, sizeof(flaw.why), "what is signed at %.160s cannot be read: %.240s",
				signature->place, err.text);
	} else if (by.expired || by.revoked) {
		flaw.cause = CAUSE_KEY_STATE;
		snprintf(flaw.why, sizeof(flaw.why), "the key %s, or its signature at %.160s, %s",
				by.fingerprint, signature->place, by.revoked ? "is revoked" : "has expired");
	} else {
		sign_flaw_find(look, attempt->signer, at, &claim, &flaw);
	}
	if (flaw.cause != CAUSE_NONE)
		sign_flaw_keep(attempt, &flaw);
	else
		accept(look, attempt, number_of(look, by.fingerprint), &claim);
}

static void attempt_simple(struct sign_look *look, struct sign_attempt *attempt)
{
	const struct image_facts *facts = look->judge->facts;
	struct sign_flaw flaw = { .cause = CAUSE_UNREADABLE };

	for (size_t i = 0; i < facts->signature_count && !is_done(look, attempt); i++) {
		if (facts->signatures[i].layout != IMAGE_SIG_SIMPLE)
			continue;
		if (!facts->signatures[i].problem) {
			try_message(look, attempt, i);
			continue;
		}
		snprintf(flaw.why, sizeof(flaw.why), "the signature at %.160s: %.240s",
				facts->signatures[i].place, facts->signatures[i].problem);
		sign_flaw_keep(attempt, &flaw);
	}
}

/* ---- counting -------------------------------------------------------------------------------------------- */

/* Who holds which credential; a signer that is satisfied by several leaves one to another who has no other. */
struct matching {
	const struct sign_look *look;
	const struct sign_attempt *holders[SIGN_NUMBERS];
	bool seen[SIGN_NUMBERS];
};

static bool match(struct matching *matching, const struct sign_attempt *attempt, unsigned depth)
{
	for (size_t i = 0; i < attempt->count; i++) {
		unsigned number = attempt->credentials[i].number;
		if (matching->seen[number] || !is_complete(matching->look, &attempt->credentials[i].coverage))
			continue;
		matching->seen[number] = true;
		const struct sign_attempt *holder = matching->holders[number];
		/* no deeper than there are signers: each step goes on to another one */
		if (holder && (depth > IMAGEPOLICY_SIGNERS_MAX || !match(matching, holder, depth + 1)))
			continue;
		matching->holders[number] = attempt;
		return true;
	}
	return false;
}

/* Who counts: all who are satisfied, or, where two may be the same, as many as have a key of their own. Required ones
 * go first: who has a key once does not lose it, but for another. */
static size_t count_signers(struct sign_look *look)
{
	const struct image_policy *policy = look->judge->policy;
	struct matching matching = { .look = look };
	size_t count = 0;

	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < policy->signer_count; i++) {
			struct sign_attempt *attempt = &look->attempts[i];
			if (attempt->signer->required != (round == 0) || !attempt->satisfied)
				continue;
			memset(matching.seen, 0, sizeof(matching.seen));
			attempt->counts = !policy->shares_keys || match(&matching, attempt, 0);
			count += attempt->counts;
		}
	return count;
}

/* ---- verdict --------------------------------------------------------------------------------------------- */

/* Was everything looked at that could satisfy the signer? */
static bool is_open(const struct sign_look *look, const struct sign_attempt *attempt)
{
	const struct policy_signer *signer = attempt->signer;
	unsigned needs = (signer->layouts & SIGNER_TAG ? IMAGE_LOOKED_TAG : 0) |
			(signer->layouts & SIGNER_BUNDLE ? IMAGE_LOOKED_REFERRERS : 0) |
			(signer->ring ? IMAGE_LOOKED_SIMPLE : 0);

	return attempt->unknown || look->judge->facts->more || (needs & ~look->judge->facts->looked) != 0;
}

static void conclude(struct sign_look *look, struct findings *out)
{
	const struct image_policy *policy = look->judge->policy;
	size_t count = count_signers(look), open = 0;
	bool enough = count >= policy->at_least, possible = true;

	for (size_t i = 0; i < policy->signer_count; i++) {
		struct sign_attempt *attempt = &look->attempts[i];
		attempt->open = !attempt->counts && is_open(look, attempt);
		open += attempt->open;
		if (attempt->signer->required && !attempt->counts) {
			enough = false;
			possible = possible && attempt->open;
		}
	}
	if (enough)
		return;
	possible = possible && count + open >= policy->at_least;
	sign_say(look, count, possible ? FINDING_UNKNOWN : FINDING_VIOLATION, out);
}

static void look_clear(struct sign_look *look)
{
	for (size_t i = 0; i < look->judge->facts->signature_count; i++) {
		if (!look->claims[i])
			continue;
		cosign_claim_clear(&look->claims[i]->claim);
		free(look->claims[i]->why);
		free(look->claims[i]);
	}
	for (size_t i = 0; i < IMAGEPOLICY_SIGNERS_MAX; i++) {
		for (size_t k = 0; k < look->attempts[i].count; k++)
			free(look->attempts[i].credentials[k].coverage.platforms);
		free(look->attempts[i].all.platforms);
	}
	free(look->claims);
	free(look);
}

void judge_signatures(const struct judge_image *judge, struct findings *out)
{
	const struct image_policy *policy = judge->policy;
	struct sign_look *look = xcalloc(1, sizeof(*look));

	look->judge = judge;
	look->claims = xcalloc(judge->facts->signature_count, sizeof(struct sign_claim *));
	for (size_t i = 0; i < policy->signer_count; i++) {
		look->attempts[i].signer = &policy->signers[i];
		if (policy->signers[i].ring)
			attempt_simple(look, &look->attempts[i]);
		else
			attempt_cosign(look, &look->attempts[i]);
	}
	conclude(look, out);
	look_clear(look);
}
