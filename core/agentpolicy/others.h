/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data block for rules that do not know the members of the name "cocoon": variables that a container may have with
 * a value of the host's (any_env), or of a form (env_regex), are allowed by request_defaults instead, which others'
 * rules read. Those are for all containers alike: that much wider others' rules are.
 *
 *     {"containers": [{…, "cocoon": {"any_env": ["TOKEN"], "env_regex": ["^INDEX=[0-9]+$"]}}]}
 *         →  request_defaults.CreateContainerRequest.allow_env_regex + "^TOKEN=(?s:.*)$", "^INDEX=[0-9]+$"
 */
#ifndef COCOON_AGENTPOLICY_OTHERS_H
#define COCOON_AGENTPOLICY_OTHERS_H

#include <jansson.h>

/* A new reference; data without request_defaults stays as it is. */
json_t *data_for_others(const json_t *data) __attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
