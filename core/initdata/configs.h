/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files inside a document: aa.toml for the attestation-agent and cdh.toml for the confidential-data-hub
 * (guest-components attestation-agent/src/config, confidential-data-hub/hub/src/config, image-rs/src/config.rs).
 * Made from typed fields; initdata/check.h judges those that others made.
 *
 *     {.kbs_url = "https://kbs:8080",            [token_configs.kbs]              aa.toml
 *      .image_policy_uri =                   →   url = "https://kbs:8080"
 *         "kbs:///default/policy/1"}
 *                                                [kbc]                            cdh.toml
 *                                                name = "cc_kbc"
 *                                                url = "https://kbs:8080"
 *                                                [image]
 *                                                image_security_policy_uri = "kbs:///default/policy/1"
 *
 * A value that the guest would refuse is refused here, with the field's name. Only what is set is written: a guest's
 * default stays a guest's default. One thing to know: a cdh.toml without [image] makes the guest take the image
 * settings from its kernel command line, which the host writes; so [image] is always written, even when empty.
 *
 * Ownership: struct initdata_config borrows everything from the caller. Zeroed means "nothing set".
 * Errors: ERR_USAGE naming the field, ERR_FORMAT for extra TOML that does not parse, ERR_LIMIT, ERR_CONFLICT for an
 * extra key that a typed field has set.
 */
#ifndef COCOON_INITDATA_CONFIGS_H
#define COCOON_INITDATA_CONFIGS_H

#include "base/buf.h"
#include "base/span.h"
#include "initdata/check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

struct initdata_config {
	/* both files */
	const char *kbs_url;   /* http or https, host, port */
	const char *kbs_cert;  /* PEM text of the root that TLS to the KBS is checked with */
	const char *log_level; /* trace, debug, info, warn, error, off */
	/* aa.toml */
	const char *tee_key_algorithm;
	const char *coco_as_url; /* attestation service, for tokens of its own */
	bool eventlog;
	bool has_init_pcr;
	unsigned init_pcr;    /* 0 to 23 */
	const char *aa_extra; /* TOML text that is merged into aa.toml */
	/* cdh.toml */
	const char *cdh_socket;    /* unix://… */
	const char *aa_socket;     /* unix://… */
	const char *kbc_name;      /* cc_kbc (default with kbs_url) or offline_fs_kbc (default without) */
	const json_t *credentials; /* [{"path": "…", "resource_uri": "kbs:///…"}] */
	bool skip_sealed_secret_verification;
	/* cdh.toml [image] */
	const char *image_policy_uri;
	const char *image_policy; /* JSON text */
	const char *sigstore_config_uri;
	const char *sigstore_config; /* YAML text */
	const char *registry_credentials_uri;
	const char *registry_config_uri;
	const json_t *registry_config;         /* object, the tree of a registries.conf */
	const json_t *extra_root_certificates; /* array of PEM texts */
	const char *https_proxy;
	const char *http_proxy;
	const char *no_proxy;
	unsigned max_concurrent_layer_downloads; /* 0 = the guest's default */
	const char *work_dir;
	const char *cdh_extra; /* TOML text that is merged into cdh.toml */
};

/* Whether anything is set that goes into the file. */
bool initdata_has_aa(const struct initdata_config *config) __attribute__((nonnull));
bool initdata_has_cdh(const struct initdata_config *config) __attribute__((nonnull));

/* Append the file's text, which holds what the guest requires, whatever is set. */
int initdata_aa_toml(const struct initdata_config *config, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int initdata_cdh_toml(const struct initdata_config *config, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/*
 * All entries of a document: aa.toml and cdh.toml as far as config sets something for them, policy.rego unless policy
 * is NULL or empty, and those of `entries` (object of texts, may be NULL), which may not name one that is there
 * already (ERR_CONFLICT). *data is a new reference, ready for initdata_render().
 */
int initdata_entries(const struct initdata_config *config, const char *policy, const json_t *entries,
		json_t **data, struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

#endif
