/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker's files share; nobody else includes this. */
#ifndef COCOON_E2E_KBS_BROKER_OWN_H
#define COCOON_E2E_KBS_BROKER_OWN_H

#include "base/clock.h"
#include "base/err.h"
#include "e2e/kbs/audit.h"
#include "e2e/kbs/broker.h"
#include "kbs/message.h"
#include "net/server.h"

#include <jansson.h>
#include <stdint.h>

enum counter {
	COUNT_CHALLENGES,
	COUNT_ATTESTED,
	COUNT_ATTESTATIONS_REFUSED,
	COUNT_RELEASED,
	COUNT_RELEASES_REFUSED,
	COUNT_CHANGED,
	COUNT_CHANGES_REFUSED,
	COUNT_OTHERS,
	COUNTERS
};

struct broker {
	struct broker_options options;
	struct store *store;
	struct references *references;
	struct sessions *sessions;
	struct signer *signer;
	struct trust *trust;
	struct appraiser *appraiser;
	struct release *release;
	struct admin_auth *admin;
	struct audit *audit;
	uint64_t counts[COUNTERS];
};

/* One request on its way. */
struct errand {
	struct broker *broker;
	const struct server_request *request;
	struct server_reply *reply;
	char *path;         /* behind the prefix, percent-decoded: "resource/default/key/1" */
	struct span plugin; /* its first segment */
	struct span rest;   /* what follows, without the slash between; .ptr NULL when there was no slash */
	enum kbs_version version; /* the guest's */
	struct audit_entry audit;
	bool recorded; /* the audit line is written */
	bool failed;   /* the reply is a failure */
};

/* Seconds since 1970. */
static inline int64_t broker_now(const struct broker *broker)
{
	return clock_wall(broker->options.clock) / CLOCK_SECOND;
}

/* 401 with a failure of the protocol; why is the cause, for log and audit and, where that is asked for, the detail. */
void errand_fail(struct errand *errand, enum kbs_variant variant, const char *detail, const struct err *why)
		__attribute__((nonnull));
/* 404 PluginNotFound. */
void errand_no_plugin(struct errand *errand) __attribute__((nonnull));
/* 200; type NULL: none */
void errand_succeed(struct errand *errand, const char *type) __attribute__((nonnull(1)));

/*
 * Writes the audit line of an errand that may be done. Where it cannot be written: -1, and the reply is this failure;
 * then nothing may happen.
 */
int errand_record(struct errand *errand, enum kbs_variant variant, const char *detail)
		__attribute__((nonnull, warn_unused_result));

void errand_auth(struct errand *errand) __attribute__((nonnull));
void errand_attest(struct errand *errand) __attribute__((nonnull));
/* GET, and PUT, which fails. */
void errand_fetch(struct errand *errand) __attribute__((nonnull));
/* POST and DELETE of resources. */
void errand_change(struct errand *errand) __attribute__((nonnull));
void errand_resource_policy(struct errand *errand) __attribute__((nonnull));
void errand_attestation_policy(struct errand *errand) __attribute__((nonnull));
void errand_reference_value(struct errand *errand) __attribute__((nonnull));

/* The name of a resource: exactly three segments that brokers store (kbs-protocol.md, 3.1). */
int resource_check(struct span path, struct err *err) __attribute__((warn_unused_result));

#endif
