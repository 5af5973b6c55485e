/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/judge_own.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/name.h"
#include "policy/guest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX    2048
#define DIGEST_HEAD 12   /* hex digits of a digest that are shown */
#define SEARCH_UNIT 1024 /* bytes of an agent policy, */
#define SEARCHES    16   /* of which so many are searched in 100 us */

/* ---- findings -------------------------------------------------------------------------------------------- */

/* Instead of the last one's text: that, and how many there are besides. */
static void count_more(struct findings *findings)
{
	struct finding *last = &findings->items[findings->count - 1];
	char *mark = findings->more ? strrchr(last->text, '(') : NULL;

	findings->more++;
	if (mark)
		mark[-1] = '\0';
	char *text = xasprintf("%s (and %zu more)", last->text, findings->more);
	free(last->text);
	last->text = text;
}

static bool holds(const struct findings *findings, size_t count, enum finding_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (findings->items[i].kind == kind)
			return true;
	return false;
}

/*
 * The kind decides what becomes of the image, so none is lost: the first of its kind takes the place of one that has
 * others of its own, of which there always is one. The last stays, as its text has the count.
 */
static struct finding *make_room(struct findings *findings, enum finding_kind kind)
{
	size_t at = findings->count - 1;

	if (holds(findings, findings->count, kind))
		return NULL;
	while (at-- > 1)
		if (holds(findings, at, findings->items[at].kind))
			break;
	free(findings->items[at].rule);
	free(findings->items[at].text);
	return &findings->items[at];
}

void findings_add(struct findings *findings, enum finding_kind kind, const char *rule, const char *fmt, ...)
{
	struct finding *place = NULL;
	char text[TEXT_MAX];
	va_list args;

	if (findings->count >= FINDINGS_MAX) {
		place = make_room(findings, kind);
		count_more(findings);
		if (!place)
			return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	span_tidy(text, strlen(text));
	if (!place) {
		findings->items =
				xreallocarray(findings->items, findings->count + 1, sizeof(*findings->items));
		place = &findings->items[findings->count++];
	}
	*place = (struct finding){ .kind = kind, .rule = xstrdup(rule), .text = xstrdup(text) };
}

void findings_clear(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].rule);
		free(findings->items[i].text);
	}
	free(findings->items);
	*findings = (struct findings)FINDINGS_NONE;
}

struct judge_digest judge_digest(const char *digest)
{
	const char *colon = strchr(digest, ':');
	size_t shown = colon ? (size_t)(colon - digest) + 1 + DIGEST_HEAD : DIGEST_HEAD;
	struct judge_digest out;

	snprintf(out.text, sizeof(out.text), "%.*s%s", (int)shown, digest, strlen(digest) > shown ? "…" : "");
	return out;
}

/* ---- cost ------------------------------------------------------------------------------------------------ */

bool judge_spend(const struct judge_image *judge, unsigned cost)
{
	if (!judge->spent)
		return true;
	if (*judge->spent + cost > JUDGE_COST_MAX)
		return false;
	*judge->spent += cost;
	return true;
}

/* ---- digest ---------------------------------------------------------------------------------------------- */

static void judge_required_digest(const struct judge_image *judge, struct findings *out)
{
	const struct oci_name *name = judge->name;

	if (!judge->policy->require_digest || name->digest[0])
		return;
	findings_add(out, FINDING_VIOLATION, "digest.require",
			"the image is named by %s '%s', which may mean another image tomorrow; write "
			"%s/%s@%s",
			name->default_tag ? "the implied tag" : "tag", name->tag, name->host,
			name->repository, judge->facts ? judge->facts->digest : "sha256:…");
}

/* All of the text, for each digest. */
static unsigned search_cost(const struct judge_image *judge)
{
	size_t texts = judge->facts->platform_count + 1, bytes = strlen(judge->guest->agent_policy);

	return (unsigned)(texts * (bytes / SEARCH_UNIT + 1) / SEARCHES) + 1;
}

static void judge_agent_policy(const struct judge_image *judge, struct findings *out)
{
	static const char rule[] = "digest.inAgentPolicy";
	struct judge_digest digest = judge_digest(judge->facts->digest);

	if (judge->policy->in_agent_policy == EFFECT_IGNORE || judge->waits)
		return;
	if (!judge->guest || !judge->guest->agent_policy)
		findings_add(out, FINDING_AGENT, rule,
				"%s, so that the host may start any image in place of %s; give the pod "
				"init-data with an agent policy that names it",
				judge->guest ? "the pod's init-data has no agent policy"
					     : "the pod has no init-data",
				digest.text);
	else if (!judge_spend(judge, search_cost(judge)))
		findings_add(out, FINDING_AGENT, rule,
				"the agent policy in the pod's init-data is too long to be searched for "
				"all images of the pod; write a shorter one");
	else if (!guest_view_names_digest(judge->guest, judge->facts))
		findings_add(out, FINDING_AGENT, rule,
				"the agent policy in the pod's init-data does not name %s: it was made for "
				"another image, and the guest may refuse this one; generate it again",
				digest.text);
}

/* ---- the guest ------------------------------------------------------------------------------------------- */

static void judge_parity(const struct judge_image *judge, struct findings *out)
{
	const struct policy_guest *settings = &judge->policy->guest;
	auto_buf struct buf why = BUF_MAX(TEXT_MAX / 2);
	unsigned most = judge->spent ? JUDGE_COST_MAX - *judge->spent : GUEST_COST_MAX;

	most = most < GUEST_COST_MAX ? most : GUEST_COST_MAX;
	unsigned left = most;
	if (!judge->policy->predicts || settings->parity == EFFECT_IGNORE)
		return;
	enum guest_verdict verdict = guest_decide(
			settings, judge->guest, judge->text, judge->name, judge->facts, &left, &why);
	if (judge->spent)
		*judge->spent += most - left;
	switch (verdict) {
	case GUEST_REFUSES:
		findings_add(out, FINDING_PARITY, "guest.parity", "the guest would refuse the image: %s",
				buf_text(&why));
		break;
	case GUEST_UNKNOWN:
		findings_add(out, FINDING_NOTE, "guest.parity",
				"what the guest would say of the image cannot be foretold: %s",
				buf_text(&why));
		break;
	case GUEST_ACCEPTS:
		break;
	}
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

/* Facts of another image would be a mistake of ours: nothing is concluded from them. */
static bool are_of(const struct image_facts *facts, const struct oci_name *name)
{
	return !strcmp(facts->host, name->host) && !strcmp(facts->repository, name->repository) &&
			(!name->digest[0] || !strcmp(facts->digest, name->digest));
}

void judge_image(const struct judge_image *judge, struct findings *out)
{
	const struct image_policy *policy = judge->policy;

	if (policy->broken) {
		findings_add(out, FINDING_VIOLATION, "policy",
				"the policy is broken, and until it is repaired no image satisfies it: %s",
				policy->broken);
		return;
	}
	judge_required_digest(judge, out);
	if (!image_policy_needs_facts(policy))
		return;
	if (!judge->facts || !are_of(judge->facts, judge->name)) {
		findings_add(out, FINDING_UNKNOWN, "image", "nothing can be said of the image: %s",
				judge->facts                 ? "what was fetched is another one"
						: judge->why ? judge->why
							     : "it could not be fetched");
		return;
	}
	if (policy->encrypted)
		judge_encryption(judge, out);
	if (policy->signer_count)
		judge_signatures(judge, out);
	judge_agent_policy(judge, out);
	judge_parity(judge, out);
}
