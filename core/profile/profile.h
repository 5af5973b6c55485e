/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ConfidentialProfile (cocoon.dev/v1alpha1, crds/confidentialprofiles.yaml) in compiled form: the document's bytes,
 * its digest, the annotation value, and everything else that admission compares a pod with. The only code that
 * interprets that resource: webhook, controller and initdata-gen each compile their own copy with it and so get the
 * same bytes.
 *
 *     {"metadata": {"name": "team-a", "generation": 3},                   document  "version = \"0.1.0\"…"
 *      "spec": {"runtimeClasses": ["kata-qemu-snp"],              →       digest    "sha256:514f…"
 *               "initData": {"kbs": {"url": "https://kbs:8080"}}}}        value     "H4sIAAAA…"
 *
 * A profile whose content does not compile (an agent policy that is missing, TOML that does not parse) still matches
 * pods, so that none of them falls through to another profile: it is `broken`, with the reason, and every pod that
 * it wins is refused. Whoever holds an earlier, good form keeps that one instead.
 *
 * Immutable once compiled, counted by references, shared between threads.
 * Bounds: those of the custom resource's schema are checked again here; the document those of initdata/document.h;
 * with its annotations it must leave half of a pod's annotation budget to others (PROFILE_ANNOTATIONS_MAX).
 * Errors: ERR_FORMAT naming the field ("spec.priority"), when not even the matching part can be read.
 */
#ifndef COCOON_PROFILE_PROFILE_H
#define COCOON_PROFILE_PROFILE_H

#include "agentpolicy/options.h"
#include "base/buf.h"
#include "base/span.h"
#include "crypto/digest.h"
#include "kube/selector.h"

#include <jansson.h>
#include <stdatomic.h>

struct err;
struct class_caps;

#define PROFILE_GROUP             "cocoon.dev/v1alpha1"
#define PROFILE_KIND              "ConfidentialProfile"
#define PROFILE_ANNOTATIONS_MAX   131072
/* What an injected pod says about itself. */
#define PROFILE_NAME_ANNOTATION   "cocoon.dev/profile"
#define PROFILE_DIGEST_ANNOTATION "cocoon.dev/digest"

enum profile_mode { PROFILE_ENFORCE, PROFILE_WARN, PROFILE_AUDIT };
enum profile_source {
	PROFILE_NO_INIT_DATA, /* spec.initData is absent */
	PROFILE_RENDERED,     /* source: Profile */
	PROFILE_AUTHOR,       /* source: Author: the pod brings its own document */
	PROFILE_GENERATED,    /* agentPolicy.generated: a document for each workload (profile/prepared.h) */
};

struct profile {
	atomic_uint refs;
	char *name;
	int64_t generation;
	json_t *spec; /* what the rest was read from; texts and lists below borrow from it */
	char *broken; /* NULL, or why the content does not compile */
	/* matching */
	const json_t *runtime_classes; /* globs */
	struct selector namespaces;    /* without source: grants none */
	struct selector pods;          /* without source: takes all */
	int priority;
	/* judging */
	enum profile_mode mode;
	bool keep;                         /* onConflict: Keep */
	bool sets_handler;                 /* runtimeHandlerAnnotation: Set */
	const json_t *kernel_params;       /* texts, or NULL */
	const json_t *allowed_kernel_keys; /* globs, or NULL */
	const json_t *annotations;         /* key → text, or NULL */
	json_t *allowed_annotations;       /* globs */
	/* the document */
	enum profile_source source;
	const json_t *allowed_digests;   /* Author: hex texts, or NULL for any */
	struct agent_options *generated; /* GENERATED: what its agent policies allow; else NULL */
	struct profile *base;            /* that it was derived from and borrows the above of, or NULL */
	enum digest_alg alg;
	struct buf document;           /* RENDERED; GENERATED: as it is with an agent policy that is empty */
	unsigned char fingerprint[32]; /* sha256 of the document, whatever alg is */
	unsigned char digest[DIGEST_MAX];      /* RENDERED alone, as are the rest: of alg */
	char digest_text[16 + DIGEST_HEX_MAX]; /* "sha256:<hex>" */
	char *annotation;                      /* the value */
};

/* Where an agent policy's text comes from. */
struct profile_env {
	void *ctx;
	/* the text of key in the ConfigMap of the installation's namespace, borrowed, or NULL when there is none */
	const char *(*config_map)(void *ctx, const char *name, const char *key);
};

/* Compiles a resource. *out is a new reference; look at ->broken. */
int profile_compile(const json_t *resource, const struct profile_env *env, struct profile **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

struct profile *profile_ref(struct profile *profile) __attribute__((nonnull, returns_nonnull));
void profile_unref(struct profile *profile);
static inline void profile_release(struct profile **slot)
{
	profile_unref(*slot);
}
#define auto_profile __attribute__((cleanup(profile_release)))

/*
 * What this profile asks of a runtime that the runtime does not do. Appends one text per finding to the JSON array;
 * returns how many. An annotation that the class fails or ignores is a finding, and so are kernel parameters that
 * never reach the guest.
 */
size_t profile_class_findings(const struct profile *profile, const struct class_caps *caps,
		const char *handler, json_t *findings) __attribute__((nonnull));

/* The ConfigMap that the agent policy comes from, or NULL when it comes from none. */
const char *profile_config_map(const json_t *resource);

/* True when both compile to the same thing: document, annotations, rules. */
bool profile_same(const struct profile *a, const struct profile *b) __attribute__((nonnull));

#endif
