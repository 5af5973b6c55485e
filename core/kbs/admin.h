/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's side of a key broker (kbs-protocol.md, 2): resources, policies, reference values.
 *
 *     POST https://broker:8080/kbs/v0/resource/default/key/1
 *     Authorization: Bearer <JWT>          {"role":"admin","iat":…,"nbf":…,"exp":…}, signed with the administrator's key
 *
 * A token that was made elsewhere serves as well as a key. Claims of the owner (issuer, audience, another role) come
 * from a file with a JSON object and win over ours, but for the times. Without key and token, requests carry none: for
 * brokers that are open.
 *
 * Plain http is refused where it leaves the machine, unless that is asked for. Every status that is not of success is an
 * error, with the broker's words: a key that nobody can fetch locks data for good.
 *
 * Bounds: KBS_BODY_MAX for a request. Guests read resources of SECRET_MAX bytes.
 * Ownership: heap object of the caller, one thread. Errors: ERR_USAGE (files, URL), ERR_AUTH (the broker does not take
 * our token), ERR_DENIED (another status), those of net/http.h.
 */
#ifndef COCOON_KBS_ADMIN_H
#define COCOON_KBS_ADMIN_H

#include "base/span.h"
#include "kbs/uri.h"

#include <jansson.h>
#include <stdbool.h>

struct clock;
struct err;
struct kbs_admin;

struct kbs_admin_options {
	const char *url;         /* a path in it is kept */
	bool origin_only;        /* it is replaced, as the ecosystem's key provider does it */
	const char *key_file;    /* private key: Ed25519, P-256, P-384 or P-521; NULL: none */
	const char *token_file;  /* a JWT; NULL: none. Not beside a key */
	const char *ca_file;     /* NULL: the system's roots */
	const char *role;        /* NULL: "admin" */
	const char *claims_file; /* NULL: none */
	const char *user_agent;
	bool plain_http;
	const struct clock *clock;
	int timeout; /* milliseconds for one request; 0: 30 s */
};

int kbs_admin_open(const struct kbs_admin_options *options, struct kbs_admin **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void kbs_admin_free(struct kbs_admin *admin);
static inline void kbs_admin_release(struct kbs_admin **slot)
{
	kbs_admin_free(*slot);
}
#define auto_kbs_admin __attribute__((cleanup(kbs_admin_release)))

/* Creates or replaces. The bytes may be secret. */
int kbs_admin_put(struct kbs_admin *admin, const struct kbs_uri *uri, struct span bytes, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int kbs_admin_delete(struct kbs_admin *admin, const struct kbs_uri *uri, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* The one resource policy of the broker, in Rego; UTF-8, as all policies. */
int kbs_admin_resource_policy(struct kbs_admin *admin, struct span rego, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* id as brokers use them: "default_cpu". */
int kbs_admin_attestation_policy(struct kbs_admin *admin, const char *id, struct span rego, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int kbs_admin_reference_value(struct kbs_admin *admin, const char *name, const json_t *value, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
