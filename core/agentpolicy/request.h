/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the guest's agent as its policy engine sees them: `input` (specification of agent policies, 1.4). A
 * person writes the members that matter; the engine sees every member of the message, so the rest is filled in.
 *
 *     {"container_id": "a1…", "OCI": {"Process": {"Args": ["sh"]}}}
 *       → all members of CreateContainerRequest: "" 0 false, [] for repeated, {} for maps, null for absent messages;
 *         `type` is written type_, bytes are arrays of numbers, CopyFileRequest has its fixed nine members
 *
 * Members that the message does not have are dropped, as the agent drops them, and noted; a member of a wrong type is
 * ERR_FORMAT naming its path. Bounds: AGENT_REQUEST_MAX bytes of text (the agent's limit for a message is 4 MiB).
 */
#ifndef COCOON_AGENTPOLICY_REQUEST_H
#define COCOON_AGENTPOLICY_REQUEST_H

#include "agentpolicy/notes.h"

#include <jansson.h>

struct err;

#define AGENT_REQUEST_MAX ((size_t)4 << 20)

/* Names of all requests that the agent judges (1.3), sorted, NULL at the end. Static. */
const char *const *agent_request_kinds(void);

/* *out is a new reference. ERR_NOT_FOUND for a kind that there is not, with the closest. */
int agent_request_fill(const char *kind, const json_t *request, json_t **out, struct agent_notes *notes,
		struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

#endif
