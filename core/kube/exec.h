/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential plugins: a program that a kubeconfig names is run and prints a credential (kubernetes.io:
 * "client-go credential plugins"; client.authentication.k8s.io/v1 and v1beta1). No shell is involved.
 *
 *     stdin    the terminal when interactive, else /dev/null;  stderr is ours
 *     KUBERNETES_EXEC_INFO={"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
 *                           "spec":{"interactive":false,"cluster":{"server":"https://…"}}}
 *     stdout   {"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"…",
 *               "expirationTimestamp":"2026-01-02T04:04:05Z","clientCertificateData":"…","clientKeyData":"…"}}
 *
 * Bounds: 1 MiB of output (cloud tokens are larger than one thinks), EXEC_TIMEOUT for the run unless a person may
 * have to answer (interactive: EXEC_TIMEOUT_INTERACTIVE); then the plugin's process group is killed.
 * Ownership: exec_run fills *out, which the caller clears. The config's fields are borrowed.
 * Errors: ERR_AUTH when the plugin fails, ERR_NOT_FOUND when it is not there (with the kubeconfig's installHint),
 * ERR_FORMAT or ERR_LIMIT for what it prints, ERR_USAGE when it needs a terminal and there is none.
 */
#ifndef COCOON_KUBE_EXEC_H
#define COCOON_KUBE_EXEC_H

#include "crypto/secret.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

#define EXEC_OUTPUT_MAX          (1024 * 1024)
#define EXEC_TIMEOUT             60
#define EXEC_TIMEOUT_INTERACTIVE 600

struct exec_credential {
	struct secret token; /* empty: none */
	struct secret key;   /* PEM; empty: none */
	char *cert;          /* PEM; NULL: none */
	int64_t expiry;      /* wall clock, microseconds; 0: none stated */
};

#define EXEC_CREDENTIAL_NONE                                                        \
	{                                                                           \
		.token = SECRET_NONE, .key = SECRET_NONE, .cert = NULL, .expiry = 0 \
	}
/* Wipes what it held. */
void exec_credential_clear(struct exec_credential *credential) __attribute__((nonnull));

struct exec_call {
	const json_t *spec;             /* the user's "exec" object */
	const char *dir;                /* folder of the kubeconfig, for a command with a separator */
	const json_t *cluster;          /* for provideClusterInfo: an object for spec.cluster; NULL: none */
	const char *const *environment; /* of the plugin before spec's additions; NULL: none */
	bool interactive;
	int timeout; /* seconds; 0: as above */
};

/* Checks the "exec" object's shape without running it. */
int exec_check(const json_t *spec, struct err *err) __attribute__((nonnull(1), warn_unused_result));

int exec_run(const struct exec_call *call, struct exec_credential *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
