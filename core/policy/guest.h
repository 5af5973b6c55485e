/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest would decide: image-rs's own rules, quirks included (image-trust.md, 1 to 5), evaluated on the facts
 * that admission has. A prediction: the guest asks the registry again, minutes later.
 *
 *     guest_view      the pod's init-data, as far as images are concerned: broker, policy, registries, agent policy
 *     guest_policy    a policy.json as the guest reads it: one error anywhere makes it unreadable for every image
 *     guest_decide    the verdict on one image, with the guest's own words
 *
 * The signature policy is the one that the guest would load: image_security_policy in the [image] table of cdh.toml, a text,
 * or image_security_policy_uri, which wins and is looked up among the resources that an ImagePolicy lists; nothing is
 * fetched. Without either the guest checks nothing. Without an [image] table the kernel command line decides, which the
 * host writes: that is not known here.
 *
 * Names are those of the guest: struct oci_name holds them as guest_reference() reads them, which keeps the case and the
 * port of a host as they were written, where oci_name_parse() has one form for all spellings.
 *
 * Pure. Bounds: GUEST_POLICY_MAX bytes of JSON. Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_POLICY_GUEST_H
#define COCOON_POLICY_GUEST_H

#include "base/buf.h"
#include "policy/image.h"
#include "policy/judge.h"

#define GUEST_POLICY_MAX ((size_t)1024 * 1024)

/* ---- what the pod's document says (policy/guest_view.c) ---- */

struct guest_view {
	size_t bytes;  /* of the document: what reading it again costs */
	bool image;    /* cdh.toml has an [image] table: the members below are the guest's whole settings */
	char *kbs_url; /* of aa.toml's token_configs.kbs or cdh.toml's kbc; NULL: none */
	char *policy;  /* [image] image_security_policy; NULL */
	char *policy_uri;     /* image_security_policy_uri, which wins; NULL */
	char *sigstore;       /* sigstore_config, the text; NULL */
	char *sigstore_uri;   /* sigstore_config_uri, which wins; NULL */
	json_t *registries;   /* registry_config, the table of image-trust.md 5, which wins; NULL */
	char *registries_uri; /* registry_configuration_uri; NULL */
	char *agent_policy;   /* policy.rego; NULL */
};
/* Of a document's text (initdata/document.h). An entry that is missing is no error. *out is filled or zeroed. */
int guest_view_read(struct span document, struct guest_view *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void guest_view_clear(struct guest_view *view) __attribute__((nonnull));
#define auto_guest_view __attribute__((cleanup(guest_view_clear)))

/* Does the agent policy name one of the image's digests (of the index, of a platform's manifest) outside of comments? */
bool guest_view_names_digest(const struct guest_view *view, const struct image_facts *facts)
		__attribute__((nonnull));

/* ---- names (policy/guest_ref.c) ---- */

/* A reference as the guest reads it: host and repository as written, docker.io/library/ and the tag latest added. */
int guest_reference(const char *text, struct oci_name *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/*
 * Does a name in a signature satisfy a signedIdentity (an object of a readable policy) for a reference? NULL when it
 * does, else the guest's words (static).
 */
const char *guest_identity(const json_t *identity, const struct oci_name *task, const char *signed_as)
		__attribute__((nonnull, warn_unused_result));

/* ---- policy.json (policy/guest_policy.c) ---- */

struct guest_policy {
	json_t *json;
};
/*
 * ERR_FORMAT for what the guest calls "Invalid image policy file". A member that stands there twice is refused, too:
 * of two scopes the guest would take the last, of two other members none.
 */
int guest_policy_parse(struct span text, struct guest_policy *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void guest_policy_clear(struct guest_policy *policy) __attribute__((nonnull));
#define auto_guest_policy __attribute__((cleanup(guest_policy_clear)))

/* The requirements for a reference, never NULL, and the scope that was hit, "default" for none: both borrowed. */
const json_t *guest_policy_find(const struct guest_policy *policy, const struct oci_name *task,
		const char **scope) __attribute__((nonnull, returns_nonnull));

/*
 * What is wrong or dangerous in the text, for people: {"level":"error"|"warning","path":…,"message":…} appended to the
 * array. Errors are what makes the guest refuse everything or one scope always.
 */
void guest_policy_lint(struct span text, json_t *findings) __attribute__((nonnull(2)));

/*
 * The policy.json that makes the guest demand what an ImagePolicy demands, as far as the guest can; what it cannot is
 * said in `notes` (texts). Keys are written as keyData, or as keyPath kbs:///… where `resources` lists their text.
 */
int guest_policy_write(const struct image_policy *policy, struct buf *out, json_t *notes, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* ---- the verdict (policy/guest_decide.c, guest_tasks.c) ---- */

enum guest_verdict { GUEST_ACCEPTS, GUEST_REFUSES, GUEST_UNKNOWN };

/*
 * `text` is the image as the pod has it, which the guest gets unchanged; NULL: as `name` formats. `view` may be NULL (no
 * init-data: the guest's image decides, unknown, unless the settings have a policy). `why` gets the guest's words and
 * ours; for GUEST_ACCEPTS, which scope and what was checked.
 *
 * The references that the guest may try (mirrors, remaps) are judged each, and all must be accepted: which of them
 * answers first is not in anybody's hand. GUEST_UNKNOWN when none is refused, but something cannot be known here.
 *
 * A pod brings its own policy.json, which may ask for thousands of keys, and its image hundreds of signatures. `left` is
 * what all of it may cost, in units of about 100 us, and becomes less by what it did; NULL: GUEST_COST_MAX. What is
 * beyond is GUEST_UNKNOWN.
 */
#define GUEST_COST_MAX 2048U
enum guest_verdict guest_decide(const struct policy_guest *settings, const struct guest_view *view,
		const char *text, const struct oci_name *name, const struct image_facts *facts,
		unsigned *left, struct buf *why) __attribute__((nonnull(1, 4, 5, 7)));
/* What one look at the settings costs, in these units: for who asks for the form of a pin. */
unsigned guest_cost(const struct policy_guest *settings, const struct guest_view *view);

/*
 * Where the guest would pull a reference from, in its order (image-trust.md 5): at most GUEST_TASKS_MAX. `name` is as of
 * guest_reference(). ERR_FORMAT: a configuration that the guest cannot use; ERR_DENIED: blocked; ERR_LIMIT.
 */
#define GUEST_TASKS_MAX 32
struct guest_task {
	struct oci_name name;
	bool plain_http;
};
int guest_tasks(const json_t *registries, const struct oci_name *name, struct guest_task *out, size_t *count,
		struct err *err) __attribute__((nonnull(2, 3, 4), warn_unused_result));

/*
 * The form in which an image may be pinned without the guest refusing it (image-trust.md 6): PIN_KEEP_TAG, PIN_DROP_TAG,
 * or PIN_NONE when the guest's rule for it takes no digest at all; `why` says. `text` as above.
 */
enum policy_pin guest_pin_form(const struct policy_guest *settings, const struct guest_view *view,
		const char *text, const struct oci_name *name, struct buf *why)
		__attribute__((nonnull(4, 5)));

#endif
