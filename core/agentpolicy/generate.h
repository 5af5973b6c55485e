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
 *                                    "containers_max": n         container ids at a time: restarts overlap}
 *     policy_data.containers[i].cocoon
 *                                   {"kind": "sandbox" | "init" | "sidecar" | "container" | "injected", "name": "app",
 *                                    "image": "registry.example/shop/app@sha256:…"   as the runtime names it (familiar
 *                                              names resolved: docker.io/library/…, a tag where there is no digest,
 *                                              none where there is one); "" for the sandbox
 *                                    "digest": "sha256:…" or "" when the manifest pins none,
 *                                    "config_digest": "sha256:…"                     what Env and Args were read from
 *                                    "any_env": ["TOKEN"]      names whose value the host may choose, or leave out
 *                                    "env_regex": ["^INDEX=[0-9]+$"]   one each of which there must be}
 *
 * What stands in OCI.Process:
 *
 *     Env    "NAME=value", each variable once, all of which must be there; in any order. A value may hold placeholders
 *            anywhere and several, such as "URL=http://$(pod-ip):80/": $(sandbox-name) $(sandbox-namespace) $(pod-uid)
 *            $(pod-ip) $(pod-ips) $(host-ip) $(host-ips) $(host-name) $(node-name) $(resource-field). No other text
 *            that looks like one of these, or of the settings' common, gets in.
 *     Args   the same placeholders. Elsewhere $$ stands for $ : replace that first, as others' rules do.
 *     exec_commands   argument vectors as the kubelet sends them, without placeholders.
 *
 * The switches of request_defaults (ReadStreamRequest, WriteStreamRequest, CloseStdinRequest, GetDiagnosticDataRequest,
 * UpdateEphemeralMountsRequest, and GetMetricsRequest, which is absent unless allowed) have the options applied, so have
 * allow_env_regex and ExecProcessRequest's allowed_commands.
 *
 * Values of env: literal, ConfigMaps' and Secrets' from `objects`; a Secret's value is pinned where it is a sealed
 * secret ("sealed." …, public by nature) or options.inline_secrets, else its name goes to any_env, with a warning. A
 * ConfigMap that is missing, or a key of a source that is given, is an error unless optional: then both forms, with and
 * without, are allowed (any_env). A Secret need not be given, but where its names become variables (envFrom), or its
 * values are to be pinned. What is made of a value that the host may choose is the host's, too: a variable goes to
 * any_env with a warning, an argument is an error.
 *
 * The environment is containerd's and the kubelet's, not genpolicy's: each reference is replaced once, by variables of
 * the manifest that stand before it; arguments of the image are not touched; the manifest's value replaces the image's;
 * the default PATH is there under an image that sets none.
 *
 * Users: a numeric user of the image is taken; a name, or group memberships, need the image's /etc/passwd and
 * /etc/group: where these are not given and matter, an error note names the securityContext to write. With guest pull
 * that the manifest does not state a user that the image sets is an error as genpolicy's (2.6, guest-pull guard), or a
 * warning where the files were given.
 * Groups of an /etc/group that was not read are taken for none: where the node's containerd finds some after all, the
 * container is refused. The container's securityContext stands for the pod's, member by member, as the kubelet has it.
 * The sandbox's user, arguments and variables are the settings': they stand for the pause image.
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
