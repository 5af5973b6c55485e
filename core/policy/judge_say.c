/* SPDX-License-Identifier: Apache-2.0 */
/* The words for signatures that are not enough. */
#include "policy/judge_sign.h"

#include <stdio.h>
#include <string.h>

/* What to do about a cause. `again` is the image by digest. */
static void remedy(const struct sign_look *look, const struct sign_attempt *attempt, char *out, size_t room)
{
	const struct image_facts *facts = look->judge->facts;
	const struct judge_digest digest = judge_digest(facts->digest);

	switch (attempt->flaw.cause) {
	case CAUSE_SOURCE:
		snprintf(out, room, "sign %s, which is after encrypting", digest.text);
		return;
	case CAUSE_ANNOTATION:
		snprintf(out, room, "sign %s with the annotations of the policy", digest.text);
		return;
	case CAUSE_LAYOUT:
		snprintf(out, room, "sign %s in that layout", digest.text);
		return;
	case CAUSE_KEY_STATE:
		snprintf(out, room, "sign %s with a key that is valid", digest.text);
		return;
	case CAUSE_NONE:
	case CAUSE_UNREADABLE:
	case CAUSE_KEY:
	case CAUSE_DIGEST:
	case CAUSE_REPOSITORY:
		break;
	}
	snprintf(out, room, "sign %.256s/%.256s@%s with %s", facts->host, facts->repository, digest.text,
			attempt->signer->ring ? "a key of its ring" : "one of its keys");
}

/* The platform that nothing covers, of an index of which a part is signed. */
static const struct image_platform *left_out(const struct sign_look *look, const struct sign_attempt *attempt)
{
	const struct image_facts *facts = look->judge->facts;

	for (size_t i = 0; attempt->all.platforms && i < facts->platform_count; i++)
		if (!attempt->all.platforms[i])
			return &facts->platforms[i];
	return NULL;
}

/* Nothing is missing for certain. */
static void say_open(const struct sign_look *look, const struct sign_attempt *attempt, enum finding_kind kind,
		const char *rule, struct findings *out)
{
	const char *known =
			attempt->flaw.cause > CAUSE_KEY ? attempt->flaw.why : "no signature of its was found";
	const char *why = "but not everywhere was looked; try again";

	if (attempt->unknown)
		why = "and there are more signatures than are tried; remove those that nobody needs";
	else if (look->judge->facts->more)
		why = "and more is attached to the image than is read; remove what nobody needs";
	findings_add(out, kind, rule, "%s, %s", known, why);
}

static void say_signer(const struct sign_look *look, const struct sign_attempt *attempt,
		enum finding_kind kind, struct findings *out)
{
	const struct image_facts *facts = look->judge->facts;
	const struct image_platform *missing = left_out(look, attempt);
	char rule[128], what[640];

	snprintf(rule, sizeof(rule), "signatures.signers[%.80s]", attempt->signer->name);
	remedy(look, attempt, what, sizeof(what));
	if (attempt->satisfied)
		findings_add(out, kind, rule,
				"has signed with the key of another signer, and one key counts once; sign "
				"with "
				"a key of its own");
	else if (attempt->open)
		say_open(look, attempt, kind, rule, out);
	else if (missing)
		findings_add(out, kind, rule,
				"%s (%s) is not signed, nor is the index; sign the index %s, which covers "
				"all "
				"its platforms",
				missing->name[0] ? missing->name : "a platform",
				judge_digest(missing->digest).text, judge_digest(facts->digest).text);
	else if (attempt->flaw.cause > CAUSE_KEY || (attempt->flaw.cause && !attempt->foreign))
		findings_add(out, kind, rule, "%s; %s", attempt->flaw.why, what);
	else if (attempt->foreign)
		findings_add(out, kind, rule, "%zu signature%s found, none of %s is by its keys; %s",
				attempt->foreign, attempt->foreign > 1 ? "s were" : " was",
				attempt->foreign > 1 ? "them" : "which", what);
	else
		findings_add(out, kind, rule, "no signature was found for %s%s%.200s; %s",
				judge_digest(facts->digest).text, attempt->signer->lookaside ? " at " : "",
				attempt->signer->lookaside ? attempt->signer->lookaside : "", what);
}

void sign_say(const struct sign_look *look, size_t count, enum finding_kind kind, struct findings *out)
{
	const struct image_policy *policy = look->judge->policy;

	if (policy->at_least < policy->signer_count)
		findings_add(out, kind, "signatures.atLeast",
				"%zu of %zu signers %s signed %s; %zu are needed", count,
				policy->signer_count, count == 1 ? "has" : "have",
				judge_digest(look->judge->facts->digest).text, policy->at_least);
	for (size_t i = 0; i < policy->signer_count; i++)
		if (!look->attempts[i].counts)
			say_signer(look, &look->attempts[i], kind, out);
}
