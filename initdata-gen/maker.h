/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a workload in a manifest to its agent policy and the init-data that carries it: what `policy` and `publish` share.
 *
 *     maker_open()                 files, settings, rules, profile, registries
 *     maker_know() for each file   ConfigMaps and Secrets that values may come from
 *     maker_make() for each pod    read, facts of images, generated, composed
 *
 * Of images the manifest and the config are read alone, each image once, all of a workload at a time. A lock file keeps
 * what was read, so that the next run needs no registry: {"version": 1, "images": {"<name>": {"platform", "digest",
 * "manifest", "config_digest", "config", "passwd", "group"}}}, names as manifests have them; the last two where users were looked up.
 *
 * Ownership: the maker borrows its options. One thread. Errors name the option or the file; ERR_USAGE, ERR_DENIED when
 * the notes have errors, and those of what is read.
 */
#ifndef COCOON_INITDATA_GEN_MAKER_H
#define COCOON_INITDATA_GEN_MAKER_H

#include "agentpolicy/notes.h"
#include "base/buf.h"
#include "base/opt.h"
#include "initdata-gen/text.h"
#include "initdata/document.h"

#include <jansson.h>

struct err;
struct maker;
struct pod_view;

/* As the command line has them. */
struct maker_options {
	struct opt_list config_files, config_maps; /* the second is genpolicy's older name of the first */
	const char *settings;
	struct opt_list settings_patches;
	const char *rules;
	const char *profile;
	const char *initdata;
	int algorithm; /* in the order of enum digest_alg */
	const char *namespace;
	/* what is allowed */
	int mode;
	int runtime;
	struct opt_list allow, allow_env;
	const char *injected;
	bool inline_secrets;
	bool lenient;
	/* registries */
	struct opt_list layouts, insecure;
	const char *auth_file;
	const char *platform;
	const char *lock;
	bool use_lock;
	bool offline;
	bool resolve_users;
};

extern const char *const maker_modes[], *const maker_runtimes[];

/* NOLINTBEGIN(bugprone-macro-parentheses): neither a type nor a member stands in parentheses */
#define MAKER_OPTIONS(structure, m)                                                                          \
	OPT_TEXT(structure, m.profile, "profile", 0, "FILE",                                                 \
			"a ConfidentialProfile whose agentPolicy is generated: its options and its "         \
			"document"),                                                                         \
			OPT_ENUM(structure, m.mode, "mode", 0, "MODE",                                       \
					"strict; debug lets the host run any command, and is not for "       \
					"secrets",                                                           \
					maker_modes),                                                        \
			OPT_LIST(structure, m.allow, "allow", 0, "WHAT",                                     \
					"exec=COMMAND, logs, stdin, metrics, diagnostics or "                \
					"ephemeral-mounts; may be "                                          \
					"repeated"),                                                         \
			OPT_LIST(structure, m.allow_env, "allow-env", 0, "REGEX",                            \
					"variables that may be added, as NAME=VALUE; may be repeated"),      \
			OPT_TEXT(structure, m.injected, "injected", 0, "FILE",                               \
					"containers that others put into the pods: a YAML list of them"),    \
			OPT_FLAG(structure, m.inline_secrets, "inline-secrets", 0,                           \
					"pin the values of Secrets, which then everybody can read"),         \
			OPT_ENUM(structure, m.runtime, "runtime", 0, "NAME",                                 \
					"whose requests to expect; else by the RuntimeClass",                \
					maker_runtimes),                                                     \
			OPT_LIST(structure, m.config_files, "config-file", 0, "FILE",                        \
					"manifest with ConfigMaps and Secrets; may be repeated"),            \
			OPT_LIST(structure, m.config_maps, "config-map-file", 'c', "FILE",                   \
					"the same, by its older name"),                                      \
			OPT_TEXT(structure, m.settings, "json-settings-path", 'j', "FILE",                   \
					"settings in genpolicy's form, or a folder with drop-ins"),          \
			OPT_LIST(structure, m.settings_patches, "settings-patch", 0, "FILE",                 \
					"RFC 6902 on the settings; may be repeated"),                        \
			OPT_TEXT(structure, m.rules, "rego-rules-path", 'p', "FILE",                         \
					"rules to use instead of Cocoon's"),                                 \
			OPT_TEXT(structure, m.initdata, "initdata-path", 0, "FILE",                          \
					"the document (TOML) that the policy is put into"),                  \
			OPT_ENUM(structure, m.algorithm, "algorithm", 0, "ALG",                              \
					"digest algorithm of a new document", text_algorithm_words),         \
			OPT_TEXT(structure, m.namespace, "namespace", 'n', "NAME",                           \
					"of objects that do not say theirs"),                                \
			OPT_FLAG(structure, m.lenient, "silent-unsupported-fields", 's',                     \
					"fields that nobody knows are warnings"),                            \
			OPT_FLAG(structure, m.resolve_users, "resolve-users", 0,                             \
					"read /etc/passwd and /etc/group out of the images' layers where a " \
					"user is a name"),                                                   \
			OPT_TEXT(structure, m.platform, "platform", 0, "OS/ARCH", "of images with several"), \
			OPT_LIST(structure, m.layouts, "layout", 0, "oci:DIR",                               \
					"an OCI layout that is looked into before registries; may be "       \
					"repeated"),                                                         \
			OPT_LIST(structure, m.insecure, "insecure-registry", 0, "HOST",                      \
					"speak plain HTTP to it; may be repeated"),                          \
			OPT_TEXT(structure, m.auth_file, "auth-file", 0, "FILE",                             \
					"credentials of registries, as docker and podman keep them"),        \
			OPT_TEXT(structure, m.lock, "layers-cache-file-path", 0, "FILE",                     \
					"what was read of images: used, and brought up to date"),            \
			OPT_FLAG(structure, m.use_lock, "use-cached-files", 'u',                             \
					"the same, in layers-cache.json"),                                   \
			OPT_FLAG(structure, m.offline, "offline", 0,                                         \
					"ask no registry: the file, or layouts, have all")
/* NOLINTEND(bugprone-macro-parentheses) */

struct made {
	struct buf policy;      /* policy.rego */
	struct buf document;    /* the bytes */
	struct initdata parsed; /* the same, read */
	json_t *images;         /* [{"name", "digest"}] */
	char rules_sha256[65];
	struct agent_notes notes;
	bool merged; /* with a document that the pod has */
};
void made_init(struct made *made) __attribute__((nonnull));
void made_clear(struct made *made) __attribute__((nonnull));
#define auto_made __attribute__((cleanup(made_clear)))

int maker_open(const struct maker_options *options, struct maker **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* *out is to be freed after a failure, too. Takes NULL. */
void maker_free(struct maker *maker);
/* The lock file, when there is one and something new for it. */
int maker_save(struct maker *maker, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* Objects of a manifest: an array of documents. */
void maker_know(struct maker *maker, const json_t *documents) __attribute__((nonnull));

/* *out is one from made_init(). Its notes are there after a failure, too. */
int maker_make(struct maker *maker, const json_t *workload, const struct pod_view *pod, struct made *out,
		struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
