/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an agent policy: rules, then the data block, which must be the last thing and spelled
 * "policy_data := {" exactly once, as the attestation service reads claims from there (specification of agent
 * policies, 2.5).
 *
 *     package agent_policy
 *     …                                     ours without comments (core/agentpolicy/rules), or those of --rules
 *     policy_data := {
 *      "containers": [
 *      …
 *     }
 *
 * The data is written one member or item a line, so that no line comes near the engine's 64 KiB, sorted as it was
 * built; the same tree gives the same bytes.
 *
 * agent_rules_hash() is SHA-256 over the rules' part of a text: claims show the data alone, so that this is what says
 * which rules judge by it.
 *
 * Errors: ERR_FORMAT, ERR_LIMIT (AGENT_POLICY_MAX, lines of AGENT_LINE_MAX).
 */
#ifndef COCOON_AGENTPOLICY_POLICY_H
#define COCOON_AGENTPOLICY_POLICY_H

#include "base/buf.h"
#include "base/span.h"

#include <jansson.h>

struct err;

#define AGENT_POLICY_MAX ((size_t)900 * 1024) /* within initdata/document.h, beside the other entries */
#define AGENT_LINE_MAX   ((size_t)64 * 1024)  /* the engine's, Kata 4.1 */

/* Ours, without comments; static. */
struct span agent_rules(void);

/* Appends the policy. `rules` empty: ours. */
int agent_policy_format(struct span rules, const json_t *data, struct buf *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/* Both parts of a text; rules borrows from it, *data is a new reference. ERR_NOT_FOUND: it has no data block. */
int agent_policy_split(struct span text, struct span *rules, json_t **data, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

void agent_rules_hash(struct span rules, char out[static 65]) __attribute__((nonnull));

#endif
