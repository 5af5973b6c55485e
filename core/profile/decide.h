/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every decision on a pod, as a pure function of the catalog and the pod. What admission answers, what the
 * controller patches and what counts as drift are computed here and nowhere else.
 *
 *     decide_mutate    at CREATE: what to inject. Never refuses; what it cannot inject, decide_create refuses
 *     decide_create    at CREATE, after all mutators: is the pod exactly what its profile demands
 *     decide_update    afterwards: protected annotations are frozen, the gate leaves only with them complete
 *     decide_binding   a Binding may not carry protected annotations to its pod
 *     decide_template  a workload's template: warnings early, for people
 *     decide_lift      a gated pod: the patch that gives it its annotations and lifts the gate
 *     decide_state     a pod that runs: injected, drifted, unprotected
 *
 * A profile that generates agent policies gives each workload its own document, from what the controller has prepared
 * (profile/prepared.h). A pod whose policy is not there yet gets the gate instead of init-data, and waits; one for which
 * there can be none is refused, with the reasons.
 *
 * A refusal carries all reasons, one per line, each with the field, the cause and what to do. In a profile of mode
 * Warn reasons become warnings, in Audit audit texts; what concerns the init-data itself is never softened.
 * A template's warnings name the place in it and stay below ADVICE_TEXT_MAX bytes each.
 *
 * Ownership: a decision owns message, warnings, patch, audit and derived (auto_decision); profile is borrowed from the
 * catalog or from derived.
 */
#ifndef COCOON_PROFILE_DECIDE_H
#define COCOON_PROFILE_DECIDE_H

#include "base/buf.h"
#include "pod/view.h"
#include "profile/catalog.h"

enum outcome {
	OUTCOME_PLAIN,     /* not a confidential pod: none of our business */
	OUTCOME_UNMATCHED, /* confidential, and let pass without a profile that could be applied */
	OUTCOME_INJECTED,  /* something was or is to be patched */
	OUTCOME_COMPLETE,  /* all is there as it should be */
	OUTCOME_WAITING,   /* let in behind the gate until its agent policy is prepared */
	OUTCOME_REFUSED,
};

struct decision {
	enum outcome outcome;
	bool allowed;
	struct buf message; /* who is refused, and the reasons */
	size_t reasons;     /* where in the message they begin */
	json_t *warnings;   /* array of texts */
	json_t *patch;      /* JSON Patch array, NULL for none */
	json_t *audit;      /* object of texts: audit annotations */
	const struct profile *
			profile; /* that the pod gets, or NULL; of one that generates: derived, where it can be */
	struct profile *derived; /* holds it */
	/* of a pod whose profile generates */
	char key[AGENT_KEY_LEN + 1]; /* what its agent policy is looked up by; "" when there can be none */
	bool unprepared;             /* nothing is prepared for that key */
};

void decision_init(struct decision *decision) __attribute__((nonnull));
void decision_clear(struct decision *decision) __attribute__((nonnull));
#define auto_decision __attribute__((cleanup(decision_clear)))

/*
 * Refuses for reasons that were found elsewhere, a line each, beside those that are there already. `place`: of a template,
 * NULL for the pod itself.
 */
void decision_deny(struct decision *decision, const struct pod_view *pod, const char *place,
		struct span reasons) __attribute__((nonnull(1, 2)));

/* Each takes a decision fresh from decision_init(). */
void decide_mutate(const struct catalog *catalog, const struct pod_view *pod, struct decision *out)
		__attribute__((nonnull));
void decide_create(const struct catalog *catalog, const struct pod_view *pod, struct decision *out)
		__attribute__((nonnull));

/* `controller`: the request comes from the controller's own account, which may complete a gated pod. */
void decide_update(const struct catalog *catalog, const struct pod_view *before, const struct pod_view *after,
		bool controller, struct decision *out) __attribute__((nonnull));

/* A Binding: its annotations would be copied to the pod, past the freeze. */
void decide_binding(const json_t *binding, struct decision *out) __attribute__((nonnull));

/* `path` is the template's place in `workload`. Always allowed. */
void decide_template(const struct catalog *catalog, const json_t *workload, const struct pod_view *pod,
		const char *path, struct decision *out) __attribute__((nonnull));

/*
 * A pod that carries the gate. Allowed: patch lifts it. Otherwise message says why it has to wait, and `unprepared`
 * whether for its agent policy.
 */
void decide_lift(const struct catalog *catalog, const struct pod_view *pod, struct decision *out)
		__attribute__((nonnull));

enum pod_state {
	POD_PLAIN,       /* not confidential */
	POD_GATED,       /* waits for the controller */
	POD_INJECTED,    /* carries what today's profile gives */
	POD_DRIFTED,     /* carries init-data, but not what today's profile gives */
	POD_UNPROTECTED, /* confidential, and came in without */
};

/*
 * The state of a pod; *profile is the catalog's. `fingerprint` is the sha256 of its init-data document where the annotation itself was not
 * kept, NULL where the annotation is in the view or there is none. `why` gets the reasons of the last two states.
 */
enum pod_state decide_state(const struct catalog *catalog, const struct pod_view *pod,
		const unsigned char *fingerprint, const struct profile **profile, struct buf *why)
		__attribute__((nonnull(1, 2, 4, 5)));

#endif
