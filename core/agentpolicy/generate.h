/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a workload and facts about its images to the data block of an agent policy: what each container that the guest
 * may start looks like. Pure, and the same bytes for the same input.
 *
 *     workload ┐
 *     options  ├▶ policy_data {"containers": […], "common", "sandbox", "request_defaults", "devices", "cluster_config",
 *     settings │                "cocoon"}
 *     images   ┘
 *
 * The shape is genpolicy's (specification of agent policies, 2.5 and 2.6), so that the block works with other rules
 * too; the marks [C] there say where it deliberately differs in content. What our rules need beyond that stands in
 * members of the name "cocoon", which other rules do not look at:
 *
 *     policy_data.cocoon            {"data": 1, "mode": "strict" | "debug", "workload": "Deployment shop/web",
 *                                    "namespace": "shop" ("" any, pinned by the first request),
 *                                    "exec": [[…]], "any_exec": bool, "stdin": bool, "env_regex": [from the options],
 *                                    "containers_max": n}
 *     policy_data.containers[i].cocoon
 *                                   {"kind": "sandbox" | "init" | "sidecar" | "container" | "injected", "name": "app",
 *                                    "image": "registry.example/shop/app@sha256:…"   as the runtime names it (familiar
 *                                              names resolved: docker.io/library/…, a tag where there is no digest)
 *                                    "digest": "sha256:…" or "" when the manifest pins none,
 *                                    "config_digest": "sha256:…"                     what Env and Args were read from
 *                                    "any_env": ["TOKEN"]      names whose value the host may choose
 *                                    "env_regex": []}
 *
 * Values of env: literal, ConfigMaps' and Secrets' from `objects`; a Secret's value is pinned where it is a sealed
 * secret ("sealed." …, public by nature) or options.inline_secrets, else its name goes to any_env, with a warning. A
 * missing ConfigMap or Secret is an error unless optional: then both forms, with and without, are allowed (any_env).
 *
 * Users: a numeric user of the image is taken; a name, or group memberships, need the image's /etc/passwd and
 * /etc/group: where these are not given and matter, an error note names the securityContext to write. With guest pull
 * that the manifest does not state a user that the image sets is an error as genpolicy's (2.6, guest-pull guard).
 *
 * Ownership: *data is a new reference; inputs are borrowed. Errors: ERR_DENIED when notes has errors; ERR_LIMIT.
 */
#ifndef COCOON_AGENTPOLICY_GENERATE_H
#define COCOON_AGENTPOLICY_GENERATE_H

#include "agentpolicy/notes.h"
#include "agentpolicy/options.h"
#include "agentpolicy/settings.h"
#include "agentpolicy/workload.h"

/* Facts of one image; lists end with NULL. All borrowed. */
struct agent_image {
	const char *name;          /* as in workload.images */
	const char *digest;        /* of the manifest that was read, "sha256:…"; for notes alone */
	const char *config_digest; /* of its config */
	const char *user;          /* config.User; "" */
	const char *cwd;           /* config.WorkingDir; "" */
	const char *const *env, *const *entrypoint, *const *cmd, *const *volumes; /* NULL: none */
	const char *passwd,
			*group; /* texts of /etc/passwd and /etc/group, "" for a file that is not there; NULL: not read */
};

struct agent_inputs {
	const struct agent_workload *workload;
	const struct agent_options *options;
	const struct agent_settings *settings;
	const struct agent_image *images; /* in the order of workload.images */
	const json_t *objects;            /* array of ConfigMap and Secret objects; NULL: none */
};

int agent_generate(const struct agent_inputs *inputs, json_t **data, struct agent_notes *notes,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
