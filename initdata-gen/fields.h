/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that say what is in a document, as a struct that a verb's settings hold. Options that name a FILE are
 * read when the entries are made.
 */
#ifndef COCOON_INITDATA_GEN_FIELDS_H
#define COCOON_INITDATA_GEN_FIELDS_H

#include "base/opt.h"

#include <jansson.h>

struct err;

struct fields {
	const char *kbs_url, *kbs_cert, *log_level;
	const char *tee_key_algorithm, *coco_as_url, *aa_toml;
	int64_t init_pcr; /* -1: not given */
	bool eventlog;
	const char *kbc_name, *cdh_socket, *aa_socket, *cdh_toml;
	struct opt_list credentials;
	bool skip_sealed_secret_verification;
	const char *image_policy, *image_policy_uri, *sigstore_config, *sigstore_config_uri;
	const char *registry_credentials_uri, *registry_config, *registry_config_uri;
	struct opt_list extra_roots;
	const char *https_proxy, *http_proxy, *no_proxy, *work_dir;
	int64_t max_layer_downloads; /* 0: not given */
	const char *policy;
	struct opt_list entries;
};

/* A verb's defaults for them. */
#define FIELDS_NONE            \
	{                      \
		.init_pcr = -1 \
	}

/* Whether any is given. */
bool fields_any(const struct fields *fields) __attribute__((nonnull));

/* Reads the files and makes the entries: a new reference. */
int fields_entries(const struct fields *fields, json_t **data, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The rows for a verb's table of options; `member` is the struct fields in its settings. */
/* NOLINTBEGIN(bugprone-macro-parentheses): neither a type nor a member stands in parentheses */
#define FIELDS_OPTIONS(settings, member)                                                                     \
	OPT_TEXT(settings, member.kbs_url, "kbs-url", 0, "URL", "key broker: http or https, host and port"), \
			OPT_TEXT(settings, member.kbs_cert, "kbs-cert", 0, "FILE",                           \
					"root certificate of the key broker, PEM"),                          \
			OPT_TEXT(settings, member.policy, "policy", 'p', "FILE",                             \
					"the agent's policy, entry policy.rego"),                            \
			OPT_LIST(settings, member.entries, "entry", 'e', "KEY=FILE",                         \
					"another entry, taken as it is; may be repeated"),                   \
			OPT_TEXT(settings, member.aa_toml, "aa-toml", 0, "FILE",                             \
					"TOML to merge into aa.toml"),                                       \
			OPT_TEXT(settings, member.cdh_toml, "cdh-toml", 0, "FILE",                           \
					"TOML to merge into cdh.toml"),                                      \
			OPT_TEXT(settings, member.image_policy_uri, "image-policy-uri", 0, "URI",            \
					"image security policy: kbs:///repository/type/tag, file:// or a "   \
					"path"),                                                             \
			OPT_TEXT(settings, member.image_policy, "image-policy", 0, "FILE",                   \
					"the same, JSON put inline"),                                        \
			OPT_TEXT(settings, member.registry_credentials_uri, "registry-credentials-uri", 0,   \
					"URI", "auth.json for private registries"),                          \
			OPT_TEXT(settings, member.registry_config_uri, "registry-config-uri", 0, "URI",      \
					"registries.conf with mirrors"),                                     \
			OPT_TEXT(settings, member.registry_config, "registry-config", 0, "FILE",             \
					"the same, TOML put inline"),                                        \
			OPT_TEXT(settings, member.sigstore_config_uri, "sigstore-config-uri", 0, "URI",      \
					"where simple signatures lie"),                                      \
			OPT_TEXT(settings, member.sigstore_config, "sigstore-config", 0, "FILE",             \
					"the same, YAML put inline"),                                        \
			OPT_LIST(settings, member.extra_roots, "extra-root", 0, "FILE",                      \
					"root certificate for image registries, PEM; may be repeated"),      \
			OPT_TEXT(settings, member.https_proxy, "https-proxy", 0, "URL",                      \
					"proxy for image pulls"),                                            \
			OPT_TEXT(settings, member.http_proxy, "http-proxy", 0, "URL",                        \
					"the same for plain HTTP"),                                          \
			OPT_TEXT(settings, member.no_proxy, "no-proxy", 0, "LIST",                           \
					"what goes without proxy"),                                          \
			OPT_INT(settings, member.max_layer_downloads, "max-layer-downloads", 0, "NUMBER", 1, \
					64, "layers of an image to fetch at a time"),                        \
			OPT_TEXT(settings, member.work_dir, "work-dir", 0, "PATH",                           \
					"where the guest keeps images"),                                     \
			OPT_LIST(settings, member.credentials, "credential", 0, "PATH=URI",                  \
					"a resource that the guest writes to a file at its start; may be "   \
					"repeated"),                                                         \
			OPT_TEXT(settings, member.kbc_name, "kbc-name", 0, "NAME",                           \
					"cc_kbc or offline_fs_kbc"),                                         \
			OPT_TEXT(settings, member.cdh_socket, "cdh-socket", 0, "ADDRESS",                    \
					"where the data hub listens"),                                       \
			OPT_TEXT(settings, member.aa_socket, "aa-socket", 0, "ADDRESS",                      \
					"where it finds the attestation agent"),                             \
			OPT_FLAG(settings, member.skip_sealed_secret_verification,                           \
					"skip-sealed-secret-verification", 0,                                \
					"take sealed secrets without checking their signature"),             \
			OPT_TEXT(settings, member.coco_as_url, "attestation-service-url", 0, "URL",          \
					"attestation service for tokens of its own"),                        \
			OPT_TEXT(settings, member.tee_key_algorithm, "tee-key-algorithm", 0, "NAME",         \
					"key that the broker encrypts resources to"),                        \
			OPT_FLAG(settings, member.eventlog, "event-log", 0,                                  \
					"let the guest extend run-time measurements"),                       \
			OPT_INT(settings, member.init_pcr, "init-pcr", 0, "NUMBER", 0, 23,                   \
					"register for those that name none"),                                \
			OPT_TEXT(settings, member.log_level, "log-level", 0, "LEVEL",                        \
					"of the guest's daemons")
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
