/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agentpolicy/workload_rig.h"

static void refuses_what_cannot_be_expressed_in_a_container(void **state)
{
	static const struct {
		const char *members, *note;
	} cases[] = {
		{ "securityContext: {procMount: Unmasked}",
				"error spec.containers[0].securityContext: procMount 'Unmasked'" },
		{ "securityContext: {seccompProfile: {type: Localhost, localhostProfile: a}}",
				"error spec.containers[0].securityContext.seccompProfile: a file of the "
				"node" },
		{ "securityContext: {appArmorProfile: {type: Localhost}}",
				"error spec.containers[0].securityContext.appArmorProfile: a file of the "
				"node" },
		{ "securityContext: {windowsOptions: {runAsUserName: a}}",
				"error spec.containers[0].securityContext.windowsOptions: there are no "
				"Windows" },
		{ "securityContext: {capabilities: {add: [CAP_NET_ADMIN]}}",
				"securityContext.capabilities: 'CAP_NET_ADMIN'" },
		{ "securityContext: {capabilities: {drop: [all]}}", "securityContext.capabilities: 'all'" },
		{ "securityContext: {capabilities: {drop: ['']}}", "securityContext.capabilities: ''" },
		{ "volumeMounts: [{name: v, mountPath: /a, subPath: b}]",
				"error spec.containers[0].volumeMounts[0]: a subPath of an emptyDir" },
		{ "volumeMounts: [{name: v, mountPath: /a, subPathExpr: $(B)}]",
				"error spec.containers[0].volumeMounts[0]: a subPath of an emptyDir" },
		{ "volumeMounts: [{name: v, mountPath: /a, recursiveReadOnly: Enabled}]",
				"volumeMounts[0]: recursiveReadOnly 'Enabled'" },
		{ "volumeMounts: [{name: v, mountPath: /a, mountPropagation: Both}]",
				"volumeMounts[0]: there is no mountPropagation 'Both'" },
		{ "volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: a}]",
				"volumeMounts[1]: there are two at '/a'" },
		{ "volumeMounts: [{name: v, mountPath: /a}], volumeDevices: [{name: v, devicePath: /a}]",
				"volumeDevices[0]: there are two at '/a'" },
		{ "volumeMounts: [{name: w, mountPath: /a}]", "volumeMounts[0]: there is no volume 'w'" },
		{ "volumeMounts: [{name: v}]", "volumeMounts[0]: has no mountPath" },
		{ "volumeMounts: [{mountPath: /a}]", "volumeMounts[0]: has no name" },
		{ "volumeMounts: [x]", "volumeMounts[0]: has no name" },
		{ "resources: {claims: [{name: gpu}]}",
				"error spec.containers[0].resources.claims: which devices" },
		{ "resources: {limits: {a/b: half}}", "resources: limits: 'a/b' needs a whole number" },
		{ "resources: {limits: {a/b: -1}}", "resources: limits: 'a/b' needs a whole number" },
		{ "resources: {limits: {a/b: '01'}}", "resources: limits: 'a/b' needs a whole number" },
		{ "livenessProbe: {exec: {}}", "livenessProbe.exec: has no command" },
		{ "lifecycle: {preStop: {exec: {command: x}}}",
				"lifecycle.preStop.exec.command: is not a list" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_seen struct seen seen = look_container(cases[i].members);
		assert_int_equal(seen.err.kind, ERR_DENIED);
		assert_noted(&seen, cases[i].note);
		assert_null(seen.workload.tree);
	}
}

static void refuses_what_cannot_be_expressed_in_an_environment(void **state)
{
	static const struct {
		const char *members, *note;
	} cases[] = {
		{ "env: [{name: 'A=B', value: c}]",
				"error spec.containers[0].env[0]: is no name of a variable" },
		{ "env: [{name: \"A\\nB\", value: c}]", "error spec.containers[0].env[0]: is no name" },
		{ "env: [{name: \"A\\u00e4\", value: c}]", "error spec.containers[0].env[0]: is no name" },
		{ "env: [{name: A, valueFrom: {}}]", "env[0].valueFrom: names no source" },
		{ "env: [{name: A, valueFrom: {fileKeyRef: {path: a}}}]",
				"env[0].valueFrom.fileKeyRef: kubelet reads" },
		{ "env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIp}}}]",
				"env[0].valueFrom.fieldRef: 'status.podIp' is no field that the environment "
				"can show; did you"
				" mean 'status.podIP'?" },
		{ "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.labels}}}]",
				"'metadata.labels' is no field" },
		{ "env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['']\"}}}]",
				"is no field" },
		{ "env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}]",
				"env[0]: has both" },
		{ "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}, configMapKeyRef: {name: a, "
		  "key: b}}}]",
				"env[0].valueFrom: names no source, or more than one" },
		{ "env: [{name: A, valueFrom: {secretKeyRef: {name: a}}}]", "secretKeyRef: has no key" },
		{ "env: [{value: a}]", "env[0]: has no name" },
		{ "envFrom: [{prefix: A}]", "envFrom[0]: names no source" },
		{ "envFrom: [{secretRef: {}}]", "envFrom[0].secretRef: has no name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_seen struct seen seen = look_container(cases[i].members);
		assert_int_equal(seen.err.kind, ERR_DENIED);
		assert_noted(&seen, cases[i].note);
		assert_null(seen.workload.tree);
	}
}

static void refuses_what_cannot_be_expressed_in_a_pod(void **state)
{
	static const struct {
		const char *spec, *note;
	} cases[] = {
		{ "hostPID: true", "error spec.hostPID: there is no host's process namespace" },
		{ "hostIPC: true", "error spec.hostIPC: there is no host's IPC namespace" },
		{ "hostUsers: false", "error spec: hostUsers: false maps users" },
		{ "os: {name: windows}", "error spec: os: guests run linux" },
		{ "resourceClaims: [{name: gpu}]", "error spec.resourceClaims: which devices" },
		{ "hostnameOverride: a", "error spec.hostnameOverride: cannot be expressed: use hostname" },
		{ "ephemeralContainers: [{name: debug, image: i}]",
				"error spec.ephemeralContainers: a container that is added" },
		{ "securityContext: {windowsOptions: {hostProcess: true}}",
				"spec.securityContext.windowsOptions: there are" },
		{ "securityContext: {seccompProfile: {type: Localhost}}",
				"spec.securityContext.seccompProfile: a file" },
		{ "securityContext: {runAsUser: -1}",
				"spec.securityContext.runAsUser: is not a whole number" },
		{ "securityContext: {runAsUser: 2147483648}",
				"spec.securityContext.runAsUser: is not a whole number" },
		{ "securityContext: {runAsUser: 1.5}",
				"spec.securityContext.runAsUser: is not a whole number" },
		{ "securityContext: {supplementalGroups: [1, a]}",
				"supplementalGroups: is not a list of whole numbers" },
		{ "securityContext: {sysctls: [{name: a}]}", "sysctls[0]: has no value" },
		{ "initContainers: [{name: c, image: i}]",
				"error spec.containers[0]: there are two containers 'c'" },
		{ "initContainers: [{name: d}]", "error spec.initContainers[0]: has no image" },
		{ "initContainers: [{image: d}]", "error spec.initContainers[0]: has no name" },
		{ "initContainers: [null]", "error spec.initContainers[0]: has no name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *spec = xasprintf("containers: [{name: c, image: i}], %s", cases[i].spec);
		auto_seen struct seen seen = look_pod(spec);
		assert_int_equal(seen.err.kind, ERR_DENIED);
		assert_noted(&seen, cases[i].note);
	}
	auto_seen struct seen none = look_pod("restartPolicy: Never");
	assert_noted(&none, "error spec: has no containers");
	auto_seen struct seen empty = look_pod("containers: []");
	assert_noted(&empty, "error spec: has no containers");
}

static void refuses_volumes_that_cannot_be_expressed(void **state)
{
	static const struct {
		const char *volume, *note;
	} cases[] = {
		{ "emptyDir: {medium: HugePages-2Mi}",
				"error spec.volumes[0].emptyDir: medium 'HugePages-2Mi'" },
		{ "image: {reference: a}", "error spec.volumes[0].image: the node would give" },
		{ "gitRepo: {repository: a}", "error spec.volumes[0].gitRepo: the node would give" },
		{ "iscsi: {lun: 1}", "error spec.volumes[0].iscsi: is not known to work" },
		{ "hostPath: {}", "error spec.volumes[0].hostPath: has no path" },
		{ "configMap: {name: a}, secret: {secretName: b}",
				"error spec.volumes[0]: is of more than one kind" },
		{ "emptydir: {}",
				"error spec.volumes[0]: there is no field 'emptydir'; did you mean "
				"'emptyDir'?" },
		{ "emptyDir: x", "error spec.volumes[0].emptyDir: is not an object" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i,"
				" volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, %s}]}}",
				cases[i].volume);
		auto_json json_t *object = yaml(text);
		auto_seen struct seen seen = look_at(object, NULL, true);
		assert_int_equal(seen.err.kind, ERR_DENIED);
		assert_noted(&seen, cases[i].note);
	}
	auto_seen struct seen two =
			look_pod("containers: [{name: c, image: i}], volumes: [{name: v}, {name: v}]");
	assert_noted(&two, "error spec.volumes[1]: there are two volumes 'v'");
	auto_seen struct seen nameless =
			look_pod("containers: [{name: c, image: i}], volumes: [{emptyDir: {}}]");
	assert_noted(&nameless, "error spec.volumes[0]: has no name");
}

static void refuses_annotations_that_name_a_profile_of_the_node(void **state)
{
	auto_seen struct seen seen = look("{kind: Pod, metadata: {name: p, annotations: {"
					  "container.apparmor.security.beta.kubernetes.io/c: "
					  "localhost/mine}}, spec: {containers:"
					  " [{name: c, image: i}]}}");

	(void)state;
	assert_int_equal(seen.err.kind, ERR_DENIED);
	assert_noted(&seen, "error metadata.annotations: a file of the node");
}

/* ---- what nobody knows ---- */

static const struct {
	const char *spec, *note;
} unknown[] = {
	{ "hostNetwerk: true", "spec: there is no field 'hostNetwerk'; did you mean 'hostNetwork'?" },
	{ "securityContext: {runasuser: 1}",
			"spec.securityContext: there is no field 'runasuser'; did you mean 'runAsUser'?" },
	{ "securityContext: {sysctls: [{name: a, value: b, x: c}]}",
			"spec.securityContext.sysctls[0]: there is no field 'x'" },
	{ "initContainers: [{name: d, image: i, cmd: [a]}]",
			"spec.initContainers[0]: there is no field 'cmd'" },
	{ "initContainers: [{name: d, image: i, securityContext: {priviledged: true}}]",
			"spec.initContainers[0].securityContext: there is no field 'priviledged'; did you "
			"mean 'privileged'?" },
	{ "initContainers: [{name: d, image: i, securityContext: {capabilities: {ad: [A]}}}]",
			"capabilities: there is no field 'ad'; did you mean 'add'?" },
	{ "initContainers: [{name: d, image: i, resources: {limit: {}}}]",
			"resources: there is no field 'limit'" },
	{ "initContainers: [{name: d, image: i, env: [{name: a, valeu: b}]}]",
			"env[0]: there is no field 'valeu'" },
	{ "initContainers: [{name: d, image: i, envFrom: [{configMapRef: {name: a, x: b}}]}]",
			"configMapRef: there is no field 'x'" },
	{ "initContainers: [{name: d, image: i, livenessProbe: {exec: {command: [a], tty: true}}}]",
			"livenessProbe.exec: there is no field 'tty'" },
	{ "initContainers: [{name: d, image: i, livenessProbe: {exce: {}}}]",
			"livenessProbe: there is no field 'exce'" },
	{ "initContainers: [{name: d, image: i, lifecycle: {preStart: {}}}]",
			"lifecycle: there is no field 'preStart'" },
	{ "initContainers: [{name: d, image: i, volumeMounts: [{name: v, mountPath: /v, readonly: true}]}], "
	  "volumes: [{name: v}]",
			"volumeMounts[0]: there is no field 'readonly'; did you mean 'readOnly'?" },
};

static void an_unknown_field_is_an_error_and_a_warning_where_lenient(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(unknown); i++) {
		auto_free char *text = xasprintf("{kind: Pod, metadata: {name: p}, spec: {containers: "
						 "[{name: c, image: i}], %s}}",
				unknown[i].spec);
		auto_json json_t *object = yaml(text);
		auto_seen struct seen strict = look_at(object, NULL, false),
				      lenient = look_at(object, NULL, true);
		assert_int_equal(strict.err.kind, ERR_DENIED);
		assert_noted(&strict, "error ");
		assert_noted(&strict, unknown[i].note);
		if (lenient.status)
			fail_msg("%s: %s", unknown[i].spec, lenient.err.text);
		assert_noted(&lenient, "warning ");
		assert_noted(&lenient, unknown[i].note);
		assert_non_null(lenient.workload.spec);
	}
}

static void all_that_is_wrong_is_said_at_once(void **state)
{
	auto_seen struct seen seen =
			look("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template:"
			     " {metadata: [], spec: {hostPID: true, contaners: [], containers: [{name: 5, "
			     "image: i,"
			     " command: a}]}}}}");

	(void)state;
	assert_string_equal(seen.notes,
			"error spec.template.metadata: is not an object\n"
			"error spec.template.spec.hostPID: there is no host's process namespace in a guest: "
			"leave it out\n"
			"error spec.template.spec: there is no field 'contaners'; did you mean "
			"'containers'?\n"
			"error spec.template.spec.containers[0].name: is not a text: write it in quotes\n"
			"error spec.template.spec.containers[0].command: is not a list\n");
	assert_int_equal(seen.err.kind, ERR_DENIED);
	assert_non_null(strstr(seen.err.text, "contaners"));
}

/* ---- wrong types and bounds ---- */

/* Each member in turn becomes another type. */
static void no_wrong_type_passes_for_another(void **state)
{
	static const char *const members[] = { "command", "args", "env", "envFrom", "securityContext",
		"resources", "volumeMounts", "volumeDevices", "livenessProbe", "lifecycle", "workingDir",
		"tty", "stdin", "terminationMessagePath" };
	static const char *const values[] = { "5", "a", "true", "[5]", "{a: b}", "1.5" };

	(void)state;
	for (size_t i = 0; i < COUNT(members); i++) {
		size_t taken = 0;
		for (size_t k = 0; k < COUNT(values); k++) {
			auto_free char *text = xasprintf("%s: %s", members[i], values[k]);
			auto_seen struct seen seen = look_container(text);
			taken += !seen.status;
		}
		/* a text, or true */
		if (taken > 1)
			fail_msg("%s takes %zu types", members[i], taken);
	}
}

static void has_a_bound_for_containers_and_volumes(void **state)
{
	auto_json json_t *object =
			yaml("{kind: Pod, metadata: {name: p}, spec: {containers: [], volumes: []}}");
	json_t *spec = json_object_get(object, "spec");
	json_t *containers = json_object_get(spec, "containers"), *volumes = json_object_get(spec, "volumes");
	json_t *mounts = json_array();

	(void)state;
	for (int i = 0; i <= AGENT_VOLUMES_MAX; i++) {
		auto_free char *name = xasprintf("v%d", i), *at = xasprintf("/v%d", i);
		json_array_append_new(volumes, json_pack("{s:s}", "name", name));
		json_array_append_new(mounts, json_pack("{s:s, s:s}", "name", name, "mountPath", at));
	}
	json_array_append_new(containers,
			json_pack("{s:s, s:s, s:o}", "name", "c", "image", "i", "volumeMounts", mounts));
	auto_seen struct seen volumes_over = look_at(object, NULL, false);
	assert_noted(&volumes_over, "the pod mounts more than 256 volumes");
	json_array_remove(mounts, AGENT_VOLUMES_MAX);
	for (int i = 1; i < AGENT_CONTAINERS_MAX; i++) {
		auto_free char *name = xasprintf("c%d", i);
		json_array_append_new(containers, json_pack("{s:s, s:s}", "name", name, "image", "i"));
	}
	auto_seen struct seen full = look_at(object, NULL, false);
	assert_int_equal(full.status, 0);
	json_array_append_new(containers, json_pack("{s:s, s:s}", "name", "last", "image", "i"));
	auto_seen struct seen over = look_at(object, NULL, false);
	assert_noted(&over, "error spec.containers[128]: there are more than 128 containers");
}

static void a_sysctl_that_is_a_number_is_taken_with_a_warning(void **state)
{
	auto_seen struct seen seen =
			look_pod("containers: [{name: c, image: i}], securityContext: {sysctls: [{name: a.b,"
				 " value: 5}]}");

	(void)state;
	assert_has(&seen, json_at(seen.workload.spec, "securityContext", "sysctls", NULL),
			"[{\"name\":\"a.b\",\"value\":\"5\"}]");
	assert_noted(&seen, "warning spec.securityContext.sysctls[0]: the value is a number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_cannot_be_expressed_in_a_container),
		cmocka_unit_test(refuses_what_cannot_be_expressed_in_an_environment),
		cmocka_unit_test(refuses_what_cannot_be_expressed_in_a_pod),
		cmocka_unit_test(refuses_volumes_that_cannot_be_expressed),
		cmocka_unit_test(refuses_annotations_that_name_a_profile_of_the_node),
		cmocka_unit_test(an_unknown_field_is_an_error_and_a_warning_where_lenient),
		cmocka_unit_test(all_that_is_wrong_is_said_at_once),
		cmocka_unit_test(no_wrong_type_passes_for_another),
		cmocka_unit_test(has_a_bound_for_containers_and_volumes),
		cmocka_unit_test(a_sysctl_that_is_a_number_is_taken_with_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
