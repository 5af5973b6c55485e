/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one image, whatever a policy makes of it: its platforms with their layers and who can decrypt
 * them, and the signatures that are attached. Facts, no verdicts: the same for every policy, true for as long as the
 * digest is (signatures may be added).
 *
 *     registry.example/shop/app@sha256:aa…            index
 *       linux/amd64 sha256:bb…   layer 0 plain, layer 1 encrypted to kbs:///default/key/app
 *       linux/arm64 sha256:cc…   …
 *       signature over sha256:aa…, found by the tag .sig: payload, signature, annotations
 *
 * Made by core/facts, judged here. Immutable once made, counted by references, shared between threads. All texts live
 * in the struct's own memory (one arena), so that ten thousand images fit into some tens of MiB.
 *
 * Signatures are kept as they were read: whether a key verifies one is asked later (policy/cosign.h, policy/simple.h).
 * One that cannot even be read is kept with its `problem`, so that a refusal can name it.
 *
 * Bounds: those of oci/manifest.h and oci/attached.h; IMAGE_SIGNATURES_MAX signatures of IMAGE_PAYLOAD_MAX; of a config
 * IMAGE_CONFIG_LIST_MAX members a list (real ones have some dozens), texts of IMAGE_CONFIG_TEXT_MAX, as an argument longer
 * than that starts no program, and IMAGE_CONFIG_BYTES_MAX of all of them.
 */
#ifndef COCOON_POLICY_IMAGE_H
#define COCOON_POLICY_IMAGE_H

#include "base/span.h"
#include "image/packet.h"
#include "oci/name.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct registry_settings;

#define IMAGE_SIGNATURES_MAX   256
#define IMAGE_PAYLOAD_MAX      ((size_t)64 * 1024)

#define IMAGE_CONFIG_LIST_MAX  1024
#define IMAGE_CONFIG_TEXT_MAX  ((size_t)32 * 1024)
#define IMAGE_CONFIG_BYTES_MAX ((size_t)128 * 1024)

/* Who can decrypt a layer: one element of an annotation org.opencontainers.image.enc.keys.<scheme>. */
struct image_recipient {
	const char *scheme;  /* "jwe", "pgp", "pkcs7", "pkcs11", "provider.attestation-agent" */
	const char *key;     /* the KBS URI of a key packet as written; "" for other schemes */
	const char *problem; /* why no guest can read the packet; NULL: well-formed, or of another scheme */
	bool guests[PACKET_GUESTS]; /* which generation of guests reads it */
};

struct image_layer {
	const char *digest;
	const char *media_type;
	uint64_t size;
	bool encrypted; /* by its media type */
	const char *problem; /* encrypted in a form that guests do not read (zstd, docker's types), or without keys, or
	                        with keys and a plain type; NULL: none */
	const struct image_recipient *recipients;
	size_t recipient_count;
};

/* How the image starts (config.config of the OCI image specification); lists end with NULL. */
struct image_config {
	const char *user, *cwd; /* "" where it says none */
	const char *const *env, *const *entrypoint, *const *cmd;
	const char *const *volumes; /* sorted */
};

struct image_platform {
	const char *digest; /* of its manifest */
	const char *name;   /* "linux/amd64", "linux/arm64/v8"; "" where neither index nor config says */
	const char *source; /* digest of the plain image it was encrypted from, where image-crypt recorded it; NULL */
	const char *config; /* digest of its config; facts have it with IMAGE_LOOKED_CONFIG alone; NULL */
	/* how it starts; NULL unless IMAGE_LOOKED_CONFIG, or when the config is none that could be read: the problem */
	const struct image_config *run;
	const char *run_problem; /* why it could not; NULL else */
	const struct image_layer *layers;
	size_t layer_count;
};

enum image_layout { IMAGE_SIG_TAG, IMAGE_SIG_BUNDLE, IMAGE_SIG_SIMPLE };

/*
 * A key that has verified a signature: SHA-256 of the key's text. To verify costs more than all the rest of a judgement, and
 * comes out the same each time: this is a fact, whatever a policy makes of it. Written once, by whoever comes first, from any
 * thread; constant from then on.
 */
#define IMAGE_KEY_DIGEST 32
struct image_proof {
	atomic_int state;
	unsigned char key[IMAGE_KEY_DIGEST];
};
bool image_proof_has(struct image_proof *proof, const unsigned char key[static IMAGE_KEY_DIGEST])
		__attribute__((nonnull));
void image_proof_put(struct image_proof *proof, const unsigned char key[static IMAGE_KEY_DIGEST])
		__attribute__((nonnull));

struct image_signature {
	enum image_layout layout;
	bool fallback;       /* IMAGE_SIG_BUNDLE: found by the fallback tag */
	const char *subject; /* the digest under which it was found */
	const char *place;   /* for messages: digest of its manifest, or URL of its file */
	struct span payload; /* SIG_TAG: the JSON; BUNDLE: payload of the DSSE envelope (decoded); SIMPLE: the whole message */
	const char *type; /* BUNDLE: payloadType of the envelope, "" else */
	const struct span *
			signatures; /* raw (DER for ECDSA); SIG_TAG one; BUNDLE each of the envelope; SIMPLE none */
	size_t signature_count;
	const char *problem;       /* why it is no signature that could be checked; NULL: it can */
	struct image_proof *proof; /* NULL in a draft */
};

/* Where it was looked: what was not looked for is not known to be absent. */
#define IMAGE_LOOKED_TAG       1U
#define IMAGE_LOOKED_REFERRERS 2U
#define IMAGE_LOOKED_SIMPLE    4U
/* for the platform's name of an image without an index, which stands in its config blob alone: one request more */
#define IMAGE_LOOKED_PLATFORM  8U
/* what the configs of all platforms say of how the image starts: one request more for each */
#define IMAGE_LOOKED_CONFIG    16U

struct image_facts {
	atomic_uint refs;
	const char *host, *repository; /* as named (oci/name.h), not the mirror that answered */
	const char *digest;            /* of the index or the only manifest */
	const char *source;            /* of an index: what image-crypt recorded on it; NULL */
	bool index;
	const struct image_platform *
			platforms; /* runnable ones: entries of unknown/unknown and attestations are left out */
	size_t platform_count;
	const struct image_signature *signatures;
	size_t signature_count;
	unsigned looked;
	bool more;       /* there is more attached than was read */
	int64_t fetched; /* monotonic clock, microseconds */
	size_t bytes;    /* memory of all of it */
	void *arena;
};

struct image_facts *image_facts_ref(struct image_facts *facts) __attribute__((nonnull, returns_nonnull));
void image_facts_unref(struct image_facts *facts);
static inline void image_facts_release(struct image_facts **slot)
{
	image_facts_unref(*slot);
}
#define auto_image_facts __attribute__((cleanup(image_facts_release)))

/*
 * The platform of that name ("linux/amd64"); an image without an index, and one whose index names no platform, is what its
 * only one is. NULL: there is none.
 */
const struct image_platform *image_facts_platform(const struct image_facts *facts, const char *name)
		__attribute__((nonnull));

/*
 * What somebody wants to know of an image: the name, and how its registry is spoken to. A value that borrows; what
 * outlives the call copies it.
 */
struct image_want {
	struct oci_name name;
	const struct registry_settings *registry; /* policy/registry.h; NULL: nothing special */
	unsigned looks;                           /* IMAGE_LOOKED_* that are needed */
	const char *const *lookasides;            /* base URLs for IMAGE_LOOKED_SIMPLE */
	size_t lookaside_count;
	/* whose credentials: names in a namespace; "" and none offline */
	const char *namespace;
	const char *service_account;
	const char *const *pull_secrets;
	size_t pull_secret_count;
};

/*
 * Whose credentials a pod's images are pulled with: what the kubelet would use. `names` is the caller's and becomes
 * want->pull_secrets; beyond IMAGE_PULLS_MAX, and names that no object can have, are left out. want borrows from the pod.
 */
#define IMAGE_PULLS_MAX 32
struct pod_view;
void image_want_credentials(const struct pod_view *pod, const char *names[static IMAGE_PULLS_MAX],
		struct image_want *want) __attribute__((nonnull));

/*
 * Builds facts: every text and array that the members point at is copied into the arena. `draft` is a struct whose
 * pointers borrow from anywhere; its refs, bytes and arena do not count. The result has one reference.
 */
struct image_facts *image_facts_new(const struct image_facts *draft)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/*
 * Reads one platform's manifest into a platform of a draft: layers, recipients, problems. `platform` is the index
 * entry's object, or NULL. The result borrows from the manifest and from `memory`, which the caller frees after
 * image_facts_new() (policy/arena.h).
 */
struct arena;
struct oci_manifest;
int image_platform_read(const struct oci_manifest *manifest, const char *digest, const json_t *platform,
		struct arena *memory, struct image_platform *out, struct err *err)
		__attribute__((nonnull(1, 2, 4, 5), warn_unused_result));

/*
 * Reads the config of one platform (the document, whose member "config" says how the image starts; without it the lists
 * are empty). Borrows as image_platform_read() does. ERR_FORMAT with the path, also for a member that some readers would
 * take for another, as theirs fold names; ERR_LIMIT.
 */
int image_config_read(const json_t *document, struct arena *memory, struct image_config *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
