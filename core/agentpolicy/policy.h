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
 * Bounds are the engine's: what it does not read must not be measured into a guest. Its reader tries each bracket as a
 * comprehension first, so that the time doubles with every level of the data.
 *
 * Errors: ERR_FORMAT, ERR_LIMIT (AGENT_POLICY_MAX, columns of AGENT_LINE_MAX, AGENT_DATA_DEPTH_MAX).
 */
#ifndef COCOON_AGENTPOLICY_POLICY_H
#define COCOON_AGENTPOLICY_POLICY_H

#include "base/buf.h"
#include "base/span.h"

#include <jansson.h>

struct err;

#define AGENT_POLICY_MAX     ((size_t)900 * 1024) /* within initdata/document.h, beside the other entries */
/* of the engine, Kata 4.1: columns from 1 and tabs of four, so that a line has fewer bytes */
#define AGENT_LINE_MAX       ((size_t)64 * 1024)
#define AGENT_DATA_DEPTH_MAX 12 /* ours has 8 levels */

/* Ours, without comments; static. */
struct span agent_rules(void);

/* Appends the policy. `rules` empty: ours; for others the data is made such as they read it (others.h). */
int agent_policy_format(struct span rules, const json_t *data, struct buf *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/* Both parts of a text; rules borrows from it, *data is a new reference. ERR_NOT_FOUND: it has no data block. */
int agent_policy_split(struct span text, struct span *rules, json_t **data, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/* The rules of a text that agent_policy_format() has written, without a look at its data. */
struct span agent_policy_rules(struct span text);

void agent_rules_hash(struct span rules, char out[static 65]) __attribute__((nonnull));

#endif
