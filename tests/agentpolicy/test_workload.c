/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agentpolicy/workload_rig.h"

#include <dirent.h>
#include <regex.h>

#define VECTORS "tests/vectors/agentpolicy/workloads/"

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	int status = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return !status;
}

static json_t *load(const char *folder, const char *name, const char *ending)
{
	auto_free char *path = xasprintf(VECTORS "%s%s%s", folder, name, ending);
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	struct err err = ERR_NONE;

	if (fs_read(path, &text, &err) < 0)
		fail_msg("%s", err.text);
	return yaml(buf_text(&text));
}

/* ---- what a real API server made of them ---- */

static const struct {
	const char *manifest, *live;
} recorded[] = {
	{ "cronjob", "cronjob-job" },
	{ "cronjob", "cronjob-pod" },
	{ "daemonset", "daemonset-pod" },
	{ "dated-job", "dated-job-pod" },
	{ "deployment", "deployment" },
	{ "deployment", "deployment-pod" },
	{ "deployment", "deployment-replicaset" },
	{ "generated-pod", "generated-pod-itself" },
	{ "indexed-job", "indexed-job" },
	{ "indexed-job", "indexed-job-pod-0" },
	{ "indexed-job", "indexed-job-pod-11" },
	{ "job", "job-pod" },
	{ "long-deployment", "long-deployment-pod" },
	{ "pod", "pod-itself" },
	{ "replicaset", "replicaset-pod" },
	{ "replicationcontroller", "replicationcontroller-pod" },
	{ "statefulset", "statefulset" },
	{ "statefulset", "statefulset-pod" },
};

static void a_manifest_and_its_pods_have_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(recorded); i++) {
		auto_json json_t *manifest = load("", recorded[i].manifest, ".yaml");
		auto_json json_t *live = load("live/", recorded[i].live, ".json");
		auto_seen struct seen written = look_at(manifest, NULL, false),
				      made = look_at(live, NULL, false);
		if (written.status || made.status)
			fail_msg("%s: %s%s", recorded[i].live, written.err.text, made.err.text);
		auto_free char *a = json_text(written.workload.tree, true);
		auto_free char *b = json_text(made.workload.tree, true);
		assert_string_equal(a, b);
		assert_string_equal(written.key, made.key);
		assert_string_equal(written.notes, "");
		const char *kind = json_text_at(live, "kind", NULL);
		if (!strcmp(kind, "Pod"))
			assert_true(matches(written.workload.sandbox,
					json_text_at(live, "metadata", "name", NULL)));
	}
}

/* Admission sees a pod before it has a name, a node, or a namespace of its own. */
static void a_pod_has_its_form_before_it_is_created(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(recorded); i++) {
		auto_json json_t *live = load("live/", recorded[i].live, ".json");
		json_t *meta = json_object_get(live, "metadata");
		if (strcmp(json_text_at(live, "kind", NULL), "Pod") != 0)
			continue;
		auto_seen struct seen before = look_at(live, NULL, false);
		if (json_object_get(meta, "generateName") && strcmp(recorded[i].manifest, "statefulset") != 0)
			json_object_del(meta, "name");
		json_object_del(meta, "uid");
		json_object_del(meta, "namespace");
		json_object_del(live, "status");
		struct agent_workload workload = AGENT_WORKLOAD_NONE;
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		const struct agent_reading reading = { .options = &before.options, .namespace = "shop" };
		assert_int_equal(agent_workload_read(live, &reading, &workload, &notes, NULL), 0);
		assert_true(json_equal(workload.tree, before.workload.tree));
		agent_workload_clear(&workload);
	}
}

/* No file of the folder is left out of the table. */
static void all_recordings_are_looked_at(void **state)
{
	size_t files = 0;
	DIR *folder = opendir(VECTORS "live");
	const struct dirent *entry;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		files += strstr(entry->d_name, ".json") != NULL;
	closedir(folder);
	assert_int_equal(files, COUNT(recorded));
}

/* What others add to a pod later, or by a webhook, as far as it does not change what runs. */
static void what_the_cluster_adds_does_not_count(void **state)
{
	static const char *const additions[] = {
		"{metadata: {annotations: {cocoon.dev/profile: p, cni.projectcalico.org/podIP: 10.0.0.1/32,"
		" io.katacontainers.config.hypervisor.cc_init_data: H4sI, io.containerd.cri.runtime-handler: "
		"kata-qemu-snp,"
		" k8s.v1.cni.cncf.io/network-status: '[]', kubernetes.io/limit-ranger: set}}}",
		"{metadata: {labels: {topology.kubernetes.io/zone: a, security.istio.io/tlsMode: istio}}}",
		"{metadata: {finalizers: [x], resourceVersion: '5', deletionTimestamp: "
		"'2026-01-02T03:04:05Z'}}",
		"{spec: {schedulingGates: [{name: cocoon.dev/init-data}], nodeName: n2, nodeSelector: {a: "
		"b}}}",
		"{spec: {priority: 0, priorityClassName: x, preemptionPolicy: Never, overhead: {memory: "
		"1Gi}}}",
		"{spec: {imagePullSecrets: [{name: pull}], dnsConfig: {options: [{name: edns0}]}, "
		"hostAliases: []}}",
		"{spec: {ephemeralContainers: [], hostPID: false, hostIPC: false, resourceClaims: null}}",
		"{status: {phase: Running}}",
	};

	(void)state;
	auto_json json_t *live = load("live/", "deployment-pod", ".json");
	auto_seen struct seen before = look_at(live, NULL, false);
	for (size_t i = 0; i < COUNT(additions); i++) {
		auto_json json_t *changed = json_deep_copy(live);
		auto_json json_t *addition = yaml(additions[i]);
		json_object_update_recursive(changed, addition);
		auto_seen struct seen after = look_at(changed, NULL, false);
		if (after.status || strcmp(after.key, before.key) != 0)
			fail_msg("%s: %s", additions[i], after.notes);
	}
}

static void the_order_of_volumes_does_not_count(void **state)
{
	(void)state;
	auto_json json_t *live = load("live/", "statefulset-pod", ".json");
	auto_seen struct seen before = look_at(live, NULL, false);
	json_t *volumes = json_object_get(json_object_get(live, "spec"), "volumes");
	for (size_t i = 0; i + 1 < json_array_size(volumes); i++) {
		json_t *first = json_incref(json_array_get(volumes, 0));
		json_array_remove(volumes, 0);
		json_array_append_new(volumes, first);
		auto_seen struct seen after = look_at(live, NULL, false);
		assert_string_equal(after.key, before.key);
	}
}

/* ---- keys ---- */

static void a_key_follows_what_counts(void **state)
{
	static const char base[] =
			"{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: lab}, spec: {containers:"
			" [{name: c, image: i}]}}";
	static const char *const changes[] = {
		"{metadata: {name: q}}",
		"{metadata: {namespace: shop}}",
		"{metadata: {annotations: {io.katacontainers.fs-opt.layer: a}}}",
		"{spec: {runtimeClassName: kata}}",
		"{spec: {hostNetwork: true}}",
		"{spec: {shareProcessNamespace: true}}",
		"{spec: {hostname: h}}",
		"{spec: {subdomain: s}}",
		"{spec: {setHostnameAsFQDN: true}}",
		"{spec: {serviceAccountName: s}}",
		"{spec: {enableServiceLinks: false}}",
		"{spec: {automountServiceAccountToken: false}}",
		"{spec: {securityContext: {runAsUser: 0}}}",
		"{spec: {securityContext: {fsGroup: 0}}}",
		"{spec: {containers: [{name: d, image: i}]}}",
		"{spec: {containers: [{name: c, image: j}]}}",
		"{spec: {initContainers: [{name: d, image: i}]}}",
		"{spec: {initContainers: [{name: d, image: i, restartPolicy: Always}]}}",
	};
	auto_json json_t *first = yaml(base);
	auto_seen struct seen before = look_at(first, NULL, false),
			      debug = look_at(first, "{mode: Debug}", false);
	auto_json json_t *keys = json_object();

	(void)state;
	assert_int_equal(strlen(before.key), AGENT_KEY_LEN);
	assert_int_equal(strspn(before.key, "0123456789abcdef"), AGENT_KEY_LEN);
	json_object_set_new(keys, before.key, json_true());
	json_object_set_new(keys, debug.key, json_true());
	for (size_t i = 0; i < COUNT(changes); i++) {
		auto_json json_t *changed = json_deep_copy(first);
		auto_json json_t *change = yaml(changes[i]);
		json_object_update_recursive(changed, change);
		auto_seen struct seen after = look_at(changed, NULL, false);
		if (after.status)
			fail_msg("%s", after.err.text);
		json_object_set_new(keys, after.key, json_true());
	}
	assert_int_equal(json_object_size(keys), COUNT(changes) + 2);
}

static void options_that_say_the_default_do_not_change_a_key(void **state)
{
	auto_json json_t *pod = load("", "pod", ".yaml");
	auto_seen struct seen none = look_at(pod, NULL, false),
			      strict = look_at(pod, "{mode: Strict, allow: {}}", false);
	const struct agent_options unread = AGENT_OPTIONS_NONE;
	char key[AGENT_KEY_LEN + 1];

	(void)state;
	assert_string_equal(none.key, strict.key);
	agent_key(&none.workload, &unread, key);
	assert_string_equal(none.key, key);
}

/* ---- kinds ---- */

static void tells_what_holds_no_pods(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "{}", ERR_NOT_FOUND },
		{ "{kind: 5}", ERR_NOT_FOUND },
		{ "{apiVersion: v1, kind: ConfigMap}", ERR_NOT_FOUND },
		{ "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, spec: {}}", ERR_NOT_FOUND },
		{ "{apiVersion: v1, kind: Deployment, spec: {}}", ERR_NOT_FOUND },
		{ "{apiVersion: v1, kind: pod, spec: {}}", ERR_NOT_FOUND },
		{ "[]", ERR_FORMAT },
		{ "text", ERR_FORMAT },
		{ "{apiVersion: v1, kind: Pod}", ERR_FORMAT },
		{ "{apiVersion: v1, kind: Pod, spec: []}", ERR_FORMAT },
		{ "{kind: Pod, spec: null}", ERR_FORMAT },
		{ "{apiVersion: apps/v1, kind: Deployment}", ERR_FORMAT },
		{ "{apiVersion: apps/v1, kind: Deployment, spec: {template: []}}", ERR_FORMAT },
		{ "{apiVersion: apps/v1, kind: Deployment, spec: {template: {}}}", ERR_FORMAT },
		{ "{apiVersion: batch/v1, kind: CronJob, spec: {template: {spec: {}}}}", ERR_FORMAT },
		{ "{apiVersion: v1, kind: PodTemplate, spec: {}}", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_seen struct seen seen = look(cases[i].text);
		assert_int_equal(seen.status, -1);
		if (seen.err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].text, seen.err.text);
		assert_string_equal(seen.notes, "");
		assert_null(seen.workload.tree);
	}
}

static void knows_the_place_of_each_kinds_template(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "{kind: Pod, metadata: {name: a}, spec: {x: 1}}", "spec" },
		{ "{kind: Deployment, metadata: {name: a}, spec: {template: {spec: {x: 1}}}}",
				"spec.template.spec" },
		{ "{kind: ReplicaSet, metadata: {name: a}, spec: {template: {spec: {x: 1}}}}",
				"spec.template.spec" },
		{ "{kind: StatefulSet, metadata: {name: a}, spec: {template: {spec: {x: 1}}}}",
				"spec.template.spec" },
		{ "{kind: DaemonSet, metadata: {name: a}, spec: {template: {spec: {x: 1}}}}",
				"spec.template.spec" },
		{ "{kind: ReplicationController, metadata: {name: a}, spec: {template: {spec: {x: 1}}}}",
				"spec.template.spec" },
		{ "{kind: Job, metadata: {name: a}, spec: {template: {spec: {x: 1}}}}",
				"spec.template.spec" },
		{ "{kind: CronJob, metadata: {name: a}, spec: {jobTemplate: {spec: {template: {spec: {x: "
		  "1}}}}}}",
				"spec.jobTemplate.spec.template.spec" },
		{ "{kind: PodTemplate, metadata: {name: a}, template: {spec: {x: 1}}}", "template.spec" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_seen struct seen seen = look(cases[i].text);
		auto_free char *wanted = xasprintf("error %s: there is no field 'x'\n", cases[i].path);
		assert_int_equal(seen.err.kind, ERR_DENIED);
		assert_noted(&seen, wanted);
		auto_json json_t *object = yaml(cases[i].text);
		json_t *spec = object;
		for (struct span rest = span_of(cases[i].path), step; span_next(&rest, '.', &step);)
			spec = json_object_getn(spec, step.ptr, step.len);
		auto_json json_t *good = yaml("{containers: [{name: c, image: i}]}");
		json_object_clear(spec);
		json_object_update(spec, good);
		auto_seen struct seen fine = look_at(object, NULL, false);
		assert_int_equal(fine.status, 0);
		assert_string_equal(fine.workload.path, cases[i].path);
	}
}

static void a_pods_workload_is_its_controllers(void **state)
{
	/* labels, owner, then kind and name */
	static const struct {
		const char *labels, *owner, *kind, *name;
	} cases[] = {
		{ "pod-template-hash: h", "apiVersion: apps/v1, kind: ReplicaSet, name: web-h", "Deployment",
				"web" },
		{ "pod-template-hash: g", "apiVersion: apps/v1, kind: ReplicaSet, name: web-h", "ReplicaSet",
				"web-h" },
		{ "pod-template-hash: web-h", "apiVersion: apps/v1, kind: ReplicaSet, name: web-h",
				"ReplicaSet", "web-h" },
		{ "", "apiVersion: apps/v1, kind: ReplicaSet, name: web-h", "ReplicaSet", "web-h" },
		{ "", "apiVersion: apps/v1, kind: StatefulSet, name: db", "StatefulSet", "db" },
		{ "", "apiVersion: apps/v1, kind: DaemonSet, name: d", "DaemonSet", "d" },
		{ "", "apiVersion: v1, kind: ReplicationController, name: r", "ReplicationController", "r" },
		{ "", "apiVersion: batch/v1, kind: Job, name: j", "Job", "j" },
		{ "", "apiVersion: batch/v1, kind: Job, name: j-1234567", "Job", "j-1234567" },
		{ "", "apiVersion: batch/v1, kind: Job, name: j-12345678", "CronJob", "j" },
		{ "", "apiVersion: batch/v1, kind: Job, name: j-123456789", "Job", "j-123456789" },
		{ "", "apiVersion: batch/v1, kind: Job, name: '-12345678'", "Job", "-12345678" },
		{ "", "apiVersion: v1, kind: Node, name: n1", "Pod", "p" },
		{ "", "apiVersion: tekton.dev/v1, kind: TaskRun, name: t", "Pod", "p" },
		{ "", "apiVersion: other/v1, kind: Job, name: t", "Pod", "p" },
		{ "", "apiVersion: other/v1, kind: StatefulSet, name: t", "Pod", "p" },
		{ "", "kind: Job, name: t", "Pod", "p" },
		{ "", "apiVersion: v1, kind: ReplicationController", "Pod", "p" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf("{kind: Pod, metadata: {name: p, labels: {%s}, "
						 "ownerReferences: [{kind: Job, apiVersion:"
						 " batch/v1, name: other}, {%s, controller: true}]}, spec: "
						 "{containers: [{name: c,"
						 " image: i}]}}",
				cases[i].labels, cases[i].owner);
		auto_seen struct seen seen = look(text);
		assert_int_equal(seen.status, 0);
		assert_string_equal(seen.workload.kind, cases[i].kind);
		assert_string_equal(seen.workload.name, cases[i].name);
	}
}

static void a_generated_name_is_known_by_its_stem(void **state)
{
	static const struct {
		const char *meta, *name, *sandbox;
	} cases[] = {
		{ "generateName: run-", "run-", "^run-[bcdfghjklmnpqrstvwxz2456789]{5}$" },
		{ "generateName: run-, name: run-abcde", "run-", "^run-[bcdfghjklmnpqrstvwxz2456789]{5}$" },
		{ "generateName: run., name: run.abcde", "run.", "^run\\.[bcdfghjklmnpqrstvwxz2456789]{5}$" },
		{ "generateName: run-, name: other", "other", "^other$" },
		{ "generateName: run-, name: run-abcdef", "run-abcdef", "^run-abcdef$" },
		{ "generateName: '', name: a.b", "a.b", "^a\\.b$" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"{kind: Pod, metadata: {%s}, spec: {containers: [{name: c, image: i}]}}",
				cases[i].meta);
		auto_seen struct seen seen = look(text);
		assert_int_equal(seen.status, 0);
		assert_string_equal(seen.workload.name, cases[i].name);
		assert_string_equal(seen.workload.sandbox, cases[i].sandbox);
	}
}

static void refuses_names_that_no_object_has(void **state)
{
	static const char *const cases[] = { "{}", "{name: ''}", "{name: A}", "{name: 'a#b'}",
		"{name: 'a b'}", "{name: 'a|b'}", "{generateName: '.*'}", "{name: 5}" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"{kind: Pod, metadata: %s, spec: {containers: [{name: c, image: i}]}}",
				cases[i]);
		auto_seen struct seen seen = look(text);
		assert_int_equal(seen.err.kind, ERR_DENIED);
		assert_noted(&seen, "error metadata: needs a name");
	}
}

static void the_namespace_is_the_objects_own_or_the_readers(void **state)
{
	auto_json json_t *own =
			yaml("{kind: Pod, metadata: {name: p, namespace: own}, spec: {containers: [{name: c,"
			     " image: i}]}}");
	auto_json json_t *none =
			yaml("{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}");
	const struct {
		const json_t *object;
		const char *given, *wanted;
	} cases[] = { { own, NULL, "own" }, { own, "given", "own" }, { none, "given", "given" },
		{ none, NULL, "" } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_agent_workload struct agent_workload workload = AGENT_WORKLOAD_NONE;
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		const struct agent_reading reading = { .namespace = cases[i].given };
		assert_int_equal(agent_workload_read(cases[i].object, &reading, &workload, &notes, NULL), 0);
		assert_string_equal(workload.namespace, cases[i].wanted);
	}
}

static void a_pod_template_warns_that_any_name_is_allowed(void **state)
{
	auto_seen struct seen seen =
			look("{kind: PodTemplate, metadata: {name: a}, template: {spec: {containers: [{name:"
			     " c, image: i}]}}}");

	(void)state;
	assert_int_equal(seen.status, 0);
	assert_noted(&seen, "warning metadata: a PodTemplate does not say");
	assert_true(matches(seen.workload.sandbox, "whatever.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_and_its_pods_have_one_form),
		cmocka_unit_test(a_pod_has_its_form_before_it_is_created),
		cmocka_unit_test(all_recordings_are_looked_at),
		cmocka_unit_test(what_the_cluster_adds_does_not_count),
		cmocka_unit_test(the_order_of_volumes_does_not_count),
		cmocka_unit_test(a_key_follows_what_counts),
		cmocka_unit_test(options_that_say_the_default_do_not_change_a_key),
		cmocka_unit_test(tells_what_holds_no_pods),
		cmocka_unit_test(knows_the_place_of_each_kinds_template),
		cmocka_unit_test(a_pods_workload_is_its_controllers),
		cmocka_unit_test(a_generated_name_is_known_by_its_stem),
		cmocka_unit_test(refuses_names_that_no_object_has),
		cmocka_unit_test(the_namespace_is_the_objects_own_or_the_readers),
		cmocka_unit_test(a_pod_template_warns_that_any_name_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
