/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook's certificates: what the Secret that holds them must become next. Pure: the leader reads the Secret
 * and the replicas' Leases, asks here, and writes what it is told; nothing is ever swapped in one step.
 *
 *     Secret data   ca.crt ca.key            the CA that signed the leaf, or will be dropped next
 *                   ca-next.crt ca-next.key  only during a rotation
 *                   tls.crt tls.key          what replicas serve
 *
 *     no CA that can sign      → make CA and leaf
 *     leaf missing, wrong, or  → sign another with the same CA
 *       past 2/3 of its life
 *     CA past half of life,    → put ca-next beside it; API servers are to trust both from now on
 *       or a rotation is asked for
 *     ca-next there, and every live replica has acknowledged it, and API servers had SETTLE to learn of it
 *                              → sign the leaf with ca-next
 *     leaf signed by ca-next, and every live replica serves it → ca-next becomes ca, the old one leaves
 *
 * A leaf that ages while a rotation waits is signed again by the CA that signed it. What cannot be read in a Secret
 * counts as absent, and only certificates that can be read go into the bundle.
 *
 * Units: seconds.
 */
#ifndef COCOON_CLUSTER_ROTATION_H
#define COCOON_CLUSTER_ROTATION_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

#define ROTATION_CA_DAYS          3650
#define ROTATION_LEAF_DAYS        90
#define ROTATION_SETTLE           10
#define ROTATION_PEM_MAX          65536

/* Set on the Secret by whoever wants a new CA now: any value. */
#define ROTATION_ASK_ANNOTATION   "cocoon.dev/rotate"
/* What a replica's Lease acknowledges: the hex sha256 of the trust below, and of the leaf that it serves. */
#define ROTATION_TRUST_ANNOTATION "cocoon.dev/trust"
#define ROTATION_LEAF_ANNOTATION  "cocoon.dev/leaf"

enum rotation_step {
	ROTATION_KEEP,
	ROTATION_WAIT,
	ROTATION_CREATE,
	ROTATION_RENEW,
	ROTATION_ADD_CA,
	ROTATION_SWITCH,
	ROTATION_FINISH
};

struct rotation_facts {
	const json_t *secret;   /* the object, or NULL when there is none */
	const json_t *replicas; /* live ones: [{"leaf": hex, "trust": hex}]; NULL: not known yet */
	const char *dns_name;   /* cocoon-webhook.cocoon-system.svc */
	int64_t now;            /* seconds since 1970 */
	int64_t published_since; /* how long, in seconds, all configurations have held the present bundle; -1: not yet */
};

/* What is next, and in `why` (not NULL) a phrase for the log. */
enum rotation_step rotation_next(const struct rotation_facts *facts, struct buf *why)
		__attribute__((nonnull));

/* The Secret's data after the step: an object of base64 texts, null for members that leave. For all steps but KEEP
 * and WAIT. */
int rotation_apply(const struct rotation_facts *facts, enum rotation_step step, json_t **data,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/* Appends the PEM bundle that API servers are to trust: ca.crt and ca-next.crt. False when the Secret has none. */
bool rotation_bundle(const json_t *secret, struct buf *out) __attribute__((nonnull(2)));

/* The text of ROTATION_TRUST_ANNOTATION for a Secret; "" when it has no CA. */
void rotation_trust(const json_t *secret, char out[static 65]) __attribute__((nonnull(2)));

const char *rotation_step_name(enum rotation_step step);

#endif
