/* SPDX-License-Identifier: Apache-2.0 */
/* What explain, lint and diff read of a data block: private to this room. */
#ifndef COCOON_AGENTPOLICY_EXPLAIN_OWN_H
#define COCOON_AGENTPOLICY_EXPLAIN_OWN_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct err;

/* Splits, and checks what the others rely on. *data is a new reference. */
int explain_open(struct span policy, struct span *rules, json_t **data, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/* Of an item of policy_data.containers, ours or genpolicy's. Borrowed; "(sandbox)" where there is no name. */
const char *explain_container_name(const json_t *container) __attribute__((nonnull, returns_nonnull));
const char *explain_container_image(const json_t *container) __attribute__((nonnull, returns_nonnull));
bool explain_is_sandbox(const json_t *container) __attribute__((nonnull));

#endif
