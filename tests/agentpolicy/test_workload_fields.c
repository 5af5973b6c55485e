/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agentpolicy/workload_rig.h"

/* What stays of a container beside its name and image. */
static void container_stays(const char *members, const char *wanted)
{
	auto_seen struct seen seen = look_container(members);
	const json_t *container = json_array_get(json_object_get(seen.workload.spec, "containers"), 0);

	if (seen.status)
		fail_msg("%s: %s", members, seen.err.text);
	auto_json json_t *rest = json_copy((json_t *)(uintptr_t)container);
	json_object_del(rest, "name");
	json_object_del(rest, "image");
	assert_has(&seen, rest, wanted);
}

/* What stays of a spec beside its containers. */
static void spec_stays(const char *members, const char *wanted)
{
	auto_free char *text =
			xasprintf("containers: [{name: c, image: i}]%s%s", members[0] ? ", " : "", members);
	auto_seen struct seen seen = look_pod(text);

	if (seen.status)
		fail_msg("%s: %s", members, seen.err.text);
	auto_json json_t *rest = json_copy((json_t *)(uintptr_t)seen.workload.spec);
	json_object_del(rest, "containers");
	assert_has(&seen, rest, wanted);
}

struct pair {
	const char *text, *wanted;
};

static void of_a_container_stays_what_counts(void **state)
{
	static const struct pair cases[] = {
		{ "", "{}" },
		{ "command: [a, ''], args: [b]", "{\"args\":[\"b\"],\"command\":[\"a\",\"\"]}" },
		{ "command: [], args: null", "{}" },
		{ "workingDir: /w", "{\"workingDir\":\"/w\"}" },
		{ "workingDir: ''", "{}" },
		{ "tty: true, stdin: true, stdinOnce: true", "{\"stdin\":true,\"tty\":true}" },
		{ "tty: false, stdin: null", "{}" },
		{ "ports: [{containerPort: 1}], imagePullPolicy: Never, resizePolicy: []", "{}" },
		{ "terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File", "{}" },
		{ "terminationMessagePath: /t", "{\"terminationMessagePath\":\"/t\"}" },
		{ "securityContext: {}", "{}" },
		{ "securityContext: null", "{}" },
		{ "securityContext: {privileged: false, readOnlyRootFilesystem: false, "
		  "allowPrivilegeEscalation: true,"
		  " procMount: Default, runAsNonRoot: true, seLinuxOptions: {level: s0}, capabilities: {},"
		  " seccompProfile: {type: RuntimeDefault}, appArmorProfile: {type: Unconfined}, "
		  "windowsOptions: {}}",
				"{}" },
		{ "securityContext: {privileged: true, readOnlyRootFilesystem: true, "
		  "allowPrivilegeEscalation: false,"
		  " runAsUser: 0, runAsGroup: 5}",
				"{\"securityContext\":{\"allowPrivilegeEscalation\":false,\"privileged\":"
				"true,"
				"\"readOnlyRootFilesystem\":true,\"runAsGroup\":5,\"runAsUser\":0}}" },
		{ "securityContext: {capabilities: {add: [NET_ADMIN, SYS_TIME], drop: [ALL]}}",
				"{\"securityContext\":{\"capabilities\":{\"add\":[\"NET_ADMIN\",\"SYS_TIME\"]"
				","
				"\"drop\":[\"ALL\"]}}}" },
		{ "resources: {limits: {cpu: 1, memory: 1Gi, ephemeral-storage: 1, hugepages-2Mi: 2Mi}, "
		  "requests: {a/b: 1}}",
				"{}" },
		{ "resources: {limits: {nvidia.com/pgpu: 1, a/b: '2', c/d: 0}}",
				"{\"resources\":{\"limits\":{\"a/b\":\"2\",\"nvidia.com/pgpu\":\"1\"}}}" },
		{ "livenessProbe: {httpGet: {port: 1}}, readinessProbe: {tcpSocket: {port: 1}}, "
		  "startupProbe: {grpc: {port:"
		  " 1}}, lifecycle: {stopSignal: SIGUSR1, preStop: {sleep: {seconds: 1}}, postStart: "
		  "{httpGet: {}}}",
				"{}" },
		{ "livenessProbe: {exec: {command: [a]}, periodSeconds: 1}, readinessProbe: {exec: {command: "
		  "[b]}},"
		  " startupProbe: {exec: {command: [c, d]}}",
				"{\"livenessProbe\":{\"exec\":{\"command\":[\"a\"]}},\"readinessProbe\":{"
				"\"exec\":"
				"{\"command\":[\"b\"]}},\"startupProbe\":{\"exec\":{\"command\":[\"c\",\"d\"]"
				"}}}" },
		{ "lifecycle: {postStart: {exec: {command: [a]}}, preStop: {exec: {command: [b]}}}",
				"{\"lifecycle\":{\"postStart\":{\"exec\":{\"command\":[\"a\"]}},\"preStop\":{"
				"\"exec\":"
				"{\"command\":[\"b\"]}}}}" },
		{ "volumeMounts: [{name: v, mountPath: a/b, readOnly: true, mountPropagation: None, "
		  "recursiveReadOnly:"
		  " Disabled, subPath: ''}, {name: v, mountPath: /c, mountPropagation: Bidirectional}]",
				"{\"volumeMounts\":[{\"mountPath\":\"/a/"
				"b\",\"name\":\"v\",\"readOnly\":true},{\"mountPath\":"
				"\"/c\",\"mountPropagation\":\"Bidirectional\",\"name\":\"v\"}]}" },
		{ "volumeDevices: [{name: v, devicePath: /dev/x}]",
				"{\"volumeDevices\":[{\"devicePath\":\"/dev/x\",\"name\":\"v\"}]}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		container_stays(cases[i].text, cases[i].wanted);
}

static void of_the_environment_stays_where_values_come_from(void **state)
{
	static const struct pair cases[] = {
		{ "env: [], envFrom: []", "{}" },
		{ "env: [{name: A, value: b}, {name: A}, {name: C, value: null}]",
				"{\"env\":[{\"name\":\"A\",\"value\":\"b\"},{\"name\":\"A\",\"value\":\"\"},"
				"{\"name\":\"C\",\"value\":\"\"}]}" },
		{ "env: [{name: A, value: '', valueFrom: {fieldRef: {fieldPath: status.podIP, apiVersion: "
		  "v1}}}]",
				"{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":"
				"\"status.podIP\"}}}]}" },
		{ "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, containerName: d, "
		  "divisor: 1m}}}]",
				"{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":"
				"\"limits.cpu\"}}}]}" },
		{ "env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: k, optional: false}}}]",
				"{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"configMapKeyRef\":{\"key\":\"k\","
				"\"name\":\"m\"}}}]}" },
		{ "env: [{name: A, valueFrom: {secretKeyRef: {name: m, key: k, optional: true}}}]",
				"{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"secretKeyRef\":{\"key\":\"k\","
				"\"name\":\"m\","
				"\"optional\":true}}}]}" },
		{ "envFrom: [{prefix: P_, configMapRef: {name: m}}, {prefix: '', secretRef: {name: s, "
		  "optional: true}}]",
				"{\"envFrom\":[{\"configMapRef\":{\"name\":\"m\"},\"prefix\":\"P_\"},{"
				"\"secretRef\":{\"name\":"
				"\"s\",\"optional\":true}}]}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		container_stays(cases[i].text, cases[i].wanted);
}

static void of_a_pod_stays_what_counts(void **state)
{
	static const struct pair cases[] = {
		{ "", "{}" },
		{ "securityContext: {}, restartPolicy: Never, hostNetwork: false, os: {name: linux}, "
		  "hostUsers: true",
				"{}" },
		{ "serviceAccountName: default, serviceAccount: default, enableServiceLinks: true,"
		  " automountServiceAccountToken: true, setHostnameAsFQDN: false, hostname: '', subdomain: "
		  "null",
				"{}" },
		{ "serviceAccount: a", "{\"serviceAccountName\":\"a\"}" },
		{ "serviceAccountName: a, serviceAccount: b", "{\"serviceAccountName\":\"a\"}" },
		{ "hostNetwork: true, shareProcessNamespace: true, enableServiceLinks: false,"
		  " automountServiceAccountToken: false, setHostnameAsFQDN: true, hostname: h, subdomain: s",
				"{\"automountServiceAccountToken\":false,\"enableServiceLinks\":false,"
				"\"hostNetwork\":true,"
				"\"hostname\":\"h\",\"setHostnameAsFQDN\":true,\"shareProcessNamespace\":"
				"true,\"subdomain\":"
				"\"s\"}" },
		{ "securityContext: {supplementalGroupsPolicy: Merge, fsGroupChangePolicy: Always, "
		  "runAsNonRoot: true,"
		  " supplementalGroups: [], sysctls: [], seccompProfile: {type: Unconfined}}",
				"{}" },
		{ "securityContext: {supplementalGroupsPolicy: Strict, fsGroupChangePolicy: OnRootMismatch, "
		  "fsGroup: 3,"
		  " supplementalGroups: [2, 1, 2], runAsUser: 2147483647, sysctls: [{name: a.b, value: '1 "
		  "2'}]}",
				"{\"securityContext\":{\"fsGroup\":3,\"fsGroupChangePolicy\":"
				"\"OnRootMismatch\",\"runAsUser\":"
				"2147483647,\"supplementalGroups\":[2,1,2],\"supplementalGroupsPolicy\":"
				"\"Strict\",\"sysctls\":"
				"[{\"name\":\"a.b\",\"value\":\"1 2\"}]}}" },
		{ "volumes: [{name: v, emptyDir: {}}, {name: w, iscsi: {}}]", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		spec_stays(cases[i].text, cases[i].wanted);
}

static void of_a_volume_stays_its_kind(void **state)
{
	static const struct pair cases[] = {
		{ "", "\"emptyDir\":{}," },
		{ "emptyDir: null", "\"emptyDir\":{}," },
		{ "emptyDir: {medium: '', sizeLimit: 1Gi}", "\"emptyDir\":{}," },
		{ "emptyDir: {medium: Memory, sizeLimit: 1Gi}", "\"emptyDir\":{\"medium\":\"Memory\"}," },
		{ "hostPath: {path: /dev/x, type: ''}", "\"hostPath\":{\"path\":\"/dev/x\"}," },
		{ "configMap: {name: m, defaultMode: 420, optional: true}",
				"\"configMap\":{\"name\":\"m\"}," },
		{ "csi: {driver: d, readOnly: false, volumeAttributes: {a: b}}",
				"\"csi\":{\"driver\":\"d\"}," },
		{ "csi: {driver: d, readOnly: true}", "\"csi\":{\"driver\":\"d\",\"readOnly\":true}," },
		{ "downwardAPI: {items: []}", "\"downwardAPI\":{}," },
		{ "azureFile: {shareName: s, secretName: t, readOnly: true}",
				"\"azureFile\":{\"readOnly\":true}," },
		{ "ephemeral: {volumeClaimTemplate: {}}", "\"ephemeral\":{}," },
	};
	static const struct pair after[] = {
		{ "nfs: {server: a, path: /b}", ",\"nfs\":{}" },
		{ "persistentVolumeClaim: {claimName: c, readOnly: true}",
				",\"persistentVolumeClaim\":{\"claimName\":\"c\",\"readOnly\":true}" },
		{ "persistentVolumeClaim: {claimName: v-p-0}",
				",\"persistentVolumeClaim\":{\"claimName\":\"v-p-0\"}" },
		{ "projected: {sources: [{clusterTrustBundle: {path: a}}]}", ",\"projected\":{}" },
		{ "secret: {secretName: s, items: []}", ",\"secret\":{\"secretName\":\"s\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases) + COUNT(after); i++) {
		bool first = i < COUNT(cases);
		const struct pair *pair = first ? &cases[i] : &after[i - COUNT(cases)];
		auto_free char *spec = xasprintf(
				"containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath:"
				" /v}]}], volumes: [{name: v%s%s}]",
				pair->text[0] ? ", " : "", pair->text);
		auto_free char *wanted = xasprintf("[{%s\"name\":\"v\"%s}]", first ? pair->wanted : "",
				first ? "" : pair->wanted);
		auto_seen struct seen seen = look_pod(spec);
		assert_has(&seen, json_object_get(seen.workload.spec, "volumes"), wanted);
	}
}

static void of_a_part_of_a_volume_stays_that_it_is_one(void **state)
{
	static const char *const parts[] = { "subPath: a/b", "subPathExpr: $(A)",
		"subPath: a/b, subPathExpr: ''" };

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		auto_free char *spec = xasprintf(
				"containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath:"
				" /v, %s}]}], volumes: [{name: v, configMap: {name: m}}]",
				parts[i]);
		auto_seen struct seen seen = look_pod(spec);
		const json_t *container =
				json_array_get(json_object_get(seen.workload.spec, "containers"), 0);
		assert_has(&seen, json_object_get(container, "volumeMounts"),
				"[{\"mountPath\":\"/v\",\"name\":\"v\",\"subPath\":true}]");
	}
}

static void a_claim_of_a_statefulsets_template_is_known(void **state)
{
	static const struct {
		const char *claim;
		bool of_template;
	} cases[] = { { "v-db-0", true }, { "v-db-12", true }, { "v-db-", false }, { "v-db", false },
		{ "v-db-0x", false }, { "w-db-0", false }, { "v-other-0", false }, { "xv-db-0", false } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"{kind: Pod, metadata: {name: db-0, ownerReferences: [{apiVersion: apps/v1, "
				"kind: StatefulSet,"
				" name: db, controller: true}]}, spec: {hostname: db-0, subdomain: db, "
				"containers: [{name: c,"
				" image: i, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v,"
				" persistentVolumeClaim: {claimName: %s}}]}}",
				cases[i].claim);
		auto_seen struct seen seen = look(text);
		const json_t *volume = json_array_get(json_object_get(seen.workload.spec, "volumes"), 0);
		assert_int_equal(seen.status, 0);
		assert_int_equal(
				json_object_get(volume, "volumeClaimTemplate") != NULL, cases[i].of_template);
		assert_null(json_object_get(seen.workload.spec, "hostname"));
		assert_null(json_object_get(seen.workload.spec, "subdomain"));
	}
}

/* As its controller gives it to them. */
static void containers_of_an_indexed_job_have_their_index(void **state)
{
#define INDEX(kind)                                                                       \
	"{name: JOB_COMPLETION_INDEX, valueFrom: {fieldRef: {fieldPath: \"metadata." kind \
	"['batch.kubernetes.io/job-completion-index']\"}}}"
	static const char added[] =
			"{\"name\":\"JOB_COMPLETION_INDEX\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":"
			"\"metadata.labels['batch.kubernetes.io/job-completion-index']\"}}}";
	static const struct {
		const char *mode, *env, *before;
		bool has;
	} cases[] = {
		{ "Indexed", "", "", true },
		{ "Indexed", "{name: A}", "{\"name\":\"A\",\"value\":\"\"},", true },
		{ "Indexed", INDEX("labels"), "", true },
		{ "Indexed", INDEX("annotations"), "", true },
		{ "Indexed", "{name: JOB_COMPLETION_INDEX, value: x}",
				"{\"name\":\"JOB_COMPLETION_INDEX\",\"value\":\"x\"}", false },
		{ "NonIndexed", "{name: A}", "{\"name\":\"A\",\"value\":\"\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"{kind: Job, metadata: {name: j}, spec: {completionMode: %s, template:"
				" {spec: {containers: [{name: c, image: i, env: [%s]}]}}}}",
				cases[i].mode, cases[i].env);
		auto_free char *wanted = xasprintf("[%s%s]", cases[i].before, cases[i].has ? added : "");
		auto_seen struct seen seen = look(text);
		const json_t *container =
				json_array_get(json_object_get(seen.workload.spec, "containers"), 0);
		assert_has(&seen, json_object_get(container, "env"), wanted);
	}
}

/* The token's volume, and only that, is not there. */
static void the_accounts_token_is_left_out(void **state)
{
	static const char token[] = "/var/run/secrets/kubernetes.io/serviceaccount";
	static const struct {
		const char *volume, *at;
		bool stays;
	} cases[] = {
		{ "name: kube-api-access-x2x9k, projected: {sources: []}", token, false },
		{ "name: kube-api-access-x2x9k, projected: {sources: []}", token + 1, false },
		{ "name: kube-api-access-x2x9k, projected: {}", "/elsewhere", true },
		{ "name: kube-api-access-x2x9k, emptyDir: {}", token, true },
		{ "name: kube-api-access, projected: {}", token, true },
		{ "name: mine, projected: {}", token, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *volume = NULL;
		auto_free char *object = xasprintf("{%s}", cases[i].volume);
		volume = yaml(object);
		auto_free char *spec = xasprintf(
				"containers: [{name: c, image: i, volumeMounts: [{name: %s, mountPath:"
				" %s, readOnly: true}]}], volumes: [{%s}]",
				json_text_at(volume, "name", NULL), cases[i].at, cases[i].volume);
		auto_seen struct seen seen = look_pod(spec);
		const json_t *container =
				json_array_get(json_object_get(seen.workload.spec, "containers"), 0);
		assert_int_equal(seen.status, 0);
		assert_int_equal(json_object_get(container, "volumeMounts") != NULL, cases[i].stays);
		assert_int_equal(json_object_get(seen.workload.spec, "volumes") != NULL, cases[i].stays);
	}
}

/* ---- labels and annotations ---- */

static void labels_and_annotations_count_where_they_are_read(void **state)
{
	static const struct {
		const char *field_path, *labels, *annotations;
	} cases[] = {
		{ "metadata.name", "{}", "{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.labels['a']", "{\"a\":\"1\"}", "{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.labels['absent']", "{}", "{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.labels['pod-template-hash']", "{}",
				"{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.labels['pod-template-hashes']", "{\"pod-template-hashes\":\"4\"}",
				"{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.annotations['b']", "{}",
				"{\"b\":\"2\",\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.annotations['cocoon.dev/digest']", "{}",
				"{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
		{ "metadata.annotations['io.katacontainers.config.hypervisor.default_vcpus']", "{}",
				"{\"io.katacontainers.fs-opt.layer\":\"x\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("{kind: Pod, metadata: {name: p, labels: {a: '1', "
						 "pod-template-hash: '3', pod-template-hashes:"
						 " '4'}, annotations: {b: '2', c: '3', cocoon.dev/digest: d, "
						 "io.katacontainers.fs-opt.layer: x,"
						 " io.katacontainers.config_path: /x, "
						 "io.katacontainers.config.hypervisor.default_vcpus: '2'}},"
						 " spec: {containers: [{name: c, image: i, env: [{name: E, "
						 "valueFrom: {fieldRef: {fieldPath:"
						 " \"%s\"}}}]}]}}",
				cases[i].field_path);
		auto_seen struct seen seen = look(text);
		assert_has(&seen, json_object_get(seen.workload.tree, "labels"), cases[i].labels);
		assert_has(&seen, json_object_get(seen.workload.tree, "annotations"), cases[i].annotations);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_container_stays_what_counts),
		cmocka_unit_test(of_the_environment_stays_where_values_come_from),
		cmocka_unit_test(of_a_pod_stays_what_counts),
		cmocka_unit_test(of_a_volume_stays_its_kind),
		cmocka_unit_test(of_a_part_of_a_volume_stays_that_it_is_one),
		cmocka_unit_test(a_claim_of_a_statefulsets_template_is_known),
		cmocka_unit_test(containers_of_an_indexed_job_have_their_index),
		cmocka_unit_test(the_accounts_token_is_left_out),
		cmocka_unit_test(labels_and_annotations_count_where_they_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
