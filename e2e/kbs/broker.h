/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker: requests in, replies out, by the protocol of Trustee's key broker service (kbs-protocol.md; what the real
 * service was recorded to answer decides). It knows no sockets: a server calls broker_handle() for each request to any
 * path, a test does so with requests of its own.
 *
 *     POST /kbs/v0/auth, /attest                            handshake                         broker_shake.c
 *     GET  /kbs/v0/resource/REPOSITORY/TYPE/TAG             resource, sealed to the TEE's key  broker_resource.c
 *     POST, DELETE …/resource/…                             administration                    broker_admin.c
 *     …/resource-policy, …/attestation-policy, …/reference-value
 *     GET  /healthz, /metrics
 *
 * NOT FOR PRODUCTION: it believes the sample TEE and self-asserted keys of TPMs where its policies do, waits for opa in
 * the thread that serves, and keeps secrets in ordinary memory or files.
 *
 * Every decision goes to the audit log before the reply; where it cannot be written, nothing is released or changed.
 *
 * Ownership: heap object of the caller; the options' texts must live as long. Threads: one.
 */
#ifndef COCOON_E2E_KBS_BROKER_H
#define COCOON_E2E_KBS_BROKER_H

#include "base/opt.h"
#include "e2e/kbs/release.h"

#include <stdbool.h>

struct broker;
struct clock;
struct err;
struct server_reply;
struct server_request;

#define BROKER_BODY_MAX \
	((size_t)4 * 1024 * 1024) /* for the server: beyond KBS_BODY_MAX we answer by ourselves */

struct broker_options {
	const struct clock *clock;
	void (*random)(void *out, size_t len); /* of challenges: random_bytes() but in tests */
	const char *storage;                   /* folder; NULL: in memory */
	const char *audit;                     /* file, "-", NULL: none */
	const char *opa;                       /* NULL: there is none */
	const char *signer_key;                /* NULL: a new one */
	const char *signer_cert;               /* NULL: none */
	const char *trust_cert, *trust_jwks;
	bool insecure_header_jwk;
	int64_t token_seconds;
	bool brief_token; /* without the text of additional evidence */
	bool allow_older; /* guests that speak protocol 0.1 to 0.3 */
	bool verbose_errors;
	enum release_policy policy;
	struct opt_list allow_initdata;
	bool insecure_admin;
	struct opt_list admin_keys, admin_rules;
	const char *admin_issuer, *admin_audience;
};

int broker_open(const struct broker_options *options, struct broker **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void broker_free(struct broker *broker);
static inline void broker_release(struct broker **slot)
{
	broker_free(*slot);
}
#define auto_broker __attribute__((cleanup(broker_release)))

/* "REPOSITORY/TYPE/TAG=FILE": puts the file's content there. ERR_USAGE, those of files and of the store. */
int broker_put(struct broker *broker, const char *pair, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* A handler of net/server.h; ctx is the broker. */
void broker_handle(void *ctx, const struct server_request *request, struct server_reply *reply);

#endif
