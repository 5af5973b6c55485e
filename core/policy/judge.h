/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image against one policy: facts in, findings out. Every requirement is counted: the verdict is that all of them
 * were seen to hold, never that no error was met.
 *
 *     encryption   each platform asked for; each layer that must be encrypted, and at least one, whatever the policy's
 *                  `layers`; each recipient of each encrypted layer
 *     signatures   how many signers have signed this digest (the index, or else every platform), who is missing, and why.
 *                  A key counts once, whoever has it. What may not have been looked at makes it unknown, not violated
 *     digest       named by digest; named in the agent policy
 *     guest        what it would refuse although it is admitted here
 *
 * A finding says the rule, what was found (first cause), and what to do:
 *
 *     encryption.layers: layer 2 of linux/amd64 (sha256:12ab…) is not encrypted; encrypt the image with image-crypt
 *     signatures.signers[build]: signed before encryption: the signature covers sha256:77…, the plain image; sign after …
 *
 * Pure. Bounds: FINDINGS_MAX; a fifth of a second of verifications for one image (policy/judge_sign.h), and JUDGE_COST_MAX
 * for all of a review, as whoever may write to a repository may attach much. Ownership: findings are appended to a
 * caller's list and own their texts.
 */
#ifndef COCOON_POLICY_JUDGE_H
#define COCOON_POLICY_JUDGE_H

#include "policy/image.h"
#include "policy/imagepolicy.h"

struct guest_view;

enum finding_kind {
	FINDING_VIOLATION, /* the policy's mode says what it does */
	FINDING_UNKNOWN,   /* could not be found out: onUnknown says */
	FINDING_PARITY,    /* the guest would decide otherwise */
	FINDING_AGENT,     /* digest.inAgentPolicy */
	FINDING_NOTE,      /* worth a warning in any mode, refuses never */
};

struct finding {
	enum finding_kind kind;
	char *rule; /* "encryption.layers", "signatures.signers[build]" */
	char *text;
};
struct findings {
	struct finding *items;
	size_t count;
	size_t more; /* that were not kept */
};
#define FINDINGS_NONE                                \
	{                                            \
		.items = NULL, .count = 0, .more = 0 \
	}
/* A further one is counted in the last's text, not kept, unless it is the first of its kind: what a policy lets pass
 * must not push out what it does not. */
#define FINDINGS_MAX 64
/* What outside texts must not do to a line of text is undone: base/span.h, span_tidy. */
void findings_add(struct findings *findings, enum finding_kind kind, const char *rule, const char *fmt, ...)
		__attribute__((nonnull(1, 3, 4), format(printf, 4, 5)));
void findings_clear(struct findings *findings) __attribute__((nonnull));
#define auto_findings  __attribute__((cleanup(findings_clear)))

/* What the judgements of one review may cost together, in units of about 100 us. */
#define JUDGE_COST_MAX 8192U

struct judge_image {
	const struct image_policy *policy;
	const struct oci_name *name;
	const char *text;                /* as the pod has it, for the guest; NULL: as the name formats */
	const struct image_facts *facts; /* NULL: not to be had; `why` says */
	const char *why;
	const struct guest_view *guest; /* what the pod's init-data says; NULL: it has none */
	int64_t now;                    /* seconds since 1970, for keys that expire */
	unsigned *spent; /* what the review has cost so far, which grows; NULL: nobody counts */
	bool waits;      /* for its agent policy: gate.h */
};

/*
 * Appends a finding for everything that is not as the policy demands. Of a broken policy that is one violation, with the
 * reason, whatever is known of the image.
 */
void judge_image(const struct judge_image *judge, struct findings *out) __attribute__((nonnull));

/* The parts, for tests. */
void judge_encryption(const struct judge_image *judge, struct findings *out) __attribute__((nonnull));
void judge_signatures(const struct judge_image *judge, struct findings *out) __attribute__((nonnull));

#endif
