/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ImagePolicy (cocoon.dev/v1alpha1, crds/imagepolicies.yaml) in compiled form. The only code that interprets that
 * resource: webhook, controller and policy-check all use it.
 *
 *     spec:
 *       match:
 *         runtimeClasses: ["kata-qemu-*"]      globs on the RuntimeClass's name; absent: all. Confidential ones alone count
 *         namespaceSelector: {}                absent or {}: all namespaces: what restricts, restricts all
 *         podSelector: {}                      absent or {}: all pods
 *         images: ["registry.example/shop**"] patterns of oci/name.h; absent: all images
 *         exceptImages: []
 *       mode: Enforce                          | Warn | Audit: what a violation does
 *       onUnknown: Deny                        | Warn: what a verdict that could not be reached does. Never allow in silence.
 *                                              Warn is for trying policies out: who may push can bring it about, by the
 *                                              name of a tag that comes later, or by attaching more than is read
 *       templates: Warn                        | Enforce | Ignore: workloads, before they have pods
 *       priority: 0                            whose pin and registry entry count where several policies apply
 *       digest:
 *         require: false                       the image must be named by digest
 *         pin: None                            | Auto | KeepTag | DropTag: the webhook writes the digest (policy/gate.h)
 *         inAgentPolicy: Ignore                | Warn | Deny: the agent policy in the pod's init-data names the digest
 *       encryption:                            absent: not asked for
 *         layers: All                          | Any | Named; at least one layer is encrypted in any case
 *         indexes: [-1]                        with Named: 0 is the lowest layer, -1 the uppermost
 *         plainLayers: ["sha256:…"]            digests that may be plain with All and Named
 *         schemes: ["provider.attestation-agent"]   every recipient must be of one of them; this one is the default
 *         keys: ["kbs:///default/key-*"]       globs (* is anything); the key URI of every key packet, normalised and without
 *                                              its broker, must match one
 *         platforms: ["linux/amd64"]           they are there, and all of these architectures, whatever the variant, are
 *                                              judged, as guests do not look at variants; absent: every platform
 *         guest: confidential-data-hub         | attestation-agent | None: who must be able to read the packets
 *         sameBroker: true                     a key URI that names a broker must name the one of the pod's init-data
 *       signatures:                            absent: not asked for
 *         atLeast: 1                           of the signers; absent: all of them
 *         signers:
 *         - name: build
 *           required: false                    must be among those that count
 *           cosign: { keys: [PEM], layouts: [Tag, Bundle], annotations: {k: v}, identity: Repository | Any, repository: "host/name" }
 *           gpg:    { keys: "armored ring", lookaside: "https://…", identity: RepoDigestOrExact | Exact | Repository }
 *       guest:                                 absent: no prediction
 *         parity: Warn                         | Deny | Ignore: the guest would refuse what is admitted here
 *         policy: "{…}"                        policy.json; absent: what the pod's init-data says
 *         resources: [{uri: "kbs:///…", text: "…"}]   what the guest would fetch: keys, policies, configurations
 *       secrets:                               of the pod as a whole (pod/secrets.h). Every confidential pod is warned of
 *                                              sealed ones that are no good and of plain ones: Warn is that, and what
 *                                              the keys here show; Deny refuses; Ignore adds nothing
 *         sealed: Warn  plain: Warn            | Deny | Ignore
 *         keys: [{kid: "kbs:///…", jwk: "{…}"}]
 *       registries: [policy/registry.h]
 *
 * Policies are not ranked: every policy that applies to an image must be satisfied, so adding one never allows more.
 *
 * A policy that does not compile still counts, so that no image is admitted because its policy is no good: it is `broken`,
 * with the reason, demands nothing that could be looked up, and is violated by every image that it takes (in its mode).
 * Whoever holds an earlier, good form keeps that one instead.
 *
 * Immutable once compiled, counted by references, shared between threads. Keys are parsed once. Bounds are those of the
 * resource's schema, checked again here. Errors: ERR_FORMAT, ERR_LIMIT naming the field.
 */
#ifndef COCOON_POLICY_IMAGEPOLICY_H
#define COCOON_POLICY_IMAGEPOLICY_H

#include "base/span.h"
#include "image/packet.h"
#include "kube/selector.h"
#include "policy/image.h"
#include "policy/registry.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct oci_name;
struct pkey;
struct simple_ring;

#define IMAGEPOLICY_KIND        "ImagePolicy"
#define IMAGEPOLICY_TEXT_MAX    262144 /* of the resource */
#define IMAGEPOLICY_LIST_MAX    256    /* patterns, digests, key globs */
#define IMAGEPOLICY_SIGNERS_MAX 16
#define IMAGEPOLICY_KEYS_MAX    8 /* of a signer */

enum policy_mode { POLICY_ENFORCE, POLICY_WARN, POLICY_AUDIT };
/* What one kind of finding does. */
enum policy_effect { EFFECT_IGNORE, EFFECT_WARN, EFFECT_DENY };
enum policy_templates { TEMPLATES_WARN, TEMPLATES_ENFORCE, TEMPLATES_IGNORE };
enum policy_pin { PIN_NONE, PIN_AUTO, PIN_KEEP_TAG, PIN_DROP_TAG };
enum policy_layers { LAYERS_ALL, LAYERS_ANY, LAYERS_NAMED };
enum cosign_identity { COSIGN_REPOSITORY, COSIGN_ANY };
enum simple_identity { SIMPLE_REPO_DIGEST_OR_EXACT, SIMPLE_EXACT, SIMPLE_REPOSITORY };

#define SIGNER_TAG    1U
#define SIGNER_BUNDLE 2U

struct policy_signer {
	const char *name;
	bool required;
	/* cosign: key_count > 0 */
	struct pkey *keys[IMAGEPOLICY_KEYS_MAX];
	const char *key_texts[IMAGEPOLICY_KEYS_MAX]; /* the PEM, for the guest's policy */
	unsigned char key_digests[IMAGEPOLICY_KEYS_MAX]
				 [IMAGE_KEY_DIGEST]; /* of these texts, for image_proof */
	unsigned key_ids[IMAGEPOLICY_KEYS_MAX]; /* equal ones are the same key, whichever signer has it */
	size_t key_count;
	unsigned layouts; /* SIGNER_* */
	const json_t *annotations;
	enum cosign_identity identity;
	const char *repository; /* that the payload must name instead of the image's own; NULL */
	/* gpg: ring is set */
	struct simple_ring *ring;
	const char *ring_text;
	const char *lookaside;
	enum simple_identity simple;
};

struct policy_encryption {
	enum policy_layers layers;
	const json_t *indexes;      /* integers */
	const json_t *plain_layers; /* texts, or NULL */
	json_t *schemes;            /* texts; the default when none are given */
	const json_t *keys;         /* globs, or NULL for any */
	const json_t *platforms;    /* texts, or NULL for all */
	enum packet_guest guest;    /* PACKET_GUESTS: none is asked for */
	bool same_broker;
};

struct policy_guest {
	enum policy_effect parity;
	const char *policy;      /* text, or NULL */
	const json_t *resources; /* [{uri, text}] or NULL */
};

struct image_policy {
	atomic_uint refs;
	char *name;
	int64_t generation;
	json_t *spec;           /* what texts and lists borrow from */
	unsigned char hash[32]; /* sha256 of the spec, members sorted; of a broken one also of the reason */
	char *broken;           /* NULL, or why it does not compile: every image that it takes violates it */
	/* matching */
	const json_t *runtime_classes;        /* globs, or NULL for all */
	struct selector namespaces, pods;     /* without source: all */
	const json_t *images, *except_images; /* patterns, or NULL */
	int64_t priority;
	/* what violations do */
	enum policy_mode mode;
	enum policy_effect unknown; /* EFFECT_WARN or EFFECT_DENY */
	enum policy_templates templates;
	/* requirements */
	bool require_digest;
	enum policy_pin pin;
	enum policy_effect in_agent_policy;
	bool encrypted; /* encryption is asked for */
	struct policy_encryption encryption;
	struct policy_signer signers[IMAGEPOLICY_SIGNERS_MAX];
	size_t signer_count; /* 0: signatures are not asked for */
	size_t at_least;
	bool shares_keys; /* two signers may be the same: they count once */
	bool predicts;    /* guest is asked for */
	struct policy_guest guest;
	enum policy_effect sealed, plain; /* secrets; EFFECT_WARN where nothing is said */
	const json_t *sealed_keys;        /* [{kid, jwk}] or NULL */
	struct registry_list registries;
};

int image_policy_compile(const json_t *resource, struct image_policy **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/*
 * The form of a resource that does not compile, for the reason `why`: of its members match, mode, templates and priority
 * those that can be read count, the others are as if they were not there. So one whose match cannot be read takes every
 * image of every confidential pod, and one whose mode cannot be read enforces. ERR_FORMAT when it has not even a name.
 */
int image_policy_broken(const json_t *resource, const char *why, struct image_policy **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
struct image_policy *image_policy_ref(struct image_policy *policy) __attribute__((nonnull, returns_nonnull));
void image_policy_unref(struct image_policy *policy);
static inline void image_policy_release(struct image_policy **slot)
{
	image_policy_unref(*slot);
}
#define auto_image_policy __attribute__((cleanup(image_policy_release)))

/*
 * Does it apply to a pod of that RuntimeClass, namespace (its labels; NULL: not known, and then nothing says that it is not
 * meant) and labels? Images come next.
 */
bool image_policy_takes_pod(const struct image_policy *policy, const char *runtime_class,
		const json_t *namespace_labels, const json_t *pod_labels) __attribute__((nonnull(1, 2)));
bool image_policy_takes_image(const struct image_policy *policy, const struct oci_name *name)
		__attribute__((nonnull));

/* Does it ask for anything that the name alone does not tell? A broken one does not. */
bool image_policy_needs_facts(const struct image_policy *policy) __attribute__((nonnull));

/* IMAGE_LOOKED_* that its requirements need. */
unsigned image_policy_looks(const struct image_policy *policy) __attribute__((nonnull));

const char *policy_mode_name(enum policy_mode mode) __attribute__((returns_nonnull));

/* ---- all of them, at one moment ---- */

/* What happens to an image of a confidential pod that no policy takes, where there is any policy at all. */
enum unmatched_images { UNMATCHED_IMAGES_DENY, UNMATCHED_IMAGES_WARN, UNMATCHED_IMAGES_ALLOW };

#define POLICY_SET_MAX 500

/* Immutable, counted by references, shared. Sorted by priority (highest first), then name. */
struct policy_set {
	atomic_uint refs;
	struct image_policy **items;
	size_t count;
	enum unmatched_images unmatched;
};
/* `settings` is the installation's (member unmatchedImages: Deny | Warn | Allow), or NULL. ERR_FORMAT. */
int policy_set_new(const json_t *settings, struct policy_set **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* While it is being made. Takes a reference. ERR_LIMIT, ERR_CONFLICT (the name is there). */
int policy_set_add(struct policy_set *set, struct image_policy *policy, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
struct policy_set *policy_set_ref(struct policy_set *set) __attribute__((nonnull, returns_nonnull));
void policy_set_unref(struct policy_set *set);
static inline void policy_set_release(struct policy_set **slot)
{
	policy_set_unref(*slot);
}
#define auto_policy_set __attribute__((cleanup(policy_set_release)))

#endif
