/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One policy in Rego, evaluated by opa (github.com/open-policy-agent/opa) as a child of ours.
 *
 *     rego_open(opa, text, REGO_FUNCTIONS, &rego, err)      errors of the compiler come back as text
 *     rego_answer(rego, input, &answers, err)               {"allow":true} or {"trust_claims":{…},"extensions":[…]}
 *
 * A text is in package policy, as the real service has it, and Rego of version 1. It sees what it sees there: `input`;
 * data.plugin, data["resource-path"], data.query; and in attestation policies the function
 * query_reference_value(name), which gives null for what is not there. Missing in the answers is what is not defined.
 *
 * Each text has a process of its own that listens on a unix socket in a folder of its own, which only our user can
 * enter. It ends with the broker, has no environment, and is started anew where it has ended in between. What reaches
 * out of it (http.send and the like) is refused, since the real service does not have it.
 *
 * Bounds: REGO_TEXT_MAX; a query takes at most REGO_TIMEOUT, a start REGO_START_TIMEOUT. Ownership: heap object of the
 * caller. Threads: the one that opened it, as the child ends with the thread.
 * Errors: ERR_NOT_FOUND (there is no opa), ERR_FORMAT (does not compile; the text says where), ERR_DENIED (reaches
 * out; could not be evaluated), ERR_LIMIT, ERR_RETRY, ERR_IO.
 */
#ifndef COCOON_E2E_KBS_REGO_H
#define COCOON_E2E_KBS_REGO_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct err;
struct rego;

#define REGO_TEXT_MAX      ((size_t)1024 * 1024)
#define REGO_TIMEOUT       5000 /* ms */
#define REGO_START_TIMEOUT 15000

enum rego_kind { REGO_RESOURCES, REGO_EVIDENCE };

/* opa: path of the program. */
int rego_open(const char *opa, enum rego_kind kind, struct span text, struct rego **out, struct err *err)
		__attribute__((nonnull(1, 4), warn_unused_result));
void rego_free(struct rego *rego);

/*
 * facts: of REGO_RESOURCES {"input","plugin","path","query"}, of REGO_EVIDENCE {"input","references"}. *answers is a new
 * object with those of allow, trust_claims, extensions that the policy defines.
 */
int rego_answer(struct rego *rego, const json_t *facts, json_t **answers, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
