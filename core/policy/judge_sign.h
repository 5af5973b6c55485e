/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of policy/judge_signatures share; nobody else includes this. */
#ifndef COCOON_POLICY_JUDGE_SIGN_H
#define COCOON_POLICY_JUDGE_SIGN_H

#include "policy/cosign.h"
#include "policy/judge_own.h"
#include "policy/simple.h"

/* What one judgement may cost, in the units of judge_spend(): whoever may write to a repository may attach very much to an
 * image. What is beyond makes the verdict unknown. */
#define SIGN_COST_MAX         2048U
#define SIGN_COST_KEY         1U
#define SIGN_COST_SLOW        8U   /* P-384, P-521 */
#define SIGN_COST_SIMPLE      8U   /* a GPG message */
#define SIGN_BYTES_UNIT       8192 /* of a payload, to be read */
#define SIGN_CREDENTIALS_MAX  IMAGEPOLICY_KEYS_MAX
#define SIGN_KEYS_MAX         (IMAGEPOLICY_SIGNERS_MAX * IMAGEPOLICY_KEYS_MAX)
#define SIGN_FINGERPRINTS_MAX (IMAGEPOLICY_SIGNERS_MAX * SIGN_CREDENTIALS_MAX)
#define SIGN_NUMBERS          (SIGN_KEYS_MAX + SIGN_FINGERPRINTS_MAX + 1)

/* Why a signer is not satisfied; the later ones explain more. */
enum sign_cause {
	CAUSE_NONE,       /* no signature; of a flaw: there is none */
	CAUSE_UNREADABLE, /* one that is none */
	CAUSE_KEY,        /* by others alone */
	CAUSE_DIGEST,     /* by the signer, over something else */
	CAUSE_REPOSITORY,
	CAUSE_ANNOTATION,
	CAUSE_LAYOUT,
	CAUSE_KEY_STATE, /* expired, revoked */
	CAUSE_SOURCE,    /* over the plain image */
};

struct sign_flaw {
	enum sign_cause cause;
	char why[640];
};

/* What signatures cover: the index, or platforms one by one. */
struct coverage {
	bool whole;
	bool *platforms;
	size_t covered;
};

/* A key that has signed: a number of policy_signer.key_ids, or behind these one for each fingerprint. */
struct credential {
	unsigned number;
	struct coverage coverage;
};

struct sign_attempt {
	const struct policy_signer *signer;
	struct credential credentials[SIGN_CREDENTIALS_MAX];
	size_t count;
	struct coverage all; /* of all credentials together */
	bool satisfied;
	bool counts;
	bool unknown;   /* there was too much to look at */
	bool open;      /* not satisfied, and not everything was looked at */
	size_t foreign; /* signatures that none of its keys verifies */
	struct sign_flaw flaw;
};

struct sign_claim {
	struct cosign_claim claim;
	char *why; /* it cannot be read */
};

struct sign_look {
	const struct judge_image *judge;
	struct sign_claim **claims; /* one for each signature, read when it is needed */
	struct sign_attempt attempts[IMAGEPOLICY_SIGNERS_MAX];
	unsigned cost;
	char fingerprints[SIGN_FINGERPRINTS_MAX][SIMPLE_FINGERPRINT_MAX];
	unsigned fingerprint_count;
};

/* ---- judge_claim.c: what a signature says, beside what the signer must have said -------------------------- */

/* *out stays when nothing is wrong; `at` is the signature's number. */
void sign_flaw_find(const struct sign_look *look, const struct policy_signer *signer, size_t at,
		const struct cosign_claim *claim, struct sign_flaw *out) __attribute__((nonnull));
/* Keeps it when it explains more than what is there. */
void sign_flaw_keep(struct sign_attempt *attempt, const struct sign_flaw *flaw) __attribute__((nonnull));

/* ---- judge_say.c ----------------------------------------------------------------------------------------- */

/* The findings of a judgement that was not enough: `count` signers count. */
void sign_say(const struct sign_look *look, size_t count, enum finding_kind kind, struct findings *out)
		__attribute__((nonnull));

#endif
