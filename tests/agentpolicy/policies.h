/* SPDX-License-Identifier: Apache-2.0 */
/* Small policies, as a data block without what the tests do not look at. */
#ifndef COCOON_TESTS_AGENTPOLICY_POLICIES_H
#define COCOON_TESTS_AGENTPOLICY_POLICIES_H

#include "agentpolicy/policy.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define STOCK_RULES "package agent_policy\ndefault ExecProcessRequest := false\n"

static const char base_data[] =
		"containers:\n"
		"- OCI:\n"
		"    Process: {Args: [/pause], User: {UID: 65535, GID: 65535, AdditionalGids: []}}\n"
		"    Annotations: {io.kubernetes.cri.container-type: sandbox}\n"
		"- OCI:\n"
		"    Process:\n"
		"      Args: [/app, serve]\n"
		"      Env: [PATH=/bin, LEVEL=debug, NAME=$(sandbox-name)]\n"
		"      Cwd: /srv\n"
		"      User: {UID: 1000, GID: 2000, AdditionalGids: [2000, 3000]}\n"
		"      NoNewPrivileges: true\n"
		"      Capabilities: {Bounding: [$(default_caps)]}\n"
		"    Mounts:\n"
		"    - {destination: /proc, source: proc, type_: proc, options: [nosuid]}\n"
		"    - {destination: /data, source: '', type_: bind, options: [rbind, ro]}\n"
		"    Annotations:\n"
		"      io.kubernetes.cri.container-name: app\n"
		"      io.kubernetes.cri.container-type: container\n"
		"      io.kubernetes.cri.image-name: registry.example/app@sha256:00\n"
		"    Linux: {MaskedPaths: [/proc/kcore, /proc/keys]}\n"
		"  storages: []\n"
		"  exec_commands: [[/bin/check, -q]]\n"
		"  cocoon: {kind: container, name: app, image: 'registry.example/app@sha256:00', digest: "
		"'sha256:00'}\n"
		"common: {privileged_caps: [CAP_A, CAP_B]}\n"
		"request_defaults:\n"
		"  CreateContainerRequest: {allow_env_regex: ['^HOSTNAME=[a-z]+$']}\n"
		"  ExecProcessRequest: {allowed_commands: [], regex: []}\n"
		"  ReadStreamRequest: false\n"
		"  WriteStreamRequest: false\n"
		"cocoon: {data: 1, mode: strict, workload: Deployment shop/web, namespace: shop, any_exec: "
		"false}\n";

static inline json_t *data_of(const char *yaml)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (yaml_read_one(span_of(yaml), strlen(yaml), &tree, &err) < 0)
		fail_msg("%s", err.text);
	return tree;
}

/* The member at a path of keys and, between brackets, indices: "containers[1].OCI.Process". */
static inline json_t *member(json_t *tree, const char *path)
{
	char word[128];

	while (tree && *path) {
		size_t len = strcspn(path, ".[]");
		assert_true(len < sizeof(word));
		memcpy(word, path, len);
		word[len] = '\0';
		if (len)
			tree = json_is_array(tree) ? json_array_get(tree, strtoul(word, NULL, 10))
						   : json_object_get(tree, word);
		path += len + (path[len] != '\0');
	}
	return tree;
}

/* The base with the value (JSON) at key of the object at path; NULL: without it. */
static inline json_t *changed(const char *path, const char *key, const char *value)
{
	json_t *tree = data_of(base_data), *object = member(tree, path);

	assert_true(json_is_object(object));
	if (value) {
		json_t *new = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(new);
		json_object_set_new(object, key, new);
	} else {
		json_object_del(object, key);
	}
	return tree;
}

/* A policy of these rules ("" for ours) and data; takes the reference. */
static inline void policy_of(const char *rules, json_t *data, struct buf *out)
{
	struct err err = ERR_NONE;

	if (agent_policy_format(span_of(rules), data, out, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(data);
}

#endif
