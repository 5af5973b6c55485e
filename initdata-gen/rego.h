/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agent policies from files, and programs that judge requests by them.
 *
 * A file is a policy as such (it begins with a package line) or anything that source.h reads: a document, an
 * annotation, a manifest whose pods carry the same one, an image; then its entry policy.rego is taken.
 *
 * Judging: a policy engine of its own, no part of this program, is run for each request as the guest's agent asks its
 * built-in one (specification of agent policies, 1.1): `opa eval` or `regorus eval`, found in PATH or named.
 */
#ifndef COCOON_INITDATA_GEN_REGO_H
#define COCOON_INITDATA_GEN_REGO_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct err;

/* The name of a module's package, from its first line of code; empty: it is no Rego. Borrowed. */
struct span rego_package(struct span text) __attribute__((warn_unused_result));

/* Appends the policy. `path` NULL or "-" is standard input. */
int rego_load(const char *path, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* A policy and the state that its requests have left. */
struct rego_engine {
	const char *program;
	bool guessed;  /* nobody has named it */
	char *folder;  /* with policy.rego and data.json */
	json_t *state; /* the data document: {"pstate": {…}} */
};

struct rego_verdict {
	bool allowed;
	char *problem;   /* no verdict came, or several: the agent's internal error; NULL: there was one */
	json_t *reasons; /* data.agent_policy.refusals for the request, or NULL */
	json_t *ops;     /* what was done to the state, or NULL */
};

/* `program` NULL: opa, else regorus, whichever PATH has. */
int rego_open(const char *program, struct span policy, struct rego_engine *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));
void rego_close(struct rego_engine *engine) __attribute__((nonnull));
#define auto_rego_engine __attribute__((cleanup(rego_close)))

/* One request, filled (agentpolicy/request.h). What it does to the state stays. */
int rego_judge(struct rego_engine *engine, const char *kind, const json_t *input, struct rego_verdict *out,
		struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void rego_verdict_clear(struct rego_verdict *verdict) __attribute__((nonnull));
#define auto_rego_verdict __attribute__((cleanup(rego_verdict_clear)))

#endif
