/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attestation agent can do, behind all of its faces (guest-apis.md, 4): says where it runs, proves it, and
 * measures what happens at run time.
 *
 *     agent_evidence      report data → evidence, JSON        agent_token("kbs")      {"token":"<JWT>","tee_keypair":"<PEM>"}
 *     agent_additional    of devices, "" without any          agent_token("coco_as")  what the attestation service answers
 *
 * A token of "kbs" comes from a handshake of its own, with a key of its own, as callers expect who keep both; the hub's
 * key stays the hub's.
 *
 * Units: the attestation service has AGENT_SERVICE_TIMEOUT. Bounds: AGENT_ANSWER_MAX. Ownership: options are copied, what
 * they point to is borrowed. Threads: any number at once.
 * Errors: those of tee/attester.h, kbs/client.h and net/http.h; ERR_USAGE (an unknown token type, or one that nothing is
 * configured for), ERR_DENIED (the attestation service's own refusal).
 */
#ifndef COCOON_GUEST_AGENT_H
#define COCOON_GUEST_AGENT_H

#include "base/span.h"
#include "tee/eventlog.h"

#include <jansson.h>
#include <stdbool.h>

struct agent;
struct attester;
struct buf;
struct config;
struct err;
struct kbs_client;

#define AGENT_ANSWER_MAX      ((size_t)1024 * 1024)
#define AGENT_SERVICE_TIMEOUT 45000

struct agent_options {
	const struct config *config;
	struct attester *attester;
	struct eventlog *eventlog;
	struct kbs_client *kbs; /* NULL: none is configured */
};

int agent_open(const struct agent_options *options, struct agent **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void agent_free(struct agent *agent);
static inline void agent_release(struct agent **slot)
{
	agent_free(*slot);
}
#define auto_agent __attribute__((cleanup(agent_release)))

/* Both append. */
int agent_evidence(struct agent *agent, struct span runtime_data, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
int agent_additional(struct agent *agent, struct span runtime_data, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Appends; of "kbs" it holds a private key: the buffer is the caller's to wipe, and has its room already. */
int agent_token(struct agent *agent, struct span type, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* "sample", …; static. */
const char *agent_tee(const struct agent *agent) __attribute__((nonnull, returns_nonnull));
/* Array of texts; a new reference. */
json_t *agent_additional_tees(const struct agent *agent) __attribute__((nonnull, returns_nonnull));

/* pcr < 0: the configured one. */
int agent_measure(struct agent *agent, struct span domain, struct span operation, struct span content,
		int pcr, enum eventlog_result *result, struct err *err)
		__attribute__((nonnull(1, 6), warn_unused_result));

/* Is the init-data with this digest the one of this machine? ERR_AUTH when it is another; ERR_USAGE for a size that no
 * digest has. */
int agent_bind(struct agent *agent, struct span digest, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
