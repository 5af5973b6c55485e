/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person wants of a generated agent policy beyond what the manifest says. The same object stands in a profile
 * (spec.initData.agentPolicy.generated) and is made from the options of `initdata-gen policy`:
 *
 *     {"mode": "Strict",                         Strict (default) | Debug
 *      "allow": {"exec": [["/bin/healthcheck", "-q"]],   exactly these argument vectors, in every container
 *                "logs": true,                   the host may read stdout and stderr
 *                "stdin": true,                  the host may write to stdin and close it
 *                "metrics": true, "diagnostics": true, "ephemeralMounts": true,
 *                "env": ["^FEATURE_[A-Z]+=(on|off)$"]},    anchored at both ends, else refused
 *      "inlineSecrets": false,                   true: values of Secrets are pinned, and so stand in the clear in the policy
 *      "injected": [{"name": "istio-proxy", "image": "…@sha256:…", …}],
 *                                                containers that others put into the pod: core/v1 Container; the policy
 *                                                allows each as it is declared here, and the manifest need not have it.
 *                                                A member "volumes" beside holds those (core/v1 Volume) that it mounts
 *                                                and no other container does
 *      "runtime": "qemu",                        qemu | coco-dev | remote; default: by the RuntimeClass
 *      "settingsPatch": "[{\"op\": …}]"}         RFC 6902, on the settings, as text
 *
 * Debug allows any exec, logs, stdin, and says so loudly in notes and in the data block. Never for secrets.
 *
 * What says the default says nothing: it is not in the tree. Ownership: a struct owns its tree; lists borrow from it.
 * Bounds: AGENT_LIST_MAX items in each list, AGENT_WORD_MAX bytes in each text. Errors: ERR_FORMAT naming the member;
 * unknown members are refused.
 */
#ifndef COCOON_AGENTPOLICY_OPTIONS_H
#define COCOON_AGENTPOLICY_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

struct err;

#define AGENT_LIST_MAX 256
#define AGENT_WORD_MAX 32768

enum agent_mode { AGENT_STRICT, AGENT_DEBUG };
enum agent_runtime {
	AGENT_RUNTIME_BY_CLASS,
	AGENT_RUNTIME_QEMU,
	AGENT_RUNTIME_COCO_DEV,
	AGENT_RUNTIME_REMOTE
};

struct agent_options {
	json_t *tree; /* as read, without defaults: what a key is made of */
	enum agent_mode mode;
	enum agent_runtime runtime;
	bool logs, stdin_, metrics, diagnostics, ephemeral_mounts, inline_secrets;
	const json_t *exec;         /* array of arrays of texts, or NULL */
	const json_t *env;          /* array of texts, or NULL */
	const json_t *injected;     /* array of objects, or NULL */
	const char *settings_patch; /* NULL: none */
};

/* `tree` NULL or {}: strict, nothing further. */
int agent_options_read(const json_t *tree, struct agent_options *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void agent_options_clear(struct agent_options *options) __attribute__((nonnull));
#define auto_agent_options __attribute__((cleanup(agent_options_clear)))
#define AGENT_OPTIONS_NONE   \
	{                    \
		.tree = NULL \
	}

#endif
