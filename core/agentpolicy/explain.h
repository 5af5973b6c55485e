/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy allows, in words, from its data block; what about it is dangerous; and what differs between two.
 *
 *     CreateContainerRequest
 *       app    registry.example/shop/app@sha256:aa…   as 1000:1000, /app serve
 *              env LEVEL=debug, POD_NAME=(name of the pod), TOKEN=(whatever the host says)
 *              mounts /data rw (emptyDir, encrypted), …
 *     ExecProcessRequest      refused, but for /bin/healthcheck -q in app
 *     ReadStreamRequest       refused: no logs
 *
 * Pure. Other rules than ours may allow more or less: explain says for which rules it speaks, and lint reports rules
 * that it does not know. A data block of genpolicy's, without our members, is read as well.
 * Errors: ERR_FORMAT where a block lacks what it must have.
 */
#ifndef COCOON_AGENTPOLICY_EXPLAIN_H
#define COCOON_AGENTPOLICY_EXPLAIN_H

#include "agentpolicy/notes.h"
#include "base/buf.h"
#include "base/span.h"

#include <jansson.h>

struct err;

/* *out is a new reference: {"rules": "ours" | sha256, "rulesSha256", "mode", "workload", "requests":
 * {"ExecProcessRequest": {"allowed": "never" | "always" | "when", "words": […]}, …}, "containers": [{"name", "kind",
 * "image", "digest", "user", "args", "cwd", "env": […], "anyEnv": […], "mounts": [{"destination", "type", "source",
 * "mode"}], "exec": […]}]} */
int agent_explain(struct span policy, json_t **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* Appends the same for people. */
void agent_explain_text(const json_t *explained, struct buf *out) __attribute__((nonnull));

/* Dangerous allowances (exec of any command, logs, stdin, host-chosen env, patterns that are not anchored, tags without
 * digest, privileged, rules that are not ours, AllowRequestsFailingPolicy, SetPolicyRequest …) as notes: warnings, and
 * errors for what makes the rest worthless. Any Rego text is taken, also one without a data block. */
int agent_lint(struct span policy, struct agent_notes *notes, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* *out: array of {"path": "containers[app].OCI.Process.Args[1]", "before": …|absent, "after": …, "effect": "wider" |
 * "narrower" | "other"}; containers are paired by name, lists that are sets are compared as sets. */
int agent_diff(struct span before, struct span after, json_t **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
void agent_diff_text(const json_t *differences, struct buf *out) __attribute__((nonnull));

#endif
