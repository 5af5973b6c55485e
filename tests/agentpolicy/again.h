/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a canonical form back to a pod of the cluster's: with an owner, a generated name, the account's token, and what
 * else is added on the way. Read again, it must have the form that it was made of. For the fuzzer and its test.
 */
#ifndef COCOON_TESTS_AGENTPOLICY_AGAIN_H
#define COCOON_TESTS_AGENTPOLICY_AGAIN_H

#include "agentpolicy/workload_own.h"
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

static inline bool again_read(const json_t *object, bool lenient, struct agent_workload *out)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	const struct agent_options options = AGENT_OPTIONS_NONE;
	const struct agent_reading reading = { .options = &options, .lenient = lenient };

	return !agent_workload_read(object, &reading, out, &notes, NULL);
}

/* What the server adds to a container: defaults, and the mount of the token where nothing is. */
static inline void again_container(json_t *container)
{
	static const char token[] = "/var/run/secrets/kubernetes.io/serviceaccount";
	json_t *mounts = json_object_get(container, "volumeMounts");

	json_object_set_new(container, "imagePullPolicy", json_string("Always"));
	json_object_set_new(container, "terminationMessagePolicy", json_string("File"));
	if (!json_object_get(container, "securityContext"))
		json_object_set_new(container, "securityContext", json_object());
	if (!mounts) {
		mounts = json_array();
		json_object_set_new(container, "volumeMounts", mounts);
	}
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		json_t *mount = json_array_get(mounts, i);
		const char *at = json_text_at(mount, "mountPath", NULL);
		if (json_is_true(json_object_get(mount, "subPath")))
			json_object_set_new(mount, "subPath", json_string("part"));
		if (at && !strcmp(at, token))
			return;
	}
	json_array_append_new(mounts,
			json_pack("{s:s, s:s, s:b}", "name", "kube-api-access-7zzq9", "mountPath", token,
					"readOnly", true));
}

/* Claims get their names, in the order of a controller's map. */
static inline void again_volumes(json_t *spec, const char *set)
{
	json_t *volumes = json_object_get(spec, "volumes"), *reversed = json_array();

	for (size_t i = json_array_size(volumes); i-- > 0;) {
		json_t *volume = json_array_get(volumes, i);
		if (json_object_get(volume, "volumeClaimTemplate")) {
			auto_free char *claim = xasprintf("%s-%s-7", json_text_at(volume, "name", NULL), set);
			json_object_del(volume, "volumeClaimTemplate");
			json_object_set_new(volume, "persistentVolumeClaim",
					json_pack("{s:s}", "claimName", claim));
		}
		json_array_append(reversed, volume);
	}
	json_array_append_new(reversed,
			json_pack("{s:s, s:{s:i}}", "name", "kube-api-access-7zzq9", "projected",
					"defaultMode", 420));
	json_object_set_new(spec, "volumes", reversed);
}

/* Its controller: {"apiVersion", "kind", "name", "controller": true}; NULL for a Pod. */
static inline json_t *again_owner(const struct agent_workload *workload)
{
	const char *kind = workload->kind, *version = "apps/v1";
	auto_free char *name = xstrdup(workload->name);

	if (!strcmp(kind, "Pod"))
		return NULL;
	if (!strcmp(kind, "Deployment") || !strcmp(kind, "CronJob")) {
		bool deployment = !strcmp(kind, "Deployment");
		free(name);
		name = xasprintf(deployment ? "%s-5d4f8c7b9" : "%s-29922809", workload->name);
		kind = deployment ? "ReplicaSet" : "Job";
	}
	if (!strcmp(kind, "Job"))
		version = "batch/v1";
	else if (!strcmp(kind, "ReplicationController"))
		version = "v1";
	return json_pack("{s:s, s:s, s:s, s:b}", "apiVersion", version, "kind", kind, "name", name,
			"controller", true);
}

static inline json_t *again_meta(const struct agent_workload *workload)
{
	json_t *meta = json_pack("{s:s, s:s}", "name", workload->name, "namespace", workload->namespace);
	json_t *labels = json_deep_copy(json_object_get(workload->tree, "labels"));
	json_t *annotations = json_deep_copy(json_object_get(workload->tree, "annotations"));
	json_t *owner = again_owner(workload);

	if (!strcmp(workload->kind, "Deployment"))
		json_object_set_new(labels, "pod-template-hash", json_string("5d4f8c7b9"));
	/* the pattern of an Indexed Job alone has a group for the index, or for the names that are cut */
	if (strchr(workload->sandbox, '(') && strstr(workload->kind, "Job"))
		json_object_set_new(annotations, JOB_COMPLETION_INDEX, json_string("7"));
	if (strstr(workload->sandbox, "]{5}$") && !strcmp(workload->kind, "Pod"))
		json_object_set_new(meta, "generateName", json_string(workload->name));
	if (!strcmp(workload->kind, "Pod") && json_object_get(meta, "generateName"))
		json_object_del(meta, "name");
	json_object_set_new(meta, "labels", labels);
	json_object_set_new(meta, "annotations", annotations);
	if (owner)
		json_object_set_new(meta, "ownerReferences", json_pack("[o]", owner));
	return meta;
}

/* NULL where there are no pods by themselves. A new reference. */
static inline json_t *again_pod(const struct agent_workload *workload)
{
	static const char *const members[] = { "initContainers", "containers" };

	if (!strcmp(workload->kind, "PodTemplate"))
		return NULL;
	json_t *spec = json_deep_copy(workload->spec);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_t *containers = json_object_get(spec, members[i]);
		for (size_t k = 0; k < json_array_size(containers); k++)
			again_container(json_array_get(containers, k));
	}
	again_volumes(spec, workload->name);
	json_object_set_new(spec, "runtimeClassName", json_string(workload->runtime_class));
	if (!strcmp(workload->kind, "StatefulSet"))
		json_object_set_new(spec, "hostname", json_string("set-7"));
	json_object_set_new(spec, "nodeName", json_string("n1"));
	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
			again_meta(workload), "spec", spec);
}

#endif
