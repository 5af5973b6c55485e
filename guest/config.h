/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest daemon is told, read once at start into one value (guest-apis.md 6, initdata.md 3 and 5):
 *
 *     init-data document  →  its digest is compared with the hardware's  →  aa.toml, cdh.toml inside
 *     else files given by --aa-config and --cdh-config
 *     kernel command line →  agent.aa_kbc_params, agent.guest_components_rest_api, cdh.kbs_resources, …
 *
 * The first source that says something wins; nothing is handed on through the environment. What the environment says
 * otherwise (AA_KBC_PARAMS and the like) is reported as a conflict, with both values, and refused.
 *
 * Where nothing above names a key broker, AA_KBC_PARAMS does, and without it there is none: offline_fs_kbc. An entry of
 * the document and a file of the same kind must be the same bytes; a file counts where the document has no such entry.
 * Both files speak of the same broker, since one client serves both: another URL or certificate is an error. So are two
 * resources for one credential's path.
 *
 * skip_sealed_secret_verification counts only from a cdh.toml of a document whose digest the hardware confirmed; from
 * elsewhere it is an error.
 *
 * Bounds: CONFIG_CREDENTIALS_MAX; files and documents as in initdata/document.h. Errors: ERR_USAGE and ERR_FORMAT, naming
 * file and member; ERR_AUTH: the document is not the one that the hardware was started with.
 */
#ifndef COCOON_GUEST_CONFIG_H
#define COCOON_GUEST_CONFIG_H

#include "base/span.h"
#include "crypto/digest.h"
#include "kbs/binding.h"

#include <stdbool.h>
#include <stddef.h>

struct attester;
struct err;

#define CONFIG_CREDENTIALS_MAX 64

enum config_kbc { CONFIG_CC_KBC, CONFIG_OFFLINE_FS_KBC };

/* agent.guest_components_procs: each brings along those before it. */
enum config_procs { CONFIG_NO_PROCS, CONFIG_AGENT, CONFIG_HUB, CONFIG_REST };

struct config_credential {
	char *path;
	char *uri;
};

struct config {
	enum config_kbc kbc;
	char *kbs_url;  /* NULL: none */
	char *kbs_cert; /* PEM; NULL: the system's roots */
	enum kbs_key kbs_key;
	char *coco_as_url; /* NULL: none */
	bool eventlog;
	unsigned init_pcr;
	bool skip_verification;
	struct config_credential *credentials;
	size_t credential_count;
	char *log_level;     /* as written in either file; "info" */
	char *rest_features; /* "resource", "attestation", "all" */
	enum config_procs procs;
	char *offline_files; /* paths with ',' between: OFFLINE_FS_KBC_EXTRA_FILE_PATH; NULL: none */
	char *initdata;      /* the document's text; NULL: none */
	enum digest_alg initdata_alg;
	unsigned char initdata_digest[DIGEST_MAX];
	bool initdata_bound; /* the hardware confirmed the digest */
	char *aa_socket;     /* from cdh.toml, NULL: default */
	char *cdh_socket;
};

struct config_sources {
	const char *initdata_file;      /* plain TOML; NULL: none */
	const char *aa_file;            /* TOML, or JSON by the name's end; NULL: none */
	const char *cdh_file;           /* the same */
	const char *cmdline;            /* the kernel's, as text; "" for none */
	const char *const *environment; /* "NAME=value", NULL-terminated */
};

#define CONFIG_NONE             \
	{                       \
		.kbs_url = NULL \
	}
/* Warnings, of what a file says in vain, are logged. */
int config_load(const struct config_sources *sources, struct attester *attester, struct config *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
void config_clear(struct config *config) __attribute__((nonnull));
#define auto_config __attribute__((cleanup(config_clear)))

#endif
